"""What metrics are, defined as plainly as can be: stores must agree with it."""

from __future__ import annotations

import math
from typing import Any

LARGEST = 1.7976931348623157e308

Point = tuple[int, int, float]
"""(step, timestamp, value)"""


def stored(value: float) -> float | None:
    """A value as a SQL store answers it; None for NaN, which is not equal to itself."""
    if value != value:
        return None
    return max(-LARGEST, min(LARGEST, value)) + 0.0


def plain(value: float | None) -> float | None:
    """An answer's value, made comparable."""
    return None if value is None or value != value else value + 0.0


def _order(value: float | None) -> tuple[bool, float]:
    return value is not None, value or 0.0


def history(points: list[Point]) -> list[tuple[int, int, float | None]]:
    """Distinct (timestamp, step, value), in order."""
    rows = {(timestamp, step, stored(value)) for step, timestamp, value in points}
    return sorted(rows, key=lambda r: (r[0], r[1], _order(r[2])))


def latest(points: list[Point]) -> tuple[int, int, float | None]:
    """(step, timestamp, value) of the latest point."""
    rows = [(step, timestamp, stored(value)) for step, timestamp, value in points]
    return max(rows, key=lambda r: (r[0], r[1], _order(r[2])))


def chart(
    points: list[Point],
    axis: str,
    start: int,
    end: int,
    buckets: int,
    offset: int = 0,
) -> dict[str, Any] | None:
    """A chart of one series, as `shown` shows it."""

    def x_and_rest(row: tuple[int, int, float | None]) -> tuple[Any, ...]:
        timestamp, step, value = row
        first, second = (step, timestamp) if axis == "step" else (timestamp, step)
        return first, second, _order(value)

    def x(row: tuple[int, int, float | None]) -> int:
        return x_and_rest(row)[0] - offset

    inside = [row for row in history(points) if start <= x(row) <= end]
    inside.sort(key=x_and_rest)
    if not inside:
        return None
    if len(inside) <= buckets:
        return {"points": [(step, timestamp, value) for timestamp, step, value in inside]}
    width = math.ceil((end - start + 1) / buckets)
    while (end - start + 1) > width * buckets:  # a float holds 53 bits only
        width += 1
    while (end - start + 1) <= (width - 1) * buckets:
        width -= 1
    rows = []
    for left in sorted({start + (x(row) - start) // width * width for row in inside}):
        share = [row for row in inside if left <= x(row) < left + width]
        values = [row[2] for row in share]
        numbers = [v for v in values if v is not None]
        mean = sum(v / len(numbers) for v in numbers) if numbers else None
        rows.append(
            {
                "start": left,
                "end": min(left + width - 1, end),
                "min": min(numbers, default=None),
                "max": max(numbers, default=None),
                "mean": mean,
                "first": values[0],
                "last": values[-1],
                "count": len(values),
                "nans": len(values) - len(numbers),
            }
        )
    return {"buckets": rows}


def shown(drawn: Any) -> dict[str, Any]:
    """A store's chart in the same form."""
    if drawn.points is not None:
        assert drawn.buckets is None
        p = drawn.points
        return {"points": list(zip(p.step, p.timestamp, map(plain, p.value)))}
    columns = vars(drawn.buckets)
    assert len({len(column) for column in columns.values()}) == 1
    rows = [dict(zip(columns, row)) for row in zip(*columns.values())]
    for row in rows:
        for name in ("min", "max", "mean", "first", "last"):
            row[name] = plain(row[name])
    return {"buckets": rows}


def same(ours: dict[str, Any] | None, theirs: dict[str, Any] | None) -> bool:
    """Equal but for the last digits of means, which depend on the order of additions."""
    if not ours or not theirs or "points" in ours or "points" in theirs:
        return ours == theirs
    if len(ours["buckets"]) != len(theirs["buckets"]):
        return False
    return all(
        {**a, "mean": None} == {**b, "mean": None} and _close(a, b)
        for a, b in zip(ours["buckets"], theirs["buckets"])
    )


def _close(a: dict[str, Any], b: dict[str, Any]) -> bool:
    if a["mean"] is None or b["mean"] is None:
        return a["mean"] is b["mean"]
    scale = max(abs(a["min"]), abs(a["max"]))
    return abs(a["mean"] / 2 - b["mean"] / 2) <= scale * 1e-9


def check_sample(points: list[Point], found: list[Any], size: int) -> None:
    """Whether found metrics are a sample of at most `size` of the points that draws their curve."""
    rows = sorted(
        ((step, timestamp, value) for timestamp, step, value in history(points)),
        key=lambda r: (r[0], r[1], _order(r[2])),
    )
    got = [(m.step, m.timestamp, plain(m.value)) for m in found]
    assert len(got) <= size
    assert got == [row for row in rows if row in set(got)], "real points, in order, each once"
    if len(points) <= size:
        assert got == rows
    if not rows:
        return
    assert got[-1] == rows[-1]
    if size > 1:
        assert got[0] == rows[0]
    values = {row[2] for row in rows}
    numbers = values - {None}
    kept = {row[2] for row in got}
    if numbers and (size >= 5 if None in values else size >= 4):
        assert {min(numbers), max(numbers)} <= kept
    if size >= 5:
        assert (None in kept) == (None in values), "a gap stays"
