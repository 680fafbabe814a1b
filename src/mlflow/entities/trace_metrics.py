from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from mlflow.entities._mlflow_object import _MlflowObject


class MetricViewType(str, Enum):
    """What is counted or measured."""

    TRACES = "TRACES"
    SPANS = "SPANS"
    ASSESSMENTS = "ASSESSMENTS"

    def __str__(self) -> str:
        return self.value

    def to_proto(self) -> int:
        """The number on the wire."""
        return list(MetricViewType).index(self) + 1

    @classmethod
    def from_proto(cls, proto: int) -> MetricViewType:
        """The one with this number on the wire."""
        return list(cls)[proto - 1]


class AggregationType(str, Enum):
    """How many values become one."""

    COUNT = "COUNT"
    SUM = "SUM"
    AVG = "AVG"
    PERCENTILE = "PERCENTILE"
    MIN = "MIN"
    MAX = "MAX"

    def __str__(self) -> str:
        return self.value

    def to_proto(self) -> int:
        """The number on the wire."""
        return list(AggregationType).index(self) + 1


@dataclass
class MetricAggregation(_MlflowObject, fields=True):
    """An aggregation, and which percentile it is if it is one."""

    aggregation_type: AggregationType
    percentile_value: float | None = None
    """0 to 100."""

    def __post_init__(self) -> None:
        if self.aggregation_type == AggregationType.PERCENTILE:
            if self.percentile_value is None:
                raise ValueError("Percentile value is required for PERCENTILE aggregation")
            if not 0 <= self.percentile_value <= 100:
                raise ValueError(
                    f"Percentile value must be between 0 and 100, got {self.percentile_value}"
                )
        elif self.percentile_value is not None:
            raise ValueError(
                "Percentile value is only allowed for PERCENTILE aggregation type, "
                f"got {self.aggregation_type}"
            )

    def __str__(self) -> str:
        """What the value is called in an answer, such as `COUNT` or `P99`."""
        if self.aggregation_type == AggregationType.PERCENTILE:
            return f"P{self.percentile_value}"
        return str(self.aggregation_type)


@dataclass
class MetricDataPoint(_MlflowObject, fields=True):
    """The values of one group."""

    metric_name: str
    dimensions: dict[str, str]
    """What the group has in common."""
    values: dict[str, float]
    """By the aggregation's name."""
