"""The reference's own client and our registry, by command.

The same session by the reference's client with a server of ours and with one of the reference, and
by our client with either, gives the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import REFERENCE, needs_reference

SESSION = Path(__file__).parent / "registry_session.py"

pytestmark = needs_reference


def session(interpreter: str, uri: str, folder: Path) -> list[str]:
    folder.mkdir()
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [interpreter, str(SESSION), uri, str(folder)],
        cwd=folder,
        env={**env, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_ALLOW_FILE_STORE": "true"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()


@pytest.mark.parametrize("who", ["the reference's client", "our client"])
def test_a_session_over_http(make_server, make_reference_server, tmp_path, who):
    interpreter = REFERENCE if who.startswith("the") else sys.executable
    expected = session(REFERENCE, make_reference_server(), tmp_path / "reference")
    assert len(expected) > 100
    assert session(interpreter, make_server().uri, tmp_path / "ours") == expected


def test_our_client_with_a_server_of_the_reference(make_reference_server, tmp_path):
    expected = session(REFERENCE, make_reference_server(), tmp_path / "reference")
    assert session(sys.executable, make_reference_server(), tmp_path / "ours") == expected


def test_a_session_in_a_database(tmp_path):
    found = [
        session(interpreter, f"sqlite:///{tmp_path}/{name}.db", tmp_path / name)
        for name, interpreter in (("reference", REFERENCE), ("ours", sys.executable))
    ]
    assert found[1] == found[0]
