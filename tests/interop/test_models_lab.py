"""The lab's part about models runs unchanged: on SQLite, in a folder, through our server, and, by
command, between the reference and us."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import REFERENCE, needs_reference
from tests.optional import optional

LAB = Path(__file__).with_name("models_lab.py")
COLUMNS = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
SCORES = ["accuracy_score", "f1_score", "log_loss", "precision_score", "recall_score", "roc_auc"]

EXPECTED = {
    "sklearn": True,
    "pyfunc": True,
    "inputs": COLUMNS,
    "missing column": "INVALID_PARAMETER_VALUE",
    "flavors": ["python_function", "sklearn"],
    "by name": True,
    "logged model": True,
    "logged": ["iris_forest", "READY", {"depth": "4"}, "iris"],
    "autolog": ["0.5", "300", [f"training_{name}" for name in (*SCORES, "score")]],
    "autolog off": {},
    "first": {"1": "Production", "2": "Staging", "3": "None", "4": "None"},
    "promoted": {"1": "Archived", "2": "Production", "3": "None", "4": "None"},
    "rolled back": {"1": "Archived", "2": "Production", "3": "Archived", "4": "None"},
    "latest": [["None", "4"], ["Production", "2"]],
    "alias": "2",
    "lineage": True,
    "described": ["Tells fraud from honest business.", "Deeper trees."],
    "search": [["FraudDetector"], ["FraudDetector"], ["3"], ["2"]],
    "by stage, alias and number": [True, True, True],
    "served": True,
    "after delete": ["2", "3", "4"],
    "renamed": "Deeper trees.",
    "gone": [],
}


def run_lab(python: str, uri: str, folder: Path) -> dict:
    env = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    if python != sys.executable:
        env.pop("PYTHONPATH", None)
        env["LAB_LOG_MODEL"] = '{"serialization_format": "cloudpickle"}'
    done = subprocess.run(
        [python, str(LAB), uri], cwd=folder, env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(autouse=True)
def _libraries():
    for name in ("pandas", "sklearn", "skops", "cloudpickle", "matplotlib"):
        optional(name)


def test_on_sqlite(tmp_path):
    assert run_lab(sys.executable, "sqlite:///lab.db", tmp_path) == EXPECTED


def test_in_a_folder(tmp_path):
    assert run_lab(sys.executable, "./mlruns", tmp_path) == EXPECTED


def test_through_our_server(make_server, tmp_path):
    assert run_lab(sys.executable, make_server().uri, tmp_path) == EXPECTED


@needs_reference
def test_reference_client_on_our_server(make_server, tmp_path):
    assert run_lab(REFERENCE, make_server().uri, tmp_path) == EXPECTED


@needs_reference
def test_our_client_on_the_reference_server(reference_server, tmp_path):
    assert run_lab(sys.executable, reference_server, tmp_path) == EXPECTED
