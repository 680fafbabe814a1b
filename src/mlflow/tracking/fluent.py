"""Logging to the active run, from anywhere in a program: `mlflow.log_metric("loss", 0.1)`.

The active run belongs to a thread or asyncio task (see `_run_stack`). Where none is active,
whatever logs starts one. What is logged goes to the store in which the active run was started,
also after `set_tracking_uri`.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Literal

from mlflow._later import LATER, NotAvailableYet
from mlflow.entities import (
    Experiment,
    LifecycleStage,
    Metric,
    Param,
    Run,
    RunOutputs,
    RunStatus,
    RunTag,
    ViewType,
)
from mlflow.environment_variables import (
    MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING,
    MLFLOW_EXPERIMENT_ID,
    MLFLOW_EXPERIMENT_NAME,
    MLFLOW_RUN_ID,
)
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.tracking import _process_end
from mlflow.tracking._active_model import active_model_id
from mlflow.tracking._models_made import made_at, made_by
from mlflow.tracking._run_stack import RunStack
from mlflow.tracking._tracking_service.utils import _get_store, get_tracking_uri  # noqa: F401
from mlflow.tracking.client import MlflowClient, _in_background
from mlflow.utils import get_results_from_paginated_fn
from mlflow.utils.mlflow_tags import (
    MLFLOW_DATASET_CONTEXT,
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_RUN_NAME,
    MLFLOW_RUN_NOTE,
)
from mlflow.utils.time import get_current_time_millis
from mlflow.utils.uri import append_to_uri_path

if TYPE_CHECKING:
    import matplotlib.figure
    import numpy
    import pandas
    import PIL.Image
    import plotly.graph_objects

    import mlflow.entities
    from mlflow.data.dataset import Dataset
    from mlflow.entities import DatasetInput, LoggedModelInput, LoggedModelOutput
    from mlflow.tracking.multimedia import Image
    from mlflow.utils.async_logging.run_operations import RunOperations

_INVALID_STATE = CODES["INVALID_STATE"]
SEARCH_MAX_RESULTS_PANDAS = 100000
NUM_RUNS_PER_PAGE_PANDAS = 10000

_logger = logging.getLogger(__name__)

_active_run_stack = RunStack()
_last_active = threading.local()
run_id_to_system_metrics_monitor: dict[str, Any] = {}

_active_experiment_id: str | None = None
_experiment_lock = threading.Lock()


#: Where names are that are kept elsewhere.
_ELSEWHERE = {
    "autolog": "mlflow.utils.autologging_utils.autolog",
    **dict.fromkeys(
        (
            "ActiveModel",
            "ActiveModelContext",
            "clear_active_model",
            "create_external_model",
            "delete_logged_model_tag",
            "finalize_logged_model",
            "get_active_model_id",
            "get_logged_model",
            "import_checkpoints",
            "initialize_logged_model",
            "last_logged_model",
            "log_model_params",
            "search_logged_models",
            "set_active_model",
            "set_logged_model_tags",
        ),
        "mlflow.tracking.fluent_logged_models",
    ),
}


def __getattr__(name: str) -> Any:
    if name in LATER:
        raise NotAvailableYet(f"{__name__}.{name}")
    if name in _ELSEWHERE:
        from importlib import import_module

        return getattr(import_module(_ELSEWHERE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# The client


_current: tuple[str, MlflowClient] | None = None


def _client() -> MlflowClient:
    """A client for the current tracking URI."""
    global _current
    uri = get_tracking_uri()
    if _current is None or _current[0] != uri:
        _current = (uri, MlflowClient(uri))
    return _current[1]


def _target(run_id: str | None = None) -> tuple[MlflowClient, str]:
    """A client and the run to log to: `run_id`, else the active run, which is started if there is
    none."""
    if run_id is not None:
        return _client(), run_id
    run = _get_or_start_run()
    return _client_of(run), run.info.run_id


def _target_and_made(
    run_id: str | None, synchronous: bool | None
) -> tuple[MlflowClient, str, Sequence[LoggedModelOutput]]:
    """See `_target`; and which logged models that run made."""
    if run_id is not None:
        client = _client()
        return client, run_id, made_by(client, run_id, _in_background(synchronous))
    run = _get_or_start_run()
    return _client_of(run), run.info.run_id, run.outputs.model_outputs if run.outputs else ()


def _client_of(run: Run) -> MlflowClient:
    # Other packages push runs of their own on the stack.
    return getattr(run, "_client", None) or _client()


# Experiments


def set_experiment(
    experiment_name: str | None = None,
    experiment_id: str | None = None,
    trace_location: Any = None,
) -> Experiment:
    """Let new runs go to this experiment, also those of processes that this one starts.

    Args:
        experiment_name: It is made if there is none. Either this or `experiment_id`.
        experiment_id: Of an experiment that is there.
        trace_location: Must be None: Unity Catalog is not available in Headrace.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is deleted; RESOURCE_DOES_NOT_EXIST if there
            is none with this id.
    """
    global _active_experiment_id
    if trace_location is not None:
        raise NotAvailableYet("set_experiment(trace_location=…)")
    if (experiment_name is None) == (experiment_id is None):
        raise MlflowException.invalid_parameter_value(
            "Must specify exactly one of: `experiment_id` or `experiment_name`."
        )
    client = _client()
    if experiment_id is not None:
        experiment = client.get_experiment(experiment_id)
    else:
        experiment = _experiment_named(client, experiment_name)
    if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
        raise MlflowException.invalid_parameter_value(
            f"Cannot set a deleted experiment '{experiment.name}' as the active experiment. You "
            "can restore the experiment, or permanently delete the experiment to create a new one."
        )
    _active_experiment_id = experiment.experiment_id
    MLFLOW_EXPERIMENT_ID.set(experiment.experiment_id)
    return experiment


def _experiment_named(client: MlflowClient, name: str) -> Experiment:
    """The experiment with this name, which is made if there is none."""
    with _experiment_lock:
        experiment = client.get_experiment_by_name(name)
        if experiment is not None:
            return experiment
        _logger.info("Experiment with name '%s' does not exist. Creating a new experiment.", name)
        try:
            return client.get_experiment(client.create_experiment(name))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            # Another process was faster.
            return client.get_experiment_by_name(name)


def _get_experiment_id() -> str:
    """Where new runs go: what `set_experiment` chose, else the environment, else a plug-in, else
    "0"."""
    if _active_experiment_id:
        return _active_experiment_id
    from mlflow.tracking.default_experiment import registry

    return _get_experiment_id_from_env() or registry.get_experiment_id()


def _get_experiment_id_from_env() -> str | None:
    name, experiment_id = MLFLOW_EXPERIMENT_NAME.get(), MLFLOW_EXPERIMENT_ID.get()
    if not name:
        return _checked_experiment_id(experiment_id) if experiment_id else None
    client = _client()
    if not experiment_id:
        return _experiment_named(client, name).experiment_id
    experiment = client.get_experiment_by_name(name)
    named = experiment.experiment_id if experiment else None
    if named != experiment_id:
        raise MlflowException.invalid_parameter_value(
            f"The provided {MLFLOW_EXPERIMENT_ID} environment variable value `{experiment_id}` "
            f"does not match the experiment id `{named}` for experiment name `{name}`"
        )
    return experiment_id


def _checked_experiment_id(experiment_id: str) -> str:
    try:
        _client().get_experiment(experiment_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise MlflowException.invalid_parameter_value(
            f"The provided {MLFLOW_EXPERIMENT_ID} environment variable value `{experiment_id}` "
            "does not exist in the tracking server. Provide a valid experiment_id."
        ) from error
    return experiment_id


def create_experiment(
    name: str,
    artifact_location: str | None = None,
    tags: dict[str, Any] | None = None,
    trace_location: Any = None,
) -> str:
    """The id of a new experiment; new runs do not go there by themselves.

    Args:
        name: Not yet taken, also not by a deleted experiment.
        artifact_location: URI below which its runs' artifacts go; None for a place that the store
            chooses.
        tags: Values are stored as their `str()`.
        trace_location: Must be None: Unity Catalog is not available in Headrace.

    Raises:
        MlflowException: RESOURCE_ALREADY_EXISTS if the name is taken.
    """
    if trace_location is not None:
        raise NotAvailableYet("create_experiment(trace_location=…)")
    return _client().create_experiment(name, artifact_location, tags)


def get_experiment(experiment_id: str) -> Experiment:
    """The experiment, deleted or not; MlflowException RESOURCE_DOES_NOT_EXIST if there is none."""
    return _client().get_experiment(experiment_id)


def get_experiment_by_name(name: str) -> Experiment | None:
    """The experiment with this name, deleted or not; None if there is none."""
    return _client().get_experiment_by_name(name)


def search_experiments(
    view_type: int = ViewType.ACTIVE_ONLY,
    max_results: int | None = None,
    filter_string: str | None = None,
    order_by: list[str] | None = None,
) -> list[Experiment]:
    """The experiments that match, newest first unless `order_by` says otherwise.

    Args:
        max_results: None for all.
    """
    client = _client()
    return get_results_from_paginated_fn(
        lambda size, token: client.search_experiments(
            view_type, size, filter_string, order_by, token
        ),
        max_results_per_page=1000,
        max_results=max_results,
    )


def delete_experiment(experiment_id: str) -> None:
    """Delete an active experiment and its runs; they can be restored."""
    _client().delete_experiment(experiment_id)


def restore_experiment(experiment_id: str) -> None:
    """Bring back a deleted experiment and its runs."""
    _client().restore_experiment(experiment_id)


def set_experiment_tag(key: str, value: Any) -> None:
    """Set a tag of the experiment that new runs go to, to `str(value)`."""
    _client().set_experiment_tag(_get_experiment_id(), key, value)


def set_experiment_tags(tags: dict[str, Any]) -> None:
    """Set several, one after the other."""
    for key, value in tags.items():
        set_experiment_tag(key, value)


def delete_experiment_tag(key: str) -> None:
    """Remove a tag of the experiment that new runs go to."""
    _client().delete_experiment_tag(_get_experiment_id(), key)


# The active run


class ActiveRun(Run):
    """A run that is active here, as it was when it started. Leaving its `with` block ends it:
    FINISHED, or FAILED after an exception."""

    def __init__(self, run: Run):
        made = run.outputs.model_outputs if run.outputs else ()
        super().__init__(run.info, run.data, run.inputs, RunOutputs(list(made)))
        self._client: MlflowClient | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_client": None}  # a copy in another process makes its own

    def __enter__(self) -> ActiveRun:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> bool:
        runs = _active_run_stack.copy()
        active = [run.info.run_id for run in runs]
        if self.info.run_id in active:
            first = active.index(self.info.run_id)
            _active_run_stack.set(runs[:first])
            # Runs that were started in the block and not ended there end with it.
            for run in reversed(runs[first:]):
                self._end_quietly(run, exc_type)
        return exc_type is None

    @staticmethod
    def _end_quietly(run: Run, exc_type: type[BaseException] | None) -> None:
        if exc_type is None:
            _end(run, "FINISHED")
            return
        try:
            _end(run, "FAILED")
        except Exception as error:  # must not hide the exception that left the block
            _logger.warning("Run %s could not be ended: %s", run.info.run_id, error)


def start_run(
    run_id: str | None = None,
    experiment_id: str | None = None,
    run_name: str | None = None,
    nested: bool = False,
    parent_run_id: str | None = None,
    tags: dict[str, Any] | None = None,
    description: str | None = None,
    log_system_metrics: bool | None = None,
) -> ActiveRun:
    """Start a run, or go on with one, and make it the active run of this thread or asyncio task.

        with mlflow.start_run(run_name="baseline"):
            mlflow.log_metric("loss", 0.25)

    Args:
        run_id: The run to go on with; None for MLFLOW_RUN_ID, which counts once, or else a new run.
        experiment_id: Of a new run; None for the one that `set_experiment` chose.
        run_name: None for a random one, or the one it has.
        nested: Allow it while another run is active; a new one becomes that one's child.
        parent_run_id: Of a new run; None for the active run if `nested`.
        tags: Values are stored as their `str()`. A new run also gets tags about who runs what.
        description: Markdown; the tag `mlflow.note.content`.
        log_system_metrics: Whether to measure CPU, memory and so on meanwhile; None for what
            `enable_system_metrics_logging` says.

    Raises:
        MlflowException: INVALID_STATE if a run is active and `nested` is false.
    """
    _check_may_start(nested, parent_run_id)
    client = _client()
    tags = _with_description(tags, description)
    existing = run_id or MLFLOW_RUN_ID.get()
    if existing:
        if not run_id:
            MLFLOW_RUN_ID.unset()
        run = _go_on_with(client, existing, run_name, tags)
    else:
        run = _new_run(client, experiment_id, run_name, nested, parent_run_id, tags)
    active = ActiveRun(run)
    active._client = client
    _active_run_stack.append(active)
    _process_end.watch(active.info.run_id, lambda status: _end(active, status))
    if "HEADRACE_REPRODUCIBLE" in os.environ:
        from mlflow.reproducibility.capture import capture_started

        capture_started(client, run)
    if log_system_metrics is None:
        log_system_metrics = MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING.get()
    if log_system_metrics:
        _measure_system(client, active.info.run_id, resume=bool(existing))
    return active


def _check_may_start(nested: bool, parent_run_id: str | None) -> None:
    run = _active_run_stack.top()
    if run is None:
        return
    active = run.info.run_id
    if not nested:
        raise MlflowException(
            f"Run with UUID {active} is already active. To start a new run, first end the current "
            "run with mlflow.end_run(). To start a nested run, call start_run with nested=True",
            error_code=_INVALID_STATE,
        )
    if parent_run_id and parent_run_id != active:
        raise MlflowException(
            f"Current run with UUID {active} does not match the specified parent_run_id "
            f"{parent_run_id}. To start a new nested run under the parent run with UUID {active}, "
            "first end the current run with mlflow.end_run().",
            error_code=_INVALID_STATE,
        )


def _with_description(tags: dict[str, Any] | None, description: str | None) -> dict[str, Any]:
    tags = dict(tags or {})
    if description:
        if MLFLOW_RUN_NOTE in tags:
            raise MlflowException.invalid_parameter_value(
                f"Description is already set via the tag {MLFLOW_RUN_NOTE} in tags."
                f"Remove the key {MLFLOW_RUN_NOTE} from the tags or omit the description."
            )
        tags[MLFLOW_RUN_NOTE] = description
    return tags


def _go_on_with(
    client: MlflowClient, run_id: str, run_name: str | None, tags: dict[str, Any]
) -> Run:
    info = client.get_run(run_id).info
    if _active_experiment_id and _active_experiment_id != info.experiment_id:
        raise MlflowException(
            f"Cannot start run with ID {run_id} because active experiment ID does not match "
            "environment run ID. Make sure --experiment-name or --experiment-id matches experiment "
            "set with set_experiment(), or just use command-line arguments"
        )
    if info.lifecycle_stage == LifecycleStage.DELETED:
        raise MlflowException(
            f"Cannot start run with ID {run_id} because it is in the deleted state."
        )
    client._store.update_run_info(run_id, RunStatus.RUNNING, end_time=None, run_name=run_name)
    if tags:
        client.log_batch(
            run_id, tags=[RunTag(key, str(value)) for key, value in tags.items()], synchronous=True
        )
    return client.get_run(run_id)


def _new_run(
    client: MlflowClient,
    experiment_id: str | None,
    run_name: str | None,
    nested: bool,
    parent_run_id: str | None,
    tags: dict[str, Any],
) -> Run:
    from mlflow.tracking.context.registry import resolve_tags

    if parent_run_id:
        if client.get_run(parent_run_id).info.lifecycle_stage == LifecycleStage.DELETED:
            raise MlflowException(
                f"Cannot start run under parent run with ID {parent_run_id} because it is in the "
                "deleted state."
            )
    elif nested and (active := _active_run_stack.top()) is not None:
        parent_run_id = active.info.run_id
    if parent_run_id:
        tags[MLFLOW_PARENT_RUN_ID] = parent_run_id
    if run_name:
        run_name = tags[MLFLOW_RUN_NAME] = str(run_name)
    if experiment_id is None:
        experiment_id = _get_experiment_id()
    return client.create_run(experiment_id, tags=resolve_tags(tags), run_name=run_name or None)


def _measure_system(client: MlflowClient, run_id: str, resume: bool) -> None:
    try:
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        monitor = SystemMetricsMonitor(
            run_id, resume_logging=resume, tracking_uri=client.tracking_uri
        )
        run_id_to_system_metrics_monitor[run_id] = monitor
        monitor.start()
    except Exception as error:  # the run itself matters more
        _logger.error("Failed to start system metrics monitoring: %s.", error)


def end_run(status: str = "FINISHED") -> None:
    """End the active run; nothing happens where none is active.

    Args:
        status: "FINISHED", "FAILED" or "KILLED".
    """
    if _active_run_stack:
        RunStatus.from_string(status)
        _end(_active_run_stack.pop(), status)


def _end(run: Run, status: str) -> None:
    """End a run that is no longer on the stack, or whose thread or process ends."""
    run_id = run.info.run_id
    _process_end.unwatch(run_id)
    _last_active.run = run
    monitor = run_id_to_system_metrics_monitor.pop(run_id, None)
    if monitor is not None:
        monitor.finish()
    flush_artifact_async_logging()
    client = _client_of(run)
    if capture := sys.modules.get("mlflow.reproducibility.capture"):
        capture.capture_ended(client, run_id)
    queues = sys.modules.get("mlflow.utils.async_logging.async_logging_queue")
    if queues is None or not queues.end_run(client._store, run_id, status):
        client.set_terminated(run_id, status)
    else:
        client._print_links(run.info)


def active_run() -> ActiveRun | None:
    """The active run of this thread or asyncio task, as it was when it started; None if there is
    none."""
    return _active_run_stack.top()


def last_active_run() -> Run | None:
    """The run that is active, or was last in this thread, as it is now; None if there was none."""
    run = _active_run_stack.top() or getattr(_last_active, "run", None)
    return _client_of(run).get_run(run.info.run_id) if run else None


def _get_or_start_run() -> Run:
    return _active_run_stack.top() or start_run()


# Runs by id


def get_run(run_id: str) -> Run:
    """The run with all it logged, deleted or not; MlflowException RESOURCE_DOES_NOT_EXIST if there
    is none."""
    return _client().get_run(run_id)


def get_parent_run(run_id: str) -> Run | None:
    """The run that this one is nested in; None if it is nested in none."""
    return _client().get_parent_run(run_id)


def delete_run(run_id: str) -> None:
    """Delete a run; it can be restored."""
    _client().delete_run(run_id)


def restore_run(run_id: str) -> None:
    """Bring back a deleted run."""
    _client().restore_run(run_id)


def search_runs(
    experiment_ids: list[str] | None = None,
    filter_string: str = "",
    run_view_type: int = ViewType.ACTIVE_ONLY,
    max_results: int = SEARCH_MAX_RESULTS_PANDAS,
    order_by: list[str] | None = None,
    output_format: Literal["pandas", "list"] = "pandas",
    search_all_experiments: bool = False,
    experiment_names: list[str] | None = None,
) -> list[Run] | pandas.DataFrame:
    """The runs that match, newest first unless `order_by` says otherwise.

    Args:
        experiment_ids: Where to look. Without these and names: all experiments if
            `search_all_experiments`, else the one that new runs go to.
        filter_string: Such as `metrics.loss < 0.3 AND params.model = 'tree'`.
        output_format: "list" for Run objects, or "pandas" for a frame with one row a run and
            columns `run_id`, `experiment_id`, `status`, `artifact_uri`, `start_time`, `end_time`,
            `metrics.*`, `params.*`, `tags.*`.
        experiment_names: In place of ids; unknown names are passed over with a warning.
    """
    if output_format not in ("pandas", "list"):
        raise ValueError(
            f"Unsupported output format: {output_format}. Supported string values are 'pandas' "
            "or 'list'"
        )
    client = _client()
    wanted = _experiments_to_search(
        client, experiment_ids, experiment_names, search_all_experiments
    )
    if output_format == "list":
        if not wanted:
            return []
        return get_results_from_paginated_fn(
            lambda size, token: client.search_runs(
                wanted, filter_string, run_view_type, size, order_by, token
            ),
            max_results_per_page=NUM_RUNS_PER_PAGE_PANDAS,
            max_results=max_results,
        )
    from mlflow.store.tracking.base.columns import RunColumns
    from mlflow.tracking._frames import frame_of_runs

    columns, token = RunColumns(), None
    while wanted and columns.size < max_results:
        size = min(NUM_RUNS_PER_PAGE_PANDAS, max_results - columns.size)
        token = client._store._search_run_columns(
            columns,
            [str(experiment_id) for experiment_id in wanted],
            filter_string,
            run_view_type,
            size,
            order_by,
            token,
        )
        if not token:
            break
    return frame_of_runs(columns)


def _experiments_to_search(
    client: MlflowClient,
    experiment_ids: list[str] | str | None,
    experiment_names: list[str] | None,
    everywhere: bool,
) -> list[str]:
    if experiment_ids and experiment_names:
        raise MlflowException.invalid_parameter_value(
            "Only experiment_ids or experiment_names can be used, but not both"
        )
    if experiment_ids:
        return [experiment_ids] if isinstance(experiment_ids, (str, int)) else experiment_ids
    if experiment_names:
        found = {name: client.get_experiment_by_name(name) for name in experiment_names}
        for name, experiment in found.items():
            if experiment is None:
                _logger.warning("Cannot retrieve experiment by name %s", name)
        return [experiment.experiment_id for experiment in found.values() if experiment]
    if everywhere:
        return [experiment.experiment_id for experiment in search_experiments()]
    return [_get_experiment_id()]


# Metrics, params, tags


def log_metric(
    key: str,
    value: float,
    step: int | None = None,
    synchronous: bool | None = None,
    timestamp: int | None = None,
    run_id: str | None = None,
    model_id: str | None = None,
    dataset: Dataset | mlflow.entities.Dataset | None = None,
) -> RunOperations | None:
    """Append one value to a metric.

    Args:
        value: A number, or an array or tensor that holds one.
        step: None for 0.
        synchronous: False to store it in the background; None for what `enable_async_logging` says.
        timestamp: Milliseconds since the Unix epoch; None for now.
        run_id: None for the active run.
        model_id: The logged model that was measured; None for the active one, if there is one, or
            else the one that the run made at this step.
        dataset: What it was measured on; noted as an input of the run.

    Returns:
        None, or what to wait for if it is stored in the background.
    """
    client, run_id, made = _target_and_made(run_id, synchronous)
    name = digest = None
    if model_id is None:
        model_id = active_model_id()
    if model_id is not None or dataset is not None:
        name, digest = _note_measured(client, run_id, model_id, dataset, made)
    if made and model_id is None:
        model_id = made_at(made, step or 0)
    return client.log_metric(
        run_id, key, value, timestamp, step, synchronous, name, digest, model_id
    )


def log_metrics(
    metrics: dict[str, float],
    step: int | None = None,
    synchronous: bool | None = None,
    run_id: str | None = None,
    timestamp: int | None = None,
    model_id: str | None = None,
    dataset: Dataset | mlflow.entities.Dataset | None = None,
) -> RunOperations | None:
    """Append one value each to several metrics; see `log_metric`."""
    client, run_id, made = _target_and_made(run_id, synchronous)
    name = digest = None
    if model_id is None:
        model_id = active_model_id()
    if model_id is not None or dataset is not None:
        name, digest = _note_measured(client, run_id, model_id, dataset, made)
    if made and model_id is None:
        model_id = made_at(made, step or 0)
    moment = get_current_time_millis() if timestamp is None else timestamp
    return client.log_batch(
        run_id,
        metrics=[
            Metric(key, value, moment, step or 0, model_id, name, digest)
            for key, value in metrics.items()
        ],
        synchronous=synchronous,
    )


def log_param(key: str, value: Any, synchronous: bool | None = None) -> Any:
    """Set a param once and for all, as `str(value)`.

    Returns:
        `value`, or what to wait for if it is stored in the background.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it has another value already.
    """
    client, run_id = _target()
    return client.log_param(run_id, key, value, synchronous)


def log_params(
    params: dict[str, Any], synchronous: bool | None = None, run_id: str | None = None
) -> RunOperations | None:
    """Set several params; see `log_param` and, for the rest, `log_metric`."""
    client, run_id = _target(run_id)
    kept = [Param(key, str(value)) for key, value in params.items()]
    return client.log_batch(run_id, params=kept, synchronous=synchronous)


def set_tag(key: str, value: Any, synchronous: bool | None = None) -> RunOperations | None:
    """Set a tag to `str(value)`, in place of the value it had; see `log_metric` for the rest."""
    client, run_id = _target()
    return client.set_tag(run_id, key, value, synchronous)


def set_tags(tags: dict[str, Any], synchronous: bool | None = None) -> RunOperations | None:
    """Set several tags; see `set_tag`."""
    client, run_id = _target()
    kept = [RunTag(key, str(value)) for key, value in tags.items()]
    return client.log_batch(run_id, tags=kept, synchronous=synchronous)


def delete_tag(key: str) -> None:
    """Remove a tag of the active run; MlflowException RESOURCE_DOES_NOT_EXIST if it is not set."""
    client, run_id = _target()
    client.delete_tag(run_id, key)


def flush_async_logging() -> None:
    """Return once all metrics, params and tags logged in the background so far are stored or have
    failed."""
    queues = sys.modules.get("mlflow.utils.async_logging.async_logging_queue")
    if queues is not None:
        queues.flush_all()


def flush_trace_async_logging(terminate: bool = False) -> None:
    """Return once all traces that ended so far are stored or have failed.

    Args:
        terminate: Also stop the threads that send them; later traces start new ones.
    """
    queues = sys.modules.get("mlflow.utils.async_logging.async_logging_queue")
    if queues is not None:
        queues.flush_traces(terminate)


def flush_artifact_async_logging() -> None:
    """Return once all artifacts logged in the background so far are stored or have failed."""
    queue = sys.modules.get("mlflow.utils.async_logging.async_artifacts_logging_queue")
    if queue is not None:
        queue.flush()


# What a run read and made


def log_input(
    dataset: Dataset | None = None,
    context: str | None = None,
    tags: dict[str, str] | None = None,
    model: LoggedModelInput | None = None,
) -> None:
    """Note that the active run read a dataset, a logged model or both.

    Args:
        context: What for, such as "training"; the tag `mlflow.data.context`.
        tags: Of this use of the dataset.
    """
    client, run_id = _target()
    datasets = [_create_dataset_input(dataset, context, tags)] if dataset is not None else None
    client.log_inputs(run_id, datasets, [model] if model is not None else None)


def log_inputs(
    datasets: list[Dataset | None] | None = None,
    contexts: list[str | None] | None = None,
    tags_list: list[dict[str, str] | None] | None = None,
    models: list[LoggedModelInput | None] | None = None,
) -> None:
    """Note several at once; `contexts` and `tags_list` are as long as `datasets`. See
    `log_input`."""
    datasets, contexts, tags_list = datasets or [], contexts or [], tags_list or []
    if not len(datasets) == len(contexts) == len(tags_list):
        raise MlflowException.invalid_parameter_value(
            "`mlflow.log_inputs` requires `datasets`, `contexts`, `tags_list` to be non-empty list "
            "and have the same length. "
            f"They have {len(datasets)}, {len(contexts)} and {len(tags_list)}."
        )
    client, run_id = _target()
    inputs = [
        _create_dataset_input(dataset, context, tags)
        for dataset, context, tags in zip(datasets, contexts, tags_list, strict=True)
        if dataset is not None
    ]
    client.log_inputs(run_id, inputs, [model for model in models or () if model is not None])


def log_outputs(models: list[LoggedModelOutput] | None = None) -> None:
    """Note that the active run made these logged models."""
    client, run_id = _target()
    client.log_outputs(run_id, models or [])


def _create_dataset_input(
    dataset: Dataset | mlflow.entities.Dataset, context: str | None, tags: dict[str, str] | None
) -> DatasetInput:
    from mlflow.entities import DatasetInput, InputTag

    kept = [InputTag(key, str(value)) for key, value in (tags or {}).items()]
    if context:
        kept.append(InputTag(MLFLOW_DATASET_CONTEXT, context))
    return DatasetInput(_dataset_entity(dataset), kept)


def _dataset_entity(dataset: Dataset | mlflow.entities.Dataset) -> mlflow.entities.Dataset:
    from mlflow.entities import Dataset as Entity

    return dataset if isinstance(dataset, Entity) else Entity(**dataset.to_dict())


_noted: set[tuple[str, ...]] = set()


def _note_measured(
    client: MlflowClient,
    run_id: str,
    model_id: str | None,
    dataset: Dataset | mlflow.entities.Dataset | None,
    made: Sequence[LoggedModelOutput],
) -> tuple[str | None, str | None]:
    """Note a measured model, unless the run made it, and dataset as inputs of the run, once; the
    dataset's name and digest."""
    if dataset is None:
        name = digest = None
    else:
        name, digest = dataset.name, dataset.digest
        if (run_id, name, digest) not in _noted:
            client.log_inputs(run_id, datasets=[_create_dataset_input(dataset, None, None)])
            _remember((run_id, name, digest))
    if (
        model_id is not None
        and (run_id, model_id) not in _noted
        and all(model_id != output.model_id for output in made)
    ):
        from mlflow.entities import LoggedModelInput

        client.log_inputs(run_id, models=[LoggedModelInput(model_id)])
        _remember((run_id, model_id))
    return name, digest


