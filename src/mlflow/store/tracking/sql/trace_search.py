"""Searching traces in a SQL database.

Two ways lead to a page. Where an index has few traces for one of the comparisons, those are looked
at and sorted. Else the traces are walked along in the order asked for, which an index has for the
usual one, until the page is full. What no database decides (regular expressions, what spans say) is
decided here, on traces that are read some hundreds at a time.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from mlflow.entities import TraceState
from mlflow.search import And, Comparison, Node, full_order, parse_order_by
from mlflow.search.traces import (
    TRACES,
    Facts,
    fits,
    is_about_span,
    parse_trace_filter,
    text_in_all,
)
from mlflow.search.traces import comparisons as comparisons_of
from mlflow.store.db.paging import Term, after, encode_token, order_clause, place_of
from mlflow.store.tracking.base.checks import check_max_results
from mlflow.store.tracking.base.trace_rules import MODEL_ID
from mlflow.store.tracking.sql.conditions import Condition, both
from mlflow.store.tracking.sql.core import experiment_key, marks
from mlflow.store.tracking.sql.trace_conditions import TraceConditions, in_sql, one_of

if TYPE_CHECKING:
    from mlflow.store.tracking.sql.traces import SqlTraces

#: So many traces are looked at one by one.
_FEW = 10_000
#: So many are read at once to be looked at.
_LOOKED_AT = 500
#: Conditions that an index has beside the experiment and the time.
_ONE_STATE = {f"({one_of('t.state', [state.to_proto()]).text})" for state in TraceState}
_NEWEST_FIRST = [Term("t.timestamp_ms", False), Term("t.uuid", True, str)]


class TraceSearch:
    """One search: what is asked for, checked.

    Args:
        experiments: Their ids; None for all.
    """

    def __init__(
        self,
        store: SqlTraces,
        experiments: Sequence[str] | None,
        filter_string: str | None,
        max_results: int,
        order_by: Sequence[str] | None,
        model_id: str | None = None,
    ):
        check_max_results(max_results)
        self._store = store
        self._dialect = store.db.dialect
        self._experiments = (
            None
            if experiments is None
            else [*dict.fromkeys(experiment_key(e) for e in experiments)]
        )
        self._size = max_results
        self._tree = _with_model(parse_trace_filter(filter_string), model_id)
        self._orders = full_order(parse_order_by(order_by, TRACES), TRACES)
        self._is_usual = list(self._orders) == list(TRACES.default_order)

    def page(self, tx: Any, page_token: str | None) -> tuple[list[int], str | None]:
        """The ids of the rows on a page, in order, and the token of the next one."""
        conditions = TraceConditions(self._dialect, partial(self._store._key_id, tx))
        terms, columns = conditions.terms(self._orders)
        place = place_of(page_token, terms) if page_token else None
        rows = []
        for row in self._rows(tx, conditions, terms, columns, place):
            rows.append(row)
            if len(rows) > self._size:
                break
        page = rows[: self._size]
        token = encode_token(page[-1][1:]) if len(rows) > self._size else None
        return [row[0] for row in page], token

    def keys(self, tx: Any, most: int | None) -> list[int]:
        """The ids of the rows of the first that match, in order; None for all."""
        conditions = TraceConditions(self._dialect, partial(self._store._key_id, tx))
        terms, columns = conditions.terms(self._orders)
        self._size = most or _FEW
        rows = self._rows(tx, conditions, terms, columns, None)
        return [row[0] for row in islice(rows, most)]

    def condition(self, tx: Any) -> Condition | None:
        """What is true of the rows `trace t` that match; None if a database cannot decide it."""
        conditions = TraceConditions(self._dialect, partial(self._store._key_id, tx))
        parts = _parts(self._tree)
        if not all(map(in_sql, parts)):
            return None
        experiments = one_of("t.experiment_id", self._experiments or [])
        where = [conditions.sql(part) for part in self._for_sql(parts)]
        return both([experiments, *where])

    def count(self, tx: Any) -> int:
        """How many match."""
        found = self.condition(tx)
        if found is None:
            return len(self.keys(tx, None))
        text = f"select count(*) from trace t where {found.text}"
        return int(tx.execute(text, found.params).fetchone()[0])

    def _rows(
        self,
        tx: Any,
        conditions: TraceConditions,
        terms: list[Term],
        columns: list[Condition],
        place: list[Any] | None,
    ) -> Iterator[tuple]:
        """(id, values of the terms) of all that match from a place on, in order."""
        if self._experiments is None:
            found = tx.execute("select id from experiment order by id").fetchall()
            self._experiments = [key for (key,) in found]
        if not self._experiments:
            return
        parts = _parts(self._tree)
        where = [conditions.sql(part) for part in self._for_sql(parts)]
        looked_at = And(tuple(parts)) if not all(map(in_sql, parts)) else None
        candidates = self._candidates(tx, conditions, parts)
        size = self._size + 1 if looked_at is None else max(self._size + 1, _LOOKED_AT)
        while True:
            if candidates is None and self._is_usual:
                rows = self._walk(tx, where, place, size)
            else:
                rows = self._sorted(tx, where, candidates, terms, columns, place, size)
            yield from rows if looked_at is None else self._fitting(tx, looked_at, rows)
            if len(rows) < size:
                return
            place = list(rows[-1][1:])

    @staticmethod
    def _for_sql(parts: Sequence[Node]) -> list[Node]:
        """What a database decides of a filter. Comparisons of spans belong together, also those
        of which it decides only some."""
        decided = [part for part in parts if in_sql(part)]
        spans = tuple(part for part in decided if is_about_span(part))
        rest = [part for part in decided if not is_about_span(part)]
        return [*rest, And(spans)] if spans else rest

    # -- two ways to the rows ---------------------------------------------------------------

    def _walk(
        self, tx: Any, where: list[Condition], place: list[Any] | None, size: int
    ) -> list[tuple]:
        """The newest of each experiment, merged."""
        of_state = any(condition.text in _ONE_STATE for condition in where)
        index = "trace_by_state" if of_state else "trace_by_time"
        source = self._dialect.by_index("trace t", index)
        conditions = [Condition("t.experiment_id = ?", []), *where]
        if place is not None:
            # Once more in a form that an index can begin with.
            conditions.append(Condition("t.timestamp_ms <= ?", [place[0]]))
            conditions.append(Condition(*after(_NEWEST_FIRST, place)))
        text, params = both(conditions)
        query = (
            f"select t.id, t.timestamp_ms, t.uuid from {source} where {text} "
            "order by t.timestamp_ms desc, t.uuid limit ?"
        )
        found = [
            [tuple(row) for row in tx.execute(query, (experiment, *params, size)).fetchall()]
            for experiment in self._experiments or ()
        ]
        merged = heapq.merge(*found, key=lambda row: (-row[1], row[2]))
        return [row for row, _ in zip(merged, range(size))]

    def _sorted(
        self,
        tx: Any,
        where: list[Condition],
        candidates: list[int] | None,
        terms: list[Term],
        columns: list[Condition],
        place: list[Any] | None,
        size: int,
    ) -> list[tuple]:
        """The first in the order asked for."""
        experiment, conditions = "t.experiment_id", []
        if candidates is not None:
            if not candidates:
                return []
            conditions.append(one_of("t.id", candidates))
            # An expression, or a planner would begin with an index on it.
            experiment = "coalesce(t.experiment_id, 0)"
        conditions.append(one_of(experiment, self._experiments or []))
        text, params = both([*conditions, *where])
        values = "".join(f", {c.text} as o{i}" for i, c in enumerate(columns))
        of_columns = [p for c in columns for p in c.params]
        beyond = ""
        if place is not None:
            clause, of_place = after(terms, place)
            beyond, params = f"where {clause} ", [*params, *of_place]
        query = (
            f"select t.id, {', '.join(term.sql for term in terms)} "
            f"from (select t.*{values} from trace t where {text}) t "
            f"{beyond}{order_clause(terms)} limit ?"
        )
        rows = tx.execute(query, (*of_columns, *params, size)).fetchall()
        return [
            (row[0], *(term.kind(value) for term, value in zip(terms, row[1:]))) for row in rows
        ]

    def _candidates(
        self, tx: Any, conditions: TraceConditions, parts: Sequence[Node]
    ) -> list[int] | None:
        """The traces that an index has for one of the comparisons, if they are few."""
        for c in parts:
            if not isinstance(c, Comparison) or (found := conditions.indexed(c)) is None:
                continue
            rows = tx.execute(f"{found.text} limit ?", (*found.params, _FEW + 1)).fetchall()
            if len(rows) <= _FEW:
                return sorted({key for (key,) in rows})
        return None

    # -- looking at traces ------------------------------------------------------------------

    def _fitting(self, tx: Any, tree: Node, rows: Sequence[tuple]) -> Iterator[tuple]:
        """Those of the rows that fit, which only reading the traces tells."""
        for i in range(0, len(rows), _LOOKED_AT):
            part = rows[i : i + _LOOKED_AT]
            facts = self._facts(tx, tree, [row[0] for row in part])
            yield from (row for row in part if row[0] in facts and fits(tree, facts[row[0]]))

    def _facts(self, tx: Any, tree: Node, keys: Sequence[int]) -> dict[int, Facts]:
        """What the filter looks at, of those of the traces that may fit."""
        store, every = self._store, comparisons_of(tree)
        records: dict[int, list[dict[str, Any]]] = {}
        if any(map(is_about_span, every)):
            text = text_in_all(tree)
            records = store._records(tx, keys, text)
            if text is not None:
                keys = [key for key in keys if key in records]
        if all(map(is_about_span, every)):
            return {key: Facts(None, records=records.get(key, ())) for key in keys}
        rows = store._rows_by_id(tx, keys)
        prompts, runs = self._links(tx, {row.uuid: row.id for row in rows})
        return {
            row.id: Facts(
                info, runs.get(row.id, ()), prompts.get(row.id, ()), records.get(row.id, ())
            )
            for row, info in zip(rows, store._load_infos(tx, rows))
        }

    def _links(
        self, tx: Any, traces: Mapping[str, int]
    ) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
        """The prompts and the runs that traces are linked to."""
        prompts: dict[int, list[str]] = {}
        runs: dict[int, list[str]] = {}
        if not traces:
            return prompts, runs
        keys, uuids = list(traces.values()), list(traces)
        for trace, name, version in tx.execute(
            f"select trace_id, name, version from trace_prompt where trace_id in ({marks(keys)})",
            keys,
        ).fetchall():
            prompts.setdefault(trace, []).append(f"{name}/{version}")
        for uuid, run in tx.execute(
            f"select trace_uuid, run_uuid from trace_run where trace_uuid in ({marks(uuids)})",
            uuids,
        ).fetchall():
            runs.setdefault(traces[uuid], []).append(run)
        return prompts, runs


def _parts(tree: Node | None) -> list[Node]:
    """What must all hold."""
    if tree is None:
        return []
    return list(tree.children) if isinstance(tree, And) else [tree]


def _with_model(tree: Node | None, model_id: str | None) -> Node | None:
    if model_id is None:
        return tree
    return And((*_parts(tree), Comparison("metadata", MODEL_ID, "=", model_id)))
