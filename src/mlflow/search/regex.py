"""Regular expressions of filters, matched in time that grows with pattern times text and never
worse: `re` goes back and forth, and a pattern that somebody sent could keep a server busy for ever.

The pattern is read by Python's own parser and becomes states that are walked all at once. What
cannot be matched that way (references back, looking around) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from mlflow.exceptions import MlflowException

try:
    from re import _constants as sre
    from re import _parser as sre_parser
except ImportError:  # Python 3.10
    import sre_constants as sre  # type: ignore[no-redef]
    import sre_parse as sre_parser  # type: ignore[no-redef]

MAX_STATES = 2_000
MAX_LENGTH = 1_000
"""Characters of a pattern."""

_Test = Callable[[str], bool]


@lru_cache(maxsize=64)
def regex(pattern: str) -> Callable[[str], bool]:
    """Whether the pattern is found anywhere in a text.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is no pattern, too long, or one that cannot
            be matched in bounded time.
    """
    if len(pattern) > MAX_LENGTH:
        raise _refusal(pattern, f"it has {len(pattern)} characters; {MAX_LENGTH} are allowed")
    try:
        tree = sre_parser.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise _refusal(pattern, str(error)) from None
    machine = _Machine(pattern, tree.state.flags)
    machine.build(tree)
    return machine.found_in


class _Machine:
    """States, each with what it takes and where it leads.

    A state is (test, next): a test of one character, None for a fork, or a text that names an
    edge of the text.
    """

    def __init__(self, pattern: str, flags: int):
        self.pattern = pattern
        self.flags = flags
        self.tests: list[_Test | str | None] = []
        self.nexts: list[list[int]] = []

    def build(self, tree: Any) -> None:
        self.end = self._state(None, [])
        self.start = self._sequence(tree, self.end)

    def found_in(self, text: str) -> bool:
        current: set[int] = set()
        for position in range(len(text) + 1):
            self._add(self.start, current, text, position)
            if self.end in current:
                return True
            if position == len(text):
                return False
            char = text[position]
            following: set[int] = set()
            for state in current:
                test = self.tests[state]
                if callable(test) and test(char):
                    for target in self.nexts[state]:
                        self._add(target, following, text, position + 1)
            current = following
        return False

    def _add(self, state: int, to: set[int], text: str, position: int) -> None:
        """Add a state and those that it leads to without a character."""
        waiting = [state]
        while waiting:
            state = waiting.pop()
            if state in to:
                continue
            test = self.tests[state]
            if isinstance(test, str) and not _at_edge(test, text, position):
                continue
            to.add(state)
            if not callable(test):
                waiting.extend(self.nexts[state])

    def _state(self, test: _Test | str | None, nexts: list[int]) -> int:
        if len(self.tests) >= MAX_STATES:
            raise _refusal(self.pattern, "it is too large when its repetitions are written out")
        self.tests.append(test)
        self.nexts.append(nexts)
        return len(self.tests) - 1

    def _sequence(self, items: Any, end: int) -> int:
        for op, argument in reversed(list(items)):
            end = self._item(op, argument, end)
        return end

    def _item(self, op: Any, argument: Any, end: int) -> int:
        if op is sre.SUBPATTERN:
            _, added, removed, inner = argument
            if added or removed:
                raise _refusal(self.pattern, "flags within a pattern are not supported")
            return self._sequence(inner, end)
        if op is sre.BRANCH:
            return self._state(None, [self._sequence(branch, end) for branch in argument[1]])
        if op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            return self._repeat(*argument, end)
        if op is sre.AT:
            return self._state(_edge(self.pattern, argument), [end])
        test = self._test(op, argument)
        if test is None:
            raise _refusal(self.pattern, "references back and looking around are not supported")
        return self._state(test, [end])

    def _repeat(self, least: int, most: Any, inner: Any, end: int) -> int:
        if most is sre.MAXREPEAT:
            loop = self._state(None, [end])
            self.nexts[loop].append(self._sequence(inner, loop))
            end = loop
        else:
            last = end
            for _ in range(most - least):
                end = self._state(None, [last, self._sequence(inner, end)])
        for _ in range(least):
            end = self._sequence(inner, end)
        return end

    def _test(self, op: Any, argument: Any) -> _Test | None:
        if self.flags & sre.SRE_FLAG_IGNORECASE:
            plain = _plain_test(op, argument, self.flags)
            return plain and (lambda char: plain(char.lower()) or plain(char.upper()))
        return _plain_test(op, argument, self.flags)


def _plain_test(op: Any, argument: Any, flags: int) -> _Test | None:
    """The test of one character that an item of a pattern stands for."""
    if op is sre.LITERAL:
        wanted = chr(argument)
        return lambda char: char == wanted
    if op is sre.NOT_LITERAL:
        unwanted = chr(argument)
        return lambda char: char != unwanted
    if op is sre.ANY:
        every = bool(flags & sre.SRE_FLAG_DOTALL)
        return lambda char: every or char != "\n"
    if op is sre.RANGE:
        low, high = argument
        return lambda char: low <= ord(char) <= high
    if op is sre.CATEGORY:
        return re.compile(_CATEGORIES[argument]).match  # type: ignore[return-value]
    if op is sre.IN:
        negated = argument[0][0] is sre.NEGATE
        tests = [_plain_test(*item, flags) for item in argument[negated:]]
        return lambda char: any(test(char) for test in tests) is not negated  # type: ignore[misc]
    return None


_CATEGORIES = {
    sre.CATEGORY_DIGIT: r"\d",
    sre.CATEGORY_NOT_DIGIT: r"\D",
    sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S",
    sre.CATEGORY_WORD: r"\w",
    sre.CATEGORY_NOT_WORD: r"\W",
}
_EDGES = {
    sre.AT_BEGINNING: "start",
    sre.AT_BEGINNING_STRING: "start",
    sre.AT_END: "end",
    sre.AT_END_STRING: "last",
    sre.AT_BOUNDARY: "word",
    sre.AT_NON_BOUNDARY: "no word",
}


def _edge(pattern: str, at: Any) -> str:
    if at not in _EDGES:
        raise _refusal(pattern, "an edge in it is not supported")
    return _EDGES[at]


def _at_edge(edge: str, text: str, position: int) -> bool:
    if edge == "start":
        return position == 0
    if edge == "last":
        return position == len(text)
    if edge == "end":
        return position == len(text) or (position == len(text) - 1 and text[-1] == "\n")
    before = position > 0 and _is_word(text[position - 1])
    behind = position < len(text) and _is_word(text[position])
    return (before != behind) == (edge == "word")


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _refusal(pattern: str, why: str) -> MlflowException:
    return MlflowException.invalid_parameter_value(
        f"Invalid regular expression {pattern[:100]!r} behind RLIKE: {why}."
    )
