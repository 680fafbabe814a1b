"""The tracking store behind a server: each method is one RPC."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from mlflow.entities import (
    DatasetInput,
    Experiment,
    ExperimentTag,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    Param,
    Run,
    RunInfo,
    RunStatus,
    RunTag,
    ViewType,
)
from mlflow.entities.metric import MetricWithRunId
from mlflow.entities.metric_chart import Axis, MetricChart
from mlflow.exceptions import MlflowException
from mlflow.rpc import experiments, inputs, runs
from mlflow.rpc import metrics as metrics_rpc
from mlflow.rpc import nouns as wire
from mlflow.rpc.declare import Rpc
from mlflow.rpc.transport import Transport
from mlflow.rpc.wire import double
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking import (
    GET_METRIC_HISTORY_MAX_RESULTS,
    SEARCH_MAX_RESULTS_DEFAULT,
)
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.store.tracking.base.columns import RunColumns
from mlflow.store.tracking.base.metrics import DEFAULT_CHART_BUCKETS
from mlflow.store.tracking.rest.logged_models import RestLoggedModels
from mlflow.store.tracking.rest.traces import RestTraces
from mlflow.store.tracking.rest.transfer import RestTransfer
from mlflow.utils.collection import no_collection
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import MlflowHostCreds

_VIEW_NAMES = {number: name for name, number in experiments.VIEWS.items()}
#: How long the credentials in the environment are taken to be the same, in seconds.
_FRESH = 1.0


class RestStore(RestTransfer, RestLoggedModels, RestTraces, AbstractStore):
    """A tracking store behind a server.

    Args:
        get_host_creds: Where the server is, and the credentials for it; asked again now and then,
            since tokens expire.
    """

    def __init__(self, get_host_creds: Callable[[], MlflowHostCreds]):
        super().__init__()
        self.get_host_creds = get_host_creds
        self._transport_now: Transport | None = None
        self._fresh_until = 0.0

    @classmethod
    def for_uri(cls, uri: str) -> RestStore:
        """The store behind the server at `uri`, with the credentials of the environment."""
        return cls(lambda: get_default_host_creds(uri))

    @property
    def _transport(self) -> Transport:
        now = time.monotonic()
        if self._transport_now is None or now > self._fresh_until:
            self._transport_now = Transport.of(self.get_host_creds())
            self._fresh_until = now + _FRESH
        return self._transport_now

    def _call(self, request: Rpc) -> Any:
        return request.call(self._transport)

    # -- experiments ------------------------------------------------------------------------

    def search_experiments(
        self,
        view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int = SEARCH_MAX_RESULTS_DEFAULT,
        filter_string: str | None = None,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Experiment]:
        page = self._call(
            experiments.SearchExperiments(
                max_results=max_results,
                page_token=page_token,
                filter=filter_string,
                order_by=list(order_by or ()),
                view_type=_VIEW_NAMES[view_type],
            )
        )
        return PagedList([x.entity() for x in page.experiments], page.next_page_token)

    def create_experiment(
        self,
        name: str,
        artifact_location: str | None = None,
        tags: Sequence[ExperimentTag] | None = None,
    ) -> str:
        request = experiments.CreateExperiment(
            name=name, artifact_location=artifact_location, tags=_tags(tags)
        )
        return self._call(request).experiment_id

    def get_experiment(self, experiment_id: str) -> Experiment:
        request = experiments.GetExperiment(experiment_id=str(experiment_id))
        return self._call(request).experiment.entity()

    def get_experiment_by_name(self, experiment_name: str) -> Experiment | None:
        try:
            request = experiments.GetExperimentByName(experiment_name=experiment_name)
            return self._call(request).experiment.entity()
        except MlflowException as e:
            if e.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise

    def delete_experiment(self, experiment_id: str) -> None:
        self._call(experiments.DeleteExperiment(experiment_id=str(experiment_id)))

    def restore_experiment(self, experiment_id: str) -> None:
        self._call(experiments.RestoreExperiment(experiment_id=str(experiment_id)))

    def rename_experiment(self, experiment_id: str, new_name: str) -> None:
        request = experiments.UpdateExperiment(experiment_id=str(experiment_id), new_name=new_name)
        self._call(request)

    def set_experiment_tag(self, experiment_id: str, tag: ExperimentTag) -> None:
        self._call(
            experiments.SetExperimentTag(
                experiment_id=str(experiment_id), key=tag.key, value=tag.value
            )
        )

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        self._call(experiments.DeleteExperimentTag(experiment_id=str(experiment_id), key=key))

    # -- runs -------------------------------------------------------------------------------

    def create_run(
        self,
        experiment_id: str,
        user_id: str | None,
        start_time: int | None,
        tags: Sequence[RunTag] | None,
        run_name: str | None,
    ) -> Run:
        request = runs.CreateRun(
            experiment_id=str(experiment_id),
            user_id=user_id,
            run_name=run_name,
            start_time=start_time,
            tags=_tags(tags),
        )
        return self._call(request).run.entity()

    def get_run(self, run_id: str) -> Run:
        return self._call(runs.GetRun(run_id=run_id, run_uuid=run_id)).run.entity()

    def update_run_info(
        self,
        run_id: str,
        run_status: int | None,
        end_time: int | None,
        run_name: str | None,
    ) -> RunInfo:
        request = runs.UpdateRun(
            run_id=run_id,
            run_uuid=run_id,
            status=None if run_status is None else RunStatus.to_string(run_status),
            end_time=end_time,
            run_name=run_name,
        )
        return self._call(request).run_info.entity()

    def delete_run(self, run_id: str) -> None:
        self._call(runs.DeleteRun(run_id=run_id))

    def restore_run(self, run_id: str) -> None:
        self._call(runs.RestoreRun(run_id=run_id))

    def log_param(self, run_id: str, param: Param) -> None:
        self._call(runs.LogParam(run_id=run_id, run_uuid=run_id, key=param.key, value=param.value))

    def set_tag(self, run_id: str, tag: RunTag) -> None:
        self._call(runs.SetTag(run_id=run_id, run_uuid=run_id, key=tag.key, value=tag.value))

    def delete_tag(self, run_id: str, key: str) -> None:
        self._call(runs.DeleteTag(run_id=run_id, key=key))

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric],
        params: Sequence[Param],
        tags: Sequence[RunTag],
    ) -> None:
        self._call(_batch(run_id, metrics, params, tags))

    def log_batch_once(
        self,
        run_id: str,
        metrics: Sequence[Metric],
        params: Sequence[Param],
        tags: Sequence[RunTag],
        *,
        writer: str,
        after: int,
        sequence: int,
    ) -> int:
        """See the contract. A server of the reference knows nothing of writers."""
        request = _batch(run_id, metrics, params, tags)
        request.writer_id = writer
        request.writer_after = after
        request.writer_sequence = sequence
        stored = self._call(request).writer_sequence
        return sequence if stored is None else stored

    def _search_runs(self, *search: Any) -> tuple[list[Run], str | None]:
        page = self._page_of_runs(*search)
        return [r.entity() for r in page.runs], page.next_page_token

    def _search_run_messages(self, *search: Any) -> tuple[list[wire.Run], str | None]:
        page = self._page_of_runs(*search)
        return page.runs, page.next_page_token

    def _search_run_columns(self, columns: RunColumns, *search: Any) -> str | None:
        page = self._page_of_runs(*search)
        for run in page.runs:
            info, data = run.info, run.data or wire.RunData()
            columns.add(
                (
                    info.run_id or info.run_uuid,
                    info.experiment_id,
                    info.status or "RUNNING",
                    info.artifact_uri,
                    info.start_time or 0,
                    info.end_time,
                ),
                ([m.key for m in data.metrics], [float(m.value) for m in data.metrics]),
                ([p.key for p in data.params], [p.value for p in data.params]),
                ([t.key for t in data.tags], [t.value for t in data.tags]),
            )
        return page.next_page_token

    def _page_of_runs(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None,
        run_view_type: int,
        max_results: int = SEARCH_MAX_RESULTS_DEFAULT,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> runs.RunPage:
        request = runs.SearchRuns(
            experiment_ids=[str(x) for x in experiment_ids],
            filter=filter_string,
            run_view_type=_VIEW_NAMES[run_view_type],
            max_results=max_results,
            order_by=list(order_by or ()),
            page_token=page_token,
        )
        return self._call(request)

    # -- metrics ----------------------------------------------------------------------------

    def log_metric(self, run_id: str, metric: Metric) -> None:
        self._call(
            metrics_rpc.LogMetric(
                run_id=run_id,
                run_uuid=run_id,
                key=metric.key,
                value=double(metric.value),
                timestamp=metric.timestamp,
                step=metric.step,
                model_id=metric.model_id,
                dataset_name=metric.dataset_name,
                dataset_digest=metric.dataset_digest,
            )
        )

    def get_metric_history(
        self,
        run_id: str,
        metric_key: str,
        max_results: int | None = None,
        page_token: str | None = None,
    ) -> PagedList[Metric]:
        """See the contract. Without `max_results` the pages are fetched one after the other."""
        found: list[Metric] = []
        while True:
            page = self._call(
                metrics_rpc.GetMetricHistory(
                    run_id=run_id,
                    run_uuid=run_id,
                    metric_key=metric_key,
                    max_results=max_results or GET_METRIC_HISTORY_MAX_RESULTS,
                    page_token=page_token,
                )
            )
            with no_collection(len(page.metrics)):
                found += [m.entity() for m in page.metrics]
            page_token = page.next_page_token
            if max_results is not None or not page_token:
                return PagedList(found, page_token)

    def get_metric_history_bulk_interval(
        self,
        run_ids: Sequence[str],
        metric_key: str,
        max_results: int,
        start_step: int | None,
        end_step: int | None,
    ) -> list[MetricWithRunId]:
        answer = self._call(
            metrics_rpc.GetMetricHistoryBulkInterval(
                run_ids=list(run_ids),
                metric_key=metric_key,
                max_results=max_results,
                start_step=start_step,
                end_step=end_step,
            )
        )
        return [MetricWithRunId(metric=m.entity(), run_id=m.run_id) for m in answer.metrics]

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
        request = metrics_rpc.GetMetricCharts(
            run_ids=list(run_ids),
            metric_keys=list(metric_keys),
            axis=axis,
            start=start,
            end=end,
            buckets=buckets,
            own_ranges=own_ranges,
        )
        try:
            return [c.entity() for c in self._call(request).charts]
        except MlflowException as e:
            if e.get_http_status_code() != 404:
                raise
        # a server that is not Headrace: made here, of whole histories
        return super().get_metric_charts(
            run_ids, metric_keys, axis, start, end, buckets, own_ranges=own_ranges
        )

    # -- inputs and outputs -----------------------------------------------------------------

    def log_inputs(
        self,
        run_id: str,
        datasets: Sequence[DatasetInput] | None = None,
        models: Sequence[LoggedModelInput] | None = None,
    ) -> None:
        request = inputs.LogInputs(
            run_id=run_id,
            datasets=[wire.DatasetInput.of(d) for d in datasets or ()],
            models=[wire.ModelInput(model_id=m.model_id) for m in models or ()],
        )
        self._call(request)

    def log_outputs(self, run_id: str, models: Sequence[LoggedModelOutput]) -> None:
        made = [wire.ModelOutput(model_id=m.model_id, step=m.step) for m in models]
        self._call(inputs.LogOutputs(run_id=run_id, models=made))

    def record_logged_model(self, run_id: str, mlflow_model: Any) -> None:
        import json

        if hasattr(mlflow_model, "get_tags_dict"):
            mlflow_model = mlflow_model.get_tags_dict()
        self._call(inputs.LogModel(run_id=run_id, model_json=json.dumps(mlflow_model)))

    def _search_datasets(self, experiment_ids: Sequence[str]) -> list[Any]:
        from mlflow.entities.dataset_summary import _DatasetSummary

        answer = self._call(inputs.SearchDatasets(experiment_ids=list(experiment_ids)))
        return [
            _DatasetSummary(d.experiment_id, d.name, d.digest, d.context)
            for d in answer.dataset_summaries
        ]


def _batch(
    run_id: str, metrics: Sequence[Metric], params: Sequence[Param], tags: Sequence[RunTag]
) -> runs.LogBatch:
    return runs.LogBatch(
        run_id=run_id,
        metrics=[wire.Metric.of(m) for m in metrics],
        params=_tags(params),
        tags=_tags(tags),
    )


def _tags(pairs: Sequence[Any] | None) -> list[wire.Tag]:
    return [wire.Tag(key=p.key, value=p.value) for p in pairs or ()]
