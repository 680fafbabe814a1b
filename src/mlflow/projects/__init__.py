"""Projects: code in a folder or repository that says how it is run, and running it.

import mlflow

run = mlflow.projects.run("https://example.org/repo.git#train", parameters={"epochs": 10})
print(run.run_id, run.get_status())
"""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from collections.abc import Iterator
from typing import Any

from mlflow.entities import RunStatus
from mlflow.exceptions import ExecutionException, MlflowException
from mlflow.projects import databricks
from mlflow.projects.backend import loader
from mlflow.projects.backend.local import configuration
from mlflow.projects.submitted_run import SubmittedRun, end_run
from mlflow.projects.utils import (  # noqa: F401  (also public here)
    MLFLOW_LOCAL_BACKEND_RUN_ID_CONFIG,
    PROJECT_BUILD_IMAGE,
    PROJECT_DOCKER_ARGS,
    PROJECT_DOCKER_AUTH,
    PROJECT_ENV_MANAGER,
    PROJECT_STORAGE_DIR,
    PROJECT_SYNCHRONOUS,
    check_no_null,
    fetch_and_validate_project,
    get_entry_point_command,
    get_or_create_run,
    get_run_env_vars,
    load_project,
)
from mlflow.utils import env_manager as managers
from mlflow.utils.mlflow_tags import (  # noqa: F401  (also public here)
    MLFLOW_DOCKER_IMAGE_ID,
    MLFLOW_PROJECT_BACKEND,
    MLFLOW_PROJECT_ENV,
    MLFLOW_RUN_NAME,
)

_logger = logging.getLogger(__name__)

__all__ = ["SubmittedRun", "run"]


def run(
    uri: str,
    entry_point: str = "main",
    version: str | None = None,
    parameters: dict[str, Any] | None = None,
    docker_args: dict[str, Any] | None = None,
    experiment_name: str | None = None,
    experiment_id: str | None = None,
    backend: str = "local",
    backend_config: dict[str, Any] | str | None = None,
    storage_dir: str | None = None,
    synchronous: bool = True,
    run_id: str | None = None,
    run_name: str | None = None,
    env_manager: str | None = None,
    build_image: bool = False,
    docker_auth: dict[str, str] | None = None,
) -> SubmittedRun:
    """Run a project; what it logs goes to a new run.

    Args:
        uri: Its folder, the address of a git repository, or a zip archive; a folder in it after
            `#`.
        entry_point: Of those in `MLproject`; or a `.py` or `.sh` file.
        version: Branch, tag or commit of a git repository; its default branch otherwise.
        parameters: By name. Those that the entry point does not declare become options of its
            command: `--name value`.
        docker_args: Options of `docker run` without their dashes; True for one without a value.
        experiment_name: Where the run goes; made if there is none. Either this or `experiment_id`.
        backend: "local", "kubernetes", or the name of a plug-in.
        backend_config: For the backend: a dict, JSON, or the name of a `.json` file.
        storage_dir: Where files go that parameters of type `path` name in remote stores; a
            temporary folder by default.
        synchronous: Wait for its end. Otherwise it goes on after this process, too.
        run_id: A run to log to, instead of a new one.
        run_name: Name of the run; made up by default.
        env_manager: What makes its environment: "local" (none: this one), "virtualenv", "uv" or
            "conda"; by default what `MLproject` has a file for.
        build_image: Put the project's files into a new image on top of the one that it names.
        docker_auth: `username`, `password` and `registry` to log in with.

    Raises:
        ExecutionException: It could not be started, or failed while this call waited.
        MlflowException: INVALID_PARAMETER_VALUE for arguments that cannot be.
    """
    if experiment_name is not None and experiment_id is not None:
        raise MlflowException.invalid_parameter_value(
            "Specify only one of `experiment_name` and `experiment_id`."
        )
    if env_manager is not None:
        managers.validate(env_manager)
    for what, text in (("The URI", uri), ("The entry point", entry_point), ("Version", version)):
        check_no_null(what, text)
    config = _config(backend, backend_config)
    if run_id is not None and backend in ("local", "kubernetes"):
        config[MLFLOW_LOCAL_BACKEND_RUN_ID_CONFIG] = run_id
    config[PROJECT_ENV_MANAGER] = env_manager
    config[PROJECT_SYNCHRONOUS] = synchronous
    config[PROJECT_DOCKER_ARGS] = docker_args
    config[PROJECT_STORAGE_DIR] = storage_dir
    config[PROJECT_BUILD_IMAGE] = build_image
    config[PROJECT_DOCKER_AUTH] = docker_auth
    with _stopped_by_sigterm() if synchronous else contextlib.nullcontext():
        submitted = _submit(
            uri,
            entry_point,
            version,
            dict(parameters or {}),
            _experiment_id(experiment_name, experiment_id),
            backend,
            config,
            run_name,
        )
        if synchronous:
            _wait_for(submitted)
    return submitted