def _remember(what: tuple[str, ...]) -> None:
    if len(_noted) >= 10_000:
        _noted.clear()
    _noted.add(what)


# Artifacts


def log_artifact(
    local_path: str, artifact_path: str | None = None, run_id: str | None = None
) -> None:
    """Store a file, or a directory under its own name.

    Args:
        artifact_path: Directory among the run's artifacts to put it in; None for the topmost.
        run_id: None for the active run.
    """
    client, run_id = _target(run_id)
    client.log_artifact(run_id, os.fspath(local_path), artifact_path)


def log_artifacts(
    local_dir: str, artifact_path: str | None = None, run_id: str | None = None
) -> None:
    """Store all that is in a directory; see `log_artifact`."""
    client, run_id = _target(run_id)
    client.log_artifacts(run_id, os.fspath(local_dir), artifact_path)


def log_text(text: str, artifact_file: str, run_id: str | None = None) -> None:
    """Store a text as the file `artifact_file`, in UTF-8."""
    client, run_id = _target(run_id)
    client.log_text(run_id, text, artifact_file)


def log_dict(dictionary: dict[str, Any], artifact_file: str, run_id: str | None = None) -> None:
    """Store it as YAML if the name ends in `.yml` or `.yaml`, else as JSON."""
    client, run_id = _target(run_id)
    client.log_dict(run_id, dictionary, artifact_file)


