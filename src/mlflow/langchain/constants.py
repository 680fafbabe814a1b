"""The name of the flavor, under its other name."""

from mlflow.langchain.constant import FLAVOR_NAME

__all__ = ["FLAVOR_NAME"]
