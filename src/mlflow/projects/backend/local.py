"""The backend of this machine: a process here, in an environment made for it or in a container."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from typing import Any

from mlflow.entities import Run, RunStatus
from mlflow.exceptions import ExecutionException
from mlflow.projects import docker, env_type, environments
from mlflow.projects._project_spec import Project, load_project
from mlflow.projects.backend.abstract_backend import AbstractBackend
from mlflow.projects.submitted_run import LocalSubmittedRun, SubmittedRun, end_run
from mlflow.projects.utils import (
    MLFLOW_LOCAL_BACKEND_RUN_ID_CONFIG,
    PROJECT_BUILD_IMAGE,
    PROJECT_DOCKER_ARGS,
    PROJECT_DOCKER_AUTH,
    PROJECT_ENV_MANAGER,
    PROJECT_STORAGE_DIR,
    PROJECT_SYNCHRONOUS,
    fetch_and_validate_project,
    fill_entry_point,
    get_or_create_run,
    get_run_env_vars,
)
from mlflow.utils import env_manager as managers
from mlflow.utils.mlflow_tags import MLFLOW_PROJECT_BACKEND, MLFLOW_PROJECT_ENV

_logger = logging.getLogger(__name__)


class LocalBackend(AbstractBackend):
    """Runs projects on this machine."""

    def run(
        self,
        project_uri: str,
        entry_point: str,
        params: dict[str, Any],
        version: str | None,
        backend_config: dict[str, Any],
        tracking_uri: str,
        experiment_id: str,
    ) -> SubmittedRun:
        """See `AbstractBackend.run`. What fails after the run was made ends it as FAILED."""
        from mlflow.tracking.client import MlflowClient

        work_dir = fetch_and_validate_project(project_uri, version, entry_point, params)
        project = load_project(work_dir)
        run_id = backend_config.get(MLFLOW_LOCAL_BACKEND_RUN_ID_CONFIG)
        run = get_or_create_run(
            run_id, project_uri, experiment_id, work_dir, version, entry_point, params
        )
        try:
            client = MlflowClient()
            client.set_tag(run.info.run_id, MLFLOW_PROJECT_BACKEND, "local")
            if not backend_config.get(PROJECT_SYNCHRONOUS, True):
                return _in_background(work_dir, entry_point, params, run, backend_config)
            argv, variables = _command(project, work_dir, entry_point, params, run, backend_config)
            return LocalSubmittedRun(run.info.run_id, _started(argv, variables, work_dir))
        except KeyboardInterrupt:
            end_run(run.info.run_id, RunStatus.KILLED)
            raise
        except BaseException:
            end_run(run.info.run_id, RunStatus.FAILED)
            raise


def _command(
    project: Project,
    work_dir: str,
    entry_point: str,
    params: dict[str, Any],
    run: Run,
    config: dict[str, Any],
) -> tuple[list[str], dict[str, str]]:
    """What to run, and the variables that it must have besides those of this process."""
    from mlflow.tracking.client import MlflowClient

    run_id, storage = run.info.run_id, config.get(PROJECT_STORAGE_DIR)
    command = fill_entry_point(project, entry_point, params, storage)
    variables = get_run_env_vars(run_id, run.info.experiment_id)
    if project.env_type == env_type.DOCKER:
        argv, more = docker.prepare(
            project,
            work_dir,
            run,
            command,
            docker_args=config.get(PROJECT_DOCKER_ARGS),
            build_image=bool(config.get(PROJECT_BUILD_IMAGE)),
            docker_auth=config.get(PROJECT_DOCKER_AUTH),
        )
        shown = " ".join(argv)
        if _is_kept():
            _logger.warning("Runs in containers are not kept; run %s cannot be run again.", run_id)
    else:
        manager = environments.manager_of(project, config.get(PROJECT_ENV_MANAGER))
        if manager != "local":
            MlflowClient().set_tag(run_id, MLFLOW_PROJECT_ENV, manager)
        program, values = command.program()
        argv, more = environments.enter(project, work_dir, manager, program)
        variables.update(values)
        if _is_kept():
            said = {"entry_point": entry_point, "parameters": params, "environment": manager}
            _capture(run_id, work_dir, said, project, more)
        shown = command.shown
    _logger.info("=== Running command '%s' in run with ID '%s' === ", shown, run_id)
    return argv, {**variables, **more}


def _is_kept() -> bool:
    """Whether runs keep what it takes to run them again."""
    if "HEADRACE_REPRODUCIBLE" not in os.environ:
        return False  # nor is the module imported
    from mlflow.reproducibility.capture import HEADRACE_REPRODUCIBLE

    return HEADRACE_REPRODUCIBLE.get()


def _capture(
    run_id: str, work_dir: str, said: dict[str, Any], project: Project, variables: dict[str, str]
) -> None:
    """Keep with the run what it takes to run it again."""
    from mlflow.reproducibility.capture import capture_project
    from mlflow.tracking.client import MlflowClient

    path = variables.get("PATH", os.environ.get("PATH"))
    python = [shutil.which("python", path=path) or sys.executable]
    if said["environment"] == managers.CONDA:
        python, _ = environments.enter(project, work_dir, managers.CONDA, ["python"])
    said["parameters"] = {str(name): str(value) for name, value in said["parameters"].items()}
    capture_project(MlflowClient(), run_id, work_dir, said, python)


def _started(argv: list[str], variables: dict[str, str], work_dir: str) -> subprocess.Popen:
    environment = {**os.environ, **variables}
    if shutil.which("python", path=environment.get("PATH")) is None:
        folders = [os.path.dirname(sys.executable), environment.get("PATH", "")]
        environment["PATH"] = os.pathsep.join(filter(None, folders))
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()  # before what the command says
    try:
        return subprocess.Popen(argv, cwd=work_dir, env=environment)
    except OSError as error:  # such as a value that is longer than a program may be given
        longest = max((*argv, *variables.values()), key=len)
        raise ExecutionException(
            f"The command cannot be started: {error.strerror}. The longest of what it is given "
            f"begins with {longest[:80]!r} and has {len(longest)} characters."
        ) from error


def _in_background(
    work_dir: str, entry_point: str, params: dict[str, Any], run: Run, config: dict[str, Any]
) -> LocalSubmittedRun:
    """A process of ours that runs the project; it goes on when this one ends."""
    _logger.info("=== Asynchronously launching MLflow run with ID %s ===", run.info.run_id)
    argv = [sys.executable, "-m", "mlflow", "run", f"--run-id={run.info.run_id}"]
    argv += [f"--entry-point={entry_point}", f"--experiment-id={run.info.experiment_id}"]
    argv += [f"--param-list={name}={value}" for name, value in params.items()]
    for name, value in (config.get(PROJECT_DOCKER_ARGS) or {}).items():
        argv.append(f"--docker-args={name}" if value is True else f"--docker-args={name}={value}")
    for option, key in (("env-manager", PROJECT_ENV_MANAGER), ("storage-dir", PROJECT_STORAGE_DIR)):
        argv += [f"--{option}={config[key]}"] if config.get(key) else []
    argv += ["--build-image"] if config.get(PROJECT_BUILD_IMAGE) else []
    if auth := config.get(PROJECT_DOCKER_AUTH):
        # Not on the command line, which everybody on this machine can read.
        docker.log_in(auth)
    argv += ["--", work_dir]
    environment = {**os.environ, **get_run_env_vars(run.info.run_id, run.info.experiment_id)}
    for name in ("MLFLOW_EXPERIMENT_NAME", "MLFLOW_TMP_DIR"):
        environment.pop(name, None)
    process = subprocess.Popen(argv, env=environment, start_new_session=True)
    return LocalSubmittedRun(run.info.run_id, process)


def configuration(text: str) -> dict[str, Any]:
    """A backend's configuration from JSON text, or from a file whose name ends in `.json`.

    Raises:
        ValueError: It is no JSON, or no object.
        OSError: The file cannot be read.
    """
    if os.path.splitext(text)[-1] == ".json":
        with open(text, encoding="utf-8") as file:
            text = file.read()
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError(f"an object is needed, such as {{}}; this is {found!r}")
    return found
