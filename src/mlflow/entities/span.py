"""Spans: the steps of a trace.

A span has two forms. OpenTelemetry's, while it runs; and a record, the mapping that `to_dict`
gives, which is how it is stored and sent. A `LazySpan` is made of a record and needs no
OpenTelemetry: spans that are read back cost a dict each.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlflow.entities.span_event import CustomEncoder, SpanEvent
from mlflow.entities.span_log_level import SpanLogLevel
from mlflow.entities.span_status import SpanStatus, SpanStatusCode
from mlflow.exceptions import MlflowException

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from mlflow.entities._live_span import LiveSpan
    from mlflow.entities.link import Link

NO_OP_SPAN_TRACE_ID = "MLFLOW_NO_OP_SPAN_TRACE_ID"

_REQUEST_ID = "mlflow.traceRequestId"
_INPUTS = "mlflow.spanInputs"
_OUTPUTS = "mlflow.spanOutputs"
_SPAN_TYPE = "mlflow.spanType"
_LOG_LEVEL = "mlflow.spanLogLevel"
_DESCRIPTION = "mlflow.spanDescription"
_MODEL = "mlflow.llm.model"
_COST = "mlflow.llm.cost"


class SpanType:
    """The usual types of spans; any other text will do, too."""

    LLM = "LLM"
    CHAIN = "CHAIN"
    AGENT = "AGENT"
    TOOL = "TOOL"
    CHAT_MODEL = "CHAT_MODEL"
    RETRIEVER = "RETRIEVER"
    PARSER = "PARSER"
    EMBEDDING = "EMBEDDING"
    RERANKER = "RERANKER"
    MEMORY = "MEMORY"
    UNKNOWN = "UNKNOWN"
    WORKFLOW = "WORKFLOW"
    TASK = "TASK"
    GUARDRAIL = "GUARDRAIL"
    EVALUATOR = "EVALUATOR"


def create_mlflow_span(
    otel_span: Any, trace_id: str, span_type: str | None = None
) -> Span | LiveSpan | NoOpSpan:
    """The span that stands for an OpenTelemetry one: live if it was started here, else read-only,
    and one that does nothing for None and for a span that is not recorded.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is no span.
    """
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace import Span as SdkSpan
    from opentelemetry.trace import NonRecordingSpan

    if otel_span is None or isinstance(otel_span, NonRecordingSpan):
        return NoOpSpan()
    if isinstance(otel_span, SdkSpan):
        from mlflow.entities._live_span import LiveSpan

        return LiveSpan(otel_span, trace_id, span_type or SpanType.UNKNOWN)
    if isinstance(otel_span, ReadableSpan):
        return Span(otel_span)
    raise MlflowException.invalid_parameter_value(
        "The `otel_span` argument must be an instance of one of valid OpenTelemetry span classes, "
        f"but got {type(otel_span)}."
    )


class Span:
    """A span that has ended, of an OpenTelemetry one.

    Its attributes are JSON text in the OpenTelemetry span, and are read when asked for.
    """

    def __init__(self, otel_span: ReadableSpan):
        from opentelemetry.sdk.trace import ReadableSpan

        if not isinstance(otel_span, ReadableSpan):
            raise MlflowException.invalid_parameter_value(
                "The `otel_span` argument for the Span class must be an instance of ReadableSpan, "
                f"but got {type(otel_span)}."
            )
        self._span = otel_span

    # What the two forms give differently.

    def _raw_attributes(self) -> dict[str, Any]:
        """The attributes as they are kept, mostly JSON text."""
        return dict(self._span.attributes or {})

    @property
    def span_id(self) -> str:
        """16 hexadecimal digits."""
        return f"{self._span.context.span_id:016x}"

    @property
    def _trace_id(self) -> str:
        """OpenTelemetry's id of the trace: 32 hexadecimal digits."""
        return f"{self._span.context.trace_id:032x}"

    @property
    def name(self) -> str:
        """What the span is called."""
        return self._span.name

    @property
    def start_time_ns(self) -> int:
        """Nanoseconds since the Unix epoch."""
        return self._span.start_time

    @property
    def end_time_ns(self) -> int | None:
        """Nanoseconds since the Unix epoch; None while it runs."""
        return self._span.end_time

    @property
    def parent_id(self) -> str | None:
        """The `span_id` of the span that this one is part of; None for a root."""
        parent = self._span.parent
        return None if parent is None else f"{parent.span_id:016x}"

    @property
    def status(self) -> SpanStatus:
        """How it ended."""
        return SpanStatus.from_otel_status(self._span.status)

    @property
    def events(self) -> list[SpanEvent]:
        """What happened meanwhile, oldest first."""
        return [
            SpanEvent(event.name, event.timestamp, _plain(event.attributes))
            for event in self._span.events
        ]

    @property
    def links(self) -> list[Link]:
        """The spans elsewhere that it points to."""
        from mlflow.entities.link import Link

        return [
            Link(
                f"tr-{link.context.trace_id:032x}",
                f"{link.context.span_id:016x}",
                _plain(link.attributes) or None,
            )
            for link in self._span.links
        ]

    def to_dict(self) -> dict[str, Any]:
        """The record: ids in base64, attributes as JSON text."""
        status, parent = self.status, self.parent_id
        return {
            "trace_id": _base64(self._trace_id),
            "span_id": _base64(self.span_id),
            "parent_span_id": None if parent is None else _base64(parent),
            "name": self.name,
            "start_time_unix_nano": self.start_time_ns,
            "end_time_unix_nano": self.end_time_ns,
            "events": [
                {"name": e.name, "time_unix_nano": e.timestamp, "attributes": e.attributes}
                for e in self.events
            ],
            "status": {
                "code": status.status_code.to_otel_proto_status_code_name(),
                "message": status.description,
            },
            "attributes": self._raw_attributes(),
            "links": [link.to_dict() for link in self.links],
        }

    # What is the same for both.

    @property
    def trace_id(self) -> str:
        """The trace that the span belongs to: `tr-` and 32 hexadecimal digits."""
        return self.get_attribute(_REQUEST_ID) or f"tr-{self._trace_id}"

    @property
    def request_id(self) -> str:
        """The old name of `trace_id`."""
        return self.trace_id

    @property
    def inputs(self) -> Any:
        """What went in."""
        return self.get_attribute(_INPUTS)

    @property
    def outputs(self) -> Any:
        """What came out."""
        return self.get_attribute(_OUTPUTS)

    @property
    def span_type(self) -> str:
        """Such as `SpanType.LLM`."""
        return self.get_attribute(_SPAN_TYPE)

    @property
    def log_level(self) -> SpanLogLevel | None:
        """How much it matters."""
        level = self.get_attribute(_LOG_LEVEL)
        try:
            return None if level is None else SpanLogLevel(level)
        except ValueError:  # another program may write anything there
            return None

    @property
    def description(self) -> str | None:
        """What it is for."""
        return self.get_attribute(_DESCRIPTION)

    @property
    def model_name(self) -> str | None:
        """The model that was asked."""
        return self.get_attribute(_MODEL)

    @property
    def llm_cost(self) -> dict[str, float] | None:
        """What that cost, in US dollars."""
        return self.get_attribute(_COST)

    @property
    def attributes(self) -> dict[str, Any]:
        """All attributes."""
        return {key: _decoded(value) for key, value in self._raw_attributes().items()}

    def get_attribute(self, key: str) -> Any | None:
        """One attribute; None if it is not set."""
        return _decoded(self._raw_attributes().get(key))

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(name={self.name!r}, trace_id={self.trace_id!r}, "
            f"span_id={self.span_id!r}, parent_id={self.parent_id!r})"
        )

    def __getitem__(self, key: object) -> Any:
        raise TypeError(
            f"'{type(self).__name__}' object is not subscriptable. Use attribute access instead, "
            "e.g. `span.inputs`, `span.outputs`, or `span.attributes`."
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Span:
        """The span of a record, of this or the older form.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if it is no such record.
        """
        from mlflow.entities._span_records import checked

        return LazySpan(checked(data))

    @classmethod
    def from_dict_v2(cls, data: dict[str, Any]) -> Span:
        """The span of a record of the older form."""
        from mlflow.entities._span_records import from_v2

        return LazySpan(from_v2(data))

    @classmethod
    def from_otel_proto(
        cls,
        otel_proto_span: Any,
        location_id: str | None = None,
        *,
        preserve_request_id: bool = False,
        resource: Any = None,
    ) -> Span:
        """The span of a message of the OpenTelemetry protocol.

        Args:
            location_id: Of a place outside of experiments, for the trace's id.
            preserve_request_id: Whether the id of the trace that the span says counts, and not
                the one made of OpenTelemetry's.
            resource: The message that says what made the span.

        Raises:
            ValueError: If it has no ids.
        """
        from mlflow.entities._span_records import from_proto

        return LazySpan(
            from_proto(otel_proto_span, location_id, preserve_request_id), resource=resource
        )

    def to_otel_proto(self) -> Any:
        """The same as a message of the OpenTelemetry protocol."""
        from mlflow.entities._span_records import to_proto

        return to_proto(self.to_dict())


class LazySpan(Span):
    """A span of a record, which is read when something is asked of it.

    Args:
        span_dict: What `to_dict` gives.
        raw_json: The same as JSON text, where that is at hand.
    """

    #: Tags of the trace that follow from what made the span; only of spans that were received.
    resource_tags: Mapping[str, str] = {}

    def __init__(
        self, span_dict: dict[str, Any], *, raw_json: str | None = None, resource: Any = None
    ):
        self._record = span_dict
        self._raw_json = raw_json
        self._resource = resource

    @classmethod
    def from_stored_content(cls, content: str) -> LazySpan:
        """The span of a record as JSON text."""
        return cls(json.loads(content), raw_json=content)

    def to_dict(self) -> dict[str, Any]:
        return self._record

    def json_for_export(self) -> str:
        """The record as JSON text; as it was stored, where that is at hand."""
        if self._raw_json is not None:
            return self._raw_json
        return json.dumps(self._record, cls=CustomEncoder, separators=(",", ":"))

    @property
    def _span(self) -> ReadableSpan:
        """The same in OpenTelemetry's form."""
        from mlflow.entities._span_records import to_otel

        return to_otel(self._record, self._resource)

    def _raw_attributes(self) -> dict[str, Any]:
        return self._record.get("attributes") or {}

    @property
    def span_id(self) -> str:
        return _hex(self._part("span_id"))

    @property
    def _trace_id(self) -> str:
        return _hex(self._part("trace_id"))

    @property
    def name(self) -> str:
        return self._part("name")

    @property
    def start_time_ns(self) -> int:
        return self._part("start_time_unix_nano")

    @property
    def end_time_ns(self) -> int | None:
        return self._record.get("end_time_unix_nano")

    @property
    def parent_id(self) -> str | None:
        parent = self._record.get("parent_span_id")
        return _hex(parent) if parent else None

    @property
    def status(self) -> SpanStatus:
        status = self._part("status")
        code = SpanStatusCode.from_otel_proto_status_code_name(status["code"])
        return SpanStatus(code, status.get("message") or "")

    @property
    def events(self) -> list[SpanEvent]:
        return [
            SpanEvent(e["name"], e["time_unix_nano"], e.get("attributes") or {})
            for e in self._record.get("events") or ()
        ]

    @property
    def links(self) -> list[Link]:
        from mlflow.entities.link import Link

        return [Link.from_dict(link) for link in self._record.get("links") or ()]

    def _part(self, name: str) -> Any:
        try:
            return self._record[name]
        except KeyError:
            raise MlflowException.invalid_parameter_value(
                "Failed to create a Span object from the given dictionary"
            ) from None


class NoOpSpan(Span):
    """What stands for a span when nothing is traced: it takes everything and keeps nothing."""

    def __init__(self, otel_span: Any = None):
        self._span = None

    trace_id = property(lambda self: NO_OP_SPAN_TRACE_ID)
    span_id = name = start_time_ns = end_time_ns = context = parent_id = status = property(
        lambda self: None
    )

    def _raw_attributes(self) -> dict[str, Any]:
        return {}

    events = property(lambda self: [])
    links = property(lambda self: [])

    def set_inputs(self, inputs: dict[str, Any]) -> None: ...
    def set_outputs(self, outputs: dict[str, Any]) -> None: ...
    def set_attributes(self, attributes: dict[str, Any]) -> None: ...
    def set_attribute(self, key: str, value: Any) -> None: ...
    def set_span_type(self, span_type: str) -> None: ...
    def set_description(self, description: str) -> None: ...
    def set_log_level(self, level: SpanLogLevel | int | str) -> None: ...
    def set_status(self, status: SpanStatus) -> None: ...
    def add_event(self, event: SpanEvent) -> None: ...
    def add_link(self, link: Link) -> None: ...
    def record_exception(self, exception: str | Exception) -> None: ...
    def end(
        self,
        outputs: Any | None = None,
        attributes: dict[str, Any] | None = None,
        status: SpanStatus | str | None = None,
        end_time_ns: int | None = None,
    ) -> None: ...


def _decoded(value: Any) -> Any:
    """What an attribute's JSON text says; the value itself if it is none."""
    if not isinstance(value, (str, bytes)):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):  # the latter if it is nested too deeply to be read
        return value


def _plain(attributes: Any) -> dict[str, Any]:
    """OpenTelemetry's attributes; its tuples as lists."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in (attributes or {}).items()}


def _base64(digits: str) -> str:
    return base64.b64encode(bytes.fromhex(digits)).decode("ascii")


def _hex(text: str) -> str:
    return base64.b64decode(text).hex()


def __getattr__(name: str) -> Any:
    # Live spans come last: their class is made of this one, and few processes have any.
    if name == "LiveSpan":
        from mlflow.entities._live_span import LiveSpan

        globals()[name] = LiveSpan
        return LiveSpan
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
