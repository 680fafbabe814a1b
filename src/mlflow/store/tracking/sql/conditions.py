"""From a search tree to SQL: conditions on `run r` and `experiment e`, the runs that an index leads
to, and what runs are ordered by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from mlflow.entities import LifecycleStage
from mlflow.search import RUNS, And, Comparison, Node, Not, Or, OrderBy, full_order
from mlflow.search.evaluate import matcher
from mlflow.store.db.dialects import Dialect
from mlflow.store.db.paging import Term
from mlflow.store.db.tables import INDEXED_PREFIX, INDEXED_REST
from mlflow.store.tracking.sql.core import STATUS_NAMES
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

KeyId = Callable[[str], "int | None"]

#: An operator that the language does not have: the metric is there, and it is NaN.
IS_NAN = "IS NAN"


class Condition(NamedTuple):
    """SQL that is true, false or NULL for each row, and its parameters."""

    text: str
    params: list[Any]


_NEVER = Condition("1 = 0", [])
_ALWAYS = Condition("1 = 1", [])


def both(conditions: Iterable[Condition]) -> Condition:
    """All of them."""
    parts = list(conditions)
    return Condition(" and ".join(p.text for p in parts), [v for p in parts for v in p.params])


class Conditions:
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


class ExperimentConditions(Conditions):
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


# -- what an index has ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Interval:
    """Values between two bounds; None is no bound. NULL is never among them."""

    low: Any = None
    high: Any = None
    with_low: bool = True
    with_high: bool = True

    def above(self, value: Any, inclusive: bool) -> Interval:
        """What of it is greater than `value`, or equal to it if that counts."""
        if self.low is None or value > self.low or (value == self.low and not inclusive):
            return replace(self, low=value, with_low=inclusive)
        return self

    def below(self, value: Any, inclusive: bool) -> Interval:
        """What of it is less than `value`, or equal to it if that counts."""
        if self.high is None or value < self.high or (value == self.high and not inclusive):
            return replace(self, high=value, with_high=inclusive)
        return self

    def sql(self, expression: str) -> Condition:
        """That the expression is in it."""
        if self.low is None and self.high is None:
            return Condition(f"{expression} is not null", [])
        if self.low == self.high and self.with_low and self.with_high:
            return Condition(f"{expression} = ?", [self.low])
        bounds = []
        if self.low is not None:
            bounds.append(Condition(f"{expression} {'>=' if self.with_low else '>'} ?", [self.low]))
        if self.high is not None:
            bounds.append(
                Condition(f"{expression} {'<=' if self.with_high else '<'} ?", [self.high])
            )
        return both(bounds)


def interval_of(c: Comparison, index: Index) -> tuple[Interval, bool] | None:
    """Where in an index the values are that satisfy a comparison, and whether all values there do;
    None if that can be anywhere."""
    everywhere = Interval()
    if index.kind is not str:
        if index.kind is int and isinstance(c.value, float):
            return None
        if c.op == "=":
            return everywhere.above(c.value, True).below(c.value, True), True
        if c.op in (">", ">="):
            return everywhere.above(c.value, c.op == ">="), True
        if c.op in ("<", "<="):
            return everywhere.below(c.value, c.op == "<="), True
        return None
    # Never exact: an index may have the beginning of a text only, and SQLite's functions see one up
    # to a NUL only.
    text, rest = _beginning(c)
    start = text[index.skipped :][: index.prefix]
    if not rest:
        return everywhere.above(start, True).below(start, True), False
    if not start:
        return None
    found = everywhere.above(start, True)
    behind = _text_behind(start)
    return found.below(behind, False) if behind else found, False


def _beginning(c: Comparison) -> tuple[str, str]:
    """What all texts begin with that satisfy a comparison, and the pattern of what follows; the
    text itself and nothing, if it can be one only."""
    if not isinstance(c.value, str) or c.op not in ("=", "LIKE"):
        return "", "%"
    text = c.value
    size = len(text)
    if c.op == "LIKE":
        size = next((i for i, char in enumerate(text) if char in "%_"), size)
    return text[:size], text[size:]


def _text_behind(start: str) -> str | None:
    """The first text after all that begin with `start`."""
    for i in range(len(start) - 1, -1, -1):
        code = ord(start[i]) + 1
        if 0xD800 <= code < 0xE000:  # halves of surrogate pairs are no characters
            code = 0xE000
        if code < 0x110000:
            return start[:i] + chr(code)
    return None


@dataclass(frozen=True)
class Index:
    """An index on a value, below fixed leading columns."""

    table: str
    name: str
    run: str
    """The column with the run's id."""
    value: str
    """The indexed expression."""
    kind: type
    """int, float or str."""
    fixed: tuple[Condition, ...] = (Condition("", []),)
    """One for each stretch of the index that is looked at."""
    prefix: int = INDEXED_PREFIX
    """How many characters of a text it has."""
    skipped: int = 0
    """How many characters of a text are before those."""

    def select(self, where: Condition) -> list[Select]:
        """What the index has at `where`."""
        return [
            Select(self.table, self.name, self.run, both(p for p in (fixed, where) if p.text))
            for fixed in self.fixed
        ]


