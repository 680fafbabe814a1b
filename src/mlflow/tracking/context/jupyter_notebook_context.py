from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cached_property

from mlflow.entities.source_type import SourceType
from mlflow.tracking.context.abstract_context import RunContextProvider
from mlflow.utils.mlflow_tags import MLFLOW_SOURCE_NAME, MLFLOW_SOURCE_TYPE

_SESSIONS_TIMEOUT_SECONDS = 2


class JupyterNotebookRunContext(RunContextProvider):
    """The notebook that the program runs in; its name where that can be found out."""

    def in_context(self) -> bool:
        return _kernel() is not None

    def tags(self) -> dict[str, str]:
        tags = {MLFLOW_SOURCE_TYPE: SourceType.to_string(SourceType.NOTEBOOK)}
        if self._name:
            tags[MLFLOW_SOURCE_NAME] = self._name
        return tags

    @cached_property
    def _name(self) -> str | None:
        path = _path_from_editor() or _path_from_environment() or _path_from_server()
        return os.path.basename(path) if path else None


def _kernel() -> object | None:
    """The Jupyter kernel around us; None in scripts and in IPython at a terminal."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None)


def _path_from_editor() -> str | None:
    return getattr(sys.modules["__main__"], "__vsc_ipynb_file__", None)  # put there by VS Code


def _path_from_environment() -> str | None:
    """Tools that run notebooks say it in the first variable, Jupyter servers in the second."""
    session = os.environ.get("JPY_SESSION_NAME", "")
    # Collaborative editing puts an opaque id there
    return os.environ.get("IPYNB_FILE") or (session if session.endswith(".ipynb") else None)


def _path_from_server() -> str | None:
    """What the user's own running Jupyter servers say of this kernel's session."""
    kernel_id = _kernel_id()
    for server in _servers() if kernel_id else ():
        for session in _sessions(server):
            if session.get("kernel", {}).get("id") == kernel_id:
                return session.get("path") or session.get("notebook", {}).get("path")
    return None


def _kernel_id() -> str | None:
    """The kernel's id, from its connection file `kernel-<id>.json`."""
    parent = getattr(_kernel(), "parent", None)
    name = os.path.basename(getattr(parent, "connection_file", None) or "")
    return name[len("kernel-") : -len(".json")] if name.startswith("kernel-") else None


def _servers() -> Iterator[dict]:
    """Address and token of each Jupyter server of this user, from the files that they leave."""
    import json
    from glob import glob

    try:
        from jupyter_core.paths import jupyter_runtime_dir
    except ImportError:
        return
    for pattern in ("jpserver-*.json", "nbserver-*.json"):
        for file in sorted(glob(os.path.join(jupyter_runtime_dir(), pattern))):
            try:
                with open(file, encoding="utf-8") as stream:
                    yield json.load(stream)
            except (OSError, ValueError):  # a server that is just stopping
                continue


def _sessions(server: dict) -> list[dict]:
    import json
    from urllib.request import Request, urlopen

    token = server.get("token") or os.environ.get("JUPYTERHUB_API_TOKEN")
    headers = {"Authorization": f"token {token}"} if token else {}
    try:
        request = Request(server["url"] + "api/sessions", headers=headers)
        with urlopen(request, timeout=_SESSIONS_TIMEOUT_SECONDS) as answer:
            return json.load(answer)
    except (OSError, ValueError, KeyError):  # gone, or another's answer: the name stays unknown
        return []
