"""Who changed what, what was in a stage at a time, rolling back, and approval."""

from __future__ import annotations

import time

import pytest

from mlflow.entities import Metric
from mlflow.entities.model_registry import ModelVersionTag, RegisteredModelTag
from mlflow.entities.model_registry.stage_approval import StagePolicy
from mlflow.environment_variables import MLFLOW_TRACKING_USERNAME
from mlflow.exceptions import MlflowException
from mlflow.store.model_registry.caller import because
from mlflow.store.model_registry.sql.store import SqlRegistry


@pytest.fixture
def act_as(monkeypatch):
    """A function: be another user from now on."""

    def act(user: str) -> None:
        monkeypatch.setenv(MLFLOW_TRACKING_USERNAME.name, user)

    act("ann")
    return act


def entries(registry, name, version=None):
    return [
        (c.user, c.action, c.version, c.before, c.after)
        for c in registry.get_registry_history(name, version)
    ]


def test_every_change_is_in_the_trail(keeping, model, act_as):
    registry = keeping
    act_as("ben")
    registry.update_registered_model(model, "what")
    registry.set_registered_model_tag(model, RegisteredModelTag("t", "1"))
    registry.set_registered_model_tag(model, RegisteredModelTag("t", "2"))
    registry.delete_registered_model_tag(model, "t")
    registry.delete_registered_model_tag(model, "t")  # which changes nothing
    registry.set_registered_model_alias(model, "best", 1)
    registry.set_registered_model_alias(model, "best", 2)
    registry.delete_registered_model_alias(model, "best")
    act_as("cleo")
    registry.update_model_version(model, 3, "third")
    registry.set_model_version_tag(model, 3, ModelVersionTag("q", "ü"))
    registry.delete_model_version_tag(model, 3, "q")
    registry.transition_model_version_stage(model, 3, "Production", False)
    registry.transition_model_version_stage(model, 4, "Production", True)
    registry.rename_registered_model(model, f"{model}-2")
    registry.delete_model_version(f"{model}-2", 3)
    assert entries(registry, f"{model}-2")[5:] == [
        ("ben", "update", None, {"description": None}, {"description": "what"}),
        ("ben", "set_tag", None, None, {"t": "1"}),
        ("ben", "set_tag", None, {"t": "1"}, {"t": "2"}),
        ("ben", "delete_tag", None, {"t": "2"}, None),
        ("ben", "set_alias", 1, None, {"best": 1}),
        ("ben", "set_alias", 2, {"best": 1}, {"best": 2}),
        ("ben", "delete_alias", 2, {"best": 2}, None),
        ("cleo", "update", 3, {"description": None}, {"description": "third"}),
        ("cleo", "set_tag", 3, None, {"q": "ü"}),
        ("cleo", "delete_tag", 3, {"q": "ü"}, None),
        ("cleo", "transition", 3, {"stage": "None"}, {"stage": "Production"}),
        ("cleo", "transition", 3, {"stage": "Production"}, {"stage": "Archived"}),
        ("cleo", "transition", 4, {"stage": "None"}, {"stage": "Production"}),
        ("cleo", "rename", None, {"name": model}, {"name": f"{model}-2"}),
        ("cleo", "delete", 3, {"stage": "Archived", "source": "s3://bucket/3"}, None),
    ]
    of_third = entries(registry, f"{model}-2", 3)
    assert [action for _, action, *_ in of_third] == [
        *("create", "update", "set_tag", "delete_tag", "transition", "transition", "delete")
    ]
    registry.delete_registered_model(f"{model}-2")
    assert entries(registry, f"{model}-2")[-1][:3] == ("cleo", "delete", None)
    with pytest.raises(MlflowException, match="not found"):
        registry.get_registry_history(model)


def test_a_change_that_fails_leaves_no_trace(keeping, model):
    before = entries(keeping, model)
    for attempt in (
        lambda: keeping.set_registered_model_alias(model, "a", 99),
        lambda: keeping.transition_model_version_stage(model, 99, "Staging", False),
        lambda: keeping.create_registered_model(model),
    ):
        with pytest.raises(MlflowException):
            attempt()
    assert entries(keeping, model) == before


