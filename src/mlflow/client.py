"""The old public home of `MlflowClient`."""

from mlflow.tracking.client import MlflowClient

__all__ = ["MlflowClient"]
