"""`mlflow demo`: real runs, in a real server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request

import pytest

from mlflow.cli import demo as demo_command
from mlflow.demo.iris import EXPERIMENT, log_runs
from mlflow.tracking.client import MlflowClient
from tests.optional import missing


@pytest.fixture(autouse=True)
def _scikit_learn():
    try:
        import sklearn  # noqa: F401
    except ImportError:
        missing("scikit-learn", "pip install scikit-learn")


def test_runs_are_what_was_trained(uri, client, monkeypatch):
    experiment_id = log_runs(uri)
    runs = {r.info.run_name: r for r in client.search_runs([experiment_id])}
    assert client.get_experiment(experiment_id).name == EXPERIMENT
    assert len(runs) == 7
    assert {r.info.status for r in runs.values()} == {"FINISHED"}

    plain = runs["plain-sgd"]
    losses = client.get_metric_history(plain.info.run_id, "train/loss")
    assert [p.step for p in losses] == list(range(int(plain.data.params["epochs"])))
    assert losses[-1].value < losses[0].value / 4  # it has learned
    assert plain.data.metrics["test/accuracy"] > 0.9
    uses = {u.dataset.name: u.tags[0].value for u in plain.inputs.dataset_inputs}
    assert uses == {"iris-train": "training", "iris-test": "testing"}
    files = {info.path for info in client.list_artifacts(plain.info.run_id)}
    assert files >= {"report.txt", "confusion.json"}
    folder = client.download_artifacts(plain.info.run_id, "")
    with open(os.path.join(folder, "confusion.json")) as file:
        assert sum(map(sum, json.load(file)["confusion"])) == 45

    sweep = runs["sweep"]
    parts = [r for r in runs.values() if r.data.tags.get("mlflow.parentRunId") == sweep.info.run_id]
    assert len(parts) == 4
    assert len({p.data.metrics["test/loss"] for p in parts}) == 4
    best = min(parts, key=lambda r: r.data.metrics["test/loss"])
    assert sweep.data.tags["best"] == best.info.run_name
    assert sweep.data.metrics["test/loss"] == best.data.metrics["test/loss"]

    assert log_runs(uri) == experiment_id
    assert len(client.search_runs([experiment_id])) == 7  # they stay
    client.delete_experiment(experiment_id)
    monkeypatch.setattr("mlflow.demo.iris._sweep", lambda *_: None)
    assert log_runs(uri, refresh=True) == experiment_id
    assert len(client.search_runs([experiment_id])) == 2


def test_serves_until_it_is_stopped(tmp_path):
    words = [sys.executable, "-u", "-m", "mlflow", "demo", "--no-browser"]
    with open(tmp_path / "log", "w") as log:
        demo = subprocess.Popen(words, cwd=tmp_path, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while "Press Ctrl-C" not in (tmp_path / "log").read_text():
            assert demo.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        link = re.search(r"Look at them here: (\S+)", (tmp_path / "log").read_text())[1]
        server, experiment_id = re.fullmatch(r"(.*)/#/experiments/(\d+)", link).groups()
        runs = MlflowClient(server).search_runs([experiment_id])
        assert "plain-sgd" in {run.info.run_name for run in runs}
        with urllib.request.urlopen(link) as answer:
            assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert (tmp_path / "mlflow-demo" / "mlflow.db").exists()
    finally:
        demo.terminate()
        demo.wait(60)
    with pytest.raises(OSError):
        urllib.request.urlopen(link, timeout=2)


def test_logs_to_a_store_that_is_there(run, uri, monkeypatch):
    opened = []
    monkeypatch.setattr(demo_command.webbrowser, "open", opened.append)
    monkeypatch.setattr("mlflow.demo.iris._sweep", lambda *_: None)
    text = run("demo", "--tracking-uri", uri).stdout
    assert f"The runs are in experiment 1 of {uri}" in text
    assert opened == []  # nothing serves it
    assert len(MlflowClient(uri).search_runs(["1"])) == 2


def test_without_scikit_learn(run, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    result = run("demo", status=1)
    assert "pip install 'headrace[demo]'" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_port_that_is_taken(run, make_server, tmp_path):
    server = make_server()
    result = run("demo", "--no-browser", "--port", str(server.port), status=1)
    assert f"Port {server.port} cannot be used: Address already in use." in result.stderr
    assert not (tmp_path / "mlflow-demo").exists()
    assert len(MlflowClient(server.uri).search_experiments()) == 1  # nothing went there
