"""The base of sources that are files or folders behind a URI."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from mlflow.data.dataset_source import DatasetSource


class FileSystemDatasetSource(DatasetSource):
    """A file or folder behind a URI."""

    @property
    @abstractmethod
    def uri(self) -> str:
        """Where it is."""
        raise NotImplementedError

    @staticmethod
    @abstractmethod
    def _get_source_type() -> str:
        raise NotImplementedError

    @abstractmethod
    def load(self, dst_path: str | None = None) -> str:
        """Download it.

        Args:
            dst_path: Local folder to put it in; None for a new one, or for no copy at all when
                it is local already.

        Returns:
            The local path.
        """
        raise NotImplementedError

    @staticmethod
    @abstractmethod
    def _can_resolve(raw_source: Any) -> bool:
        raise NotImplementedError

    @classmethod
    @abstractmethod
    def _resolve(cls, raw_source: Any) -> FileSystemDatasetSource:
        raise NotImplementedError

    @abstractmethod
    def to_dict(self) -> dict[Any, Any]:
        raise NotImplementedError

    @classmethod
    @abstractmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> FileSystemDatasetSource:
        raise NotImplementedError
