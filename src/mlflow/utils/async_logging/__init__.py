"""Logging that returns at once and stores in the background."""

from __future__ import annotations

import os
import sys
from typing import Any

from mlflow.environment_variables import _EnvironmentVariable

HEADRACE_JOURNAL_DIR = _EnvironmentVariable(
    "HEADRACE_JOURNAL_DIR",
    str,
    None,
    "Folder of journals; when unset, headrace/journal in the user's folder for state.",
)


def root() -> str:
    """The folder of all journals of this user; OSError if the user has no home."""
    chosen = HEADRACE_JOURNAL_DIR.get()
    if not chosen:
        if sys.platform == "win32":
            state = os.environ.get("LOCALAPPDATA") or r"~\AppData\Local"
        else:
            state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
        chosen = os.path.join(state, "headrace", "journal")
    path = os.path.expanduser(chosen)
    if path.startswith("~"):
        raise FileNotFoundError(f"'{chosen}': there is no home folder")
    return os.path.abspath(path)


def send_left_behind(store: Any) -> None:
    """Let this process send, in the background, what dead ones logged to the same store and could
    not send. It looks for that once."""
    uri = getattr(store, "_uri", None)
    if uri is None or getattr(store, "_looked_for_orphans", False):
        return
    store._looked_for_orphans = True
    try:
        if not os.path.isdir(root()):
            return
    except OSError:
        return
    from mlflow.utils.async_logging.folder import has_journals

    if has_journals(uri):
        from mlflow.utils.async_logging.async_logging_queue import queue_for

        queue_for(store).look_for_orphans()
