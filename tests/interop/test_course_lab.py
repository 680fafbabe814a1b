"""The lab runs unchanged: on SQLite, on our server, and, by command, between the reference and us.

The reference is never installed for the tests. To run those, make an environment with it and name
its interpreter:

    HEADRACE_REFERENCE=/path/to/environment/bin/python pytest tests/interop
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import REFERENCE, needs_reference
from tests.optional import optional

LAB = Path(__file__).with_name("course_lab.py")

EXPECTED = {
    "best": "first-model",
    "rows": 5,
    "team": True,
    "children": ["lr-0.001", "lr-0.01", "lr-0.1"],
    "history": [[i, round(0.5 + 0.05 * i, 6)] for i in range(10)],
    "artifacts": ["config", "data", "models", "plots"],
    "plots": ["plots/training_curves.png"],
    "config": {"layers": [64, 32], "dropout": 0.1},
    "files": [
        "config/model_config.json",
        "data/training.csv",
        "models/model_info.txt",
        "plots/training_curves.png",
    ],
    "png": True,
    "text": "An MLP with two layers.\n",
    "params": {
        "learning_rate": "0.01",
        "model_type": "MLP",
        "epochs": "10",
        "batch_size": "32",
        "optimizer": "adam",
    },
    "metrics": {"loss": 0.1, "accuracy": 0.95, "final_score": 0.95},
    "tags": {
        "team": "data-science",
        "stage": "dev",
        "mlflow.note.content": "# First\nA *note*.",
    },
    "status": "FINISHED",
    "columns": [
        "artifact_uri",
        "end_time",
        "experiment_id",
        "metrics.accuracy",
        "metrics.final_score",
        "metrics.loss",
        "params.batch_size",
        "params.epochs",
        "params.learning_rate",
        "params.model_type",
        "params.optimizer",
        "run_id",
        "start_time",
        "status",
    ],
}


def run_lab(python: str, uri: str, folder: Path) -> dict:
    env = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    if python != sys.executable:
        env.pop("PYTHONPATH", None)
    done = subprocess.run(
        [python, str(LAB), uri], cwd=folder, env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def check(found: dict, location: str) -> None:
    assert found.pop("artifact_location") == location
    assert found == EXPECTED


@pytest.fixture(autouse=True)
def _libraries():
    optional("pandas")
    optional("matplotlib")


def test_on_sqlite(tmp_path):
    found = run_lab(sys.executable, "sqlite:///lab.db", tmp_path)
    check(found, f"{tmp_path}/mlruns/1")


def test_in_a_folder(tmp_path):
    found = run_lab(sys.executable, "./mlruns", tmp_path)
    location = found["artifact_location"]
    assert location.startswith(f"{tmp_path}/mlruns/")
    check(found, location)


def test_through_our_server(make_server, tmp_path):
    found = run_lab(sys.executable, make_server().uri, tmp_path)
    check(found, "mlflow-artifacts:/1")


@needs_reference
def test_reference_client_on_our_server(make_server, tmp_path):
    check(run_lab(REFERENCE, make_server().uri, tmp_path), "mlflow-artifacts:/1")


@needs_reference
def test_our_client_on_the_reference_server(reference_server, tmp_path):
    check(run_lab(sys.executable, reference_server, tmp_path), "mlflow-artifacts:/1")
