"""From a tracking URI to its store."""

from __future__ import annotations

import os
import threading
from typing import Any

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.abstract_store import AbstractStore

PLUGIN_GROUP = "mlflow.tracking_store"

_stores: dict[tuple[str, str | None], AbstractStore] = {}
_lock = threading.Lock()


def tracking_store(uri: str, artifact_root: str | None = None) -> AbstractStore:
    """The process's store for `uri`; the same object each time.

    Args:
        uri: A database URL, the URL of a server, or what a plug-in of the group
            `mlflow.tracking_store` takes.
        artifact_root: Where new experiments' artifacts go; None for `./mlruns`. Not used when `uri`
            is a server.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if nothing takes such a URI.
    """
    uri = _absolute(uri)
    key = (uri, artifact_root)
    store = _stores.get(key)
    if store is None:
        with _lock:
            store = _stores.get(key)
            if store is None:
                store = _stores[key] = _build(uri, artifact_root)
    return store


def _absolute(uri: str) -> str:
    """A relative SQLite path as what it means now: the process may work in another folder later."""
    prefix, separator, path = uri.partition(":///")
    if prefix.partition("+")[0] != "sqlite" or not path or path.startswith(("/", ":memory:")):
        return uri
    if os.path.isabs(path):  # C:\\...
        return uri
    return f"{prefix}{separator}{os.path.abspath('.')}/{path}".replace(os.sep, "/")


def _build(uri: str, artifact_root: str | None) -> AbstractStore:
    scheme = uri.partition(":")[0].lower() if ":" in uri else ""
    family = scheme.partition("+")[0]
    if family in ("http", "https"):
        from mlflow.store.tracking.rest.store import RestStore

        return RestStore.for_uri(uri)
    if family in ("sqlite", "postgresql", "postgres", "mysql", "mssql"):
        from mlflow.store.tracking.sql.store import SqlStore

        return SqlStore(uri, artifact_root)
    plugin = _plugin(scheme)
    if plugin is not None:
        return plugin(store_uri=uri, artifact_uri=artifact_root)
    if family in ("", "file") or os.path.isdir(uri):
        raise MlflowException(
            f"The file store '{uri}' is not available in Headrace yet. "
            "Use a database, such as 'sqlite:///mlflow.db', or the URL of a server.",
            error_code=CODES["NOT_IMPLEMENTED"],
        )
    raise MlflowException.invalid_parameter_value(
        f"Nothing takes the tracking URI '{uri}'. It can be a database (sqlite:///path, "
        "postgresql://user@host/database), a server (http://host:port), or what an installed "
        "plug-in takes."
    )


def _plugin(scheme: str) -> Any:
    from mlflow.utils.plugins import get_entry_points

    for entry in get_entry_points(PLUGIN_GROUP):
        if entry.name == scheme:
            return entry.load()
    return None


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
