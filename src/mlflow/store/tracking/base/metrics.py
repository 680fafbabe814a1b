"""Contract: metrics and their history."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

from mlflow.entities import Metric
from mlflow.entities.metric import MetricWithRunId
from mlflow.entities.metric_chart import Axis, MetricChart
from mlflow.exceptions import MlflowException
from mlflow.store.db.points import Points
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking import GET_METRIC_HISTORY_MAX_RESULTS
from mlflow.store.tracking.charts import Curve, Grid, sample

#: Most runs, and most series, in one chart.
MAX_CHART_RUNS = 100
MAX_CHART_SERIES = 1000
MAX_CHART_BUCKETS = 2500
DEFAULT_CHART_BUCKETS = 320


class Metrics(ABC):
    """Metrics. A run's metrics show, for each key, the point that is last by (step, timestamp,
    value)."""

    @abstractmethod
    def log_metric(self, run_id: str, metric: Metric) -> None:
        """Append one point. A point that is equal in key, step, timestamp and value to one that is
        there changes nothing."""

    @abstractmethod
    def get_metric_history(
        self,
        run_id: str,
        metric_key: str,
        max_results: int | None = None,
        page_token: str | None = None,
    ) -> PagedList[Metric]:
        """All points of one metric of one run, ordered by (timestamp, step, value); empty if there
        are none.

        Args:
            max_results: Page size; None for all in one page.
        """

    def metric_columns(
        self,
        run_id: str,
        metric_key: str,
        max_results: int | None = None,
        page_token: str | None = None,
    ) -> tuple[Points, str | None]:
        """The same as columns, for those who need no object for each point; and the token of the
        next page, None if there is none."""
        page = self.get_metric_history(run_id, metric_key, max_results, page_token)
        points = Points()
        points.append_rows([(m.step, m.timestamp, m.value) for m in page])
        return points, page.token or None

    def metric_histories(
        self, run_id: str, metric_keys: Sequence[str] | None = None
    ) -> Iterator[tuple[str, Points]]:
        """The histories of a run's metrics, in order of their names; a long one comes in several
        pieces, one after the other.

        Args:
            metric_keys: Only these; None for all.
        """
        if metric_keys is None:
            metric_keys = list(self.get_run(run_id).data.metrics)  # type: ignore[attr-defined]
        for key in sorted(set(metric_keys)):
            yield from self._pages_of_history(run_id, key)

    def _pages_of_history(self, run_id: str, key: str) -> Iterator[tuple[str, Points]]:
        token = None
        while True:
            points, token = self.metric_columns(run_id, key, GET_METRIC_HISTORY_MAX_RESULTS, token)
            if len(points):
                yield key, points
            if not token:
                return

    def get_metric_history_bulk_interval_from_steps(
        self, run_id: str, metric_key: str, steps: Sequence[int], max_results: int
    ) -> list[MetricWithRunId]:
        """The points of one metric of one run that lie at these steps, by step and time, at most
        `max_results`."""
        wanted = set(steps)
        points = self.metric_columns(run_id, metric_key)[0].in_order_of_steps()
        kept = [i for i, step in enumerate(points.steps) if step in wanted][:max_results]
        return with_run_id(points, kept, run_id, metric_key)

    def get_metric_history_bulk_interval(
        self,
        run_ids: Sequence[str],
        metric_key: str,
        max_results: int,
        start_step: int | None,
        end_step: int | None,
    ) -> list[MetricWithRunId]:
        """For each run about `max_results` points, never more, that draw the same curve as all of
        them: the first, the last and the extremes between.

        Args:
            run_ids: At most 100.
            start_step: With `end_step`, the range of steps to look at, both ends included; None for
                all.
        """
        found: list[MetricWithRunId] = []
        for run_id in run_ids:
            points = self.metric_columns(run_id, metric_key)[0].in_order_of_steps()
            if start_step is not None and end_step is not None:
                begin = bisect_left(points.steps, start_step)
                points = points[begin : bisect_right(points.steps, end_step)]
            found += with_run_id(points, sample(points, max_results), run_id, metric_key)
        return found

    def get_metric_charts(
        self,
        run_ids: Sequence[str],
        metric_keys: Sequence[str],
        axis: Axis = "step",
        start: int | None = None,
        end: int | None = None,
        buckets: int = DEFAULT_CHART_BUCKETS,
        *,
        own_ranges: bool = False,
    ) -> list[MetricChart]:
        """What it takes to draw each of these metrics of each of these runs, however many points
        they have: the points themselves where they are at most `buckets`, else what is known of the
        points in each of so many equal shares of the range of x.

        The shares are the same for all, or at least for all runs. Series with nothing in the range
        are left out, and so are runs that do not exist.

        Args:
            run_ids: At most 100.
            metric_keys: At most 1000 together with the runs, each run's metrics counted.
            axis: What x is.
            start: The least x to draw; None for the least of all points.
            end: The greatest x to draw; None for the greatest of all points.
            buckets: 1 to 2500.
            own_ranges: Where `start` or `end` is None, take the least or greatest x of each metric
                for its own range: one with more steps does not make another's shares wider.

        Returns:
            Ordered as `run_ids` are, and below that as `metric_keys` are.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if an argument is out of bounds.
        """
        check_chart(run_ids, metric_keys, axis, start, end, buckets)
        histories = []
        for run_id in dict.fromkeys(run_ids):
            found = {k: self.metric_columns(run_id, k)[0] for k in dict.fromkeys(metric_keys)}
            if any(len(points) for points in found.values()):
                offset = self._chart_offset(run_id, axis)
                histories += [(run_id, k, p, offset) for k, p in found.items() if len(p)]
        if not histories:
            return []
        by_step = axis == "step"
        ranges: dict[str | None, tuple[int, int]] = {}
        for _, key, points, offset in histories:
            x = points.steps if by_step else points.timestamps
            low, high = min(x) - offset, max(x) - offset
            whose = key if own_ranges else None
            before = ranges.get(whose, (low, high))
            ranges[whose] = min(low, before[0]), max(high, before[1])
        charts = []
        for run_id, key, points, offset in histories:
            low, high = ranges[key if own_ranges else None]
            low = low if start is None else start
            high = high if end is None else end
            if low <= high:
                curve = Curve(axis, Grid.of(low, high, buckets).shifted(offset), buckets)
                curve.add_points(points)
                charts.append(curve.chart(run_id, key, offset))
        return [chart for chart in charts if chart is not None]

    def _chart_offset(self, run_id: str, axis: Axis) -> int:
        """What is subtracted from a run's times to get x."""
        if axis != "relative_time":
            return 0
        return start_of_run(self.get_run(run_id).info.start_time)  # type: ignore[attr-defined]


