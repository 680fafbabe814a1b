"""The commands of `mlflow models` under their old name; they are in `mlflow.cli.models`."""

from __future__ import annotations

from typing import Any

_NAMES = {
    "KeyValueType",
    "build_docker",
    "commands",
    "generate_dockerfile",
    "predict",
    "prepare_env",
    "serve",
    "update_pip_requirements",
}


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mlflow.cli import models

    return getattr(models, name)
