"""RPCs that count and measure traces."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from mlflow.entities.trace_metrics import (
    AggregationType,
    MetricAggregation,
    MetricViewType,
)
from mlflow.entities.trace_metrics import MetricDataPoint as Point
from mlflow.exceptions import MlflowException
from mlflow.rpc.declare import Rpc, rpc
from mlflow.rpc.wire import Double, Int64, Wire, double

ViewName = Literal["TRACES", "SPANS", "ASSESSMENTS"]
AggregationName = Literal["COUNT", "SUM", "AVG", "PERCENTILE", "MIN", "MAX"]
PointPageSize = Annotated[int, msgspec.Meta(ge=1, le=100_000)]


class Aggregation(Wire):
    """How many values become one."""

    aggregation_type: AggregationName | None = None
    percentile_value: Double | None = None
    """0 to 100, of PERCENTILE."""

    def entity(self) -> MetricAggregation:
        if self.aggregation_type is None:
            raise MlflowException.invalid_parameter_value(
                "Missing value for required parameter 'aggregations.aggregation_type'; one of "
                f"{[a.value for a in AggregationType]} is needed."
            )
        value = None if self.percentile_value is None else float(self.percentile_value)
        try:
            return MetricAggregation(AggregationType(self.aggregation_type), value)
        except ValueError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from None


class MetricDataPoint(Wire):
    """The values of one group."""

    metric_name: str | None = None
    dimensions: dict[str, str] = {}
    values: dict[str, Double] = {}

    @classmethod
    def of(cls, point: Point) -> MetricDataPoint:
        return cls(
            metric_name=point.metric_name,
            dimensions=point.dimensions,
            values={name: double(float(value)) for name, value in point.values.items()},
        )

    def entity(self) -> Point:
        values = {name: float(value) for name, value in self.values.items()}
        return Point(self.metric_name or "", dict(self.dimensions), values)


class DataPoints(Wire):
    data_points: list[MetricDataPoint] = []
    next_page_token: str | None = None
    """Absent on the last page."""


@rpc(
    "POST",
    "/mlflow/traces/metrics",
    version="3.0",
    needs=("experiment", "read"),
    response=DataPoints,
    idempotent=True,
    compress=True,
)
class QueryTraceMetrics(Rpc):
    """Counts and measurements of traces, spans or assessments, in groups."""

    experiment_ids: list[str] = []
    view_type: ViewName | None = None
    metric_name: str | None = None
    """Such as trace_count or latency."""
    aggregations: list[Aggregation] = []
    dimensions: list[str] = []
    """What makes groups, such as trace_status."""
    filters: list[str] = []
    time_interval_seconds: Int64 | None = None
    start_time_ms: Int64 | None = None
    end_time_ms: Int64 | None = None
    max_results: PointPageSize = 1000
    page_token: str | None = None

    def answer(self, store) -> DataPoints:
        found = store.query_trace_metrics(
            self.experiment_ids,
            MetricViewType(self.view_type or "TRACES"),
            self.metric_name or "",
            [aggregation.entity() for aggregation in self.aggregations],
            self.dimensions or None,
            self.filters or None,
            self.time_interval_seconds,
            self.start_time_ms,
            self.end_time_ms,
            self.max_results,
            self.page_token or None,
        )
        return DataPoints([MetricDataPoint.of(point) for point in found], found.token or None)


class Correlation(Wire, omit_defaults=False):
    npmi: Double
    """-1 to 1; NaN where it is not defined."""
    npmi_smoothed: Double
    filter1_count: int
    filter2_count: int
    joint_count: int
    total_count: int


@rpc(
    "POST",
    "/mlflow/traces/calculate-filter-correlation",
    version="3.0",
    needs=("experiment", "read"),
    response=Correlation,
    idempotent=True,
)
class CalculateTraceFilterCorrelation(Rpc):
    """How two filters go together, as normalised pointwise mutual information."""

    experiment_ids: list[str] = []
    filter_string1: str | None = None
    filter_string2: str | None = None
    base_filter: str | None = None
    """Only traces that match this are looked at."""

    def answer(self, store) -> Correlation:
        found = store.calculate_trace_filter_correlation(
            self.experiment_ids,
            self.filter_string1 or "",
            self.filter_string2 or "",
            self.base_filter or None,
        )
        return Correlation(
            double(found.npmi),
            double(found.npmi_smoothed),
            found.filter1_count,
            found.filter2_count,
            found.joint_count,
            found.total_count,
        )
