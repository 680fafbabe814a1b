"""Names, parameters and constants against recorded facts."""

import importlib
import inspect
import json
from pathlib import Path

import pytest

from tests.optional import optional

FACTS = json.loads(
    (Path(__file__).parents[1] / "data" / "python-api-autologging.json").read_text("utf-8")
)

#: Values that are compared here as `repr`; the others are in `test_constants`.
_OBJECTS = {"AUTOLOGGING_INTEGRATIONS", "MLFLOW_ALLOW_PICKLE_DESERIALIZATION"}


def entries(kind):
    return [(m, n) for m, facts in FACTS.items() for n in facts.get(kind, ())]


def home(module):
    if module == "mlflow.sklearn":
        optional("sklearn")
    return importlib.import_module(module)


def assert_parameters(function, facts, *, bound=False):
    mine = list(inspect.signature(function).parameters.values())[bound:]
    assert [p.name for p in mine] == [fact["name"] for fact in facts]
    for parameter, fact in zip(mine, facts, strict=True):
        has_default = parameter.default is not parameter.empty
        assert has_default == ("default" in fact), parameter.name
        if has_default:
            assert repr(parameter.default) == fact["default"], parameter.name


@pytest.mark.parametrize(("module", "name"), entries("functions"))
def test_function_has_the_public_parameters(module, name):
    facts = FACTS[module]["functions"][name]
    function = getattr(home(module), name)
    assert_parameters(function, facts["params"])
    if "defined_in" in facts:
        assert function is getattr(importlib.import_module(facts["defined_in"]), name)


@pytest.mark.parametrize(("module", "name"), entries("classes"))
def test_class_has_the_public_members(module, name):
    cls = getattr(home(module), name)
    facts = FACTS[module]["classes"][name]
    if "ref" in facts:
        place, _, attribute = facts["ref"].partition(":")
        if "<locals>" not in attribute:
            assert getattr(importlib.import_module(place), attribute) is cls
        return
    if "init" in facts:
        assert_parameters(cls.__init__, facts["init"], bound=True)
    for method, fact in facts.get("methods", {}).items():
        static = fact.get("kind") in ("static", "class")
        assert_parameters(getattr(cls, method), fact["params"], bound=not static)
    for special in facts.get("dunders", ()):
        assert special in vars(cls)


@pytest.mark.parametrize(("module", "name"), entries("constants"))
def test_constant_has_the_public_value(module, name):
    fact = FACTS[module]["constants"][name]
    value = getattr(home(module), name)
    if isinstance(fact, dict) and "length" in fact:
        assert len(value) == fact["length"]
    elif isinstance(fact, dict) and "repr" in fact and name not in _OBJECTS:
        assert repr(value) == fact["repr"]
    elif name not in _OBJECTS:
        assert value == fact


def test_metaclasses_are_what_they_say():
    from mlflow.utils.autologging_utils import ExceptionSafeAbstractClass, ExceptionSafeClass

    assert issubclass(ExceptionSafeClass, type)
    assert issubclass(ExceptionSafeAbstractClass, importlib.import_module("abc").ABCMeta)


def test_all_that_is_listed_is_there():
    for module in ("mlflow.utils.autologging_utils", "mlflow.sklearn"):
        loaded = home(module)
        assert [name for name in loaded.__all__ if not hasattr(loaded, name)] == []
