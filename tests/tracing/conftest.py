from __future__ import annotations

from collections.abc import Iterator

import pytest

import mlflow
from mlflow.tracing import provider


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch) -> Iterator[str]:
    """A store of its own for each test, and settings as at first."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADRACE_JOURNAL_DIR", str(tmp_path / "journal"))
    before = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else ""
    uri = f"sqlite:///{tmp_path}/traces.db"
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment(experiment_id="0")
    provider.reset()
    yield uri
    mlflow.flush_trace_async_logging(terminate=True)
    provider.reset()
    mlflow.clear_active_model()
    mlflow.set_tracking_uri(before)
