"""Reading the points of one metric of one run: chunks, by their summaries, and the tail."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.db.paging import Term, after, order_clause
from mlflow.store.db.points import CHUNK_POINTS, Block, Points, decode, merged
from mlflow.store.tracking.sql.core import SqlCore, marks

#: Chunks whose content is read by one statement.
_BATCH = 64
#: Chunks whose places are read by one statement.
_MANY = 100_000

_PLACE = "min_timestamp, min_step, max_timestamp, max_step, seq, ordered"
_TERMS = [Term("min_timestamp"), Term("min_step"), Term("seq")]

# In quotes: two of them are words of MySQL's.


class Series(NamedTuple):
    """One metric of one run, by the ids of its rows."""

    run: int
    key: int
    run_id: str
    name: str


class Chunk(NamedTuple):
    """A chunk without its content."""

    low: tuple[int, int]
    """(timestamp, step); no point is before it."""
    high: tuple[int, int]
    """No point is after it."""
    seq: int
    """The number of its first point in the series; with the series, its key."""
    ordered: int | None
    """As in `Summary`."""


class SqlSeries(SqlCore):
    """What the topics of metrics share."""

    def _series(self, tx: Any, run_id: str, metric_key: str) -> Series | None:
        """None if there is no such run, or nothing was ever logged under that key."""
        run = tx.execute("select id from run where uuid = ?", (run_id,)).fetchone()
        key = self._key_id(tx, metric_key)
        return None if run is None or key is None else Series(run[0], key, run_id, metric_key)

    def _pieces(
        self, tx: Any, series: Series, since: int | None = None, wanted: int | None = None
    ) -> Iterator[Points]:
        """The distinct points in order, piece by piece, reading as little ahead as may be.

        Args:
            since: Chunks may be left out that have no point at or after this time.
            wanted: About how many points will be needed; None for all.
        """
        size, many = _BATCH, _MANY
        if wanted is not None:
            size = min(_BATCH, wanted // CHUNK_POINTS + 2)
            many = 4 * size
        chunks = self._chunks_by_time(tx, series, since, many)
        return merged(self._blocks(tx, series, chunks, self._tail(tx, series, since), size))

    def _chunks_by_time(
        self, tx: Any, series: Series, since: int | None, many: int
    ) -> Iterator[Chunk]:
        where, params = "run_id = ? and key_id = ?", [series.run, series.key]
        if since is not None:
            where += " and max_timestamp >= ?"
            params.append(since)
        beyond = ""
        last: Sequence[int] = []
        while True:
            rows = tx.execute(
                f"select {_PLACE} from chunk where {where}{beyond} {order_clause(_TERMS)} limit ?",
                (*params, *last, many),
            ).fetchall()
            for low_time, low_step, high_time, high_step, seq, ordered in rows:
                yield Chunk((low_time, low_step), (high_time, high_step), seq, ordered)
            if len(rows) < many:
                return
            clause, last = after(_TERMS, (low_time, low_step, seq))
            beyond = f" and {clause}"
            many = min(4 * many, _MANY)

    def _blocks(
        self,
        tx: Any,
        series: Series,
        chunks: Iterable[Chunk],
        tail: Points,
        size: int = _BATCH,
    ) -> Iterator[Block]:
        """Chunks, and the tail among them, with their points.

        Args:
            chunks: Ordered by `low`.
            size: How many are read at first.
        """
        blocks = self._read(tx, series, iter(chunks), size)
        if not len(tail):
            return blocks
        return heapq.merge(blocks, [Block(*bounds(tail), tail, None)], key=itemgetter(0))

    def _read(self, tx: Any, series: Series, chunks: Iterator[Chunk], size: int) -> Iterator[Block]:
        while batch := list(islice(chunks, size)):
            contents = self._contents(tx, series, [chunk.seq for chunk in batch])
            for chunk in batch:
                yield Block(chunk.low, chunk.high, contents[chunk.seq], chunk.ordered)
            size = min(2 * size, _BATCH)

    def _contents(self, tx: Any, series: Series, seqs: Sequence[int]) -> dict[int, Points]:
        """Points of chunks, by the chunks' numbers.

        Raises:
            MlflowException: DATA_LOSS naming the run and the metric if a chunk is damaged.
        """
        found = {}
        for i in range(0, len(seqs), _BATCH):
            part = seqs[i : i + _BATCH]
            rows = tx.execute(
                "select seq, content from chunk where run_id = ? and key_id = ? "
                f"and seq in ({marks(part)})",
                (series.run, series.key, *part),
            ).fetchall()
            for seq, content in rows:
                try:
                    found[seq] = decode(bytes(content))
                except ValueError as e:
                    raise MlflowException(
                        f"Metric '{series.name}' of run {series.run_id} cannot be read: its chunk "
                        f"{seq} is not as it was written ({e}). The run's other metrics are not "
                        "affected. `mlflow db check` looks for more damage.",
                        error_code=CODES["DATA_LOSS"],
                    ) from e
        return found

    def _tail(self, tx: Any, series: Series, since: int | None = None) -> Points:
        """The points that are not in chunks, in order of arrival."""
        points = Points()
        where = "run_id = ? and key_id = ?" + ("" if since is None else " and timestamp >= ?")
        rows = tx.execute(
            f"select step, timestamp, value from tail where {where} order by seq",
            (series.run, series.key) if since is None else (series.run, series.key, since),
        )
        points.append_rows(rows.fetchall())
        return points


def bounds(points: Points) -> tuple[tuple[int, int], tuple[int, int]]:
    """(timestamp, step) that no point is before, and that no point is after."""
    return (
        (min(points.timestamps), min(points.steps)),
        (max(points.timestamps), max(points.steps)),
    )
