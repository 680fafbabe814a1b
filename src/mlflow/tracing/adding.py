"""Spans of another trace, as a part of one of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlflow.entities.trace import Trace
from mlflow.exceptions import MlflowException
from mlflow.tracing import spans as live
from mlflow.tracing.constant import SpanAttributeKey
from mlflow.tracing.sampling import next_span_id
from mlflow.tracing.trace_manager import InMemoryTraceManager

if TYPE_CHECKING:
    from mlflow.entities.span import LiveSpan, Span

_ITS_OWN = (
    SpanAttributeKey.REQUEST_ID,
    SpanAttributeKey.EXPERIMENT_ID,
    SpanAttributeKey.START_TIME_NS,
)


def add_spans(trace: Any, target: Any) -> None:
    """See `mlflow.add_trace`."""
    other = _checked(trace)
    if target is None:
        from mlflow.tracing.provider import get_current_otel_span

        parent = get_current_otel_span()
    else:
        parent = getattr(target, "_span", None)
    by_id = {span.span_id: span for span in other.data.spans}
    made: dict[str, Any] = {}
    for span in sorted(other.data.spans, key=lambda s: s.start_time_ns):
        _copy(span, by_id, made, parent)
    for span in other.data.spans:  # the last of them ends the trace, if it is one of its own
        if span.parent_id in by_id:
            _end(made[span.span_id], span)
    for span in other.data.spans:
        if span.parent_id not in by_id:
            _end(made[span.span_id], span)


def _checked(trace: Any) -> Trace:
    if isinstance(trace, Trace):
        return trace
    if isinstance(trace, dict):
        try:
            return Trace.from_dict(trace)
        except Exception as error:
            raise MlflowException.invalid_parameter_value(
                "Failed to load a trace object from the given dictionary. Please ensure the "
                f"dictionary is in the correct MLflow Trace format. Error: {error}"
            ) from error
    raise MlflowException.invalid_parameter_value(
        f"Invalid trace object: {type(trace)}. Please provide a valid MLflow Trace object to use "
        "it as a remote trace. You can create a Trace object from its json format by using the "
        "Trace.from_dict() method."
    )


def _copy(span: Span, by_id: dict[str, Span], made: dict[str, Any], parent: Any) -> Any:
    """The copy of a span, below that of its parent, which is made first."""
    if span.span_id in made:
        return made[span.span_id]
    made[span.span_id] = None  # a circle ends here
    above = by_id.get(span.parent_id) if span.parent_id is not None else None
    below = _copy(above, by_id, made, parent)._span if above is not None else parent
    copy = live.begin(span.name, span.span_type, parent=below, start_time_ns=span.start_time_ns)
    if copy._span is not None:
        _fill(copy, span)
    made[span.span_id] = copy
    return copy


def _fill(copy: Any, span: Span) -> None:
    """What a span says of itself, but for its status and its end."""
    for key, value in span._raw_attributes().items():
        if key not in _ITS_OWN:
            copy._span.set_attribute(key, value)
    for event in span.events:
        copy.add_event(event)
    for link in span.links:
        copy.add_link(link)


def revived(
    span: Span, parent_id: str | None, trace_id: str | None, experiment_id: str | None
) -> LiveSpan:
    """See `LiveSpan.from_immutable_span`."""
    chosen = next_span_id.set(int(span.span_id, 16))
    try:
        copy = live.begin(
            span.name,
            span.span_type,
            parent=None if trace_id is None else _parent(trace_id, parent_id),
            experiment_id=experiment_id,
            start_time_ns=span.start_time_ns,
        )
    finally:
        next_span_id.reset(chosen)
    if copy._span is not None:
        _fill(copy, span)
        copy.set_status(span.status)
    return copy


def _parent(trace_id: str, parent_id: str | None) -> Any:
    """The span of a trace that others go below; the trace's first one if none is named."""
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

    trace = InMemoryTraceManager.get_instance().named(trace_id)
    root = trace.get_root_span() if trace is not None else None
    if root is None:
        raise MlflowException(
            f"Trace '{trace_id}' is not being made in this process, or has ended.",
            error_code="RESOURCE_DOES_NOT_EXIST",
        )
    if parent_id is None:
        return root._span
    context = root._span.get_span_context()
    sampled = TraceFlags(TraceFlags.SAMPLED)
    return NonRecordingSpan(SpanContext(context.trace_id, int(parent_id, 16), False, sampled))


def _end(copy: Any, span: Span) -> None:
    if copy is not None and copy._span is not None:
        copy.set_status(span.status)
        copy.end(end_time_ns=span.end_time_ns)
