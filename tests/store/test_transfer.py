"""Every store takes experiments and runs over as they are elsewhere."""

from __future__ import annotations

import math
import uuid

import pytest

from mlflow.entities import (
    Dataset,
    DatasetInput,
    Experiment,
    ExperimentTag,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    Param,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
    RunTag,
)
from mlflow.exceptions import MlflowException
from mlflow.store.db.points import Points
from mlflow.store.tracking.base.transfer import MAX_POINTS, digest

TIME = 1_700_000_000_000


def an_experiment(experiment_id: str, name: str, **changes) -> Experiment:
    parts = {
        "artifact_location": "/somewhere/else",
        "lifecycle_stage": "active",
        "tags": [ExperimentTag("team", "core")],
        "creation_time": TIME,
        "last_update_time": TIME + 5,
        **changes,
    }
    return Experiment(experiment_id=experiment_id, name=name, **parts)


def a_run(experiment: str, run_id: str | None = None, *, points=(), **changes) -> Run:
    info = {
        "user_id": "bob",
        "status": "KILLED",
        "start_time": TIME,
        "end_time": TIME + 7,
        "lifecycle_stage": "active",
        "run_name": "from elsewhere",
        **changes,
    }
    dataset = Dataset("d", "digest", "local", "{}", "schema", "profile")
    return Run(
        RunInfo(run_id=run_id or uuid.uuid4().hex, experiment_id=experiment, **info),
        RunData(
            list(points),
            [Param("p", "1")],
            [RunTag("mlflow.runName", "from elsewhere"), RunTag("t", "ünïcode")],
        ),
        RunInputs([DatasetInput(dataset, [InputTag("k", "v")])], [LoggedModelInput("m-1")]),
        RunOutputs([LoggedModelOutput("m-2", 3)]),
    )


def new_id() -> str:
    """An experiment's id that is certainly free."""
    return str(uuid.uuid4().int % 10**17 + 10**16)


# -- experiments --------------------------------------------------------------------------------


def test_experiment_is_taken_over_as_it_is(store):
    x = an_experiment(new_id(), uuid.uuid4().hex, lifecycle_stage="deleted")
    assert store.can_adopt
    assert store.adopt_experiment(x) == x.experiment_id
    found = dict(store.get_experiment(x.experiment_id))
    assert found.pop("artifact_location") != "/somewhere/else"
    assert found == {k: v for k, v in x if k != "artifact_location"}


def test_experiment_with_the_same_id_and_time_is_brought_up_to_date(store):
    key, name = new_id(), uuid.uuid4().hex
    store.adopt_experiment(an_experiment(key, name))
    run_id = store.create_run(key, "ann", 0, [], "r").info.run_id
    tags = [ExperimentTag("other", "tag")]
    for stage in ("deleted", "active", "active"):
        changed = an_experiment(key, name + "2", tags=tags, lifecycle_stage=stage)
        assert store.adopt_experiment(changed) == key
        found = store.get_experiment(key)
        assert (found.name, found.lifecycle_stage) == (name + "2", stage)
        assert found.tags == {"other": "tag"}
        assert store.get_run(run_id).info.lifecycle_stage == "active"
    assert store.get_experiment_by_name(name) is None


def test_experiment_of_the_same_name_is_used_as_it_is(store):
    name = uuid.uuid4().hex
    there = store.create_experiment(name, None, [ExperimentTag("mine", "1")])
    before = dict(store.get_experiment(there))
    assert store.adopt_experiment(an_experiment(new_id(), name)) == there
    assert dict(store.get_experiment(there)) == before


def test_experiment_whose_id_is_taken_gets_another_one(store):
    key = new_id()
    store.adopt_experiment(an_experiment(key, uuid.uuid4().hex))
    other = an_experiment(key, uuid.uuid4().hex, creation_time=TIME + 1)
    made = store.adopt_experiment(other)
    assert made != key
    assert store.get_experiment(made).creation_time == TIME + 1
    # and experiments that are created later do not collide with either
    later = store.create_experiment(uuid.uuid4().hex, None, [])
    assert later not in (key, made)


