"""Old public path of the store in a folder."""

from mlflow.store.tracking.file.store import FileStore

__all__ = ["FileStore"]
