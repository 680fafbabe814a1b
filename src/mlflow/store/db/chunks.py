"""Moving points of metrics from tails to chunks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from mlflow.store.db.points import Points, Summary, cuts, encode, summary

#: A tail shorter than this stays where it is: a chunk would take more room.
SMALLEST_CHUNK = 32

SUMMARY_COLUMNS = ", ".join(Summary._fields)
_INSERT_CHUNK = (
    f"insert into chunk (run_id, key_id, seq, {SUMMARY_COLUMNS}, content) "
    f"values (?, ?, ?, {', '.join('?' for _ in Summary._fields)}, ?)"
)

Row = tuple[Any, ...]


def chunk_rows(run: int, key: int, first: int, points: Points) -> list[Row]:
    """Rows of chunks with these points, the first of which is number `first` of its series."""
    rows = []
    for begin, end in cuts(len(points)):
        part = points[begin:end]
        rows.append((run, key, first + begin, *summary(part), encode(part)))
    return rows


def insert_chunks(tx: Any, rows: Sequence[Row]) -> None:
    tx.executemany(_INSERT_CHUNK, rows)


def to_chunks(
    tx: Any,
    run: int,
    key: int,
    points: int,
    sealed: int,
    new: Sequence[tuple[int, int, float | None]] = (),
) -> None:
    """Move the tail of a series into chunks, with `new` points behind it. The caller has locked the
    row of the series.

    Args:
        points: How many the series has, the new ones among them.
        sealed: How many of them are in chunks.
        new: (step, timestamp, value) each, None being NaN.
    """
    whole = Points()
    if points - sealed > len(new):
        rows = tx.execute(
            "select step, timestamp, value from tail where run_id = ? and key_id = ? order by seq",
            (run, key),
        ).fetchall()
        whole.append_rows(rows)
        tx.execute("delete from tail where run_id = ? and key_id = ?", (run, key))
    whole.append_rows(new)
    if len(whole):
        insert_chunks(tx, chunk_rows(run, key, sealed, whole))
    tx.execute("update series set sealed = ? where run_id = ? and key_id = ?", (points, run, key))


def seal_run(tx: Any, update_lock: str, run: int, *, least: int, most: int) -> bool:
    """Seal tails of a run; whether there may be more.

    Args:
        update_lock: Of the dialect.
        least: Points that a tail must have.
        most: How many series, so that others need not wait long.
    """
    rows = tx.execute(
        "select key_id, points, sealed from series where run_id = ? and points - sealed >= ? "
        f"order by key_id limit ?{update_lock}",
        (run, least, most),
    ).fetchall()
    for key, points, sealed in rows:
        to_chunks(tx, run, key, points, sealed)
    return len(rows) == most


def seal_series(tx: Any, update_lock: str, series: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Seal tails of some series, by run and key, that are worth it; how many it were, and their
    points."""
    tails = found = 0
    for run, key in series:
        row = tx.execute(
            f"select points, sealed from series where run_id = ? and key_id = ?{update_lock}",
            (run, key),
        ).fetchone()
        if row is not None and row[0] - row[1] >= SMALLEST_CHUNK:
            to_chunks(tx, run, key, *row)
            tails += 1
            found += row[0] - row[1]
    return tails, found
