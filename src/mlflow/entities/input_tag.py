from __future__ import annotations

from mlflow.entities._mlflow_object import _Comparable


class InputTag(_Comparable):
    """A label of one use of a dataset by one run, such as its context."""

    __slots__ = ("_key", "_value")

    key: str
    value: str

    def __init__(self, key: str, value: str):
        self._key = key
        self._value = value
