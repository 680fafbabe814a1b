from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlflow.entities._mlflow_object import _MlflowObject


@dataclass
class Link(_MlflowObject, fields=True):
    """A span's pointer to another one, perhaps of another trace."""

    trace_id: str
    """`tr-` and 32 hexadecimal digits."""
    span_id: str
    """16 hexadecimal digits."""
    attributes: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Its parts by name."""
        return {
            "trace_id": self.trace_id,
            "span_id": self.span_id,
            "attributes": self.attributes,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Link:
        """The link with these parts."""
        return cls(data["trace_id"], data["span_id"], data.get("attributes"))

    @classmethod
    def from_otel_proto(cls, proto_link: Any) -> Link:
        """The link of a message of the OpenTelemetry protocol."""
        from mlflow.entities._otel_values import attributes_of

        return cls(
            f"tr-{proto_link.trace_id.hex()}",
            proto_link.span_id.hex(),
            attributes_of(proto_link.attributes) or None,
        )
