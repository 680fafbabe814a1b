"""Libraries that only some uses need."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException


def require(name: str, extra: str | None = None, purpose: str | None = None) -> ModuleType:
    """The module `name`, which a plain installation may lack.

    Args:
        name: Import path, such as "matplotlib.figure".
        extra: The optional dependency group of ours that brings it.
        purpose: What it is for, such as "logging figures"; made part of the error.

    Raises:
        MlflowException: INVALID_STATE if it is not installed; the message has the command that
            installs it. A library that is there but fails to load raises its own error.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        library = name.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != library:
            raise
        wanted = f"headrace[{extra}]" if extra else library
        raise MlflowException(
            f"{library} is needed{f' for {purpose}' if purpose else ''}, but it is not "
            f"installed. Install it with: pip install '{wanted}'",
            error_code=CODES["INVALID_STATE"],
        ) from error
