"""Names and parameters of the tracking SDK, against facts.

What does not exist yet stands in a table: what gets lost fails here, and so does what was added and
still stands there."""

from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import mlflow
from mlflow._face import FACE
from mlflow._later import CLIENT_LATER, LATER
from mlflow.exceptions import MlflowException

DATA = Path(__file__).parents[1] / "data"
FACTS = json.loads((DATA / "python-api-tracking.json").read_text(encoding="utf-8"))
NOT_YET = json.loads((DATA / "not-yet.json").read_text(encoding="utf-8"))
UNKNOWN = "<object object>"


def names(module: str) -> set[str]:
    facts = FACTS[module]
    parts = ("functions", "classes", "names", "submodules", "lazy_attributes", "all")
    return {name for part in parts for name in facts.get(part, ())}


def present(module: str, kind: str) -> list[tuple[str, str]]:
    return sorted(set(FACTS[module].get(kind, ())) - set(NOT_YET.get(module, ())))


def each(kind: str) -> list[tuple[str, str]]:
    return [(module, name) for module in FACTS for name in present(module, kind)]


def parameters(function, *, bound: bool) -> list[dict[str, str]]:
    found = []
    for parameter in list(inspect.signature(function).parameters.values())[1 if bound else 0 :]:
        fact = {"name": parameter.name}
        if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
            fact["kind"] = parameter.kind.name.lower()
        if parameter.default is not parameter.empty:
            fact["default"] = repr(parameter.default)
        found.append(fact)
    return found


@pytest.mark.parametrize("module", FACTS)
def test_what_is_missing_is_exactly_what_the_table_says(module):
    loaded = importlib.import_module(module)
    missing = {name for name in names(module) if not hasattr(loaded, name)}
    assert sorted(missing) == NOT_YET.get(module, [])


@pytest.mark.parametrize("module", FACTS)
def test_methods_missing_are_exactly_what_the_table_says(module):
    for name in present(module, "classes"):
        cls = getattr(importlib.import_module(module), name)
        facts = FACTS[module]["classes"][name]
        missing = {m for m in {*facts["methods"], *facts["properties"]} if not hasattr(cls, m)}
        assert sorted(missing) == NOT_YET.get(f"{module}.{name}", [])


@pytest.mark.parametrize(("module", "name"), each("functions"))
def test_function_has_the_public_parameters(module, name):
    function = getattr(importlib.import_module(module), name)
    assert parameters(function, bound=False) == FACTS[module]["functions"][name]


@pytest.mark.parametrize(("module", "name"), each("classes"))
def test_class_has_the_public_parameters(module, name):
    cls = getattr(importlib.import_module(module), name)
    facts = FACTS[module]["classes"][name]
    if facts["init"] is not None and cls.__init__ is not object.__init__:
        assert parameters(cls.__init__, bound=True) == facts["init"]
    for method, fact in facts["methods"].items():
        if hasattr(cls, method):
            assert parameters(getattr(cls, method), bound=True) == fact


def test_tables_in_the_package_say_the_same():
    fluent = NOT_YET["mlflow.tracking.fluent"]
    assert sorted({*NOT_YET["mlflow"], *fluent}) == sorted(LATER)
    assert NOT_YET["mlflow.tracking.client.MlflowClient"] == sorted(CLIENT_LATER)


def test_face_is_sorted_and_every_name_is_there():
    assert list(FACE) == sorted(FACE)
    for name in FACE:
        assert getattr(mlflow, name) is not None


def test_star_import_brings_what_the_reference_brings():
    assert set(mlflow.__all__) == set(FACTS["mlflow"]["all"]) - set(NOT_YET["mlflow"])
    assert set(mlflow.__all__) <= set(dir(mlflow))


def test_name_that_is_not_there_yet_says_so():
    with pytest.raises(AttributeError, match="'mlflow.genai' is not available in Headrace yet"):
        _ = mlflow.genai
    with pytest.raises(AttributeError, match="has no attribute 'typo'"):
        _ = mlflow.typo


def test_client_method_that_is_not_there_yet_says_so(client):
    with pytest.raises(MlflowException, match="create_prompt.*not available") as error:
        client.create_prompt("p")
    assert error.value.error_code == "NOT_IMPLEMENTED"
    assert not hasattr(client, "create_prompt")
    with pytest.raises(AttributeError, match="has no attribute 'typo'"):
        client.typo()


HEAVY = {
    "numpy", "pandas", "matplotlib", "PIL", "plotly", "sqlite3", "urllib3", "msgspec", "click",
    "starlette", "uvicorn", "psutil", "yaml", "asyncio", "concurrent.futures",
}  # fmt: skip


@pytest.mark.parametrize("use", ["mlflow", "mlflow.start_run", "mlflow.MlflowClient"])
def test_import_loads_nothing_heavy(use):
    program = f"import mlflow, sys; {use}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout
    assert HEAVY & set(loaded.split()) == set()
    assert len(loaded.split()) < 300
