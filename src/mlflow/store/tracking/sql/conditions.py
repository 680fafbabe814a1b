"""From a search tree to SQL: conditions on `run r` and `experiment e`, and what runs are ordered
by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from mlflow.search import RUNS, And, Comparison, Node, Not, OrderBy, full_order
from mlflow.search.evaluate import matcher
from mlflow.store.db.dialects import Dialect
from mlflow.store.db.paging import Term
from mlflow.store.db.tables import INDEXED_PREFIX
from mlflow.store.tracking.sql.core import STATUS_NAMES
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

KeyId = Callable[[str], "int | None"]


class Condition(NamedTuple):
    """SQL that is true, false or NULL for each row, and its parameters."""

    text: str
    params: list[Any]


_NEVER = Condition("1 = 0", [])


class _Conditions:
    """What conditions on runs and on experiments share: the connectives, and comparisons of
    columns."""

    def __init__(self, dialect: Dialect):
        self._dialect = dialect

    def sql(self, node: Node) -> Condition:
        """The condition that `node` stands for."""
        if isinstance(node, Comparison):
            return self._comparison(node)
        if isinstance(node, Not):
            inner = self.sql(node.child)
            # what is unknown does not hold, so its negation does
            return Condition(f"not coalesce(({inner.text}), false)", inner.params)
        word = " and " if isinstance(node, And) else " or "
        parts = [self.sql(child) for child in node.children]
        return Condition(
            "(" + word.join(f"({p.text})" for p in parts) + ")",
            [value for p in parts for value in p.params],
        )

    def _comparison(self, c: Comparison) -> Condition:
        raise NotImplementedError

    def _column(self, column: str, op: str, value: Any) -> Condition:
        if op in ("LIKE", "ILIKE"):
            return Condition(self._dialect.like(column, ignore_case=op == "ILIKE"), [value])
        if op in ("IN", "NOT IN"):
            return Condition(f"{column} {op.lower()} ({','.join('?' * len(value))})", list(value))
        if op in ("IS NULL", "IS NOT NULL"):
            return Condition(f"{column} {op.lower()}", [])
        return Condition(f"{column} {'<>' if op == '!=' else op} ?", [value])


class ExperimentConditions(_Conditions):
    """Conditions on `experiment e`."""

    def _comparison(self, c: Comparison) -> Condition:
        if c.entity == "tag":
            has = "select 1 from experiment_tag t where t.experiment_id = e.id and t.name = ?"
            if c.op in ("IS NULL", "IS NOT NULL"):
                return Condition(f"{'not ' if c.op == 'IS NULL' else ''}exists ({has})", [c.key])
            text, params = self._column("t.value", c.op, c.value)
            return Condition(f"exists ({has} and {text})", [c.key, *params])
        if c.key == "experiment_id":
            value = c.value
            if c.op in ("IN", "NOT IN"):
                value = [_integer(v) for v in c.value]
            elif c.op in ("=", "!="):
                value = _integer(c.value)
            return self._column("e.id", c.op, value)
        return self._column(f"e.{c.key}", c.op, c.value)


def _integer(text: Any) -> int:
    """The integer of an experiment id; one that no experiment has, if it is not an integer."""
    try:
        number = int(text)
    except (TypeError, ValueError):
        return -1
    return number if 0 <= number < 1 << 63 else -1


_RUN_COLUMN_OF = {
    "run_id": "r.uuid",
    "run_name": "r.name",
    "artifact_uri": "r.artifact_uri",
    "user_id": "r.user_id",
    "start_time": "r.start_time",
    "end_time": "r.end_time",
}
_NEVER_NULL = frozenset({"run_id", "start_time"})
_DATASET_COLUMNS = {"name": "d.name", "digest": "d.digest", "context": "x.value"}


class RunConditions(_Conditions):
    """Conditions on `run r`.

    Args:
        key_id: The id of the name of a metric, param or tag; None if nothing was ever logged under
            it.
    """

    def __init__(self, dialect: Dialect, key_id: KeyId):
        super().__init__(dialect)
        self._key_id = key_id

    def _comparison(self, c: Comparison) -> Condition:
        if c.entity == "attribute":
            return self._attribute(c)
        if c.entity == "dataset":
            return self._dataset(c)
        table = {"metric": "series", "param": "param", "tag": "tag"}[c.entity]
        key = self._key_id(c.key)
        if c.op in ("IS NULL", "IS NOT NULL"):
            if key is None:
                return Condition("1 = 1", []) if c.op == "IS NULL" else _NEVER
            word = "not in" if c.op == "IS NULL" else "in"
            return Condition(f"r.id {word} (select run_id from {table} where key_id = ?)", [key])
        if key is None:
            return _NEVER
        text, params = self._metric(c) if c.entity == "metric" else self._text(c)
        return Condition(
            f"r.id in (select run_id from {table} where key_id = ? and {text})", [key, *params]
        )

    def _attribute(self, c: Comparison) -> Condition:
        if c.key == "status":
            fits = matcher(c, lambda status, entity, key: [status])
            fitting = [number for number, name in STATUS_NAMES.items() if fits(name)]
            if not fitting:
                return _NEVER
            return Condition(f"r.status in ({','.join('?' * len(fitting))})", fitting)
        return self._column(_RUN_COLUMN_OF[c.key], c.op, c.value)

    def _metric(self, c: Comparison) -> Condition:
        if c.op == "!=":  # NaN, here NULL, differs from every number
            return Condition("(value <> ? or value is null)", [c.value])
        return self._column("value", c.op, c.value)

    def _text(self, c: Comparison) -> Condition:
        if isinstance(c.value, (int, float)):
            return self._column(self._dialect.number("value"), c.op, c.value)
        if c.op == "=":  # the index holds the beginnings of values
            beginning = f"substr(value, 1, {INDEXED_PREFIX}) = ?"
            return Condition(f"{beginning} and value = ?", [c.value[:INDEXED_PREFIX], c.value])
        return self._column("value", c.op, c.value)

    def _dataset(self, c: Comparison) -> Condition:
        text, params = self._column(_DATASET_COLUMNS[c.key], c.op, c.value)
        if c.key == "context":
            source = (
                "run_dataset u join run_dataset_tag x on x.run_dataset_id = u.id and x.name = ?"
            )
            params = [MLFLOW_DATASET_CONTEXT, *params]
        else:
            source = "run_dataset u join dataset d on d.id = u.dataset_id"
        return Condition(f"r.id in (select u.run_id from {source} where {text})", params)


# Statuses are ordered as text.
_STATUS_RANK = (
    "(case r.status "
    + " ".join(
        f"when {number} then {rank}"
        for rank, (number, _) in enumerate(sorted(STATUS_NAMES.items(), key=lambda item: item[1]))
    )
    + " else 9 end)"
)


class RunOrder:
    """What a search of runs orders by: joins that bring the values, and terms that are never NULL.

    In both directions NaN comes after the numbers, and what is absent after that.
    """

    def __init__(self, orders: Sequence[OrderBy], key_id: KeyId):
        self.terms: list[Term] = []
        self.join_params: list[Any] = []
        joins: list[str] = []
        for i, order in enumerate(full_order(orders, RUNS)):
            if order.entity == "attribute":
                self._add_attribute(order)
                continue
            table = {"metric": "series", "param": "param", "tag": "tag"}[order.entity]
            alias = f"o{i}"
            joins.append(
                f"left join {table} {alias} on {alias}.run_id = r.id and {alias}.key_id = ?"
            )
            self.join_params.append(key_id(order.key) or -1)
            if order.entity == "metric":
                rank = (
                    f"(case when {alias}.value is not null then 0 "
                    f"when {alias}.run_id is not null then 1 else 2 end)"
                )
                zero = "0"
            else:
                rank = f"(case when {alias}.run_id is not null then 0 else 1 end)"
                zero = "''"
            self.terms.append(Term(rank))
            self.terms.append(Term(f"coalesce({alias}.value, {zero})", order.ascending))
        self.joins = " ".join(joins)

    def _add_attribute(self, order: OrderBy) -> None:
        if order.key == "status":
            self.terms.append(Term(_STATUS_RANK, order.ascending))
            return
        column = _RUN_COLUMN_OF[order.key]
        if order.key in _NEVER_NULL:
            self.terms.append(Term(column, order.ascending))
            return
        zero = "0" if order.key in ("start_time", "end_time") else "''"
        self.terms.append(Term(f"(case when {column} is not null then 0 else 1 end)"))
        self.terms.append(Term(f"coalesce({column}, {zero})", order.ascending))
