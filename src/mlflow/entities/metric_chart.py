from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Axis = Literal["step", "timestamp", "relative_time"]
"""What a chart's x is: the step, the time in milliseconds since the Unix epoch, or the time in
milliseconds since the run's start."""


@dataclass
class ChartPoints:
    """Points, a column each of their parts, ordered by x."""

    step: list[int] = field(default_factory=list)
    timestamp: list[int] = field(default_factory=list)
    """Milliseconds since the Unix epoch."""
    value: list[float] = field(default_factory=list)


@dataclass
class ChartBuckets:
    """Equal shares of the x axis, those that have points, in order; a column each of what is known
    of them."""

    start: list[int] = field(default_factory=list)
    """The least x that belongs to it."""
    end: list[int] = field(default_factory=list)
    """The greatest x that belongs to it."""
    min: list[float | None] = field(default_factory=list)
    """None where all values are NaN; so in the next two."""
    max: list[float | None] = field(default_factory=list)
    mean: list[float | None] = field(default_factory=list)
    """Infinities count as the largest doubles."""
    first: list[float] = field(default_factory=list)
    """The value of the point that is first by x, then timestamp, step and value."""
    last: list[float] = field(default_factory=list)
    count: list[int] = field(default_factory=list)
    """Distinct points, those with NaN among them."""
    nans: list[int] = field(default_factory=list)
    """Points whose value is NaN."""


@dataclass
class MetricChart:
    """One metric of one run, drawn: `points` where they are few, else `buckets`."""

    run_id: str
    metric_key: str
    points: ChartPoints | None = None
    buckets: ChartBuckets | None = None
