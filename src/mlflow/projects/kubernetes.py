"""Projects as jobs of Kubernetes: an image is built and pushed, and a job made from a template.

What the template says stays, but for the job's name and what its first container runs.
"""

from __future__ import annotations

import copy
import logging
import os
import re
import shlex
import threading
import time
from datetime import datetime, timezone
from typing import Any

from mlflow.entities import Run, RunStatus
from mlflow.exceptions import ExecutionException
from mlflow.projects import docker
from mlflow.projects.cluster import Cluster
from mlflow.projects.submitted_run import SubmittedRun, end_run
from mlflow.projects.utils import (
    MLFLOW_LOCAL_BACKEND_RUN_ID_CONFIG,
    PROJECT_DOCKER_AUTH,
    PROJECT_STORAGE_DIR,
    fetch_and_validate_project,
    fill_entry_point,
    get_or_create_run,
    get_run_env_vars,
    load_project,
)
from mlflow.utils import safe_yaml
from mlflow.utils.mlflow_tags import MLFLOW_PROJECT_BACKEND, MLFLOW_PROJECT_ENV

_logger = logging.getLogger(__name__)

_LONGEST_NAME = 63
#: Where runs are kept, as a job sees it, if it sees it otherwise than this process.
_TRACKING_URI = "KUBE_MLFLOW_TRACKING_URI"
_CONTEXT, _REPOSITORY, _TEMPLATE = "kube-context", "repository-uri", "kube-job-template-path"


def run(
    uri: str,
    entry_point: str,
    version: str | None,
    params: dict[str, Any],
    experiment_id: str,
    config: dict[str, Any],
) -> KubernetesSubmittedRun:
    """Start a project as a job.

    Args:
        config: Has `repository-uri`, where the image goes, and `kube-job-template-path`; may have
            `kube-context`.

    Raises:
        ExecutionException: It could not be started. A run that was made for it is then FAILED.
    """
    from mlflow.tracking.client import MlflowClient

    repository, template = _checked(config)
    cluster = config.get(_CONTEXT)
    Cluster(cluster)  # a mistake in the configuration is seen before an image is built
    work_dir = fetch_and_validate_project(uri, version, entry_point, params)
    project = load_project(work_dir)
    docker.validate_docker_env(project)
    docker.validate_docker_installation()
    active = get_or_create_run(
        config.get(MLFLOW_LOCAL_BACKEND_RUN_ID_CONFIG),
        uri,
        experiment_id,
        work_dir,
        version,
        entry_point,
        params,
    )
    run_id = active.info.run_id
    try:
        client = MlflowClient()
        client.set_tag(run_id, MLFLOW_PROJECT_ENV, "docker")
        client.set_tag(run_id, MLFLOW_PROJECT_BACKEND, "kubernetes")
        image = docker.build_docker_image(
            work_dir=work_dir,
            repository_uri=repository,
            base_image=str(project.docker_env["image"]),
            run_id=run_id,
            build_image=True,
            docker_auth=config.get(PROJECT_DOCKER_AUTH),
        )
        digest = push_image_to_registry(image.tags[0])
        storage = config.get(PROJECT_STORAGE_DIR)
        return run_kubernetes_job(
            project.name,
            active,
            image.tags[0],
            digest,
            [shlex.join(fill_entry_point(project, entry_point, params, storage).words())],
            get_run_env_vars(run_id, active.info.experiment_id),
            cluster,
            template,
        )
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt)
        end_run(run_id, RunStatus.KILLED if stopped else RunStatus.FAILED)
        raise


