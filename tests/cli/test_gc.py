"""`mlflow gc` removes what the reference removes, but nothing before all was looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlflow.cli.gc import parse_age
from mlflow.exceptions import MlflowException
from mlflow.tracking.client import MlflowClient


@pytest.fixture
def make(client, tmp_path):
    """A function that makes a run with a file."""
    (tmp_path / "file.txt").write_text("content")

    def make(experiment_id="0", deleted=True) -> str:
        run_id = client.create_run(experiment_id).info.run_id
        client.log_artifact(run_id, str(tmp_path / "file.txt"))
        client.log_metric(run_id, "m", 1)
        if deleted:
            client.delete_run(run_id)
        return run_id

    return make


def files(client: MlflowClient, run_id: str) -> Path:
    return Path(client.get_run(run_id).info.artifact_uri)


def is_there(client: MlflowClient, run_id: str) -> bool:
    try:
        client.get_run(run_id)
    except MlflowException as error:
        assert error.error_code == "RESOURCE_DOES_NOT_EXIST"
        return False
    return True


def test_all_that_is_deleted_goes_with_its_files(run, client, make):
    experiment_id = client.create_experiment("old")
    gone, kept = make(), make(deleted=False)
    in_experiment = make(experiment_id, deleted=False)
    folders = {run_id: files(client, run_id) for run_id in (gone, kept, in_experiment)}
    client.delete_experiment(experiment_id)
    lines = run("gc").stdout.splitlines()
    assert sorted(lines) == sorted(
        [
            f"Run with ID {gone} has been permanently deleted.",
            f"Run with ID {in_experiment} has been permanently deleted.",
            f"Experiment with ID {experiment_id} has been permanently deleted.",
        ]
    )
    assert [is_there(client, r) for r in (gone, kept, in_experiment)] == [False, True, False]
    assert [(folders[r] / "file.txt").exists() for r in (gone, kept, in_experiment)] == [
        False, True, False,
    ]  # fmt: skip
    assert client.get_experiment_by_name("old") is None
    client.create_experiment("old")  # the name is free again
    assert run("gc").output == ""


def test_named_runs_only(run, client, make):
    named, other = make(), make()
    run("gc", "--run-ids", named)
    assert [is_there(client, r) for r in (named, other)] == [False, True]


def test_named_experiments_only(run, client, make):
    first, second = client.create_experiment("a"), client.create_experiment("b")
    for experiment_id in (first, second):
        make(experiment_id, deleted=False)
        client.delete_experiment(experiment_id)
    run("gc", "--experiment-ids", first)
    with pytest.raises(MlflowException, match="No Experiment with id"):
        client.get_experiment(first)
    assert client.get_experiment(second).lifecycle_stage == "deleted"


def test_nothing_is_removed_when_one_of_those_named_cannot_be(run, client, make):
    gone, active = make(), make(deleted=False)
    wrong = run("gc", "--run-ids", f"{gone},{active}", status=1)
    assert (
        f"Run {active} is not in `deleted` lifecycle stage. Only runs in `deleted` lifecycle "
        "stage can be deleted."
    ) in wrong.stderr
    assert "Run with id=nope not found" in run("gc", "--run-ids", f"{gone},nope", status=1).stderr
    assert "Experiments ['0'] are not in the deleted lifecycle stage. Only experiments in the " in (
        run("gc", "--experiment-ids", "0", status=1).stderr
    )
    assert "No Experiment with id=77 exists" in run("gc", "--experiment-ids", "77", status=1).stderr
    assert is_there(client, gone)
    assert (files(client, gone) / "file.txt").exists()


def test_young_ones_stay(run, client, make):
    experiment_id = client.create_experiment("old")
    client.delete_experiment(experiment_id)
    young = make()
    assert run("gc", "--older-than", "1h").output == ""
    assert is_there(client, young)
    named = run("gc", "--older-than", "1h", "--run-ids", young, status=1)
    assert (
        f"Run {young} is not older than the required age. Only runs older than 1h can be deleted."
    ) in named.stderr
    named = run("gc", "--older-than", "1h", "--experiment-ids", experiment_id, status=1)
    assert "are not older than the required age" in named.stderr
    run("gc", "--older-than", "0s")
    assert not is_there(client, young)


def test_dry_run_removes_nothing(run, client, make):
    experiment_id = client.create_experiment("old")
    gone = make()
    client.delete_experiment(experiment_id)
    lines = run("gc", "--dry-run").stdout.splitlines()
    assert lines[0].startswith(f"Would remove run {gone} (")
    assert lines[0].endswith(": 7 bytes")
    assert lines[1] == f"Would remove experiment {experiment_id} (old)"
    assert lines[2].startswith(
        "1 runs and 1 experiments; nothing was removed. It would free 7 bytes of files and about "
    )
    assert (files(client, gone) / "file.txt").exists()
    assert client.get_experiment(experiment_id).lifecycle_stage == "deleted"


def test_run_stays_when_its_files_cannot_be_removed(run, client, tmp_path):
    location = client.create_experiment("elsewhere", artifact_location="unknown-scheme://x/y")
    stuck = client.create_run(location).info.run_id
    other = client.create_run("0").info.run_id
    client.delete_experiment(location)
    client.delete_run(other)
    result = run("gc", status=1)
    assert f"Run {stuck}: unknown-scheme://x/y/{stuck}/artifacts: " in result.stderr
    assert "The files of 1 of 2 runs could not be removed." in result.stderr
    assert [is_there(client, r) for r in (stuck, other)] == [True, False]
    assert client.get_experiment(location).lifecycle_stage == "deleted"


@pytest.fixture
def make_model(client, tmp_path):
    """A function that makes a logged model with a file."""
    (tmp_path / "MLmodel").write_text("flavors: {}")

    def make_model(experiment_id="0", deleted=True):
        model = client.create_logged_model(experiment_id, "net", tags={"a": "b"}, params={"p": 1})
        client.log_model_artifact(model.model_id, str(tmp_path / "MLmodel"))
        if deleted:
            client.delete_logged_model(model.model_id)
        return model

    return make_model


def model_is_there(client: MlflowClient, model) -> bool:
    try:
        client._store.get_logged_model(model.model_id, allow_deleted=True)
    except MlflowException as error:
        assert error.error_code == "RESOURCE_DOES_NOT_EXIST"
        return False
    return True


def test_deleted_logged_models_go_with_their_files(run, client, make_model):
    experiment_id = client.create_experiment("old")
    models = [make_model(), make_model(deleted=False), make_model(experiment_id, deleted=False)]
    client.delete_experiment(experiment_id)
    shown = run("gc", "--dry-run").stdout
    assert all(model_is_there(client, model) for model in models)
    assert "0 runs and 2 logged models and 1 experiments; nothing was removed." in shown
    lines = run("gc").stdout.splitlines()
    assert sorted(lines) == sorted(
        [
            f"Logged model with ID {models[0].model_id} has been permanently deleted.",
            f"Logged model with ID {models[2].model_id} has been permanently deleted.",
            f"Experiment with ID {experiment_id} has been permanently deleted.",
        ]
    )
    assert [model_is_there(client, model) for model in models] == [False, True, False]
    assert [(Path(m.artifact_location) / "MLmodel").exists() for m in models] == [
        False, True, False,
    ]  # fmt: skip


def test_logged_models_by_id(run, client, make_model):
    named, other, active = make_model(), make_model(), make_model(deleted=False)
    refused = run("gc", "--logged-model-ids", f"{named.model_id},{active.model_id}", status=1)
    assert f"Logged model {active.model_id} is not in the `deleted`" in refused.stderr
    refused = run("gc", "--logged-model-ids", named.model_id, "--older-than", "1d", status=1)
    assert "is not older than the required age" in refused.stderr
    run("gc", "--logged-model-ids", named.model_id)
    assert [model_is_there(client, m) for m in (named, other, active)] == [False, True, True]


def test_files_kept_by_a_server_are_found_by_its_destination(run, client, tmp_path, monkeypatch):
    experiment_id = client.create_experiment("proxied", artifact_location="mlflow-artifacts:/7")
    run_id = client.create_run(experiment_id).info.run_id
    client.delete_run(run_id)
    folder = tmp_path / "kept" / "7" / run_id / "artifacts"
    folder.mkdir(parents=True)
    (folder / "file.txt").write_text("content")
    store = ["--backend-store-uri", client.tracking_uri]
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    unknown = run("gc", *store, status=1)
    assert "Tracking URL is not set. Please set MLFLOW_TRACKING_URI" in unknown.stderr
    assert (folder / "file.txt").exists()
    run("gc", *store, "--artifacts-destination", str(tmp_path / "kept"))
    assert not (folder / "file.txt").exists()
    assert not is_there(client, run_id)


def test_files_kept_by_a_server_are_removed_through_it(run, make_server, tmp_path):
    server = make_server()
    client = MlflowClient(server.uri)
    run_id = client.create_run("0").info.run_id
    client.log_text(run_id, "content", "file.txt")
    kept = server.folder / "mlartifacts" / "0" / run_id / "artifacts" / "file.txt"
    assert kept.exists()
    client.delete_run(run_id)
    store = ["--backend-store-uri", f"sqlite:///{server.folder}/mlflow.db"]
    run("gc", *store, "--tracking-uri", server.uri)
    assert not kept.exists()
    assert not is_there(client, run_id)


def test_store_that_cannot_remove(run):
    result = run("gc", "--backend-store-uri", "http://127.0.0.1:9", status=1)
    assert (
        "This cli can only be used with a backend that allows hard-deleting runs" in result.stderr
    )


@pytest.mark.parametrize(
    ("option", "value"),
    [("--job-ids", "j"), ("--workspace", "w")],
)
def test_options_that_are_to_come(run, client, make, option, value):
    gone = make()
    result = run("gc", option, value, status=2)
    assert f"{option} is not supported by Headrace yet." in result.stderr
    assert is_there(client, gone)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("8h", 28_800_000), ("2d8h5m20s", 201_920_000), ("2m4s", 124_000), ("1.5s", 1500), ("0d", 0)],
)
def test_lengths_of_time(text, milliseconds):
    assert parse_age(text) == milliseconds


@pytest.mark.parametrize("text", ["1x", "5", "", "s", "1h2d", "1.2.3d", "-1d", "1d 2h"])
def test_other_texts_are_no_lengths_of_time(text):
    with pytest.raises(MlflowException, match="Could not parse any time information from"):
        parse_age(text)
