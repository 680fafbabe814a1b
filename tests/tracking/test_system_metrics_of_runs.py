"""Runs that measure the machine they run on."""

from __future__ import annotations

import time

import pytest

import mlflow
from mlflow.tracking import fluent


@pytest.fixture
def often(monkeypatch):
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.05")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING", "1")


def measured(run_id: str) -> bool:
    return any(key.startswith("system/") for key in mlflow.get_run(run_id).data.metrics)


@pytest.mark.parametrize("by", ["argument", "setting"])
def test_run_measures_while_it_is_open(often, by):
    if by == "setting":
        mlflow.enable_system_metrics_logging()
    with mlflow.start_run(log_system_metrics=True if by == "argument" else None) as run:
        assert run.info.run_id in fluent.run_id_to_system_metrics_monitor
        deadline = time.monotonic() + 60
        while not measured(run.info.run_id) and time.monotonic() < deadline:
            time.sleep(0.05)
    assert measured(run.info.run_id)
    assert fluent.run_id_to_system_metrics_monitor == {}


def test_run_does_not_measure_unless_asked(often):
    mlflow.enable_system_metrics_logging()
    with mlflow.start_run(log_system_metrics=False):
        assert fluent.run_id_to_system_metrics_monitor == {}
    mlflow.disable_system_metrics_logging()
    with mlflow.start_run():
        assert fluent.run_id_to_system_metrics_monitor == {}
