"""Names and parameters of contexts, plug-in registries and their neighbours, against facts."""

import importlib
import inspect
import json
from pathlib import Path

import pytest

FACTS = json.loads(
    (Path(__file__).parents[1] / "data" / "python-api-context.json").read_text(encoding="utf-8")
)


def parameters(function, *, bound):
    """As the facts have them: name, kind, and the default's text if there is one."""
    found = []
    for parameter in list(inspect.signature(function).parameters.values())[1 if bound else 0 :]:
        fact = [parameter.name, parameter.kind.name.lower()]
        if parameter.default is not parameter.empty:
            fact.append(repr(parameter.default).strip("'"))
        found.append(fact)
    return found


def each(kind):
    return [(module, name) for module, facts in FACTS.items() for name in facts.get(kind, ())]


@pytest.mark.parametrize(("module", "name"), each("functions"))
def test_function_has_the_public_parameters(module, name):
    function = getattr(importlib.import_module(module), name)
    facts = [[*f[:2], *(t.strip("'") for t in f[2:])] for f in FACTS[module]["functions"][name]]
    assert parameters(function, bound=False) == facts


@pytest.mark.parametrize(("module", "name"), each("classes"))
def test_class_has_the_public_members(module, name):
    cls = getattr(importlib.import_module(module), name)
    facts = FACTS[module]["classes"][name]
    if "init" in facts:
        assert parameters(cls, bound=False) == facts["init"]
    for method, fact in facts["methods"].items():
        assert parameters(getattr(cls, method), bound=True) == fact
    for part, settable in facts.get("properties", {}).items():
        assert (inspect.getattr_static(cls, part).fset is not None) == settable
    for base in facts.get("bases", ()):
        assert base.rpartition(".")[2] in {one.__name__ for one in cls.__mro__}
    if "fields" in facts:
        assert list(cls._fields) == facts["fields"]


@pytest.mark.parametrize(("module", "name"), each("constants"))
def test_constant_has_the_public_value(module, name):
    value = getattr(importlib.import_module(module), name)
    fact = FACTS[module]["constants"][name]
    assert fact in (None, value)