def _config(backend: str, given: dict[str, Any] | str | None) -> dict[str, Any]:
    if isinstance(given, str):
        try:
            return configuration(given)
        except (OSError, ValueError) as error:
            raise ExecutionException(
                f"The backend's configuration '{given}' cannot be read: {error}"
            ) from error
    if given is not None and not isinstance(given, dict):
        raise MlflowException.invalid_parameter_value(
            f"`backend_config` must be a dict, JSON or the name of a .json file; it is {given!r}."
        )
    return dict(given or {})


def _experiment_id(name: str | None, experiment_id: str | None) -> str:
    from mlflow.tracking import fluent
    from mlflow.tracking.client import MlflowClient

    if name is None:
        return str(experiment_id or fluent._get_experiment_id())
    client = MlflowClient()
    found = client.get_experiment_by_name(name)
    if found is not None:
        return found.experiment_id
    _logger.info("'%s' does not exist. Creating a new experiment", name)
    return client.create_experiment(name)


def _submit(
    uri: str,
    entry_point: str,
    version: str | None,
    parameters: dict[str, Any],
    experiment_id: str,
    backend: str,
    config: dict[str, Any],
    run_name: str | None,
) -> SubmittedRun:
    from mlflow.tracking import get_tracking_uri
    from mlflow.tracking.client import MlflowClient

    if backend == "databricks":
        raise databricks.not_supported()
    if backend == "kubernetes":
        from mlflow.projects import kubernetes

        submitted = kubernetes.run(uri, entry_point, version, parameters, experiment_id, config)
    else:
        found = loader.load_backend(backend)
        if found is None:
            raise ExecutionException(
                f"Got unsupported execution mode {backend}. Supported values: "
                "['databricks', 'kubernetes', 'local']"
            )
        submitted = found.run(
            uri, entry_point, parameters, version, config, get_tracking_uri(), experiment_id
        )
    if submitted is None or submitted.run_id is None:
        raise ExecutionException(f"The backend '{backend}' has started no run.")
    client = MlflowClient()
    if backend != "local":
        client.set_tag(submitted.run_id, MLFLOW_PROJECT_BACKEND, backend)
    if run_name is not None:
        client.set_tag(submitted.run_id, MLFLOW_RUN_NAME, run_name)
    return submitted


def _wait_for(submitted: SubmittedRun) -> None:
    """Wait until a run has ended; its state then says how."""
    run_id = submitted.run_id
    try:
        with _stopped_by_sigterm():
            succeeded = submitted.wait()
    except KeyboardInterrupt:
        _logger.error("=== Run (ID '%s') interrupted, cancelling run ===", run_id)
        with contextlib.suppress(KeyboardInterrupt):  # pressed again
            submitted.cancel()
        end_run(run_id, RunStatus.KILLED)
        raise
    if succeeded:
        _logger.info("=== Run (ID '%s') succeeded ===", run_id)
        end_run(run_id, RunStatus.FINISHED)
    else:
        end_run(run_id, RunStatus.FAILED)
        raise ExecutionException(f"Run (ID '{run_id}') failed")


@contextlib.contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """SIGTERM stops what runs, as Ctrl-C does, where nobody else has taken that signal."""
    mine = threading.current_thread() is threading.main_thread()
    if not mine or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
