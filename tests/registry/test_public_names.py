"""Names and parameters of the registry, its client and its utilities, against recorded facts."""

from __future__ import annotations

import enum
import importlib
import inspect
import json
from pathlib import Path

import pytest

from mlflow._later import NotAvailableYet
from mlflow.store.model_registry.abstract_store import AbstractStore
from tests.optional import optional

FACTS = json.loads(
    (Path(__file__).parents[1] / "data" / "python-api-registry.json").read_text(encoding="utf-8")
)
#: How the reference's store of files is made inside; messages of protobuf are no part of ours.
NOT_HERE = {
    "FileModelVersion",
    "FileStore.CREATE_MODEL_VERSION_RETRIES",
    "FileStore.META_DATA_FILE_NAME",
    "FileStore.MODELS_FOLDER_NAME",
    "FileStore.MODEL_VERSION_TAGS_FOLDER_NAME",
    "FileStore.REGISTERED_MODELS_ALIASES_FOLDER_NAME",
    "FileStore.TAGS_FOLDER_NAME",
    "FileStore.get_all_registered_model_aliases_from_path",
    "FileStore.get_all_registered_model_tags_from_path",
    "FileStore.list_registered_models",
    "FileStore.models_directory",
    "SqlAlchemyStore.CREATE_MODEL_VERSION_RETRIES",
}
PROTOBUF = {"from_proto", "to_proto"}
#: The contract has no state that plug-ins would have to leave out.
PICKLING = {"__getstate__", "__setstate__"}
#: Ours take more, after what the facts have and with defaults.
TAKE_MORE = {
    "FileStore.__init__",
    "ModelsArtifactRepository.get_underlying_uri",
    "SqlAlchemyStore.__init__",
}
#: Whatever is asked of a repository can be asked of its root, which is the default here.
OTHER_DEFAULT = {"ModelsArtifactRepository.list_artifacts"}


def home(module):
    if module == "mlflow.utils.request_utils":
        optional("requests")
    return importlib.import_module(module)


def entries(kind):
    return [
        (module, name)
        for module, facts in FACTS.items()
        for name in facts.get(kind, ())
        if name not in NOT_HERE
    ]


def members(facts):
    return {
        part for kind in ("methods", "properties", "attributes") for part in facts.get(kind, ())
    }


def as_text(default):
    """A default as the facts have it: sets sorted, members of enums without their values."""
    if isinstance(default, (set, frozenset)):
        return f"{{{', '.join(map(repr, sorted(default)))}}}"
    if isinstance(default, enum.Enum):
        return f"{type(default).__name__}.{default.name}"
    return repr(default)


def as_facts(function, *, bound):
    found = []
    for parameter in list(inspect.signature(function).parameters.values())[bound:]:
        fact = {"name": parameter.name}
        if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
            fact["kind"] = parameter.kind.name.lower()
        if parameter.default is not parameter.empty:
            fact["default"] = as_text(parameter.default)
        found.append(fact)
    return found


def assert_parameters(where, function, facts, *, bound):
    mine = as_facts(function, bound=bound)
    if where in OTHER_DEFAULT:
        assert [fact["name"] for fact in mine] == [fact["name"] for fact in facts]
    elif where in TAKE_MORE:
        assert mine[: len(facts)] == facts
        assert len(mine) > len(facts)
        assert all("default" in fact for fact in mine[len(facts) :])
    else:
        assert mine == facts


def test_what_is_not_here_is_exactly_as_listed():
    missing = set()
    for module, facts in FACTS.items():
        loaded = home(module)
        for kind in ("functions", "constants"):
            missing |= {name for name in facts.get(kind, ()) if not hasattr(loaded, name)}
        for name, parts in facts.get("classes", {}).items():
            if not hasattr(loaded, name):
                missing.add(name)
                continue
            cls = getattr(loaded, name)
            lacking = {part for part in members(parts) if not hasattr(cls, part)}
            missing |= {f"{name}.{part}" for part in lacking - PROTOBUF}
    assert missing == NOT_HERE


@pytest.mark.parametrize(("module", "name"), entries("functions"))
def test_function_has_the_public_parameters(module, name):
    facts = FACTS[module]["functions"][name]
    assert_parameters(name, getattr(home(module), name), facts["params"], bound=False)


@pytest.mark.parametrize(("module", "name"), entries("classes"))
def test_class_has_the_public_members(module, name):
    cls = getattr(home(module), name)
    facts = FACTS[module]["classes"][name]
    if "ref" in facts:
        place, _, own_name = facts["ref"].partition(":")
        assert cls is getattr(importlib.import_module(place), own_name)
        return
    if "init" in facts and not issubclass(cls, enum.Enum):
        assert_parameters(f"{name}.__init__", cls.__init__, facts["init"], bound=True)
    for method, fact in facts.get("methods", {}).items():
        where = f"{name}.{method}"
        if where in NOT_HERE or method in PROTOBUF:
            continue
        static = inspect.getattr_static(cls, method)
        assert isinstance(static, staticmethod) == (fact.get("kind") == "static")
        assert isinstance(static, classmethod) == (fact.get("kind") == "class")
        bound = not isinstance(static, (staticmethod, classmethod))
        assert_parameters(where, getattr(cls, method), fact["params"], bound=bound)
    for part, fact in facts.get("properties", {}).items():
        if f"{name}.{part}" not in NOT_HERE:
            found = inspect.getattr_static(cls, part)
            assert isinstance(found, property)
            assert (found.fset is not None) == fact.get("settable", False)
    for attribute, value in facts.get("attributes", {}).items():
        assert f"{name}.{attribute}" in NOT_HERE or repr(getattr(cls, attribute)) == value
    for member, value in facts.get("members", {}).items():
        assert cls[member].value == value
    for special in set(facts.get("dunders", ())) - PICKLING:
        assert special in vars(cls) or special in vars(cls.__base__)


@pytest.mark.parametrize(("module", "name"), entries("constants"))
def test_constant_has_the_public_value(module, name):
    fact, mine = FACTS[module]["constants"][name], getattr(home(module), name)
    if not isinstance(fact, dict):
        assert mine == fact
    elif "length" in fact:
        assert len(mine) == fact["length"]
    else:
        assert name == "VALID_ENTITY_ACTIONS"
        shown = {
            f"WebhookEntity.{entity.name}: {{"
            + ", ".join(sorted(f"WebhookAction.{action.name}" for action in actions))
            + "}"
            for entity, actions in mine.items()
        }
        assert f"{{{', '.join(sorted(shown))}}}" == _sorted_items(fact["repr"])


def _sorted_items(text):
    return "{" + ", ".join(sorted(part + "}" for part in text[1:-2].split("}, "))) + "}"


def _prompt_methods():
    methods = FACTS["mlflow.store.model_registry.abstract_store"]["classes"]["AbstractStore"]
    return sorted(name for name in methods["methods"] if "prompt" in name)


@pytest.mark.parametrize("name", _prompt_methods())
def test_prompts_say_that_they_are_not_there_yet(name):
    method = getattr(AbstractStore, name)
    with pytest.raises(NotAvailableYet, match=name):
        method(*["x" for _ in inspect.signature(method).parameters])
