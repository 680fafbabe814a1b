"""Traces behind a server."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from mlflow.entities import Assessment, Span, Trace, TraceInfo
from mlflow.entities.assessment import ExpectationValue, FeedbackValue
from mlflow.entities.trace_info_v2 import TraceInfoV2
from mlflow.entities.trace_metrics import MetricAggregation, MetricDataPoint, MetricViewType
from mlflow.entities.trace_status import TraceStatus
from mlflow.exceptions import MlflowException, MlflowNotImplementedException
from mlflow.rpc import assessments, trace_metrics, traces, traces_v2
from mlflow.rpc import trace_nouns as wire
from mlflow.rpc.declare import Rpc
from mlflow.rpc.nouns import Tag
from mlflow.rpc.traces import LoggedTrace, LogTraces, ReadTraces
from mlflow.rpc.transport import Transport
from mlflow.rpc.wire import double, json_object
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking.base.correlation import TraceFilterCorrelationResult
from mlflow.store.tracking.base.trace_checks import (
    check_spans,
    check_times,
    experiments_to_search,
)
from mlflow.store.tracking.base.traces import SEARCH_TRACES_DEFAULT_MAX_RESULTS, TraceLinks, Traces

#: Larger exports are compressed.
_LARGE = 4096


def _unmistakable(message: Any) -> Any:
    """A span's message whose texts stay texts: a server reads JSON in them, so texts that look
    like it are sent as JSON themselves."""
    for pair in message.attributes:
        text = pair.value.string_value
        if text.lstrip()[:1] in ("{", "[", '"'):
            pair.value.string_value = json.dumps(text)
    return message


class RestTraces(Traces):
    _is_ours: bool | None = None
    """Whether the server is one of Headrace; None until it was asked for what only they have."""

    @property
    def _transport(self) -> Transport:
        raise NotImplementedError

    def _call(self, request: Rpc) -> Any:
        raise NotImplementedError

    def start_trace(self, trace_info: TraceInfo) -> TraceInfo:
        # Not left to the server: what cannot be said on the wire does not reach it as it is.
        check_times(trace_info.trace_id, trace_info.request_time, trace_info.execution_duration)
        message = wire.Trace(trace_info=wire.TraceInfoV3.of(trace_info))
        return self._call(traces.StartTraceV3(trace=message)).trace.trace_info.entity()

    def log_spans(
        self, location: str, spans: list[Span], tracking_uri: str | None = None
    ) -> list[Span]:
        if not check_spans(spans):
            return spans
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
            ExportTraceServiceRequest,
        )

        request = ExportTraceServiceRequest()
        scope = request.resource_spans.add().scope_spans.add()
        scope.spans.extend(_unmistakable(span.to_otel_proto()) for span in spans)
        body = request.SerializeToString()
        headers = {
            "Content-Type": "application/x-protobuf",
            "x-mlflow-experiment-id": str(location),
        }
        if len(body) > _LARGE:
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        # Spans are known by their ids: to send them again does no harm.
        self._transport.call("POST", "/v1/traces", body=body, headers=headers, idempotent=True)
        return spans

    def log_traces(self, traces: Sequence[Trace]) -> None:
        """See the contract. A server of the reference is told of the traces one by one, and of all
        their spans together."""
        if not traces:
            return
        logged = LogTraces([LoggedTrace.of(trace) for trace in traces])
        if self._call_ours(logged) is None:
            super().log_traces(traces)
            self._is_ours = False

    def _call_ours(self, request: Rpc) -> Any:
        """The answer to a request that only servers of Headrace know; None if this is none."""
        if self._is_ours is False:
            return None
        try:
            answer = self._call(request)
        except MlflowException as error:
            if error.error_code != "ENDPOINT_NOT_FOUND" or self._is_ours:
                raise
            return None
        self._is_ours = True
        return answer

    def get_trace_info(self, trace_id: str) -> TraceInfo:
        return self._call(traces.GetTraceInfoV3(trace_id=trace_id)).trace.trace_info.entity()

    def get_trace(self, trace_id: str, *, allow_partial: bool = False) -> Trace:
        request = traces.GetTrace(trace_id=trace_id, allow_partial=allow_partial)
        return self._call(request).trace.entity()

    def batch_get_traces(
        self,
        trace_ids: list[str],
        location: str | None = None,
        experiment_ids: list[str] | None = None,
    ) -> list[Trace]:
        if not trace_ids:
            return []
        experiments = [str(x) for x in experiment_ids or ()]
        found = self._call_ours(ReadTraces(trace_ids=list(trace_ids), experiment_ids=experiments))
        if found is not None:
            return [trace.as_stored() for trace in found.traces]
        request = traces.BatchGetTraces(trace_ids=list(trace_ids), experiment_ids=experiments)
        read = [trace.entity() for trace in self._call(request).traces]
        self._is_ours = False
        return read

    def batch_get_trace_infos(
        self,
        trace_ids: list[str],
        location: str | None = None,
        experiment_ids: list[str] | None = None,
    ) -> list[TraceInfo]:
        if not trace_ids:
            return []
        request = traces.BatchGetTraceInfos(
            trace_ids=list(trace_ids), experiment_ids=[str(x) for x in experiment_ids or ()]
        )
        return [info.entity() for info in self._call(request).trace_infos]

    def search_traces(
        self,
        experiment_ids: list[str] | None = None,
        filter_string: str | None = None,
        max_results: int = SEARCH_TRACES_DEFAULT_MAX_RESULTS,
        order_by: list[str] | None = None,
        page_token: str | None = None,
        model_id: str | None = None,
        locations: list[str] | None = None,
    ) -> tuple[list[TraceInfo], str | None]:
        if model_id is not None:
            own = f"request_metadata.`mlflow.modelId` = '{model_id}'"
            filter_string = f"{filter_string} AND {own}" if filter_string else own
        experiments = experiments_to_search(experiment_ids, locations)
        page = self._call(
            traces.SearchTracesV3(
                locations=[wire.TraceLocation.of(str(x)) for x in experiments or ()],
                filter=filter_string or None,
                max_results=max_results,
                order_by=list(order_by or ()),
                page_token=page_token,
            )
        )
        return [info.entity() for info in page.traces], page.next_page_token

    def set_trace_tag(self, trace_id: str, key: str, value: str) -> None:
        self._call(traces.SetTraceTagV3(trace_id=trace_id, key=key, value=str(value)))

    def delete_trace_tag(self, trace_id: str, key: str) -> None:
        self._call(traces.DeleteTraceTagV3(trace_id=trace_id, key=key))

    def _delete_traces(
        self,
        experiment_id: str,
        max_timestamp_millis: int | None = None,
        max_traces: int | None = None,
        trace_ids: list[str] | None = None,
    ) -> int:
        request = traces_v2.DeleteTraces(
            experiment_id=str(experiment_id),
            max_timestamp_millis=max_timestamp_millis,
            max_traces=max_traces,
            request_ids=list(trace_ids or ()),
        )
        return self._call(request).traces_deleted

    def create_assessment(self, assessment: Assessment) -> Assessment:
        request = assessments.CreateAssessment(
            assessment=wire.Assessment.of(assessment), trace_id=str(assessment.trace_id)
        )
        return self._call(request).assessment.entity()

    def get_assessment(self, trace_id: str, assessment_id: str) -> Assessment:
        request = assessments.GetAssessment(trace_id=trace_id, assessment_id=assessment_id)
        return self._call(request).assessment.entity()

    def update_assessment(
        self,
        trace_id: str,
        assessment_id: str,
        name: str | None = None,
        expectation: ExpectationValue | None = None,
        feedback: FeedbackValue | None = None,
        rationale: str | None = None,
        metadata: dict[str, str] | None = None,
    ) -> Assessment:
        changes = {
            "assessment_name": name,
            "feedback": _dictionary(feedback, FeedbackValue),
            "expectation": _dictionary(expectation, ExpectationValue),
            "rationale": rationale,
            "metadata": metadata,
        }
        changes = {part: value for part, value in changes.items() if value is not None}
        if not changes:
            return self.get_assessment(trace_id, assessment_id)
        request = assessments.UpdateAssessment(
            assessment=assessments.ChangedAssessment(
                assessment_id=assessment_id, trace_id=trace_id, **changes
            ),
            update_mask=",".join(_camel(part) for part in changes),
            trace_id=trace_id,
            assessment_id=assessment_id,
        )
        return self._call(request).assessment.entity()

    def delete_assessment(self, trace_id: str, assessment_id: str) -> None:
        request = assessments.DeleteAssessment(trace_id=trace_id, assessment_id=assessment_id)
        self._call(request)

    def name_of_issue(self, issue_id: str) -> str:
        """See the contract. Servers of the reference keep issues."""
        url = f"/api/3.0/mlflow/issues/{quote(issue_id, safe='')}"
        try:
            answer = json_object(self._transport.call("GET", url))
        except MlflowException as error:
            if error.error_code == "ENDPOINT_NOT_FOUND":
                return super().name_of_issue(issue_id)
            raise
        return str(answer["issue"]["name"])

    def link_traces_to_run(self, trace_ids: list[str], run_id: str) -> None:
        self._call(traces_v2.LinkTracesToRun(trace_ids=list(trace_ids), run_id=run_id))

    def unlink_traces_from_run(self, trace_ids: list[str], run_id: str) -> None:
        raise MlflowException(
            "Traces cannot be unlinked from runs over REST: the protocol has no such request."
        )

    def link_prompts_to_trace(self, trace_id: str, prompt_versions: Sequence[Any]) -> None:
        prompts = [
            traces_v2.PromptVersionRef(name=p.name, version=str(p.version)) for p in prompt_versions
        ]
        self._call(traces_v2.LinkPromptsToTrace(trace_id=trace_id, prompt_versions=prompts))

    def trace_links(self, trace_ids: Sequence[str]) -> dict[str, TraceLinks]:
        try:
            found = self._call(traces.GetTraceLinks(trace_ids=list(trace_ids))).links
        except MlflowException as error:
            if error.error_code != "ENDPOINT_NOT_FOUND":
                raise
            raise MlflowNotImplementedException(
                "The server does not tell what traces are linked to: it is not one of Headrace."
            ) from None
        return {of.trace_id: TraceLinks(of.runs, of.prompts) for of in found}

    def query_trace_metrics(
        self,
        experiment_ids: list[str],
        view_type: MetricViewType,
        metric_name: str,
        aggregations: list[MetricAggregation],
        dimensions: list[str] | None = None,
        filters: list[str] | None = None,
        time_interval_seconds: int | None = None,
        start_time_ms: int | None = None,
        end_time_ms: int | None = None,
        max_results: int = 1000,
        page_token: str | None = None,
    ) -> PagedList[MetricDataPoint]:
        request = trace_metrics.QueryTraceMetrics(
            experiment_ids=[str(x) for x in experiment_ids],
            view_type=MetricViewType(view_type).value,
            metric_name=metric_name,
            aggregations=[_aggregation(a) for a in aggregations],
            dimensions=list(dimensions or ()),
            filters=list(filters or ()),
            time_interval_seconds=time_interval_seconds,
            start_time_ms=start_time_ms,
            end_time_ms=end_time_ms,
            max_results=max_results,
            page_token=page_token,
        )
        page = self._call(request)
        return PagedList([p.entity() for p in page.data_points], page.next_page_token)

    def calculate_trace_filter_correlation(
        self,
        experiment_ids: list[str],
        filter_string1: str,
        filter_string2: str,
        base_filter: str | None = None,
    ) -> TraceFilterCorrelationResult:
        request = trace_metrics.CalculateTraceFilterCorrelation(
            experiment_ids=[str(x) for x in experiment_ids],
            filter_string1=filter_string1,
            filter_string2=filter_string2,
            base_filter=base_filter,
        )
        found = self._call(request)
        return TraceFilterCorrelationResult(
            npmi=float(found.npmi),
            npmi_smoothed=float(found.npmi_smoothed),
            filter1_count=found.filter1_count,
            filter2_count=found.filter2_count,
            joint_count=found.joint_count,
            total_count=found.total_count,
        )

    def deprecated_start_trace_v2(
        self,
        experiment_id: str,
        timestamp_ms: int,
        request_metadata: dict[str, str],
        tags: dict[str, str],
    ) -> TraceInfoV2:
        request = traces_v2.StartTrace(
            experiment_id=str(experiment_id),
            timestamp_ms=timestamp_ms,
            request_metadata=_pairs(request_metadata),
            tags=_pairs(tags),
        )
        return self._call(request).trace_info.entity()

    def deprecated_end_trace_v2(
        self,
        request_id: str,
        timestamp_ms: int,
        status: TraceStatus,
        request_metadata: dict[str, str],
        tags: dict[str, str],
    ) -> TraceInfoV2:
        request = traces_v2.EndTrace(
            request_id=request_id,
            timestamp_ms=timestamp_ms,
            status=TraceStatus(status).value,
            request_metadata=_pairs(request_metadata),
            tags=_pairs(tags),
        )
        return self._call(request).trace_info.entity()


def _pairs(pairs: dict[str, str]) -> list[Tag]:
    return [Tag(key=key, value=str(value)) for key, value in pairs.items()]


def _aggregation(aggregation: MetricAggregation) -> trace_metrics.Aggregation:
    value = aggregation.percentile_value
    return trace_metrics.Aggregation(
        aggregation_type=aggregation.aggregation_type.value,
        percentile_value=None if value is None else double(float(value)),
    )


def _dictionary(value: Any, kind: type) -> dict[str, Any] | None:
    """The JSON form of a value, given as such, as an assessment with one, or by itself."""
    if value is None:
        return None
    for part in ("feedback", "expectation"):
        if isinstance(getattr(value, part, None), kind):
            return getattr(value, part).to_dictionary()
    return (value if isinstance(value, kind) else kind(value)).to_dictionary()


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
