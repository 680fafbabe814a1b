"""From the filter of traces to SQL: conditions on `trace t`, and what they are ordered by."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from mlflow.entities import TraceState
from mlflow.search import And, Comparison, Node, Not, Or, OrderBy
from mlflow.search.traces import comparisons, is_about_span, prompt_of, test_of
from mlflow.store.db.dialects import Dialect
from mlflow.store.db.paging import Term
from mlflow.store.db.tables import INDEXED_PREFIX
from mlflow.store.tracking.base.assessment_rules import KINDS
from mlflow.store.tracking.base.trace_rules import SOURCE_RUN, TRACE_NAME
from mlflow.store.tracking.sql.conditions import Condition, Conditions, Index, interval_of
from mlflow.store.tracking.sql.core import marks

KeyId = Callable[[str], "int | None"]

_NEVER = Condition("1 = 0", [])
_COLUMNS = {
    "client_request_id": "t.client_request_id",
    "execution_time_ms": "t.duration_ms",
    "end_time_ms": "(t.timestamp_ms + t.duration_ms)",
    "request_id": "t.uuid",
    "timestamp_ms": "t.timestamp_ms",
}
_PAIRS = {"tag": "trace_tag", "metadata": "trace_metadata"}
_SPAN_STATUSES = ("UNSET", "OK", "ERROR")
_STATE_ORDER = {state: i for i, state in enumerate(sorted(s.value for s in TraceState))}


def in_sql(node: Node) -> bool:
    """Whether a database can decide it; if not, the traces are read and looked at."""
    return not any(
        (c.op == "RLIKE" and c.key != "status")
        or c.key in ("content", "text")
        and is_about_span(c)
        or (c.entity == "span" and c.key.startswith("attributes."))
        for c in comparisons(node)
    )


def attribute_as_pair(c: Comparison) -> Comparison:
    """A comparison with a name as the one with the tag that has it."""
    if c.entity == "attribute" and c.key == "name":
        return Comparison("tag", TRACE_NAME, c.op, c.value)
    return c


class TraceConditions(Conditions):
    """Conditions on `trace t`.

    Args:
        key_id: The id of a name, None if it was never used.
    """

    def __init__(self, dialect: Dialect, key_id: KeyId):
        super().__init__(dialect)
        self._key_id = key_id

    def sql(self, node: Node) -> Condition:
        if isinstance(node, (Not, Or)):
            return super().sql(node)
        children = node.children if isinstance(node, And) else (node,)
        spans = [child for child in children if is_about_span(child)]
        parts = [self._spans(spans)] if spans else []
        for child in children:
            if isinstance(child, Comparison):
                if not is_about_span(child):
                    parts.append(self._comparison(child))
            else:
                parts.append(self.sql(child))
        text = " and ".join(f"({part.text})" for part in parts)
        return Condition(text, [value for part in parts for value in part.params])

    def _comparison(self, c: Comparison) -> Condition:
        c = attribute_as_pair(c)
        if c.entity in _PAIRS and c.key != SOURCE_RUN:
            return self._pair(_PAIRS[c.entity], c)
        if c.entity in KINDS:
            return self._assessment(c)
        if c.key in ("run_id", SOURCE_RUN):
            return self._run(c)
        if c.key == "prompt":
            name, version = prompt_of(c)
            return Condition(
                "exists (select 1 from trace_prompt x where x.trace_id = t.id and x.name = ? "
                "and x.version = ?)",
                [name, version],
            )
        if c.key == "status":
            test = test_of(c)
            return one_of("t.state", [i for i, s in enumerate(TraceState) if test(s.value)])
        return self._column(_COLUMNS[c.key], c.op, c.value)

    def _pair(self, table: str, c: Comparison) -> Condition:
        has = f"select 1 from {table} x where x.trace_id = t.id and x.key_id = ?"
        key = self._key_id(c.key)
        key = -1 if key is None else key
        if c.op in ("IS NULL", "IS NOT NULL"):
            return Condition(f"{'not ' if c.op == 'IS NULL' else ''}exists ({has})", [key])
        text, params = self._column("x.value", c.op, c.value)
        return Condition(f"exists ({has} and {text})", [key, *params])

    def _run(self, c: Comparison) -> Condition:
        """A run in the metadata, or one that the trace was linked to."""
        own = self._pair("trace_metadata", Comparison("metadata", SOURCE_RUN, c.op, c.value))
        linked = "select 1 from trace_run x where x.trace_uuid = t.uuid"
        if c.op == "IS NULL":
            return Condition(f"{own.text} and not exists ({linked})", own.params)
        if c.op == "IS NOT NULL":
            return Condition(f"{own.text} or exists ({linked})", own.params)
        text, params = self._column("x.run_uuid", c.op, c.value)
        return Condition(f"{own.text} or exists ({linked} and {text})", [*own.params, *params])

    def _assessment(self, c: Comparison) -> Condition:
        kind = KINDS.index(c.entity)
        has = "select 1 from assessment x where x.trace_id = t.id and x.kind = ? and x.name = ?"
        if c.entity == "issue":
            return Condition(f"exists ({has})", [kind, c.value])
        if c.op in ("IS NULL", "IS NOT NULL"):
            return Condition(f"{'not ' if c.op == 'IS NULL' else ''}exists ({has})", [kind, c.key])
        if not isinstance(c.value, str):
            value = self._column("x.number", c.op, c.value)
        elif c.op in ("=", "!="):
            texts = (c.value, json.dumps(c.value))
            value = self._column("x.value", "IN" if c.op == "=" else "NOT IN", texts)
        else:
            value = self._column("x.value", c.op, c.value)
        return Condition(f"exists ({has} and {value.text})", [kind, c.key, *value.params])

    def _spans(self, spans: Sequence[Any]) -> Condition:
        """That one span satisfies all of these."""
        where, params, joins = ["x.trace_id = t.id"], [], ""
        for i, c in enumerate(spans):
            if c.key == "status":
                test = test_of(c)
                fitting = [n for n, status in enumerate(_SPAN_STATUSES) if test(status)]
                where.append(one_of("x.status", fitting).text)
                continue
            column = f"x.{c.key}_id"
            if c.op in ("=", "IN"):
                where.append(one_of(column, self._ids([c.value] if c.op == "=" else c.value)).text)
                continue
            joins += f" join key_name n{i} on n{i}.id = {column}"
            text, values = self._column(f"n{i}.name", c.op, c.value)
            where.append(text)
            params += values
        return Condition(
            f"exists (select 1 from trace_span x{joins} where {' and '.join(where)})", params
        )

    def _ids(self, names: Sequence[str]) -> list[int]:
        found = (self._key_id(name) for name in names)
        return [key for key in found if key is not None]

    # -- what an index has --------------------------------------------------------------------

    def indexed(self, c: Comparison) -> Condition | None:
        """A SELECT of the ids that an index has for a comparison: those that fit, and perhaps
        more; None if there is no such index."""
        c = attribute_as_pair(c)
        texts = [c.value] if c.op == "=" else list(c.value) if c.op == "IN" else []
        if c.entity in KINDS and c.op != "IS NULL":
            name = c.value if c.entity == "issue" else c.key
            return Condition(
                "select trace_id from assessment where name = ? and kind = ?",
                [name, KINDS.index(c.entity)],
            )
        if c.key in ("run_id", SOURCE_RUN):
            return self._indexed_run(c)
        if c.entity in _PAIRS:
            return self._indexed_pair(_PAIRS[c.entity], c)
        if c.key == "prompt":
            name, version = prompt_of(c)
            return Condition(
                "select trace_id from trace_prompt where name = ? and version = ?", [name, version]
            )
        if c.entity == "span" and c.key in ("name", "type") and texts:
            where = one_of(f"{c.key}_id", self._ids(texts))
            return Condition(f"select distinct trace_id from trace_span where {where.text}", [])
        if c.key in ("request_id", "client_request_id") and texts:
            column = _COLUMNS[c.key].removeprefix("t.")
            return Condition(f"select id from trace where {column} in ({marks(texts)})", texts)
        return None

    def _indexed_run(self, c: Comparison) -> Condition | None:
        if c.op != "=":
            return None
        own = self._indexed_pair("trace_metadata", Comparison("metadata", SOURCE_RUN, "=", c.value))
        linked = (
            "select t.id from trace_run x join trace t on t.uuid = x.trace_uuid "
            "where x.run_uuid = ?"
        )
        if own is None:
            return Condition(linked, [c.value])
        return Condition(f"{own.text} union {linked}", [*own.params, c.value])

    def _indexed_pair(self, table: str, c: Comparison) -> Condition | None:
        column = self._dialect.beginning("value")
        key = self._key_id(c.key)
        if key is None:
            return None if c.op == "IS NULL" else _no_ids()
        found = interval_of(c, Index("", "", "", column, str))
        if found is None:
            return None
        where = found[0].sql(column)
        return Condition(
            f"select trace_id from {table} where key_id = ? and {where.text}", [key, *where.params]
        )

    # -- order --------------------------------------------------------------------------------

    def terms(self, orders: Sequence[OrderBy]) -> tuple[list[Term], list[Condition]]:
        """What to order by, and the columns `o0`, `o1`, … that some of it is in. What is absent
        comes last in both directions."""
        terms: list[Term] = []
        columns: list[Condition] = []
        for order in orders:
            pair = self._ordering_pair(order)
            if pair is not None:
                terms.append(Term(f"(case when t.o{len(columns)} is null then 1 else 0 end)"))
                terms.append(Term(f"coalesce(t.o{len(columns)}, '')", order.ascending, str))
                columns.append(pair)
            elif order.key == "status":
                cases = " ".join(
                    f"when {state.to_proto()} then {_STATE_ORDER[state.value]}"
                    for state in TraceState
                )
                terms.append(Term(f"(case t.state {cases} end)", order.ascending))
            elif order.key in ("execution_time_ms", "end_time_ms"):
                terms.append(Term("(case when t.duration_ms is null then 1 else 0 end)"))
                column = f"coalesce({_COLUMNS[order.key]}, 0)"
                terms.append(Term(column, order.ascending))
            elif order.key == "experiment_id":
                terms.append(Term("t.experiment_id", order.ascending))
            else:
                kind = str if order.key == "request_id" else int
                terms.append(Term(_COLUMNS[order.key], order.ascending, kind))
        return terms, columns

    def _ordering_pair(self, order: OrderBy) -> Condition | None:
        entity, name = order.entity, order.key
        if entity == "attribute":
            if name not in ("name", "run_id"):
                return None
            entity, name = ("tag", TRACE_NAME) if name == "name" else ("metadata", SOURCE_RUN)
        key = self._key_id(name)
        return Condition(
            f"(select substr(x.value, 1, {4 * INDEXED_PREFIX}) from {_PAIRS[entity]} x "
            "where x.trace_id = t.id and x.key_id = ?)",
            [-1 if key is None else key],
        )


def one_of(column: str, numbers: Sequence[int]) -> Condition:
    """That a number is one of these, written out: databases limit the number of parameters."""
    if not numbers:
        return _NEVER
    return Condition(f"{column} in ({','.join(map(str, numbers))})", [])


def _no_ids() -> Condition:
    return Condition("select id from trace where 1 = 0", [])
