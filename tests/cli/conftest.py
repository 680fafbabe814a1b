"""Each test works in a folder of its own, with its own database."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mlflow.cli import cli
from mlflow.store.tracking.resolve import tracking_store
from mlflow.tracking.client import MlflowClient


@pytest.fixture(autouse=True)
def uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The tracking URI of this test."""
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    found = f"sqlite:///{tmp_path.as_posix()}/mlflow.db"
    os.environ["MLFLOW_TRACKING_URI"] = found
    yield found
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def client(uri: str) -> MlflowClient:
    return MlflowClient(uri)


@pytest.fixture
def store(uri: str):
    return tracking_store(uri)


@pytest.fixture
def run() -> Callable[..., Result]:
    """A function that runs a command line; `stdout` and `stderr` of what it returns are apart."""

    def call(*words: str, status: int = 0) -> Result:
        result = CliRunner().invoke(cli, words, prog_name="mlflow")
        assert result.exit_code == status, result.output + str(result.exception)
        return result

    return call