@dataclass(frozen=True)
class Select:
    """Rows of a table that an index leads to, each of another run."""

    table: str
    """Or a join."""
    index: str
    """Empty for a join."""
    run: str
    """The column with the run's id."""
    where: Condition

    @property
    def is_of_runs(self) -> bool:
        """Whether it can be read together with checks of `run`. Not along names: SQLite would put
        the name that is looked for into the indexed expression, and not find the index then."""
        return self.table == "run" and self.index != "run_by_name"

    def sql(self, dialect: Dialect, column: str) -> Condition:
        """A SELECT of one column."""
        source = dialect.by_index(self.table, self.index) if self.index else self.table
        return Condition(
            f"select {column} from {source} where {self.where.text}", self.where.params
        )


class Range(NamedTuple):
    """Runs that an index leads to."""

    selects: list[Select]
    exact: bool
    """They all satisfy the condition; else a check is needed."""
    distinct: bool = True
    """No run comes twice."""


class Found(NamedTuple):
    """What an index has for a condition."""

    range: Range | None
    """None if there is no index for it."""
    interval: Interval = Interval()
    """Where the values are, if the condition is about one key."""
    exact_interval: bool = False
    """All values there satisfy it."""


class Membership:
    """The experiments and stages that are searched."""

    #: More pairs of experiment and stage than this are not looked at one by one.
    FEW = 16

    def __init__(self, experiments: Sequence[int], stages: Sequence[LifecycleStage | str]):
        self.experiments = list(dict.fromkeys(experiments))
        self.stages = list(stages)
        self.pairs = len(self.experiments) * len(self.stages)

    def check(self, row: str = "r.") -> Condition:
        return both(
            (
                _one_of(f"{row}experiment_id", self.experiments),
                _one_of(f"{row}lifecycle_stage", self.stages),
            )
        )

    def range(self) -> Range:
        return Range([Select("run", "run_by_experiment", "id", self.check(""))], True)

    def by_start(self) -> Index:
        """Its runs by their start, or all runs where it has too many parts."""
        if self.pairs > self.FEW:
            return Index("run", "run_by_start", "id", "start_time", int)
        fixed = tuple(
            Condition("experiment_id = ? and lifecycle_stage = ?", [experiment, stage])
            for experiment in self.experiments
            for stage in self.stages
        )
        return Index("run", "run_by_experiment", "id", "start_time", int, fixed)


def _one_of(column: str, values: Sequence[Any]) -> Condition:
    if len(values) == 1:
        return Condition(f"{column} = ?", list(values))
    if len(values) > 500 and isinstance(values[0], int):  # databases limit the number of parameters
        return Condition(f"{column} in ({','.join(map(str, values))})", [])
    return Condition(f"{column} in ({','.join('?' * len(values))})", list(values))


# -- conditions on runs ---------------------------------------------------------------------------

_RUN_COLUMN_OF = {
    "run_id": "r.uuid",
    "run_name": "r.name",
    "artifact_uri": "r.artifact_uri",
    "user_id": "r.user_id",
    "start_time": "r.start_time",
    "end_time": "r.end_time",
}
_NEVER_NULL = frozenset({"run_id", "start_time"})
_TABLE_OF = {"metric": "series", "param": "param", "tag": "tag"}
_DATASET_COLUMNS = {"name": "d.name", "digest": "d.digest", "context": "x.value"}