def test_reasons_and_pages(keeping, model):
    with because("ännual review\nof all models"):
        keeping.update_model_version(model, 1, "x")
    keeping.update_model_version(model, 1, "y")
    comments = [c.comment for c in keeping.get_registry_history(model, 1)]
    assert comments == [None, "ännual review\nof all models", None]
    found, token = [], None
    while True:
        page = keeping.get_registry_history(model, None, 2, token)
        found += page
        token = page.token
        if not token:
            break
    assert found == list(keeping.get_registry_history(model))
    assert [c.id for c in found] == sorted({c.id for c in found})
    assert [c.timestamp for c in found] == sorted(c.timestamp for c in found)


def test_the_last_change_of_some_models(stores, keeping, model, act_as):
    if not isinstance(keeping, SqlRegistry):
        assert keeping.last_registry_changes([model]) == {}  # nobody has a server ask another one
        return
    act_as("ben")
    keeping.set_registered_model_alias(model, "best", 3)
    assert keeping.last_registry_changes([model, "not there"]) == {
        model: keeping.get_registry_history(model)[-1]
    }
    keeping.update_registered_model(model, "about the model itself")
    assert keeping.last_registry_changes([model])[model].action == "update"
    assert keeping.last_registry_changes([]) == {}


def next_moment() -> int:
    """A time that everything before it was before, and everything after it is after."""
    time.sleep(0.003)
    now = time.time_ns() // 1_000_000
    time.sleep(0.003)
    return now


def test_what_was_in_a_stage_at_a_time(keeping, model):
    def then(moment, stages=("Production",)):
        return [(int(v.version)) for v in keeping.get_versions_at(model, moment, stages)]

    none = next_moment()
    keeping.transition_model_version_stage(model, 1, "Production", True)
    first = next_moment()
    keeping.transition_model_version_stage(model, 2, "Production", True)
    second = next_moment()
    keeping.roll_back(model)
    third = next_moment()
    assert [then(moment) for moment in (none, first, second, third)] == [[], [1], [2], [1]]
    assert then(second, None) == [1, 2, 4]  # Archived, Production, None
    assert then(1) == []
    keeping.delete_model_version(model, 2)
    with pytest.raises(MlflowException, match="Version 2 .* has been deleted since"):
        keeping.get_versions_at(model, second, ["Production"])


def test_rolling_back_goes_further_each_time(keeping, model):
    with pytest.raises(MlflowException, match="nothing to roll back to"):
        keeping.roll_back(model)
    for version in (1, 2, 3):
        keeping.transition_model_version_stage(model, version, "Production", True)
    assert int(keeping.roll_back(model).version) == 2
    assert keeping.get_model_version(model, 3).current_stage == "Archived"
    assert int(keeping.roll_back(model).version) == 1
    with pytest.raises(MlflowException, match="nothing to roll back to"):
        keeping.roll_back(model)
    keeping.transition_model_version_stage(model, 4, "Production", False)
    keeping.transition_model_version_stage(model, 4, "Archived", False)
    keeping.transition_model_version_stage(model, 1, "Archived", False)
    assert int(keeping.roll_back(model).version) == 4  # the last that was there
    keeping.delete_model_version(model, 1)
    with pytest.raises(MlflowException, match="nothing to roll back to"):
        keeping.roll_back(model)


