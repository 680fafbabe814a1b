from __future__ import annotations

from mlflow.entities._mlflow_object import _Comparable


class ModelVersionTag(_Comparable):
    """A label of a model version; a later one with the same key replaces it."""

    __slots__ = ("_key", "_value")

    key: str
    value: str

    def __init__(self, key: str, value: str):
        self._key = key
        self._value = value
