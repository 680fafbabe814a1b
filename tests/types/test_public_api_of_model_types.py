"""Names, fields, defaults and parameters, against recorded facts."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.optional import optional

pydantic = optional("pydantic")

FACTS = json.loads(
    (Path(__file__).parents[1] / "data" / "python-api-model-types.json").read_text("utf-8")
)
#: Of these only the meaning is the reference's.
TEXTS = {"OPTIONAL_INPUT_MSG", "SUPPORTED_TYPE_HINT_MSG"}
#: Properties there, plain attributes here: whoever reads or sets them sees no difference.
ATTRIBUTES = {"api_scopes", "resources"}


def entries(kind):
    return [(module, name) for module, facts in FACTS.items() for name in facts.get(kind, ())]


def get(module, name):
    return getattr(importlib.import_module(module), name)


def assert_parameters(function, facts, bound):
    mine = list(inspect.signature(function).parameters.values())[bound:]
    assert [one.name for one in mine] == [fact["name"] for fact in facts]
    for one, fact in zip(mine, facts):
        assert one.kind.name.lower() == fact.get("kind", "positional_or_keyword")
        assert (one.default is not one.empty) == ("default" in fact)
        if not fact.get("default", "<").startswith("<"):  # what has no text of its own
            assert repr(one.default) == fact["default"]


@pytest.mark.parametrize(("module", "name"), entries("functions"))
def test_function_has_the_public_parameters(module, name):
    assert_parameters(get(module, name), FACTS[module]["functions"][name], bound=False)


@pytest.mark.parametrize(("module", "name"), entries("classes"))
def test_class_has_the_public_members(module, name):
    cls, facts = get(module, name), FACTS[module]["classes"][name]
    if "init" in facts:
        assert_parameters(cls.__init__, facts["init"], bound=True)
    for method, parameters in facts.get("methods", {}).items():
        found = inspect.getattr_static(cls, method)
        if parameters is not None and inspect.isfunction(found):
            assert_parameters(found, parameters, bound=True)
    for part in set(facts.get("properties", ())) - ATTRIBUTES:
        assert isinstance(inspect.getattr_static(cls, part), property)
    if "members" in facts:
        assert {one.name: one.value for one in cls} == facts["members"]
    if "fields" in facts:
        assert_fields(cls, facts["fields"])


def assert_fields(cls, facts):
    """Names in order, which of them have a default, and the defaults."""
    if issubclass(cls, pydantic.BaseModel):
        mine = {
            name: None if field.is_required() else field.get_default(call_default_factory=True)
            for name, field in cls.model_fields.items()
        }
        needed = [name for name, field in cls.model_fields.items() if field.is_required()]
        assert set(mine) == {fact["name"] for fact in facts}
        assert set(needed) == {fact["name"] for fact in facts if fact.get("required")}
    elif dataclasses.is_dataclass(cls):
        mine = {one.name: one.default for one in dataclasses.fields(cls)}
        assert list(mine) == [fact["name"] for fact in facts]
    else:
        mine = {name: cls._field_defaults.get(name) for name in cls._fields}
        assert list(mine) == [fact["name"] for fact in facts]
    for fact in facts:
        if "default" in fact and not fact["default"].startswith("<"):
            assert repr(mine[fact["name"]]) == fact["default"]


@pytest.mark.parametrize(("module", "name"), entries("constants"))
def test_constant_has_the_public_value(module, name):
    mine, fact = get(module, name), FACTS[module]["constants"][name]
    if fact is not None and name not in TEXTS and "<" not in fact:
        assert repr(mine) == fact


@pytest.mark.parametrize(("module", "name"), entries("other"))
def test_name_is_there(module, name):
    assert get(module, name) is not None


def test_types_of_datasets_need_no_pydantic():
    code = (
        "import sys; sys.modules['pydantic'] = None\n"
        "import mlflow.types, mlflow.types.llm, mlflow.types.type_hints as hints\n"
        "assert hints._infer_schema_from_list_type_hint(list[str]).to_dict()\n"
        "assert mlflow.types.llm.ChatMessage('user', 'hi')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
