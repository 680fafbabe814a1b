"""What the spans of a trace used, added up."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

#: What a sum always says, if any span says something.
USAGE = ("input_tokens", "output_tokens", "total_tokens")
COST = ("input_cost", "output_cost", "total_cost")


def total(
    said: Mapping[str, Mapping[str, Any]],
    parents: Mapping[str, str | None],
    always: Collection[str],
) -> dict[str, Any]:
    """The sum of numbers by name, over the spans that say some. What a span says includes what
    those below it say, so these are passed over.

    Args:
        said: By the ids of spans.
        parents: Of all spans.
        always: Names that the sum has in any case.
    """
    sums: dict[str, Any] = dict.fromkeys(always, 0)
    below = _below(said, parents)
    for span_id, numbers in said.items():
        if not below[span_id]:
            for name, number in numbers.items():
                sums[name] = sums.get(name, 0) + number
    return sums


def _below(spans: Collection[str], parents: Mapping[str, str | None]) -> dict[str, bool]:
    """Whether each of some spans is below another one of them. Each span is looked at once, however
    deep the tree is; parents may go round in a circle, since anybody may send anything."""
    known: dict[str, bool] = {}
    for span_id in spans:
        path: dict[str, None] = {}
        span, found = span_id, False
        while span not in known:
            path[span] = None
            parent = parents.get(span)
            if parent is None or parent in path:
                break
            if parent in spans:
                found = True
                break
            span = parent
        else:
            found = known[span]
        known.update(dict.fromkeys(path, found))
    return known
