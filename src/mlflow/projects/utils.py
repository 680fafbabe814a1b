"""Steps of running a project, for backends and plug-ins: fetch it, make a run, make its command."""

from __future__ import annotations

import logging
import os
import tempfile
from typing import Any

from mlflow.entities import Param, Run, SourceType
from mlflow.environment_variables import MLFLOW_EXPERIMENT_ID, MLFLOW_RUN_ID, MLFLOW_TRACKING_URI
from mlflow.exceptions import MlflowException
from mlflow.projects import fetch
from mlflow.projects._project_spec import Project, load_project
from mlflow.projects.command import Command
from mlflow.utils import git_utils
from mlflow.utils.mlflow_tags import (
    MLFLOW_GIT_BRANCH,
    MLFLOW_GIT_COMMIT,
    MLFLOW_GIT_REPO_URL,
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_PROJECT_ENTRY_POINT,
    MLFLOW_SOURCE_NAME,
    MLFLOW_SOURCE_TYPE,
    MLFLOW_USER,
)

_logger = logging.getLogger(__name__)

GIT_FETCH_DEPTH = 1
MLFLOW_DOCKER_WORKDIR_PATH = "/mlflow/projects/code/"
MLFLOW_LOCAL_BACKEND_RUN_ID_CONFIG = "_mlflow_local_backend_run_id"

# Keys of a backend's configuration, beside those that its user gives
PROJECT_BUILD_IMAGE = "build_image"
PROJECT_DOCKER_ARGS = "DOCKER_ARGS"
PROJECT_DOCKER_AUTH = "docker_auth"
PROJECT_ENV_MANAGER = "ENV_MANAGER"
PROJECT_STORAGE_DIR = "STORAGE_DIR"
PROJECT_SYNCHRONOUS = "SYNCHRONOUS"
PROJECT_USE_CONDA = "USE_CONDA"

__all__ = [
    "fetch_and_validate_project",
    "get_entry_point_command",
    "get_or_create_run",
    "get_run_env_vars",
    "load_project",
]


def fetch_and_validate_project(
    uri: str, version: str | None, entry_point: str, parameters: dict[str, Any] | None
) -> str:
    """The folder of a project that has this entry point, which could take these parameters.

    Raises:
        ExecutionException: There is no such project, version or entry point, or a parameter
            without a default is missing.
    """
    work_dir = fetch.fetch_project(uri, version)
    project = load_project(work_dir)
    if project.databricks_spark_job_spec is None:
        point = project.get_entry_point(entry_point)
        point._validate_parameters(parameters or {})
    return work_dir


def get_or_create_run(
    run_id: str | None,
    uri: str,
    experiment_id: str,
    work_dir: str,
    version: str | None,
    entry_point: str,
    parameters: dict[str, Any] | None,
) -> Run:
    """The run of this id; without one, a new run that says where its code is from and has the
    project's parameters."""
    from mlflow.tracking.client import MlflowClient

    client = MlflowClient()
    if run_id:
        return client.get_run(run_id)
    return _create_run(uri, experiment_id, work_dir, version, entry_point, parameters)


def _create_run(
    uri: str,
    experiment_id: str,
    work_dir: str,
    version: str | None,
    entry_point: str,
    parameters: dict[str, Any] | None,
) -> Run:
    from mlflow.tracking import fluent
    from mlflow.tracking.client import MlflowClient
    from mlflow.tracking.context.default_context import _get_user
    from mlflow.utils.validation import _validate_param

    point = load_project(work_dir).get_entry_point(entry_point)
    logged = point.logged_values(parameters)
    for name, value in logged.items():
        _validate_param(name, value)
    tags = {
        MLFLOW_USER: _get_user(),
        MLFLOW_SOURCE_NAME: fetch.source_name(uri),
        MLFLOW_SOURCE_TYPE: SourceType.to_string(SourceType.PROJECT),
        MLFLOW_PROJECT_ENTRY_POINT: entry_point,
        **_git_tags(work_dir, version),
    }
    if active := fluent.active_run():
        tags[MLFLOW_PARENT_RUN_ID] = active.info.run_id
    client = MlflowClient()
    run = client.create_run(experiment_id, tags=tags)
    if logged:
        params = [Param(name, value) for name, value in logged.items()]
        client.log_batch(run.info.run_id, params=params, synchronous=True)
    return client.get_run(run.info.run_id)


def _git_tags(work_dir: str, version: str | None) -> dict[str, str]:
    branch = git_utils.get_git_branch(work_dir)
    found = {
        MLFLOW_GIT_COMMIT: git_utils.get_git_commit(work_dir),
        MLFLOW_GIT_REPO_URL: git_utils.get_git_repo_url(work_dir),
        MLFLOW_GIT_BRANCH: branch if version is not None and version == branch else None,
    }
    return {key: value for key, value in found.items() if value}


def get_entry_point_command(
    project: Project, entry_point: str, parameters: dict[str, Any] | None, storage_dir: str | None
) -> list[str]:
    """The commands of a shell that run an entry point, their values quoted.

    Args:
        storage_dir: Where files go that parameters of type `path` name at other places; a new
            temporary folder by default.
    """
    return [fill_entry_point(project, entry_point, parameters, storage_dir).text]


def fill_entry_point(
    project: Project, entry_point: str, parameters: dict[str, Any] | None, storage_dir: str | None
) -> Command:
    """The command of an entry point with its values; see `get_entry_point_command`."""
    point = project.get_entry_point(entry_point)
    unknown = [str(name) for name in parameters or () if str(name) not in point.parameters]
    if unknown and point.parameters:  # perhaps a slip of the pen
        _logger.info(
            "Entry point '%s' declares %s; %s, which it does not declare, %s to its command as "
            "--name value.",
            entry_point,
            ", ".join(point.parameters),
            ", ".join(unknown),
            "is given" if len(unknown) == 1 else "are given",
        )
    if any(each.type == "path" for each in point.parameters.values()):
        folder = tempfile.mkdtemp(dir=_existing(storage_dir))
        try:
            command = point.fill(parameters, folder)
        finally:
            if not os.listdir(folder):
                os.rmdir(folder)
        return command
    return point.fill(parameters, storage_dir)


def _existing(folder: str | None) -> str | None:
    if folder is not None:
        os.makedirs(folder, exist_ok=True)
    return folder


def get_run_env_vars(run_id: str, experiment_id: str) -> dict[str, str]:
    """Variables by which a process logs to this run, wherever it is started."""
    return {
        MLFLOW_RUN_ID.name: run_id,
        MLFLOW_TRACKING_URI.name: absolute_tracking_uri(),
        MLFLOW_EXPERIMENT_ID.name: str(experiment_id),
    }


def absolute_tracking_uri() -> str:
    """Where runs are kept, in a form that is the same in every folder."""
    from mlflow.tracking import get_tracking_uri
    from mlflow.utils.uri import resolve_uri_if_local

    uri = get_tracking_uri()
    scheme, separator, path = uri.partition(":///")
    if scheme.startswith("sqlite") and separator:
        path, question, query = path.partition("?")
        if path and path != ":memory:":
            return f"{scheme}:///{os.path.abspath(path)}{question}{query}"
        return uri
    return resolve_uri_if_local(uri)


def check_no_null(what: str, text: str | None) -> None:
    """Refuse a text that no program can be given.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE.
    """
    if text is not None and "\0" in text:
        raise MlflowException.invalid_parameter_value(f"{what} {text!r} has the character NUL.")
