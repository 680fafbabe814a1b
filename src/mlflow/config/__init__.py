"""Settings of this process, in one place."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from mlflow.environment_variables import MLFLOW_ENABLE_ASYNC_LOGGING

_HOME = {
    "disable_system_metrics_logging": "mlflow.system_metrics",
    "enable_system_metrics_logging": "mlflow.system_metrics",
    "get_registry_uri": "mlflow.tracking._model_registry.utils",
    "get_tracking_uri": "mlflow.tracking._tracking_service.utils",
    "is_tracking_uri_set": "mlflow.tracking._tracking_service.utils",
    "set_registry_uri": "mlflow.tracking._model_registry.utils",
    "set_system_metrics_node_id": "mlflow.system_metrics",
    "set_system_metrics_samples_before_logging": "mlflow.system_metrics",
    "set_system_metrics_sampling_interval": "mlflow.system_metrics",
    "set_tracking_uri": "mlflow.tracking._tracking_service.utils",
}

__all__ = sorted([*_HOME, "enable_async_logging", "enable_reproducible_runs"])


def enable_async_logging(enable: bool = True) -> None:
    """Log metrics, params and tags in the background, unless a call says `synchronous=True`; also
    in processes that this one starts."""
    MLFLOW_ENABLE_ASYNC_LOGGING.set(enable)


def enable_reproducible_runs(enable: bool = True) -> None:
    """Keep with every run from now on what it takes to run it again: code, command, environment;
    also in processes that this one starts. `mlflow runs reproduce` runs it."""
    os.environ["HEADRACE_REPRODUCIBLE"] = str(bool(enable))


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
