"""Names and parameters of `mlflow.data` and of the schema types, against recorded facts."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
from pathlib import Path

import pytest
from tests.optional import optional
from tests.signatures import parameters

FACTS = json.loads(
    (Path(__file__).parents[1] / "data" / "python-api-data.json").read_text(encoding="utf-8")
)


def each(kind):
    return [(module, name) for module, facts in FACTS.items() for name in facts.get(kind, ())]


def member(module, name):
    if module == "mlflow.data.polars_dataset" and name.endswith("_MAP"):
        optional("polars")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize(("module", "name"), each("functions"))
def test_function_has_the_public_parameters(module, name):
    assert parameters(member(module, name)) == FACTS[module]["functions"][name]


@pytest.mark.parametrize(("module", "name"), each("elsewhere"))
def test_name_is_the_one_that_lives_elsewhere(module, name):
    home, _, original = FACTS[module]["elsewhere"][name].partition(":")
    assert member(module, name) is member(home, original)


@pytest.mark.parametrize(("module", "name"), each("classes"))
def test_class_has_the_public_members(module, name):
    cls = member(module, name)
    facts = FACTS[module]["classes"][name]
    assert cls.__module__ == module
    if "init" in facts:
        assert parameters(cls) == facts["init"]
    for method, fact in facts["methods"].items():
        static = isinstance(inspect.getattr_static(cls, method), (classmethod, staticmethod))
        assert parameters(getattr(cls, method), bound=not static) == fact
    for part, settable in facts["properties"].items():
        found = inspect.getattr_static(cls, part)
        assert (getattr(found, "fset", None) is not None) == settable
    for base in facts["bases"]:
        assert base.rpartition(".")[2] in {one.__name__ for one in cls.__mro__}
    if "members" in facts:
        assert {one.name: one.value for one in cls} == facts["members"]


@pytest.mark.parametrize(("module", "name"), each("constants"))
def test_constant_has_the_public_value(module, name):
    fact = FACTS[module]["constants"][name]
    if name == "SCALAR_TO_DATATYPE_MAPPING":  # its keys are numpy's types
        optional("numpy")
    value = member(module, name)
    if name == "HAS_PYSPARK":
        assert value is (importlib.util.find_spec("pyspark") is not None)
    else:
        assert fact in (None, value)
