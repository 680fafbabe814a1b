"""Runs as a tree: each below its parent, whatever the parents say."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)


class Tree(NamedTuple):
    """Rows in the order in which they are shown."""

    rows: list
    depth: list[int]
    """How many rows each is below."""
    context: list[int]
    """Places of the rows that are there for what is below them only, ascending."""


def nested(found: Sequence[K], parents: Mapping[K, K]) -> Tree:
    """What was found, each below its parent; brothers and sisters in the order of `found`.

    A parent that was not found stands where the first of those below it would. In a circle of
    parents the one that comes first is at the top.

    Args:
        found: Distinct.
        parents: Of these, and of their ancestors; one that is not in it has no parent.
    """
    links = _without_circles(found, parents)
    tops: list[K] = []
    below: dict[K, list[K]] = {}
    matches, placed = set(found), set()
    for match in found:
        if match not in links:
            tops.append(match)
            continue
        run: K | None = match
        while run is not None and run not in placed:
            placed.add(run)
            above = links.get(run)
            (tops if above is None else below.setdefault(above, [])).append(run)
            run = None if above in matches else above  # whose own turn comes
    return _in_order(tops, below, matches)


def _without_circles(found: Sequence[K], parents: Mapping[K, K]) -> dict[K, K]:
    """The parents of what was found, and of those above."""
    links: dict[K, K] = {}
    done: set[K] = set()
    for match in found:
        if match not in parents:
            continue
        run: K | None = match
        path: dict[K, K | None] = {}
        while run is not None and run not in path and run not in done:
            path[run] = run = parents.get(run)
        if run in path:
            path[run] = None
        done.update(path)
        links.update((below, above) for below, above in path.items() if above is not None)
    return links


def _in_order(tops: list[K], below: Mapping[K, list[K]], matches: set[K]) -> Tree:
    tree = Tree([], [], [])
    rows, depths, context = tree
    for top in tops:
        waiting = [(top, 0)]
        while waiting:
            run, depth = waiting.pop()
            children = below.get(run)
            if children:
                if run not in matches:
                    context.append(len(rows))
                waiting += [(child, depth + 1) for child in reversed(children)]
            rows.append(run)
            depths.append(depth)
    return tree
