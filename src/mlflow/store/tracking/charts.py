"""Fewer numbers that draw the same curve: buckets of a chart, and samples of a history."""

from __future__ import annotations

import math
import sys
from bisect import bisect_left, bisect_right
from typing import NamedTuple

from mlflow.entities.metric_chart import Axis, ChartBuckets, ChartPoints, MetricChart
from mlflow.store.db.points import Points, Summary

_LARGEST = sys.float_info.max
#: How a point stands among those of its bucket: x, then the other coordinate, a number after NaN,
#: and the value.
Rank = tuple[int, int, bool, float]


class Grid(NamedTuple):
    """Equal shares of the range of a chart's x."""

    start: int
    end: int
    """Belongs to the range, like `start`."""
    width: int

    @classmethod
    def of(cls, start: int, end: int, buckets: int) -> Grid:
        """At most so many shares, as wide as it takes."""
        return cls(start, end, -((start - end - 1) // buckets))

    def shifted(self, by: int) -> Grid:
        return Grid(self.start + by, self.end + by, self.width)


class _Bucket:
    """What is known of a bucket so far."""

    __slots__ = ("count", "nans", "low", "high", "means", "first", "last")

    def __init__(self) -> None:
        self.count = self.nans = 0
        self.low, self.high = math.inf, -math.inf
        self.means: list[tuple[float, int]] = []
        self.first: Rank | None = None
        self.last: Rank | None = None

    def add(
        self,
        count: int,
        nans: int,
        low: float | None,
        high: float | None,
        mean: float,
        first: Rank,
        last: Rank,
    ) -> None:
        self.count += count
        self.nans += nans
        if low is not None and high is not None:
            self.low, self.high = min(self.low, low), max(self.high, high)
            self.means.append((mean, count - nans))
        self.first = first if self.first is None else min(self.first, first)
        self.last = last if self.last is None else max(self.last, last)

    def mean(self) -> float:
        size = self.count - self.nans
        mean = sum(mean * n for mean, n in self.means) / size
        if not math.isfinite(mean):
            mean = sum(mean * (n / size) for mean, n in self.means)
        return min(max(mean, self.low), self.high)  # which rounding could have left


class Curve:
    """One series on its way to a chart: distinct points, and summaries of chunks, come in any
    order.

    Args:
        axis: What x is.
        grid: On the axis of steps, or of timestamps.
        most: Points that are kept as they are; where there are more, they become buckets.
    """

    def __init__(self, axis: Axis, grid: Grid, most: int):
        self._by_step = axis == "step"
        self._grid = grid
        self._most = most
        self._few: list[Points] | None = []
        """All points so far, which nothing is known of yet; None once there are too many."""
        self._buckets: dict[int, _Bucket] = {}

    def bucket_of(self, summary: Summary) -> int | None:
        """The number of the bucket that has all the points of a chunk; None if there is none."""
        low, high = self._range(summary)
        start, end, width = self._grid
        first, last = (low - start) // width, (high - start) // width
        return first if first == last and start <= low and high <= end else None

    def _range(self, s: Summary) -> tuple[int, int]:
        if self._by_step:
            return s.min_step, s.max_step
        return s.min_timestamp, s.max_timestamp

    def add_summary(self, number: int, s: Summary) -> None:
        """Add the points of an ordered chunk to its bucket; it has a sum, unless all is NaN."""
        self._spill()
        low, high = (s.min_step, s.min_timestamp), (s.max_step, s.max_timestamp)
        if not self._by_step:
            low, high = low[::-1], high[::-1]
        size = s.points - s.nans
        self._bucket(number).add(
            s.points,
            s.nans,
            s.min_value,
            s.max_value,
            (s.sum_value or 0.0) / max(size, 1),
            rank(*low, s.first_value),
            rank(*high, s.last_value),
        )

    def add_points(self, points: Points) -> None:
        """Add distinct points, ordered by time; those outside of the range are passed over."""
        if self._by_step:
            points = points.in_order_of_steps()
        x = points.steps if self._by_step else points.timestamps
        start, end, _ = self._grid
        at, stop = bisect_left(x, start), bisect_right(x, end)
        inside = points[at:stop]
        if self._few is None:
            self._share(inside)
            return
        self._few.append(inside)
        if sum(map(len, self._few)) > self._most:
            self._spill()

    def _spill(self) -> None:
        """Put what waits into buckets, and what comes from now on."""
        few, self._few = self._few or [], None
        for points in few:
            self._share(points)

    def _share(self, points: Points) -> None:
        """Put points of the range, ordered by x, into buckets."""
        x = points.steps if self._by_step else points.timestamps
        start, _, width = self._grid
        at, stop = 0, len(points)
        values = points.values
        while at < stop:
            number = (x[at] - start) // width
            then = bisect_left(x, start + (number + 1) * width, at, stop)
            part = values[at:then].tolist()
            numbers = [v for v in part if v == v] if _has_nan(part) else part
            self._bucket(number).add(
                len(part),
                len(part) - len(numbers),
                min(numbers, default=None),
                max(numbers, default=None),
                _mean(numbers),
                self._rank(points, at),
                self._rank(points, then - 1),
            )
            at = then

    def _rank(self, points: Points, i: int) -> Rank:
        step, timestamp = points.at(i)
        value = points.values[i]
        return rank(step, timestamp, value) if self._by_step else rank(timestamp, step, value)

    def _bucket(self, number: int) -> _Bucket:
        bucket = self._buckets.get(number)
        if bucket is None:
            bucket = self._buckets[number] = _Bucket()
        return bucket

    def chart(self, run_id: str, metric_key: str, offset: int = 0) -> MetricChart | None:
        """What there is to draw; None if nothing lies in the range.

        Args:
            offset: Subtracted from x.
        """
        if self._few is not None:
            few = Points()
            for part in self._few:
                few.extend(part)
            if not len(few):
                return None
            few = few.in_order_of_steps() if self._by_step else few.in_order()
            points = ChartPoints(few.steps.tolist(), few.timestamps.tolist(), few.values.tolist())
            return MetricChart(run_id, metric_key, points=points)
        if not self._buckets:
            return None
        found = ChartBuckets()
        start, end, width = self._grid.shifted(-offset)
        for number, bucket in sorted(self._buckets.items()):
            left = start + number * width
            found.start.append(left)
            found.end.append(min(left + width - 1, end))
            numbers = bucket.count > bucket.nans
            found.min.append(bucket.low if numbers else None)
            found.max.append(bucket.high if numbers else None)
            found.mean.append(bucket.mean() if numbers else None)
            found.first.append(value_of(bucket.first))
            found.last.append(value_of(bucket.last))
            found.count.append(bucket.count)
            found.nans.append(bucket.nans)
        return MetricChart(run_id, metric_key, buckets=found)


def rank(x: int, other: int, value: float | None) -> Rank:
    if value is None or value != value:
        return x, other, False, 0.0
    return x, other, True, value


def value_of(point: Rank | None) -> float:
    assert point is not None
    return point[3] if point[2] else math.nan


def _has_nan(values: list[float]) -> bool:
    total = sum(values)
    return total != total


def _mean(numbers: list[float]) -> float:
    """The mean of numbers; of none, 0."""
    size = len(numbers) or 1
    total = sum(numbers)
    if math.isfinite(total):
        return total / size
    return sum(min(max(v, -_LARGEST), _LARGEST) / size for v in numbers)


# -- samples ------------------------------------------------------------------------------------


def sample(points: Points, size: int) -> list[int]:
    """The numbers of at most `size` of the points, in their order: the first, the last, and from
    each of equal shares of the others the least, the greatest and, where there is NaN anywhere, one
    that is NaN. So a spike stays, wherever it is, and so does a gap.

    Args:
        points: Distinct, and ordered.
    """
    total = len(points)
    if total <= size:
        return list(range(total))
    if size == 1:
        return [total - 1]
    values = points.values.tolist()
    picked = {0, total - 1}
    room = size - 2
    shares, each = shares_of(room, _has_nan(values[1:-1]))
    for i in range(shares):
        begin = 1 + i * (total - 2) // shares
        share = values[begin : 1 + (i + 1) * (total - 2) // shares]
        picked.update(begin + at for at in _extremes(share)[: min(each, room)])
    return sorted(picked)


def shares_of(room: int, nan: bool) -> tuple[int, int]:
    """How many shares give `room` points, and how many points each of them gives."""
    each = 3 if nan else 2
    return (max(1, room // each) if room else 0), each


def _extremes(values: list[float]) -> list[int]:
    """The numbers of the least value, the greatest, or else the last, and of the first NaN."""
    numbers, nan = values, []
    if _has_nan(values):
        nan = [i for i, v in enumerate(values) if v != v][:1]
        numbers = [v for v in values if v == v]
    if not numbers:
        return list(dict.fromkeys([0, len(values) - 1]))
    low, high = values.index(min(numbers)), values.index(max(numbers))
    ends = [low, high] if low != high else [low, len(values) - 1]
    return [*dict.fromkeys([*ends, *nan])]
