"""What calls of language models cost, by prices that the user gives.

`HEADRACE_LLM_PRICES` names a JSON file, in US dollars per million tokens:

    {"gpt-4o": {"input": 2.5, "output": 10, "cache_read": 1.25}, "anthropic/claude-*": {…}}

A name is a model, or a provider and a model; one that ends with `*` is for all that begin so, and
the longest that fits counts. Spans that say their tokens and model, and no cost, get one.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from mlflow.environment_variables import _EnvironmentVariable

_logger = logging.getLogger(__name__)

HEADRACE_LLM_PRICES = _EnvironmentVariable(
    "HEADRACE_LLM_PRICES", str, None, "A JSON file with the prices of language models."
)
_COST, _USAGE = "mlflow.llm.cost", "mlflow.chat.tokenUsage"
_MODEL, _PROVIDER = "mlflow.llm.model", "mlflow.llm.provider"
_KINDS = ("input", "output", "cache_read", "cache_creation")
_MILLION = 1_000_000

Prices = dict[str, dict[str, float]]


def add_costs(records: Iterable[dict[str, Any]]) -> None:
    """Add to records of spans what their calls cost, where there is a price for their model."""
    path = HEADRACE_LLM_PRICES.get()
    if not path:
        return
    prices = _read(path, _changed(path))
    for record in records if prices else ():
        attributes = record.get("attributes") or {}
        if _USAGE in attributes and _MODEL in attributes and _COST not in attributes:
            price = _price(prices, _said(attributes, _PROVIDER), _said(attributes, _MODEL))
            cost = price and _cost(price, _said(attributes, _USAGE))
            if cost:
                attributes[_COST] = json.dumps(cost)


def _said(attributes: dict[str, Any], key: str) -> Any:
    value = attributes.get(key)
    try:
        return json.loads(value) if isinstance(value, (str, bytes)) else value
    except (ValueError, RecursionError):
        return value


def _cost(price: dict[str, float], usage: Any) -> dict[str, float] | None:
    if not isinstance(usage, dict):
        return None

    def tokens(name: str) -> float:
        count = usage.get(name)
        fits = isinstance(count, (int, float)) and not isinstance(count, bool)
        return count if fits and 0 <= count < 1 << 53 else 0

    read, creation = tokens("cache_read_input_tokens"), tokens("cache_creation_input_tokens")
    # Tokens of a cache are among those of the input
    plain = max(tokens("input_tokens") - read - creation, 0)
    each = price["input"]
    given = plain * each + read * price.get("cache_read", each)
    given = (given + creation * price.get("cache_creation", each)) / _MILLION
    made = tokens("output_tokens") * price["output"] / _MILLION
    return {"input_cost": given, "output_cost": made, "total_cost": given + made}


def _price(prices: Prices, provider: Any, model: Any) -> dict[str, float] | None:
    if not isinstance(model, str) or not model:
        return None
    names = [f"{provider}/{model}", model] if provider else [model]
    for name in names:
        if name in prices:
            return prices[name]
    fitting = [
        key
        for key in prices
        if key.endswith("*") and any(name.startswith(key[:-1]) for name in names)
    ]
    return prices[max(fitting, key=len)] if fitting else None


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=4)
def _read(path: str, changed: int) -> Prices:
    """The prices in a file; none, and one warning, if it cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
        return {str(name): _checked(name, price) for name, price in found.items()}
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        _logger.warning(
            "%s: the prices in '%s' cannot be read: %s", HEADRACE_LLM_PRICES.name, path, error
        )
        return {}


def _checked(name: str, price: Any) -> dict[str, float]:
    if not isinstance(price, dict) or not {"input", "output"} <= price.keys() <= set(_KINDS):
        raise ValueError(f"'{name}' has {price!r}; 'input' and 'output', and perhaps {_KINDS[2:]}")
    for kind, each in price.items():
        if isinstance(each, bool) or not isinstance(each, (int, float)) or not 0 <= each < 1e9:
            raise ValueError(f"'{kind}' of '{name}' is {each!r}; dollars are needed")
    return price
