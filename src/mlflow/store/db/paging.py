"""Paging by key: a page begins after the last row of the one before, however many rows came or went
meanwhile."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlflow.exceptions import MlflowException


@dataclass(frozen=True)
class Term:
    """One expression to order by. It must never be NULL: rank NULLs in a term of their own before
    it."""

    sql: str
    ascending: bool = True
    kind: type = int
    """int, float or str."""


def order_clause(terms: Sequence[Term]) -> str:
    """The ORDER BY clause."""
    return "order by " + ", ".join(f"{t.sql} {'asc' if t.ascending else 'desc'}" for t in terms)


def after(terms: Sequence[Term], last: Sequence[Any]) -> tuple[str, list[Any]]:
    """A condition, with its parameters, that holds for rows which come after `last`, the terms'
    values in some row."""
    clauses: list[str] = []
    params: list[Any] = []
    for i, term in enumerate(terms):
        equal = [f"{t.sql} = ?" for t in terms[:i]]
        clauses.append(" and ".join([*equal, f"{term.sql} {'>' if term.ascending else '<'} ?"]))
        params += [*last[:i], last[i]]
    return "(" + " or ".join(f"({c})" for c in clauses) + ")", params


def read_page(
    tx: Any,
    columns: str,
    tables: str,
    where: Sequence[str],
    params: Sequence[Any],
    terms: Sequence[Term],
    page_token: str | None,
    max_results: int,
) -> tuple[list[tuple], str | None]:
    """The rows of one page, and the token of the next one.

    Args:
        columns: What is selected.
        tables: What it is selected from.
        where: Conditions, at least one; `params` are the values of their marks.
        page_token: Where the page begins; None for the first one.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE for a token that is not one of this order.
    """
    conditions, values = [*where], [*params]
    if page_token:
        text, last = after(terms, place_of(page_token, terms))
        conditions.append(text)
        values += last
    query = (
        f"select {columns}, {', '.join(t.sql for t in terms)} from {tables} "
        f"where {' and '.join(conditions)} {order_clause(terms)} limit ?"
    )
    rows = tx.execute(query, [*values, max_results + 1]).fetchall()
    page = rows[:max_results]
    token = encode_token(page[-1][-len(terms) :]) if len(rows) > max_results else None
    return [row[: -len(terms)] for row in page], token


def encode_token(values: Sequence[Any]) -> str:
    """An opaque token that holds the values of the last row's terms."""
    return base64.urlsafe_b64encode(json.dumps(list(values)).encode()).decode()


def place_of(token: str, terms: Sequence[Term]) -> list[Any]:
    """The values of the terms in a token that was made for them.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it was not made by `encode_token`, or for
            terms of other types.
    """
    values = decode_token(token, len(terms))
    for i, (value, term) in enumerate(zip(values, terms)):
        if term.kind is float and type(value) is int and abs(value) < 1 << 63:
            value = values[i] = float(value)
        if type(value) is not term.kind or not (term.kind is str or _is_comparable(value)):
            raise _refusal(token)
    return values


def _is_comparable(value: int | float) -> bool:
    """Whether a database can compare with it."""
    return -(1 << 63) <= value < 1 << 63 if isinstance(value, int) else math.isfinite(value)


def decode_token(token: str, size: int) -> list[Any]:
    """The values in a token made for `size` terms.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it was not made by `encode_token`, or for
            another order.
    """
    try:
        text = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise MlflowException.invalid_parameter_value(
            "Invalid page token, could not base64-decode"
        ) from None
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if (
        not isinstance(values, list)
        or len(values) != size
        or not all(type(v) in (int, float, str) for v in values)
    ):
        raise _refusal(token)
    return values


def _refusal(token: str) -> MlflowException:
    return MlflowException.invalid_parameter_value(
        f"Invalid page token '{token[:100]}': it does not belong to this search and its order_by."
    )
