from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from mlflow.entities._attached import MARK, may_have_files, taken_out
from mlflow.entities._otel import attributes_of
from mlflow.entities.span import (
    _DESCRIPTION,
    _INPUTS,
    _LOG_LEVEL,
    _OUTPUTS,
    _REQUEST_ID,
    _SPAN_TYPE,
    Span,
    SpanType,
)
from mlflow.entities.span_event import SpanEvent, json_of
from mlflow.entities.span_log_level import SpanLogLevel
from mlflow.entities.span_status import SpanStatus, SpanStatusCode
from mlflow.exceptions import MlflowException

if TYPE_CHECKING:
    from opentelemetry.trace import Span as OtelSpan

    from mlflow.entities.link import Link

_logger = logging.getLogger(__name__)


class LiveSpan(Span):
    """A span that runs, of an OpenTelemetry one, and can be changed until it ends."""

    def __init__(self, otel_span: OtelSpan, trace_id: str, span_type: str = SpanType.UNKNOWN):
        from opentelemetry.trace import Span as OtelSpan

        if not isinstance(otel_span, OtelSpan):
            raise MlflowException.invalid_parameter_value(
                "The `otel_span` argument for the LiveSpan class must be an instance of "
                f"trace.Span, but got {type(otel_span)}."
            )
        self._span = otel_span
        if not {_REQUEST_ID, _SPAN_TYPE} <= set(otel_span.attributes or ()):
            self.set_attribute(_REQUEST_ID, trace_id)
            self.set_attribute(_SPAN_TYPE, span_type)

    def set_span_type(self, span_type: str) -> None:
        """Say what kind of span it is."""
        self.set_attribute(_SPAN_TYPE, span_type)

    def set_description(self, description: str) -> None:
        """Say what it is for."""
        self.set_attribute(_DESCRIPTION, description)

    def set_log_level(self, level: SpanLogLevel | str) -> None:
        """Say how much it matters; MlflowException INVALID_PARAMETER_VALUE for no such level."""
        self.set_attribute(_LOG_LEVEL, int(SpanLogLevel.from_value(level)))

    def set_inputs(self, inputs: Any) -> None:
        """Keep what went in."""
        self._set_content(_INPUTS, inputs)

    def set_outputs(self, outputs: Any) -> None:
        """Keep what came out."""
        self._set_content(_OUTPUTS, outputs)

    def _set_content(self, key: str, value: Any) -> None:
        """Set inputs or outputs. Files in them are kept beside the trace, and URIs instead."""
        text = json_of(value)
        if may_have_files(text):
            files: dict[str, bytes] = self.__dict__.setdefault("_attachments", {})
            found = value if MARK in text else json.loads(text)
            text = json_of(taken_out(found, self.trace_id, files))
        self._set_text(key, text)

    def set_attributes(self, attributes: dict[str, Any]) -> None:
        """Set attributes; what is no dict is passed over, with a warning."""
        if not isinstance(attributes, dict):
            _logger.warning(
                f"Attributes must be a dictionary, but got {type(attributes)}. Skipping."
            )
            return
        for key, value in attributes.items():
            self.set_attribute(key, value)

    def set_attribute(self, key: str, value: Any) -> None:
        """Set an attribute; what has no JSON form is kept as its `str`."""
        self._set_text(key, json_of(value))

    def _set_text(self, key: str, text: str) -> None:
        span = self._span
        if type(key) is str and key and span.is_recording():
            attributes_of(span)[key] = text
        else:
            span.set_attribute(key, text)  # which says what is wrong

    def set_status(self, status: SpanStatus | SpanStatusCode | str) -> None:
        """Say how it ends; MlflowException INVALID_PARAMETER_VALUE for no such status."""
        if not isinstance(status, SpanStatus):
            status = SpanStatus(status)
        self._span.set_status(status.to_otel_status())

    def add_event(self, event: SpanEvent) -> None:
        """Note something that happened."""
        self._span.add_event(event.name, event.attributes, event.timestamp)

    def add_link(self, link: Link) -> None:
        """Point to another span."""
        from opentelemetry.trace import SpanContext, TraceFlags

        context = SpanContext(
            int(link.trace_id.removeprefix("tr-"), 16),
            int(link.span_id, 16),
            is_remote=True,
            trace_flags=TraceFlags(1),
        )
        self._span.add_link(context, link.attributes)

    def record_exception(self, exception: str | Exception) -> None:
        """Note an error as an event, and as the status."""
        if isinstance(exception, str):
            exception = Exception(exception)
        if not isinstance(exception, Exception):
            raise MlflowException.invalid_parameter_value(
                f"Exception {exception!r}; an exception or a text is needed."
            )
        self.set_status(
            SpanStatus(SpanStatusCode.ERROR, f"{type(exception).__name__}: {exception}")
        )
        self.add_event(SpanEvent.from_exception(exception))

    def end(
        self,
        outputs: Any | None = None,
        attributes: dict[str, Any] | None = None,
        status: SpanStatus | str | None = None,
        end_time_ns: int | None = None,
    ) -> None:
        """End it, now or at `end_time_ns`; a status that was not set is OK then."""
        if attributes is not None:
            self.set_attributes(attributes)
        if outputs is not None:
            self.set_outputs(outputs)
        if status is not None:
            self.set_status(status)
        else:
            unset, ok = _statuses or _find_statuses()
            if self._span.status.status_code is unset:
                self._span.set_status(ok)
        self._span.end(end_time=end_time_ns)

    def from_dict(self, data: dict[str, Any]) -> Span:
        raise NotImplementedError("The `from_dict` method is not supported for the LiveSpan class.")

    @classmethod
    def from_immutable_span(
        cls,
        span: Span,
        parent_span_id: str | None = None,
        trace_id: str | None = None,
        experiment_id: str | None = None,
        otel_trace_id: str | None = None,
    ) -> LiveSpan:
        """A span that runs, with the id, beginning and content of this one; `end` it.

        Args:
            parent_span_id: The span to put it below. Without, it begins a trace of its own.
            trace_id: The trace of that, which has not ended.
            experiment_id: Where a new trace goes.
            otel_trace_id: Not needed: `trace_id` says it.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if no such trace is being made here.
        """
        from mlflow.tracing.adding import revived

        return revived(span, parent_span_id, trace_id, experiment_id)

    def to_immutable_span(self) -> Span:
        """The same span, without what changes it."""
        return Span(self._span)


_statuses: tuple[Any, Any] | None = None


def _find_statuses() -> tuple[Any, Any]:
    """OpenTelemetry's code of a status that was not set, and its status of success."""
    global _statuses
    from opentelemetry.trace import Status, StatusCode

    _statuses = StatusCode.UNSET, Status(StatusCode.OK)
    return _statuses
