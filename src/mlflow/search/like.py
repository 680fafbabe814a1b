"""LIKE patterns: `%` stands for any text, `_` for any one character; nothing escapes them."""

from __future__ import annotations

import re
from collections.abc import Callable


def like(pattern: str, ignore_case: bool = False) -> Callable[[str], bool]:
    """Whether a text fits the pattern, as a whole.

    Args:
        pattern: With `%` and `_`.
        ignore_case: For ILIKE: both sides are compared in lower case.
    """
    if ignore_case:
        fits = like(pattern.lower())
        return lambda text: fits(text.lower())
    first, *rest = (_Piece(piece) for piece in pattern.split("%"))
    if not rest:
        return lambda text: len(text) == first.length and first.stands_at(text, 0)
    *middle, last = rest
    middle = [piece for piece in middle if piece.length]
    return lambda text: _fits(text, first, middle, last)


class _Piece:
    """What stands between two `%`; it has a fixed length."""

    def __init__(self, piece: str):
        self.text = piece
        self.length = len(piece)
        self.pattern = None
        if "_" in piece:
            # Without repetition: the engine cannot go astray.
            dots = (re.escape(part) for part in piece.split("_"))
            self.pattern = re.compile(".".join(dots), re.DOTALL)

    def stands_at(self, text: str, position: int) -> bool:
        if self.pattern is None:
            return text.startswith(self.text, position)
        return self.pattern.match(text, position) is not None

    def end_in(self, text: str, start: int, stop: int) -> int:
        """Behind its first place in text[start:stop]; -1 if there is none."""
        if self.pattern is None:
            found = text.find(self.text, start, stop)
            return found + self.length if found >= 0 else -1
        match = self.pattern.search(text, start, stop)
        return match.end() if match else -1


def _fits(text: str, first: _Piece, middle: list[_Piece], last: _Piece) -> bool:
    position, stop = first.length, len(text) - last.length
    if position > stop or not first.stands_at(text, 0) or not last.stands_at(text, stop):
        return False
    for piece in middle:
        position = piece.end_in(text, position, stop)
        if position < 0:
            return False
    return True
