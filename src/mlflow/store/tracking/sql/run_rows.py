"""Rows of a table of runs from a SQL database: only what the columns name is read."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from mlflow.rpc.ui.runs import MOST_ROWS, RowId, RunFacts, RunRows
from mlflow.rpc.wire import double
from mlflow.store.db.dialects import Dialect
from mlflow.store.tracking.overviews import (
    OF_METRIC,
    Column,
    check_number,
    columns_of,
    models_in_history,
)
from mlflow.store.tracking.sql.core import RUN_COLUMNS, STATUS_NAMES, RunRow, SqlCore, marks
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_MODELS, MLFLOW_PARENT_RUN_ID, MLFLOW_USER

#: Keys in one statement.
_KEYS = 200

Cells = Mapping[int, Any]
"""By the ids of runs."""


class SqlRunRows(SqlCore):
    def run_rows(
        self, rows: Sequence[RowId], run_ids: Sequence[str], columns: Sequence[str]
    ) -> RunRows:
        asked: list[Any] = [_integer(row) for row in rows] or list(run_ids)
        check_number(asked, MOST_ROWS, "runs")
        wanted = columns_of(columns)
        with self.db.read() as tx:
            runs = _runs(tx, "id" if rows else "uuid", asked)
            reader = _Reader(self.db.dialect, tx, runs, lambda name: self._key_id(tx, name))
            cells = _cells(reader, wanted)
            facts = _facts(reader, runs)
        return RunRows(
            runs=facts,
            columns={
                name: [None if run is None else column.get(run.id) for run in runs]
                for name, column in cells.items()
            },
        )


def _integer(row: RowId) -> int:
    """The id of a row, that may have been in a URL meanwhile; one that no run has, if it is none of
    ours."""
    if isinstance(row, str):
        row = int(row) if row.isdecimal() and row.isascii() and len(row) < 19 else -1
    return row if 0 < row < 1 << 63 else -1


def _runs(tx: Any, column: str, asked: Sequence[Any]) -> list[RunRow | None]:
    distinct = list(dict.fromkeys(asked))
    if not distinct:
        return []
    found = {}
    for row in tx.execute(
        f"select r.{column}, {RUN_COLUMNS} from run r where r.{column} in ({marks(distinct)})",
        distinct,
    ).fetchall():
        found[row[0]] = RunRow(*row[1:])
    return [found.get(key) for key in asked]


def _facts(reader: _Reader, runs: Sequence[RunRow | None]) -> RunFacts:
    nameless = any(run is not None and not run.user_id for run in runs)
    tags = reader.texts("tag", [MLFLOW_PARENT_RUN_ID, *([MLFLOW_USER] if nameless else [])])
    parents, users = tags[MLFLOW_PARENT_RUN_ID], tags.get(MLFLOW_USER, {})

    def each(value: Callable[[RunRow], Any]) -> list[Any]:
        return [None if run is None else value(run) for run in runs]

    return RunFacts(
        run_id=each(lambda run: run.uuid),
        experiment_id=each(lambda run: str(run.experiment_id)),
        name=each(lambda run: run.name),
        status=each(lambda run: STATUS_NAMES[run.status]),
        start_time=each(lambda run: run.start_time or 0),
        end_time=each(lambda run: run.end_time),
        lifecycle_stage=each(lambda run: run.lifecycle_stage),
        user=each(lambda run: run.user_id or users.get(run.id)),
        parent=each(lambda run: parents.get(run.id)),
    )


def _cells(reader: _Reader, wanted: Sequence[Column]) -> dict[str, Cells]:
    """What there is in each column."""

    def keys(*kinds: str) -> list[str]:
        return list(dict.fromkeys(column.key for column in wanted if column.kind in kinds))

    params, tags = reader.texts("param", keys("params")), reader.texts("tag", keys("tags"))
    series = reader.series(keys(*OF_METRIC))
    extremes = reader.extremes({key: series[key] for key in keys("min", "max")})
    plain = {"children": reader.children, "datasets": reader.datasets, "models": reader.models}
    cells: dict[str, Cells] = {}
    for name, kind, key in wanted:
        if kind == "params":
            cells[name] = params[key]
        elif kind == "tags":
            cells[name] = tags[key]
        elif kind == "metrics":
            cells[name] = {run: double(s.value) for run, s in series[key].items()}
        elif kind == "step":
            cells[name] = {run: s.step for run, s in series[key].items()}
        elif kind in ("min", "max"):
            place = 0 if kind == "min" else 1
            cells[name] = {run: double(both[place]) for run, both in extremes[key].items()}
        else:
            cells[name] = plain[kind]()
    return cells


class _Series(NamedTuple):
    value: float
    """The latest one."""
    step: int
    points: int
    sealed: int
    """How many of the points are in chunks; the others are in the tail."""


class _Reader:
    """Reads what some runs have. Every cell is a look-up by the table's own order."""

    def __init__(
        self,
        dialect: Dialect,
        tx: Any,
        runs: Sequence[RunRow | None],
        key_id: Callable[[str], int | None],
    ):
        self._dialect, self._tx, self._key_id = dialect, tx, key_id
        self._uuids = {run.uuid: run.id for run in runs if run is not None}
        self._ids = list(self._uuids.values())

    def texts(self, table: str, names: Sequence[str]) -> dict[str, dict[int, str]]:
        """The values of params or tags by their names."""
        found: dict[str, dict[int, str]] = {name: {} for name in names}
        for name, run, value in self._logged(table, "value", names):
            found[name][run] = value
        return found

    def series(self, names: Sequence[str]) -> dict[str, dict[int, _Series]]:
        """Metrics by their names."""
        found: dict[str, dict[int, _Series]] = {name: {} for name in names}
        columns = "value, step, points, sealed"
        for name, run, value, *rest in self._logged("series", columns, names):
            found[name][run] = _Series(math.nan if value is None else value, *rest)
        return found

    def extremes(
        self, series: Mapping[str, Mapping[int, _Series]]
    ) -> dict[str, dict[int, tuple[float, float]]]:
        """The least and greatest value of each series that has one: chunks say it of themselves,
        and only tails are read."""
        found: dict[str, dict[int, tuple[float, float]]] = {name: {} for name in series}
        chunks, tails = [], []
        for name, by_run in series.items():
            for run, s in by_run.items():
                if s.points == 1 and s.value == s.value:
                    found[name][run] = s.value, s.value
            chunks += [name] if any(s.sealed for s in by_run.values()) else []
            tails += [name] if any(1 < s.points > s.sealed for s in by_run.values()) else []
        for table, low, high, names in (
            ("chunk", "min_value", "max_value", chunks),
            ("tail", "value", "value", tails),
        ):
            columns = f"min({low}), max({high})"
            for name, run, least, greatest in self._logged(table, columns, names, grouped=True):
                if least is not None:
                    known = found[name].get(run, (least, greatest))
                    found[name][run] = min(known[0], least), max(known[1], greatest)
        return found

    def _logged(
        self, table: str, columns: str, names: Sequence[str], *, grouped: bool = False
    ) -> list[tuple[Any, ...]]:
        """(name, run, *columns) of what is there."""
        keys = {key: name for name in names if (key := self._key_id(name)) is not None}
        found: list[tuple[Any, ...]] = []
        if not self._ids:
            return found
        known = list(keys)
        for i in range(0, len(known), _KEYS):
            part = known[i : i + _KEYS]
            rows = self._tx.execute(
                f"select key_id, run_id, {columns} from {table} "
                f"where run_id in ({marks(self._ids)}) and key_id in ({marks(part)})"
                + (" group by key_id, run_id" if grouped else ""),
                [*self._ids, *part],
            ).fetchall()
            found += [(keys[row[0]], *row[1:]) for row in rows]
        return found

    def children(self) -> dict[int, int]:
        """How many active runs are right below each."""
        found = dict.fromkeys(self._ids, 0)
        key = self._key_id(MLFLOW_PARENT_RUN_ID)
        if key is None or not found:
            return found
        uuids = list(self._uuids)
        index = self._dialect.by_index("tag t", "tag_by_value")
        child = self._dialect.look_up("run", "c", "c.id = t.run_id")
        for uuid, count in self._tx.execute(
            f"select t.value, count(*) from {index} {child} where t.key_id = ? "
            f"and {self._dialect.beginning('t.value')} in ({marks(uuids)}) "
            "and c.lifecycle_stage = 'active' group by t.value",
            [key, *uuids],
        ).fetchall():
            if uuid in self._uuids:
                found[self._uuids[uuid]] = count
        return found

    def datasets(self) -> dict[int, list[str]]:
        """Name and digest of the datasets that they used."""
        found: dict[int, list[str]] = {run: [] for run in self._ids}
        if found:
            dataset = self._dialect.look_up("dataset", "d", "d.id = u.dataset_id")
            for run, name, digest in self._tx.execute(
                f"select u.run_id, d.name, d.digest from run_dataset u {dataset} "
                f"where u.run_id in ({marks(self._ids)}) order by u.id",
                self._ids,
            ).fetchall():
                found[run].append(f"{name}@{digest}")
        return found

    def models(self) -> dict[int, int]:
        """How many models they made."""
        found = dict.fromkeys(self._ids, 0)
        if not found:
            return found
        found.update(
            self._tx.execute(
                "select run_id, count(distinct model_id) from run_model "
                f"where run_id in ({marks(self._ids)}) and is_output = 1 group by run_id",
                self._ids,
            ).fetchall()
        )
        for run, history in self.texts("tag", [MLFLOW_LOGGED_MODELS])[MLFLOW_LOGGED_MODELS].items():
            found[run] = found[run] or models_in_history(history)
        return found
