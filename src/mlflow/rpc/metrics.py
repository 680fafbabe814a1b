"""RPCs of metrics and their history."""

from __future__ import annotations

from mlflow import entities as e
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


@rpc("POST", "/mlflow/runs/log-metric", needs=("run", "edit"), idempotent=True)
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
        page = store.get_metric_history(
            self.run, self.metric_key, max_results=self.max_results, page_token=self.page_token
        )
        return MetricPage(metrics=[_point(m) for m in page], next_page_token=page.token or None)


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
            page = store.get_metric_history(run_id, self.metric_key, max_results=left)
            left -= len(page)
            found += [_point(m, run_id) for m in page]
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


def _point(m: e.Metric, run_id: str | None = None) -> Metric:
    return Metric(
        key=m.key, value=double(m.value), timestamp=m.timestamp, step=m.step, run_id=run_id
    )
