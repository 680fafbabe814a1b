"""Load of the machine (processor, memory, disk, network, GPUs), logged beside a run's metrics."""

from __future__ import annotations

from mlflow.environment_variables import (
    MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING,
    MLFLOW_SYSTEM_METRICS_NODE_ID,
    MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING,
    MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL,
)
from mlflow.exceptions import MlflowException


def enable_system_metrics_logging() -> None:
    """Log the load of the machine for every run that starts from now on.

    `mlflow.start_run(log_system_metrics=True)` does it for a single run.
    """
    MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING.set(True)


def disable_system_metrics_logging() -> None:
    """Undo `enable_system_metrics_logging`, for runs that start from now on."""
    MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING.set(False)


def set_system_metrics_sampling_interval(interval: float | None) -> None:
    """Look at the machine every `interval` seconds; None for the usual 10.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is not a positive number.
    """
    if interval is None:
        return MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL.unset()
    if not isinstance(interval, (int, float)) or not 0 < interval < float("inf"):
        raise MlflowException.invalid_parameter_value(
            f"The sampling interval is {interval!r}; a positive number of seconds is needed."
        )
    MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL.set(interval)


def set_system_metrics_samples_before_logging(samples: int | None) -> None:
    """Log the mean of each `samples` samples; None for the usual 1.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is not a positive whole number.
    """
    if samples is None:
        return MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING.unset()
    if not isinstance(samples, int) or samples < 1:
        raise MlflowException.invalid_parameter_value(
            f"The number of samples before logging is {samples!r}; a whole number from 1 is needed."
        )
    MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING.set(samples)


def set_system_metrics_node_id(node_id: str | None) -> None:
    """Call this machine `node_id` in the metric names (`system/<node_id>/…`), so that several
    machines can log to one run; None for no name."""
    if node_id is None:
        return MLFLOW_SYSTEM_METRICS_NODE_ID.unset()
    MLFLOW_SYSTEM_METRICS_NODE_ID.set(node_id)
