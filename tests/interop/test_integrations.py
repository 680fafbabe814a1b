"""optuna's and transformers' integrations log trials, training and models here as they are.

By command, since torch is large: pip install torch transformers accelerate optuna
optuna-integration
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.optional import heavy

SCRIPT = Path(__file__).with_name("integrations.py")

EXPECTED = {
    "trials": 5,
    "best": True,
    "run": ["tiny-bert", "FINISHED", "2"],
    "losses": 4,
    "models": ["checkpoint-2", "checkpoint-4"],
    "flavors": ["python_function"],
    "weights": True,
}


@pytest.fixture(autouse=True)
def _libraries():
    for name in ("transformers", "accelerate", "optuna_integration"):
        heavy(name)


def run(uri: str, folder: Path) -> dict:
    env = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    env |= {"HF_HUB_OFFLINE": "1", "HF_MLFLOW_LOG_ARTIFACTS": "1", "MLFLOW_TRACKING_URI": uri}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), uri, str(folder / "out")],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_on_sqlite(tmp_path):
    assert run("sqlite:///integrations.db", tmp_path) == EXPECTED


def test_through_a_server(make_server, tmp_path):
    assert run(make_server().uri, tmp_path) == EXPECTED
