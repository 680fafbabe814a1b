"""Old public path of the registry behind a server."""

from mlflow.store.model_registry.rest.store import RestRegistry as RestStore

__all__ = ["RestStore"]