def start_of_run(start_time: int | None) -> int:
    """Where a run's relative time begins."""
    return max(start_time or 0, 0)


def with_run_id(
    points: Points, kept: Sequence[int], run_id: str, metric_key: str
) -> list[MetricWithRunId]:
    """Some of the points as entities."""
    steps, timestamps, values = points.steps, points.timestamps, points.values
    return [
        MetricWithRunId(Metric(metric_key, values[i], timestamps[i], steps[i]), run_id)
        for i in kept
    ]


def check_chart(
    run_ids: Sequence[str],
    metric_keys: Sequence[str],
    axis: Any,
    start: int | None,
    end: int | None,
    buckets: int,
) -> None:
    """Refuse a chart of nothing, of too much, or of a range that is none."""
    problem = None
    if not run_ids or not metric_keys:
        problem = "A chart needs at least one run and one metric."
    elif len(run_ids) > MAX_CHART_RUNS:
        problem = f"{len(run_ids)} runs in one chart; at most {MAX_CHART_RUNS} can be."
    elif len(run_ids) * len(metric_keys) > MAX_CHART_SERIES:
        problem = (
            f"{len(metric_keys)} metrics of {len(run_ids)} runs in one chart; "
            f"at most {MAX_CHART_SERIES} curves can be."
        )
    elif axis not in ("step", "timestamp", "relative_time"):
        problem = f"Axis '{axis}'; 'step', 'timestamp' or 'relative_time' is needed."
    elif start is not None and end is not None and start > end:
        problem = f"The range begins at {start}, after its end at {end}."
    elif not 1 <= buckets <= MAX_CHART_BUCKETS:
        problem = f"{buckets} buckets; 1 to {MAX_CHART_BUCKETS} can be."
    if problem:
        raise MlflowException.invalid_parameter_value(problem)
