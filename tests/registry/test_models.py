"""Registered models: the contract of every registry."""

from __future__ import annotations

import uuid

import pytest

from mlflow.entities.model_registry import ModelVersionTag, RegisteredModelTag
from mlflow.exceptions import MlflowException


def test_a_new_model_has_what_it_was_given(registry, name):
    tags = [RegisteredModelTag("team", "core"), RegisteredModelTag("empty", "")]
    made = registry.create_registered_model(name, tags, "what it is")
    for model in (made, registry.get_registered_model(name)):
        assert (model.name, model.description) == (name, "what it is")
        assert model.tags == {"team": "core", "empty": ""}
        assert (model.aliases, model.latest_versions) == ({}, [])
        assert model.creation_timestamp == model.last_updated_timestamp > 1_700_000_000_000


def test_a_name_is_taken_once(registry, name):
    registry.create_registered_model(name)
    with pytest.raises(MlflowException, match="already exists") as e:
        registry.create_registered_model(name)
    assert e.value.error_code == "RESOURCE_ALREADY_EXISTS"
    registry.create_registered_model(name.upper())  # case tells names apart


@pytest.mark.parametrize("bad", ["", " ", "a/b", "a:b", ".", ".."])
def test_bad_names_are_refused(registry, model, bad):
    for attempt in (
        lambda: registry.create_registered_model(bad),
        lambda: registry.rename_registered_model(model, bad),
        lambda: registry.create_model_version(bad, "s3://bucket/x"),
    ):
        with pytest.raises(MlflowException) as e:
            attempt()
        assert e.value.error_code in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST")


@pytest.mark.parametrize("odd", [" blanks ", "ünï", "q'uo\"te", "a@b", "a?b#c", "a\\b", "Ω" * 60])
def test_odd_names_are_names(registry, odd):
    name = f"{uuid.uuid4().hex}{odd}"
    registry.create_registered_model(name)
    assert registry.create_model_version(name, "s3://bucket/x").name == name
    quote = "`" if "'" in name else "'"
    if quote == "'":
        found = registry.search_registered_models(f"name = '{name}'")
        assert [model.name for model in found] == [name]
    registry.delete_registered_model(name)


def test_unknown_models_are_reported(registry, name):
    tag = RegisteredModelTag("k", "v")
    for attempt in (
        lambda: registry.get_registered_model(name),
        lambda: registry.update_registered_model(name, "x"),
        lambda: registry.rename_registered_model(name, f"{name}2"),
        lambda: registry.delete_registered_model(name),
        lambda: registry.get_latest_versions(name),
        lambda: registry.set_registered_model_tag(name, tag),
        lambda: registry.delete_registered_model_tag(name, "k"),
        lambda: registry.set_registered_model_alias(name, "a", 1),
        lambda: registry.delete_registered_model_alias(name, "a"),
        lambda: registry.get_model_version_by_alias(name, "a"),
        lambda: registry.create_model_version(name, "s3://bucket/x"),
    ):
        with pytest.raises(MlflowException, match=f"Registered Model with name={name}") as e:
            attempt()
        assert e.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_description_and_tags_change(registry, model):
    assert registry.update_registered_model(model, "new").description == "new"
    registry.set_registered_model_tag(model, RegisteredModelTag("k", "1"))
    registry.set_registered_model_tag(model, RegisteredModelTag("k", "2"))
    registry.set_registered_model_tag(model, RegisteredModelTag("a/b c:d", "3"))
    assert registry.get_registered_model(model).tags == {"k": "2", "a/b c:d": "3"}
    registry.delete_registered_model_tag(model, "k")
    registry.delete_registered_model_tag(model, "k")
    assert registry.get_registered_model(model).tags == {"a/b c:d": "3"}
    with pytest.raises(MlflowException, match="100000"):
        registry.set_registered_model_tag(model, RegisteredModelTag("k", "x" * 100_001))