def log_stream(stream: IO[bytes], artifact_file: str, run_id: str | None = None) -> None:
    """Store what a binary stream still has as the file `artifact_file`."""
    client, run_id = _target(run_id)
    client.log_stream(run_id, stream, artifact_file)


def log_figure(
    figure: matplotlib.figure.Figure | plotly.graph_objects.Figure,
    artifact_file: str,
    *,
    save_kwargs: dict[str, Any] | None = None,
) -> None:
    """Store a figure in the format that the name's ending says.

    Args:
        save_kwargs: For matplotlib's `savefig`, plotly's `write_html` or plotly's `write_image`.
    """
    client, run_id = _target()
    client.log_figure(run_id, figure, artifact_file, save_kwargs=save_kwargs)


def log_image(
    image: numpy.ndarray | PIL.Image.Image | Image,
    artifact_file: str | None = None,
    key: str | None = None,
    step: int | None = None,
    timestamp: int | None = None,
    synchronous: bool | None = False,
) -> None:
    """Store an image as the file `artifact_file`, or as one of a series under `key`.

    Args:
        image: Arrays are (height, width) or (height, width, 1, 3 or 4); floats from 0 to 1 or
            integers from 0 to 255.
        key: Name of the series; letters, digits, spaces and `_-./`.
        step: In a series; None for 0.
        timestamp: In a series, milliseconds since the Unix epoch; None for now.
        synchronous: Of a series, True to return only once it is stored.
    """
    client, run_id = _target()
    client.log_image(run_id, image, artifact_file, key, step, timestamp, synchronous)


