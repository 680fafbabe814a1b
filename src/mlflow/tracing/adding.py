"""Spans of another trace, as a part of one of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlflow.entities.trace import Trace
from mlflow.exceptions import MlflowException
from mlflow.tracing import spans as live
from mlflow.tracing.constant import SpanAttributeKey

if TYPE_CHECKING:
    from mlflow.entities.span import Span

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
        given = {k: v for k, v in span._raw_attributes().items() if k not in _ITS_OWN}
        copy._span.set_attributes(given)
        for event in span.events:
            copy.add_event(event)
        for link in span.links:
            copy.add_link(link)
    made[span.span_id] = copy
    return copy


def _end(copy: Any, span: Span) -> None:
    if copy is not None and copy._span is not None:
        copy.set_status(span.status)
        copy.end(end_time_ns=span.end_time_ns)
