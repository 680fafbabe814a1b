"""Order items -> what to sort by."""

from __future__ import annotations

from collections.abc import Sequence

from mlflow.exceptions import MlflowException
from mlflow.search.errors import refusal, shorten
from mlflow.search.grammar import Grammar
from mlflow.search.lexer import DOUBLE_QUOTED, NAME, tokens
from mlflow.search.resolve import identify
from mlflow.search.tree import OrderBy

MAX_ITEMS = 50
"""In one order; each may cost a database a join."""

_DIRECTIONS = ("ASC", "DESC")


def parse_order_by(items: Sequence[str] | None, grammar: Grammar) -> list[OrderBy]:
    """What to sort by, most important first; empty for the default.

    Args:
        items: Such as `metrics.acc DESC`, one key each.
        grammar: What is searched.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if an item is malformed, names what cannot be
            sorted by, or, for runs, repeats a key.
    """
    if not items:
        return []
    if isinstance(items, str):
        raise MlflowException.invalid_parameter_value(
            f"Invalid order_by {shorten(items)!r}; a list of strings is needed."
        )
    if len(items) > MAX_ITEMS:
        raise MlflowException.invalid_parameter_value(
            f"Invalid order_by: it has {len(items)} items; {MAX_ITEMS} are allowed."
        )
    orders: dict[tuple[str, str], OrderBy] = {}
    for item in items:
        order = _parse_item(item, grammar)
        key = (order.entity, order.key)
        if key in orders and not grammar.repeated_order:
            raise MlflowException.invalid_parameter_value(
                f"Invalid order_by clause '{shorten(item)}'. "
                f"An item before it sorts by {order.entity} '{shorten(order.key)}' already."
            )
        orders.setdefault(key, order)
    return list(orders.values())


def full_order(order_by: Sequence[OrderBy], grammar: Grammar) -> list[OrderBy]:
    """`order_by` and what decides among equals, or the default: the order is always total."""
    if not order_by:
        return list(grammar.default_order)
    given = {(order.entity, order.key) for order in order_by}
    return [*order_by, *(tie for tie in grammar.ties if (tie.entity, tie.key) not in given)]


def _parse_item(item: str, grammar: Grammar) -> OrderBy:
    if not isinstance(item, str):
        raise MlflowException.invalid_parameter_value(
            f"Invalid order_by clause {shorten(repr(item))}; a string is needed."
        )
    found = tokens(item)
    shape = [token.kind for token in found]
    if not shape or shape[0] not in (NAME, DOUBLE_QUOTED) or shape[1:] not in ([], [NAME]):
        raise _refuse(item, f"Invalid order_by clause '{shorten(item)}'. Could not be parsed.")
    name, direction = found[0], "".join(token.word for token in found[1:])
    if name.word in _DIRECTIONS:
        raise _refuse(item, f"Invalid order_by clause '{shorten(item)}'. Could not be parsed.")
    if len(found) > 1 and direction not in _DIRECTIONS:
        message = f"Invalid ordering key in order_by clause '{shorten(item)}'."
        raise _refuse(item, message, found[1].start)
    entity, spelling, key = identify(name.text, name.start, grammar, item, order=True)
    return OrderBy(entity.name, key.name or spelling, direction != "DESC")


def _refuse(item: str, message: str, position: int = 0) -> MlflowException:
    return refusal(message, item, position, "An item is `key`, `key ASC` or `key DESC`.")