def log_table(
    data: dict[str, Any] | pandas.DataFrame, artifact_file: str, run_id: str | None = None
) -> None:
    """Append rows to the table `artifact_file`, which begins with the first call.

    Args:
        data: A frame, or a dict of columns; cells may be mlflow.Image.
        artifact_file: Ends in `.json` or `.parquet`.
    """
    client, run_id = _target(run_id)
    client.log_table(run_id, data, artifact_file)


def load_table(
    artifact_file: str,
    run_ids: list[str] | None = None,
    extra_columns: list[str] | None = None,
) -> pandas.DataFrame:
    """The tables `artifact_file` of all runs that have one, one below the other, newest run first.

    Args:
        run_ids: Only these runs; None for all of the experiment that new runs go to.
        extra_columns: Columns of `search_runs` to add, such as "run_id".
    """
    return _client().load_table(_get_experiment_id(), artifact_file, run_ids, extra_columns)


def get_artifact_uri(artifact_path: str | None = None) -> str:
    """Where the active run's artifacts are, or one of them.

    Args:
        artifact_path: Path below the run's artifacts; None for the place of all of them.
    """
    run = _active_run_stack.top()
    if run is None:
        _logger.warning(
            "No active run found. A new active run will be created. If this is not intended, "
            "please create a run using `mlflow.start_run()` first."
        )
        run = start_run()
    uri = run.info.artifact_uri
    return uri if artifact_path is None else append_to_uri_path(uri, artifact_path)