class RunConditions(Conditions):
    """Conditions on `run r`, each a look-up by the run's id: a planner cannot turn it into a join
    that begins elsewhere.

    Args:
        key_id: The id of the name of a metric, param or tag; None if nothing was ever logged under
            it.
    """

    def __init__(self, dialect: Dialect, key_id: KeyId, membership: Membership):
        super().__init__(dialect)
        self._key_id = key_id
        self._membership = membership

    def _comparison(self, c: Comparison) -> Condition:
        if c.entity == "attribute":
            return self._attribute(c)
        if c.entity == "dataset":
            return self._dataset(c)
        key = self._key_id(c.key)
        if key is None:
            return _ALWAYS if c.op == "IS NULL" else _NEVER
        row = f"from {_TABLE_OF[c.entity]} where run_id = r.id and key_id = ?"
        if c.op in ("IS NULL", "IS NOT NULL"):
            return Condition(f"(select 1 {row}) {c.op.lower()}", [key])
        text, params = self._metric(c) if c.entity == "metric" else self._text(c)
        return Condition(f"(select {text} {row})", [*params, key])

    def _attribute(self, c: Comparison) -> Condition:
        if c.key == "status":
            fitting = _fitting_statuses(c)
            return _one_of("r.status", fitting) if fitting else _NEVER
        return self._column(_RUN_COLUMN_OF[c.key], c.op, c.value)

    def _metric(self, c: Comparison) -> Condition:
        if c.op == "!=":  # NaN, here NULL, differs from every number
            return Condition("(value <> ? or value is null)", [c.value])
        if c.op == IS_NAN:
            return Condition("value is null", [])
        return self._column("value", c.op, c.value)

    def _text(self, c: Comparison) -> Condition:
        if isinstance(c.value, (int, float)):
            return self._column(self._dialect.number("value"), c.op, c.value)
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
        found = f"(select 1 from {source} where u.run_id = r.id and {text} limit 1)"
        return Condition(f"{found} is not null", params)

    # -- the runs that an index leads to ----------------------------------------------------------

    def index(self, entity: str, key: str) -> Index | None:
        """The index on what runs have under a key; None if there is none, or nothing in it."""
        if entity in _TABLE_OF:
            table, name = _TABLE_OF[entity], self._key_id(key)
            if name is None:
                return None
            fixed = (Condition("key_id = ?", [name]),)
            if entity == "metric":
                return Index(table, "series_by_value", "run_id", "value", float, fixed)
            value = self._dialect.beginning("value")
            return Index(table, f"{table}_by_value", "run_id", value, str, fixed)
        if entity != "attribute":
            return None
        if key == "start_time":
            return self._membership.by_start()
        if key == "end_time":
            return Index("run", "run_by_end", "id", "end_time", int)
        if key == "run_name":
            return Index("run", "run_by_name", "id", self._dialect.beginning("name"), str)
        if key == "run_id":
            return Index("run", "run_by_uuid", "id", "uuid", str, prefix=1 << 30)
        return None

    def find(self, comparisons: Sequence[Comparison]) -> Found:
        """What an index has for several comparisons of one key."""
        first, operators = comparisons[0], {c.op for c in comparisons}
        if first.entity in _TABLE_OF and self._key_id(first.key) is None:
            return Found(None if operators == {"IS NULL"} else Range([], True))
        if (first.entity, first.key) == ("attribute", "status"):
            return Found(self._status_range(comparisons))
        index = self.index(first.entity, first.key)
        if index is not None and first.entity == "attribute" and operators == {"IS NULL"}:
            return self._found(index, Condition(f"{index.value} is null", []), True)
        if index is None or "IS NULL" in operators:
            return Found(None)
        if operators == {IS_NAN}:
            return self._found(index, Condition("value is null", []), True)
        if operators == {"IN"} and len(comparisons) == 1:  # of run ids
            return self._found(index, _one_of("uuid", list(dict.fromkeys(first.value))), True)
        interval, exact, bounded = Interval(), True, False
        for c in comparisons:
            part = interval_of(c, index)
            if part is None:
                exact = exact and c.op == "IS NOT NULL"
                continue
            bounded = True
            exact = exact and part[1]
            if part[0].low is not None:
                interval = interval.above(part[0].low, part[0].with_low)
            if part[0].high is not None:
                interval = interval.below(part[0].high, part[0].with_high)
        if bounded:
            where = interval.sql(index.value)
        elif first.entity == "attribute":
            return Found(None, interval)
        else:
            where = Condition("", [])  # all that have the key, also where the value is NaN
        found = self._among_long(comparisons) or self._found(index, where, exact)
        return found._replace(interval=interval, exact_interval=exact)

    def _among_long(self, comparisons: Sequence[Comparison]) -> Found | None:
        """What the index of long texts has, if one of these is about long texts only."""
        for c in comparisons:
            key = self._key_id(c.key) if c.entity in ("param", "tag") else None
            if key is None or len(_beginning(c)[0]) <= INDEXED_PREFIX:
                continue
            table = _TABLE_OF[c.entity]
            value, long = self._dialect.rest("value")
            fixed = (Condition(f"key_id = ? and {long}", [key]),)
            index = Index(
                table, f"{table}_by_rest", "run_id", value, str, fixed, INDEXED_REST, INDEXED_PREFIX
            )
            interval, _ = interval_of(c, index)
            return self._found(index, interval.sql(value), False)
        return None

    def _found(self, index: Index, where: Condition, exact: bool) -> Found:
        return Found(Range(index.select(where), exact))

    def range(self, node: Node) -> Range | None:
        """The runs that an index leads to for any condition; None if there is no such index."""
        if isinstance(node, Comparison):
            if node.entity == "dataset":
                return self._dataset_range(node)
            return self.find([node]).range
        if isinstance(node, Not):
            return None
        found = [self.range(child) for child in node.children]
        if isinstance(node, Or):
            if any(f is None for f in found):
                return None
            selects = [select for f in found for select in f.selects]
            return Range(selects, all(f.exact for f in found), distinct=len(selects) < 2)
        one = next((f for f in found if f is not None), None)
        return one and one._replace(exact=False)

    def _status_range(self, comparisons: Sequence[Comparison]) -> Range:
        fitting = [s for s in STATUS_NAMES if all(s in _fitting_statuses(c) for c in comparisons)]
        if not fitting:
            return Range([], True)
        index = Index("run", "run_by_status", "id", "status", int)
        return Range(index.select(_one_of("status", fitting)), True)

    def _dataset_range(self, c: Comparison) -> Range:
        """Runs that used a dataset of these experiments: a dataset belongs to the experiment of its
        runs."""
        look_up = self._dialect.look_up
        uses = f"dataset d {look_up('run_dataset', 'u', 'u.dataset_id = d.id')}"
        value = self._column(_DATASET_COLUMNS[c.key], c.op, c.value)
        conditions = [_one_of("d.experiment_id", self._membership.experiments), value]
        if c.key == "context":
            uses += " " + look_up("run_dataset_tag", "x", "x.run_dataset_id = u.id")
            conditions.append(Condition("x.name = ?", [MLFLOW_DATASET_CONTEXT]))
        return Range([Select(uses, "", "u.run_id", both(conditions))], True, distinct=False)