def test_approval(keeping, model, act_as):
    registry = keeping
    registry.set_stage_policy(model, StagePolicy("production", 2))
    assert registry.get_stage_policies(model) == [StagePolicy("Production", 2)]
    with pytest.raises(MlflowException, match="approval of 2 other users") as e:
        registry.transition_model_version_stage(model, 1, "Production", False)
    assert e.value.error_code == "PERMISSION_DENIED"
    registry.transition_model_version_stage(model, 1, "Staging", False)  # that is free
    request = registry.request_stage(model, 2, "Production", True, "it is better")
    assert (request.status, request.user, request.comment) == ("PENDING", "ann", "it is better")
    with pytest.raises(MlflowException, match="waits for Production already"):
        registry.request_stage(model, 2, "Production")
    with pytest.raises(MlflowException, match="ann's own") as e:
        registry.review_stage_request(request.request_id, True)
    assert e.value.error_code == "PERMISSION_DENIED"
    act_as("ben")
    for _ in range(2):  # once is enough, and twice is no more than once
        request = registry.review_stage_request(request.request_id, True, "fine")
    assert request.status == "PENDING"
    act_as("cleo")
    request = registry.review_stage_request(request.request_id, True)
    assert request.status == "APPROVED"
    assert [(r.user, r.approved) for r in request.reviews] == [("ben", True), ("cleo", True)]
    assert registry.get_model_version(model, 2).current_stage == "Production"
    with pytest.raises(MlflowException, match="is approved already"):
        registry.review_stage_request(request.request_id, False)
    assert [r.request_id for r in registry.get_stage_requests(model)] == [request.request_id]
    assert registry.get_stage_requests(model, 1) == []
    trail = [(u, action) for u, action, *_ in entries(registry, model, 2)][1:]
    assert trail == [
        *(("ann", "request"), ("ben", "approve"), ("ben", "approve")),
        *(("cleo", "approve"), ("cleo", "transition")),
    ]


def test_one_rejection_ends_a_request(keeping, model, act_as):
    keeping.set_stage_policy(model, StagePolicy("Production", 1))
    request = keeping.request_stage(model, 1, "Production")
    act_as("ben")
    request = keeping.review_stage_request(request.request_id, False, "not yet")
    assert (request.status, request.reviews[0].comment) == ("REJECTED", "not yet")
    assert keeping.get_model_version(model, 1).current_stage == "None"
    with pytest.raises(MlflowException, match="is rejected already"):
        keeping.review_stage_request(request.request_id, True)
    keeping.delete_stage_policy(model, "Production")
    keeping.delete_stage_policy(model, "Production")
    assert keeping.get_stage_policies(model) == []
    keeping.transition_model_version_stage(model, 1, "Production", False)


def test_what_a_policy_requires_is_looked_up(stores, keeping, name):
    tracking = stores.tracking
    experiment = tracking.create_experiment(f"e-{name}", None, [])
    run_id = tracking.create_run(experiment, "ann", 1, [], "r").info.run_id
    tracking.log_metric(run_id, Metric("accuracy", 0.8, 1, 0))
    keeping.create_registered_model(name)
    keeping.create_model_version(name, "s3://b/1", run_id)
    keeping.create_model_version(name, "s3://b/2")
    keeping.set_stage_policy(name, StagePolicy("Production", 0, "metrics.accuracy >= 0.9"))
    with pytest.raises(MlflowException, match="does not fit .*metrics.accuracy >= 0.9") as e:
        keeping.transition_model_version_stage(name, 1, "Production", False)
    assert e.value.error_code == "PERMISSION_DENIED"
    with pytest.raises(MlflowException, match="neither a run nor a logged model"):
        keeping.transition_model_version_stage(name, 2, "Production", False)
    tracking.log_metric(run_id, Metric("accuracy", 0.95, 2, 1))
    moved = keeping.transition_model_version_stage(name, 1, "Production", False)
    assert moved.current_stage == "Production"


@pytest.mark.parametrize(
    "policy",
    [
        StagePolicy("Archived", 1),
        StagePolicy("Production", 0),
        StagePolicy("Production", -1),
        StagePolicy("Production", 0, "accuracy ~ 3"),
    ],
)
def test_bad_policies_are_refused(keeping, model, policy):
    with pytest.raises(MlflowException) as e:
        keeping.set_stage_policy(model, policy)
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"
    assert keeping.get_stage_policies(model) == []


def test_a_registry_in_a_folder_says_that_it_keeps_no_history(tmp_path):
    from mlflow.store.model_registry.file.store import FileRegistry

    registry = FileRegistry(str(tmp_path))
    registry.create_registered_model("m")
    for attempt in (
        lambda: registry.get_registry_history("m"),
        lambda: registry.roll_back("m"),
        lambda: registry.set_stage_policy("m", StagePolicy("Production", 1)),
    ):
        with pytest.raises(MlflowException, match="keeps no history") as e:
            attempt()
        assert e.value.error_code == "NOT_IMPLEMENTED"
