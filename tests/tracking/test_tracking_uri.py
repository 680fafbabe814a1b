"""Where runs are kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking._tracking_service.utils import (
    _get_store,
    _resolve_tracking_uri,
    _use_tracking_uri,
)
from mlflow.tracking.artifact_utils import get_artifact_uri


@pytest.fixture
def nothing_set():
    mlflow.set_tracking_uri("")


def test_default_is_a_database_in_the_working_directory(nothing_set, tmp_path):
    assert mlflow.get_tracking_uri() == f"sqlite:///{tmp_path}/mlflow.db"
    assert not mlflow.is_tracking_uri_set()
    (tmp_path / "mlruns" / "0" / "run" / "artifacts").mkdir(parents=True)
    assert mlflow.get_tracking_uri() == f"sqlite:///{tmp_path}/mlflow.db"


def test_default_is_mlruns_where_it_holds_runs(nothing_set, tmp_path):
    (tmp_path / "mlruns" / "0").mkdir(parents=True)
    (tmp_path / "mlruns" / "0" / "meta.yaml").touch()
    assert mlflow.get_tracking_uri() == (tmp_path / "mlruns").as_uri()


@pytest.mark.parametrize("name", ["models", ".trash", "abc"])
def test_other_folders_in_mlruns_are_no_runs(nothing_set, tmp_path, name):
    (tmp_path / "mlruns" / name).mkdir(parents=True)
    (tmp_path / "mlruns" / name / "meta.yaml").touch()
    assert mlflow.get_tracking_uri() == f"sqlite:///{tmp_path}/mlflow.db"


def test_mlruns_that_holds_runs_is_gone_on_with(nothing_set, tmp_path):
    store = _get_store(str(tmp_path / "mlruns"))
    store.create_experiment("mine", None, [])
    mlflow.set_experiment("mine")
    with mlflow.start_run() as run:
        mlflow.log_params({"a": 1, "b/c": 2})
        for step in range(3):
            mlflow.log_metrics({"x": step, "y": 1.5}, step=step)
        mlflow.log_text("x", "x.txt")
    (found,) = mlflow.search_runs(output_format="list")
    assert found.info.run_id == run.info.run_id
    assert (found.info.status, found.data.params) == ("FINISHED", {"a": "1", "b/c": "2"})
    assert found.data.metrics == {"x": 2.0, "y": 1.5}
    folder = tmp_path / "mlruns" / found.info.experiment_id / run.info.run_id
    assert (folder / "artifacts" / "x.txt").read_text() == "x"
    assert not (tmp_path / "mlflow.db").exists()


def test_first_run_makes_the_default_database(nothing_set, tmp_path):
    with mlflow.start_run():
        mlflow.log_text("x", "x.txt")
    assert (tmp_path / "mlflow.db").is_file()
    assert not mlflow.is_tracking_uri_set()


def test_environment_counts_unless_something_was_set(nothing_set, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://env")
    assert mlflow.is_tracking_uri_set()
    assert mlflow.get_tracking_uri() == "http://env"
    mlflow.set_tracking_uri("http://set")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://env")
    assert mlflow.get_tracking_uri() == "http://set"


@pytest.mark.parametrize("uri", ["x", "/abs/x", "file:///a", "http://h:1/p/", "sqlite:///r.db"])
def test_text_is_kept_as_it_is_and_handed_to_child_processes(uri):
    mlflow.set_tracking_uri(uri)
    assert mlflow.get_tracking_uri() == os.environ["MLFLOW_TRACKING_URI"] == uri


def test_path_becomes_a_uri(tmp_path):
    mlflow.set_tracking_uri(Path("rel"))
    assert mlflow.get_tracking_uri() == (tmp_path / "rel").as_uri()


@pytest.mark.parametrize("uri", ["databricks", "databricks://profile", "databricks-uc"])
def test_databricks_is_refused(uri, monkeypatch):
    with pytest.raises(MlflowException, match="does not talk to Databricks"):
        mlflow.set_tracking_uri(uri)
    with pytest.raises(MlflowException, match="does not talk to Databricks"):
        mlflow.MlflowClient(uri)


def test_unknown_scheme_is_refused_when_used():
    mlflow.set_tracking_uri("ftp://x")
    with pytest.raises(MlflowException, match="ftp://x"):
        mlflow.start_run()


def test_registry_is_where_the_runs_are_unless_set(uri, monkeypatch):
    assert mlflow.get_registry_uri() == uri
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "http://env")
    assert mlflow.get_registry_uri() == "http://env"
    mlflow.set_registry_uri("http://set")
    assert mlflow.get_registry_uri() == os.environ["MLFLOW_REGISTRY_URI"] == "http://set"
    mlflow.set_registry_uri("")
    assert mlflow.get_registry_uri() == uri


def test_client_keeps_its_uris(uri, tmp_path):
    client = mlflow.MlflowClient()
    other = mlflow.MlflowClient("http://a", "http://b")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/other.db")
    assert (client.tracking_uri, client._registry_uri) == (uri, uri)
    assert (other.tracking_uri, other._registry_uri) == ("http://a", "http://b")
    assert mlflow.MlflowClient(tracking_uri=uri)._store is client._store


def test_uri_for_a_while(uri, monkeypatch):
    with _use_tracking_uri("http://tmp"):
        assert mlflow.get_tracking_uri() == _resolve_tracking_uri() == "http://tmp"
    assert mlflow.get_tracking_uri() == uri
    assert os.environ["MLFLOW_TRACKING_URI"] == uri
    assert _resolve_tracking_uri("x") == "x"


def test_config_has_the_same_functions(uri):
    assert mlflow.config.get_tracking_uri() == uri
    assert mlflow.config.set_tracking_uri is mlflow.set_tracking_uri


def test_artifact_uris(caplog):
    with mlflow.start_run() as run:
        root = run.info.artifact_uri
        assert mlflow.get_artifact_uri() == root
        assert mlflow.get_artifact_uri("a/b") == f"{root}/a/b"
    assert get_artifact_uri(run.info.run_id, "a") == f"{root}/a"
    with pytest.raises(MlflowException, match="A run_id must be specified"):
        get_artifact_uri(None)
    mlflow.get_artifact_uri()  # starts a run
    assert mlflow.active_run().info.run_id != run.info.run_id


def test_store_is_one_object_a_process(uri, client):
    assert _get_store() is _get_store(uri) is client._store
