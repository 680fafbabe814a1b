"""OpenAI's library: traces of what it is asked. Its models as MLflow models are not available
yet."""

from __future__ import annotations

from typing import Any

from mlflow._later import NotAvailableYet
from mlflow.openai.autolog import autolog
from mlflow.openai.constant import FLAVOR_NAME
from mlflow.version import IS_TRACING_SDK_ONLY

__all__ = ["FLAVOR_NAME", "IS_TRACING_SDK_ONLY", "autolog"]

_LATER = ("_load_pyfunc", "load_model", "log_model", "save_model")


def __getattr__(name: str) -> Any:
    if name in _LATER:
        raise NotAvailableYet(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
