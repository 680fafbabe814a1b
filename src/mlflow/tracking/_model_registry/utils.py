from __future__ import annotations

from typing import TYPE_CHECKING

from mlflow.environment_variables import MLFLOW_REGISTRY_URI
from mlflow.tracking._tracking_service.utils import (
    _from_path,
    _refuse_databricks,
    get_tracking_uri,
)

if TYPE_CHECKING:
    from mlflow.store.model_registry.abstract_store import AbstractStore

_registry_uri: str | None = None


def set_registry_uri(uri: str) -> None:
    """Keep registered models there from now on, also in processes that this one starts.

    Args:
        uri: As for `set_tracking_uri`; empty: wherever the runs are.
    """
    global _registry_uri
    uri = _from_path(uri)
    _registry_uri = uri or None
    if uri:
        MLFLOW_REGISTRY_URI.set(uri)
    else:
        MLFLOW_REGISTRY_URI.unset()


def get_registry_uri() -> str:
    """Where registered models are kept: what was set, else MLFLOW_REGISTRY_URI, else wherever the
    runs are."""
    return _registry_uri or MLFLOW_REGISTRY_URI.get() or get_tracking_uri()


def _resolve_registry_uri(registry_uri: str | None = None, tracking_uri: str | None = None) -> str:
    """The URI itself, or the current one for None; that of the tracking store where none was
    chosen."""
    chosen = registry_uri or _registry_uri or MLFLOW_REGISTRY_URI.get()
    return chosen or tracking_uri or get_tracking_uri()


def _get_registry_store(
    registry_uri: str | None = None, tracking_uri: str | None = None
) -> AbstractStore:
    """The registry of this URI, or the current one."""
    from mlflow.store.model_registry.resolve import registry_store

    tracking_uri = tracking_uri or get_tracking_uri()
    uri = _resolve_registry_uri(registry_uri, tracking_uri)
    _refuse_databricks(uri)
    return registry_store(uri, tracking_uri)


def _get_store(store_uri: str | None = None, tracking_uri: str | None = None) -> AbstractStore:
    """The name by which others know `_get_registry_store`."""
    return _get_registry_store(store_uri, tracking_uri)
