"""Old public path of the store behind a server."""

from mlflow.store.tracking.rest.store import RestStore

__all__ = ["RestStore"]
