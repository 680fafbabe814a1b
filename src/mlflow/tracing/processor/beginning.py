"""What a trace knows of itself when it begins."""

from __future__ import annotations

import logging
import sys
from typing import Any, NamedTuple

from mlflow.entities.trace_info import TraceInfo
from mlflow.entities.trace_location import TraceLocation
from mlflow.entities.trace_state import TraceState
from mlflow.environment_variables import MLFLOW_EXPERIMENT_NAME
from mlflow.tracing.constant import (
    TRACE_REQUEST_ID_PREFIX,
    TRACE_SCHEMA_VERSION,
    TRACE_SCHEMA_VERSION_KEY,
    SpanAttributeKey,
    TraceMetadataKey,
    TraceTagKey,
)
from mlflow.tracing.context import get_configured_trace_metadata, get_configured_trace_tags
from mlflow.tracing.destination import user_destination
from mlflow.tracking import fluent
from mlflow.tracking._active_model import active_model_id
from mlflow.tracking.context.registry import resolve_tags
from mlflow.utils.mlflow_tags import (
    MLFLOW_GIT_BRANCH,
    MLFLOW_GIT_COMMIT,
    MLFLOW_GIT_REPO_URL,
    MLFLOW_SOURCE_NAME,
    MLFLOW_SOURCE_TYPE,
    MLFLOW_USER,
)

_logger = logging.getLogger(__name__)

_EXPERIMENT = SpanAttributeKey.EXPERIMENT_ID
_FROM_CONTEXT = (
    MLFLOW_GIT_COMMIT,
    MLFLOW_GIT_BRANCH,
    MLFLOW_GIT_REPO_URL,
    MLFLOW_SOURCE_NAME,
    MLFLOW_SOURCE_TYPE,
    MLFLOW_USER,
)


class Beginning(NamedTuple):
    """What whoever starts the first span says about the trace."""

    tags: dict[str, str] | None = None
    metadata: dict[str, str] | None = None
    run_id: str | None = None


_source: tuple[str, dict[str, str]] | None = None


def source_of_process() -> dict[str, str]:
    """User, program and commit, as runs have them; looked up once for each program."""
    global _source
    program = sys.argv[0] if getattr(sys, "argv", None) else ""
    if _source is None or _source[0] != program:
        found = resolve_tags()
        _source = program, {key: str(found.get(key, "")) for key in _FROM_CONTEXT}
    return _source[1]


def info_of_new_trace(span: Any, about: Beginning | None) -> TraceInfo:
    """The info of the trace that begins with this OpenTelemetry span."""
    run_id, run_experiment = _active_run()
    metadata = {
        TRACE_SCHEMA_VERSION_KEY: str(TRACE_SCHEMA_VERSION),
        **source_of_process(),
        **(get_configured_trace_metadata() or {}),
    }
    tags = dict(get_configured_trace_tags() or {})
    if about is not None:
        run_id = about.run_id or run_id
        metadata.update(about.metadata or {})
        tags.update(about.tags or {})
    tags[TraceTagKey.TRACE_NAME] = span.name
    if run_id is not None:
        metadata.setdefault(TraceMetadataKey.SOURCE_RUN, run_id)
    model_id = active_model_id()
    if model_id is not None:
        metadata.setdefault(TraceMetadataKey.MODEL_ID, model_id)
    return TraceInfo(
        trace_id=f"{TRACE_REQUEST_ID_PREFIX}{span.context.trace_id:032x}",
        trace_location=TraceLocation.from_experiment_id(_experiment_of(span, run_experiment)),
        request_time=span.start_time // 1_000_000,
        state=TraceState.IN_PROGRESS,
        trace_metadata=metadata,
        tags=tags,
    )


def _experiment_of(span: Any, of_run: str | None) -> str:
    chosen = span._attributes.get(_EXPERIMENT)
    if chosen is not None:
        return chosen.strip('"')
    destination = user_destination.get()
    experiment_id = getattr(destination, "experiment_id", None) or of_run
    return experiment_id or _active_experiment()


_experiments: dict[tuple[str, str], str] = {}


def _active_experiment() -> str:
    if fluent._active_experiment_id:
        return fluent._active_experiment_id
    name = MLFLOW_EXPERIMENT_NAME.get()
    if not name:
        return fluent._get_experiment_id()
    asked = fluent.get_tracking_uri(), name  # to find it by its name is a request to the store
    if asked not in _experiments:
        _experiments[asked] = fluent._get_experiment_id()
    return _experiments[asked]


def _active_run() -> tuple[str | None, str | None]:
    """The active run and its experiment."""
    run = fluent._active_run_stack.top()
    return (None, None) if run is None else (run.info.run_id, run.info.experiment_id)
