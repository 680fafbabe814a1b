"""The web UI's RPCs of runs."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from mlflow.exceptions import MlflowException
from mlflow.rpc.declare import Rpc, rpc
from mlflow.rpc.experiments import VIEWS
from mlflow.rpc.nouns import Run, ViewTypeName
from mlflow.rpc.wire import Double, Int64, Needed, Wire
from mlflow.search import RUNS, parse_filter
from mlflow.search.errors import position_of

RowId = int | str
"""Opaque: an integer where the store has one for a run, else the run's id."""

Cell = int | float | str | list[str] | None
"""A value in a table; NaN and the infinities of a metric are strings."""

MOST_FOUND = 100_000
MOST_ROWS = 500
MOST_RUNS = 100

_PageSize = Annotated[int, msgspec.Meta(ge=1, le=MOST_FOUND)]


class OfRuns(Rpc, kw_only=True):
    """A request about the runs that match."""

    experiment_ids: list[str] = []
    filter: str | None = None
    """As in runs/search."""
    text: str | None = None
    """Plain words. Each must occur in the name, a param or a tag, or be the beginning of the id;
    capitals count as small letters."""
    run_view_type: ViewTypeName | None = None
    """Absent for ACTIVE_ONLY."""

    @property
    def search(self) -> tuple[list[str], str | None, str | None, int]:
        """What is searched for, as the store's methods take it.

        Raises:
            MlflowException: For a filter that is not valid; its JSON has `position`, the place.
        """
        try:
            parse_filter(self.filter, RUNS)  # is remembered
        except MlflowException as e:
            e.json_kwargs["position"] = position_of(e) or 0
            raise
        view = VIEWS[self.run_view_type or "ACTIVE_ONLY"]
        return self.experiment_ids, self.filter, self.text, view


class FoundRuns(Wire, kw_only=True):
    """The rows of a table of runs."""

    total: int
    """How many runs match, on all pages together."""
    rows: list[RowId]
    depth: list[int] | None = None
    """For a tree: how many of its ancestors are above each row."""
    context: list[int] | None = None
    """For a tree: places in `rows`, ascending, of ancestors that do not match themselves."""
    next_page_token: str | None = None
    """Absent on the last page."""
    cursor: str | None = None
    """For ui/changes, if it was asked for: changes since then may not be in this answer."""


@rpc(
    "POST",
    "/runs/find",
    version="ui",
    ajax_only=True,
    compress=True,
    needs=("experiment", "read"),
    response=FoundRuns,
    idempotent=True,
)
class FindRuns(OfRuns, kw_only=True):
    """The ids of all runs that match, in order.

    A tree has each run below its parent, if that is among the searched experiments and in the view;
    parents that do not match are there, too. Each page is a tree of its own.
    """

    order_by: list[str] = []
    """As in runs/search."""
    tree: bool | None = None
    max_results: _PageSize | None = None
    """Runs that match, on this page; absent for 100 000."""
    page_token: str | None = None
    watch: bool | None = None
    """Whether to answer with a cursor."""

    def answer(self, store) -> FoundRuns:
        # Before the search: what changes meanwhile is told once too often, and never missed.
        cursor = store.changes(self.experiment_ids)[0].cursor if self.watch else None
        found = store.find_runs(
            *self.search,
            self.order_by,
            bool(self.tree),
            MOST_FOUND if self.max_results is None else self.max_results,
            self.page_token,
        )
        found.cursor = cursor
        return found


class RunFacts(Wire, kw_only=True):
    """What runs are, a column each; null everywhere in the rows that are no runs."""

    run_id: list[str | None]
    experiment_id: list[str | None]
    name: list[str | None]
    status: list[str | None]
    start_time: list[Int64 | None]
    """Milliseconds since the Unix epoch, as is the next."""
    end_time: list[Int64 | None]
    lifecycle_stage: list[str | None]
    user: list[str | None]
    parent: list[str | None]
    """The id of the run above, which may not be there any more; null if there is none."""


