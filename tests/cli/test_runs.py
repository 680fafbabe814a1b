"""`mlflow runs`; the outputs were compared with the reference's."""

from __future__ import annotations

import json

import pytest

from mlflow.entities import Dataset, DatasetInput


def test_create(run, client):
    result = run(
        "runs", "create", "--experiment-id", "0", "--run-name", "rr", "--description", "hello",
        "-t", "a=b", "-t", "c=d=e", "--status", "failed",
    )  # fmt: skip
    made = json.loads(result.stdout)
    assert (made["experiment_id"], made["status"], made["run_name"]) == ("0", "FAILED", "rr")
    found = client.get_run(made["run_id"])
    assert found.info.status == "FAILED"
    assert found.info.end_time is not None
    tags = found.data.tags
    assert (tags["a"], tags["c"], tags["mlflow.note.content"]) == ("b", "d=e", "hello")
    assert tags["mlflow.runName"] == "rr"
    assert tags["mlflow.user"] == found.info.user_id
    assert tags["mlflow.source.type"] == "LOCAL"


def test_create_in_an_experiment_that_is_not_there_yet(run, client):
    made = json.loads(run("runs", "create", "--experiment-name", "new").stdout)
    assert client.get_experiment(made["experiment_id"]).name == "new"
    again = json.loads(run("runs", "create", "--experiment-name", "new").stdout)
    assert again["experiment_id"] == made["experiment_id"]
    assert again["run_name"] == client.get_run(again["run_id"]).info.run_name


def test_create_below_a_parent(run, client):
    parent = json.loads(run("runs", "create", "--experiment-id", "0").stdout)["run_id"]
    made = run("runs", "create", "--experiment-id", "0", "--parent-run-id", parent)
    child = client.get_run(json.loads(made.stdout)["run_id"])
    assert child.data.tags["mlflow.parentRunId"] == parent
    bad = run("runs", "create", "--experiment-id", "0", "--parent-run-id", "nope", status=1)
    assert bad.stderr == "Error: Failed to create run: Run with id=nope not found\n"


@pytest.mark.parametrize("options", [[], ["--experiment-id", "0", "--experiment-name", "Default"]])
def test_create_takes_one_of_id_and_name(run, options):
    wanted = "Must specify exactly one of --experiment-id or --experiment-name."
    assert wanted in run("runs", "create", *options, status=2).stderr


def test_create_with_a_tag_that_is_none(run):
    result = run("runs", "create", "--experiment-id", "0", "-t", "bad", status=2)
    assert "Invalid tag format: 'bad'. Tags must be in key=value format." in result.stderr


def test_experiment_from_the_environment(run, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "0")
    assert json.loads(run("runs", "create").stdout)["experiment_id"] == "0"
    assert len(run("runs", "list").stdout.splitlines()) == 3


def test_list(run, store):
    first = store.create_run("0", "ada", 1_700_000_000_000, [], "first").info.run_id
    second = store.create_run("0", "ada", 1_700_000_100_000, [], "second").info.run_id
    assert run("runs", "list", "--experiment-id", "0").stdout.splitlines() == [
        "Date                     Name    ID                              ",
        "-----------------------  ------  --------------------------------",
        f"2023-11-14 22:15:00 UTC  second  {second}",
        f"2023-11-14 22:13:20 UTC  first   {first}",
    ]
    run("runs", "delete", "--run-id", first)
    lines = run("runs", "list", "--experiment-id", "0", "-v", "deleted_only").stdout.splitlines()
    assert [line.split()[-1] for line in lines[2:]] == [first]
    assert len(run("runs", "list", "--experiment-id", "0", "-v", "all").stdout.splitlines()) == 4
    bad = run("runs", "list", "--experiment-id", "0", "-v", "bogus", status=1)
    assert "view type corresponding to string bogus" in bad.stderr
    assert "--experiment-id" in run("runs", "list", status=2).stderr


def test_list_shows_all_pages(run, store):
    for n in range(1005):
        store.create_run("0", "ada", n, [], f"run{n}")
    assert len(run("runs", "list", "--experiment-id", "0").stdout.splitlines()) == 1007


def test_describe(run, client, store):
    made = client.create_run("0", start_time=5, run_name="rr")
    run_id = made.info.run_id
    client.log_metric(run_id, "m", 0.5)
    client.log_param(run_id, "p", "1")
    store.log_inputs(run_id, [DatasetInput(Dataset("d", "12", "local", "{}"), [])])
    described = json.loads(run("runs", "describe", "--run-id", run_id).stdout)
    assert described["info"] == {
        "artifact_uri": made.info.artifact_uri,
        "end_time": None,
        "experiment_id": "0",
        "lifecycle_stage": "active",
        "run_id": run_id,
        "run_name": "rr",
        "start_time": 5,
        "status": "RUNNING",
        "user_id": made.info.user_id,
    }
    assert described["data"]["metrics"] == {"m": 0.5}
    assert described["data"]["params"] == {"p": "1"}
    assert described["inputs"]["dataset_inputs"][0]["dataset"]["name"] == "d"
    assert described["outputs"] == {"model_outputs": []}


def test_delete_and_restore(run, client):
    run_id = client.create_run("0").info.run_id
    deleted = run("runs", "delete", "--run-id", run_id)
    assert deleted.stdout == f"Run with ID {run_id} has been deleted.\n"
    assert client.get_run(run_id).info.lifecycle_stage == "deleted"
    restored = run("runs", "restore", "--run-id", run_id)
    assert restored.stdout == f"Run with id {run_id} has been restored.\n"
    assert client.get_run(run_id).info.lifecycle_stage == "active"
    assert (
        "Run with id=nope not found" in run("runs", "restore", "--run-id", "nope", status=1).stderr
    )