def _fitting_statuses(c: Comparison) -> list[int]:
    fits = matcher(c, lambda status, entity, key: [status])
    return [number for number, name in STATUS_NAMES.items() if fits(name)]


# -- order ----------------------------------------------------------------------------------------

#: Statuses are ordered as text.
STATUSES = sorted(STATUS_NAMES, key=lambda number: STATUS_NAMES[number])
_STATUS_RANK = (
    "(case r.status "
    + " ".join(f"when {number} then {rank}" for rank, number in enumerate(STATUSES))
    + f" else {len(STATUSES)} end)"
)


class OrderTerm(NamedTuple):
    """One thing to order by, as SQL that is never NULL.

    In both directions NaN comes after the numbers, and what is absent after that: `terms` begin
    with a rank where there is such a thing.
    """

    by: OrderBy
    terms: tuple[Term, ...]
    join: Condition


class RunOrder:
    """What a search of runs orders by: joins that bring the values, and terms."""

    def __init__(self, orders: Sequence[OrderBy], key_id: KeyId):
        self.by = [
            _order_term(order, f"o{i}", key_id) for i, order in enumerate(full_order(orders, RUNS))
        ]
        self.terms = [term for by in self.by for term in by.terms]
        joins = [by.join for by in self.by]
        text = " ".join(j.text for j in joins)
        self.joins = Condition(text, [v for j in joins for v in j.params])


def _order_term(order: OrderBy, alias: str, key_id: KeyId) -> OrderTerm:
    none = Condition("", [])
    up = order.ascending
    if order.entity == "attribute":
        if order.key == "status":
            return OrderTerm(order, (Term(_STATUS_RANK, up, int),), none)
        column = _RUN_COLUMN_OF[order.key]
        kind, zero = (int, "0") if order.key in ("start_time", "end_time") else (str, "''")
        if order.key in _NEVER_NULL:
            return OrderTerm(order, (Term(column, up, kind),), none)
        rank = Term(f"(case when {column} is not null then 0 else 1 end)")
        return OrderTerm(order, (rank, Term(f"coalesce({column}, {zero})", up, kind)), none)
    table = _TABLE_OF[order.entity]
    join = Condition(
        f"left join {table} {alias} on {alias}.run_id = r.id and {alias}.key_id = ?",
        [key_id(order.key) or -1],
    )
    if order.entity == "metric":
        rank = Term(
            f"(case when {alias}.value is not null then 0 "
            f"when {alias}.run_id is not null then 1 else 2 end)"
        )
        return OrderTerm(order, (rank, Term(f"coalesce({alias}.value, 0)", up, float)), join)
    rank = Term(f"(case when {alias}.run_id is not null then 0 else 1 end)")
    return OrderTerm(order, (rank, Term(f"coalesce({alias}.value, '')", up, str)), join)
