from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar("T")


class PagedList(list[T]):
    """One page of an answer.

    Args:
        items: What is on this page.
        token: Give it back to get the next page; None or empty on the last one.
    """

    def __init__(self, items: Iterable[T], token: Any):
        super().__init__(items)
        self.token = token

    def to_list(self) -> list[T]:
        """The page without its token."""
        return list(self)
