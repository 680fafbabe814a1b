"""Filter text -> tree."""

from __future__ import annotations

from functools import lru_cache

from mlflow.exceptions import MlflowException
from mlflow.search.errors import refusal, shorten
from mlflow.search.grammar import Grammar
from mlflow.search.lexer import Token, tokens
from mlflow.search.parser import Clause, Draft, parse
from mlflow.search.resolve import resolve
from mlflow.search.tree import And, Node, Not, Or

_LONGEST_REMEMBERED = 1_000
_MOST_NAMED = 20

# The first of these that is among the invalid clauses is explained.
_HINTS = {
    "'": "This quote is never closed.",
    '"': "This quote is never closed.",
    "`": "This backtick is never closed.",
    ";": "Only one filter can be given; its comparisons are joined with AND or OR.",
    "BETWEEN": "Write it as two comparisons: `key >= 1 AND key <= 2`.",
    ":": "A key with such characters goes in backticks: metrics.`a:b`.",
}
_HINT = "A filter is `key operator value`, several joined with AND, OR, NOT and brackets."


def parse_filter(text: str | None, grammar: Grammar) -> Node | None:
    """The tree of a filter; None if it filters nothing.

    Args:
        text: Such as `metrics.acc > 0.9 AND NOT tags.team = 'x'`. "" and None filter nothing.
        grammar: What is searched.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is no filter for this; the message shows
            the place.
    """
    if text is None or text == "":
        return None
    if not isinstance(text, str):
        raise MlflowException.invalid_parameter_value(
            f"Invalid filter {shorten(repr(text))}; a string is needed."
        )
    parse_text = _remembered if len(text) <= _LONGEST_REMEMBERED else _parse
    return parse_text(text, grammar)


def _parse(text: str, grammar: Grammar) -> Node | None:
    found = tokens(text)
    if not found:
        message = f"Invalid filter '{shorten(text)}'. Could not be parsed."
        raise refusal(message, text, 0, "For no filter, leave it empty.")
    _check_single(text, found)
    root, strays = parse(text, found)
    if strays:
        raise _refuse_strays(text, strays, grammar)
    return _resolved(root, grammar, text)


_remembered = lru_cache(maxsize=256)(_parse)


def _resolved(node: Draft, grammar: Grammar, text: str) -> Node | None:
    if isinstance(node, Clause):
        return resolve(node, grammar, text)
    if isinstance(node, Not):
        return Not(_resolved(node.child, grammar, text))
    if isinstance(node, (And, Or)):
        return type(node)(tuple(_resolved(child, grammar, text) for child in node.children))
    return None


def _check_single(text: str, found: list[Token]) -> None:
    """Refuse `;` between two statements. A last one is refused as an invalid clause."""
    for number, token in enumerate(found):
        if token.text == ";" and (number == 0 or number < len(found) - 1):
            message = f"Search filter contained multiple expression {shorten(text)!r}."
            raise refusal(
                f"{message} Provide AND-ed expression list.", text, token.start, _HINTS[";"]
            )


def _refuse_strays(text: str, strays: list[tuple[int, int]], grammar: Grammar) -> MlflowException:
    shown = strays[:_MOST_NAMED]
    named = [grammar.clause.format(shorten(text[start:end])) for start, end in shown]
    more = ", …" if len(strays) > _MOST_NAMED else ""
    message = f"Invalid clause(s) in filter string: {', '.join(named)}{more}"
    starts = {text[start:end].upper(): start for start, end in reversed(shown)}
    for clause, hint in _HINTS.items():
        if clause in starts:
            return refusal(message, text, starts[clause], hint)
    return refusal(message, text, strays[0][0], _HINT)
