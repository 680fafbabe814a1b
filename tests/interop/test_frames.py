"""Runs as data frames: as the reference makes them, to the type of each value.

HEADRACE_REFERENCE=/path/to/environment/bin/python pytest tests/interop/test_frames.py
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import REFERENCE, needs_reference
from tests.optional import optional

pandas = optional("pandas")
PROGRAM = Path(__file__).parent / "frames.py"


def frames(python: str, uri: str, folder: Path) -> str:
    environment = {"MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
    environment |= {k: v for k, v in os.environ.items() if k != "PYTHONPATH" or python != REFERENCE}
    answer = subprocess.run(
        [python, str(PROGRAM), uri],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    return answer.stdout


def test_frames_from_a_server_are_those_from_a_database(tmp_path, shared_server):
    here = frames(sys.executable, f"sqlite:///{tmp_path}/store.db", tmp_path)
    assert here.count("#") == 8
    assert frames(sys.executable, shared_server.uri, tmp_path) == here


@needs_reference
def test_frames_are_those_of_the_reference(tmp_path):
    ours = frames(sys.executable, f"sqlite:///{tmp_path}/ours.db", tmp_path)
    assert ours == frames(REFERENCE, f"sqlite:///{tmp_path}/reference.db", tmp_path)
