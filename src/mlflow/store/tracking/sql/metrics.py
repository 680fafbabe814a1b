"""Metrics in a SQL database: writing, and reading whole histories. The layout is described in
`store/db/tables.py`."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, repeat
from operator import attrgetter, itemgetter
from typing import Any, TypeVar

from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from mlflow.store.db.chunks import SMALLEST_CHUNK, seal_run, to_chunks
from mlflow.store.db.paging import decode_token, encode_token
from mlflow.store.db.points import CHUNK_POINTS, Points
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking.base.logged_models import check_dataset_of_metric, no_model
from mlflow.store.tracking.base.metrics import Metrics
from mlflow.store.tracking.charts import rank
from mlflow.store.tracking.sql.core import marks
from mlflow.store.tracking.sql.sealer import Sealer
from mlflow.store.tracking.sql.series import SqlSeries
from mlflow.utils.collection import no_collection
from mlflow.utils.validation import _validate_metric

T = TypeVar("T")

_LARGEST = 1.7976931348623157e308
#: So many points of one series at once are a chunk of their own.
_CHUNK_AT_ONCE = CHUNK_POINTS // 2
#: Tails that are sealed by the transaction that ends their run.
_SEALED_AT_ONCE = 32
#: Tails that are read by one statement.
_TAILS = 64
#: Keys in one statement.
_KEYS = 500

_PARTS = attrgetter("key", "step", "timestamp", "value", "model_id")
_Point = tuple[int, int, "float | None"]


class SqlMetrics(SqlSeries, Metrics):
    sealer: Sealer

    def log_metric(self, run_id: str, metric: Metric) -> None:
        _validate_metric(metric.key, metric.value, metric.timestamp, metric.step)

        def write(tx: Any, ids: dict[str, int]) -> None:
            run = self._run_to_write(tx, run_id)
            self._append(tx, run, ids, [metric])

        self._write_with_keys((metric.key,), write)

    def get_metric_history(
        self,
        run_id: str,
        metric_key: str,
        max_results: int | None = None,
        page_token: str | None = None,
    ) -> PagedList[Metric]:
        points, token = self.metric_columns(run_id, metric_key, max_results, page_token)
        columns = points.values, points.timestamps, points.steps
        with no_collection(len(points)):
            return PagedList(map(Metric, repeat(metric_key), *columns), token)

    def metric_columns(
        self,
        run_id: str,
        metric_key: str,
        max_results: int | None = None,
        page_token: str | None = None,
    ) -> tuple[Points, str | None]:
        if max_results is not None and max_results < 1:
            raise MlflowException.invalid_parameter_value(
                f"Invalid value {max_results} for max_results; a positive number is needed."
            )
        last = _last_of_page(page_token) if page_token else None
        page = Points()
        with self.db.read() as tx:
            series = self._series(tx, run_id, metric_key)
            if series is None:
                return page, None
            wanted = None if max_results is None else max_results + 1
            for points in self._pieces(tx, series, last and last[0], wanted):
                page.extend(points if last is None else _behind(last, points))
                if wanted is not None and len(page) >= wanted:
                    break
        if max_results is None or len(page) <= max_results:
            return page, None
        page = page[:max_results]
        return page, encode_token([page.timestamps[-1], page.steps[-1], page.values[-1]])

    def metric_histories(
        self, run_id: str, metric_keys: Sequence[str] | None = None
    ) -> Iterator[tuple[str, Points]]:
        with self.db.read() as tx:
            found = tx.execute(
                "select s.key_id, s.sealed, s.run_id from series s join run r on r.id = s.run_id "
                "where r.uuid = ?",
                (run_id,),
            ).fetchall()
            names = self._names_of(tx, [key for key, _, _ in found])
        wanted = None if metric_keys is None else set(metric_keys)
        there = sorted(
            (names[key], key, sealed, run)
            for key, sealed, run in found
            if wanted is None or names[key] in wanted
        )
        for i in range(0, len(there), _TAILS):
            part = there[i : i + _TAILS]
            short = {key: Points() for _, key, sealed, _ in part if not sealed}
            self._add_tails(part[0][3], short)
            for name, key, _, _ in part:
                points = short.get(key)
                if points is None or not len(points):  # or it has just become a chunk
                    yield from self._pages_of_history(run_id, name)
                else:
                    yield name, points.in_order()

    def _add_tails(self, run: int, tails: dict[int, Points]) -> None:
        """Read many tails by one statement, those whose series still have nothing else."""
        if not tails:
            return
        with self.db.read() as tx:
            rows = tx.execute(
                "select t.key_id, t.step, t.timestamp, t.value from series s join tail t "
                "on t.run_id = s.run_id and t.key_id = s.key_id where s.run_id = ? "
                f"and s.key_id in ({marks(tails)}) and s.sealed = 0 order by t.key_id, t.seq",
                (run, *tails),
            ).fetchall()
        for key, group in groupby(rows, key=itemgetter(0)):
            tails[key].append_rows([row[1:] for row in group])

    # -- writing ----------------------------------------------------------------------------

    def _append(self, tx: Any, run: int, ids: dict[str, int], metrics: Sequence[Metric]) -> None:
        """Add points to a run that `tx` may write to, and keep the latest value of each series."""
        self.sealer.note(run)
        by_key: dict[int, list[_Point]] = {}
        of_models: list[tuple[int, Metric]] = []
        for m in metrics:
            name, step, timestamp, value, model_id = _PARTS(m)
            if not type(step) is type(timestamp) is int:
                step, timestamp = int(step), int(timestamp)
            key, point = ids[name], (step, timestamp, _stored(value))
            if key in by_key:
                by_key[key].append(point)
            else:
                by_key[key] = [point]
            if model_id:
                of_models.append((key, m))
        if of_models:
            self._append_to_models(tx, run, of_models)
        if len(by_key) == 1:
            for key, points in by_key.items():
                self._append_series(tx, run, key, points)
        else:
            self._append_many(tx, run, by_key)

    def _append_series(self, tx: Any, run: int, key: int, new: list[_Point]) -> None:
        step, timestamp, value = _latest(new)
        tx.execute(_UPSERT_SERIES, (run, key, value, step, timestamp, len(new), 0))
        points, sealed = tx.execute(
            "select points, sealed from series where run_id = ? and key_id = ?", (run, key)
        ).fetchone()
        if _is_chunk(points - sealed, len(new)):
            to_chunks(tx, run, key, points, sealed, new)
        elif len(new) == 1:
            tx.execute(_INSERT_TAIL, (run, key, points - 1, step, timestamp, value))
        else:
            tx.executemany(_INSERT_TAIL, _tail_rows(run, key, points, new))

    def _append_many(self, tx: Any, run: int, by_key: dict[int, list[_Point]]) -> None:
        """A few statements for many series."""
        keys = sorted(by_key)  # in one order everywhere, or two writers wait for each other
        latest = []
        for key in keys:
            step, timestamp, value = _latest(by_key[key])
            latest.append((run, key, value, step, timestamp, len(by_key[key]), 0))
        tx.executemany(_UPSERT_SERIES, latest)
        tail: list[tuple[Any, ...]] = []
        for i in range(0, len(keys), _KEYS):
            part = keys[i : i + _KEYS]
            rows = tx.execute(
                "select key_id, points, sealed from series "
                f"where run_id = ? and key_id in ({marks(part)})",
                (run, *part),
            ).fetchall()
            for key, points, sealed in rows:
                new = by_key[key]
                if _is_chunk(points - sealed, len(new)):
                    to_chunks(tx, run, key, points, sealed, new)
                else:
                    tail += _tail_rows(run, key, points, new)
        if tail:
            tx.executemany(_INSERT_TAIL, tail)

    def _append_to_models(self, tx: Any, run: int, metrics: list[tuple[int, Metric]]) -> None:
        """Note points, with the ids of their keys, at the logged models that were measured."""
        for model_id in {m.model_id: None for _, m in metrics}:
            row = tx.execute(
                "select 1 from logged_model where uuid = ?" + self.db.dialect.share_lock,
                (model_id,),
            ).fetchone()
            if row is None:
                raise no_model(str(model_id))
        for _, m in metrics:
            check_dataset_of_metric(m)
        self._insert_model_metrics(tx, [(run, key, m) for key, m in metrics])

    def _insert_model_metrics(
        self, tx: Any, rows: list[tuple[int, int, Metric]], model_id: str | None = None
    ) -> None:
        """Note (run, key, point) at the logged model, or at the one that each point names."""
        if rows:
            tx.executemany(
                "insert into model_metric (model_id, run_id, key_id, value, timestamp, step, "
                "dataset_name, dataset_digest) values (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        model_id or m.model_id,
                        run,
                        key,
                        _stored(m.value),
                        int(m.timestamp),
                        int(m.step),
                        m.dataset_name or None,
                        m.dataset_digest or None,
                    )
                    for run, key, m in rows
                ],
            )

    def _seal_run(self, tx: Any, run: int) -> None:
        """Seal tails of a run that has ended, as many as do not keep others waiting. The sealer
        does the rest."""
        lock = self.db.dialect.update_lock
        more = seal_run(tx, lock, run, least=SMALLEST_CHUNK, most=_SEALED_AT_ONCE)
        self.sealer.note_end(run, more=more)

    def _write_with_keys(self, names: Iterable[str], work: Callable[[Any, dict[str, int]], T]) -> T:
        result = super()._write_with_keys(names, work)
        self.sealer.now_and_then()
        return result


_INSERT_TAIL = (
    "insert into tail (run_id, key_id, seq, step, timestamp, value) values (?, ?, ?, ?, ?, ?)"
)

# The latest point is the one that is greatest by (step, timestamp, value), NaN (here NULL) below
# all numbers.
_NEWER = (
    "(excluded.step > series.step or (excluded.step = series.step and "
    "(excluded.timestamp > series.timestamp or (excluded.timestamp = series.timestamp and "
    "excluded.value is not null and (series.value is null or excluded.value > series.value)))))"
)
# In this order, since MySQL's later assignments see what the earlier ones have changed.
_UPSERT_SERIES = (
    "insert into series (run_id, key_id, value, step, timestamp, points, sealed) "
    "values (?, ?, ?, ?, ?, ?, ?) on conflict (run_id, key_id) do update set "
    f"value = case when {_NEWER} then excluded.value else series.value end, "
    f"timestamp = case when {_NEWER} then excluded.timestamp else series.timestamp end, "
    f"step = case when {_NEWER} then excluded.step else series.step end, "
    "points = series.points + excluded.points"
)


def _is_chunk(waiting: int, new: int) -> bool:
    """Whether points go to a chunk now.

    Args:
        waiting: How many are in no chunk, the new ones among them.
        new: How many have just come.
    """
    return waiting >= CHUNK_POINTS or new >= _CHUNK_AT_ONCE


def _tail_rows(run: int, key: int, points: int, new: list[_Point]) -> list[tuple[Any, ...]]:
    return [(run, key, seq, *point) for seq, point in enumerate(new, points - len(new))]


def _latest(points: list[_Point]) -> _Point:
    """The greatest by (step, timestamp, value), where NaN (here None) is below all numbers."""
    try:
        return max(points)
    except TypeError:  # points that differ by value only, and None among them
        return max(points, key=_rank)


def _rank(point: _Point) -> tuple[int, int, bool, float]:
    step, timestamp, value = point
    return step, timestamp, value is not None, value or 0.0


def _stored(value: float) -> float | None:
    """A value as columns keep it: NaN as NULL, an infinity as the largest double."""
    value = float(value)
    if -_LARGEST <= value <= _LARGEST:
        return value
    return None if value != value else math.copysign(_LARGEST, value)


def _last_of_page(token: str) -> tuple[int, int, float]:
    """The (timestamp, step, value) of the last point on the page before."""
    timestamp, step, value = decode_token(token, 3)
    if not all(type(n) is int and -(1 << 63) <= n < 1 << 63 for n in (timestamp, step)) or (
        type(value) is not float
    ):
        raise MlflowException.invalid_parameter_value(
            f"Invalid page token '{token[:100]}': it is not one of a history."
        )
    return timestamp, step, value


def _behind(last: tuple[int, int, float], points: Points) -> Points:
    """Those of the ordered points that come after `last`."""
    if not len(points) or points.at(0)[::-1] > last[:2]:
        return points
    timestamps, steps, values = points.timestamps, points.steps, points.values
    at = bisect_right(
        range(len(points)),
        rank(*last),
        key=lambda i: rank(timestamps[i], steps[i], values[i]),
    )
    return points[at:]
