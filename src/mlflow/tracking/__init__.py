"""Experiments and runs: the client, the fluent functions and what they stand on. Names are found
when first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "MlflowClient": "mlflow.tracking.client",
    "_get_artifact_repo": "mlflow.tracking._tracking_service.utils",
    "_get_store": "mlflow.tracking._tracking_service.utils",
    "get_registry_uri": "mlflow.tracking._model_registry.utils",
    "get_tracking_uri": "mlflow.tracking._tracking_service.utils",
    "is_tracking_uri_set": "mlflow.tracking._tracking_service.utils",
    "set_registry_uri": "mlflow.tracking._model_registry.utils",
    "set_tracking_uri": "mlflow.tracking._tracking_service.utils",
}
_SUBMODULES = {
    "_model_registry",
    "_tracking_service",
    "artifact_utils",
    "client",
    "context",
    "default_experiment",
    "fluent",
    "metric_value_conversion_utils",
    "multimedia",
    "registry",
    "request_auth",
    "request_header",
}
IS_TRACING_SDK_ONLY = False

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = globals()[name] = getattr(import_module(_HOME[name]), name)
        return value
    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, *_SUBMODULES})
