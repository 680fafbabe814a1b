"""What a filter and an order say, as small values that stores translate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Union


@dataclass(frozen=True, slots=True)
class Comparison:
    """One condition. It holds when *any* value that the item has under the key satisfies it.

    An item without the key has no such value, so nothing but `IS NULL` holds for it: not even
    `!=` or `NOT IN`. A NaN satisfies `!=` and nothing else.
    """

    entity: str
    """`attribute`, `metric`, `param`, `tag` or `dataset`."""
    key: str
    """For attributes and datasets the one spelling that the grammar gives to all its aliases."""
    op: str
    """`=`, `!=`, `>`, `>=`, `<`, `<=`, `LIKE`, `ILIKE`, `IN`, `NOT IN`, `IS NULL`, `IS NOT NULL`"""
    value: str | int | float | tuple[str, ...] | None = None
    """Text; a number (int if it was written as one and fits 64 bits); the texts of `IN`; or None
    for `IS NULL`. A number against a param looks only at values that `number_in` can read."""
    position: int = field(default=0, compare=False)
    """Where it starts in the filter, in characters."""


@dataclass(frozen=True, slots=True)
class And:
    """All of them hold."""

    children: tuple[Node, ...]
    """Two or more."""


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of them holds."""

    children: tuple[Node, ...]
    """Two or more."""


@dataclass(frozen=True, slots=True)
class Not:
    """The child does not hold. Two-valued: true of an item that lacks the key as well."""

    child: Node


Node = Union[Comparison, And, Or, Not]  # noqa: UP007 - the classes are named ahead of this


@dataclass(frozen=True, slots=True)
class OrderBy:
    """One thing to sort by. Last in both directions: NaN, then items without the key."""

    entity: str
    """`attribute`, `metric`, `param` or `tag`."""
    key: str
    ascending: bool = True
