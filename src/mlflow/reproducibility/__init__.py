"""Runs that can be run again.

    HEADRACE_REPRODUCIBLE=true python train.py
    mlflow runs reproduce <run id>

A run that is started so keeps its code, with what no commit has, its command, and every installed
distribution (`capture.py`). `reproduce` lays them out in a folder and runs them (`replay.py`).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "Reproduction": "mlflow.reproducibility.replay",
    "reproduce": "mlflow.reproducibility.replay",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value
