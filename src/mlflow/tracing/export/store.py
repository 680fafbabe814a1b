"""Traces to the tracking store: through the journal, or at once."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlflow.entities.trace import Trace
from mlflow.entities.trace_data import TraceData
from mlflow.environment_variables import MLFLOW_ENABLE_ASYNC_TRACE_LOGGING
from mlflow.tracing.constant import TraceTagKey
from mlflow.tracing.files import repository_of
from mlflow.tracing.finishing import finish
from mlflow.tracing.record import Ended, decoded, encoded
from mlflow.tracking.fluent import _client
from mlflow.utils.async_logging.async_logging_queue import trace_queue_for

_logger = logging.getLogger(__name__)

if TYPE_CHECKING:
    from mlflow.entities.trace_info import TraceInfo
    from mlflow.store.tracking.abstract_store import AbstractStore


def export_trace(
    info: TraceInfo,
    spans: Sequence[Any],
    *,
    with_info: bool,
    prompts: Iterable[Any] = (),
    attachments: Mapping[str, bytes] | None = None,
) -> None:
    """Send a trace that has ended to the current tracking store.

    Args:
        spans: OpenTelemetry's.
        with_info: Whether the trace itself is to be stored, and not only spans of it.
        attachments: Files of the spans, by the ids that their URIs have.
    """
    store = _client()._store
    data = encoded(info, spans, with_info=with_info, prompts=prompts, attachments=attachments)
    if MLFLOW_ENABLE_ASYNC_TRACE_LOGGING.get():
        trace_queue_for(store).submit_trace(data)
    else:
        store_traces(store, [data])


def store_traces(store: AbstractStore, traces: Iterable[bytes]) -> None:
    """Store traces as `encoded` wrote them. To store one again changes nothing.

    Raises:
        The store's error about one of them; the others may be stored.
    """
    whole = []
    added: dict[str, list[Any]] = {}
    for ended in map(decoded, traces):
        if ended.attachments:  # first: nobody shall see a span whose files are missing
            _store_attachments(store, ended)
        info = ended.info
        if info is None:
            added.setdefault(ended.experiment_id, []).extend(ended.spans)
            continue
        if ended.prompts:
            named = [{"name": name, "version": version} for name, version in ended.prompts]
            info.tags[TraceTagKey.LINKED_PROMPTS] = json.dumps(named)
        finish(info, ended.spans)
        whole.append(Trace(info, TraceData(ended.spans)))
    store.log_traces(whole)
    for experiment_id, spans in added.items():
        store.log_spans(experiment_id, spans)


def _store_attachments(store: AbstractStore, ended: Ended) -> None:
    """Keep files among the artifacts of a trace. That they cannot be kept is a warning: the trace
    itself matters more."""
    trace_id = ended.info.trace_id if ended.info is not None else ended.spans[0].trace_id
    # A store that is away says so here, and is asked again with the whole trace.
    experiment = store.get_experiment(ended.experiment_id)
    try:
        repository = repository_of(store, experiment, trace_id)
        for attachment_id, content in ended.attachments.items():
            repository.upload_attachment(attachment_id, content)
    except Exception as error:  # whatever a client of an object store raises
        if getattr(error, "error_code", None) == "TEMPORARILY_UNAVAILABLE":
            raise
        _logger.warning("Attachments of trace %s are not kept: %s", trace_id, error)
