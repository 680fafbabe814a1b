"""Paging by key, in memory: a page begins after the last item of the one before, whatever came or
went meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.search import Grammar, OrderBy, full_order
from mlflow.search.evaluate import Values, place, sort, sort_key
from mlflow.store.db.paging import decode_token, encode_token


def page(
    items: Sequence[Any],
    order_by: Sequence[OrderBy],
    grammar: Grammar,
    values: Values,
    max_results: int,
    token: str | None,
) -> tuple[list[Any], str | None]:
    """The items of one page, in order, and the token of the next one.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if the token is not one of this order.
    """
    orders = full_order(order_by, grammar)
    last = _decode(token, orders) if token else None
    ordered = sort(items, order_by, grammar, values)
    start = 0
    if last is not None:
        end = len(ordered)
        while start < end:
            middle = (start + end) // 2
            if _is_after([place(ordered[middle], o, values) for o in orders], last, orders):
                end = middle
            else:
                start = middle + 1
    found = ordered[start : start + max_results]
    if start + max_results >= len(ordered):
        return found, None
    return found, encode_token([x for o in orders for x in place(found[-1], o, values)])


def _decode(token: str, orders: Sequence[OrderBy]) -> list[tuple[int, Any]]:
    flat = decode_token(token, 2 * len(orders))
    last = list(zip(flat[::2], flat[1::2]))
    for (group, value), order in zip(last, orders):
        is_number = order.entity == "metric" or (
            order.entity == "attribute" and order.key.endswith(("_time", "_timestamp", "_number"))
        )
        fits = group == 0 and isinstance(value, str) != is_number
        if not fits and group not in (1, 2):
            raise MlflowException.invalid_parameter_value(
                f"Invalid page token '{token[:100]}': it does not belong to this search "
                "and its order_by."
            )
    return last


def _is_after(
    item: Sequence[tuple[int, Any]], last: Sequence[tuple[int, Any]], orders: Sequence[OrderBy]
) -> bool:
    for (group, value), (last_group, last_value), order in zip(item, last, orders):
        if group != last_group:
            return group > last_group
        if group == 0 and value != last_value:
            is_greater = sort_key(order, value) > sort_key(order, last_value)
            return is_greater == order.ascending
    return False
