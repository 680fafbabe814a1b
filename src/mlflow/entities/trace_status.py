from __future__ import annotations

from enum import Enum
from typing import Any

from mlflow.entities.trace_state import TraceState


class TraceStatus(str, Enum):
    """The state of a trace in version 2 of the protocol; `TraceState` has taken its place."""

    UNSPECIFIED = "TRACE_STATUS_UNSPECIFIED"
    OK = "OK"
    ERROR = "ERROR"
    IN_PROGRESS = "IN_PROGRESS"

    def to_state(self) -> TraceState:
        """The same in version 3."""
        if self is TraceStatus.UNSPECIFIED:
            return TraceState.STATE_UNSPECIFIED
        return TraceState(self.value)

    @classmethod
    def from_state(cls, state: TraceState) -> TraceStatus:
        """The same as a state of version 3."""
        return list(cls)[TraceState(state).to_proto()]

    def to_proto(self) -> int:
        """The number that stands for the status on the wire."""
        return list(TraceStatus).index(self)

    @staticmethod
    def from_proto(proto_status: int) -> TraceStatus:
        """The status with this number; IndexError if there is none."""
        return list(TraceStatus)[proto_status]

    @staticmethod
    def from_otel_status(otel_status: Any) -> TraceStatus:
        """The status that an OpenTelemetry `Status` of a root span means."""
        return TraceStatus.from_state(TraceState.from_otel_status(otel_status))

    @classmethod
    def pending_statuses(cls) -> set[TraceStatus]:
        """Those of traces that go on."""
        return {cls.IN_PROGRESS}

    @classmethod
    def end_statuses(cls) -> set[TraceStatus]:
        """Those of traces that have ended."""
        return {cls.UNSPECIFIED, cls.OK, cls.ERROR}
