"""Signatures as recorded facts have them."""

from __future__ import annotations

import inspect
from collections.abc import Callable


def parameters(function: Callable, *, bound: bool = False) -> list[list[str]]:
    """Of each parameter its name, kind, and the default's text if there is one.

    Args:
        bound: Leave out the first.
    """
    found = []
    for parameter in list(inspect.signature(function).parameters.values())[bound:]:
        fact = [parameter.name, parameter.kind.name.lower()]
        if parameter.default is not parameter.empty:
            fact.append(repr(parameter.default))
        found.append(fact)
    return found
