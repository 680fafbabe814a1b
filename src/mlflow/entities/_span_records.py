"""Records of spans, and what they are made of and become: older records, OpenTelemetry's
messages and its spans."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from mlflow.entities._otel_values import attributes_of, set_attributes
from mlflow.entities.span_event import CustomEncoder
from mlflow.exceptions import MlflowException

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

_REQUEST_ID = "mlflow.traceRequestId"
_CODES = ("STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR")


def checked(data: dict[str, Any]) -> dict[str, Any]:
    """A whole record of one that may be of the older form or lack lists.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is no record of a span.
    """
    try:
        if "context" in data:
            return from_v2(data)
        record = {
            "trace_id": _id(data["trace_id"], 16),
            "span_id": _id(data["span_id"], 8),
            "parent_span_id": _id(data["parent_span_id"], 8)
            if data.get("parent_span_id")
            else None,
            "name": data["name"],
            "start_time_unix_nano": _time(data["start_time_unix_nano"]),
            "end_time_unix_nano": None
            if data.get("end_time_unix_nano") in (None, "")
            else _time(data["end_time_unix_nano"]),
            "events": [_event(event) for event in data.get("events") or ()],
            "status": _status(data["status"]),
            "attributes": dict(data["attributes"] or {}),
            "links": [_link(link) for link in data.get("links") or ()],
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MlflowException.invalid_parameter_value(
            "Failed to create a Span object from the given dictionary"
        ) from error
    return record


def _id(text: str, length: int) -> str:
    raw = base64.b64decode(text, validate=True)
    if not 0 < len(raw) <= length:
        raise ValueError(f"Id {text!r}; {length} bytes in base64 are needed.")
    return text if len(raw) == length else base64.b64encode(raw.rjust(length, b"\0")).decode()


def _time(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)  # as JSON of the protocol has it, whose numbers are too small for times
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"Time {value!r}; an integer is needed.")
    return value


def _event(event: dict[str, Any]) -> dict[str, Any]:
    attributes = dict(event.get("attributes") or {})
    time = _time(event["time_unix_nano"])
    return {"name": event["name"], "time_unix_nano": time, "attributes": attributes}


def _link(link: dict[str, Any]) -> dict[str, Any]:
    trace_id, span_id = str(link["trace_id"]), str(link["span_id"])
    return {"trace_id": trace_id, "span_id": span_id, "attributes": link.get("attributes")}


def _status(status: dict[str, Any]) -> dict[str, Any]:
    code = f"STATUS_CODE_{status['code'].removeprefix('STATUS_CODE_')}"
    if code not in _CODES:
        raise ValueError(f"Status {status['code']!r}; one of {_CODES} is needed.")
    # OpenTelemetry keeps descriptions of errors only.
    message = status.get("message") if code == "STATUS_CODE_ERROR" else ""
    return {"code": code, "message": message or ""}


def from_v2(data: dict[str, Any]) -> dict[str, Any]:
    """A record of one of the older form, with ids in hexadecimal digits."""
    context, parent = data["context"], data.get("parent_id")
    code = data["status_code"]
    return {
        "trace_id": _from_hex(context["trace_id"], 16),
        "span_id": _from_hex(context["span_id"], 8),
        "parent_span_id": _from_hex(parent, 8) if parent else None,
        "name": data["name"],
        "start_time_unix_nano": _time(data["start_time"]),
        "end_time_unix_nano": data.get("end_time"),
        "events": [
            {
                "name": event["name"],
                "time_unix_nano": event["timestamp"],
                "attributes": dict(event.get("attributes") or {}),
            }
            for event in data.get("events") or ()
        ],
        "status": _status({"code": f"STATUS_CODE_{code}", "message": data.get("status_message")}),
        "attributes": dict(data["attributes"] or {}),
        "links": [],
    }


def _from_hex(digits: str, length: int) -> str:
    raw = bytes.fromhex(digits.removeprefix("0x").rjust(2 * length, "0"))
    return base64.b64encode(raw).decode("ascii")


def from_proto(
    span: Any, location_id: str | None = None, preserve_request_id: bool = False
) -> dict[str, Any]:
    """A record of a message of the OpenTelemetry protocol.

    Raises:
        ValueError: If it has no ids, or ones that are too long.
    """
    trace_id, span_id = _wire_id("trace_id", span, 16), _wire_id("span_id", span, 8)
    parent = _wire_id("parent_span_id", span, 8) if span.parent_span_id else None
    attributes = {key: _json(value) for key, value in attributes_of(span.attributes).items()}
    if not (preserve_request_id and _REQUEST_ID in attributes):
        own = f"trace:/{location_id}/{trace_id.hex()}" if location_id else f"tr-{trace_id.hex()}"
        attributes[_REQUEST_ID] = json.dumps(own)
    return {
        "trace_id": base64.b64encode(trace_id).decode(),
        "span_id": base64.b64encode(span_id).decode(),
        "parent_span_id": base64.b64encode(parent).decode() if parent else None,
        "name": span.name,
        "start_time_unix_nano": span.start_time_unix_nano,
        "end_time_unix_nano": span.end_time_unix_nano,
        "events": [
            {
                "name": event.name,
                "time_unix_nano": event.time_unix_nano,
                "attributes": attributes_of(event.attributes),
            }
            for event in span.events
        ],
        "status": {
            "code": _CODES[span.status.code] if span.status.code < 3 else _CODES[0],
            "message": span.status.message,
        },
        "attributes": attributes,
        "links": [
            {
                "trace_id": f"tr-{link.trace_id.hex()}",
                "span_id": link.span_id.hex(),
                "attributes": attributes_of(link.attributes) or None,
            }
            for link in span.links
        ],
    }


def _wire_id(field: str, span: Any, length: int) -> bytes:
    raw = getattr(span, field)
    if not raw:
        raise ValueError(f"{field} is required but was empty")
    if len(raw) > length:
        raise ValueError(f"{field} has {len(raw)} bytes; {length} are needed")
    return raw.rjust(length, b"\0")


def _json(value: Any) -> str:
    return json.dumps(value, cls=CustomEncoder, ensure_ascii=False)


def to_proto(record: dict[str, Any]) -> Any:
    """The message of the OpenTelemetry protocol that says what a record says."""
    from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

    from mlflow.entities.span import _decoded

    parent = record.get("parent_span_id")
    span = Span(
        trace_id=base64.b64decode(record["trace_id"]),
        span_id=base64.b64decode(record["span_id"]),
        parent_span_id=base64.b64decode(parent) if parent else b"",
        name=record["name"] or "",
        start_time_unix_nano=record["start_time_unix_nano"],
        end_time_unix_nano=record.get("end_time_unix_nano") or 0,
        status=Status(
            code=_CODES.index(record["status"]["code"]),
            message=record["status"].get("message") or "",
        ),
    )
    decoded = {k: _decoded(v) for k, v in (record.get("attributes") or {}).items()}
    set_attributes(span.attributes, decoded)
    for event in record.get("events") or ():
        message = span.events.add(name=event["name"], time_unix_nano=event["time_unix_nano"])
        set_attributes(message.attributes, event.get("attributes") or {})
    for link in record.get("links") or ():
        message = span.links.add(
            trace_id=bytes.fromhex(link["trace_id"].removeprefix("tr-")),
            span_id=bytes.fromhex(link["span_id"]),
        )
        set_attributes(message.attributes, link.get("attributes") or {})
    return span


def to_otel(record: dict[str, Any], resource: Any = None) -> ReadableSpan:
    """The OpenTelemetry span that says what a record says."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags

    def context(trace_id: bytes, span_id: bytes) -> SpanContext:
        numbers = int.from_bytes(trace_id, "big"), int.from_bytes(span_id, "big")
        return SpanContext(*numbers, is_remote=False, trace_flags=TraceFlags(1))

    trace_id, parent = base64.b64decode(record["trace_id"]), record.get("parent_span_id")
    code = StatusCode[record["status"]["code"].removeprefix("STATUS_CODE_")]
    message = record["status"].get("message") if code is StatusCode.ERROR else None
    return ReadableSpan(
        name=record["name"],
        context=context(trace_id, base64.b64decode(record["span_id"])),
        parent=context(trace_id, base64.b64decode(parent)) if parent else None,
        start_time=record["start_time_unix_nano"],
        end_time=record.get("end_time_unix_nano"),
        attributes=record.get("attributes") or {},
        status=Status(code, message or None),
        resource=Resource(attributes_of(resource.attributes)) if resource is not None else None,
        events=[
            Event(e["name"], e.get("attributes") or {}, e["time_unix_nano"])
            for e in record.get("events") or ()
        ],
        links=[
            Link(
                context(
                    bytes.fromhex(link["trace_id"].removeprefix("tr-")),
                    bytes.fromhex(link["span_id"]),
                ),
                link.get("attributes") or {},
            )
            for link in record.get("links") or ()
        ],
    )
