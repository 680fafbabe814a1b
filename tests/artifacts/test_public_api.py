"""Names and parameters of everything about artifacts, against facts."""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path

import pytest

from tests.signatures import parameters

FACTS = json.loads(
    (Path(__file__).parents[1] / "data" / "python-api-artifacts.json").read_text(encoding="utf-8")
)


def each(kind):
    return [(module, name) for module, facts in FACTS.items() for name in facts.get(kind, ())]


@pytest.mark.parametrize(("module", "name"), each("functions"))
def test_function_has_the_public_parameters(module, name):
    function = getattr(importlib.import_module(module), name)
    assert parameters(function) == FACTS[module]["functions"][name]


@pytest.mark.parametrize(("module", "name"), each("classes"))
def test_class_has_the_public_members(module, name):
    cls = getattr(importlib.import_module(module), name)
    facts = FACTS[module]["classes"][name]
    if "init" in facts:
        assert parameters(cls.__init__, bound=True) == facts["init"]
    for method, fact in facts["methods"].items():
        bound = fact["kind"] not in ("static", "class")
        assert parameters(getattr(cls, method), bound=bound) == fact["params"], method
    for part in facts["properties"]:
        assert isinstance(inspect.getattr_static(cls, part), property)
    for base in facts["bases"]:
        assert base.rpartition(".")[2] in {one.__name__ for one in cls.__mro__}


@pytest.mark.parametrize(("module", "name"), each("constants"))
def test_constant_is_there(module, name):
    assert hasattr(importlib.import_module(module), name)
