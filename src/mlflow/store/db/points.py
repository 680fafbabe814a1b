"""Points of a metric as columns: the content of a chunk, and its summary.

A chunk holds steps, timestamps and values of up to `CHUNK_POINTS` points (and somewhat more, where
a few were left over) in order of arrival: steps and timestamps as differences to the one before
(64-bit, wrapping), values as doubles, each column's bytes transposed so that equal high bytes lie
together, then zstd. The standard library's arrays do the work, so a store needs no numpy.
"""

from __future__ import annotations

import math
import threading
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, islice
from operator import le, lt, sub
from typing import Any, NamedTuple

CHUNK_POINTS = 1024

#: What `Points.order` tells.
UNORDERED = 0
#: By (timestamp, step, value), and no point is there twice.
BY_TIME = 1
#: And steps never go down, so it is the order by (step, timestamp, value), too.
BY_TIME_AND_STEP = 2

_WRAP = 1 << 64
_TOP = 1 << 63
#: First byte of a chunk: how the rest is laid out.
_FORMAT = b"\x01"


class Points:
    """Points of one metric, as parallel columns.

    Args:
        steps: 64-bit integers.
        timestamps: Milliseconds since the Unix epoch, 64-bit integers.
        values: Doubles; NaN is kept.
        known: What `order` will tell; None if nobody has looked yet.
    """

    __slots__ = ("_steps", "_timestamps", "values", "known")

    def __init__(
        self,
        steps: array | bytes | None = None,
        timestamps: array | bytes | None = None,
        values: array | None = None,
        known: int | None = None,
    ):
        # bytes: differences, as a chunk has them; charts need few of the sums
        self._steps = array("q") if steps is None else steps
        self._timestamps = array("q") if timestamps is None else timestamps
        self.values = array("d") if values is None else values
        self.known = known

    @property
    def steps(self) -> array:
        if isinstance(self._steps, bytes):
            self._steps = _sums(self._steps)
        return self._steps

    @property
    def timestamps(self) -> array:
        if isinstance(self._timestamps, bytes):
            self._timestamps = _sums(self._timestamps)
        return self._timestamps

    def at(self, i: int) -> tuple[int, int]:
        """(step, timestamp) of one point."""
        return _at(self._steps, i), _at(self._timestamps, i)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, part: slice) -> Points:
        return Points(
            self.steps[part], self.timestamps[part], self.values[part], self.known or None
        )

    def extend(self, more: Points) -> None:
        self.steps.extend(more.steps)
        self.timestamps.extend(more.timestamps)
        self.values.extend(more.values)
        self.known = None

    def index(self, bound: tuple[int, int]) -> int:
        """Where the first point that is not before (timestamp, step) stands, in points ordered by
        them."""
        return bisect_left(
            range(len(self)), bound, key=lambda i: (self.timestamps[i], self.steps[i])
        )

    def append_rows(self, rows: Sequence[Sequence[Any]]) -> None:
        """Add (step, timestamp, value) each, where None is NaN."""
        if not rows:
            return
        steps, timestamps, values = zip(*rows)
        self.steps.extend(steps)
        self.timestamps.extend(timestamps)
        if None in values:
            values = [math.nan if v is None else v for v in values]  # type: ignore[assignment]
        self.values.extend(values)
        self.known = None

    def order(self) -> int:
        """`UNORDERED`, `BY_TIME` or `BY_TIME_AND_STEP`."""
        if self.known is None:
            self.known = _order(self.timestamps.tolist(), self.steps.tolist())
        return self.known

    def in_order(self) -> Points:
        """The distinct points, ordered by (timestamp, step, value), NaN before numbers."""
        if self.order():
            return self
        timestamps, steps, _, values = zip(*sorted(set(self._comparable())))
        return Points(array("q", steps), array("q", timestamps), array("d", values), BY_TIME)

    def sorted(self) -> Points:
        """All points, ordered by (timestamp, step, value); those that are there twice stay so."""
        if self.order():
            return self
        timestamps, steps, _, values = zip(*sorted(self._comparable()))
        return Points(array("q", steps), array("q", timestamps), array("d", values))

    def ordered(self) -> list[tuple[int, int, float]]:
        """The rows (timestamp, step, value) of `in_order`."""
        points = self.in_order()
        return list(zip(points.timestamps, points.steps, points.values))

    def in_order_of_steps(self) -> Points:
        """The distinct points, ordered by (step, timestamp, value), NaN before numbers."""
        if self.order() == BY_TIME_AND_STEP:
            return self
        turned = Points(self.timestamps, self.steps, self.values).in_order()
        return Points(turned.timestamps, turned.steps, turned.values)

    def _comparable(self) -> Iterable[tuple[int, int, bool, float]]:
        values = self.values
        numbers = [v == v for v in values]
        # One object for every NaN: tuples of the same object are equal.
        kept = values if all(numbers) else [v if v == v else math.nan for v in values]
        return zip(self.timestamps, self.steps, numbers, kept)


