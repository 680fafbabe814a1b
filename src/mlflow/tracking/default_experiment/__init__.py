"""Plug-ins that say which experiment runs go to when nobody chose one."""

from __future__ import annotations

from importlib import import_module
from typing import Any

DEFAULT_EXPERIMENT_ID = "0"

_SUBMODULES = {"abstract_context", "databricks_notebook_experiment_provider", "registry"}


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
