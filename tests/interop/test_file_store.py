"""A folder that one has written, the other reads and goes on with: we, and the reference.

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

SESSION = Path(__file__).with_name("file_store_session.py")
OURS = sys.executable


def session(python: str, action: str, uri: str) -> str:
    env = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    if python != OURS:
        env.pop("PYTHONPATH", None)
    done = subprocess.run(
        [python, str(SESSION), action, uri], env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr.splitlines()[-1]
    return done.stdout


def dump(python: str, uri: str) -> dict:
    return json.loads(session(python, "dump", uri))


def test_session_of_ours(tmp_path):
    uri = (tmp_path / "mlruns").as_uri()
    session(OURS, "fill", uri)
    filled = dump(OURS, uri)
    assert len(filled["experiments"]) == 9
    assert len(filled["runs"]) == 24
    session(OURS, "change", uri)
    changed = dump(OURS, uri)
    assert changed["runs"].keys() == filled["runs"].keys()
    assert {run["tags"]["k"] for run in changed["runs"].values()} == {"w"}


@needs_reference
@pytest.mark.parametrize("first", ["ours", "reference"])
@pytest.mark.parametrize("second", ["ours", "reference"])
def test_both_read_the_same(first, second, tmp_path):
    python = {"ours": OURS, "reference": REFERENCE}
    uri = (tmp_path / "mlruns").as_uri()
    session(python[first], "fill", uri)
    assert dump(OURS, uri) == dump(REFERENCE, uri)
    session(python[second], "change", uri)
    assert dump(OURS, uri) == dump(REFERENCE, uri)
