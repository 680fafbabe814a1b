"""Starting, nesting, resuming and ending runs."""

from __future__ import annotations

import os
import pickle

import pytest

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import fluent


def status_of(run_id: str) -> str:
    return mlflow.get_run(run_id).info.status


def test_with_block_ends_the_run():
    with mlflow.start_run(run_name="first") as run:
        assert mlflow.active_run() is run
        assert status_of(run.info.run_id) == "RUNNING"
    ended = mlflow.get_run(run.info.run_id).info
    assert (ended.status, ended.run_name) == ("FINISHED", "first")
    assert ended.end_time >= ended.start_time
    assert mlflow.active_run() is None


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_exception_in_the_block_makes_the_run_failed(error):
    with pytest.raises(error), mlflow.start_run() as run:
        raise error
    assert status_of(run.info.run_id) == "FAILED"


def test_error_while_ending_does_not_hide_the_one_in_the_block(monkeypatch, caplog):
    with pytest.raises(ZeroDivisionError), mlflow.start_run() as run:
        monkeypatch.setattr(run._client._store, "update_run_info", None)
        _ = 1 / 0
    assert mlflow.active_run() is None


def test_end_run_takes_the_status():
    with mlflow.start_run() as run:
        mlflow.end_run("KILLED")
        assert mlflow.active_run() is None
    assert status_of(run.info.run_id) == "KILLED"


def test_end_run_without_a_run_does_nothing():
    mlflow.end_run()


def test_end_run_with_an_unknown_status_keeps_the_run_active():
    run = mlflow.start_run()
    with pytest.raises(MlflowException, match="BAD"):
        mlflow.end_run("BAD")
    assert mlflow.active_run() is run


def test_second_run_is_refused_unless_nested():
    run = mlflow.start_run()
    with pytest.raises(MlflowException) as error:
        mlflow.start_run()
    assert error.value.message == (
        f"Run with UUID {run.info.run_id} is already active. To start a new run, first end the "
        "current run with mlflow.end_run(). To start a nested run, call start_run with nested=True"
    )


def test_nested_run_is_a_child_of_the_active_one():
    with mlflow.start_run() as outer:
        with mlflow.start_run(nested=True) as inner:
            assert mlflow.active_run() is inner
        assert mlflow.active_run() is outer
    assert inner.data.tags["mlflow.parentRunId"] == outer.info.run_id
    assert mlflow.get_parent_run(inner.info.run_id).info.run_id == outer.info.run_id
    assert mlflow.get_parent_run(outer.info.run_id) is None


def test_parent_can_be_named_where_none_is_active(client):
    parent = client.create_run("0").info.run_id
    with mlflow.start_run(parent_run_id=parent) as run:
        assert run.data.tags["mlflow.parentRunId"] == parent


def test_parent_must_be_the_active_run(client):
    other = client.create_run("0").info.run_id
    with mlflow.start_run(), pytest.raises(MlflowException, match="does not match the specified"):
        mlflow.start_run(parent_run_id=other, nested=True)


@pytest.mark.parametrize("argument", ["run_id", "parent_run_id"])
def test_deleted_run_is_neither_resumed_nor_a_parent(client, argument):
    run_id = client.create_run("0").info.run_id
    client.delete_run(run_id)
    with pytest.raises(MlflowException, match="deleted state"):
        mlflow.start_run(**{argument: run_id})
    assert mlflow.active_run() is None


def test_inner_run_left_open_ends_with_the_outer_block():
    with mlflow.start_run() as outer:
        inner = mlflow.start_run(nested=True)
    assert mlflow.active_run() is None
    assert [status_of(r.info.run_id) for r in (outer, inner)] == ["FINISHED", "FINISHED"]


def test_new_run_tells_who_and_what(monkeypatch):
    monkeypatch.setenv("LOGNAME", "ann")
    with mlflow.start_run(tags={"a": 1}, description="*why*") as run:
        pass
    assert run.info.user_id == "ann"
    tags = mlflow.get_run(run.info.run_id).data.tags
    assert tags["mlflow.user"] == "ann"
    assert tags["mlflow.source.type"] == "LOCAL"
    assert (tags["a"], tags["mlflow.note.content"]) == ("1", "*why*")
    assert tags["mlflow.runName"] == run.info.run_name


