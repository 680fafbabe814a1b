"""Names, parameters and members of what traces are made of, against recorded facts."""

import enum
import importlib
import inspect
import json
from pathlib import Path

import pytest
from tests.signatures import parameters

FACTS = json.loads(
    (Path(__file__).parents[1] / "data" / "python-api-traces.json").read_text(encoding="utf-8")
)
CLASSES = [(module, name) for module, facts in FACTS.items() for name in facts["classes"]]


def assert_parameters(function, facts, *, bound):
    got = parameters(function, bound=bound)
    # More parameters of ours come last and have defaults.
    assert all(len(mine) == 3 for mine in got[len(facts) :])
    for mine, fact in zip(got, facts):
        if len(fact) == 3 and ("<" in fact[2] or "." in fact[2]):
            mine, fact = [*mine[:2], len(mine)], [*fact[:2], len(fact)]
        assert mine == fact


@pytest.mark.parametrize(("module", "name"), CLASSES)
def test_class_has_the_public_members(module, name):
    cls = getattr(importlib.import_module(module), name)
    facts = FACTS[module]["classes"][name]
    if "init" in facts and not issubclass(cls, enum.Enum):
        assert_parameters(cls.__init__, facts["init"], bound=True)
    for method, fact in facts.get("methods", {}).items():
        static = inspect.getattr_static(cls, method)
        function = static.__func__ if isinstance(static, classmethod) else getattr(cls, method)
        assert_parameters(function, fact, bound=not isinstance(static, staticmethod))
    for part, settable in facts.get("properties", {}).items():
        found = inspect.getattr_static(cls, part)
        assert isinstance(found, property)
        assert (found.fset is not None) == settable
    for attribute, value in facts.get("attributes", {}).items():
        assert repr(getattr(cls, attribute)) == value
    for member, value in facts.get("members", {}).items():
        assert cls[member].value == value
    for field in facts.get("fields", ()):
        assert field in cls.__dataclass_fields__


@pytest.mark.parametrize("module", FACTS)
def test_module_has_the_public_functions_and_constants(module):
    imported = importlib.import_module(module)
    for name, fact in FACTS[module].get("functions", {}).items():
        assert_parameters(getattr(imported, name), fact, bound=False)
    for name, value in FACTS[module].get("constants", {}).items():
        assert getattr(imported, name) == value
