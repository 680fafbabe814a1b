"""Charts and samples of metrics in a SQL database, from the summaries of chunks: only those chunks
are read that lie across a boundary, or on top of others."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from mlflow.entities.metric import MetricWithRunId
from mlflow.entities.metric_chart import Axis, MetricChart
from mlflow.store.db.chunks import SUMMARY_COLUMNS
from mlflow.store.db.points import BY_TIME_AND_STEP, Points, Summary, merged, summary
from mlflow.store.tracking.base.metrics import (
    DEFAULT_CHART_BUCKETS,
    Metrics,
    check_chart,
    start_of_run,
    with_run_id,
)
from mlflow.store.tracking.charts import Curve, Grid, Rank, rank, sample, shares_of, value_of
from mlflow.store.tracking.sql.core import marks
from mlflow.store.tracking.sql.series import Chunk, Series, SqlSeries, bounds

#: A chunk with what its summary tells of it.
_Told = tuple[Chunk, Summary]

_INT64 = (-(1 << 63), (1 << 63) - 1)


class SqlCharts(SqlSeries, Metrics):
    def get_metric_charts(
        self,
        run_ids: Sequence[str],
        metric_keys: Sequence[str],
        axis: Axis = "step",
        start: int | None = None,
        end: int | None = None,
        buckets: int = DEFAULT_CHART_BUCKETS,
        *,
        own_ranges: bool = False,
    ) -> list[MetricChart]:
        check_chart(run_ids, metric_keys, axis, start, end, buckets)
        column = "step" if axis == "step" else "timestamp"
        charts = []
        with self.db.read() as tx:
            chosen = self._chosen(tx, run_ids, metric_keys)
            offsets = {s.run: begun if axis == "relative_time" else 0 for s, begun in chosen}
            ranges: dict[int, tuple[int, int]] = {}
            if chosen and (start is None or end is None):
                ranges = self._ranges_of_x(tx, chosen, column, offsets)
                if ranges and not own_ranges:
                    lows, highs = zip(*ranges.values(), strict=True)
                    ranges = dict.fromkeys(ranges, (min(lows), max(highs)))
            for series, _ in chosen:
                least, greatest = ranges.get(series.key, (0, -1))
                low = least if start is None else start
                high = greatest if end is None else end
                if low > high:
                    continue
                offset = offsets[series.run]
                grid = Grid.of(low, high, buckets).shifted(offset)
                curve = self._curve(tx, series, axis, grid, buckets)
                charts.append(curve.chart(series.run_id, series.name, offset))
        return [chart for chart in charts if chart is not None]

    def _chosen(
        self, tx: Any, run_ids: Sequence[str], metric_keys: Sequence[str]
    ) -> list[tuple[Series, int]]:
        """The series that there are, with the start of their runs, in the order asked for."""
        names = {self._key_id(tx, name): name for name in metric_keys}
        names.pop(None, None)
        rows = tx.execute(
            f"select uuid, id, start_time from run where uuid in ({marks(run_ids)})", [*run_ids]
        ).fetchall()
        runs = {uuid: (run, start_of_run(begun)) for uuid, run, begun in rows}
        if not runs or not names:
            return []
        rows = tx.execute(
            f"select run_id, key_id from series where run_id in ({marks(runs)}) "
            f"and key_id in ({marks(names)})",
            [*(run for run, _ in runs.values()), *names],
        ).fetchall()
        there = {tuple(row) for row in rows}
        return [
            (Series(runs[run_id][0], key, run_id, name), runs[run_id][1])  # type: ignore[arg-type]
            for run_id in dict.fromkeys(run_ids)
            if run_id in runs
            for key, name in names.items()
            if (runs[run_id][0], key) in there
        ]

    def _ranges_of_x(
        self, tx: Any, chosen: list[tuple[Series, int]], column: str, offsets: dict[int, int]
    ) -> dict[int, tuple[int, int]]:
        """The least and the greatest x of all points of each key."""
        keys = list({series.key for series, _ in chosen})
        found: dict[int, tuple[int, int]] = {}
        for table, least, greatest in (
            ("chunk", f"min(min_{column})", f"max(max_{column})"),
            ("tail", f"min({column})", f"max({column})"),
        ):
            rows = tx.execute(
                f"select run_id, key_id, {least}, {greatest} from {table} "
                f"where run_id in ({marks(offsets)}) and key_id in ({marks(keys)}) "
                "group by run_id, key_id",
                [*offsets, *keys],
            ).fetchall()
            for run, key, low, high in rows:
                low, high = low - offsets[run], high - offsets[run]
                before = found.get(key, (low, high))
                found[key] = min(low, before[0]), max(high, before[1])
        return found

    def _curve(self, tx: Any, series: Series, axis: Axis, grid: Grid, most: int) -> Curve:
        """What a chart has to know of a series."""
        curve = Curve(axis, grid, most)
        column = "step" if axis == "step" else "timestamp"
        chunks = self._chunks(tx, series, column, grid.start, grid.end)
        tail = self._tail(tx, series)
        apart = _apart(chunks, tail)
        whole = []
        others = []
        for chunk, s in chunks:
            bucket = None
            if chunk.seq in apart and s.ordered == BY_TIME_AND_STEP:
                bucket = curve.bucket_of(s)
            if bucket is not None and (s.sum_value is not None or s.nans == s.points):
                whole.append((bucket, s))
            else:
                others.append(chunk)
        if sum(s.points for _, s in whole) > most:
            for bucket, s in whole:
                curve.add_summary(bucket, s)
        else:
            others = [chunk for chunk, _ in chunks]
        for points in merged(self._blocks(tx, series, others, tail)):
            curve.add_points(points)
        return curve

    def _chunks(self, tx: Any, series: Series, column: str, low: int, high: int) -> list[_Told]:
        """The chunks that may have points in a range of steps, or of timestamps, ordered by
        `low`."""
        rows = tx.execute(
            f"select seq, {SUMMARY_COLUMNS} from chunk where run_id = ? and key_id = ? "
            f"and max_{column} >= ? and min_{column} <= ? order by seq",
            (series.run, series.key, *(sorted((_INT64[0], x, _INT64[1]))[1] for x in (low, high))),
        ).fetchall()
        found = []
        for row in rows:
            s = Summary._make(row[1:])
            low_, high_ = (s.min_timestamp, s.min_step), (s.max_timestamp, s.max_step)
            found.append((Chunk(low_, high_, row[0], s.ordered), s))
        found.sort(key=itemgetter(0))
        return found

    # -- samples ----------------------------------------------------------------------------

    def get_metric_history_bulk_interval_from_steps(
        self, run_id: str, metric_key: str, steps: Sequence[int], max_results: int
    ) -> list[MetricWithRunId]:
        wanted = set(steps)
        with self.db.read() as tx:
            series = self._series(tx, run_id, metric_key)
            if series is None or not wanted:
                return []
            low, high = min(wanted), max(wanted)
            chunks = self._chunks(tx, series, "step", low, high)
            points = self._between(tx, series, chunks, self._tail(tx, series), low, high)
        kept = [i for i, step in enumerate(points.steps) if step in wanted][:max_results]
        return with_run_id(points, kept, run_id, metric_key)

    def get_metric_history_bulk_interval(
        self,
        run_ids: Sequence[str],
        metric_key: str,
        max_results: int,
        start_step: int | None,
        end_step: int | None,
    ) -> list[MetricWithRunId]:
        low, high = _INT64
        if start_step is not None and end_step is not None:
            low, high = start_step, end_step
        found: list[MetricWithRunId] = []
        with self.db.read() as tx:
            for run_id in run_ids:
                series = self._series(tx, run_id, metric_key)
                if series is not None:
                    found += self._sampled(tx, series, max_results, low, high)
        return found

    def _sampled(
        self, tx: Any, series: Series, size: int, low: int, high: int
    ) -> list[MetricWithRunId]:
        """At most `size` points in a range of steps, as `sample` would choose them if its shares
        were made of whole chunks."""
        chunks = self._chunks(tx, series, "step", low, high)
        tail = self._tail(tx, series)
        nan = any(s.nans for _, s in chunks) or any(v != v for v in tail.values)
        shares, each = shares_of(size - 2, nan) if size > 4 else (0, 0)
        if not shares or len(chunks) <= shares:
            points = self._between(tx, series, chunks, tail, low, high)
            return with_run_id(points, sample(points, size), series.run_id, series.name)
        parts = self._parts(tx, series, chunks, tail, low, high)
        total, before = sum(part.summary.points for part in parts), 0
        if total <= size:
            points = Points()
            for part in parts:
                points.extend(part.read())
            points = points.in_order_of_steps()
            return with_run_id(points, range(len(points)), series.run_id, series.name)
        picked = {_first(parts), _last(parts)}
        numbered = []
        for part in parts:
            numbered.append((before * shares // total, part))
            before += part.summary.points
        for _, share in groupby(numbered, key=lambda pair: pair[0]):
            picked.update(_extremes([part for _, part in share])[:each])
        points = Points()
        points.append_rows([(p[0], p[1], value_of(p)) for p in sorted(picked)])
        return with_run_id(points, range(len(points)), series.run_id, series.name)

    def _between(
        self, tx: Any, series: Series, chunks: Sequence[_Told], tail: Points, low: int, high: int
    ) -> Points:
        """The distinct points in a range of steps, ordered by (step, timestamp, value)."""
        found = Points()
        for points in merged(self._blocks(tx, series, [chunk for chunk, _ in chunks], tail)):
            found.extend(points)
        return _cut(found.in_order_of_steps(), low, high)

    def _parts(
        self, tx: Any, series: Series, chunks: Sequence[_Told], tail: Points, low: int, high: int
    ) -> list[_Part]:
        """All points in a range of steps, in parts that are ordered by where they begin."""

        def read(chunk: Chunk) -> Points:
            return self._contents(tx, series, [chunk.seq])[chunk.seq]

        parts, read_now = [], [tail]
        for chunk, s in chunks:
            if s.ordered is not None and low <= s.min_step and s.max_step <= high:
                parts.append(_Part(s, partial(read, chunk)))
            else:
                read_now.append(read(chunk))
        for points in read_now:
            inside = _cut(points.in_order_of_steps(), low, high)
            if len(inside):
                parts.append(_Part(summary(inside), partial(_itself, inside)))
        return sorted(parts, key=_Part.begin)


def _itself(points: Points) -> Points:
    return points


class _Part(NamedTuple):
    """Some points of a series."""

    summary: Summary
    read: Callable[[], Points]

    def begin(self) -> tuple[int, int]:
        """(step, timestamp) that no point is before."""
        return self.summary.min_step, self.summary.min_timestamp

    def end(self) -> tuple[int, int]:
        return self.summary.max_step, self.summary.max_timestamp

    def first(self) -> Rank:
        """The point that is first by (step, timestamp, value)."""
        if self.summary.ordered == BY_TIME_AND_STEP:
            return rank(*self.begin(), self.summary.first_value)
        return _rank_at(self.read().in_order_of_steps(), 0)

    def last(self) -> Rank:
        if self.summary.ordered == BY_TIME_AND_STEP:
            return rank(*self.end(), self.summary.last_value)
        return _rank_at(self.read().in_order_of_steps(), -1)

    def nan(self) -> Rank:
        """A point whose value is NaN."""
        points = self.read()
        return _rank_at(points, next(i for i, v in enumerate(points.values) if v != v))


def _first(parts: Sequence[_Part]) -> Rank:
    """The first of all points, reading no more than it takes to know."""
    found = parts[0].first()
    for part in parts[1:]:
        if part.begin() > found[:2]:
            break
        found = min(found, part.first())
    return found


def _last(parts: Sequence[_Part]) -> Rank:
    backwards = sorted(parts, key=_Part.end, reverse=True)
    found = backwards[0].last()
    for part in backwards[1:]:
        if part.end() < found[:2]:
            break
        found = max(found, part.last())
    return found


def _extremes(share: Sequence[_Part]) -> list[Rank]:
    """The point with the least value, the one with the greatest, or else the last, and one whose
    value is NaN."""
    numbers = [part.summary for part in share if part.summary.min_value is not None]
    found = []
    if numbers:
        low = min(numbers, key=attrgetter("min_value"))
        high = max(numbers, key=attrgetter("max_value"))
        found = [
            rank(low.step_of_min or 0, low.timestamp_of_min or 0, low.min_value),
            rank(high.step_of_max or 0, high.timestamp_of_max or 0, high.max_value),
        ]
        if found[0] == found[1]:
            found[1] = share[-1].last()
    nan = next((part for part in share if part.summary.nans), None)
    return found if nan is None else [*found, nan.nan()]


def _rank_at(points: Points, i: int) -> Rank:
    return rank(points.steps[i], points.timestamps[i], points.values[i])


def _cut(points: Points, low: int, high: int) -> Points:
    """Those in a range of steps, of points that are ordered by step."""
    return points[bisect_left(points.steps, low) : bisect_right(points.steps, high)]


def _apart(chunks: Sequence[_Told], tail: Points) -> set[int]:
    """The numbers of the chunks that have no point in common with another one, or with the tail.

    Args:
        chunks: Ordered by `low`.
    """
    places = [(chunk.low, chunk.high, chunk.seq) for chunk, _ in chunks]
    if len(tail):
        places = sorted([*places, (*bounds(tail), -1)])
    found: set[int] = set()
    reach: tuple[int, int] | None = None
    for low, high, seq in places:
        if reach is None or low > reach:
            found.add(seq)
            last, reach = seq, high
        else:
            found.discard(last)
            reach = max(reach, high)
    return found