def test_experiment_cannot_take_the_name_of_another(store):
    first, second = uuid.uuid4().hex, uuid.uuid4().hex
    store.create_experiment(first, None, [])
    key = new_id()
    store.adopt_experiment(an_experiment(key, second))
    with pytest.raises(MlflowException) as e:
        store.adopt_experiment(an_experiment(key, first))
    assert e.value.error_code == "RESOURCE_ALREADY_EXISTS"
    assert first in e.value.message
    assert store.get_experiment(key).name == second


@pytest.mark.parametrize("stage", ["gone", ""])
def test_stage_that_there_is_not_is_refused(store, experiment, stage):
    with pytest.raises(MlflowException, match="lifecycle|stage"):
        store.adopt_experiment(an_experiment(new_id(), uuid.uuid4().hex, lifecycle_stage="gone"))
    with pytest.raises(MlflowException, match="lifecycle|stage"):
        store.adopt_run(a_run(experiment, lifecycle_stage="gone"))


# -- runs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["active", "deleted"])
def test_run_is_taken_over_as_it_is(store, experiment, stage):
    points = [Metric("m", v, TIME, s) for v, s in ((1.0, 1), (math.nan, 2), (2.0, 2), (3.0, 0))]
    run = a_run(experiment, points=points, lifecycle_stage=stage)
    made = store.adopt_run(run)
    found = store.get_run(run.info.run_id)
    assert dict(found.info) == dict(made)
    info = {k: v for k, v in run.info if k != "artifact_uri"}
    assert {k: v for k, v in found.info if k != "artifact_uri"} == info
    assert found.info.artifact_uri.endswith(f"{run.info.run_id}/artifacts")
    assert found.data.params == {"p": "1"} and found.data.tags == run.data.tags
    assert found.data.metrics == {"m": 2.0}
    assert len(store.get_metric_history(run.info.run_id, "m")) == 4
    assert found.inputs.to_dictionary()["dataset_inputs"] == [
        use.to_dictionary() for use in run.inputs.dataset_inputs
    ]
    assert [m.model_id for m in found.inputs.model_inputs] == ["m-1"]
    assert found.outputs.to_dictionary() == run.outputs.to_dictionary()


def test_taking_a_run_over_again_changes_nothing(store, experiment):
    run = a_run(experiment, points=[Metric("m", 1.0, TIME, 1)])
    store.adopt_run(run)
    before = store.get_run(run.info.run_id).to_dictionary()
    store.adopt_run(run)
    found = store.get_run(run.info.run_id)
    assert {**found.to_dictionary(), "inputs": None} == {**before, "inputs": None}
    assert len(found.inputs.dataset_inputs) == len(found.inputs.model_inputs) == 1
    assert len(store.get_metric_history(run.info.run_id, "m")) == 1


def test_run_is_brought_up_to_date(store, experiment):
    run_id = a_run(experiment).info.run_id
    store.adopt_run(a_run(experiment, run_id, lifecycle_stage="deleted"))
    changed = a_run(
        experiment,
        run_id,
        points=[Metric("m", 1.0, TIME, 1)],
        run_name="new name",
        user_id="eve",
        status="RUNNING",
        start_time=5,
        end_time=None,
    )
    changed = Run(
        changed.info,
        RunData(changed.data._metric_objs, [Param("q", "2")], [RunTag("only", "this")]),
        RunInputs([]),
        RunOutputs([]),
    )
    store.adopt_run(changed)
    found = store.get_run(run_id)
    info = found.info
    assert (info.run_name, info.user_id, info.status) == ("new name", "eve", "RUNNING")
    assert (info.start_time, info.end_time, info.lifecycle_stage) == (5, None, "active")
    assert found.data.tags == {"only": "this"}
    assert found.data.params == {"p": "1", "q": "2"}
    assert found.data.metrics == {"m": 1.0}
    assert len(found.inputs.dataset_inputs) == 1


