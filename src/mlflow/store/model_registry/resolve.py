"""From a registry URI to its store."""

from __future__ import annotations

import os
import threading

from mlflow.exceptions import MlflowException
from mlflow.store.model_registry.abstract_store import AbstractStore
from mlflow.store.tracking.resolve import absolute_uri
from mlflow.utils.plugins import load_plugin
from mlflow.utils.uri import get_uri_scheme

PLUGIN_GROUP = "mlflow.model_registry_store"

_stores: dict[tuple[str, str], AbstractStore] = {}
_lock = threading.Lock()


def registry_store(uri: str, tracking_uri: str | None = None) -> AbstractStore:
    """The process's registry for `uri`; the same object each time.

    Args:
        uri: As for `tracking_store`, or what a plug-in of the group `mlflow.model_registry_store`
            takes.
        tracking_uri: The store of the runs and logged models that versions come from; None for the
            one at `uri`.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if nothing takes such a URI.
    """
    key = (absolute_uri(uri), absolute_uri(tracking_uri or uri))
    store = _stores.get(key)
    if store is None:
        with _lock:
            store = _stores.get(key)
            if store is None:
                store = _stores[key] = _build(*key)
    return store


def _build(uri: str, tracking_uri: str) -> AbstractStore:
    scheme = uri.partition(":")[0].lower() if ":" in uri else ""
    family = scheme.partition("+")[0]
    if family in ("http", "https"):
        from mlflow.store.model_registry.rest.store import RestRegistry

        return RestRegistry.for_uri(uri)
    if family in ("sqlite", "postgresql", "postgres", "mysql", "mariadb", "mssql"):
        from mlflow.store.model_registry.sql.store import SqlRegistry

        return SqlRegistry(uri, tracking_uri=tracking_uri)
    if get_uri_scheme(uri) in ("", "file"):
        from mlflow.store.model_registry.file.store import FileRegistry

        return FileRegistry(uri, tracking_uri)
    plugin = load_plugin(PLUGIN_GROUP, scheme)
    if plugin is not None:
        return plugin(store_uri=uri, tracking_uri=tracking_uri)
    raise MlflowException.invalid_parameter_value(
        f"Nothing takes the registry URI '{uri}'. It can be a database (sqlite:///path, "
        "postgresql://user@host/database), a server (http://host:port), a folder, or what an "
        "installed plug-in takes."
    )


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
