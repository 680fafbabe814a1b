"""Finding a page of runs in a database.

There are two ways to a page. One *drives* with the runs that an index leads to for one of the
conditions, checks the others on each of them, and sorts. The other *walks* along an index in the
order that was asked for, checks every condition, and stops when the page is full. Which of them is
short depends on how many runs fit, which nobody knows beforehand. So they take turns: count, up to
a limit, how many runs each condition leads to, and drive if one leads to few; else walk so many
steps; then the same with four times the limit. The work is within a small factor of that of the
better way, whatever the data, and no planner decides: each statement reads one range of an index
and looks up rows by their key.

A walk goes along the first thing that is ordered by. Runs that are equal there are a search of
their own, with one more condition, and ordered by the rest; so are those where it is NaN, or
absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlflow.search import And, Comparison, Node, OrderBy
from mlflow.store.db.dialects import Dialect
from mlflow.store.db.paging import Term, after, order_clause
from mlflow.store.tracking.sql.conditions import (
    IS_NAN,
    STATUSES,
    Condition,
    Found,
    Index,
    Interval,
    KeyId,
    Membership,
    OrderTerm,
    Range,
    RunConditions,
    RunOrder,
    both,
)
from mlflow.store.tracking.sql.core import STATUS_NAMES

#: Steps of the first turn, at least.
_FIRST_TURN = 256
_GROWTH = 4
_NO_LIMIT = (1 << 63) - 1
_NOTHING = Condition("", [])

Row = tuple[Any, ...]


@dataclass(eq=False)
class _Part:
    """Something that all runs that are found have to satisfy."""

    check: Condition
    found: Found
    comparisons: Sequence[Comparison] = ()
    """If it is about one key."""
    counted: int = 0
    """Runs that the range leads to, at least."""
    all_counted: bool = False


@dataclass(frozen=True)
class _Walk:
    """What is left of a walk along an index."""

    index: Index
    by: OrderBy
    interval: Interval
    satisfied: tuple[_Part, ...]
    """Parts that all runs on the way satisfy."""
    place: list[Any] | None
    """If the walk begins where the page before ended: the values of the order's terms, and of those
    after it."""

    def behind(self, value: Any, *, inclusive: bool) -> _Walk:
        """The walk from `value` on."""
        if self.by.ascending:
            rest = self.interval.above(value, inclusive)
        else:
            rest = self.interval.below(value, inclusive)
        return replace(self, interval=rest, place=None)

    def until(self, value: Any) -> Interval:
        """The way up to `value`, which is not on it."""
        if self.by.ascending:
            return self.interval.below(value, False)
        return self.interval.above(value, False)

    def at(self, value: Any) -> Interval:
        """The way where it is at `value`."""
        return self.interval.above(value, True).below(value, True)


class RunSearch:
    """One search, in one transaction.

    Args:
        tx: Where to look.
        key_id: The id of the name of a metric, param or tag.
        membership: Which experiments and stages.
        tree: The filter.
        orders: What to order by.
        also: Conditions on `run r` that no index helps with.
    """

    def __init__(
        self,
        dialect: Dialect,
        tx: Any,
        key_id: KeyId,
        membership: Membership,
        tree: Node | None,
        orders: Sequence[OrderBy] = (),
        also: Sequence[Condition] = (),
    ):
        self._dialect = dialect
        self._tx = tx
        self._conditions = RunConditions(dialect, key_id, membership)
        self._membership = _Part(membership.check(), Found(membership.range()))
        self._parts = [
            self._membership,
            *self._parts_of(tree),
            *(_Part(check, Found(None)) for check in also),
        ]
        self._order = RunOrder(orders, key_id)
        self._place: list[Any] | None = None
        self._found: list[Row] = []
        self._size = 0
        dialect.pin_plans(tx)

    @property
    def terms(self) -> list[Term]:
        """What the runs are ordered by; a place is a value of each."""
        return self._order.terms

    def page(self, size: int, place: list[Any] | None = None) -> list[Row]:
        """The first `size` runs, as (id, *values of the terms), that come after `place`."""
        self._place, self._found, self._size = place, [], size
        self._search(self._order.by, self._parts, place)
        return self._found

    def count(self) -> int:
        """How many runs there are."""
        parts = self._parts
        driver = parts[0] if len(parts) == 1 else self._cheapest_of_all(parts)
        if not driver.found.range.selects:
            return 0
        text, params = self._select("count(*)", driver.found.range, _checks(parts, driver))
        return self._tx.execute(text, params).fetchone()[0]

    # -- what has to be satisfied -----------------------------------------------------------------

    def _parts_of(self, tree: Node | None) -> list[_Part]:
        by_key: dict[tuple[str, str], list[Comparison]] = {}
        parts = []
        for node in _conjuncts(tree):
            if isinstance(node, Comparison) and node.entity != "dataset":
                by_key.setdefault((node.entity, node.key), []).append(node)
            else:
                found = Found(self._conditions.range(node))
                parts.append(_Part(self._conditions.sql(node), found))
        return [self._part(*comparisons) for comparisons in by_key.values()] + parts

    def _part(self, *comparisons: Comparison) -> _Part:
        check = both(self._conditions.sql(c) for c in comparisons)
        return _Part(check, self._conditions.find(comparisons), comparisons)

    # -- taking turns -----------------------------------------------------------------------------

    @property
    def _missing(self) -> int:
        return self._size - len(self._found)

    def _search(
        self, orders: Sequence[OrderTerm], parts: list[_Part], place: list[Any] | None
    ) -> None:
        """Add the runs that satisfy the parts, from `place` on, until the page is full."""
        order, rest = orders[0], orders[1:]
        stages = self._stages(order, parts, place)
        if stages is None:
            return self._drive(self._cheapest_of_all(parts), parts)
        turn = _first_turn(self._missing)
        for stage in stages:
            if isinstance(stage, _Walk):
                walk: _Walk | None = stage
                while walk is not None:
                    if len(walk.satisfied) == len(parts):
                        turn = self._missing  # each of them is found
                    elif driver := self._cheapest(parts, turn):
                        return self._drive(driver, parts)
                    before = len(self._found)
                    walk = self._step(walk, turn, rest, parts)
                    if self._missing <= 0:
                        return
                    turn = self._next_turn(turn, len(self._found) - before)
            else:
                comparison, inner = stage
                if driver := self._cheapest(parts, turn):
                    return self._drive(driver, parts)
                self._search(rest, [*parts, self._part(comparison)], inner)
                if self._missing <= 0:
                    return

    def _next_turn(self, turn: int, found: int) -> int:
        """Steps that should be enough, going by what was found in the turn before; else more."""
        more = turn * _GROWTH
        return min(more, turn * self._missing // found + _FIRST_TURN // 4) if found else more

    def _cheapest_of_all(self, parts: list[_Part]) -> _Part:
        """The part that leads to the fewest runs."""
        limit = _first_turn(0)
        while (found := self._cheapest(parts, limit)) is None:
            limit *= _GROWTH
        return found

    def _cheapest(self, parts: list[_Part], limit: int) -> _Part | None:
        """The part that leads to the fewest runs; None if all lead to more than `limit`."""
        # Counting costs, too: not again for a little more than before.
        unknown = [
            p for p in parts if p.found.range and not p.all_counted and 2 * p.counted <= limit
        ]
        counts, params = [], []
        for part in unknown:
            for select in part.found.range.selects:
                text, values = select.sql(self._dialect, "1")
                counts.append(f"(select count(*) from ({text} limit ?) x)")
                params += [*values, limit + 1]
        numbers = iter(())
        if counts:
            numbers = iter(self._tx.execute(f"select {', '.join(counts)}", params).fetchone())
        for part in unknown:
            part.counted = sum(next(numbers) for _ in part.found.range.selects)
            part.all_counted = part.counted <= limit
        few = [p for p in parts if p.all_counted and p.counted <= limit]
        return min(few, key=lambda p: p.counted, default=None)

    # -- driving ----------------------------------------------------------------------------------

    def _drive(self, driver: _Part, parts: list[_Part]) -> None:
        """Add what satisfies the parts, beginning with the runs that `driver` leads to."""
        place = self._found[-1][1:] if self._found else self._place
        self._add(driver.found.range, _checks(parts, driver), place)

    def _add(self, runs: Range, checks: list[Condition], place: Sequence[Any] | None) -> None:
        """Add the first of the runs that pass the checks and come after a place."""
        if not runs.selects:
            return
        if place is not None:
            checks = [*checks, Condition(*after(self.terms, place))]
        columns = ", ".join(["r.id", *(t.sql for t in self.terms)])
        text, params = self._select(columns, runs, checks, self._order.joins)
        text += f" {order_clause(self.terms)} limit ?"
        self._found += self._tx.execute(text, [*params, self._missing]).fetchall()

    def _select(
        self, columns: str, runs: Range, checks: list[Condition], joins: Condition = _NOTHING
    ) -> Condition:
        """A SELECT of columns of `run r`: of each of the runs that pass the checks."""
        fence = self._dialect.fence
        if len(runs.selects) == 1 and runs.selects[0].is_of_runs:
            rows = runs.selects[0].sql(self._dialect, "*")
            source = Condition(f"({rows.text}{fence}) r", rows.params)
        else:
            ids = [s.sql(self._dialect, f"{s.run} as run_id") for s in runs.selects]
            union = " union all ".join(text for text, _ in ids)
            # In the order in which the runs lie in the tables, which is read much quicker. The
            # limit keeps databases from ignoring that.
            source = Condition(
                f"(select {'' if runs.distinct else 'distinct '}run_id from ({union}{fence}) u "
                f"order by run_id limit {_NO_LIMIT}) d "
                f"{self._dialect.look_up('run', 'r', 'r.id = d.run_id')}",
                [value for _, values in ids for value in values],
            )
        text = f"select {columns} from {source.text} {joins.text}"
        params = [*source.params, *joins.params]
        if checks:
            where = both(checks)
            text += f" where {where.text}"
            params += where.params
        return Condition(text, params)

    # -- walking ----------------------------------------------------------------------------------

    def _stages(
        self, order: OrderTerm, parts: list[_Part], place: list[Any] | None
    ) -> list[_Walk | tuple[Comparison, list[Any] | None]] | None:
        """How the runs come in this order: as walks, and as runs that are all equal here, with the
        place among them. None if no index has the order."""
        by, size = order.by, len(order.terms)
        if (by.entity, by.key) == ("attribute", "status"):
            groups = list(enumerate(STATUSES))
            if not by.ascending:
                groups.reverse()
            at = groups[0][0] if place is None else place[0]
            return [
                (_equal(by, STATUS_NAMES[s]), place[1:] if place and rank == at else None)
                for rank, s in groups
                if rank == at or (rank > at) == by.ascending
            ]
        index = self._conditions.index(by.entity, by.key)
        if index is None and by.entity == "attribute":
            return None
        ranked: list[tuple[int, Any]] = []
        operators = {c.op for p in parts for c in p.comparisons if _is_about(c, by)}
        nullable = size == 2
        if index is not None and "IS NULL" not in operators:
            ranked.append((0, self._walk(index, by, parts)))
            if by.entity == "metric" and operators <= {"!="}:
                ranked.append((1, Comparison(by.entity, by.key, IS_NAN)))
        if nullable and operators <= {"IS NULL"}:
            rank = 2 if by.entity == "metric" else 1
            ranked.append((rank, Comparison(by.entity, by.key, "IS NULL")))
        at = place[0] if place is not None and nullable else 0
        stages: list[Any] = []
        for rank, stage in ranked:
            if rank < at:
                continue
            here = place if rank == at else None
            if isinstance(stage, Comparison):
                stages.append((stage, here[size:] if here is not None else None))
            elif here is None:
                stages.append(stage)
            else:
                start = here[size - 1]
                if index.kind is str:
                    start = start[: index.prefix]
                    if by.ascending:  # SQLite has texts up to a NUL only in its indexes
                        start = start.partition("\0")[0]
                begun = stage.behind(start, inclusive=True)
                stages.append(replace(begun, place=here[size - 1 :]))
        return stages

    def _walk(self, index: Index, by: OrderBy, parts: list[_Part]) -> _Walk:
        """A walk over everything that the index has and the parts allow."""
        interval, satisfied = Interval(), []
        for part in parts:
            if part.comparisons and _is_about(part.comparisons[0], by):
                interval = part.found.interval
                if part.found.exact_interval:
                    satisfied.append(part)
        if index.name == "run_by_experiment":
            satisfied.append(self._membership)
        return _Walk(index, by, interval, tuple(satisfied), None)

    def _step(
        self, walk: _Walk, steps: int, rest: Sequence[OrderTerm], parts: list[_Part]
    ) -> _Walk | None:
        """Add what is found on so many steps of the walk; what is left of it."""
        first, last = self._values(walk, steps)
        if first is None:
            return None
        if last is not None and first == last:  # many runs are equal here
            if walk.index.kind is str and len(first) >= walk.index.prefix:
                self._add_between(walk, walk.at(first), parts)
            else:
                place = walk.place
                inner = place[1:] if place is not None and place[0] == first else None
                self._search(rest, [*parts, self._part(_equal(walk.by, first))], inner)
            return walk.behind(first, inclusive=False)
        self._add_between(walk, walk.interval if last is None else walk.until(last), parts)
        return None if last is None else walk.behind(last, inclusive=True)

    def _add_between(self, walk: _Walk, interval: Interval, parts: list[_Part]) -> None:
        selects = walk.index.select(interval.sql(walk.index.value))
        checks = [p.check for p in parts if p not in walk.satisfied]
        self._add(Range(selects, False), checks, self._place if walk.place is not None else None)

    def _values(self, walk: _Walk, steps: int) -> tuple[Any, Any]:
        """The value at which the walk is, and the one so many steps further on; None if it ends
        before."""
        index, direction = walk.index, "asc" if walk.by.ascending else "desc"
        selects = index.select(walk.interval.sql(index.value))
        order = f"order by v {direction} limit ?"
        columns, params = [], []
        for offset in (0, steps):
            arms = []
            for i, select in enumerate(selects):
                text, values = select.sql(self._dialect, f"{index.value} as v")
                params += values
                if len(selects) > 1:
                    text = f"select v from ({text} {order}) a{i}"
                    params.append(offset + 1)
                arms.append(text)
            source = arms[0]
            if len(arms) > 1:
                source = f"select v from ({' union all '.join(arms)}) x"
            columns.append(f"({source} {order} offset ?)")
            params += [1, offset]
        return self._tx.execute(f"select {', '.join(columns)}", params).fetchone()


def _first_turn(missing: int) -> int:
    """The steps of the first turn, for a page that lacks so many runs."""
    return max(_FIRST_TURN, 2 * missing)


def _conjuncts(tree: Node | None) -> list[Node]:
    if isinstance(tree, And):
        return [part for child in tree.children for part in _conjuncts(child)]
    return [] if tree is None else [tree]


def _checks(parts: Sequence[_Part], driver: _Part) -> list[Condition]:
    """What is left to check of the runs that `driver` leads to."""
    return [p.check for p in parts if p is not driver or not p.found.range.exact]


def _equal(by: OrderBy, value: Any) -> Comparison:
    return Comparison(by.entity, by.key, "=", value)


def _is_about(c: Comparison, by: OrderBy) -> bool:
    return (c.entity, c.key) == (by.entity, by.key)
