"""How two filters of traces go together."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: What is added to each count for the smoothed value.
_SMOOTHING = 0.5


@dataclass
class TraceFilterCorrelationResult:
    """Normalised pointwise mutual information of two filters, and what it is made of."""

    npmi: float
    """-1 (never together) to 1 (always together); NaN where one of them matches nothing."""
    filter1_count: int
    filter2_count: int
    joint_count: int
    total_count: int
    npmi_smoothed: float | None = None
    """The same, as if there were half a trace more of each kind."""
    confidence_lower: float | None = None
    confidence_upper: float | None = None


def correlation(
    filter1_count: int, filter2_count: int, joint_count: int, total_count: int
) -> TraceFilterCorrelationResult:
    """The correlation of these counts."""
    counts = (filter1_count, filter2_count, joint_count, total_count)
    return TraceFilterCorrelationResult(
        _npmi(*counts), *counts, npmi_smoothed=_npmi(*counts, smoothing=_SMOOTHING)
    )


def _npmi(first: int, second: int, joint: int, total: int, smoothing: float = 0.0) -> float:
    if total == 0 or first == 0 or second == 0:
        return math.nan
    if joint == total or (joint == first == second and not smoothing):
        return 1.0
    if joint == 0 and not smoothing:
        return -1.0
    both = joint + smoothing
    one = first - joint + smoothing
    other = second - joint + smoothing
    none = total - first - second + joint + smoothing
    total_ = both + one + other + none
    p_both, p_first, p_second = both / total_, (both + one) / total_, (both + other) / total_
    value = math.log(p_both / (p_first * p_second)) / -math.log(p_both)
    return max(-1.0, min(1.0, value))
