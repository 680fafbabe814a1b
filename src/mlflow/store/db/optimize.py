"""Putting a database's points in the best shape: `mlflow db optimize`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mlflow.store.db.chunks import (
    SMALLEST_CHUNK,
    Row,
    chunk_rows,
    insert_chunks,
    seal_series,
)
from mlflow.store.db.database import Database
from mlflow.store.db.points import CHUNK_POINTS, Points, Summary, decode, summary

#: Series that one statement looks at, and that one transaction seals.
_LOOK = 1000
_SEAL = 16
#: Chunks that one statement looks at.
_MANY = 5000
#: Most chunks that are written anew together: all of them are in memory, and in one transaction.
_WINDOW = 64

#: (timestamp, step)
_Place = tuple[int, int]


@dataclass
class Optimized:
    """What has been done so far."""

    tails: int = 0
    """Tails that were sealed."""
    tail_points: int = 0
    """Points in them."""
    rewritten: int = 0
    """Chunks that were small or badly ordered, and were written anew."""
    written: int = 0
    """Chunks that came in their place."""
    summarized: int = 0
    """Chunks of version 1 whose summaries were completed."""
    damaged: list[str] = field(default_factory=list)
    """Metrics with chunks that cannot be read, a line each. They were left as they are."""
    bytes_before: int = 0
    """Taken by the content of the database; free pages do not count."""
    bytes_after: int = 0
    """0 as long as it is not finished."""

    def lines(self) -> list[str]:
        """The same for people."""
        found = [
            f"Tails sealed: {self.tails:,}, with {self.tail_points:,} points.",
            f"Small or badly ordered chunks written anew: {self.rewritten:,}, as {self.written:,}.",
            f"Summaries completed: {self.summarized:,}.",
            *self.damaged,
        ]
        if self.bytes_after:
            found.append(f"Size: {self.bytes_before:,} bytes before, {self.bytes_after:,} after.")
        return found


def optimize(
    database: Database,
    done: Optimized,
    *,
    vacuum: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Seal tails, join small chunks, sort badly ordered ones, complete summaries, and bring the
    planner's statistics up to date.

    Others may read and write meanwhile, and do the same. It works in short transactions, each of
    which leaves every history as it was, so it can be ended at any moment and begun again.

    Args:
        done: What was done is noted there.
        vacuum: Give free space back to the file system, too. On SQLite that takes as much space as
            the database, for a while, and nobody can write meanwhile.
        progress: Called with (series done, series in all); each is looked at twice.
    """
    with database.read() as tx:
        done.bytes_before = database.dialect.used_bytes(tx)
        (total,) = tx.execute("select count(*) from series").fetchone()
    total *= 2
    seen = 0

    def move(steps: int) -> None:
        nonlocal seen
        seen += steps
        if progress:
            progress(min(seen, total), total)

    _seal_tails(database, done, move)
    _arrange_chunks(database, done, move)
    database.dialect.tidy(database.url, vacuum=vacuum)
    with database.read() as tx:
        done.bytes_after = database.dialect.used_bytes(tx)


def _seal_tails(database: Database, done: Optimized, move: Callable[[int], None]) -> None:
    lock = database.dialect.update_lock
    last = (-1, -1)
    while True:
        with database.read() as tx:
            rows = tx.execute(
                "select run_id, key_id, points - sealed from series "
                "where run_id >= ? and (run_id > ? or key_id > ?) "
                "order by run_id, key_id limit ?",
                (last[0], *last, _LOOK),
            ).fetchall()
        if not rows:
            return
        found = [(run, key) for run, key, waiting in rows if waiting >= SMALLEST_CHUNK]
        for i in range(0, len(found), _SEAL):
            tails, points = database.write(partial(_seal, lock, found[i : i + _SEAL]))
            done.tails += tails
            done.tail_points += points
        last = rows[-1][:2]
        move(len(rows))


def _seal(lock: str, series: Sequence[tuple[int, int]], tx: Any) -> tuple[int, int]:
    return seal_series(tx, lock, series)


# -- chunks -------------------------------------------------------------------------------------


@dataclass
class _Chunk:
    """A chunk without its content."""

    run: int
    key: int
    seq: int
    points: int
    low: _Place
    high: _Place
    ordered: int | None

    def is_small(self) -> bool:
        return self.points < CHUNK_POINTS // 2


def _arrange_chunks(database: Database, done: Optimized, move: Callable[[int], None]) -> None:
    for chunks in _series_with_chunks(database):
        run, key = chunks[0].run, chunks[0].key
        try:
            for window in _windows(chunks):
                _rewrite(database, done, window)
            for chunk in chunks:
                if chunk.ordered is None:
                    _complete(database, done, chunk)
        except ValueError as e:
            done.damaged.append(f"{_name(database, run, key)}: {e}")
        move(1)