class Block(NamedTuple):
    """Points that were stored together, and where they lie among the others of their series."""

    low: tuple[int, int]
    """(timestamp, step); no point is before it."""
    high: tuple[int, int]
    """No point is after it."""
    points: Points
    ordered: int | None
    """As in `Summary`."""


def merged(blocks: Iterable[Block], room: int = 64 * CHUNK_POINTS) -> Iterator[Points]:
    """The distinct points of all blocks, ordered by (timestamp, step, value), piece by piece.

    Blocks that do not overlap are passed on as they are. Of those that do, about `room` points are
    held in memory, or as many as lie on top of each other.

    Args:
        blocks: Ordered by `low`.
    """
    group: list[Block] = []
    high = (0, 0)
    held = 0
    limit = room
    for block in blocks:
        if group and block.low > high:
            yield _joined(group)
            group, held, limit = [], 0, room
        elif held >= limit:
            points = _joined(group)
            cut = points.index(block.low)
            if cut:
                yield points[:cut]
            rest = Block(block.low, high, points[cut:], BY_TIME)
            group, held = [rest], len(rest.points)
            limit = max(room, 2 * held)
        high = max(high, block.high) if group else block.high
        group.append(block)
        held += len(block.points)
    if group:
        yield _joined(group)


def _joined(group: list[Block]) -> Points:
    if len(group) == 1:
        points = group[0].points
        points.known = group[0].ordered
        return points.in_order()
    points = Points()
    for block in group:
        points.extend(block.points)
    return points.in_order()


class Summary(NamedTuple):
    """What charts and readers need to know of a chunk without reading it: a column each of the
    table `chunk`. NaN is counted, and else left out."""

    points: int
    min_step: int
    max_step: int
    min_timestamp: int
    max_timestamp: int
    min_value: float | None
    """None if all are NaN; so are the next ones."""
    max_value: float | None
    last_value: float | None
    """None if it is NaN."""
    sum_value: float | None
    """None also if a double cannot hold it."""
    nans: int
    monotone: int
    """1 if steps never go down, from the first point to the last."""
    ordered: int | None
    """`UNORDERED`, `BY_TIME` or `BY_TIME_AND_STEP`. None, here and in the next ones, in chunks of
    version 1 of the schema."""
    first_value: float | None
    """None if it is NaN."""
    step_of_min: int | None
    """Of the first point with the least value."""
    timestamp_of_min: int | None
    step_of_max: int | None
    """Of the first point with the greatest value."""
    timestamp_of_max: int | None


def summary(points: Points) -> Summary:
    """The summary of at least one point."""
    steps, timestamps = points.steps.tolist(), points.timestamps.tolist()
    values = points.values.tolist()
    ordered = _order(timestamps, steps)
    by_step = ordered == BY_TIME_AND_STEP or _rises(steps)
    total: float | None = sum(values)
    numbers = values
    if not math.isfinite(total):  # type: ignore[arg-type]
        numbers = [v for v in values if v == v]
        total = sum(numbers) if numbers else None
        if total is not None and not math.isfinite(total):
            total = None
    low = high = None
    at_low = at_high = (None, None)
    if numbers:
        low, high = min(numbers), max(numbers)
        at_low, at_high = ((steps[i], timestamps[i]) for i in map(values.index, (low, high)))
    first, last = values[0], values[-1]
    return Summary(
        points=len(points),
        min_step=steps[0] if by_step else min(steps),
        max_step=steps[-1] if by_step else max(steps),
        min_timestamp=timestamps[0] if ordered else min(timestamps),
        max_timestamp=timestamps[-1] if ordered else max(timestamps),
        min_value=low,
        max_value=high,
        last_value=None if last != last else last,
        sum_value=total,
        nans=len(points) - len(numbers),
        monotone=int(by_step),
        ordered=ordered,
        first_value=None if first != first else first,
        step_of_min=at_low[0],
        timestamp_of_min=at_low[1],
        step_of_max=at_high[0],
        timestamp_of_max=at_high[1],
    )


