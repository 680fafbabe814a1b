"""Traces in notebooks: below a cell, a frame with the server's page of the traces that it made.

There must be a server whose page can be shown: the tracking URI is one, or
MLFLOW_NOTEBOOK_TRACE_RENDERER_BASE_URL names it.
"""

from __future__ import annotations

import html
import logging
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from mlflow.environment_variables import (
    MLFLOW_MAX_TRACES_TO_DISPLAY_IN_NOTEBOOK,
    MLFLOW_NOTEBOOK_TRACE_RENDERER_BASE_URL,
)

if TYPE_CHECKING:
    from mlflow.entities.trace_info import TraceInfo

_logger = logging.getLogger(__name__)

#: The page that a server has for frames; `mlflow.server.security` lets notebooks show it.
_PAGE = "/static-files/lib/notebook-trace-renderer/index.html"
#: How long the end of a cell waits for the store.
_PATIENCE_SECONDS = 1.0

_wanted = True
_shell: Any = None
"""IPython's, once it tells us that a cell has ended."""
_of_cell: dict[str, tuple[str, str]] = {}
"""Traces of the cell that runs: the id to that of the experiment, and what Python calls it."""


def enable_notebook_display() -> None:
    """Let notebooks show traces below the cell that made them; so it is at first."""
    global _wanted
    _wanted = True


def disable_notebook_display() -> None:
    """Let notebooks show no traces."""
    global _wanted
    _wanted = False
    _of_cell.clear()


def watch_cells() -> None:
    """Show traces at the end of each cell, if this is a notebook."""
    global _shell
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None and shell is not _shell:
        shell.events.register("post_run_cell", _show_those_of_cell)
        _shell = shell


def note(info: TraceInfo) -> None:
    """Show this trace when the cell has ended. In no notebook, nothing."""
    if _shell is None or not _wanted:
        return
    if len(_of_cell) < MLFLOW_MAX_TRACES_TO_DISPLAY_IN_NOTEBOOK.get():
        _of_cell[info.trace_id] = info.experiment_id or "", f"Trace(trace_id={info.trace_id!r})"


def bundle(info: TraceInfo) -> dict[str, str] | None:
    """What notebooks show for a trace; None if only its text."""
    where = _server() if _wanted else None
    if where is None:
        return None
    return _bundle(
        where, [(info.trace_id, info.experiment_id or "")], f"Trace(trace_id={info.trace_id!r})"
    )


def _show_those_of_cell(*_: Any) -> None:
    shown = dict(_of_cell)
    _of_cell.clear()
    try:
        where = _server()
        if not shown or where is None:
            return
        _wait_until_stored()
        from IPython.display import display

        traces = [(trace_id, place) for trace_id, (place, _) in shown.items()]
        texts = [text for _, text in shown.values()]
        text = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
        display(_bundle(where, traces, text), raw=True)
    except Exception as error:  # the cell must not notice
        _logger.debug("Traces could not be shown: %s", error)


def _server() -> str | None:
    """The address of the server whose page is shown."""
    from mlflow.tracking import get_tracking_uri
    from mlflow.utils.async_logging.folder import without_credentials

    given = MLFLOW_NOTEBOOK_TRACE_RENDERER_BASE_URL.get() or get_tracking_uri()
    if not given.startswith(("http://", "https://")):
        return None
    return without_credentials(given).rstrip("/")


def _bundle(where: str, traces: Sequence[tuple[str, str]], text: str) -> dict[str, str]:
    from mlflow.version import VERSION

    query = [p for trace, place in traces for p in (("trace_id", trace), ("experiment_id", place))]
    url = html.escape(f"{where}{_PAGE}?{urlencode([*query, ('version', VERSION)])}")
    title = "MLflow trace" if len(traces) == 1 else f"{len(traces)} MLflow traces"
    frame = (
        f"<details open><summary>{title}</summary>"
        f'<iframe src="{url}" title="{title}" '
        'style="width: 100%; height: 500px; border: 0; resize: vertical"></iframe></details>'
    )
    return {"text/plain": text, "text/html": frame}


def _wait_until_stored() -> None:
    """Let the page find what it is to show; a server that is away keeps no cell waiting."""
    from mlflow.utils.async_logging.async_logging_queue import flush_traces

    flushing = threading.Thread(target=flush_traces, name="mlflow-notebook", daemon=True)
    flushing.start()
    flushing.join(_PATIENCE_SECONDS)
