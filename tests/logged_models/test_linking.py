"""What of a run belongs to the logged models that it made: as in MLflow 3.17.2."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from tests.conftest import REFERENCE, needs_reference
from tests.logged_models import linking_scenarios as scenarios
from tests.optional import optional

import mlflow
from mlflow import MlflowClient
from mlflow.tracking import _models_made

RECORDED = json.loads((Path(__file__).parents[1] / "data/linking.json").read_text("utf-8"))


@pytest.fixture(params=["sqlite", "file", "rest"])
def place(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    uri = {"sqlite": f"sqlite:///{tmp_path}/store.db", "file": (tmp_path / "runs").as_uri()}
    server = uri.get(request.param) or request.getfixturevalue("shared_server").uri
    mlflow.set_tracking_uri(server)
    yield
    mlflow.clear_active_model()
    mlflow.end_run()
    mlflow.set_tracking_uri(None)


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """The methods of the store that are called from now on."""
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/store.db")
    client = MlflowClient()
    client.search_experiments()
    seen: list[str] = []
    watched = ("get_run", "log_metric", "log_batch", "log_inputs", "get_metric_history")
    for name in (*watched, "get_metric_history_bulk_interval"):

        def called(*args, _name=name, _method=getattr(client._store, name), **options):
            seen.append(_name)
            return _method(*args, **options)

        monkeypatch.setattr(client._store, name, called)
    yield seen
    mlflow.end_run()
    mlflow.set_tracking_uri(None)


@pytest.mark.parametrize("name", scenarios.SCENARIOS)
def test_models_get_what_they_get_in_the_reference(name, place):
    if name == "datasets":
        optional("numpy")
    assert json.loads(json.dumps(scenarios.outcome(name))) == RECORDED[name]


@needs_reference
def test_it_is_what_the_reference_does():
    answer = subprocess.run(
        [REFERENCE, scenarios.__file__], check=True, capture_output=True, text=True
    )
    assert json.loads(answer.stdout) == RECORDED


def test_metrics_of_the_active_run_need_no_other_call(calls):
    with mlflow.start_run():
        for step in range(3):
            mlflow.log_metric("m", 1, step=step)
        scenarios.log_model(step=3)
        del calls[:]
        mlflow.log_metric("m", 1, step=3)
        mlflow.log_metrics({"m": 2}, step=3)
        assert calls == ["log_metric", "log_batch"]


def test_the_store_is_asked_what_other_runs_made_but_not_each_time(calls, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(_models_made.time, "monotonic", lambda: now[0])
    run_id = MlflowClient().create_run("0").info.run_id
    for _ in range(5):
        mlflow.log_metric("m", 1, run_id=run_id)
    assert calls == ["get_run", *["log_metric"] * 5]
    now[0] += 1
    mlflow.log_metric("m", 1, run_id=run_id)
    assert calls[6:] == ["get_run", "log_metric"]


def test_in_the_background_the_store_is_not_asked(calls):
    run_id = MlflowClient().create_run("0").info.run_id
    mlflow.log_metric("m", 1, run_id=run_id, synchronous=False).wait()
    assert "get_run" not in calls
    model_id = scenarios.log_model(run_id=run_id)
    del calls[:]
    mlflow.log_metric("n", 1, run_id=run_id, synchronous=False).wait()
    assert "get_run" not in calls
    assert {m.key for m in mlflow.get_logged_model(model_id).metrics} == {"m", "n"}


def test_only_histories_that_reach_the_step_are_read(calls):
    with mlflow.start_run():
        mlflow.log_metric("short", 1)
        mlflow.log_metric("long", 1, step=9)
        del calls[:]
        scenarios.log_model(step=9)
        assert calls.count("get_metric_history_bulk_interval") == 1
        assert calls.count("get_metric_history") == 0


def test_the_active_run_knows_what_it_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/store.db")
    with mlflow.start_run() as run:
        made = scenarios.log_model(step=2)
        assert [(m.model_id, m.step) for m in run.outputs.model_outputs] == [(made, 2)]
    mlflow.set_tracking_uri(None)
