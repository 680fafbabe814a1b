"""Contract: traces, their spans and their assessments."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from mlflow.entities.completed_session import CompletedSession
from mlflow.exceptions import MlflowNotImplementedException
from mlflow.store.tracking.base import trace_rules as rules

if TYPE_CHECKING:
    from mlflow.entities import Assessment, Span, Trace, TraceInfo
    from mlflow.entities.assessment import ExpectationValue, FeedbackValue
    from mlflow.entities.trace_metrics import (
        MetricAggregation,
        MetricDataPoint,
        MetricViewType,
    )
    from mlflow.entities.trace_status import TraceStatus
    from mlflow.store.entities.paged_list import PagedList
    from mlflow.store.tracking.base.trace_metric_rules import MetricQuery

#: Traces on one page, and the most there can be.
SEARCH_TRACES_DEFAULT_MAX_RESULTS = 100
SEARCH_TRACES_MAX_RESULTS = 500


class TraceLinks(NamedTuple):
    """What a trace was linked to by calls; its metadata may name a run, too."""

    runs: list[str] = []
    """Ids of runs."""
    prompts: list[str] = []
    """As `name/version`."""


class Traces(ABC):  # noqa: B024 - plug-ins need not have them
    """What requests did: traces, which have spans, tags, metadata and assessments.

    A trace becomes known by `start_trace`, by its spans, or by both, in any order.
    """

    def start_trace(self, trace_info: TraceInfo) -> TraceInfo:
        """Keep what is known of a trace beside its spans; the trace as it is then.

        Where the trace is known already, by its spans or by an earlier call, what is given now
        takes the place of what was there; tags and metadata are added.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if it is not located in an experiment, if the
                experiment is deleted, or if a tag or metadata is too long;
                RESOURCE_DOES_NOT_EXIST if there is no such experiment.
        """
        raise _keeps_none(self)

    def log_spans(
        self, location: str, spans: list[Span], tracking_uri: str | None = None
    ) -> list[Span]:
        """Keep spans of one or more traces; the spans.

        The spans of a trace may come in several calls, in any order and repeatedly: of those with
        one id the last one counts. A trace that is not known yet is made: its time, duration and
        state are those of its spans.

        Args:
            location: The id of an experiment.
            tracking_uri: Not used.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if the experiment is deleted;
                RESOURCE_DOES_NOT_EXIST if there is none.
        """
        raise _keeps_none(self)

    async def log_spans_async(self, location: str, spans: list[Span]) -> list[Span]:
        """`log_spans`, for asyncio; it does not keep the event loop waiting."""
        import asyncio

        return await asyncio.to_thread(self.log_spans, location, spans)

    def log_traces(self, traces: Sequence[Trace]) -> None:
        """`start_trace` and `log_spans` for several traces, in as few steps as the store can. To
        do it again changes nothing.

        Raises:
            MlflowException: As these two, about one of the traces; none or some of the others are
                stored.
        """
        for trace in traces:
            self.start_trace(trace.info)
        for experiment, spans in _by_experiment(traces).items():
            self.log_spans(experiment, spans)

    def get_trace_info(self, trace_id: str) -> TraceInfo:
        """A trace without its spans; MlflowException RESOURCE_DOES_NOT_EXIST if there is none."""
        raise _keeps_none(self)

    def get_trace(self, trace_id: str, *, allow_partial: bool = False) -> Trace:
        """A trace with its spans.

        Args:
            allow_partial: Whether a trace will do of which not all spans have arrived.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if there is none;
                INVALID_STATE if spans are missing, and that is not allowed.
        """
        raise _keeps_none(self)

    def batch_get_traces(
        self,
        trace_ids: list[str],
        location: str | None = None,
        experiment_ids: list[str] | None = None,
    ) -> list[Trace]:
        """Traces with their spans, in the order of the ids; those that are not there are left out.

        Args:
            location: Not used.
            experiment_ids: Only those of these experiments; None for all.
        """
        raise _keeps_none(self)

    def batch_get_trace_infos(
        self,
        trace_ids: list[str],
        location: str | None = None,
        experiment_ids: list[str] | None = None,
    ) -> list[TraceInfo]:
        """The same without their spans."""
        raise _keeps_none(self)

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
        """One page of the traces that match, and the token of the next page, if there is one.

        Args:
            experiment_ids: The old name of `locations`.
            filter_string: Such as `status = 'ERROR' AND tags.env = 'test'`; see
                `search/traces.py`.
            max_results: 1 to 500.
            order_by: Such as `["timestamp_ms DESC"]`, which is the default.
            page_token: That of the page before, of the same search.
            model_id: Only traces of this logged model.
            locations: Ids of experiments.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE for a filter, order, number or token that is
                not valid.
        """
        raise _keeps_none(self)

    def find_completed_sessions(
        self,
        experiment_id: str,
        min_last_trace_timestamp_ms: int,
        max_last_trace_timestamp_ms: int,
        max_results: int | None = None,
        filter_string: str | None = None,
    ) -> list[CompletedSession]:
        """Sessions whose last trace began in this time, both ends included; that of which it is the
        longest ago comes first.

        Args:
            max_results: At most so many; None, or a negative number, for all.
            filter_string: Of traces: only sessions whose first trace matches.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE for a filter that is not valid.
        """
        bounds = min_last_trace_timestamp_ms, max_last_trace_timestamp_ms
        found = self._sessions_that_ended(experiment_id, *bounds)
        if filter_string:
            matching = self._ids_of_matches(experiment_id, filter_string)
            found = [(session, first) for session, first in found if first in matching]
        sessions = [session for session, _ in found]
        sessions.sort(key=lambda s: (s.last_trace_timestamp_ms, s.session_id))
        return sessions if max_results is None or max_results < 0 else sessions[:max_results]

    def _sessions_that_ended(
        self, experiment_id: str, from_ms: int, to_ms: int
    ) -> list[tuple[CompletedSession, str]]:
        """Sessions whose last trace began in this time, each with the id of its first trace."""
        known: dict[str, list[tuple[int, str]]] = {}
        for info in self._every_info(experiment_id, None):
            session = info.trace_metadata.get(rules.SESSION)
            if session is not None:
                known.setdefault(session, []).append((info.request_time, info.trace_id))
        found = []
        for session, traces in known.items():
            (first, first_id), (last, _) = min(traces), max(traces)
            if from_ms <= last <= to_ms:
                found.append((CompletedSession(session, first, last), first_id))
        return found

    def _ids_of_matches(self, experiment_id: str, filter_string: str) -> set[str]:
        """The ids of all traces that match."""
        return {info.trace_id for info in self._every_info(experiment_id, filter_string)}

    def _every_info(self, experiment_id: str, filter_string: str | None) -> Iterator[TraceInfo]:
        token = None
        while True:
            page, token = self.search_traces(
                filter_string=filter_string,
                max_results=SEARCH_TRACES_MAX_RESULTS,
                page_token=token,
                locations=[experiment_id],
            )
            yield from page
            if not token:
                return

    def set_trace_tag(self, trace_id: str, key: str, value: str) -> None:
        """Set a tag, in place of the value it had.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if there is no such trace;
                INVALID_PARAMETER_VALUE if the key or the value is too long.
        """
        raise _keeps_none(self)

    def delete_trace_tag(self, trace_id: str, key: str) -> None:
        """Remove a tag; MlflowException RESOURCE_DOES_NOT_EXIST if it is not set."""
        raise _keeps_none(self)

    def delete_traces(
        self,
        experiment_id: str,
        max_timestamp_millis: int | None = None,
        max_traces: int | None = None,
        trace_ids: list[str] | None = None,
    ) -> int:
        """Delete traces for good; how many they were.

        Args:
            max_timestamp_millis: Those that began until then, oldest first; or else
            trace_ids: these.
            max_traces: How many at most; only with `max_timestamp_millis`.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if not exactly one of the two is given, or
                `max_traces` is not positive or given with ids.
        """
        from mlflow.store.tracking.base.trace_checks import check_what_to_delete

        check_what_to_delete(max_timestamp_millis, max_traces, trace_ids)
        return self._delete_traces(experiment_id, max_timestamp_millis, max_traces, trace_ids)

    def _delete_traces(
        self,
        experiment_id: str,
        max_timestamp_millis: int | None = None,
        max_traces: int | None = None,
        trace_ids: list[str] | None = None,
    ) -> int:
        """`delete_traces`, of arguments that fit together."""
        raise _keeps_none(self)

    def oldest_traces(self, experiment_id: str, until_ms: int, most: int) -> list[str]:
        """Ids of the traces of an experiment that began until then, oldest first, `most` at
        most (500)."""
        infos, _ = self.search_traces(
            [experiment_id], f"timestamp_ms <= {until_ms}", most, ["timestamp_ms ASC"]
        )
        return [info.trace_id for info in infos]

    def create_assessment(self, assessment: Assessment) -> Assessment:
        """Keep an assessment of a trace; it, with its id. The one that it overrides becomes
        invalid.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if there is no such trace, or nothing that it
                could override.
        """
        raise _keeps_none(self)

    def get_assessment(self, trace_id: str, assessment_id: str) -> Assessment:
        """An assessment; MlflowException RESOURCE_DOES_NOT_EXIST if there is none."""
        raise _keeps_none(self)

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
        """Change an assessment; it, as it is then. What is None stays; metadata is added.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if there is none;
                INVALID_PARAMETER_VALUE if it is of another kind than the value.
        """
        raise _keeps_none(self)

    def delete_assessment(self, trace_id: str, assessment_id: str) -> None:
        """Delete an assessment; one that it overrode becomes valid again. Nothing happens if there
        is none."""
        raise _keeps_none(self)

    def name_of_issue(self, issue_id: str) -> str:
        """What an issue is called.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if there is no such issue; NOT_IMPLEMENTED if
                the store keeps none.
        """
        raise _keeps_no_issues(issue_id)

    def link_traces_to_run(self, trace_ids: list[str], run_id: str) -> None:
        """Note at a run that traces belong to it, at most 100 in one call; repeated ones do not
        matter."""
        raise _keeps_none(self)

    def unlink_traces_from_run(self, trace_ids: list[str], run_id: str) -> None:
        """Forget that traces belong to a run."""
        raise _keeps_none(self)

    def link_prompts_to_trace(self, trace_id: str, prompt_versions: Sequence[Any]) -> None:
        """Note at a trace which versions of prompts it used.

        Args:
            prompt_versions: Values with a `name` and a `version`.
        """
        raise _keeps_none(self)

    def trace_links(self, trace_ids: Sequence[str]) -> dict[str, TraceLinks]:
        """What traces were linked to, of those that were linked to anything."""
        raise _keeps_none(self)

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
    ) -> PagedList[list[MetricDataPoint]]:
        """Counts and measurements of traces, spans or assessments, in groups.

        Args:
            metric_name: Such as `trace_count` or `latency`; which there are depends on the view.
            dimensions: What makes groups, such as `trace_status`.
            filters: Such as `trace.status = "OK"`; all of them must hold.
            time_interval_seconds: Groups by time, too; needs a beginning and an end.
            start_time_ms: Only of traces that began then or later.
            end_time_ms: Only of traces that began then or earlier.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE for a metric, dimension, filter or aggregation
                that there is none of, and for times that do not fit.
        """
        from mlflow.store.tracking.base.trace_metric_rules import MetricQuery

        query = MetricQuery.checked(
            view_type,
            metric_name,
            aggregations,
            dimensions,
            filters,
            time_interval_seconds,
            start_time_ms,
            end_time_ms,
            max_results,
            page_token,
        )
        return self._query_trace_metrics(experiment_ids, query)

    def _query_trace_metrics(
        self, experiment_ids: list[str], query: MetricQuery
    ) -> PagedList[list[MetricDataPoint]]:
        """`query_trace_metrics`, of a query that was checked."""
        raise _keeps_none(self)

    def calculate_trace_filter_correlation(
        self,
        experiment_ids: list[str],
        filter_string1: str,
        filter_string2: str,
        base_filter: str | None = None,
    ) -> Any:
        """How two filters go together, as normalised pointwise mutual information: a
        TraceFilterCorrelationResult.

        Args:
            base_filter: Only traces that match this are looked at.
        """
        raise _keeps_none(self)

    def deprecated_start_trace_v2(
        self,
        experiment_id: str,
        timestamp_ms: int,
        request_metadata: dict[str, str],
        tags: dict[str, str],
    ) -> Any:
        """A new trace that is in progress, as clients of version 2 begin one: a TraceInfoV2."""
        info = rules.begun_in_version_2(experiment_id, timestamp_ms, request_metadata, tags)
        return rules.in_version_2(self.start_trace(info))

    def deprecated_end_trace_v2(
        self,
        request_id: str,
        timestamp_ms: int,
        status: TraceStatus,
        request_metadata: dict[str, str],
        tags: dict[str, str],
    ) -> Any:
        """End such a trace: a TraceInfoV2."""
        raise _keeps_none(self)


def _keeps_no_issues(issue_id: str) -> MlflowNotImplementedException:
    return MlflowNotImplementedException(
        f"The name of issue '{issue_id[:100]}' is not known here: Headrace keeps no issues yet. "
        "Give it as `issue_name`."
    )


def _by_experiment(traces: Sequence[Trace]) -> dict[str, list[Span]]:
    found: dict[str, list[Span]] = {}
    for trace in traces:
        if trace.data.spans:
            found.setdefault(str(trace.info.experiment_id), []).extend(trace.data.spans)
    return found


def _keeps_none(store: object) -> MlflowNotImplementedException:
    return MlflowNotImplementedException(f"A {type(store).__name__} keeps no traces.")
