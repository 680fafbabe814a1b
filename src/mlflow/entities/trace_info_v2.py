from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mlflow.entities._mlflow_object import _MlflowObject
from mlflow.entities.assessment import Assessment
from mlflow.entities.trace_info import TraceInfo
from mlflow.entities.trace_location import TraceLocation
from mlflow.entities.trace_status import TraceStatus


@dataclass
class TraceInfoV2(_MlflowObject, fields=True):
    """What is known of a trace, in version 2 of the protocol; `TraceInfo` has taken its place."""

    request_id: str
    experiment_id: str
    timestamp_ms: int
    execution_time_ms: int | None
    status: TraceStatus
    request_metadata: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    assessments: list[Assessment] = field(default_factory=list)

    @property
    def trace_id(self) -> str:
        """The new name of `request_id`."""
        return self.request_id

    def to_dict(self) -> dict[str, Any]:
        """Its parts by name."""
        return {
            "request_id": self.request_id,
            "experiment_id": self.experiment_id,
            "timestamp_ms": self.timestamp_ms,
            "execution_time_ms": self.execution_time_ms,
            "status": TraceStatus(self.status).value,
            "request_metadata": self.request_metadata,
            "tags": self.tags,
            "assessments": [a.to_dictionary() for a in self.assessments],
        }

    @classmethod
    def from_dict(cls, trace_info_dict: dict[str, Any]) -> TraceInfoV2:
        """The one with these parts; ValueError if it has no status."""
        d = dict(trace_info_dict)
        if "status" not in d:
            raise ValueError("status is required in trace info dictionary.")
        d["status"] = TraceStatus(d["status"])
        d["assessments"] = [Assessment.from_dictionary(a) for a in d.get("assessments", ())]
        return cls(**d)

    def to_v3(self, request: str | None = None, response: str | None = None) -> TraceInfo:
        """The same in version 3; `request` and `response` become the previews."""
        return TraceInfo(
            trace_id=self.request_id,
            trace_location=TraceLocation.from_experiment_id(self.experiment_id),
            request_preview=request,
            response_preview=response,
            request_time=self.timestamp_ms,
            execution_duration=self.execution_time_ms,
            state=self.status.to_state(),
            trace_metadata=dict(self.request_metadata),
            tags=dict(self.tags),
            assessments=list(self.assessments),
        )

    @classmethod
    def from_v3(cls, trace_info: TraceInfo) -> TraceInfoV2:
        """The same as one of version 3, without its previews."""
        return cls(
            request_id=trace_info.trace_id,
            experiment_id=trace_info.experiment_id,
            timestamp_ms=trace_info.request_time,
            execution_time_ms=trace_info.execution_duration,
            status=trace_info.status,
            request_metadata=dict(trace_info.trace_metadata),
            tags=dict(trace_info.tags),
            assessments=list(trace_info.assessments),
        )
