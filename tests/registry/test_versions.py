"""Versions and stages: the contract of every registry."""

from __future__ import annotations

import uuid

import pytest

from mlflow.entities import RunTag
from mlflow.entities.model_registry import ModelVersionTag
from mlflow.exceptions import MlflowException


def numbers(versions) -> list[int]:
    return [int(version.version) for version in versions]


def stages(registry, name: str) -> dict[int, str]:
    found = registry.search_model_versions(f"name = '{name}'")
    return {int(mv.version): mv.current_stage for mv in found}


def test_a_version_has_what_it_was_given(registry, name):
    registry.create_registered_model(name)
    tags = [ModelVersionTag("q", "good")]
    run_id = uuid.uuid4().hex
    registry.create_model_version(name, "s3://b/1", run_id, tags, "http://x/y", "the first")
    version = registry.get_model_version(name, "1")
    assert (version.name, int(version.version), version.source) == (name, 1, "s3://b/1")
    assert (version.run_id, version.run_link) == (run_id, "http://x/y")
    assert (version.description, version.tags) == ("the first", {"q": "good"})
    assert (version.current_stage, version.status) == ("None", "READY")
    assert registry.get_model_version_download_uri(name, 1) == "s3://b/1"


def test_numbers_are_not_given_twice(registry, model):
    registry.delete_model_version(model, 2)
    registry.delete_model_version(model, 4)
    assert int(registry.create_model_version(model, "s3://b/x").version) == 5
    for version in registry.search_model_versions(f"name = '{model}'"):
        registry.delete_model_version(model, version.version)
    assert registry.get_registered_model(model).latest_versions == []
    assert int(registry.create_model_version(model, "s3://b/x").version) == 6


@pytest.mark.parametrize("bad", ["0", "-1", "99", str(10**20)])
def test_unknown_versions_are_reported(registry, model, bad):
    tag = ModelVersionTag("k", "v")
    for attempt in (
        lambda: registry.get_model_version(model, bad),
        lambda: registry.get_model_version_download_uri(model, bad),
        lambda: registry.update_model_version(model, bad, "x"),
        lambda: registry.delete_model_version(model, bad),
        lambda: registry.set_model_version_tag(model, bad, tag),
        lambda: registry.delete_model_version_tag(model, bad, "k"),
        lambda: registry.transition_model_version_stage(model, bad, "Staging", False),
        lambda: registry.set_registered_model_alias(model, "a", bad),
    ):
        with pytest.raises(MlflowException, match="not found") as e:
            attempt()
        assert e.value.error_code == "RESOURCE_DOES_NOT_EXIST"


@pytest.mark.parametrize("bad", ["abc", "1.0", "1 2"])
def test_versions_are_numbers(registry, model, bad):
    with pytest.raises(MlflowException, match="must be an integer") as e:
        registry.get_model_version(model, bad)
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


def test_description_and_tags_change(registry, model):
    assert registry.update_model_version(model, 1, "new").description == "new"
    registry.set_model_version_tag(model, "1", ModelVersionTag("k", "1"))
    registry.set_model_version_tag(model, 1, ModelVersionTag("k", "2"))
    assert registry.get_model_version(model, 1).tags == {"k": "2"}
    registry.delete_model_version_tag(model, 1, "k")
    registry.delete_model_version_tag(model, 1, "k")
    assert registry.get_model_version(model, 1).tags == {}


def test_a_version_of_a_version_stands_for_its_files(registry, model, name):
    original = registry.get_model_version(model, 2)
    registry.set_model_version_tag(model, 2, ModelVersionTag("k", "v"))
    copy = registry.copy_model_version(registry.get_model_version(model, 2), f"{name}-copy")
    assert (copy.source, copy.tags, int(copy.version)) == (f"models:/{model}/2", {"k": "v"}, 1)
    again = registry.copy_model_version(copy, f"{name}-copy")
    assert int(again.version) == 2
    for version in (1, 2):
        uri = registry.get_model_version_download_uri(f"{name}-copy", version)
        assert uri == original.source
    with pytest.raises(MlflowException, match="not found"):
        registry.create_model_version(model, "models:/none/1")


def test_a_logged_model_gives_its_files_and_its_run(stores, registry, name):
    tracking = stores.tracking
    experiment = tracking.create_experiment(f"e-{uuid.uuid4().hex}", None, [])
    run_id = tracking.create_run(experiment, "ann", 1, [RunTag("a", "b")], "r").info.run_id
    logged = tracking.create_logged_model(experiment, "net", run_id)
    source = f"models:/{logged.model_id}"
    registry.create_registered_model(name)
    for number in (1, 2):
        version = registry.create_model_version(name, source, model_id=logged.model_id)
        assert (version.run_id, version.model_id) == (run_id, logged.model_id)
        uri = registry.get_model_version_download_uri(name, number)
        assert uri == tracking.get_logged_model(logged.model_id).artifact_location
    made = tracking.get_logged_model(logged.model_id).tags["mlflow.modelVersions"]
    assert made == f'[{{"name": "{name}", "version": 1}}, {{"name": "{name}", "version": 2}}]'
    with pytest.raises(MlflowException, match="m-0000") as e:
        registry.create_model_version(name, "s3://b/x", model_id="m-" + "0" * 32)
    assert e.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_stages(registry, model):
    def move(version, stage, archive=False):
        moved = registry.transition_model_version_stage(model, version, stage, archive)
        return moved.current_stage

    assert numbers(registry.get_latest_versions(model)) == [4]
    assert move(1, "staging") == "Staging"
    assert move(2, "STAGING", True) == "Staging"
    assert move(3, "Production") == "Production"
    assert stages(registry, model) == {1: "Archived", 2: "Staging", 3: "Production", 4: "None"}
    assert numbers(registry.get_latest_versions(model)) == [1, 2, 3, 4]
    assert numbers(registry.get_latest_versions(model, ["production", "None"])) == [3, 4]
    assert move(4, "Production", True) == move(4, "Production", True) == "Production"
    assert stages(registry, model) == {1: "Archived", 2: "Staging", 3: "Archived", 4: "Production"}


def test_bad_stages_are_refused(registry, model):
    for stage, archive in (("Bogus", False), ("None", True), ("Archived", True)):
        with pytest.raises(MlflowException, match=stage):
            registry.transition_model_version_stage(model, 1, stage, archive)
    with pytest.raises(MlflowException, match="Bogus"):
        registry.get_latest_versions(model, ["Bogus"])
    assert set(stages(registry, model).values()) == {"None"}


def test_pages_of_versions_neither_repeat_nor_skip(registry, model):
    found, token = [], None
    while True:
        page = registry.search_model_versions(f"name = '{model}'", 1, ["version_number"], token)
        found += numbers(page)
        if len(found) == 1:
            registry.create_model_version(model, "s3://b/x")
        token = page.token
        if not token:
            break
    assert found == [1, 2, 3, 4, 5]


def test_a_failed_version_leaves_nothing(registry, model):
    with pytest.raises(MlflowException):
        registry.create_model_version(model, "s3://b/x", tags=[ModelVersionTag("x" * 251, "")])
    assert numbers(registry.get_latest_versions(model)) == [4]
    assert int(registry.create_model_version(model, "s3://b/x").version) == 5
