"""Each test logs to a database of its own; autologging is off afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import mlflow
from mlflow.tracking import fluent
from mlflow.utils.autologging_utils import AUTOLOGGING_INTEGRATIONS, revert_patches


@pytest.fixture
def uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The tracking URI of this test."""
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/store.db")
    yield mlflow.get_tracking_uri()
    mlflow.autolog(disable=True)
    for name in list(AUTOLOGGING_INTEGRATIONS):
        revert_patches(name)
        AUTOLOGGING_INTEGRATIONS[name] = {}
    fluent._active_run_stack.clear()
    fluent._active_experiment_id = None
    fluent._last_active.run = None
    mlflow.set_tracking_uri("")
    os.environ.clear()
    os.environ.update(before)
