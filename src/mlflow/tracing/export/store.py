"""Traces to the tracking store: through the journal, or at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from mlflow.environment_variables import MLFLOW_ENABLE_ASYNC_TRACE_LOGGING
from mlflow.tracing.finishing import finish
from mlflow.tracing.record import Ended, decoded, encoded
from mlflow.tracking.fluent import _client
from mlflow.utils.async_logging.async_logging_queue import trace_queue_for
from mlflow.utils.logging_utils import suppress_logs_in_thread

if TYPE_CHECKING:
    from mlflow.entities.trace_info import TraceInfo
    from mlflow.store.tracking.abstract_store import AbstractStore

_WORKERS = 3


def export_trace(
    info: TraceInfo, spans: Sequence[Any], *, with_info: bool, prompts: Iterable[Any] = ()
) -> None:
    """Send a trace that has ended to the current tracking store.

    Args:
        spans: OpenTelemetry's.
        with_info: Whether the trace itself is to be stored, and not only spans of it.
    """
    store = _client()._store
    data = encoded(info, spans, with_info=with_info, prompts=prompts)
    if MLFLOW_ENABLE_ASYNC_TRACE_LOGGING.get():
        trace_queue_for(store).submit_trace(data)
    else:
        store_traces(store, [data])


def store_traces(store: AbstractStore, traces: Iterable[bytes]) -> None:
    """Store traces as `encoded` wrote them. To store one again changes nothing.

    Raises:
        The store's error about one of them; the others may be stored.
    """
    ended = [decoded(data) for data in traces]
    spans: dict[str, list[Any]] = {}
    for each in ended:
        if each.info is not None:
            finish(each.info, each.spans)
        if each.spans:
            spans.setdefault(each.experiment_id, []).extend(each.spans)
    infos = [each.info for each in ended if each.info is not None]
    if hasattr(store, "start_traces"):
        store.start_traces(infos)
    else:
        _each(store.start_trace, infos)
    for experiment_id, of_all in spans.items():
        store.log_spans(experiment_id, of_all)
    for each in ended:
        if each.prompts and each.info is not None:
            _link_prompts(store, each)


def _each(call: Callable[[Any], Any], values: list[Any]) -> None:
    """Call this with each value, a few at a time: a server commits those together that come
    together. More threads would take the interpreter from the program that is traced."""
    workers = min(_WORKERS, len(values))
    if workers > 1:
        try:
            with ThreadPoolExecutor(workers, thread_name_prefix="mlflow-traces") as pool:
                for done in [pool.submit(call, value) for value in values]:
                    done.result()
            return
        except RuntimeError:  # the process is ending, and takes no more threads
            pass
    for value in values:
        call(value)


def _link_prompts(store: AbstractStore, ended: Ended) -> None:
    from mlflow.tracing.constant import TraceTagKey

    link = getattr(store, "set_trace_tag", None)
    if link is not None and ended.info is not None:
        import json

        named = [{"name": name, "version": version} for name, version in ended.prompts]
        with suppress_logs_in_thread():
            link(ended.info.trace_id, TraceTagKey.LINKED_PROMPTS, json.dumps(named))