def test_description_is_given_once():
    with pytest.raises(MlflowException, match="Description is already set"):
        mlflow.start_run(tags={"mlflow.note.content": "x"}, description="y")


def test_resumed_run_goes_on():
    with mlflow.start_run(run_name="old") as run:
        mlflow.log_metric("m", 1)
    with mlflow.start_run(run_id=run.info.run_id, run_name="new", tags={"t": 2}) as again:
        assert again.data.metrics == {"m": 1.0}
        assert again.info.status == "RUNNING"
    after = mlflow.get_run(run.info.run_id)
    assert (after.info.run_name, after.data.tags["t"]) == ("new", "2")
    assert after.info.status == "FINISHED"


def test_run_of_another_experiment_than_the_active_one_is_not_resumed():
    with mlflow.start_run() as run:
        pass
    mlflow.set_experiment("other")
    with pytest.raises(MlflowException, match="active experiment ID does not match"):
        mlflow.start_run(run_id=run.info.run_id)


def test_run_of_the_environment_is_resumed_once(client, monkeypatch):
    run_id = client.create_run("0").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
    mlflow.log_metric("m", 1)
    assert mlflow.active_run().info.run_id == run_id
    assert "MLFLOW_RUN_ID" not in os.environ
    mlflow.end_run()
    with mlflow.start_run() as other:
        assert other.info.run_id != run_id


def test_last_active_run_is_as_it_is_now():
    assert mlflow.last_active_run() is None
    with mlflow.start_run() as run:
        mlflow.log_param("p", 1)
        assert mlflow.last_active_run().data.params == {"p": "1"}
    assert mlflow.last_active_run().info.run_id == run.info.run_id
    assert mlflow.last_active_run().info.status == "FINISHED"


def test_run_stays_in_the_store_where_it_started(tmp_path):
    with mlflow.start_run() as run:
        first = mlflow.get_tracking_uri()
        mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/other.db")
        mlflow.log_metric("m", 1)
    run = mlflow.MlflowClient(first).get_run(run.info.run_id)
    assert (run.info.status, run.data.metrics) == ("FINISHED", {"m": 1.0})


def test_deleted_and_restored(client):
    run_id = client.create_run("0").info.run_id
    mlflow.delete_run(run_id)
    assert mlflow.get_run(run_id).info.lifecycle_stage == "deleted"
    with pytest.raises(MlflowException, match="must be in the 'active' state"):
        mlflow.log_metric("m", 1, run_id=run_id)
    mlflow.restore_run(run_id)
    mlflow.log_metric("m", 1, run_id=run_id)


def test_client_changes_status_and_name(client):
    run_id = client.create_run("0", start_time=5, tags={"mlflow.user": "bo"}).info.run_id
    client.update_run(run_id, status="SCHEDULED", name="n")
    info = client.get_run(run_id).info
    assert (info.status, info.run_name, info.end_time) == ("SCHEDULED", "n", None)
    assert (info.start_time, info.user_id) == (5, "bo")
    client.set_terminated(run_id, "FAILED", end_time=9)
    info = client.get_run(run_id).info
    assert (info.status, info.end_time) == ("FAILED", 9)


def test_run_and_client_can_be_sent_to_another_process(client):
    with mlflow.start_run() as run:
        copy = pickle.loads(pickle.dumps(run))  # noqa: S301
    assert (copy.info, copy.data.tags) == (run.info, run.data.tags)
    copy = pickle.loads(pickle.dumps(client))  # noqa: S301
    assert copy.get_run(run.info.run_id).info.status == "FINISHED"


# The stack that other packages reach for


def test_packages_may_change_the_stack_as_a_list(client):
    stack = fluent._active_run_stack
    run = client.create_run("0")
    stack.append(run)
    mlflow.log_param("p", 1)
    assert client.get_run(run.info.run_id).data.params == {"p": "1"}
    saved = stack.copy()
    stack.clear()
    assert mlflow.active_run() is None
    stack.extend(saved)
    assert stack.get()[-1] is run
    stack.remove(run)
    assert not stack


def test_packages_may_change_the_stack_as_a_variable(client):
    run = client.create_run("0")
    fluent._active_run_stack.set([run])
    assert mlflow.active_run() is run
    assert fluent._active_run_stack.get() == [run]
    fluent._active_run_stack.get().pop()
    assert mlflow.active_run() is None
