"""RPCs of metrics and their history."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat
from math import isfinite
from typing import Any

import msgspec

from mlflow import entities as e
from mlflow.entities import metric_chart as chart
from mlflow.exceptions import MlflowException
from mlflow.rpc.declare import Rpc, rpc
from mlflow.rpc.nouns import Metric
from mlflow.rpc.runs import OfRun
from mlflow.rpc.wire import Double, Int64, Needed, Wire, double

#: Most points for each run that a sampled history answers, and how many when the caller does not
#: say.
_MAX_SAMPLES = 2500
_DEFAULT_SAMPLES = 320
_MAX_RUNS = 100
_MAX_BULK = 25_000


class MetricPage(Wire):
    metrics: list[Metric] = []
    next_page_token: str | None = None
    """Absent on the last page."""


class MetricsOfRuns(Wire):
    metrics: list[Metric] = []


class BulkMetrics(Wire):
    metrics: list[Metric]
    """There even when empty."""


@rpc(
    "POST",
    "/mlflow/runs/log-metric",
    needs=("run", "edit"),
    idempotent=True,
    small_write=True,
)
class LogMetric(OfRun, kw_only=True):
    """Append one point to a metric of a run."""

    key: Needed
    value: Double
    timestamp: Int64
    """Milliseconds since the Unix epoch."""
    step: Int64 | None = None
    """x-coordinate; absent counts as 0."""
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None

    def answer(self, store) -> None:
        metric = e.Metric(
            self.key,
            float(self.value),
            self.timestamp,
            self.step or 0,
            self.model_id,
            self.dataset_name,
            self.dataset_digest,
        )
        store.log_metric(self.run, metric)


@rpc("GET", "/mlflow/metrics/get-history", needs=("run", "read"), response=MetricPage)
class GetMetricHistory(OfRun, kw_only=True):
    """All points of one metric of one run, ordered by (timestamp, step, value)."""

    metric_key: Needed
    page_token: str | None = None
    max_results: Int64 | None = None
    """Page size; absent for all in one page."""

    def answer(self, store) -> MetricPage:
        if self.max_results is not None and self.max_results < 1:
            raise MlflowException.invalid_parameter_value(
                f"Invalid value {self.max_results} for parameter 'max_results' supplied. "
                "It must be a positive integer."
            )
        points, token = store.metric_columns(
            self.run, self.metric_key, max_results=self.max_results, page_token=self.page_token
        )
        return MetricPage(metrics=_points(self.metric_key, points), next_page_token=token)


@rpc(
    "GET",
    "/mlflow/metrics/get-history-bulk",
    needs=("run", "read"),
    response=BulkMetrics,
    ajax_only=True,
)
class GetMetricHistoryBulk(Rpc, kw_only=True):
    """The histories of one metric of several runs, one run after the other."""

    run_id: list[str] = []
    metric_key: str | None = None
    max_results: Int64 | None = None
    """Most points in all; absent for 25 000."""

    def answer(self, store) -> BulkMetrics:
        if not self.run_id:
            raise MlflowException.invalid_parameter_value(
                "GetMetricHistoryBulk request must specify at least one run_id."
            )
        if len(self.run_id) > _MAX_RUNS:
            raise MlflowException.invalid_parameter_value(
                f"GetMetricHistoryBulk request cannot specify more than {_MAX_RUNS} run_ids. "
                f"Received {len(self.run_id)} run_ids."
            )
        if not self.metric_key:
            raise MlflowException.invalid_parameter_value(
                "GetMetricHistoryBulk request must specify a metric_key."
            )
        left = _MAX_BULK if self.max_results is None else min(self.max_results, _MAX_BULK)
        found: list[Metric] = []
        for run_id in sorted(self.run_id):
            if left <= 0:
                break
            points, _ = store.metric_columns(run_id, self.metric_key, max_results=left)
            left -= len(points)
            found += _points(self.metric_key, points, run_id)
        return BulkMetrics(metrics=found)


@rpc(
    "GET",
    "/mlflow/metrics/get-history-bulk-interval",
    needs=("run", "read"),
    response=MetricsOfRuns,
    idempotent=True,
)
class GetMetricHistoryBulkInterval(Rpc, kw_only=True):
    """For each run, a few points that draw the same curve as all of them."""

    run_ids: list[str] = []
    metric_key: Needed
    start_step: Int64 | None = None
    end_step: Int64 | None = None
    max_results: Int64 | None = None
    """About how many points for each run, 1 to 2500; absent for 320."""

    def answer(self, store) -> MetricsOfRuns:
        self._check()
        found = store.get_metric_history_bulk_interval(
            self.run_ids,
            self.metric_key,
            _DEFAULT_SAMPLES if self.max_results is None else self.max_results,
            self.start_step,
            self.end_step,
        )
        return MetricsOfRuns(metrics=[_point(m, m.run_id) for m in found])

    def _check(self) -> None:
        see = "See the API docs for more information about request parameters."
        if not self.run_ids:
            raise MlflowException.invalid_parameter_value(
                "GetMetricHistoryBulkInterval request must specify at least one run_id."
            )
        if len(self.run_ids) > _MAX_RUNS:
            raise MlflowException.invalid_parameter_value(
                f"GetMetricHistoryBulkInterval request must specify at most {_MAX_RUNS} run_ids. "
                f"Received {len(self.run_ids)} run_ids. {see}"
            )
        if self.max_results is not None and not 1 <= self.max_results <= _MAX_SAMPLES:
            raise MlflowException.invalid_parameter_value(
                f"max_results must be between 1 and {_MAX_SAMPLES}. {see}"
            )
        if (self.start_step is None) != (self.end_step is None):
            raise MlflowException.invalid_parameter_value(
                "If either start step or end step are specified, both must be specified."
            )
        if self.start_step is not None and self.start_step > self.end_step:
            raise MlflowException.invalid_parameter_value(
                "end_step must be greater than start_step. "
                f"Found start_step={self.start_step} and end_step={self.end_step}."
            )


class ChartPoints(Wire, kw_only=True):
    """Points, a column each of their parts, ordered by x."""

    step: list[Int64]
    timestamp: list[Int64]
    """Milliseconds since the Unix epoch."""
    value: list[Double]


class ChartBuckets(Wire, kw_only=True):
    """Equal shares of the x axis, those that have points, in order; a column each of what is known
    of them."""

    start: list[Int64]
    """The least x that belongs to it."""
    end: list[Int64]
    """The greatest x that belongs to it."""
    min: list[Double | None]
    """null where all values are NaN; so in the next two."""
    max: list[Double | None]
    mean: list[Double | None]
    first: list[Double]
    """The value of the point that is first by x, then timestamp, step and value."""
    last: list[Double]
    count: list[Int64]
    """Distinct points, those with NaN among them."""
    nans: list[Int64]
    """Points whose value is NaN."""


class MetricChart(Wire, kw_only=True):
    """One metric of one run: its points where they are few, else buckets."""

    run_id: str
    metric_key: str
    points: ChartPoints | None = None
    buckets: ChartBuckets | None = None

    @classmethod
    def of(cls, c: chart.MetricChart) -> MetricChart:
        points = buckets = None
        if c.points:
            points = ChartPoints(
                step=c.points.step, timestamp=c.points.timestamp, value=_doubles(c.points.value)
            )
        if b := c.buckets:
            columns = {name: _doubles(getattr(b, name)) for name in _BUCKET_VALUES}
            buckets = ChartBuckets(start=b.start, end=b.end, count=b.count, nans=b.nans, **columns)
        return cls(run_id=c.run_id, metric_key=c.metric_key, points=points, buckets=buckets)

    def entity(self) -> chart.MetricChart:
        points = buckets = None
        if p := self.points:
            points = chart.ChartPoints(p.step, p.timestamp, _floats(p.value))
        if b := self.buckets:
            columns = {name: _floats(getattr(b, name)) for name in _BUCKET_VALUES}
            buckets = chart.ChartBuckets(b.start, b.end, count=b.count, nans=b.nans, **columns)
        return chart.MetricChart(self.run_id, self.metric_key, points, buckets)


_BUCKET_VALUES = ("min", "max", "mean", "first", "last")


class MetricCharts(Wire):
    charts: list[MetricChart] = []


@rpc(
    "GET",
    "/mlflow/metrics/charts",
    needs=("run", "read"),
    response=MetricCharts,
    version="3.0",
    compress=True,
)
class GetMetricCharts(Rpc, kw_only=True):
    """What it takes to draw metrics of runs, however many points they have: the points where they
    are few, else the least, greatest, mean, first and last value of each share of the x axis.

    All curves have the same shares, unless `own_ranges` says otherwise. Those with nothing in the
    range are left out.
    """

    run_ids: list[str] = []
    """At most 100."""
    metric_keys: list[str] = []
    """At most 1000 curves in all."""
    axis: str | None = None
    """What x is: `step` (when absent), `timestamp` in milliseconds since the Unix epoch, or
    `relative_time` in milliseconds since the run's start."""
    start: Int64 | None = None
    """The least x to draw; absent for that of all points."""
    end: Int64 | None = None
    """The greatest x to draw; absent for that of all points."""
    buckets: Int64 | None = None
    """Into how many shares the range is cut, 1 to 2500; absent for 320. A metric with no more
    points than that in the range is answered with its points."""
    own_ranges: bool | None = None
    """Whether, where `start` or `end` is absent, each metric has the range of its own points (those
    of all the runs); absent for no."""

    def answer(self, store) -> MetricCharts:
        found = store.get_metric_charts(
            self.run_ids,
            self.metric_keys,
            self.axis or "step",  # type: ignore[arg-type]
            self.start,
            self.end,
            _DEFAULT_SAMPLES if self.buckets is None else self.buckets,
            own_ranges=bool(self.own_ranges),
        )
        return MetricCharts(charts=[MetricChart.of(c) for c in found])


class _Point(msgspec.Struct, omit_defaults=True, gc=False):
    """A `Metric` as histories have it: the same JSON, but quick to make from columns."""

    key: str
    value: Double
    timestamp: int
    step: int
    run_id: str | None = None


def _points(key: str, points: Any, run_id: str | None = None) -> list[Any]:
    values = points.values.tolist()
    if not isfinite(sum(values)):
        values = _doubles(values)
    return list(map(_Point, repeat(key), values, points.timestamps, points.steps, repeat(run_id)))


def _point(m: e.Metric, run_id: str | None = None) -> Metric:
    return Metric(
        key=m.key, value=double(m.value), timestamp=m.timestamp, step=m.step, run_id=run_id
    )


def _doubles(values: Iterable[float | None]) -> list[Any]:
    """A column as the wire spells it, null where there is no value."""
    return [v if v is None or isfinite(v) else double(v) for v in values]


def _floats(values: Iterable[Any]) -> list[Any]:
    return [None if v is None else float(v) for v in values]
