"""The contract that every model registry keeps, plug-ins included; its topics are in
`store/model_registry/base/`."""

from __future__ import annotations

from mlflow.store.model_registry.base.model_versions import (
    AWAIT_MODEL_VERSION_CREATE_SLEEP_INTERVAL_SECONDS,
    ModelVersions,
)
from mlflow.store.model_registry.base.prompts import Prompts
from mlflow.store.model_registry.base.registered_models import RegisteredModels
from mlflow.store.model_registry.base.stages import Stages
from mlflow.store.model_registry.base.webhooks import Webhooks

__all__ = ["AWAIT_MODEL_VERSION_CREATE_SLEEP_INTERVAL_SECONDS", "AbstractStore"]


class AbstractStore(Webhooks, RegisteredModels, ModelVersions, Stages, Prompts):
    """A model registry.

    Args:
        store_uri: Where it is; what a plug-in is given.
        tracking_uri: The store of the runs and logged models that versions come from; None for the
            current one.
    """

    def __init__(self, store_uri: str | None = None, tracking_uri: str | None = None):
        super().__init__()
        self._store_uri = store_uri
        self._tracking_uri = tracking_uri

    @property
    def supports_workspaces(self) -> bool:
        """Whether models can be kept apart in workspaces."""
        return False
