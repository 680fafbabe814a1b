"""Filter text -> tokens, in one pass without going back.

Each pattern here is a run of one class of characters (or is tried on one token only), so the time
is linear in the length of the text.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mlflow.search.errors import refusal, shorten

MAX_LENGTH = 1_000_000
"""Longest filter, in characters: room for some 28 000 run ids behind one `IN`."""
MAX_TOKENS = 100_000
"""Words, values and signs in a filter: reading them all takes a fraction of a second."""

NAME = "name"
"""`key`, `entity.key`, a keyword or another bare word; parts may stand in backticks or quotes."""
NUMBER = "number"
STRING = "string"
"""In single quotes."""
DOUBLE_QUOTED = "double-quoted"
"""A string or a name, depending on its place."""
COMPARATOR = "comparator"
ARITHMETIC = "arithmetic"
COMMENT = "comment"
OTHER = "other"
"""Brackets, commas and whatever cannot stand in a filter."""

_BLANKS = re.compile(r"\s*")
_WORD = re.compile(r"\w*")
_NUMERAL = re.compile(r"[\w.]*")
_NUMBER = re.compile(r"-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_HEXADECIMAL = re.compile(r"0[xX][0-9a-fA-F]+")
_COMPARATOR_SIGNS = "<>=!~"
_COMPARATORS = re.compile(f"[{_COMPARATOR_SIGNS}]+")
_OPERATION = re.compile(r"[-+*/%&|^@#]+")


class Token(NamedTuple):
    kind: str
    text: str
    """As written, quotes included."""
    start: int
    word: str = ""
    """A bare word in capitals, to compare with keywords; "" for everything else."""

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def tokens(text: str) -> list[Token]:
    """The tokens of a filter; blanks between them are left out.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if the text is too long, or has characters that no
            store could compare with (NUL, halves of surrogate pairs).
    """
    check_characters(text)
    found = []
    position = _BLANKS.match(text).end()
    while position < len(text):
        token = _token_at(text, position)
        found.append(token)
        if len(found) > MAX_TOKENS:
            message = f"Invalid filter: it has more than {MAX_TOKENS} words, values and signs."
            raise refusal(message, text, position)
        position = _BLANKS.match(text, token.end).end()
    return found


def check_characters(text: str) -> None:
    """Refuse a filter that is too long, or has what no store could compare with."""
    if len(text) > MAX_LENGTH:
        raise refusal(
            f"Invalid filter '{shorten(text)}'. It has {len(text)} characters; "
            f"{MAX_LENGTH} are allowed.",
            text,
            MAX_LENGTH,
        )
    bad = text.find("\0")
    if bad < 0 and not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            bad = error.start
    if bad >= 0:
        message = f"Invalid filter: character {bad} is {text[bad]!r}, which is not text."
        raise refusal(message, text, bad)


def _token_at(text: str, start: int) -> Token:
    first = text[start]
    if first.isalpha() or first in "_`":
        return _name(text, start)
    if first.isdecimal() or _starts_number(text, start):
        return _numeral(text, start)
    if first == '"' and (end := quoted_end(text, start)):
        follows = _BLANKS.match(text, end).end()
        if text.startswith(".", follows):
            return _name(text, start)
        return Token(DOUBLE_QUOTED, text[start:end], start)
    if first == "'" and (end := quoted_end(text, start)):
        return Token(STRING, text[start:end], start)
    if first in _COMPARATOR_SIGNS:
        return Token(COMPARATOR, _COMPARATORS.match(text, start).group(), start)
    if end := _comment_end(text, start):
        return Token(COMMENT, text[start:end].rstrip(), start)
    if match := _OPERATION.match(text, start):
        return Token(ARITHMETIC, match.group(), start)
    return Token(OTHER, first, start)


def _starts_number(text: str, start: int) -> bool:
    """Whether `-1`, `.1` or `-.1` starts here."""
    if text[start] not in "-.":
        return False
    after = start + 1 if text[start] == "-" else start
    if text.startswith(".", after):
        after += 1
    return after > start and text[after : after + 1].isdecimal()


def _numeral(text: str, start: int) -> Token:
    """A number; or a word that merely starts like one, such as `1_0`, `0.4.5` or a run id."""
    end = _NUMERAL.match(text, start + 1).end()
    if text[end - 1] in "eE" and text[end : end + 1] in ("+", "-"):
        exponent = _WORD.match(text, end + 1).end()
        if exponent > end + 1 and _NUMBER.fullmatch(text, start, exponent):
            end = exponent
    if _NUMBER.fullmatch(text, start, end):
        return Token(NUMBER, text[start:end], start)
    if _HEXADECIMAL.fullmatch(text, start, end):
        return Token(OTHER, text[start:end], start)
    return Token(NAME, text[start:end], start)


def _name(text: str, start: int) -> Token:
    end = _part_end(text, start, '"')
    if end == start:  # a backtick without its partner
        return Token(OTHER, text[start], start)
    bare = text[start] not in '`"'
    while True:
        dot = _BLANKS.match(text, end).end()
        if not text.startswith(".", dot):
            break
        bare = False
        after = _BLANKS.match(text, dot + 1).end()
        part = _part_end(text, after, "\"'")
        end = part if part > after else dot + 1
    name = text[start:end]
    return Token(NAME, name, start, name.upper() if bare else "")


def _part_end(text: str, start: int, quotes: str) -> int:
    """End of a word, or of a part in backticks or one of `quotes`; `start` if there is none."""
    first = text[start : start + 1]
    if first and first in "`" + quotes:
        return quoted_end(text, start) or start
    return _WORD.match(text, start).end()


def quoted_end(text: str, start: int) -> int:
    """Behind the closing quote; 0 if there is none.

    A doubled quote, and one behind a backslash, does not close the text unless no other one does.
    Both stay in the value as they are.
    """
    quote = text[start]
    last_resort = 0
    position = start + 1
    while (found := text.find(quote, position)) >= 0:
        if quote != "`" and found > start + 1 and text[found - 1] == "\\":
            position = found + 1
        elif text.startswith(quote, found + 1):
            position = found + 2
        else:
            return found + 1
        last_resort = found + 1
    return last_resort


def _comment_end(text: str, start: int) -> int:
    if text.startswith("--", start):
        return _end_or_all(text, text.find("\n", start), 0)
    if text.startswith("/*", start):
        return _end_or_all(text, text.find("*/", start + 2), 2)
    return 0


def _end_or_all(text: str, found: int, length: int) -> int:
    return len(text) if found < 0 else found + length