def test_tags_may_have_the_names_that_new_runs_may_give_them(store, experiment):
    tags = [RunTag("any text? yes!", "t")]
    try:
        store.create_run(experiment, "ann", 0, tags, "r")
        is_allowed = True
    except MlflowException:
        is_allowed = False  # names of files
    run = a_run(experiment)
    run = Run(run.info, RunData([], [], tags), RunInputs([]), RunOutputs([]))
    try:
        store.adopt_run(run)
        assert store.get_run(run.info.run_id).data.tags == {"any text? yes!": "t"}
    except MlflowException as e:
        assert not is_allowed and e.error_code == "INVALID_PARAMETER_VALUE"
    else:
        assert is_allowed


def test_run_in_a_deleted_experiment(store):
    x = an_experiment(new_id(), uuid.uuid4().hex, lifecycle_stage="deleted")
    store.adopt_experiment(x)
    run = a_run(x.experiment_id)
    store.adopt_run(run)
    assert store.get_run(run.info.run_id).info.experiment_id == x.experiment_id


def test_run_with_another_param_is_refused_as_a_whole(store, experiment):
    run = a_run(experiment)
    store.adopt_run(run)
    other = Run(
        RunInfo(**{**dict(run.info), "status": "FAILED"}),
        RunData([Metric("m", 1.0, TIME, 1)], [Param("p", "2")], [RunTag("t", "new")]),
        RunInputs([]),
        RunOutputs([]),
    )
    with pytest.raises(MlflowException) as e:
        store.adopt_run(other)
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"
    assert "'p'" in e.value.message and "'1'" in e.value.message and "'2'" in e.value.message
    found = store.get_run(run.info.run_id)
    assert found.info.status == "KILLED" and not found.data.metrics
    assert found.data.tags == run.data.tags


def test_run_cannot_be_in_two_experiments(store, experiment):
    run = a_run(experiment)
    store.adopt_run(run)
    other = store.create_experiment(uuid.uuid4().hex, None, [])
    with pytest.raises(MlflowException) as e:
        store.adopt_run(a_run(other, run.info.run_id))
    assert e.value.error_code == "RESOURCE_ALREADY_EXISTS"


def test_run_needs_an_experiment(store):
    with pytest.raises(MlflowException) as e:
        store.adopt_run(a_run(new_id()))
    assert e.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_too_many_points_are_refused(store, experiment):
    points = [Metric("m", 1.0, TIME, i) for i in range(MAX_POINTS + 1)]
    with pytest.raises(MlflowException, match=str(MAX_POINTS)) as e:
        store.adopt_run(a_run(experiment, points=points))
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("run_id", ["", "../x", "a'b"])
def test_run_ids_are_checked(store, experiment, run_id):
    run = a_run(experiment)
    run.info._run_id = run_id
    with pytest.raises(MlflowException) as e:
        store.adopt_run(run)
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


# -- digests ------------------------------------------------------------------------------------


def test_digest_tells_different_points_apart(store, experiment):
    """Of stores that were given the same points in another order, or twice, it is the same."""
    values = [0.5, math.nan, -1e300, 0.0]
    points = [
        Metric(k, v, TIME + t, s) for k in "ab" for v in values for t in (0, 1) for s in (0, 7)
    ]
    one = store.adopt_run(a_run(experiment, points=points)).run_id
    two = store.adopt_run(a_run(experiment, points=[*points[::-1], *points[:3]])).run_id
    less = store.adopt_run(a_run(experiment, points=points[1:])).run_id
    wanted = {run_id: ["a", "b"] for run_id in (one, two, less)}
    digests = {(run_id, key): d for run_id, key, d in store.metric_digests(wanted)}
    assert digests.keys() == {(run_id, key) for run_id in wanted for key in "ab"}
    assert digests[one, "a"] == digests[two, "a"] == digests[less, "b"] == digests[one, "b"]
    assert digests[less, "a"] != digests[one, "a"]
    history = Points()
    history.append_rows([(m.step, m.timestamp, m.value) for m in points if m.key == "a"])
    assert digests[one, "a"] == digest([history])


def test_digest_of_what_there_is_not(store, run_id):
    nobody = uuid.uuid4().hex
    found = set(store.metric_digests({run_id: ["none"], nobody: ["none"]}))
    assert found == {(run_id, "none", digest([])), (nobody, "none", digest([]))}
    assert list(store.metric_digests({})) == []
