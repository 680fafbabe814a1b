"""Tokens -> tree of clauses: the syntax, the same for everything that can be searched.

    disjunction = conjunction { OR conjunction }
    conjunction = { AND } item { [AND] item } { AND }
    item        = { NOT } ( "(" disjunction ")" | clause )
    clause      = operand operator operand | operand IS [NOT] NULL | operand [NOT] IN list

AND may lead, trail and be doubled, and may be missing between two clauses, because the reference
takes that. What the operands mean is not looked at here (`resolve.py` does).
"""

from __future__ import annotations

from typing import NamedTuple, Union

from mlflow.search.errors import refusal
from mlflow.search.lexer import (
    ARITHMETIC,
    COMPARATOR,
    DOUBLE_QUOTED,
    NAME,
    NUMBER,
    STRING,
    Token,
)
from mlflow.search.tree import And, Not, Or

MAX_DEPTH = 100
"""Brackets within brackets."""
MAX_COMPARISONS = 500
"""In one filter; databases limit the depth of an expression."""

LIST = "list"
EXPRESSION = "expression"

_OPERANDS = frozenset((NAME, NUMBER, STRING, DOUBLE_QUOTED))
_PATTERN_WORDS = frozenset(("LIKE", "ILIKE", "RLIKE"))
_RESERVED = _PATTERN_WORDS | {"AND", "OR", "NOT", "IN", "IS", "BETWEEN", "TRUE", "FALSE"}
_PUNCTUATION = frozenset("(),")
_ENOUGH_STRAYS = 100


class Operand(NamedTuple):
    """One side of a comparison."""

    kind: str
    """That of its token; or LIST, or EXPRESSION (several tokens, of which nothing can be made)."""
    text: str
    """As written."""
    start: int
    items: tuple[Token, ...] = ()
    """What stands between the outer brackets of a list."""

    @property
    def end(self) -> int:
        return self.start + len(self.text)


class Clause(NamedTuple):
    """`left op right` as written; to be resolved into a Comparison."""

    left: Operand
    op: str
    """In capitals, with single blanks."""
    op_start: int
    right: Operand | None
    """None behind IS NULL and IS NOT NULL."""


Draft = Union[Clause, And, Or, Not, None]  # noqa: UP007 - evaluated at run time
"""A tree with clauses in the place of comparisons; None if there are none."""


class Parsed(NamedTuple):
    root: Draft
    strays: list[tuple[int, int]]
    """(start, end) of what belongs to no comparison, in order. The filter is good if empty."""


def parse(text: str, tokens: list[Token]) -> Parsed:
    """The tree of a filter as far as it can be made out.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is nested too deep or has too many clauses.
    """
    parser = _Parser(text, tokens)
    root = parser.disjunction()
    while parser.at < len(tokens):  # only a bracket that was never opened stops the parser early
        parser.stray(parser.take())
        parser.disjunction()
    return Parsed(root, sorted(parser.strays))


def _closing_brackets(tokens: list[Token]) -> dict[int, int]:
    """For each "(" the number of the ")" that closes it."""
    closing, still_open = {}, []
    for number, token in enumerate(tokens):
        if token.text == "(":
            still_open.append(number)
        elif token.text == ")" and still_open:
            closing[still_open.pop()] = number
    return closing


