from __future__ import annotations

from mlflow.entities._mlflow_object import _Comparable


class RegisteredModelAlias(_Comparable):
    """Another name of one version of a registered model; it can be moved."""

    alias: str
    version: str

    def __init__(self, alias: str, version: str):
        self._alias = alias
        self._version = version
