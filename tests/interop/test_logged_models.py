"""Logged models: the reference's client with our server, and ours with the reference's, are told
the same as the reference's client by its own server.

HEADRACE_REFERENCE=/path/to/environment/bin/python pytest tests/interop/test_logged_models.py
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import REFERENCE, needs_reference

PROGRAM = Path(__file__).parent / "logged_models_session.py"
#: What the reference's database refuses, and ours does not need to name as it does.
_CODES = {"metric of nobody"}


def session(python: str, uri: str, folder: Path) -> dict[str, str]:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    environment["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    folder.mkdir(exist_ok=True)
    answer = subprocess.run(
        [python, str(PROGRAM), uri],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    lines = dict(line.split(": ", 1) for line in answer.stdout.splitlines())
    for name in _CODES:
        lines[name] = lines[name].rpartition(" ")[0]
    return lines


def test_our_client_is_told_the_same_by_our_server_and_by_a_database(tmp_path, make_server):
    by_server = session(sys.executable, make_server().uri, tmp_path / "a")
    by_database = session(sys.executable, f"sqlite:///{tmp_path}/store.db", tmp_path / "b")
    assert len(by_server) == 54
    differing = {name for name in by_server if by_server[name] != by_database[name]}
    # A server says "" of what is not known; artifacts have places of their own; errors, classes.
    alike = {name for name in differing if plain(by_server[name]) != plain(by_database[name])}
    assert alike == set()


def plain(line: str) -> str:
    for text, instead in (
        ("RestException", "MlflowException"),
        ("mlflow-artifacts:/", "/"),
        ("'type': ''", "'type': None"),
        ("'run': ''", "'run': None"),
    ):
        line = line.replace(text, instead)
    before, sign, rest = line.partition("'location': '")
    return before + sign + rest[rest.find("/<experiment>/") :] if sign else line


@needs_reference
def test_reference_and_ours_are_told_the_same(tmp_path, make_server, reference_server):
    expected = session(REFERENCE, reference_server, tmp_path / "theirs")
    assert len(expected) == 54
    mixed = session(REFERENCE, make_server().uri, tmp_path / "mixed")
    assert mixed == expected
    ours = session(sys.executable, make_server().uri, tmp_path / "ours")
    assert ours == expected
