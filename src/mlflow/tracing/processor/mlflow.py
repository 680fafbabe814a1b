"""Makes traces of OpenTelemetry's spans, and hands them over when they have ended."""

from __future__ import annotations

import json
import logging
import threading
from contextvars import ContextVar
from typing import Any

from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import StatusCode

from mlflow.entities._live_span import LiveSpan
from mlflow.entities._otel import attributes_of
from mlflow.entities.span_event import json_of
from mlflow.entities.trace_state import TraceState
from mlflow.tracing import config, display
from mlflow.tracing.constant import SpanAttributeKey
from mlflow.tracing.export.store import export_trace
from mlflow.tracing.processor.beginning import Beginning, info_of_new_trace
from mlflow.tracing.timeout import watch
from mlflow.tracing.trace_manager import InMemoryTraceManager, _Trace

_logger = logging.getLogger(__name__)

_TYPE = SpanAttributeKey.SPAN_TYPE
_TRACE_ID = SpanAttributeKey.REQUEST_ID
_LEVEL = SpanAttributeKey.LOG_LEVEL
_INPUTS = SpanAttributeKey.INPUTS
_MODEL = SpanAttributeKey.MODEL

#: Types of spans that matter more than others.
_INFO_TYPES = {
    f'"{name}"' for name in ("LLM", "AGENT", "TOOL", "CHAT_MODEL", "RETRIEVER", "EMBEDDING")
}
_DEBUG, _INFO, _ERROR = "10", "20", "40"

#: What the function that starts a span says about the trace that may begin with it.
beginning: ContextVar[Beginning | None] = ContextVar("mlflow_trace_beginning", default=None)

last_trace_id: str | None = None
_last_here = threading.local()


def last_trace_id_of_thread() -> str | None:
    """The trace that ended last in this thread."""
    return getattr(_last_here, "trace_id", None)


class MlflowSpanProcessor(SpanProcessor):
    """Registers spans with the trace manager; sends a trace when its root has ended.

    Args:
        to_store: Whether traces go to the tracking store.
    """

    def __init__(self, to_store: bool = True):
        self._to_store = to_store
        watch()
        display.watch_cells()
        self._manager = InMemoryTraceManager.get_instance()

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        try:
            self._begin(span)
        except Exception as error:  # the program that is traced must not notice
            _logger.warning("A span could not be traced: %s", error)

    def on_end(self, span: Any) -> None:
        try:
            self._end(span)
        except Exception as error:
            _logger.warning("Failed to send trace to MLflow backend: %s", error)

    def _begin(self, span: Any) -> None:
        context = span.context
        trace = self._manager.find(context.trace_id)
        if trace is None:
            parent = span.parent
            if parent is not None and not parent.is_remote:
                return  # of a trace that was forgotten
            info = info_of_new_trace(span, beginning.get())
            trace = self._manager.register_trace(context.trace_id, info, parent is not None)
        attributes = attributes_of(span)
        foreign = _TYPE not in attributes
        if foreign:
            attributes[_TYPE] = '"UNKNOWN"'
        attributes[_TRACE_ID] = f'"{trace.info.trace_id}"'
        live = LiveSpan.__new__(LiveSpan)
        live._span = span
        live._foreign = foreign
        span._mlflow_span = live
        trace.span_dict[context.span_id] = live
        trace.open += 1

    def _end(self, span: Any) -> None:
        context = span.context
        trace = self._manager.find(context.trace_id)
        live = trace.span_dict.get(context.span_id) if trace is not None else None
        if trace is None or live is None:
            return
        _complete(live, span)
        if config._config.span_processors:
            span = _processed(live, span)
        trace.ended[context.span_id] = span
        trace.open -= 1
        parent = span.parent
        if parent is None or parent.is_remote:
            self._finish(trace, context.trace_id, span)
        elif trace.info.state is not TraceState.IN_PROGRESS:
            self._hand_over(trace, context.trace_id, None)  # it ended after its root

    def _finish(self, trace: _Trace, otel_id: int, root: Any) -> None:
        global last_trace_id
        info = trace.info
        info.execution_duration = max(0, (root.end_time - root.start_time) // 1_000_000)
        failed = root.status.status_code is StatusCode.ERROR
        info.state = trace.chosen_state or (TraceState.ERROR if failed else TraceState.OK)
        self._hand_over(trace, otel_id, None if trace.is_remote_trace else info)
        last_trace_id = _last_here.trace_id = info.trace_id

    def _hand_over(self, trace: _Trace, otel_id: int, info: Any) -> None:
        """Send what has ended, and forget the trace once nothing of it runs any more."""
        ended, trace.ended = trace.ended, {}
        if trace.open <= 0:
            self._manager._forget(self._manager._traces, otel_id)
        if self._to_store:
            if info is not None:
                display.note(info)
            # In the order in which they began
            spans = [ended[n] for n in trace.span_dict if n in ended]
            files: dict[str, bytes] = {}
            for live in trace.span_dict.values():
                if "_attachments" in live.__dict__:
                    files.update(live.__dict__.pop("_attachments"))
            export_trace(
                trace.info,
                spans,
                with_info=info is not None,
                prompts=trace.prompts,
                attachments=files,
            )


def _complete(live: LiveSpan, span: Any) -> None:
    """What a span gets when it ends: how much it matters, and which model was asked."""
    attributes = attributes_of(span)
    if live._foreign:
        for key, value in list(attributes.items()):
            if key not in (_TYPE, _TRACE_ID):
                attributes[key] = json_of(value)
    if span._events and any(event.name == "exception" for event in span._events):
        attributes[_LEVEL] = _ERROR
    elif _LEVEL not in attributes:
        attributes[_LEVEL] = _INFO if attributes[_TYPE] in _INFO_TYPES else _DEBUG
    inputs = attributes.get(_INPUTS)
    if inputs is not None and '"model"' in inputs and _MODEL not in attributes:
        name = _model_of(inputs)
        if name is not None:
            attributes[_MODEL] = json.dumps(name, ensure_ascii=False)


def _model_of(inputs: str) -> str | None:
    """The name of the model that inputs say they are for."""
    try:
        found = json.loads(inputs)
    except ValueError:
        return None
    name = found.get("model") if isinstance(found, dict) else None
    return name if isinstance(name, str) and name else None


def _processed(live: LiveSpan, span: Any) -> Any:
    """The span as the user's processors leave it. One that fails is passed over."""
    running = live._span
    ended_at = running._end_time
    running._end_time = None  # it takes changes for a moment longer
    running._attributes._immutable = False
    try:
        for processor in config._config.span_processors:
            try:
                if processor(live) is not None:
                    _logger.warning(
                        "Span processor %r returned a value, which is ignored: change the span.",
                        getattr(processor, "__name__", processor),
                    )
            except Exception as error:
                _logger.warning(
                    "Span processor %r failed: %s", getattr(processor, "__name__", processor), error
                )
    finally:
        running._end_time = ended_at
        running._attributes._immutable = True
    return running._readable_span()
