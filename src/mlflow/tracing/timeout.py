"""Ends traces that run for longer than MLFLOW_TRACE_TIMEOUT_SECONDS."""

from __future__ import annotations

import logging
import os
import threading
import time

from mlflow.environment_variables import (
    MLFLOW_TRACE_TIMEOUT_CHECK_INTERVAL_SECONDS,
    MLFLOW_TRACE_TIMEOUT_SECONDS,
)
from mlflow.tracing.spans import end, fail
from mlflow.tracing.trace_manager import InMemoryTraceManager, _Trace

_logger = logging.getLogger(__name__)

_watching = False


def watch() -> None:
    """Look after the traces of this process, if they have a timeout; called before the first."""
    global _watching
    if _watching or not MLFLOW_TRACE_TIMEOUT_SECONDS.get():
        return
    _watching = True
    threading.Thread(target=_work, name="mlflow-trace-timeout", daemon=True).start()


def _work() -> None:
    manager = InMemoryTraceManager.get_instance()
    while True:
        time.sleep(max(0.05, MLFLOW_TRACE_TIMEOUT_CHECK_INTERVAL_SECONDS.get()))
        most = MLFLOW_TRACE_TIMEOUT_SECONDS.get()
        if most:
            before = time.monotonic() - most
            for trace in list(manager._traces.by_otel_id.values()):
                if trace.since < before:
                    _end(trace, most)


def _end(trace: _Trace, seconds: float) -> None:
    """End what still runs of a trace, its root last, which sends it."""
    trace_id = trace.info.trace_id
    _logger.warning("Trace %s has run for more than %s seconds, and is ended.", trace_id, seconds)
    error = TimeoutError(f"The trace has run for more than {seconds} seconds.")
    running = [span for span in trace.span_dict.values() if span._span.is_recording()]
    for span in running:  # all before the first ends: the program may go on then, and end others
        fail(span, error)
    for span in reversed(running):
        end(span)


def _watch_again() -> None:
    global _watching
    if _watching:  # a forked process has no such thread
        _watching = False
        watch()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_watch_again)