def _checked(config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    for key in (_REPOSITORY, _TEMPLATE):
        if not config.get(key):
            raise ExecutionException(
                f"The configuration of the backend 'kubernetes' must have '{key}'; it has "
                f"{sorted(k for k in config if k.startswith(('kube', 'repository')))}."
            )
    path = config[_TEMPLATE]
    try:
        template = safe_yaml.load_file(path)
    except OSError as error:
        raise ExecutionException(f"'{_TEMPLATE}' cannot be read: {error}") from error
    _first_container(template)
    return config[_REPOSITORY], template


def _first_container(template: Any) -> dict[str, Any]:
    try:
        return template["spec"]["template"]["spec"]["containers"][0]
    except (KeyError, IndexError, TypeError):
        raise ExecutionException(
            "The template of a Kubernetes job must have spec.template.spec.containers with a "
            "container."
        ) from None


def push_image_to_registry(image_tag: str) -> str:
    """Push an image; its digest there."""
    _logger.info("=== Pushing docker image %s ===", image_tag)
    docker._docker("push", "--", image_tag, shown=True)
    said = docker._docker("image", "inspect", "--format={{json .RepoDigests}}", "--", image_tag)
    found = re.search(r"@(sha256:[0-9a-f]+)", said)
    if found is None:
        raise ExecutionException(f"docker knows no digest of '{image_tag}' after pushing it.")
    return found[1]


def run_kubernetes_job(
    project_name: str,
    active_run: Run,
    image_tag: str,
    image_digest: str,
    command: list[str],
    env_vars: dict[str, str],
    kube_context: str | None = None,
    job_template: dict[str, Any] | None = None,
) -> KubernetesSubmittedRun:
    """Start a job that runs a command in an image.

    Args:
        command: Commands of a shell.
        env_vars: Variables for it.
        kube_context: Which cluster and user of the kubeconfig; its current one by default, or the
            cluster that this process runs in.
        job_template: What the job is made of.
    """
    job = _job(project_name, image_tag, image_digest, command, env_vars, job_template or {})
    cluster = Cluster(kube_context)
    namespace = str(job["metadata"].setdefault("namespace", cluster.namespace))
    name = job["metadata"]["name"]
    cluster.create_job(namespace, job)
    _logger.info("=== Job %s of namespace %s is made ===", name, namespace)
    submitted = KubernetesSubmittedRun(active_run.info.run_id, name, namespace)
    submitted._cluster = cluster
    return submitted


def _job(
    project_name: str,
    image_tag: str,
    image_digest: str,
    command: list[str],
    env_vars: dict[str, str],
    template: dict[str, Any],
) -> dict[str, Any]:
    """The job: the template with a name, image, command and variables."""
    _first_container(template)
    job = copy.deepcopy(template)
    made = datetime.now(timezone.utc).strftime("%Y-%m-%d-%H-%M-%S-%f")
    plain = re.sub(r"[^a-z0-9-]+", "-", project_name.lower()).strip("-") or "project"
    plain = plain[: _LONGEST_NAME - len(made) - 1].rstrip("-")
    job.setdefault("apiVersion", "batch/v1")
    job.setdefault("kind", "Job")
    job["metadata"] = {**(job.get("metadata") or {}), "name": f"{plain}-{made}"}
    container = _first_container(job)
    container["name"] = plain
    container["image"] = f"{image_tag}@{image_digest}"
    container["command"] = [word for each in command for word in shlex.split(each)]
    variables = dict(env_vars)
    if elsewhere := os.environ.get(_TRACKING_URI):
        variables["MLFLOW_TRACKING_URI"] = elsewhere
    said = [each for each in container.get("env") or () if each.get("name") not in variables]
    container["env"] = [*said, *({"name": k, "value": v} for k, v in variables.items())]
    return job


class KubernetesSubmittedRun(SubmittedRun):
    """A run that is a job of Kubernetes.

    Args:
        mlflow_run_id: The run that it logs to.
    """

    POLL_STATUS_INTERVAL = 5
    """Seconds between two looks at the job."""

    def __init__(self, mlflow_run_id: str, job_name: str, job_namespace: str):
        super().__init__()
        self._mlflow_run_id = mlflow_run_id
        self._job_name = job_name
        self._job_namespace = job_namespace
        self._status = RunStatus.SCHEDULED
        self._lock = threading.Lock()
        self._cluster: Cluster | None = None

    @property
    def run_id(self) -> str:
        return self._mlflow_run_id

    def wait(self) -> bool:
        while not RunStatus.is_terminated(self._look()):
            time.sleep(self.POLL_STATUS_INTERVAL)
        return self._status == RunStatus.FINISHED

    def get_status(self) -> str:
        return RunStatus.to_string(self._look())

    def _look(self) -> int:
        with self._lock:
            if not RunStatus.is_terminated(self._status):
                job = self._cluster_of().read_job(self._job_namespace, self._job_name)
                self._status = _status_of(job.get("status") or {})
            return self._status

    def _cluster_of(self) -> Cluster:
        self._cluster = self._cluster or Cluster()
        return self._cluster

    def cancel(self) -> None:
        with self._lock:
            if RunStatus.is_terminated(self._status):
                return
            self._cluster_of().delete_job(self._job_namespace, self._job_name)
            self._status = RunStatus.KILLED
        end_run(self._mlflow_run_id, RunStatus.KILLED)


def _status_of(status: dict[str, Any]) -> int:
    for condition in status.get("conditions") or ():
        if condition.get("status") == "True" and condition.get("type") in ("Complete", "Failed"):
            complete = condition["type"] == "Complete"
            return RunStatus.FINISHED if complete else RunStatus.FAILED
    return RunStatus.RUNNING if status.get("active") else RunStatus.SCHEDULED