def _order(timestamps: list[int], steps: list[int]) -> int:
    if not _rises(timestamps):
        return UNORDERED
    if not all(map(lt, timestamps, islice(timestamps, 1, None))):
        pairs = list(zip(timestamps, steps))
        if not all(map(lt, pairs, islice(pairs, 1, None))):
            return UNORDERED
    return BY_TIME_AND_STEP if _rises(steps) else BY_TIME


def _rises(column: list[int]) -> bool:
    """Whether it never goes down."""
    return all(map(le, column, islice(column, 1, None)))


def cuts(count: int) -> list[tuple[int, int]]:
    """How to cut so many points into chunks: the beginning and the end of each. The last one takes
    what is too little for a chunk of its own."""
    chunks = max(1, (count + CHUNK_POINTS // 2) // CHUNK_POINTS)
    ends = [*range(CHUNK_POINTS, chunks * CHUNK_POINTS, CHUNK_POINTS), count]
    return list(zip([0, *ends], ends))


def encode(points: Points) -> bytes:
    """The content of a chunk."""
    raw = b"".join(
        (
            _transpose(_differences(points.steps)),
            _transpose(_differences(points.timestamps)),
            _transpose(points.values.tobytes()),
        )
    )
    check = zlib.crc32(raw).to_bytes(4, "little")
    return _FORMAT + check + _contexts()[0].compress(raw)


def decode(content: bytes) -> Points:
    """The points of a chunk; ValueError when the content is damaged."""
    import zstandard

    if content[:1] != _FORMAT:
        raise ValueError(f"unknown chunk format {content[:1]!r}")
    try:
        raw = _contexts()[1].decompress(memoryview(content)[5:])
    except zstandard.ZstdError as e:
        raise ValueError(f"damaged chunk: {e}") from e
    if zlib.crc32(raw).to_bytes(4, "little") != content[1:5] or len(raw) % 24:
        raise ValueError("damaged chunk: its checksum differs")
    size = len(raw) // 3
    values = array("d")
    values.frombytes(_untranspose(raw[2 * size :]))
    return Points(_untranspose(raw[:size]), _untranspose(raw[size : 2 * size]), values)


_local = threading.local()


def _contexts() -> tuple[Any, Any]:
    """A compressor and a decompressor of this thread: making them takes longer than a chunk."""
    try:
        return _local.contexts
    except AttributeError:
        import zstandard

        _local.contexts = zstandard.ZstdCompressor(level=3), zstandard.ZstdDecompressor()
        return _local.contexts


def _signed(n: int) -> int:
    n &= _WRAP - 1
    return n - _WRAP if n >= _TOP else n


def _differences(column: array) -> bytes:
    deltas = map(sub, column, chain((0,), column))
    try:
        return array("q", deltas).tobytes()
    except OverflowError:  # neighbours more than 2^63 apart: let the difference wrap
        return array("q", (_signed(a - b) for a, b in zip(column, chain((0,), column)))).tobytes()


def _sums(differences: bytes) -> array:
    deltas = array("q")
    deltas.frombytes(differences)
    try:
        if differences[8:-8] == differences[16:] and len(deltas) > 2:  # a constant pace
            first, pace, size = deltas[0], deltas[1], len(deltas)
            if not pace:
                return array("q", [first]) * size
            return array("q", range(first, first + size * pace, pace))
        return array("q", accumulate(deltas))
    except OverflowError:
        return array("q", map(_signed, accumulate(deltas)))


def _at(column: array | bytes, i: int) -> int:
    if isinstance(column, array):
        return column[i]
    deltas = array("q")
    deltas.frombytes(column[: 8 * (i + 1)])
    return _signed(sum(deltas))


def _transpose(data: bytes) -> bytes:
    return b"".join(data[i::8] for i in range(8))


def _untranspose(data: bytes) -> bytes:
    out = bytearray(len(data))
    n = len(data) // 8
    for i in range(8):
        out[i::8] = data[i * n : (i + 1) * n]
    return bytes(out)
