"""The commands on runs that are kept in a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlflow.tracking.client import MlflowClient


@pytest.fixture(params=["./mlruns", "file URI"])
def client(request, tmp_path, monkeypatch) -> MlflowClient:
    uri = (tmp_path / "mlruns").as_uri() if request.param == "file URI" else request.param
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return MlflowClient(uri)


def test_experiments_and_runs(run, client):
    created = run("experiments", "create", "-n", "mine").stdout
    experiment_id = client.get_experiment_by_name("mine").experiment_id
    assert created == f"Created experiment 'mine' with id {experiment_id}\n"
    assert experiment_id in run("experiments", "search").stdout
    run("experiments", "rename", "-x", experiment_id, "--new-name", "other")
    run("experiments", "delete", "-x", experiment_id)
    assert "other" in run("experiments", "search", "-v", "deleted_only").stdout
    run("experiments", "restore", "-x", experiment_id)
    run_id = client.create_run(experiment_id, run_name="first").info.run_id
    client.log_metric(run_id, "m", 1)
    assert run_id in run("runs", "list", "--experiment-id", experiment_id).stdout
    run("runs", "delete", "--run-id", run_id)
    assert client.get_run(run_id).info.lifecycle_stage == "deleted"
    run("runs", "restore", "--run-id", run_id)
    assert '"m": 1.0' in run("runs", "describe", "--run-id", run_id).stdout


def test_gc(run, client, tmp_path):
    (tmp_path / "file.txt").write_text("content")
    experiment_id = client.create_experiment("old")
    gone, kept, below = (client.create_run(e).info.run_id for e in ("0", "0", experiment_id))
    for run_id in (gone, kept, below):
        client.log_artifact(run_id, str(tmp_path / "file.txt"))
    client.delete_run(gone)
    client.delete_experiment(experiment_id)
    folders = sorted(p.parent.name for p in (tmp_path / "mlruns").glob("**/artifacts"))
    store = ("--backend-store-uri", os.environ["MLFLOW_TRACKING_URI"])
    shown = run("gc", "--dry-run", *store).stdout
    assert all(f"Would remove run {run_id}" in shown for run_id in (gone, below))
    assert folders == sorted(p.parent.name for p in (tmp_path / "mlruns").glob("**/artifacts"))
    assert run("gc", "--older-than", "1d", *store).stdout == ""
    assert set(run("gc", *store).stdout.splitlines()) == {
        f"Run with ID {gone} has been permanently deleted.",
        f"Run with ID {below} has been permanently deleted.",
        f"Experiment with ID {experiment_id} has been permanently deleted.",
    }
    files = [p.relative_to(tmp_path) for p in (tmp_path / "mlruns").glob("**/file.txt")]
    assert files == [Path("mlruns", "0", kept, "artifacts", "file.txt")]
    assert os.listdir(tmp_path / "mlruns" / ".trash") == []


def test_folder_with_runs_is_found(run, monkeypatch):
    client = MlflowClient("./mlruns")
    client.delete_run(client.create_run("0").info.run_id)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert "has been permanently deleted" in run("gc").stdout
    assert "Default" in run("experiments", "search").stdout
    assert not os.path.exists("mlflow.db")
