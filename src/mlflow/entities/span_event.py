from __future__ import annotations

import json
import time
import traceback
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from mlflow.entities._mlflow_object import _MlflowObject


class CustomEncoder(json.JSONEncoder):
    """JSON in which dataclasses and Pydantic models are objects, and what else has no JSON form is
    its `str`."""

    def default(self, o: Any) -> Any:
        if not isinstance(o, type):
            if hasattr(o, "model_dump"):
                try:
                    return o.model_dump()
                except Exception:
                    return _text(o)
            if is_dataclass(o):
                return {part.name: getattr(o, part.name, None) for part in fields(o)}
        return _text(o)


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # what is traced need not be well made
        return f"<{type(value).__name__} without a text: {type(error).__name__}>"


_encode = CustomEncoder(ensure_ascii=False).encode
#: Entries of a dict that are written one by one: for few of them, the encoder costs more.
_FEW = 8


def _quick(value: Any) -> str | None:
    """JSON text of the simplest values; None for others."""
    kind = type(value)
    if kind is str:
        return _encode(value)
    if kind is int and -_LARGE < value < _LARGE:
        return str(value)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    return None


_LARGE = 1 << 63


def json_of(value: Any) -> str:
    """JSON text of any value. What goes in circles or has odd keys is its `str` as a whole; half of
    a surrogate pair, which no store takes, becomes a question mark."""
    text = _quick(value)
    if text is None and type(value) is dict and len(value) <= _FEW:
        parts = [(key, _quick(part)) for key, part in value.items()]
        if all(type(key) is str and part is not None for key, part in parts):
            text = f"{{{', '.join([f'{_encode(key)}: {part}' for key, part in parts])}}}"
    try:
        if text is None:
            text = _encode(value)
    except (TypeError, ValueError, RecursionError):
        text = _encode(_text(value))
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


@dataclass
class SpanEvent(_MlflowObject, fields=True):
    """Something that happened at one moment of a span."""

    name: str
    timestamp: int = field(default_factory=time.time_ns)
    """Nanoseconds since the Unix epoch; now if not given."""
    attributes: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_exception(cls, exception: Exception) -> SpanEvent:
        """An event named `exception`, as OpenTelemetry has it."""
        return cls(
            name="exception",
            attributes={
                "exception.message": str(exception),
                "exception.type": type(exception).__name__,
                "exception.stacktrace": "".join(
                    traceback.format_exception(type(exception), exception, exception.__traceback__)
                ).rstrip("\n"),
            },
        )

    def json(self) -> dict[str, Any]:
        """Its parts; the attributes as JSON text."""
        return {
            "name": self.name,
            "timestamp": self.timestamp,
            "attributes": json.dumps(self.attributes, cls=CustomEncoder),
        }

    def to_otel_proto(self) -> Any:
        """The same as a message of the OpenTelemetry protocol."""
        from opentelemetry.proto.trace.v1.trace_pb2 import Span

        from mlflow.entities._otel_values import set_attributes

        event = Span.Event(time_unix_nano=self.timestamp, name=self.name)
        set_attributes(event.attributes, self.attributes)
        return event
