"""RPCs of runs, their params and tags."""

from __future__ import annotations

from typing import Annotated

import msgspec

from mlflow import entities as e
from mlflow.entities import RunStatus
from mlflow.exceptions import MlflowException
from mlflow.rpc.declare import Rpc, rpc
from mlflow.rpc.experiments import VIEWS
from mlflow.rpc.nouns import Metric, Run, RunInfo, RunStatusName, Tag, ViewTypeName
from mlflow.rpc.wire import Int64, Needed, Wire
from mlflow.utils.validation import SEARCH_MAX_RESULTS_DEFAULT, SEARCH_MAX_RESULTS_THRESHOLD


class OfRun(Rpc, kw_only=True):
    """A request about one run, whose id old clients send as `run_uuid`."""

    run_id: str | None = None
    run_uuid: str | None = None

    @property
    def run(self) -> str:
        """The run's id; MlflowException INVALID_PARAMETER_VALUE if there is none."""
        run_id = self.run_id or self.run_uuid
        if not run_id:
            raise MlflowException.invalid_parameter_value(
                "Missing value for required parameter 'run_id'. "
                "See the API docs for more information about request parameters."
            )
        return run_id


class RunAnswer(Wire):
    run: Run


class RunInfoAnswer(Wire):
    run_info: RunInfo


class RunPage(Wire):
    runs: list[Run] = []
    next_page_token: str | None = None
    """Absent on the last page."""


@rpc("POST", "/mlflow/runs/create", needs=("run", "create"), response=RunAnswer)
class CreateRun(Rpc, kw_only=True):
    """Create a run, in state RUNNING."""

    experiment_id: str | None = None
    """Absent for the default experiment."""
    user_id: str | None = None
    run_name: str | None = None
    start_time: Int64 | None = None
    """Milliseconds since the Unix epoch."""
    tags: list[Tag] = []

    def answer(self, store) -> RunAnswer:
        run = store.create_run(
            experiment_id=self.experiment_id or "0",
            user_id=self.user_id,
            start_time=self.start_time,
            tags=[e.RunTag(t.key, t.value or "") for t in self.tags],
            run_name=self.run_name,
        )
        answer = Run.of(run)
        answer.outputs = None  # a new run has none, and says so by leaving it out
        return RunAnswer(run=answer)


@rpc("GET", "/mlflow/runs/get", needs=("run", "read"), response=RunAnswer)
class GetRun(OfRun, kw_only=True):
    """One run, deleted or not, with the last value of each metric."""

    def answer(self, store) -> RunAnswer:
        return RunAnswer(run=Run.of(store.get_run(self.run)))


@rpc("POST", "/mlflow/runs/update", needs=("run", "edit"), response=RunInfoAnswer, idempotent=True)
class UpdateRun(OfRun, kw_only=True):
    """Change the status, end time or name of a run."""

    status: RunStatusName | None = None
    end_time: Int64 | None = None
    """Milliseconds since the Unix epoch."""
    run_name: str | None = None

    def answer(self, store) -> RunInfoAnswer:
        status = RunStatus.from_string(self.status) if self.status else None
        info = store.update_run_info(self.run, status, self.end_time, self.run_name)
        return RunInfoAnswer(run_info=RunInfo.of(info))


@rpc("POST", "/mlflow/runs/delete", needs=("run", "delete"), idempotent=True)
class DeleteRun(Rpc, kw_only=True):
    """Delete a run, until it is restored."""

    run_id: Needed

    def answer(self, store) -> None:
        store.delete_run(self.run_id)


@rpc("POST", "/mlflow/runs/restore", needs=("run", "delete"), idempotent=True)
class RestoreRun(Rpc, kw_only=True):
    """Bring back a deleted run."""

    run_id: Needed

    def answer(self, store) -> None:
        store.restore_run(self.run_id)


@rpc(
    "POST",
    "/mlflow/runs/search",
    needs=("experiment", "read"),
    response=RunPage,
    idempotent=True,
)
class SearchRuns(Rpc, kw_only=True):
    """One page of the runs that match."""

    experiment_ids: list[str] = []
    filter: str | None = None
    run_view_type: ViewTypeName | None = None
    max_results: Annotated[int, msgspec.Meta(le=SEARCH_MAX_RESULTS_THRESHOLD)] | None = None
    order_by: list[str] = []
    page_token: str | None = None

    def answer(self, store) -> RunPage:
        size = SEARCH_MAX_RESULTS_DEFAULT if self.max_results is None else self.max_results
        runs, token = store._search_run_messages(
            self.experiment_ids,
            self.filter,
            VIEWS[self.run_view_type or "ACTIVE_ONLY"],
            size,
            self.order_by,
            self.page_token,
        )
        return RunPage(runs=runs, next_page_token=token or None)


@rpc(
    "POST",
    "/mlflow/runs/log-parameter",
    needs=("run", "edit"),
    idempotent=True,
    small_write=True,
)
class LogParam(OfRun, kw_only=True):
    """Set a param once and for all; the same value again is fine."""

    key: Needed
    value: str

    def answer(self, store) -> None:
        store.log_param(self.run, e.Param(self.key, self.value))


@rpc(
    "POST",
    "/mlflow/runs/set-tag",
    needs=("run", "edit"),
    idempotent=True,
    small_write=True,
)
class SetTag(OfRun, kw_only=True):
    """Set a tag of a run."""

    key: Needed
    value: str

    def answer(self, store) -> None:
        store.set_tag(self.run, e.RunTag(self.key, self.value))


@rpc("POST", "/mlflow/runs/delete-tag", needs=("run", "edit"))
class DeleteTag(Rpc, kw_only=True):
    """Remove a tag of a run."""

    run_id: Needed
    key: Needed

    def answer(self, store) -> None:
        store.delete_tag(self.run_id, self.key)


class LogBatchAnswer(Wire):
    writer_sequence: Int64 | None = None
    """Up to where the writer's records of this run are stored; absent when no writer was given.
    Less than was asked for when a part of the batch was stored before, and so nothing is now."""


@rpc(
    "POST",
    "/mlflow/runs/log-batch",
    needs=("run", "edit"),
    response=LogBatchAnswer,
    idempotent=True,
    small_write=True,
)
class LogBatch(Rpc, kw_only=True):
    """Log metrics, params and tags together: all of them or, when one is refused, none."""

    run_id: Needed
    metrics: list[Metric] = []
    """At most 1000."""
    params: list[Tag] = []
    """At most 100."""
    tags: list[Tag] = []
    """At most 100; all three together at most 1000."""
    writer_id: str | None = None
    """Of a writer that sends a batch again when it got no answer; it is stored once."""
    writer_after: Int64 | None = None
    """Where the first record of the batch begins in the writer's sequence."""
    writer_sequence: Int64 | None = None
    """Where the last one ends."""

    def answer(self, store) -> LogBatchAnswer:
        content = (
            self.run_id,
            [m.entity() for m in self.metrics],
            [e.Param(p.key, p.value or "") for p in self.params],
            [e.RunTag(t.key, t.value or "") for t in self.tags],
        )
        if self.writer_id is None:
            store.log_batch(*content)
            return LogBatchAnswer()
        if self.writer_after is None or self.writer_sequence is None:
            raise MlflowException.invalid_parameter_value(
                f"Writer '{self.writer_id}' without 'writer_after' and 'writer_sequence'; two "
                "whole numbers are needed."
            )
        return LogBatchAnswer(
            writer_sequence=store.log_batch_once(
                *content,
                writer=self.writer_id,
                after=self.writer_after,
                sequence=self.writer_sequence,
            )
        )
