"""Names, parameters and constants of `mlflow.pyfunc`, against recorded facts."""

import ast
import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

FACTS = json.loads(
    (Path(__file__).parents[1] / "data" / "python-api-pyfunc.json").read_text(encoding="utf-8")
)
#: Prompts are not there yet; the others are messages of a hosted product.
NOT_HERE = {"Entity", "Job", "LineageHeaderInfo", "Notebook", "Prompt"}
#: Modules that are not there yet, though what `mlflow.pyfunc` has of theirs is.
HOMES_NOT_HERE = {"mlflow.tracing.provider"}
#: What is true of the machine that the facts were recorded on.
OF_A_MACHINE = {"HAS_PYSPARK", "PYTHON_VERSION"}


def parameters(function, bound):
    found = []
    for parameter in list(inspect.signature(function).parameters.values())[bound:]:
        fact = {"name": parameter.name}
        if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
            fact["kind"] = parameter.kind.name.lower()
        if parameter.default is not parameter.empty:
            value = parameter.default
            fact["default"] = (
                f"<class {value.__name__}>" if isinstance(value, type) else repr(value)
            )
        found.append(fact)
    return found


def assert_parameters(function, facts, bound=False):
    wanted = [{k: v for k, v in fact.items() if k != "type"} for fact in facts]
    assert parameters(function, bound) == wanted


def entries(kind):
    return [(m, n) for m, f in FACTS.items() for n in f.get(kind) or () if n not in NOT_HERE]


def test_what_is_not_here_is_exactly_as_listed():
    names = [
        (m, n)
        for m, facts in FACTS.items()
        for kind in ("functions", "classes", "constants", "other")
        for n in facts.get(kind) or ()
    ]
    missing = {n for m, n in names if not hasattr(importlib.import_module(m), n)}
    assert missing == NOT_HERE


@pytest.mark.parametrize(("module", "name"), entries("functions"))
def test_function_has_the_public_parameters(module, name):
    facts = FACTS[module]["functions"][name]
    function = getattr(importlib.import_module(module), name)
    assert_parameters(function, facts["params"])
    home = facts.get("defined_in")
    if home and home not in HOMES_NOT_HERE:
        assert function is getattr(importlib.import_module(home), name)


@pytest.mark.parametrize(("module", "name"), entries("classes"))
def test_class_has_the_public_members(module, name):
    cls = getattr(importlib.import_module(module), name)
    facts = FACTS[module]["classes"][name]
    if "ref" in facts:
        home, _, own = facts["ref"].partition(":")
        assert cls is getattr(importlib.import_module(home), own)
        return
    assert [f"{base.__module__}.{base.__name__}" for base in cls.__bases__] == (
        facts["bases"] or ["builtins.object"]
    )
    if facts.get("init"):
        assert_parameters(cls.__init__, facts["init"], bound=True)
    for method, fact in facts.get("methods", {}).items():
        static = inspect.getattr_static(cls, method)
        assert isinstance(static, staticmethod) == (fact.get("kind") == "static")
        assert getattr(static, "__isabstractmethod__", False) == fact.get("abstract", False)
        is_bound = not isinstance(static, staticmethod)
        assert_parameters(getattr(cls, method), fact["params"], bound=is_bound)
    for part, fact in facts.get("properties", {}).items():
        found = inspect.getattr_static(cls, part)
        assert isinstance(found, property)
        assert (found.fset is not None) == fact.get("settable", False)
    for attribute, value in facts.get("attributes", {}).items():
        assert repr(getattr(cls, attribute)) == value
    for field in facts.get("fields", ()):
        found = cls.__dataclass_fields__[field["name"]]
        assert repr(found.default) == field["default"]


@pytest.mark.parametrize(("module", "name"), entries("constants"))
def test_constant_has_the_public_value(module, name):
    fact = FACTS[module]["constants"][name]
    mine = getattr(importlib.import_module(module), name)
    if name in OF_A_MACHINE:
        return
    if isinstance(fact, dict):
        if "repr" not in fact:
            assert fact["type"] in (f"<{_full(mine)} object>", f"'{mine}'")
            return
        fact = ast.literal_eval(fact["repr"])
    assert mine == fact


def _full(value):
    return f"{type(value).__module__}.{type(value).__name__}"


def test_all_that_is_listed_is_there():
    import mlflow.pyfunc

    for name in mlflow.pyfunc.__all__:
        assert getattr(mlflow.pyfunc, name) is not None
    assert set(mlflow.pyfunc.__all__) <= set(dir(mlflow.pyfunc))


def test_importing_costs_little():
    code = (
        "import sys, mlflow.pyfunc; mlflow.pyfunc.PythonModel; mlflow.pyfunc.load_model;"
        "print(sorted({'numpy', 'pandas', 'yaml', 'pydantic', 'cloudpickle'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
