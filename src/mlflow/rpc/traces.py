"""RPCs of traces, version 3 of the protocol."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from mlflow import entities as e
from mlflow.entities.span import LazySpan
from mlflow.exceptions import MlflowException
from mlflow.rpc.declare import Rpc, rpc
from mlflow.rpc.trace_nouns import Trace, TraceInfoV3, TraceLocation
from mlflow.rpc.wire import Int64, Needed, Wire

#: Traces on one page.
TracePageSize = Annotated[int, msgspec.Meta(ge=1, le=500)]
#: A number of traces.
Number = Annotated[int, msgspec.Meta(ge=-(1 << 31), le=(1 << 31) - 1)]


class TraceAnswer(Wire):
    trace: Trace


class Traces(Wire):
    traces: list[Trace] = []


class TraceInfos(Wire):
    trace_infos: list[TraceInfoV3] = []


class TracesDeleted(Wire, omit_defaults=False):
    traces_deleted: int = 0


class TraceInfoPage(Wire):
    traces: list[TraceInfoV3] = []
    next_page_token: str | None = None
    """Absent on the last page."""


@rpc(
    "POST",
    "/mlflow/traces",
    version="3.0",
    needs=("experiment", "edit"),
    response=TraceAnswer,
    small_write=True,
)
class StartTraceV3(Rpc):
    """Keep what is known of a trace beside its spans."""

    trace: Trace

    def answer(self, store) -> TraceAnswer:
        if self.trace.trace_info is None:
            raise MlflowException.invalid_parameter_value(
                "Missing value for required parameter 'trace.trace_info'. See the API docs for "
                "more information about request parameters."
            )
        info = store.start_trace(self.trace.trace_info.entity())
        return TraceAnswer(Trace(trace_info=TraceInfoV3.of(info)))


class LoggedTrace(Wire):
    """A trace that has ended, as its program tells it."""

    info: TraceInfoV3
    spans: list[dict[str, Any]] = []
    """Records, as files of traces have them."""

    @classmethod
    def of(cls, trace: e.Trace) -> LoggedTrace:
        return cls(TraceInfoV3.of(trace.info), [span.to_dict() for span in trace.data.spans])

    def as_stored(self) -> e.Trace:
        """The trace, of a server that has checked it."""
        return e.Trace(self.info.entity(), e.TraceData([LazySpan(span) for span in self.spans]))

    def entity(self) -> e.Trace:
        """The trace; MlflowException INVALID_PARAMETER_VALUE if it is none."""
        spans = [e.Span.from_dict(span) for span in self.spans]
        return e.Trace(self.info.entity(), e.TraceData(spans))


@rpc("POST", "/headrace/traces/log", needs=("experiment", "edit"), idempotent=True)
class LogTraces(Rpc):
    """Keep many traces with their spans at once. A server of the reference has no such request."""

    traces: list[LoggedTrace] = []

    def answer(self, store) -> None:
        store.log_traces([trace.entity() for trace in self.traces])


class LinksOfTrace(Wire):
    """The runs and prompts that a trace was linked to."""

    trace_id: str
    runs: list[str] = []
    prompts: list[str] = []
    """As `name/version`."""


class LinksOfTraces(Wire):
    links: list[LinksOfTrace] = []


@rpc(
    "POST",
    "/headrace/traces/links",
    needs=("trace", "read"),
    response=LinksOfTraces,
    idempotent=True,
)
class GetTraceLinks(Rpc):
    """What traces were linked to. A server of the reference does not tell."""

    trace_ids: list[str] = []

    def answer(self, store) -> LinksOfTraces:
        found = store.trace_links(self.trace_ids)
        return LinksOfTraces([LinksOfTrace(id, of.runs, of.prompts) for id, of in found.items()])


class LoggedTraces(Wire):
    traces: list[LoggedTrace] = []


@rpc(
    "POST",
    "/headrace/traces/read",
    needs=("trace", "read"),
    response=LoggedTraces,
    idempotent=True,
)
class ReadTraces(Rpc):
    """Traces with their spans as they are stored; those that are not there are left out. To spell
    spans as `BatchGetTraces` does, and to read that, takes three times as long."""

    trace_ids: list[str] = []
    experiment_ids: list[str] = []

    def answer(self, store) -> LoggedTraces:
        found = store.batch_get_traces(self.trace_ids, experiment_ids=self.experiment_ids or None)
        return LoggedTraces([LoggedTrace.of(trace) for trace in found])


@rpc(
    "GET",
    "/mlflow/traces/{trace_id}",
    version="3.0",
    needs=("trace", "read"),
    response=TraceAnswer,
)
class GetTraceInfoV3(Rpc):
    """A trace without its spans."""

    trace_id: str = ""

    def answer(self, store) -> TraceAnswer:
        info = store.get_trace_info(self.trace_id)
        return TraceAnswer(Trace(trace_info=TraceInfoV3.of(info)))


@rpc(
    "GET",
    "/mlflow/traces/get",
    version="3.0",
    needs=("trace", "read"),
    response=TraceAnswer,
    compress=True,
)
class GetTrace(Rpc):
    """A trace with its spans."""

    trace_id: Needed
    allow_partial: bool = False
    """Whether one will do of which not all spans have arrived."""

    def answer(self, store) -> TraceAnswer:
        trace = store.get_trace(self.trace_id, allow_partial=self.allow_partial)
        return TraceAnswer(Trace.of(trace))


@rpc(
    "GET",
    "/mlflow/traces/batchGet",
    version="3.0",
    needs=("trace", "read"),
    response=Traces,
    compress=True,
)
class BatchGetTraces(Rpc):
    """Traces with their spans; those that are not there are left out."""

    trace_ids: list[str] = []
    experiment_ids: list[str] = []

    def answer(self, store) -> Traces:
        found = store.batch_get_traces(self.trace_ids, experiment_ids=self.experiment_ids or None)
        return Traces([Trace.of(trace) for trace in found])


@rpc(
    "POST",
    "/mlflow/traces/batchGetInfos",
    version="3.0",
    needs=("trace", "read"),
    response=TraceInfos,
    idempotent=True,
    compress=True,
)
class BatchGetTraceInfos(Rpc):
    """Traces without their spans; those that are not there are left out."""

    trace_ids: list[str] = []
    experiment_ids: list[str] = []

    def answer(self, store) -> TraceInfos:
        found = store.batch_get_trace_infos(
            self.trace_ids, experiment_ids=self.experiment_ids or None
        )
        return TraceInfos([TraceInfoV3.of(info) for info in found])


@rpc(
    "POST",
    "/mlflow/traces/search",
    version="3.0",
    needs=("experiment", "read"),
    response=TraceInfoPage,
    idempotent=True,
    compress=True,
)
class SearchTracesV3(Rpc):
    """One page of the traces that match, newest first unless `order_by` says otherwise."""

    locations: list[TraceLocation] = []
    """Experiments; at least one."""
    filter: str | None = None
    """Such as status = 'ERROR' AND tags.env = 'prod'."""
    max_results: TracePageSize = 100
    order_by: list[str] = []
    page_token: str | None = None

    def answer(self, store) -> TraceInfoPage:
        if not self.locations:
            raise MlflowException.invalid_parameter_value(
                "Missing value for required parameter 'locations'. See the API docs for more "
                "information about request parameters."
            )
        found, token = store.search_traces(
            filter_string=self.filter,
            max_results=self.max_results,
            order_by=self.order_by,
            page_token=self.page_token or None,
            locations=[location.experiment_id() for location in self.locations],
        )
        return TraceInfoPage([TraceInfoV3.of(info) for info in found], token or None)


@rpc(
    "PATCH",
    "/mlflow/traces/{trace_id}/tags",
    version="3.0",
    needs=("trace", "edit"),
    idempotent=True,
    small_write=True,
)
class SetTraceTagV3(Rpc):
    """Set a tag of a trace, in place of the value it had."""

    trace_id: str = ""
    key: str | None = None
    value: str | None = None

    def answer(self, store) -> None:
        store.set_trace_tag(self.trace_id, self.key, self.value or "")


@rpc("DELETE", "/mlflow/traces/{trace_id}/tags", version="3.0", needs=("trace", "edit"))
class DeleteTraceTagV3(Rpc):
    """Remove a tag of a trace."""

    trace_id: str = ""
    key: str | None = None

    def answer(self, store) -> None:
        store.delete_trace_tag(self.trace_id, self.key or "")


class TraceDeletion(Rpc):
    """What both versions of the protocol say of traces to delete."""

    experiment_id: Needed
    max_timestamp_millis: Int64 | None = None
    max_traces: Number | None = None
    """At most so many, the oldest first."""
    request_ids: list[str] = []

    def answer(self, store) -> TracesDeleted:
        return TracesDeleted(
            store.delete_traces(
                self.experiment_id,
                self.max_timestamp_millis,
                self.max_traces,
                self.request_ids or None,
            )
        )


@rpc(
    "POST",
    "/mlflow/traces/delete-traces",
    version="3.0",
    needs=("experiment", "delete"),
    response=TracesDeleted,
)
class DeleteTracesV3(TraceDeletion):
    """Delete traces for good: some, or all that began until a time."""
