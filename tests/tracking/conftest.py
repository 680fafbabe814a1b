"""Each test logs to a database of its own, in a directory of its own, and leaves nothing active."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import mlflow
from mlflow.tracking import _process_end, fluent


@pytest.fixture(autouse=True)
def uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The tracking URI of this test."""
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/tracking.db")
    yield mlflow.get_tracking_uri()
    fluent._active_run_stack.clear()
    _process_end._end_all("KILLED")
    mlflow.set_tracking_uri("")
    mlflow.set_registry_uri("")
    fluent._active_experiment_id = None
    fluent._last_active.run = None
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def client() -> mlflow.MlflowClient:
    return mlflow.MlflowClient()


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess]:
    """Run a program in a process of its own, with the same tracking URI."""

    def run(text: str, **environment: str) -> subprocess.CompletedProcess:
        path = tmp_path / "program.py"
        path.write_text(text, encoding="utf-8")
        return subprocess.run(
            [sys.executable, str(path)],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run
