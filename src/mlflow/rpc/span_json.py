"""Spans as JSON of the OpenTelemetry protocol: what answers have, and what OTLP in JSON brings.

Answers have base64 ids and names with underscores, as protobuf's own JSON has them. Exporters send
hexadecimal ids and camelCase; both are taken.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from mlflow.entities import Span
from mlflow.entities.span import LazySpan, _decoded
from mlflow.entities.span_event import CustomEncoder

_CODES = ("STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR")
_HEX = re.compile(r"[0-9a-fA-F]+")
_INT64 = range(-(1 << 63), 1 << 63)


def span_json(span: Span) -> dict[str, Any]:
    """A span as answers have it; what is empty is left out."""
    record = span.to_dict()
    found: dict[str, Any] = {"trace_id": record["trace_id"], "span_id": record["span_id"]}
    if record.get("parent_span_id"):
        found["parent_span_id"] = record["parent_span_id"]
    found["name"] = record["name"] or ""
    found["start_time_unix_nano"] = record["start_time_unix_nano"]
    found["end_time_unix_nano"] = record.get("end_time_unix_nano") or 0
    attributes = record.get("attributes") or {}
    found["attributes"] = [_pair(key, _decoded(value)) for key, value in attributes.items()]
    if record.get("events"):
        found["events"] = [_event(event) for event in record["events"]]
    if record.get("links"):
        found["links"] = [_link(link) for link in record["links"]]
    status = record["status"]
    found["status"] = {"message": status["message"]} if status.get("message") else {}
    if status["code"] != _CODES[0]:
        found["status"]["code"] = status["code"]
    return found


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    found = {"time_unix_nano": event["time_unix_nano"], "name": event["name"]}
    if event.get("attributes"):
        found["attributes"] = [_pair(k, v) for k, v in event["attributes"].items()]
    return found


def _link(link: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "trace_id": _base64(link["trace_id"].removeprefix("tr-")),
        "span_id": _base64(link["span_id"]),
    }
    if link.get("attributes"):
        found["attributes"] = [_pair(k, v) for k, v in link["attributes"].items()]
    return found


def _base64(digits: str) -> str:
    try:
        return base64.b64encode(bytes.fromhex(digits)).decode()
    except ValueError:  # what another program called a link
        return base64.b64encode(digits.encode()).decode()


def _pair(key: str, value: Any) -> dict[str, Any]:
    return {"key": key} if value is None else {"key": key, "value": _value(value)}


def _value(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if isinstance(value, bool):
        return {"bool_value": value}
    if isinstance(value, str):
        return {"string_value": value}
    if isinstance(value, int):
        return {"int_value": value} if value in _INT64 else {"string_value": str(value)}
    if isinstance(value, float):
        if math.isfinite(value):
            return {"double_value": value}
        return {"double_value": "NaN" if value != value else f"{'-' * (value < 0)}Infinity"}
    if isinstance(value, Mapping):
        pairs = [_pair(str(key), part) for key, part in value.items()]
        return {"kvlist_value": {"values": pairs} if pairs else {}}
    if isinstance(value, (list, tuple)):
        parts = [_value(part) for part in value]
        return {"array_value": {"values": parts} if parts else {}}
    return {"string_value": str(value)}


# -- reading --------------------------------------------------------------------------------------


def span_of(
    message: Mapping[str, Any], *, preserve_request_id: bool = True, hex_ids: bool = False
) -> LazySpan:
    """The span of such JSON.

    Args:
        preserve_request_id: Whether the id of the trace that the span says counts, and not the one
            made of OpenTelemetry's.
        hex_ids: Whether ids are hexadecimal digits, as exporters send them.

    Raises:
        ValueError: If it is none.
    """
    get = _Names(message)
    trace_id, span_id = (
        _id(get("trace_id"), 16, hex_ids),
        _id(get("span_id"), 8, hex_ids),
    )
    parent = get("parent_span_id")
    attributes = {
        key: json.dumps(value, cls=CustomEncoder, ensure_ascii=False)
        for key, value in attributes_of_json(get("attributes")).items()
    }
    if not (preserve_request_id and "mlflow.traceRequestId" in attributes):
        attributes["mlflow.traceRequestId"] = json.dumps(f"tr-{trace_id.hex()}")
    status = _Names(get("status") or {})
    return LazySpan(
        {
            "trace_id": base64.b64encode(trace_id).decode(),
            "span_id": base64.b64encode(span_id).decode(),
            "parent_span_id": base64.b64encode(_id(parent, 8, hex_ids)).decode()
            if parent
            else None,
            "name": _text(get("name")),
            "start_time_unix_nano": _integer(get("start_time_unix_nano")),
            "end_time_unix_nano": _integer(get("end_time_unix_nano")),
            "events": [_event_of(event) for event in _list(get("events"))],
            "status": {"code": _code(status("code")), "message": _text(status("message"))},
            "attributes": attributes,
            "links": [_link_of(link, hex_ids) for link in _list(get("links"))],
        }
    )


class _Names:
    """The parts of a JSON object, by the names with underscores or in camelCase."""

    def __init__(self, message: Any):
        if not isinstance(message, Mapping):
            raise ValueError(f"{str(message)[:100]!r}; an object is needed")
        self._message = message

    def __call__(self, name: str) -> Any:
        found = self._message.get(name)
        if found is None and "_" in name:
            first, *rest = name.split("_")
            found = self._message.get(first + "".join(part.capitalize() for part in rest))
        return found


def _id(text: Any, length: int, is_hex: bool) -> bytes:
    if not isinstance(text, str) or not text:
        raise ValueError(f"id {text!r}; one of {length} bytes is needed")
    try:
        if is_hex or (len(text) == 2 * length and _HEX.fullmatch(text)):
            raw = bytes.fromhex(text)
        else:
            raw = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise ValueError(f"id {text[:100]!r}; one of {length} bytes is needed") from None
    if not 0 < len(raw) <= length:
        raise ValueError(f"id {text[:100]!r}; one of {length} bytes is needed")
    return raw.rjust(length, b"\0")


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _integer(value: Any) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError(f"{value}; an integer is needed")
    return int(value)


def _list(value: Any) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise ValueError(f"{str(value)[:100]!r}; a list is needed")
    return value or []


def _code(value: Any) -> str:
    if isinstance(value, str) and value in _CODES:
        return value
    return _CODES[value] if type(value) is int and 0 <= value < 3 else _CODES[0]


def _event_of(event: Any) -> dict[str, Any]:
    get = _Names(event)
    return {
        "name": _text(get("name")),
        "time_unix_nano": _integer(get("time_unix_nano")),
        "attributes": attributes_of_json(get("attributes")),
    }


def _link_of(link: Any, hex_ids: bool) -> dict[str, Any]:
    get = _Names(link)
    return {
        "trace_id": f"tr-{_id(get('trace_id'), 16, hex_ids).hex()}",
        "span_id": _id(get("span_id"), 8, hex_ids).hex(),
        "attributes": attributes_of_json(get("attributes")) or None,
    }


def attributes_of_json(pairs: Any) -> dict[str, Any]:
    """A list of `KeyValue`s as a dict; of several with one key the last one counts."""
    found = {}
    for pair in _list(pairs):
        get = _Names(pair)
        found[_text(get("key"))] = _value_of(get("value"))
    return found


def _value_of(value: Any) -> Any:
    if not value:
        return None
    get = _Names(value)
    for name in ("string_value", "bool_value"):
        if (found := get(name)) is not None:
            return found
    if (found := get("int_value")) is not None:
        return _integer(found)
    if (found := get("double_value")) is not None:
        return float(found)
    if (found := get("array_value")) is not None:
        return [_value_of(part) for part in _list(_Names(found)("values"))]
    if (found := get("kvlist_value")) is not None:
        return attributes_of_json(_Names(found)("values"))
    if (found := get("bytes_value")) is not None:
        return base64.b64decode(found, validate=True)
    return None
