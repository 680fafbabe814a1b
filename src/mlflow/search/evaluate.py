"""Filters and orders at work in memory, on runs, experiments, models and versions.

The file store searches with this; for SQL stores it says what their statements have to find.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mlflow.search.grammar import PROMPT_TAG, Grammar
from mlflow.search.like import like
from mlflow.search.order import full_order
from mlflow.search.tree import And, Comparison, Node, Not, Or, OrderBy

Values = Callable[[Any, str, str], Sequence[Any]]
"""(item, entity, key) -> the values that the item has there; empty if it lacks the key."""

NUMBER_PATTERN = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"
"""Param values that count as numbers, if they are finite. The same in Python, POSIX and MySQL."""

_DATASET_CONTEXT = "mlflow.data.context"

_COMPARE = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


def run_values(run: Any, entity: str, key: str) -> Sequence[Any]:
    """What a `Run` has under a key of the grammar RUNS."""
    if entity == "attribute":
        return _one(getattr(run.info, key))
    if entity == "dataset":
        return _dataset_values(run, key)
    logged = {"metric": run.data.metrics, "param": run.data.params, "tag": run.data.tags}[entity]
    return _one(logged.get(key))


def experiment_values(experiment: Any, entity: str, key: str) -> Sequence[Any]:
    """What an `Experiment` has under a key of the grammar EXPERIMENTS."""
    if entity == "attribute":
        return _one(getattr(experiment, key))
    return _one(experiment.tags.get(key))


def registered_model_values(model: Any, entity: str, key: str) -> Sequence[Any]:
    """What a `RegisteredModel` has under a key of the grammar REGISTERED_MODELS."""
    if entity == "attribute":
        return _one(getattr(model, _OF_MODELS.get(key, key)))
    return _one(model.tags.get(key))


def model_version_values(version: Any, entity: str, key: str) -> Sequence[Any]:
    """What a `ModelVersion` has under a key of the grammar MODEL_VERSIONS."""
    if entity == "tag":
        return _one(version.tags.get(key))
    if key == "version_number":
        return (int(version.version),)
    value = getattr(version, _OF_MODELS.get(key, key))
    return (value or "",) if key == "run_id" else _one(value)


_OF_MODELS = {"source_path": "source"}


def prompts_apart(node: Node | None) -> Node:
    """The filter of a search for models or versions, which finds prompts only if it asks for them,
    and then nothing else. Where it speaks of them in brackets it is taken as it is."""
    parts = node.children if isinstance(node, And) else (node,) if node else ()
    asked = [part for part in parts if _is_about_prompts(part)]
    if not asked and any(_speaks_of_prompts(part) for part in parts):
        return node  # type: ignore[return-value]
    wanted = any((part.op, part.value) in (("=", "true"), ("!=", "false")) for part in asked)
    prompt = Comparison("tag", PROMPT_TAG, "=", "true")
    return And((*(p for p in parts if p not in asked), prompt if wanted else Not(prompt)))


def _is_about_prompts(node: Node) -> bool:
    return isinstance(node, Comparison) and (node.entity, node.key) == ("tag", PROMPT_TAG)


def _speaks_of_prompts(node: Node) -> bool:
    if isinstance(node, (And, Or)):
        return any(_speaks_of_prompts(child) for child in node.children)
    return _speaks_of_prompts(node.child) if isinstance(node, Not) else _is_about_prompts(node)


def matcher(node: Node | None, values: Values) -> Callable[[Any], bool]:
    """Whether an item fits the filter; every item fits None.

    Args:
        node: What `parse_filter` gave.
        values: `run_values` or another one of these functions.
    """
    if node is None:
        return lambda item: True
    if isinstance(node, Comparison):
        return _comparison(node, values)
    if isinstance(node, And):
        parts = [matcher(child, values) for child in node.children]
        return lambda item: all(part(item) for part in parts)
    if isinstance(node, Or):
        parts = [matcher(child, values) for child in node.children]
        return lambda item: any(part(item) for part in parts)
    child = matcher(node.child, values)
    return lambda item: not child(item)


def sort(
    items: Iterable[Any], order_by: Sequence[OrderBy], grammar: Grammar, values: Values
) -> list[Any]:
    """The items in the order asked for, or the default one; never ambiguous.

    Args:
        items: Such as runs.
        order_by: What `parse_order_by` gave.
        grammar: That of the items: it has the default and decides ties.
        values: `run_values` or another one of these functions.
    """
    ordered = list(items)
    for order in reversed(full_order(order_by, grammar)):
        ordered = _sorted(ordered, order, values)
    return ordered


def number_in(text: str) -> float | None:
    """The finite number that a param value spells; None if it does not."""
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if abs(number) != float("inf") else None


_NUMBER = re.compile(NUMBER_PATTERN)


def _one(value: Any) -> Sequence[Any]:
    return () if value is None else (value,)


def _dataset_values(run: Any, key: str) -> Sequence[Any]:
    used = run.inputs.dataset_inputs if run.inputs else ()
    if key == "context":
        return [tag.value for one in used for tag in one.tags if tag.key == _DATASET_CONTEXT]
    return [getattr(one.dataset, key) for one in used]


def _comparison(node: Comparison, values: Values) -> Callable[[Any], bool]:
    entity, key = node.entity, node.key
    if node.op == "IS NULL":
        return lambda item: not values(item, entity, key)
    if node.op == "IS NOT NULL":
        return lambda item: bool(values(item, entity, key))
    test = _test(node)
    return lambda item: any(test(value) for value in values(item, entity, key))


def _test(node: Comparison) -> Callable[[Any], bool]:
    wanted = node.value
    if node.op in ("LIKE", "ILIKE"):
        return like(wanted, ignore_case=node.op == "ILIKE")
    if node.op == "IN":
        return frozenset(wanted).__contains__
    if node.op == "NOT IN":
        unwanted = frozenset(wanted)
        return lambda value: value not in unwanted
    compare = _COMPARE[node.op]
    if node.entity == "param" and not isinstance(wanted, str):
        return lambda text: (number := number_in(text)) is not None and compare(number, wanted)
    return lambda value: compare(value, wanted)


def place(item: Any, order: OrderBy, values: Values) -> tuple[int, Any]:
    """Where an item stands by one thing: (0, its value), (1, 0) if that is not a number, (2, 0) if
    it has none. The groups come in this order in either direction."""
    found = values(item, order.entity, order.key)
    if not found:
        return 2, 0
    return (1, 0) if found[0] != found[0] else (0, found[0])


def sort_key(order: OrderBy, value: Any) -> Any:
    """What values are compared by. Ids of experiments are numbers in text; others, of plug-ins,
    come behind them."""
    if (order.entity, order.key) != ("attribute", "experiment_id"):
        return value
    return (0, int(value), "") if value.isdecimal() else (1, 0, value)


def _sorted(items: list[Any], order: OrderBy, values: Values) -> list[Any]:
    """Sorted by one thing; among equals the order stays."""
    present: list[tuple[Any, Any]] = []
    groups: tuple[list[Any], ...] = ([], [], [])
    for item in items:
        group, value = place(item, order, values)
        if group == 0:
            present.append((sort_key(order, value), item))
        else:
            groups[group].append(item)
    present.sort(key=operator.itemgetter(0), reverse=not order.ascending)
    return [item for _, item in present] + groups[1] + groups[2]
