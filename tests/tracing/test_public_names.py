"""Names and parameters of `mlflow.tracing`, against facts."""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path

import pytest

FACTS = json.loads((Path(__file__).parent.parent / "data/python-api-tracing.json").read_text())
FUNCTIONS = [(m, n) for m, facts in FACTS.items() for n in facts["functions"]]
CLASSES = [(m, n) for m, facts in FACTS.items() for n in facts["classes"]]

#: Messages of protobuf are no part of ours.
METHODS_NOT_HERE = {"from_proto", "to_proto"}


def parameters(function, *, bound=False):
    found = list(inspect.signature(function).parameters.values())
    if bound and found and found[0].name == "self":
        found = found[1:]
    facts = []
    for p in found:
        fact = {"name": p.name}
        if p.kind is not p.POSITIONAL_OR_KEYWORD:
            fact["kind"] = p.kind.name.lower()
        if p.default is not p.empty:
            fact["default"] = repr(p.default)
        facts.append(fact)
    return facts


@pytest.mark.parametrize(("module", "name"), FUNCTIONS)
def test_function_has_the_public_parameters(module, name):
    function = getattr(importlib.import_module(module), name)
    assert parameters(function) == FACTS[module]["functions"][name]


@pytest.mark.parametrize(("module", "name"), CLASSES)
def test_class_has_the_public_members(module, name):
    cls, facts = getattr(importlib.import_module(module), name), FACTS[module]["classes"][name]
    if facts["init"] is not None:
        assert [p["name"] for p in parameters(cls)] == facts["init"]
    for method, expected in facts["methods"].items():
        if method not in METHODS_NOT_HERE:
            assert parameters(getattr(cls, method), bound=True) == expected
    for attribute, value in facts.get("attributes", {}).items():
        assert repr(getattr(cls, attribute)) == value


@pytest.mark.parametrize("module", FACTS)
def test_constants_are_there(module):
    loaded = importlib.import_module(module)
    assert [c for c in FACTS[module]["constants"] if not hasattr(loaded, c)] == []
