"""A server whose runs are in a folder."""

from __future__ import annotations

import json
import threading
import urllib.request
from pathlib import Path

import pytest

from mlflow.entities import Metric, ViewType
from mlflow.server.config import ServerConfig
from mlflow.store.tracking.file.store import FileStore
from mlflow.tracking.client import MlflowClient


def test_runs_and_files_go_through_the_server(make_server, tmp_path):
    server = make_server("--backend-store-uri", "./mlruns", "--workers", "2")
    client = MlflowClient(server.uri)
    experiment_id = client.create_experiment("mine")
    location = client.get_experiment(experiment_id).artifact_location
    assert location == f"mlflow-artifacts:/{experiment_id}"
    run_id = client.create_run(experiment_id).info.run_id

    def log(worker: int) -> None:
        own = MlflowClient(server.uri)
        for i in range(20):
            own.log_metric(run_id, "m", i, timestamp=1, step=worker * 100 + i)

    threads = [threading.Thread(target=log, args=(w,)) for w in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(client.get_metric_history(run_id, "m")) == 80
    (tmp_path / "file.txt").write_text("content")
    client.log_artifact(run_id, str(tmp_path / "file.txt"))
    assert [f.path for f in client.list_artifacts(run_id)] == ["file.txt"]
    (found,) = client.search_runs([experiment_id], "metrics.m >= 19")
    assert found.info.run_id == run_id
    with urllib.request.urlopen(f"{server.uri}/api/3.0/mlflow/server-info") as answer:
        assert json.load(answer)["store_type"] == "FileStore"
    store = FileStore(str(server.folder / "mlruns"))
    assert store.get_run(run_id).info.experiment_id == experiment_id


def test_server_that_is_killed_loses_nothing_acknowledged(make_server):
    server = make_server("--backend-store-uri", "./mlruns")
    client = MlflowClient(server.uri)
    run_id = client.create_run("0").info.run_id
    for step in range(30):
        client.log_batch(run_id, [Metric(f"m{i}", 1.0, 1, step) for i in range(5)])
    server.kill()
    server.start()
    assert client.get_run(run_id).data.metrics == {f"m{i}": 1.0 for i in range(5)}
    assert all(len(client.get_metric_history(run_id, f"m{i}")) == 30 for i in range(5))
    (found,) = client.search_runs(["0"], "", ViewType.ALL)
    assert found.info.run_id == run_id


@pytest.mark.parametrize(
    ("backend", "root"),
    [
        ("./runs", "./runs"),
        ("file:///srv/runs", "file:///srv/runs"),
        ("sqlite:///x.db", "./mlruns"),
        ("postgresql://u@h/d", "./mlruns"),
    ],
)
def test_where_files_go_that_the_server_does_not_serve(backend, root):
    assert ServerConfig(backend, serve_artifacts=False).artifact_root == root
    assert ServerConfig(backend).artifact_root == "mlflow-artifacts:/"


def test_clients_write_files_into_the_folder(make_server, tmp_path):
    server = make_server("--backend-store-uri", "./mlruns", "--no-serve-artifacts")
    client = MlflowClient(server.uri)
    run_id = client.create_run("0").info.run_id
    (tmp_path / "file.txt").write_text("content")
    client.log_artifact(run_id, str(tmp_path / "file.txt"))
    stored = Path(server.folder, "mlruns", "0", run_id, "artifacts", "file.txt")
    assert stored.read_text() == "content"
