"""Metrics in a SQL database: tail, chunks and latest values. The layout is described in
`store/db/tables.py`."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import Any

from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from mlflow.store.db.paging import decode_token, encode_token
from mlflow.store.db.points import CHUNK_POINTS, Points, decode, encode, summary
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking.base.metrics import Metrics
from mlflow.store.tracking.sql.core import SqlCore
from mlflow.utils.validation import _validate_metric

_LARGEST = 1.7976931348623157e308
#: A tail shorter than this stays when its run ends: a chunk would take more room.
_SMALLEST_CHUNK = 32


class SqlMetrics(SqlCore, Metrics):
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
        start = 0
        if page_token:
            (start,) = decode_token(page_token, 1)
            if type(start) is not int or start < 0:
                raise MlflowException.invalid_parameter_value(
                    f"Invalid page token '{page_token[:100]}': it is not one of a history."
                )
        with self.db.read() as tx:
            points = self._read_points(tx, run_id, metric_key)
        rows = points.ordered()
        token = None
        if max_results is not None:
            end = start + max_results
            token = encode_token([end]) if end < len(rows) else None
            rows = rows[start:end]
        return PagedList([Metric(metric_key, v, t, s) for t, s, v in rows], token)

    def _read_points(self, tx: Any, run_id: str, metric_key: str) -> Points:
        """All points of a series, in order of arrival; none if there is no such run or metric."""
        points = Points(array("q"), array("q"), array("d"))
        run = tx.execute("select id from run where uuid = ?", (run_id,)).fetchone()
        key = self._key_id(tx, metric_key)
        if run is None or key is None:
            return points
        where = "where run_id = ? and key_id = ? order by seq"
        for (content,) in tx.execute(f"select content from chunk {where}", (run[0], key)):
            chunk = decode(bytes(content))
            points.steps.extend(chunk.steps)
            points.timestamps.extend(chunk.timestamps)
            points.values.extend(chunk.values)
        tail = tx.execute(f"select step, timestamp, value from tail {where}", (run[0], key))
        _extend(points, tail.fetchall())
        return points

    # -- writing ----------------------------------------------------------------------------

    def _append(self, tx: Any, run: int, ids: dict[str, int], metrics: Sequence[Metric]) -> None:
        """Add points to a run that `tx` may write to, and keep the latest value of each series."""
        by_key: dict[int, list[tuple[int, int, float | None]]] = {}
        for m in metrics:
            point = (m.step, m.timestamp, _stored(m.value))
            by_key.setdefault(ids[m.key], []).append(point)
        for m in metrics:
            if m.model_id is not None:
                self._append_model_metric(tx, run, ids[m.key], m)
        for key in sorted(by_key):  # in one order everywhere, or two writers wait for each other
            self._append_series(tx, run, key, by_key[key])

    def _append_series(
        self, tx: Any, run: int, key: int, points: list[tuple[int, int, float | None]]
    ) -> None:
        step, timestamp, value = max(points, key=_rank)
        tx.execute(_UPSERT_SERIES, (run, key, value, step, timestamp, len(points)))
        count, sealed = tx.execute(
            "select points, sealed from series where run_id = ? and key_id = ?", (run, key)
        ).fetchone()
        first = count - len(points)
        if len(points) == 1:
            tx.execute(_INSERT_TAIL, (run, key, first, step, timestamp, value))
        else:
            tx.executemany(_INSERT_TAIL, [(run, key, first + i, *p) for i, p in enumerate(points)])
        if count - sealed >= CHUNK_POINTS:
            self._seal(tx, run, key)

    def _append_model_metric(self, tx: Any, run: int, key: int, m: Metric) -> None:
        tx.execute(
            "insert into model_metric (model_id, run_id, key_id, value, timestamp, step, "
            "dataset_name, dataset_digest) values (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                m.model_id,
                run,
                key,
                _stored(m.value),
                m.timestamp,
                m.step,
                m.dataset_name,
                m.dataset_digest,
            ),
        )

    def _seal(self, tx: Any, run: int, key: int) -> None:
        """Turn the tail of a series into a chunk. The series' row is locked by its update
        before."""
        rows = tx.execute(
            "select step, timestamp, value, seq from tail where run_id = ? and key_id = ? "
            "order by seq",
            (run, key),
        ).fetchall()
        if not rows:
            return
        points = Points(array("q"), array("q"), array("d"))
        _extend(points, [r[:3] for r in rows])
        s = summary(points)
        tx.execute(
            "insert into chunk (run_id, key_id, seq, points, min_step, max_step, min_timestamp, "
            "max_timestamp, min_value, max_value, last_value, sum_value, nans, monotone, content) "
            "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                run,
                key,
                rows[0][3],
                s.points,
                s.min_step,
                s.max_step,
                s.min_timestamp,
                s.max_timestamp,
                s.min_value,
                s.max_value,
                s.last_value,
                s.sum_value,
                s.nans,
                int(s.monotone),
                encode(points),
            ),
        )
        tx.execute(
            "delete from tail where run_id = ? and key_id = ? and seq <= ?",
            (run, key, rows[-1][3]),
        )
        tx.execute(
            "update series set sealed = ? where run_id = ? and key_id = ?",
            (rows[-1][3] + 1, run, key),
        )

    def _seal_run(self, tx: Any, run: int) -> None:
        """Seal what is worth it, when the run ends."""
        lock = self.db.dialect.update_lock
        keys = tx.execute(
            f"select key_id from series where run_id = ? and points - sealed >= ? "
            f"order by key_id{lock}",
            (run, _SMALLEST_CHUNK),
        ).fetchall()
        for (key,) in keys:
            self._seal(tx, run, key)


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
_UPSERT_SERIES = (
    "insert into series (run_id, key_id, value, step, timestamp, points, sealed) "
    "values (?, ?, ?, ?, ?, ?, 0) on conflict (run_id, key_id) do update set "
    f"value = case when {_NEWER} then excluded.value else series.value end, "
    f"step = case when {_NEWER} then excluded.step else series.step end, "
    f"timestamp = case when {_NEWER} then excluded.timestamp else series.timestamp end, "
    "points = series.points + excluded.points"
)


def _rank(point: tuple[int, int, float | None]) -> tuple[int, int, bool, float]:
    step, timestamp, value = point
    return step, timestamp, value is not None, value or 0.0


def _stored(value: float) -> float | None:
    """A value as columns keep it: NaN as NULL, an infinity as the largest double."""
    value = float(value)
    if value != value:
        return None
    if math.isinf(value):
        return math.copysign(_LARGEST, value)
    return value


def _extend(points: Points, rows: Sequence[Sequence[Any]]) -> None:
    if not rows:
        return
    steps, timestamps, values = zip(*rows)
    points.steps.extend(steps)
    points.timestamps.extend(timestamps)
    points.values.extend(math.nan if v is None else v for v in values)
