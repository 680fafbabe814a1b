"""Clauses -> comparisons: the meaning, by a grammar's table."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mlflow.exceptions import MlflowException
from mlflow.search.errors import refusal, shorten
from mlflow.search.grammar import COMPARE, INTEGER_TEXT, NUMBER, Entity, Grammar, Key
from mlflow.search.lexer import DOUBLE_QUOTED, NAME, STRING, Token
from mlflow.search.lexer import NUMBER as NUMERAL
from mlflow.search.parser import LIST, Clause, Operand
from mlflow.search.tree import Comparison

_LONGEST_INTEGER = 18
"""Digits that fit 64 bits whatever they are."""

_INTEGER = re.compile(r"-?[0-9]+", re.ASCII)

_OPERATOR_HINTS = {
    "==": "Write `=`.",
    "<>": "Write `!=`.",
    "NOT LIKE": "Write NOT before the whole comparison: `NOT {key} LIKE ...`.",
    "NOT ILIKE": "Write NOT before the whole comparison: `NOT {key} ILIKE ...`.",
}


def resolve(clause: Clause, grammar: Grammar, text: str) -> Comparison:
    """What a clause of the filter `text` means.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if the grammar has no such entity or key, or the
            key takes no such operator or value.
    """
    return _Clause(clause, grammar, text).comparison()


class _Clause:
    """One clause beside the row of the table that says what it may be."""

    def __init__(self, clause: Clause, grammar: Grammar, text: str):
        self.written = clause
        self.grammar = grammar
        self.text = text
        if clause.left.kind not in (NAME, DOUBLE_QUOTED):
            raise self.refuse(
                "Invalid comparison clause. Expected 'Identifier' found "
                f"'{shorten(clause.left.text)}'",
                clause.left.start,
                _left_hint(clause.left),
            )
        self.entity, self.spelling, self.key = identify(
            clause.left.text, clause.left.start, grammar, text
        )

    def comparison(self) -> Comparison:
        op, key = self.written.op, self.key
        if op in ("IS NULL", "IS NOT NULL"):
            if op not in key.operators:
                message = self.grammar.null_refused
                raise self.refuse(self.filled(message), self.written.op_start)
            value = None
        elif key.kind == NUMBER:
            value = self.number(key.operators)
        elif key.or_number and self.written.right.kind == NUMERAL and op in COMPARE:
            value = self.number(COMPARE)
        else:
            value = self.texts()
        name = key.name or self.spelling
        return Comparison(self.entity.name, name, op, value, self.written.left.start)

    def number(self, operators: tuple[str, ...]) -> int | float:
        right = self.written.right
        if right.kind == LIST and self.key.or_quoted:
            self.several()  # which refuses it
        text = right.text[1:-1] if right.kind == STRING and self.key.or_quoted else right.text
        if right.kind != NUMERAL and not (text != right.text and _INTEGER.fullmatch(text)):
            label = self.filled(self.entity.number_label)
            message = f"Expected numeric value type for {label}. Found {shorten(right.text)}"
            raise self.refuse(message, right.start, "Numbers are written without quotes: 0.5, -1.")
        if self.written.op not in operators:
            raise self.wrong_operator(operators)
        return _number(text)

    def texts(self) -> str | tuple[str, ...]:
        """The text, or those of a list."""
        right, op = self.written.right, self.written.op
        if right.kind == LIST and self.entity.list_keys():
            value = self.several()
        elif right.kind in (STRING, DOUBLE_QUOTED):
            value = right.text[1:-1]
        else:
            raise self.not_text()
        if op not in self.key.operators:
            raise self.wrong_operator(self.entity.operators(self.key))
        if (right.kind == LIST) != (op in ("IN", "NOT IN")):
            message = f"Expected a quoted string value for {self.entity.text_label}."
            raise self.refuse(f"{message} Got value {shorten(right.text)}", right.start)
        if self.key.kind == INTEGER_TEXT:
            return self.integers(value)
        return value

    def several(self) -> tuple[str, ...]:
        list_keys = self.entity.list_keys()
        if self.spelling not in list_keys:
            message = f"Only {list_keys} attributes support comparison with a list of quoted string"
            raise self.refuse(f"{message} values.", self.written.right.start)
        # Brackets within the brackets say nothing; Python tuples put into a filter have them.
        items = [item for item in self.written.right.items if item.text not in ("(", ")")]
        problem = _list_problem(items)
        if problem:
            message, position = problem
            position = self.written.right.start if position is None else position
            message = message.format(text=shorten(self.written.right.text))
            raise self.refuse(f"While parsing a list in the query, expected {message}", position)
        return tuple(item.text[1:-1] for item in items[::2])

    def integers(self, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        """The same numbers in the one spelling that ids have: `01` is `1`."""
        if isinstance(value, tuple):
            return tuple(self.integers(one) for one in value)
        try:
            return str(int(value))
        except ValueError:
            message = f"Invalid experiment ID '{shorten(value)}'. Experiment ID must be a valid"
            raise self.refuse(f"{message} integer.", self.written.right.start) from None

    def not_text(self) -> MlflowException:
        right = self.written.right
        if right.kind == NAME:
            message = (
                "Parameter value is either not quoted or unidentified quote types used for "
                f"string value {shorten(right.text)}. Use either single or double quotes."
            )
            return self.refuse(message, right.start)
        message = f"Expected {self.entity.expected_text} for {self.entity.text_label}."
        hint = ""
        if right.kind == LIST and self.written.op in ("IN", "NOT IN"):
            key = self.written.left.text
            hint = f"Only single values here: `{key} = 'a' OR {key} = 'b'`."
        return self.refuse(f"{message} Got value {shorten(right.text)}", right.start, hint)

    def wrong_operator(self, operators: tuple[str, ...]) -> MlflowException:
        op = self.written.op
        message = self.key.wrong_operator.format(op=shorten(op), valid=_set(operators))
        hint = _OPERATOR_HINTS.get(op, "")
        if self.key.or_number and op in COMPARE:
            hint = f"Numbers compare so, without quotes: `{{key}} {op} 0.5`."
        elif not hint and set(operators) != set(self.key.operators):
            hint = f"Here: {', '.join(self.key.operators)}."
        hint = hint.replace("{key}", shorten(self.written.left.text))
        return self.refuse(message, self.written.op_start, hint)

    def filled(self, template: str) -> str:
        return template.format(label=self.entity.label, key=shorten(self.spelling))

    def refuse(self, message: str, position: int, hint: str = "") -> MlflowException:
        return refusal(message, self.text, position, hint)


def identify(
    written: str, position: int, grammar: Grammar, text: str, order: bool = False
) -> tuple[Entity, str, Key]:
    """The entity, the key as spelled (without quotes) and its row in the table.

    Args:
        written: `key` or `entity.key`, quotes included.
        position: Its place in `text`.
        grammar: The table.
        text: The filter or order item.
        order: Whether it is to be sorted by.
    """
    alias, dot, spelling = written.partition(".")
    entity = grammar.entity(_unquoted(alias, "`") if dot else "attribute")
    spelling = _unquoted(spelling.strip() if dot else written, "`\"'")
    if order and grammar.unknown_order and not (entity and spelling in (entity.order_keys or ())):
        message = grammar.unknown_order.format(key=shorten(written))
        raise refusal(message, text, position)
    if entity is None:
        message = grammar.unknown_entity.format(entity=shorten(alias))
        raise refusal(message, text, position)
    if order and entity.order_keys == ():
        message = grammar.order_refused.format(label=entity.label, key=shorten(spelling))
        raise refusal(message, text, position)
    known = entity.order_keys if order and entity.order_keys is not None else entity.keys
    if not isinstance(known, Key) and spelling not in known:
        message = f"Invalid {entity.label} key '{shorten(spelling)}' specified."
        raise refusal(f"{message} Valid keys are '{_set(known)}'", text, position)
    key = known[spelling] if isinstance(known, Mapping) else entity.key(spelling)
    return entity, spelling, key


def _unquoted(text: str, quotes: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in quotes:
        return text[1:-1]
    return text


def _number(text: str) -> int | float:
    """An int if it is written as one and fits 64 bits; else a float, infinite beyond 1.8e308."""
    digits = text.lstrip("-")
    if digits.isdecimal() and len(digits) <= _LONGEST_INTEGER:
        return int(text)
    return float(text)


def _list_problem(items: list[Token]) -> tuple[str, int | None] | None:
    """What is wrong with a list, and where (None: all of it); None if it is good."""
    if not items:
        return "a non-empty list of string values, but got empty list", None
    for number, item in enumerate(items):
        if number % 2 == 0 and item.kind not in (STRING, DOUBLE_QUOTED):
            if item.text == ",":
                return "a non-empty list of string values, but got ill-formed list.", item.start
            message = "string value, punctuation, or whitespace, but got different type in list: "
            return message + "{text}", item.start
        if number % 2 and item.text != ",":
            return "a non-empty list of string values, but got ill-formed list.", item.start
    return None


def _left_hint(left: Operand) -> str:
    if "&&" in left.text or "||" in left.text:
        return "Comparisons are joined with AND and OR."
    entity, dot, key = left.text.partition(".")
    if dot and entity.isidentifier() and not set(key) & set("`\"'<>=! "):
        return f"A key with such characters goes in backticks: {entity}.`{shorten(key)}`."
    return "The key stands on the left, the value on the right."


def _set(names) -> str:
    return "{" + ", ".join(repr(name) for name in sorted(names)) + "}"