def test_renaming_takes_everything_along(registry, model):
    registry.set_registered_model_tag(model, RegisteredModelTag("k", "v"))
    registry.set_model_version_tag(model, 2, ModelVersionTag("q", "good"))
    registry.set_registered_model_alias(model, "best", 2)
    registry.transition_model_version_stage(model, 3, "Production", False)
    new = f"{model}-new"
    assert registry.rename_registered_model(model, new).name == new
    renamed = registry.get_registered_model(new)
    assert renamed.tags == {"k": "v"}
    assert {a: str(v) for a, v in renamed.aliases.items()} == {"best": "2"}
    version = registry.get_model_version_by_alias(new, "best")
    assert (version.name, str(version.version), version.tags) == (new, "2", {"q": "good"})
    assert registry.get_model_version(new, 3).current_stage == "Production"
    assert {v.name for v in registry.search_model_versions(f"name = '{new}'")} == {new}
    with pytest.raises(MlflowException, match="not found"):
        registry.get_registered_model(model)
    registry.create_registered_model(model)  # the old name is free
    with pytest.raises(MlflowException, match="already exists"):
        registry.rename_registered_model(new, model)


def test_deleting_takes_everything_away(registry, model):
    registry.set_registered_model_alias(model, "best", 2)
    registry.delete_registered_model(model)
    assert registry.search_model_versions(f"name = '{model}'") == []
    with pytest.raises(MlflowException, match="Model Version"):
        registry.get_model_version(model, 1)
    again = registry.create_registered_model(model)
    assert (again.aliases, again.latest_versions) == ({}, [])
    assert str(registry.create_model_version(model, "s3://bucket/x").version) == "1"


def test_aliases_move(registry, model):
    registry.set_registered_model_alias(model, "best", 1)
    registry.set_registered_model_alias(model, "best", "3")
    registry.set_registered_model_alias(model, "Best", 2)
    assert str(registry.get_model_version_by_alias(model, "best").version) == "3"
    assert registry.get_model_version(model, 3).aliases == ["best"]
    assert registry.get_model_version(model, 1).aliases == []
    registry.delete_registered_model_alias(model, "best")
    registry.delete_registered_model_alias(model, "best")
    with pytest.raises(MlflowException, match="alias best not found") as e:
        registry.get_model_version_by_alias(model, "best")
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"
    registry.delete_model_version(model, 2)
    assert registry.get_registered_model(model).aliases == {}


@pytest.mark.parametrize("bad", ["latest", "Latest", "v1", "V12", "a b", "a.b", "x" * 256])
def test_bad_aliases_are_refused(registry, model, bad):
    with pytest.raises(MlflowException) as e:
        registry.set_registered_model_alias(model, bad, 1)
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"
    assert registry.get_registered_model(model).aliases == {}


def test_pages_of_models_neither_repeat_nor_skip(registry, name):
    names = [f"{name}-{letter}" for letter in "abcdefg"]
    for one in names:
        registry.create_registered_model(one)
    found, token = [], None
    while True:
        where = f"name LIKE '{name}-%'"
        page = registry.search_registered_models(where, 2, ["name DESC"], token)
        found += [model.name for model in page]
        if len(found) == 2:  # what comes or goes meanwhile does not shift the pages
            registry.create_registered_model(f"{name}-z")
            registry.delete_registered_model(names[-1])
        token = page.token
        if not token:
            break
    assert found == names[::-1]


@pytest.mark.parametrize("size", [0, -1, 1001])
def test_pages_have_bounds(registry, size):
    with pytest.raises(MlflowException) as e:
        registry.search_registered_models(max_results=size)
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


def test_prompts_are_found_only_when_asked_for(registry, name):
    prompt, flag = f"{name}-prompt", "mlflow.prompt.is_prompt"
    registry.create_registered_model(prompt, [RegisteredModelTag(flag, "true")])
    registry.create_model_version(prompt, "s3://b/x", tags=[ModelVersionTag(flag, "true")])
    registry.create_registered_model(f"{name}-model")
    registry.create_model_version(f"{name}-model", "s3://b/x")

    def found(where: str) -> list[list[str]]:
        where = f"name LIKE '{name}-%'{where}"
        searches = registry.search_registered_models, registry.search_model_versions
        return [[one.name.removeprefix(f"{name}-") for one in s(where)] for s in searches]

    assert found("") == found(f" AND tags.`{flag}` != 'true'") == [["model"], ["model"]]
    assert found(f" AND tags.`{flag}` = 'true'") == [["prompt"], ["prompt"]]
    assert registry.get_registered_model(prompt).tags == {flag: "true"}
