"""RPCs of traces that are in version 2 of the protocol, some of which clients of version 3 use,
too."""

from __future__ import annotations

from types import SimpleNamespace

from mlflow.entities.trace_info_v2 import TraceInfoV2
from mlflow.entities.trace_status import TraceStatus
from mlflow.rpc.declare import Rpc, rpc
from mlflow.rpc.nouns import Tag
from mlflow.rpc.trace_nouns import StatusName, TraceInfo, by_key
from mlflow.rpc.traces import TraceDeletion, TracePageSize, TracesDeleted
from mlflow.rpc.wire import Int64, Needed, Wire


class TraceInfoAnswer(Wire):
    trace_info: TraceInfo


class TraceInfoV2Page(Wire):
    traces: list[TraceInfo] = []
    next_page_token: str | None = None
    """Absent on the last page."""


@rpc(
    "POST",
    "/mlflow/traces",
    needs=("experiment", "edit"),
    response=TraceInfoAnswer,
    small_write=True,
)
class StartTrace(Rpc):
    """Begin a trace."""

    experiment_id: str | None = None
    timestamp_ms: Int64 | None = None
    request_metadata: list[Tag] = []
    tags: list[Tag] = []

    def answer(self, store) -> TraceInfoAnswer:
        made = store.deprecated_start_trace_v2(
            self.experiment_id or "",
            self.timestamp_ms or 0,
            by_key(self.request_metadata),
            by_key(self.tags),
        )
        return TraceInfoAnswer(TraceInfo.of(made))


@rpc(
    "PATCH",
    "/mlflow/traces/{request_id}",
    needs=("trace", "edit"),
    response=TraceInfoAnswer,
    small_write=True,
)
class EndTrace(Rpc):
    """End a trace."""

    request_id: str = ""
    timestamp_ms: Int64 | None = None
    status: StatusName | None = None
    request_metadata: list[Tag] = []
    tags: list[Tag] = []

    def answer(self, store) -> TraceInfoAnswer:
        made = store.deprecated_end_trace_v2(
            self.request_id,
            self.timestamp_ms or 0,
            TraceStatus(self.status or "TRACE_STATUS_UNSPECIFIED"),
            by_key(self.request_metadata),
            by_key(self.tags),
        )
        return TraceInfoAnswer(TraceInfo.of(made))


@rpc(
    "GET",
    "/mlflow/traces/{request_id}/info",
    needs=("trace", "read"),
    response=TraceInfoAnswer,
)
class GetTraceInfo(Rpc):
    """A trace without its spans."""

    request_id: str = ""

    def answer(self, store) -> TraceInfoAnswer:
        info = TraceInfoV2.from_v3(store.get_trace_info(self.request_id))
        return TraceInfoAnswer(TraceInfo.of(info))


@rpc(
    "GET",
    "/mlflow/traces",
    needs=("experiment", "read"),
    response=TraceInfoV2Page,
    compress=True,
)
class SearchTraces(Rpc):
    """One page of the traces that match, newest first unless `order_by` says otherwise."""

    experiment_ids: list[str] = []
    filter: str | None = None
    max_results: TracePageSize = 100
    order_by: list[str] = []
    page_token: str | None = None

    def answer(self, store) -> TraceInfoV2Page:
        found, token = store.search_traces(
            filter_string=self.filter,
            max_results=self.max_results,
            order_by=self.order_by,
            page_token=self.page_token or None,
            locations=self.experiment_ids,
        )
        infos = [TraceInfo.of(TraceInfoV2.from_v3(info)) for info in found]
        return TraceInfoV2Page(infos, token or None)


@rpc(
    "PATCH",
    "/mlflow/traces/{request_id}/tags",
    needs=("trace", "edit"),
    idempotent=True,
    small_write=True,
)
class SetTraceTag(Rpc):
    """Set a tag of a trace, in place of the value it had."""

    request_id: str = ""
    key: str | None = None
    value: str | None = None

    def answer(self, store) -> None:
        store.set_trace_tag(self.request_id, self.key, self.value or "")


@rpc("DELETE", "/mlflow/traces/{request_id}/tags", needs=("trace", "edit"))
class DeleteTraceTag(Rpc):
    """Remove a tag of a trace."""

    request_id: str = ""
    key: str | None = None

    def answer(self, store) -> None:
        store.delete_trace_tag(self.request_id, self.key or "")


@rpc(
    "POST",
    "/mlflow/traces/delete-traces",
    needs=("experiment", "delete"),
    response=TracesDeleted,
)
class DeleteTraces(TraceDeletion):
    """Delete traces for good: some, or all that began until a time."""


@rpc(
    "POST",
    "/mlflow/traces/link-to-run",
    needs=("run", "edit"),
    idempotent=True,
    small_write=True,
)
class LinkTracesToRun(Rpc, kw_only=True):
    """Note at a run that traces belong to it."""

    trace_ids: list[str] = []
    """At most 100."""
    run_id: Needed

    def answer(self, store) -> None:
        store.link_traces_to_run(self.trace_ids, self.run_id)


class PromptVersionRef(Wire):
    """A version of a prompt."""

    name: Needed
    version: Needed


@rpc(
    "POST",
    "/mlflow/traces/link-prompts",
    needs=("trace", "edit"),
    idempotent=True,
    small_write=True,
)
class LinkPromptsToTrace(Rpc):
    """Note at a trace which versions of prompts it used."""

    trace_id: Needed
    prompt_versions: list[PromptVersionRef] = []

    def answer(self, store) -> None:
        prompts = [SimpleNamespace(name=p.name, version=p.version) for p in self.prompt_versions]
        store.link_prompts_to_trace(self.trace_id, prompts)
