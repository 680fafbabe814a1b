"""From a tracking URI to its store."""

from __future__ import annotations

import os
import threading

from mlflow.exceptions import MlflowException
from mlflow.store.artifact.location import Location
from mlflow.store.tracking import DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.utils.plugins import load_plugin
from mlflow.utils.uri import get_uri_scheme, resolve_uri_if_local

PLUGIN_GROUP = "mlflow.tracking_store"

_stores: dict[tuple[str, str | None], AbstractStore] = {}
_lock = threading.Lock()


def tracking_store(uri: str, artifact_root: str | None = None) -> AbstractStore:
    """The process's store for `uri`; the same object each time.

    Args:
        uri: A database URL, the URL of a server, a folder (a path or `file:` URI; `./mlruns` if
            empty), or what a plug-in of the group `mlflow.tracking_store` takes.
        artifact_root: Where new experiments' artifacts go; None for the folder itself or, where
            `uri` is a database, `./mlruns`. Not used when `uri` is a server.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if nothing takes such a URI.
    """
    uri = absolute_uri(uri)
    key = (uri, artifact_root)
    store = _stores.get(key)
    if store is None:
        with _lock:
            store = _stores.get(key)
            if store is None:
                store = _stores[key] = _build(uri, artifact_root)
                store._uri = _for_other_processes(uri)
    return store


def _for_other_processes(uri: str) -> str | None:
    """The URI by which another process opens the same store, from any folder; None if none can."""
    scheme = uri.partition(":")[0].lower() if ":" in uri else ""
    if scheme.partition("+")[0] == "sqlite":
        path = uri.partition(":///")[2].partition("?")[0]
        return None if path in ("", ":memory:") else uri
    return uri if scheme else os.path.abspath(uri)


def shared_store(uri: str) -> AbstractStore:
    """A store of this process for `uri`, wherever it puts artifacts: one that is there, or a new
    one."""
    uri = absolute_uri(uri)
    with _lock:
        there = [store for (known, _), store in _stores.items() if known == uri]
    return there[0] if there else tracking_store(uri)


def absolute_uri(uri: str) -> str:
    """A relative path as what it means now: the process may work in another folder later."""
    if get_uri_scheme(uri) in ("", "file"):
        Location.parse(uri)  # refuses what is on another machine
        return resolve_uri_if_local(uri or DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH)
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
    if family in ("sqlite", "postgresql", "postgres", "mysql", "mariadb", "mssql"):
        from mlflow.store.tracking.sql.store import SqlStore

        return SqlStore(uri, artifact_root)
    if get_uri_scheme(uri) in ("", "file"):
        from mlflow.store.tracking.file.store import FileStore

        return FileStore(uri, artifact_root)
    plugin = load_plugin(PLUGIN_GROUP, scheme)
    if plugin is not None:
        return plugin(store_uri=uri, artifact_uri=artifact_root)
    raise MlflowException.invalid_parameter_value(
        f"Nothing takes the tracking URI '{uri}'. It can be a database (sqlite:///path, "
        "postgresql://user@host/database), a server (http://host:port), a folder, or what an "
        "installed plug-in takes."
    )


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
