"""Contract: metrics and their history."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from mlflow.entities import Metric
from mlflow.entities.metric import MetricWithRunId
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking.sampling import sample


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

    def get_metric_history_bulk_interval_from_steps(
        self, run_id: str, metric_key: str, steps: Sequence[int], max_results: int
    ) -> list[MetricWithRunId]:
        """The points of one metric of one run that lie at these steps, by step and time, at most
        `max_results`."""
        wanted = set(steps)
        points = [p for p in self.get_metric_history(run_id, metric_key) if p.step in wanted]
        points.sort(key=lambda p: (p.step, p.timestamp))
        return [MetricWithRunId(metric=p, run_id=run_id) for p in points[:max_results]]

    def get_metric_history_bulk_interval(
        self,
        run_ids: Sequence[str],
        metric_key: str,
        max_results: int,
        start_step: int | None,
        end_step: int | None,
    ) -> list[MetricWithRunId]:
        """For each run about `max_results` points that draw the same curve as all of them: first,
        last and the extremes between.

        Args:
            run_ids: At most 100.
            start_step: With `end_step`, the range of steps to look at, both ends included; None for
                all.
        """
        found: list[MetricWithRunId] = []
        for run_id in run_ids:
            points = self.get_metric_history(run_id, metric_key)
            if start_step is not None and end_step is not None:
                points = [p for p in points if start_step <= p.step <= end_step]
            kept = sample(sorted(points, key=lambda p: (p.step, p.timestamp)), max_results)
            found += [MetricWithRunId(metric=p, run_id=run_id) for p in kept]
        return found
