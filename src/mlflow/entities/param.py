from __future__ import annotations

from mlflow.entities._mlflow_object import _MlflowObject


class Param(_MlflowObject):
    """A setting of a run: written once, never changed.

    Two are equal when their keys are, whatever the values: there is one of each key.
    """

    __slots__ = ("_key", "_value")

    key: str
    value: str

    def __init__(self, key: str, value: str):
        self._key = key
        self._value = value

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)
