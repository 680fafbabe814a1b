from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from mlflow.entities._mlflow_object import _MlflowObject
from mlflow.entities._proto_json import timestamp_millis, timestamp_text
from mlflow.entities.assessment import Assessment
from mlflow.entities.trace_location import TraceLocation, TraceLocationType
from mlflow.entities.trace_state import TraceState
from mlflow.entities.trace_status import TraceStatus

_TOKEN_USAGE = "mlflow.trace.tokenUsage"
_COST = "mlflow.trace.cost"


@dataclass
class TraceInfo(_MlflowObject, fields=True):
    """What is known of a trace beside its spans."""

    trace_id: str
    """`tr-` and 32 hexadecimal digits."""
    trace_location: TraceLocation
    request_time: int
    """When it began: milliseconds since the Unix epoch."""
    state: TraceState
    request_preview: str | None = None
    """The beginning of the root span's inputs, as JSON text."""
    response_preview: str | None = None
    client_request_id: str | None = None
    """Whatever the application calls the request."""
    execution_duration: int | None = None
    """Milliseconds."""
    trace_metadata: dict[str, str] = field(default_factory=dict)
    """Set when the trace is made, and not changed by users."""
    tags: dict[str, str] = field(default_factory=dict)
    assessments: list[Assessment] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form; what is not set is absent."""
        parts = {
            "trace_id": self.trace_id,
            "client_request_id": self.client_request_id,
            "trace_location": self.trace_location.to_dict(),
            "request_time": timestamp_text(self.request_time),
            "state": TraceState(self.state).value,
            "trace_metadata": self.trace_metadata or None,
            "assessments": [a.to_dictionary() for a in self.assessments] or None,
            "tags": self.tags or None,
            "request_preview": self.request_preview,
            "response_preview": self.response_preview,
            "execution_duration_ms": self.execution_duration,
        }
        return {name: part for name, part in parts.items() if part is not None}

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> TraceInfo:
        """Of its JSON form, or of that of version 2.

        Raises:
            TypeError: If something is missing or not known.
        """
        if "request_id" in d:
            from mlflow.entities.trace_info_v2 import TraceInfoV2

            return TraceInfoV2.from_dict(d).to_v3()
        d = dict(d)
        if "trace_location" in d:
            d["trace_location"] = TraceLocation.from_dict(d["trace_location"])
        if "state" in d:
            d["state"] = TraceState(d["state"])
        if "request_time" in d:
            d["request_time"] = timestamp_millis(d["request_time"])
        if "execution_duration_ms" in d:
            d["execution_duration"] = d.pop("execution_duration_ms")
        if "assessments" in d:
            d["assessments"] = [Assessment.from_dictionary(a) for a in d["assessments"]]
        return cls(**d)

    @property
    def request_id(self) -> str:
        """The old name of `trace_id`."""
        return self.trace_id

    @property
    def experiment_id(self) -> str | None:
        """The experiment that keeps the trace; None if it is kept elsewhere."""
        place = self.trace_location.mlflow_experiment
        return place and place.experiment_id

    @experiment_id.setter
    def experiment_id(self, value: str | None) -> None:
        self.trace_location.mlflow_experiment.experiment_id = value

    @property
    def request_metadata(self) -> dict[str, str]:
        """The old name of `trace_metadata`."""
        return self.trace_metadata

    @property
    def timestamp_ms(self) -> int:
        """The old name of `request_time`."""
        return self.request_time

    @timestamp_ms.setter
    def timestamp_ms(self, value: int) -> None:
        self.request_time = value

    @property
    def execution_time_ms(self) -> int | None:
        """The old name of `execution_duration`."""
        return self.execution_duration

    @execution_time_ms.setter
    def execution_time_ms(self, value: int | None) -> None:
        self.execution_duration = value

    @property
    def status(self) -> TraceStatus:
        """The old name of `state`."""
        return TraceStatus.from_state(self.state)

    @status.setter
    def status(self, value: TraceStatus) -> None:
        self.state = value.to_state()

    @property
    def token_usage(self) -> dict[str, int] | None:
        """Tokens of all its spans, such as `{"input_tokens": 3, …}`."""
        return self._decoded(_TOKEN_USAGE)

    @property
    def cost(self) -> dict[str, float] | None:
        """What its spans cost, such as `{"total_cost": 0.01, …}`, in US dollars."""
        return self._decoded(_COST)

    def _decoded(self, key: str) -> Any:
        text = self.trace_metadata.get(key)
        return None if text is None else json.loads(text)


def experiment_of(location: TraceLocation) -> str | None:
    """The experiment that a location names, if it names one."""
    if location.type != TraceLocationType.MLFLOW_EXPERIMENT or not location.mlflow_experiment:
        return None
    return location.mlflow_experiment.experiment_id
