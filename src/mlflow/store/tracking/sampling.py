"""Fewer points that draw the same curve."""

from __future__ import annotations

from collections.abc import Sequence

from mlflow.entities import Metric


def sample(points: Sequence[Metric], size: int) -> list[Metric]:
    """At most `size` of `points`, in their order: the first, the last, and from each equal share of
    the others the one furthest from the share's mean. So a spike stays, wherever it is.

    NaN is furthest of all, so that a gap stays too.
    """
    n = len(points)
    if n <= size:
        return list(points)
    if size == 1:
        return [points[-1]]
    shares = size - 2
    kept = [points[0]]
    for i in range(shares):
        share = points[1 + i * (n - 2) // shares : 1 + (i + 1) * (n - 2) // shares]
        mean = sum(p.value / len(share) for p in share)
        kept.append(max(share, key=lambda p: _distance(p.value, mean)))
    kept.append(points[-1])
    return kept


def _distance(value: float, mean: float) -> float:
    distance = abs(value - mean)
    return distance if distance == distance else float("inf")
