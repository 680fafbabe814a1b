"""The registry in a folder, in MLflow's layout: `models/<name>/meta.yaml`, `tags/`, `aliases/`, and
`version-<n>/` with `meta.yaml` and `tags/`."""

from __future__ import annotations

import os
from typing import Any

from mlflow.store.model_registry.abstract_store import AbstractStore
from mlflow.store.model_registry.file.core import FOLDER
from mlflow.store.model_registry.file.model_versions import FileModelVersions
from mlflow.store.model_registry.file.registered_models import FileRegisteredModels
from mlflow.store.tracking.resolve import shared_store


class FileRegistry(FileRegisteredModels, FileModelVersions, AbstractStore):
    """A registry in the folder of a tracking store. It keeps no history and no policies.

    Args:
        root_directory: Path or `file:` URI of the tracking store's folder.
        tracking_uri: The store of the runs and logged models that versions come from; None for that
            in the same folder.
    """

    def __init__(self, root_directory: str | None = None, tracking_uri: str | None = None):
        super().__init__(root_directory, tracking_uri)
        self._home: Any = shared_store(root_directory or "")
        self._models = os.path.join(self._home.root, FOLDER)

    def _tracking_store(self) -> Any:
        return shared_store(self._tracking_uri) if self._tracking_uri else self._home
