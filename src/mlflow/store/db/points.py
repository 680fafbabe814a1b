"""Points of a metric as columns: the content of a chunk, and its summary.

A chunk holds steps, timestamps and values of up to `CHUNK_POINTS` points in order of arrival: steps
and timestamps as differences to the one before (64-bit, wrapping), values as doubles, each column's
bytes transposed so that equal high bytes lie together, then zstd. The standard library's arrays do
the work, so a store needs no numpy.
"""

from __future__ import annotations

import math
import zlib
from array import array
from dataclasses import dataclass
from itertools import accumulate, chain
from operator import sub

CHUNK_POINTS = 1024

_WRAP = 1 << 64
_TOP = 1 << 63
#: First byte of a chunk: how the rest is laid out.
_FORMAT = b"\x01"


@dataclass
class Points:
    """Points of one metric, as parallel columns, in order of arrival."""

    steps: array
    """64-bit integers."""
    timestamps: array
    """Milliseconds since the Unix epoch, 64-bit integers."""
    values: array
    """Doubles; NaN is kept."""

    def __len__(self) -> int:
        return len(self.steps)

    def ordered(self) -> list[tuple[int, int, float]]:
        """Distinct (timestamp, step, value), oldest first; NaN sorts before numbers."""
        rows = list(zip(self.timestamps, self.steps, self.values))
        if all(map(_less, rows, rows[1:])):
            return rows
        unique = {(t, s, v if v == v else None) for t, s, v in rows}
        ordered = sorted(unique, key=lambda r: (r[0], r[1], r[2] is not None, r[2] or 0.0))
        return [(t, s, math.nan if v is None else v) for t, s, v in ordered]


def _less(a: tuple[int, int, float], b: tuple[int, int, float]) -> bool:
    return a[0] < b[0] or (a[0] == b[0] and a[1] < b[1])


@dataclass(frozen=True)
class Summary:
    """What a chart needs to know of a chunk without reading it. NaN is counted, and else left
    out."""

    points: int
    min_step: int
    max_step: int
    min_timestamp: int
    max_timestamp: int
    min_value: float | None
    max_value: float | None
    last_value: float | None
    sum_value: float | None
    nans: int
    monotone: bool
    """Steps never go down, from the first point to the last."""


def summary(points: Points) -> Summary:
    """The summary of at least one point."""
    numbers = [v for v in points.values if v == v]
    last = points.values[-1]
    total = sum(numbers) if numbers else None
    if total is not None and not math.isfinite(total):
        total = None
    steps = points.steps
    return Summary(
        points=len(points),
        min_step=min(steps),
        max_step=max(steps),
        min_timestamp=min(points.timestamps),
        max_timestamp=max(points.timestamps),
        min_value=min(numbers) if numbers else None,
        max_value=max(numbers) if numbers else None,
        last_value=None if last != last else last,
        sum_value=total,
        nans=len(points) - len(numbers),
        monotone=all(a <= b for a, b in zip(steps, steps[1:])),
    )


def encode(points: Points) -> bytes:
    """The content of a chunk."""
    import zstandard

    raw = b"".join(
        (
            _transpose(_differences(points.steps)),
            _transpose(_differences(points.timestamps)),
            _transpose(points.values.tobytes()),
        )
    )
    check = zlib.crc32(raw).to_bytes(4, "little")
    return _FORMAT + check + zstandard.ZstdCompressor(level=3).compress(raw)


def decode(content: bytes) -> Points:
    """The points of a chunk; ValueError when the content is damaged."""
    import zstandard

    if content[:1] != _FORMAT:
        raise ValueError(f"unknown chunk format {content[:1]!r}")
    try:
        raw = zstandard.ZstdDecompressor().decompress(content[5:])
    except zstandard.ZstdError as e:
        raise ValueError(f"damaged chunk: {e}") from e
    if zlib.crc32(raw).to_bytes(4, "little") != content[1:5] or len(raw) % 24:
        raise ValueError("damaged chunk: its checksum differs")
    size = len(raw) // 3
    values = array("d")
    values.frombytes(_untranspose(raw[2 * size :]))
    return Points(_sums(raw[:size]), _sums(raw[size : 2 * size]), values)


def _signed(n: int) -> int:
    n &= _WRAP - 1
    return n - _WRAP if n >= _TOP else n


def _differences(column: array) -> bytes:
    deltas = map(sub, column, chain((0,), column))
    try:
        return array("q", deltas).tobytes()
    except OverflowError:  # neighbours more than 2^63 apart: let the difference wrap
        return array("q", (_signed(a - b) for a, b in zip(column, chain((0,), column)))).tobytes()


def _sums(data: bytes) -> array:
    deltas = array("q")
    deltas.frombytes(_untranspose(data))
    try:
        return array("q", accumulate(deltas))
    except OverflowError:
        return array("q", map(_signed, accumulate(deltas)))


def _transpose(data: bytes) -> bytes:
    return b"".join(data[i::8] for i in range(8))


def _untranspose(data: bytes) -> bytes:
    out = bytearray(len(data))
    n = len(data) // 8
    for i in range(8):
        out[i::8] = data[i * n : (i + 1) * n]
    return bytes(out)
