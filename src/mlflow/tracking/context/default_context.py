from __future__ import annotations

import sys

from mlflow.entities.source_type import SourceType
from mlflow.tracking.context.abstract_context import RunContextProvider
from mlflow.utils.credentials import read_mlflow_creds
from mlflow.utils.mlflow_tags import MLFLOW_SOURCE_NAME, MLFLOW_SOURCE_TYPE, MLFLOW_USER

_UNKNOWN_USER = "unknown"


def _get_user() -> str:
    """The name that the tracking server knows the user by, or else the system's."""
    user = read_mlflow_creds().username
    if user:
        return user
    import getpass

    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # containers often run as a user without a name
        return _UNKNOWN_USER


def _get_main_file() -> str | None:
    """What was started: path of a script, `-c`, or None for a session at a prompt."""
    return sys.argv[0] if getattr(sys, "argv", None) and sys.argv[0] else None


class DefaultRunContext(RunContextProvider):
    """Who started what."""

    def in_context(self) -> bool:
        return True

    def tags(self) -> dict[str, str]:
        return {
            MLFLOW_USER: _get_user(),
            MLFLOW_SOURCE_NAME: _get_main_file() or "<console>",
            MLFLOW_SOURCE_TYPE: SourceType.to_string(SourceType.LOCAL),
        }
