"""Searching logged models in a SQL database.

Two ways lead to a page. Where an index has few models for one of the comparisons, those are
looked at and sorted. Else the models are walked along in the order asked for, which an index has
for the usual one, until the page is full.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from mlflow.entities import LifecycleStage
from mlflow.search.evaluate import matcher
from mlflow.search.logged_models import (
    DatasetFilter,
    ModelOrder,
    parse_datasets,
    parse_filter,
    parse_order,
)
from mlflow.search.tree import And, Comparison
from mlflow.store.db.dialects import Dialect
from mlflow.store.db.paging import Term, after, encode_token, order_clause, place_of
from mlflow.store.db.tables import INDEXED_PREFIX
from mlflow.store.tracking.base.logged_models import PageTokens, page_size
from mlflow.store.tracking.sql.conditions import Index, interval_of
from mlflow.store.tracking.sql.core import experiment_key, marks

KeyId = Callable[[str], "int | None"]

#: So many models are looked at one by one.
_FEW = 10_000
_STATUSES = range(4)
_COLUMNS = {
    "name": "m.name",
    "model_id": "m.uuid",
    "model_type": "m.model_type",
    "source_run_id": "m.source_run",
    "artifact_location": "m.artifact_location",
    "status_message": "m.status_message",
    "creation_time": "m.creation_time",
    "last_update_time": "m.last_update_time",
}
_ORDER_COLUMNS = {
    **_COLUMNS,
    "status": "m.status",
    "experiment_id": "m.experiment_id",
    "lifecycle_stage": "m.lifecycle_stage",
}
_INTEGERS = {"creation_time", "last_update_time", "status", "experiment_id"}
_NULLABLE = {"model_type", "source_run_id", "status_message"}
_TABLES = {"param": "logged_model_param", "tag": "logged_model_tag"}
_NEWEST_FIRST = [Term("m.creation_time", False), Term("m.id", False)]


class _Condition(NamedTuple):
    text: str
    params: list[Any]


class ModelSearch:
    """One search: what is asked for, checked."""

    def __init__(
        self,
        dialect: Dialect,
        experiment_ids: Sequence[str],
        filter_string: str | None,
        datasets: Sequence[Any] | None,
        max_results: int | None,
        order_by: Sequence[Any] | None,
    ):
        self._dialect = dialect
        comparisons = parse_filter(filter_string)
        self._datasets = parse_datasets(datasets)
        self._orders = parse_order(order_by)
        self._size = page_size(max_results)
        self._tokens = PageTokens(experiment_ids, filter_string, self._orders)
        # What is the same for all models of an experiment, or for all of them, is decided here.
        fits = _fitting(comparisons, "lifecycle_stage")
        stages = [stage for stage in (LifecycleStage.ACTIVE,) if fits(stage)]
        fits = _fitting(comparisons, "experiment_id")
        keys = dict.fromkeys(experiment_key(e) for e in experiment_ids)
        self._experiments = [key for key in keys if stages and fits(str(key))]
        self._comparisons = [
            c
            for c in comparisons
            if (c.entity, c.key)
            not in (("attribute", "lifecycle_stage"), ("attribute", "experiment_id"))
        ]

    def page(self, tx: Any, key_id: KeyId, page_token: str | None) -> tuple[list[int], str | None]:
        """The ids of the rows on a page, in order, and the token of the next one."""
        terms, columns = self._order(key_id)
        last = place_of(self._tokens.decode(page_token), terms) if page_token else None
        if not self._experiments:
            return [], None
        where = [self._condition(c, key_id) for c in self._comparisons]
        if self._datasets and not any(c.entity == "metric" for c in self._comparisons):
            where.append(self._measured())
        candidates = self._candidates(tx, key_id)
        if candidates is None and terms == _NEWEST_FIRST:
            rows = self._walk(tx, where, last)
        else:
            rows = self._sorted(tx, where, candidates, terms, columns, last)
        page = rows[: self._size]
        keys = [row[0] for row in page]
        if len(rows) <= self._size:
            return keys, None
        return keys, self._tokens.encode(encode_token(page[-1][1:]))

    # -- two ways to the rows ---------------------------------------------------------------

    def _walk(self, tx: Any, where: list[_Condition], last: list[Any] | None) -> list[tuple]:
        """(id, creation time, id) of the newest models of each experiment, merged."""
        source = self._dialect.by_index("logged_model m", "logged_model_by_experiment")
        conditions = [_Condition("m.experiment_id = ? and m.lifecycle_stage = ?", []), *where]
        if last is not None:
            # Once more in a form that an index can begin with.
            conditions.append(_Condition("m.creation_time <= ?", [last[0]]))
            conditions.append(_Condition(*after(_NEWEST_FIRST, last)))
        text, params = _all(conditions)
        query = (
            f"select m.id, m.creation_time, m.id from {source} where {text} "
            "order by m.creation_time desc, m.id desc limit ?"
        )
        found = []
        for experiment in self._experiments:
            rows = tx.execute(
                query, (experiment, LifecycleStage.ACTIVE, *params, self._size + 1)
            ).fetchall()
            found.append([tuple(row) for row in rows])
        merged = heapq.merge(*found, key=lambda row: (-row[1], -row[2]))
        return [row for row, _ in zip(merged, range(self._size + 1))]

    def _sorted(
        self,
        tx: Any,
        where: list[_Condition],
        candidates: list[int] | None,
        terms: list[Term],
        columns: list[_Condition],
        last: list[Any] | None,
    ) -> list[tuple]:
        """(id, values of the terms) of the first models in the order asked for."""
        experiment, stage = "m.experiment_id", "m.lifecycle_stage"
        conditions = []
        if candidates is not None:
            if not candidates:
                return []
            conditions.append(_one_of("m.id", candidates))
            # Expressions, or a planner would begin with an index on them.
            experiment, stage = f"coalesce({experiment}, 0)", f"coalesce({stage}, '')"
        conditions.append(_one_of(experiment, self._experiments))
        conditions.append(_Condition(f"{stage} = ?", [LifecycleStage.ACTIVE]))
        text, params = _all([*conditions, *where])
        values = "".join(f", {c.text} as o{i}" for i, c in enumerate(columns))
        of_columns = [p for c in columns for p in c.params]
        beyond = ""
        if last is not None:
            clause, of_last = after(terms, last)
            beyond, params = f"where {clause} ", [*params, *of_last]
        query = (
            f"select m.id, {', '.join(t.sql for t in terms)} "
            f"from (select m.*{values} from logged_model m where {text}) m "
            f"{beyond}{order_clause(terms)} limit ?"
        )
        rows = tx.execute(query, (*of_columns, *params, self._size + 1)).fetchall()
        return [tuple(row) for row in rows]

    def _candidates(self, tx: Any, key_id: KeyId) -> list[int] | None:
        """The models that an index has for one of the comparisons, if they are few."""
        for c in self._comparisons:
            found = self._indexed(c, key_id)
            if found is None:
                continue
            rows = tx.execute(f"{found.text} limit ?", (*found.params, _FEW + 1)).fetchall()
            if len(rows) <= _FEW:
                return [key for (key,) in rows]
        return None

    def _indexed(self, c: Comparison, key_id: KeyId) -> _Condition | None:
        """A SELECT of the ids that an index has for a comparison: those that fit, and perhaps
        more."""
        if c.entity == "metric":
            value = self._value_of_metric(c)
            return _Condition(
                "select distinct m.id from model_metric x join logged_model m "
                f"on m.uuid = x.model_id where x.key_id = ? and {value.text}",
                [key_id(c.key) or -1, *value.params],
            )
        if c.entity in _TABLES:
            where = self._beginnings("value", c) or _Condition("1 = 1", [])
            return _Condition(
                f"select model_id from {_TABLES[c.entity]} where name = ? and {where.text}",
                [c.key, *where.params],
            )
        where = None
        if c.key == "name":
            where = self._beginnings("name", c)
        elif c.key in ("model_id", "source_run_id") and c.op in ("=", "IN") and c.value:
            texts = [c.value] if c.op == "=" else list(c.value)
            where = _Condition(f"{_COLUMNS[c.key].removeprefix('m.')} in ({marks(texts)})", texts)
        return where and _Condition(f"select id from logged_model where {where.text}", where.params)

    def _beginnings(self, column: str, c: Comparison) -> _Condition | None:
        """That a text begins as it has to, for the index of beginnings; None if it may begin in
        any way."""
        indexed = self._dialect.beginning(column)
        if c.op == "IN" and c.value:
            starts = [text[:INDEXED_PREFIX] for text in c.value]
            return _Condition(f"{indexed} in ({marks(starts)})", starts)
        found = interval_of(c, Index("", "", "", indexed, str))
        return found and _Condition(*found[0].sql(indexed))

    # -- conditions -------------------------------------------------------------------------

    def _condition(self, c: Comparison, key_id: KeyId) -> _Condition:
        if c.entity == "metric":
            value = self._value_of_metric(c)
            measured = self._on_datasets()
            return _Condition(
                "exists (select 1 from model_metric x where x.model_id = m.uuid "
                f"and x.key_id = ? and {value.text}{measured.text})",
                [key_id(c.key) or -1, *value.params, *measured.params],
            )
        if c.entity in _TABLES:
            value = self._text("x.value", c)
            return _Condition(
                f"exists (select 1 from {_TABLES[c.entity]} x where x.model_id = m.id "
                f"and x.name = ? and {value.text})",
                [c.key, *value.params],
            )
        if c.key == "status":
            fits = _fitting([c], "status")
            fitting = [number for number in _STATUSES if fits(str(number))]
            return _one_of("m.status", fitting)
        column = _COLUMNS[c.key]
        if c.key in _INTEGERS:
            return _compared(column, c)
        return self._text(column, c)

    def _value_of_metric(self, c: Comparison) -> _Condition:
        if c.op == "!=":  # NaN, here NULL, differs from every number
            return _Condition("(x.value <> ? or x.value is null)", [c.value])
        return _compared("x.value", c)

    def _text(self, column: str, c: Comparison) -> _Condition:
        if c.op in ("LIKE", "ILIKE"):
            return _Condition(self._dialect.like(column, ignore_case=c.op == "ILIKE"), [c.value])
        if c.op in ("IN", "NOT IN"):
            values = list(c.value)
            if not values:
                return _Condition("1 = 0" if c.op == "IN" else f"{column} is not null", [])
            return _Condition(f"{column} {c.op.lower()} ({marks(values)})", values)
        return _compared(column, c)

    def _measured(self) -> _Condition:
        """That something was measured on the datasets."""
        on = self._on_datasets()
        return _Condition(
            f"exists (select 1 from model_metric x where x.model_id = m.uuid{on.text})", on.params
        )

    def _on_datasets(self) -> _Condition:
        if not self._datasets:
            return _Condition("", [])
        parts = [_of_dataset(d) for d in self._datasets]
        return _Condition(
            f" and ({' or '.join(p.text for p in parts)})", [v for p in parts for v in p.params]
        )

    # -- order ------------------------------------------------------------------------------

    def _order(self, key_id: KeyId) -> tuple[list[Term], list[_Condition]]:
        """What to order by, and the columns `o0`, `o1`, … that some of it is in. The terms are
        never NULL: what is absent has a rank of its own."""
        terms: list[Term] = []
        columns: list[_Condition] = []
        for order in self._orders:
            if order.entity == "metric":
                rank, value = _latest(order, key_id)
                terms.append(Term(f"m.o{len(columns)}"))
                terms.append(Term(f"m.o{len(columns) + 1}", order.ascending, float))
                columns += [rank, value]
                continue
            column = _ORDER_COLUMNS[order.key]
            kind = int if order.key in _INTEGERS else str
            if order.key in _NULLABLE:
                terms.append(Term(f"(case when {column} is null then 1 else 0 end)"))
                column = f"coalesce({column}, '')"
            terms.append(Term(column, order.ascending, kind))
        return [*terms, *_NEWEST_FIRST], columns


def _latest(order: ModelOrder, key_id: KeyId) -> tuple[_Condition, _Condition]:
    """The rank and the value of the latest point of a metric."""
    key = key_id(order.key)
    if key is None:
        return _Condition("2", []), _Condition("0", [])
    where, params = "x.model_id = m.uuid and x.key_id = ?", [key]
    for column, value in (
        ("dataset_name", order.dataset_name),
        ("dataset_digest", order.dataset_digest),
    ):
        if value is not None:
            where += f" and x.{column} = ?"
            params.append(value)
    row = (
        f"from model_metric x where {where} "
        "order by x.timestamp desc, x.step desc, x.id desc limit 1"
    )
    rank = f"coalesce((select case when x.value is null then 1 else 0 end {row}), 2)"
    return _Condition(rank, params), _Condition(f"coalesce((select x.value {row}), 0)", params)


def _of_dataset(dataset: DatasetFilter) -> _Condition:
    if dataset.digest is None:
        return _Condition("x.dataset_name = ?", [dataset.name])
    return _Condition(
        "(x.dataset_name = ? and x.dataset_digest = ?)", [dataset.name, dataset.digest]
    )


def _fitting(comparisons: Sequence[Comparison], key: str) -> Callable[[str], bool]:
    """Whether a value of an attribute fits all that is asked of it."""
    of_key = tuple(c for c in comparisons if (c.entity, c.key) == ("attribute", key))
    return matcher(And(of_key), lambda value, entity, key: [value])


def _compared(column: str, c: Comparison) -> _Condition:
    return _Condition(f"{column} {'<>' if c.op == '!=' else c.op} ?", [c.value])


def _one_of(column: str, numbers: Sequence[int]) -> _Condition:
    # Written out, since databases limit the number of parameters.
    return _Condition(f"{column} in ({','.join(map(str, numbers))})" if numbers else "1 = 0", [])


def _all(conditions: Sequence[_Condition]) -> tuple[str, list[Any]]:
    return (
        " and ".join(c.text for c in conditions),
        [value for c in conditions for value in c.params],
    )
