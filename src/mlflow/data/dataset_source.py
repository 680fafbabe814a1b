"""Where data came from: the base of all dataset sources."""

from __future__ import annotations

import json
from abc import abstractmethod
from typing import Any

from mlflow.exceptions import MlflowException


class DatasetSource:
    """Where data came from, and how to get it again.

    Subclasses are registered with `mlflow.data.dataset_source_registry.register_dataset_source`
    or through the entry-point group `mlflow.dataset_source`.
    """

    @staticmethod
    @abstractmethod
    def _get_source_type() -> str:
        """Name of the kind of source, such as "s3"; it is stored with the dataset."""
        raise NotImplementedError

    @abstractmethod
    def load(self) -> Any:
        """Get the data: an object that holds it, or the path of a file or folder."""
        raise NotImplementedError

    @staticmethod
    @abstractmethod
    def _can_resolve(raw_source: Any) -> bool:
        """True when `_resolve` makes a source of `raw_source`, such as a URI."""
        raise NotImplementedError

    @classmethod
    @abstractmethod
    def _resolve(cls, raw_source: Any) -> DatasetSource:
        """The source that `raw_source` stands for."""
        raise NotImplementedError

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """What `from_dict` needs to make an equal source; JSON-serializable."""
        raise NotImplementedError

    def to_json(self) -> str:
        """The source as JSON; it is stored with the dataset."""
        return json.dumps(self.to_dict())

    @classmethod
    @abstractmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> DatasetSource:
        """The source that `to_dict` wrote."""
        raise NotImplementedError

    @classmethod
    def from_json(cls, source_json: str) -> DatasetSource:
        """The source that `to_json` wrote."""
        return cls.from_dict(json.loads(source_json))


def required_key(cls: type, source_dict: dict[Any, Any], key: str) -> Any:
    """`source_dict[key]`, for a `from_dict` of the class `cls`.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if there is no such key.
    """
    if source_dict.get(key) is None:
        raise MlflowException.invalid_parameter_value(
            f'Failed to parse {cls.__name__}. Missing expected key: "{key}"'
        )
    return source_dict[key]
