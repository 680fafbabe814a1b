"""The web UI's RPCs of traces."""

from __future__ import annotations

from typing import Annotated

import msgspec

from mlflow.exceptions import MlflowException
from mlflow.rpc.declare import Rpc, rpc
from mlflow.rpc.ui.runs import MOST_FOUND, MOST_ROWS, RowId
from mlflow.rpc.wire import Double, Int64, Wire
from mlflow.search import parse_filter
from mlflow.search.errors import position_of
from mlflow.search.traces import TRACES

MOST_BARS = 200
#: Upper ends of the groups of durations, in milliseconds; the last group has what is longer.
DURATIONS = tuple(n * 10**power for power in range(6) for n in (1, 2, 5)) + (1_000_000,)


class OfTraces(Rpc, kw_only=True):
    """A request about the traces that match."""

    experiment_ids: list[str] = []
    filter: str | None = None
    """As in traces/search."""

    def check_filter(self) -> None:
        """Check the filter.

        Raises:
            MlflowException: For one that is not valid; its JSON has `position`, the place.
        """
        try:
            parse_filter(self.filter, TRACES)
        except MlflowException as e:
            e.json_kwargs["position"] = position_of(e) or 0
            raise


class TraceSession(Wire):
    """Traces of one session, which lie together."""

    name: str
    """Empty for those that are of none, which come last."""
    traces: int


class FoundTraces(Wire, kw_only=True):
    """The rows of a table of traces."""

    total: int
    """How many traces match."""
    rows: list[RowId]
    """The first 100,000 of them."""
    sessions: list[TraceSession] | None = None
    """In the order of the rows, if they were asked for."""
    cursor: str | None = None
    """For ui/changes, if it was asked for: changes since then may not be in this answer."""


@rpc(
    "POST",
    "/traces/find",
    version="ui",
    ajax_only=True,
    compress=True,
    needs=("experiment", "read"),
    response=FoundTraces,
    idempotent=True,
)
class FindTraces(OfTraces, kw_only=True):
    """The ids of all traces that match, in order."""

    order_by: list[str] = []
    """As in traces/search."""
    by_session: bool | None = None
    """Sessions together, the last active first, and each from its beginning; in place of an
    order."""
    watch: bool | None = None
    """Whether to answer with a cursor."""

    def answer(self, store) -> FoundTraces:
        self.check_filter()
        # Before the search: what changes meanwhile is told once too often, and never missed.
        cursor = store.changes(self.experiment_ids)[0].cursor if self.watch else None
        found = store.find_traces(
            self.experiment_ids, self.filter, self.order_by, bool(self.by_session), MOST_FOUND
        )
        found.cursor = cursor
        return found


class TraceAssessment(Wire, kw_only=True):
    """What the table says of an assessment."""

    name: str
    kind: str
    """`feedback`, `expectation` or `issue`."""
    value: str
    """JSON, cut to 100 characters; "" if there is an error in its place."""
    source: str
    """Such as HUMAN."""


class TraceRows(Wire, kw_only=True):
    """Some rows of a table of traces, as columns; null everywhere in rows that are no traces."""

    trace_id: list[str | None]
    experiment_id: list[str | None]
    name: list[str | None]
    state: list[str | None]
    """OK, ERROR, IN_PROGRESS or STATE_UNSPECIFIED."""
    time: list[Int64 | None]
    """When it began, in milliseconds since the Unix epoch."""
    duration: list[Int64 | None]
    """Milliseconds; null while it goes on."""
    tokens: list[Int64 | None]
    cost: list[Double | None]
    """US dollars."""
    session: list[str | None]
    user: list[str | None]
    run_id: list[str | None]
    request: list[str | None]
    """The preview, cut to 1000 characters, as the next."""
    response: list[str | None]
    tags: list[dict[str, str]]
    """Without those of MLflow's own, `mlflow.*`."""
    assessments: list[list[TraceAssessment]]
    """The valid ones."""


@rpc(
    "POST",
    "/traces/rows",
    version="ui",
    ajax_only=True,
    compress=True,
    needs=("experiment", "read"),
    response=TraceRows,
    idempotent=True,
)
class GetTraceRows(Rpc, kw_only=True):
    """What some rows of a table of traces say."""

    rows: list[RowId] = []
    """At most 500; what find said."""

    def answer(self, store) -> TraceRows:
        if len(self.rows) > MOST_ROWS:
            raise MlflowException.invalid_parameter_value(
                f"{len(self.rows)} rows were given; at most {MOST_ROWS} are taken at once."
            )
        return store.trace_rows(self.rows)


class TraceHistogram(Wire, kw_only=True):
    """How many traces began when, and how long they took."""

    total: int
    start: Int64
    """When the first bar begins, in milliseconds since the Unix epoch; 0 if there are none."""
    step: Int64
    """How much time a bar has, in milliseconds."""
    bars: int
    durations: list[int]
    """Upper ends of the groups of durations, in milliseconds; one more group has what is longer."""
    cells: list[list[int]]
    """[bar, group of durations or -1 while they go on, traces, those of them with errors] of each
    pair that has traces."""


@rpc(
    "POST",
    "/traces/histogram",
    version="ui",
    ajax_only=True,
    compress=True,
    needs=("experiment", "read"),
    response=TraceHistogram,
    idempotent=True,
)
class GetTraceHistogram(OfTraces, kw_only=True):
    """The traces that match, counted by when they began and how long they took."""

    bars: Annotated[int, msgspec.Meta(ge=1, le=MOST_BARS)] | None = None
    """How many at most; absent for 60."""

    def answer(self, store) -> TraceHistogram:
        self.check_filter()
        return store.trace_histogram(self.experiment_ids, self.filter, self.bars or 60)
