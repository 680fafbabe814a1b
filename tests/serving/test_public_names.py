"""Names, parameters and constants of the modules that serve models, against recorded facts."""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path

import click
import pytest

FACTS = json.loads(
    (Path(__file__).parents[1] / "data" / "python-api-serving.json").read_text(encoding="utf-8")
)


def entries(kind):
    return [(m, n) for m, facts in FACTS.items() for n in facts.get(kind, ())]


def found(module, name):
    return getattr(importlib.import_module(module), name)


def assert_parameters(function, facts, bound=0):
    mine = list(inspect.signature(function).parameters.values())[bound:]
    assert [p.name for p in mine] == [fact["name"] for fact in facts]
    for parameter, fact in zip(mine, facts):
        default = None if parameter.default is parameter.empty else repr(parameter.default)
        assert default == fact.get("default"), parameter
        assert parameter.kind.name.lower() == fact.get("kind", "positional_or_keyword")


@pytest.mark.parametrize(("module", "name"), entries("functions"))
def test_function(module, name):
    fact = FACTS[module]["functions"][name]
    function = found(module, name)
    if "object" in fact:
        assert isinstance(function, getattr(click, fact["object"]))
        return
    if "defined_in" in fact:
        assert function is found(fact["defined_in"], name)
        return
    assert_parameters(function, fact["params"])


@pytest.mark.parametrize(("module", "name"), entries("classes"))
def test_class(module, name):
    fact = FACTS[module]["classes"][name]
    cls = found(module, name)
    if "ref" in fact:
        assert cls is found(*fact["ref"].split(":"))
        return
    if "init" in fact:
        assert_parameters(cls.__init__, fact["init"], bound=1)
    for method, details in fact.get("methods", {}).items():
        assert_parameters(getattr(cls, method), details["params"], bound=1)
        if details.get("abstract"):
            assert getattr(cls, method).__isabstractmethod__
    if "fields" in fact:
        assert list(cls._fields) == [field["name"] for field in fact["fields"]]
    for attribute, value in fact.get("attributes", {}).items():
        assert repr(getattr(cls, attribute)) == value


@pytest.mark.parametrize(("module", "name"), entries("constants"))
def test_constant(module, name):
    fact = FACTS[module]["constants"][name]
    mine = found(module, name)
    if not isinstance(fact, dict):
        assert mine == fact
    elif fact["type"] == "set":
        assert sorted(map(repr, mine)) == sorted(fact["repr"].strip("{}").split(", "))
    elif "repr" in fact:
        assert repr(mine) == fact["repr"]
    else:
        assert type(mine).__name__ == fact["type"] or repr(mine) == fact["type"].strip('"')


@pytest.mark.parametrize("name", [n for n, f in FACTS["mlflow.models.cli"]["functions"].items()])
def test_commands_are_those_of_the_command_line(name):
    from mlflow.cli import models

    assert found("mlflow.models.cli", name) is getattr(models, name)
