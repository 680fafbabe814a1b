"""Beginning and ending spans of ours."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from mlflow.entities.span import NoOpSpan, SpanType
from mlflow.entities.span_log_level import SpanLogLevel
from mlflow.exceptions import MlflowException
from mlflow.tracing import provider
from mlflow.tracing.constant import SpanAttributeKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mlflow.entities.link import Link
    from mlflow.entities.span import LiveSpan
    from mlflow.entities.trace_location import TraceLocationBase

_logger = logging.getLogger(__name__)

_TYPE = SpanAttributeKey.SPAN_TYPE
_EXPERIMENT = SpanAttributeKey.EXPERIMENT_ID
_START = SpanAttributeKey.START_TIME_NS

_current = object()
"""Of a parent: the span that is current."""
_no_op = NoOpSpan()

_parts: Any = None
_types: dict[str, str] = {}


class _Parts:
    """What is needed of OpenTelemetry and of the modules that load it; looked up once."""

    def __init__(self) -> None:
        from opentelemetry.context import Context
        from opentelemetry.trace import NonRecordingSpan, set_span_in_context

        import mlflow.tracking.fluent  # noqa: F401
        from mlflow.tracing.processor.beginning import Beginning, source_of_process
        from mlflow.tracing.processor.mlflow import beginning
        from mlflow.tracing.sampling import ratio_override

        source_of_process()  # before the first span begins, since it may run git
        self.Beginning = Beginning
        self.Context = Context
        self.NonRecordingSpan = NonRecordingSpan
        self.set_span_in_context = set_span_in_context
        self.beginning: ContextVar[Any] = beginning
        self.ratio_override = ratio_override


def parts() -> _Parts:
    """See `_Parts`."""
    global _parts
    if _parts is None:
        _parts = _Parts()
    return _parts


def begin(
    name: str,
    span_type: str | None = SpanType.UNKNOWN,
    attributes: Mapping[str, Any] | None = None,
    *,
    parent: Any = _current,
    destination: TraceLocationBase | None = None,
    experiment_id: str | None = None,
    start_time_ns: int | None = None,
    log_level: SpanLogLevel | str | None = None,
    links: Sequence[Link] | None = None,
    description: str | None = None,
    tags: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
    run_id: str | None = None,
    ratio: float | None = None,
) -> LiveSpan | NoOpSpan:
    """A new span, which is not current yet.

    Args:
        parent: An OpenTelemetry span; None for a new trace.
        tags: Of the trace, if one begins; `metadata`, `run_id` and `ratio` too.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if there is no such log level.
    """
    level = None if log_level is None else SpanLogLevel.from_value(log_level)
    if not provider.is_tracing_enabled():
        return _no_op
    try:
        otel = _begin_otel(
            name,
            span_type,
            parent,
            _experiment(destination) or experiment_id,
            start_time_ns,
            (tags, metadata, run_id),
            ratio,
        )
        span = getattr(otel, "_mlflow_span", None)
        if span is None:
            return NoOpSpan() if otel is None else _not_recorded(otel)
        if attributes:
            span.set_attributes(dict(attributes))
        if level is not None:
            span.set_log_level(level)
        if description is not None:
            span.set_description(description)
        for link in links or ():
            span.add_link(link)
        return span
    except Exception as error:
        _logger.warning("Failed to start span %s: %s", name, error)
        return _no_op


def _begin_otel(
    name: str,
    span_type: str | None,
    parent: Any,
    experiment_id: str | None,
    start_time_ns: int | None,
    about: tuple[Any, Any, Any],
    ratio: float | None,
) -> Any:
    needed = _parts or parts()
    tracer = provider.provider.get_tracer()
    if parent is _current:
        context = provider.get_context_api().get_current()
    elif parent is None:
        context = needed.Context()
    else:
        context = needed.set_span_in_context(parent, needed.Context())
    attributes = {_TYPE: _types.get(span_type) or _quoted(span_type)}
    if experiment_id is not None:
        attributes[_EXPERIMENT] = f'"{experiment_id}"'
    if start_time_ns is not None:
        attributes[_START] = str(start_time_ns)
    told = needed.beginning.set(needed.Beginning(*about)) if any(about) else None
    chosen = needed.ratio_override.set(ratio) if ratio is not None else None
    try:
        return tracer.start_span(
            name, context=context, attributes=attributes, start_time=start_time_ns
        )
    finally:
        if told is not None:
            needed.beginning.reset(told)
        if chosen is not None:
            needed.ratio_override.reset(chosen)


def _quoted(span_type: str | None) -> str:
    import json

    text = json.dumps(span_type if span_type is not None else SpanType.UNKNOWN, ensure_ascii=False)
    if isinstance(span_type, str) and len(_types) < 1000:
        _types[span_type] = text
    return text


def _experiment(destination: Any) -> str | None:
    if destination is None:
        return None
    if hasattr(destination, "to_location"):
        destination = destination.to_location()
    return getattr(destination, "experiment_id", None)


def _not_recorded(otel_span: Any) -> NoOpSpan:
    """What stands for a span that was not sampled; spans below it are not, either."""
    span = NoOpSpan()
    span._dropped = otel_span
    return span


def enter(span: LiveSpan | NoOpSpan) -> Any:
    """Make a span current; what `leave` takes."""
    otel_span = span._span
    if otel_span is None:
        otel_span = getattr(span, "_dropped", None)
        if otel_span is None:
            return None
    try:
        return provider.attach(otel_span)
    except Exception as error:
        _logger.warning("Failed to make a span the current one: %s", error)
        return None


def leave(token: Any) -> None:
    """Make the span current that was before."""
    if token is not None:
        try:
            provider.detach_span_from_context(token)
        except Exception as error:
            _logger.warning("Failed to leave a span: %s", error)


def end(span: LiveSpan | NoOpSpan, **how: Any) -> None:
    """End a span, unless it has ended. Nothing that goes wrong with that is raised."""
    if not is_running(span):
        return
    try:
        span.end(**how)
    except Exception as error:
        _logger.warning("Failed to end span %s: %s", span.span_id, error)


def is_running(span: LiveSpan | NoOpSpan) -> bool:
    """Whether a span takes what is said of it; not after a timeout has ended it."""
    return span._span is not None and span._span.is_recording()


def fail(span: LiveSpan | NoOpSpan, error: BaseException) -> None:
    """Note the error with which a span ends."""
    if not is_running(span):
        return
    try:
        if not isinstance(
            error, Exception
        ):  # of a process that is told to stop, or a cancelled task
            error = _as_exception(error)
        span.record_exception(error)
    except Exception as trouble:
        _logger.warning("Failed to note an error: %s", trouble)


def _as_exception(error: BaseException) -> Exception:
    made: Any = type(type(error).__name__, (Exception,), {})(*error.args)
    return made.with_traceback(error.__traceback__)


def keep(setter: Any, value: Any) -> None:
    """Call `set_inputs` or `set_outputs`. Nothing that goes wrong with that is raised."""
    try:
        setter(value)
    except MlflowException:
        raise
    except Exception as error:
        _logger.warning("Failed to capture what a function took or returned: %s", error)