def _series_with_chunks(database: Database) -> Iterator[list[_Chunk]]:
    """The chunks of each series."""
    last = (-1, -1, -1)
    found: list[_Chunk] = []
    while True:
        with database.read() as tx:
            rows = tx.execute(
                "select run_id, key_id, seq, points, min_timestamp, min_step, max_timestamp, "
                "max_step, ordered from chunk where run_id >= ? and (run_id > ? or key_id > ? or "
                "(key_id = ? and seq > ?)) order by run_id, key_id, seq limit ?",
                (last[0], last[0], last[1], *last[1:], _MANY),
            ).fetchall()
        for run, key, seq, points, low_time, low_step, high_time, high_step, ordered in rows:
            if found and (found[0].run, found[0].key) != (run, key):
                yield found
                found = []
            low, high = (low_time, low_step), (high_time, high_step)
            found.append(_Chunk(run, key, seq, points, low, high, ordered))
        if len(rows) < _MANY:
            if found:
                yield found
            return
        last = rows[-1][:3]


def _windows(chunks: Sequence[_Chunk]) -> Iterator[list[_Chunk]]:
    """Neighbours that are better written anew, together."""
    window: list[_Chunk] = []
    for chunk in chunks:
        if window:
            overlaps = chunk.low <= max(c.high for c in window)
            joins = chunk.is_small() or sum(c.points for c in window) < CHUNK_POINTS // 2
            if (overlaps or joins) and len(window) < _WINDOW:
                window.append(chunk)
                continue
            yield window
        window = [chunk]
    if window:
        yield window


def _rewrite(database: Database, done: Optimized, window: Sequence[_Chunk]) -> None:
    """Write chunks anew, if that makes fewer of them, or better ordered ones."""
    if len(window) == 1 and window[0].ordered != 0:
        return
    run, key = window[0].run, window[0].key
    seqs = [chunk.seq for chunk in window]
    points = Points()
    with database.read() as tx:
        for seq in seqs:
            row = tx.execute(
                "select content from chunk where run_id = ? and key_id = ? and seq = ?",
                (run, key, seq),
            ).fetchone()
            if row is None:
                return  # somebody else was quicker
            points.extend(_decoded(row[0], seq))
    rows = chunk_rows(run, key, seqs[0], points.sorted())
    if not _is_better(rows, window):
        return

    def write(tx: Any) -> bool:
        _lock(database, tx, run, key)
        if not _is_there(tx, run, key, window):
            return False
        for seq in seqs:
            tx.execute(
                "delete from chunk where run_id = ? and key_id = ? and seq = ?", (run, key, seq)
            )
        insert_chunks(tx, rows)
        return True

    if database.write(write):
        done.rewritten += len(window)
        done.written += len(rows)


def _is_better(rows: Sequence[Row], window: Sequence[_Chunk]) -> bool:
    if len(rows) != len(window):
        return len(rows) < len(window)
    new = [Summary._make(row[3 : 3 + len(Summary._fields)]) for row in rows]
    now = [(c.low, c.high) for c in window]
    then = [((s.min_timestamp, s.min_step), (s.max_timestamp, s.max_step)) for s in new]
    return _overlaps(then) < _overlaps(now) or (
        _overlaps(then) == _overlaps(now)
        and sum(s.ordered or 0 for s in new) > sum(c.ordered or 0 for c in window)
    )


def _overlaps(places: Sequence[tuple[_Place, _Place]]) -> int:
    """How many begin before all the ones before have ended."""
    reach = max(places[0])
    found = 0
    for low, high in places[1:]:
        found += low <= reach
        reach = max(reach, high)
    return found


def _lock(database: Database, tx: Any, run: int, key: int) -> None:
    """Keep others from changing the chunks of a series."""
    lock = database.dialect.update_lock
    tx.execute(
        f"select points from series where run_id = ? and key_id = ?{lock}", (run, key)
    ).fetchall()


def _is_there(tx: Any, run: int, key: int, window: Sequence[_Chunk]) -> bool:
    """Whether chunks are still the ones that were read."""
    rows = tx.execute(
        "select seq, points from chunk where run_id = ? and key_id = ? and seq between ? and ? "
        "order by seq",
        (run, key, window[0].seq, window[-1].seq),
    ).fetchall()
    return [tuple(row) for row in rows] == [(c.seq, c.points) for c in window]


def _complete(database: Database, done: Optimized, chunk: _Chunk) -> None:
    """Fill in what version 1 did not know of a chunk."""
    where = "where run_id = ? and key_id = ? and seq = ?"
    keys = (chunk.run, chunk.key, chunk.seq)

    def write(tx: Any) -> int:
        _lock(database, tx, chunk.run, chunk.key)
        row = tx.execute(f"select content from chunk {where} and ordered is null", keys).fetchone()
        if row is None:
            return 0
        s = summary(_decoded(row[0], chunk.seq))
        changes = ", ".join(f"{column} = ?" for column in Summary._fields)
        tx.execute(f"update chunk set {changes} {where}", (*s, *keys))
        return 1

    done.summarized += database.write(write)


def _decoded(content: Any, seq: int) -> Points:
    try:
        return decode(bytes(content))
    except ValueError as e:
        raise ValueError(f"chunk {seq} cannot be read ({e})") from e


def _name(database: Database, run: int, key: int) -> str:
    with database.read() as tx:
        uuid = tx.execute("select uuid from run where id = ?", (run,)).fetchone()
        name = tx.execute("select name from key_name where id = ?", (key,)).fetchone()
    return f"Metric '{name and name[0]}' of run {uuid and uuid[0]}"
