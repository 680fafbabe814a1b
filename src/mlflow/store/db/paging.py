"""Paging by key: a page begins after the last row of the one before, however many rows came or went
meanwhile."""

from __future__ import annotations

import base64
import binascii
import json
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


def encode_token(values: Sequence[Any]) -> str:
    """An opaque token that holds the values of the last row's terms."""
    return base64.urlsafe_b64encode(json.dumps(list(values)).encode()).decode()


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
    except ValueError:
        values = None
    if (
        not isinstance(values, list)
        or len(values) != size
        or not all(type(v) in (int, float, str) for v in values)
    ):
        raise MlflowException.invalid_parameter_value(
            f"Invalid page token '{token[:100]}': it does not belong to this search "
            "and its order_by."
        )
    return values