class RunRows(Wire):
    """Some rows of a table of runs, as columns."""

    runs: RunFacts
    columns: dict[str, list[Cell]]
    """By the names that were asked for; null where a run has no such thing."""


@rpc(
    "POST",
    "/runs/rows",
    version="ui",
    ajax_only=True,
    compress=True,
    needs=("run", "read"),
    response=RunRows,
    idempotent=True,
)
class GetRunRows(Rpc, kw_only=True):
    """What some rows of a table of runs say."""

    rows: list[RowId] = []
    """At most 500; what find said."""
    run_ids: list[str] = []
    """In place of rows, at most 500."""
    columns: list[str] = []
    """`metrics.K` for the last value of a metric, `min.K`, `max.K`, `step.K` for its last step,
    `params.K`, `tags.K`, `datasets` (each as "name@digest"), `models` (how many it made),
    `children` (how many active runs are right below it)."""

    def answer(self, store) -> RunRows:
        return store.run_rows(self.rows, self.run_ids, self.columns)


class MetricKey(Wire, kw_only=True):
    """What the last values of a metric are like."""

    key: str
    runs: int
    """How many runs have it."""
    distinct: int
    """How many values there are; NaN is one."""
    min: Double | None = None
    """Absent if all are NaN, as is the next."""
    max: Double | None = None


class TextKey(Wire, kw_only=True):
    """What the values of a param or a tag are like."""

    key: str
    runs: int
    """How many runs have it."""
    distinct: int
    """How many values there are."""
    values: list[str] | None = None
    """All of them, if they are at most 12: by size if they are numbers, else by letters."""
    numeric: bool
    """They are all numbers."""


class RunKeys(Wire, kw_only=True):
    runs: int
    """How many runs were looked at: the newest that match, at most 10,000; fewer if they have more
    than two million values."""
    metrics: list[MetricKey]
    """Sorted by key, as the next two."""
    params: list[TextKey]
    tags: list[TextKey]
    """Without those of MLflow's own, `mlflow.*`."""


@rpc(
    "POST",
    "/runs/columns",
    version="ui",
    ajax_only=True,
    compress=True,
    needs=("experiment", "read"),
    response=RunKeys,
    idempotent=True,
)
class GetRunColumns(OfRuns, kw_only=True):
    """Which metrics, params and tags the matching runs have, and how much they differ."""

    run_ids: list[str] = []
    """These runs, at most 500, in place of those that match."""

    def answer(self, store) -> RunKeys:
        return store.run_keys(*self.search, self.run_ids)


class Values(Wire):
    values: list[str]
    """Most frequent first, at most 50."""


@rpc(
    "GET",
    "/runs/values",
    version="ui",
    ajax_only=True,
    compress=True,
    needs=("experiment", "read"),
    response=Values,
)
class GetRunValues(Rpc, kw_only=True):
    """The values that runs have under a key, to complete what somebody is typing."""

    experiment_ids: list[str] = []
    kind: Literal["params", "tags", "attributes"]
    key: Needed
    """Of attributes: `run_name`, `user_id`, `status`."""
    prefix: str | None = None
    """What they begin with."""

    def answer(self, store) -> Values:
        found = store.values_of_runs(self.experiment_ids, self.kind, self.key, self.prefix or "")
        return Values(found)


class SomeRuns(Wire):
    runs: list[Run]
    """In the order asked for, as runs/get has them."""
    missing: list[str]
    """Ids that no run has."""


@rpc(
    "POST",
    "/runs/get",
    version="ui",
    ajax_only=True,
    compress=True,
    needs=("run", "read"),
    response=SomeRuns,
    idempotent=True,
)
class GetRuns(Rpc, kw_only=True):
    """Several runs with all they logged, deleted or not."""

    run_ids: list[str] = []
    """At most 100."""

    def answer(self, store) -> SomeRuns:
        return store.get_runs(self.run_ids)
