"""Old public path of the registry in a folder."""

from mlflow.store.model_registry.file.store import FileRegistry as FileStore

__all__ = ["FileStore"]
