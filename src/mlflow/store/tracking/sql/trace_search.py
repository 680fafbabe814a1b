"""Searching traces in a SQL database.

Two ways lead to a page. Where an index has few traces for one of the comparisons, those are looked
at and sorted. Else the traces are walked along in the order asked for, which an index has for that
by time and that by duration, until the page is full. What no database decides (regular expressions,
what spans say) is decided here, on traces that are read some hundreds at a time.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
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
    is_about_text,
    parse_trace_filter,
    previews_of,
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
        first, *rest = self._orders
        self._along_index = None
        if tuple(self._orders) == TRACES.default_order:
            self._along_index = self._newest
        elif first.key == "execution_time_ms" and tuple(rest) == TRACES.ties:
            self._along_index = self._by_duration

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
            if candidates is None and self._along_index is not None:
                rows = self._walk(tx, where, terms, place, size)
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
        self,
        tx: Any,
        where: list[Condition],
        terms: list[Term],
        place: list[Any] | None,
        size: int,
    ) -> list[tuple]:
        """The first of each experiment along an index, merged."""
        assert self._along_index is not None
        found = [
            self._along_index(
                tx, [Condition("t.experiment_id = ?", [experiment]), *where], place, size
            )
            for experiment in self._experiments or ()
        ]
        merged = heapq.merge(*found, key=lambda row: _sort_key(terms, row[1:]))
        return list(islice(merged, size))

    def _newest(
        self, tx: Any, where: list[Condition], place: list[Any] | None, size: int
    ) -> list[tuple]:
        """The newest of one experiment."""
        index = _index_of_times(where)
        if place is not None:
            # Once more in a form that an index can begin with.
            where = [*where, Condition("t.timestamp_ms <= ?", [place[0]])]
        return self._read(tx, index, where, _NEWEST_FIRST, place, size)

    def _by_duration(
        self, tx: Any, where: list[Condition], place: list[Any] | None, size: int
    ) -> list[tuple]:
        """The slowest or the quickest of one experiment; behind them those that have not ended."""
        ascending = self._orders[0].ascending
        rows: list[tuple] = []
        if place is None or place[0] == 0:
            ended = [*where, Condition("t.duration_ms is not null", [])]
            if place is not None:
                ended.append(
                    Condition(f"t.duration_ms {'>=' if ascending else '<='} ?", [place[1]])
                )
            terms = [Term("t.duration_ms", ascending), *_NEWEST_FIRST]
            behind = place and place[1:]
            found = self._read(tx, "trace_by_duration", ended, terms, behind, size)
            rows = [(row[0], 0, *row[1:]) for row in found]
        if len(rows) < size:
            open_ones = [*where, Condition("t.duration_ms is null", [])]
            behind = place[2:] if place is not None and place[0] == 1 else None
            found = self._read(
                tx, "trace_by_duration", open_ones, _NEWEST_FIRST, behind, size - len(rows)
            )
            rows += [(row[0], 1, 0, *row[1:]) for row in found]
        return rows

    def _read(
        self,
        tx: Any,
        index: str,
        where: Sequence[Condition],
        terms: Sequence[Term],
        place: Sequence[Any] | None,
        size: int,
    ) -> list[tuple]:
        """(id, values of the terms) of the first along an index, behind a place."""
        beyond = [] if place is None else [Condition(*after(terms, place))]
        text, params = both([*where, *beyond])
        query = (
            f"select t.id, {', '.join(term.sql for term in terms)} "
            f"from {self._dialect.by_index('trace t', index)} where {text} "
            f"{order_clause(terms)} limit ?"
        )
        return [tuple(row) for row in tx.execute(query, (*params, size)).fetchall()]

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
        comparisons = [part for part in parts if isinstance(part, Comparison)]
        ways = [self._of_times(conditions, comparisons), *map(conditions.indexed, comparisons)]
        for found in filter(None, ways):
            rows = tx.execute(f"{found.text} limit ?", (*found.params, _FEW + 1)).fetchall()
            if len(rows) <= _FEW:
                return sorted({key for (key,) in rows})
        return None

    def _of_times(
        self, conditions: TraceConditions, comparisons: Sequence[Comparison]
    ) -> Condition | None:
        """A SELECT of the ids that an index has for what is asked of the time and the state; None
        if nothing is, or if the walk is along that index anyway."""
        asked = [c for c in comparisons if c.key in ("timestamp_ms", "status")]
        where = [conditions.sql(c) for c in asked if c.entity == "attribute"]
        if not where or self._along_index == self._newest:
            return None
        source = self._dialect.by_index("trace t", _index_of_times(where))
        text, params = both([one_of("t.experiment_id", self._experiments or []), *where])
        return Condition(f"select t.id from {source} where {text}", params)

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
            previews = self._previews(tx, keys) if any(map(is_about_text, every)) else {}
            if text is not None:
                keys = [key for key in keys if key in records or key in previews]
            if all(map(is_about_span, every)):
                return {
                    key: Facts(None, records=records.get(key, ()), previews=previews.get(key, ()))
                    for key in keys
                }
        rows = store._rows_by_id(tx, keys)
        links = store._links_of(tx, {row.uuid: row.id for row in rows})
        return {
            row.id: Facts(
                info,
                links[row.uuid].runs,
                links[row.uuid].prompts,
                records.get(row.id, ()),
                previews_of(info),
            )
            for row, info in zip(rows, store._load_infos(tx, rows))
        }

    @staticmethod
    def _previews(tx: Any, keys: Sequence[int]) -> dict[int, list[str]]:
        """What the previews say of those of the traces that have no spans."""
        rows = tx.execute(
            "select id, request_preview, response_preview from trace "
            f"where span_count = 0 and id in ({marks(keys)})",
            list(keys),
        ).fetchall()
        return {key: [text for text in texts if text] for key, *texts in rows}


def _index_of_times(where: Sequence[Condition]) -> str:
    """The index that has the traces that these are true of by time."""
    of_state = any(condition.text in _ONE_STATE for condition in where)
    return "trace_by_state" if of_state else "trace_by_time"


def _sort_key(terms: Sequence[Term], values: Sequence[Any]) -> tuple:
    """What rows are sorted by in Python; only numbers may be descending."""
    return tuple(v if term.ascending else -v for term, v in zip(terms, values))


def _parts(tree: Node | None) -> list[Node]:
    """What must all hold."""
    if tree is None:
        return []
    return list(tree.children) if isinstance(tree, And) else [tree]


def _with_model(tree: Node | None, model_id: str | None) -> Node | None:
    if model_id is None:
        return tree
    return And((*_parts(tree), Comparison("metadata", MODEL_ID, "=", model_id)))
