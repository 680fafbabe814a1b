import os

import pytest

from mlflow import system_metrics
from mlflow.exceptions import MlflowException

INTERVAL = "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL"
SAMPLES = "MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING"
NODE = "MLFLOW_SYSTEM_METRICS_NODE_ID"


@pytest.fixture(autouse=True)
def _restore(monkeypatch):
    for name in ("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", INTERVAL, SAMPLES, NODE):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_switch():
    system_metrics.enable_system_metrics_logging()
    assert os.environ["MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING"] == "True"
    system_metrics.disable_system_metrics_logging()
    assert os.environ["MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING"] == "False"


@pytest.mark.parametrize(
    ("set_it", "name", "value", "text"),
    [
        (system_metrics.set_system_metrics_sampling_interval, INTERVAL, 0.5, "0.5"),
        (system_metrics.set_system_metrics_samples_before_logging, SAMPLES, 3, "3"),
        (system_metrics.set_system_metrics_node_id, NODE, "n1", "n1"),
    ],
)
def test_values_are_kept_in_the_environment_until_none(set_it, name, value, text):
    set_it(value)
    assert os.environ[name] == text
    set_it(None)
    assert name not in os.environ


@pytest.mark.parametrize("interval", [0, -1, "x", float("nan"), float("inf")])
def test_interval_must_be_positive(interval):
    with pytest.raises(MlflowException, match="a positive number of seconds") as error:
        system_metrics.set_system_metrics_sampling_interval(interval)
    assert error.value.error_code == "INVALID_PARAMETER_VALUE"
    assert repr(interval) in error.value.message


@pytest.mark.parametrize("samples", [0, -1, 1.5, "2"])
def test_samples_must_be_a_whole_number(samples):
    with pytest.raises(MlflowException, match="a whole number from 1"):
        system_metrics.set_system_metrics_samples_before_logging(samples)
