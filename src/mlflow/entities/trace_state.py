from __future__ import annotations

from enum import Enum
from typing import Any


class TraceState(str, Enum):
    """How a trace ended, or that it has not."""

    STATE_UNSPECIFIED = "STATE_UNSPECIFIED"
    OK = "OK"
    ERROR = "ERROR"
    IN_PROGRESS = "IN_PROGRESS"

    def __str__(self) -> str:
        return self.value

    def to_proto(self) -> int:
        """The number that stands for the state on the wire."""
        return list(TraceState).index(self)

    @classmethod
    def from_proto(cls, proto: int) -> TraceState:
        """The state with this number; IndexError if there is none."""
        return list(cls)[proto]

    @staticmethod
    def from_otel_status(otel_status: Any) -> TraceState:
        """The state that an OpenTelemetry `Status` of a root span means."""
        name = otel_status.status_code.name
        return TraceState.STATE_UNSPECIFIED if name == "UNSET" else TraceState(name)
