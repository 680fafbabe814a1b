"""Names, parameters and constants of the modules about models, against recorded facts."""

import ast
import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

from mlflow._later import NotAvailableYet

FACTS = json.loads(
    (Path(__file__).parents[1] / "data" / "python-api-models.json").read_text(encoding="utf-8")
)
LATER = {
    "EvaluationArtifact",
    "EvaluationMetric",
    "EvaluationResult",
    "MetricThreshold",
    "evaluate",
    "list_evaluators",
    "make_metric",
}
#: What is true of the machine that the facts were recorded on.
OF_A_MACHINE = {"HAS_PYSPARK", "HAS_SCIPY", "SparkDataFrame"}
#: Submodules that are not there yet.
NO_MODULES = {"wheeled_model"}


def parameters(function, bound):
    found = []
    for parameter in list(inspect.signature(function).parameters.values())[bound:]:
        fact = {"name": parameter.name}
        if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
            fact["kind"] = parameter.kind.name.lower()
        if parameter.default is not parameter.empty:
            fact["default"] = repr(parameter.default)
        found.append(fact)
    return found


def assert_parameters(function, facts, bound=False):
    wanted = [{k: v for k, v in fact.items() if k != "type"} for fact in facts]
    mine = parameters(function, bound)
    for one, other in zip(mine, wanted, strict=True):
        if "<" in other.get("default", ""):  # an object, which has no text of its own
            assert "default" in one
            one, other = {**one, "default": ""}, {**other, "default": ""}
        assert one == other


def entries(kind):
    return [(m, n) for m, facts in FACTS.items() for n in facts.get(kind, ()) if n not in LATER]


@pytest.mark.parametrize(("module", "name"), entries("functions"))
def test_function_has_the_public_parameters(module, name):
    facts = FACTS[module]["functions"][name]
    if "params" in facts:
        assert_parameters(getattr(importlib.import_module(module), name), facts["params"])


@pytest.mark.parametrize(("module", "name"), entries("classes"))
def test_class_has_the_public_members(module, name):
    cls = getattr(importlib.import_module(module), name)
    facts = FACTS[module]["classes"][name]
    if "init" in facts:
        assert_parameters(cls.__init__, facts["init"], bound=True)
    for method, fact in facts.get("methods", {}).items():
        static = inspect.getattr_static(cls, method)
        assert isinstance(static, classmethod) == (fact.get("kind") == "class")
        function = static.__func__ if isinstance(static, classmethod) else static
        assert_parameters(function, fact["params"], bound=True)
    for part, fact in facts.get("properties", {}).items():
        found = inspect.getattr_static(cls, part)
        assert isinstance(found, property)
        assert (found.fset is not None) == fact.get("settable", False)


@pytest.mark.parametrize(("module", "name"), entries("constants"))
def test_constant_has_the_public_value(module, name):
    fact = FACTS[module]["constants"][name]
    mine = getattr(importlib.import_module(module), name)
    if name in OF_A_MACHINE or (isinstance(fact, dict) and "length" in fact):
        return  # a long text of its own words
    if isinstance(fact, dict):
        fact = ast.literal_eval(fact["repr"])
    assert mine == fact


@pytest.mark.parametrize("name", sorted(FACTS["mlflow.models.utils"]["other"]))
def test_annotations_of_data_are_there(name):
    assert hasattr(importlib.import_module("mlflow.models.utils"), name)


@pytest.mark.parametrize("name", sorted(LATER))
def test_what_belongs_to_evaluation_says_that_it_is_not_there_yet(name):
    with pytest.raises(NotAvailableYet, match=name):
        getattr(importlib.import_module("mlflow.models"), name)


def test_importing_costs_little():
    code = (
        "import sys, mlflow.models; mlflow.models.Model; mlflow.models.infer_signature;"
        "print(sorted({'numpy', 'pandas', 'yaml', 'pydantic', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_all_that_is_listed_is_there():
    import mlflow.models

    for name in mlflow.models.__all__:
        assert getattr(mlflow.models, name) is not None
    assert set(mlflow.models.__all__) <= set(dir(mlflow.models))