class _Parser:
    """Recursive descent that goes on behind what it does not understand, to name all of it."""

    def __init__(self, text: str, tokens: list[Token]):
        self.text = text
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.clauses = 0
        self.closing = _closing_brackets(tokens) if "(" in text else {}
        self.strays: list[tuple[int, int]] = []

    # One rule of the grammar each

    def disjunction(self) -> Draft:
        children = [self.conjunction()]
        while self.word() == "OR":
            either = self.take()
            children.append(self.conjunction())
            if None in children[-2:]:
                self.stray_unless_explained(either)
        return Or(tuple(children)) if len(children) > 1 else children[0]

    def conjunction(self) -> Draft:
        children: list[Draft] = []
        begin = self.at  # of the item before
        joined = was_clause = True
        while self.at < len(self.tokens) and (word := self.word()) not in ("OR", ")"):
            if word == "AND":
                self.take()
                joined = True
            elif word == ",":
                self.comma(begin)
            else:
                begin = self.at
                is_clause = word not in ("(", "NOT")
                child = self.item()
                if child is not None:
                    if not joined and not (is_clause and was_clause):
                        self.stray(self.tokens[begin])  # brackets and NOT need their AND
                    children.append(child)
                    joined, was_clause = False, is_clause
        return And(tuple(children)) if len(children) > 1 else (children or [None])[0]

    def item(self) -> Draft:
        negations = 0
        while self.word() == "NOT":
            negation = self.take()
            negations += 1
        child = self.group() if self.word() == "(" else self.clause()
        if negations and child is None:
            self.stray_unless_explained(negation)
        return Not(child) if negations % 2 and child is not None else child

    def group(self) -> Draft:
        opening = self.take()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            message = f"Invalid filter: brackets are nested more than {MAX_DEPTH} deep."
            raise refusal(message, self.text, opening.start)
        child = self.disjunction()
        self.depth -= 1
        if self.word() != ")":
            self.stray(opening)
            return child
        closing = self.take()
        if child is None:
            self.stray_unless_explained(opening, closing)
        return child

    def clause(self) -> Clause | None:
        begin = self.at
        left = self.operand()
        clause = left and self.comparison(left)
        if clause is None:
            self.give_up(begin)
            return None
        # A comparison on the left, as in `a = b = c`, is named when it is resolved.
        so_far = last = clause
        while last.right and (further := self.comparison(left, optional=True)):
            so_far, last = last, further
        if last is not clause:
            clause = last._replace(left=self.expression(left, so_far.right))
        self.clauses += 1
        if self.clauses > MAX_COMPARISONS:
            message = f"Invalid filter: it has more than {MAX_COMPARISONS} comparisons."
            raise refusal(message, self.text, left.start)
        return clause

    def comparison(self, left: Operand, optional: bool = False) -> Clause | None:
        """An operator and what it needs; None if that is not here. Takes nothing if `optional`."""
        begin = self.at
        op = self.operator()
        if op.endswith("NULL") and not optional:
            return Clause(left, op, self.tokens[begin].start, None)
        right = self.value() if op and not op.endswith("NULL") else None
        if right is None:
            self.at = begin if optional else self.at
            return None
        return Clause(left, op, self.tokens[begin].start, right)

    def operand(self) -> Operand | None:
        first = last = self.primary()
        while last and self.at < len(self.tokens) and self.tokens[self.at].kind == ARITHMETIC:
            operation = self.take()
            further = self.primary()
            if further is None:
                return self.expression(first, operation)
            last = further
        return first if last is first else self.expression(first, last)

    def primary(self) -> Operand | None:
        if self.at == len(self.tokens):
            return None
        kind, text, start, word = self.tokens[self.at]
        if kind not in _OPERANDS or word in _RESERVED:
            return None
        self.at += 1
        return Operand(kind, text, start)

    def operator(self) -> str:
        """The operator at hand; "" if there is none, and then nothing is taken."""
        if self.at == len(self.tokens):
            return ""
        token = self.tokens[self.at]
        if token.kind == COMPARATOR:
            self.at += 1
            return token.text
        words = [token.word, self.word(1), self.word(2)]
        negated = words[0] == "NOT"
        last = words[1] if negated else words[0]
        if last in _PATTERN_WORDS or (last == "IN" and words[1 + negated] == "("):
            count = 1 + negated
        elif words[0] == "IS" and "NULL" in (words[1], words[2] if words[1] == "NOT" else ""):
            count = 3 if words[1] == "NOT" else 2
        else:
            return ""
        self.at += count
        return " ".join(words[:count])

    def value(self) -> Operand | None:
        return self.bracketed() if self.word() == "(" else self.operand()

    def bracketed(self) -> Operand | None:
        """What stands in brackets; None if they are not closed, and then nothing is taken."""
        closing = self.closing.get(self.at)
        if closing is None:
            return None
        start, end = self.tokens[self.at].start, self.tokens[closing].end
        items = tuple(self.tokens[self.at + 1 : closing])
        self.at = closing + 1
        return Operand(LIST, self.text[start:end], start, items)

    def comma(self, begin: int) -> None:
        """A list where comparisons should be: all of it is one invalid clause."""
        self.take()
        if self.at < len(self.tokens) and self.word() not in ("AND", "OR", ")", ","):
            self.item()
        start = self.tokens[begin].start
        while self.strays and self.strays[-1][0] >= start:
            self.strays.pop()
        self.strays.append((start, self.tokens[self.at - 1].end))

    # Looking, taking, refusing

    def word(self, ahead: int = 0) -> str:
        """The bare word at hand in capitals, or the bracket or comma; "" for anything else."""
        number = self.at + ahead
        if number >= len(self.tokens):
            return ""
        token = self.tokens[number]
        return token.word or (token.text if token.text in _PUNCTUATION else "")

    def take(self) -> Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def expression(self, first: Operand, last: Operand | Token) -> Operand:
        return Operand(EXPRESSION, self.text[first.start : last.end], first.start)

    def stray(self, *tokens: Token) -> None:
        self.strays.extend((token.start, token.end) for token in tokens)
        if len(self.strays) > _ENOUGH_STRAYS:
            self.at = len(self.tokens)  # what follows is not worth looking at

    def stray_unless_explained(self, *tokens: Token) -> None:
        """For what is only wrong because something is missing beside it."""
        if not self.strays:
            self.stray(*tokens)

    def give_up(self, begin: int) -> None:
        """No clause here: what was taken is stray, at least one token unless another rule's."""
        if begin == self.at < len(self.tokens) and self.word() not in ("AND", "OR", ")", ","):
            self.take()
        self.stray(*self.tokens[begin : self.at])
