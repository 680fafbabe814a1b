"""The base of all datasets."""

from __future__ import annotations

import json
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from mlflow.data.dataset_source import DatasetSource

if TYPE_CHECKING:
    from mlflow.entities.dataset import Dataset as DatasetEntity


class Dataset:
    """Data that a run used, with its source and a digest that tells its content.

    Args:
        source: Where the data came from.
        name: What to call it; None for "dataset".
        digest: At most 36 characters that change with the content; None to compute it.
    """

    def __init__(
        self, source: DatasetSource, name: str | None = None, digest: str | None = None
    ) -> None:
        self._name = name
        self._source = source
        # Subclasses set what the digest is made of before they call this.
        self._digest = digest or self._compute_digest()

    @abstractmethod
    def _compute_digest(self) -> str:
        """The digest of the content."""

    def to_dict(self) -> dict[str, str]:
        """What is stored of the dataset; schema and profile are JSON texts in it."""
        return {
            "name": self.name,
            "digest": self.digest,
            "source": self.source.to_json(),
            "source_type": self.source._get_source_type(),
        }

    def to_json(self) -> str:
        """The same as JSON."""
        return json.dumps(self.to_dict())

    @property
    def name(self) -> str:
        """What it is called."""
        return self._name if self._name is not None else "dataset"

    @property
    def digest(self) -> str:
        """Characters that change with the content."""
        return self._digest

    @property
    def source(self) -> DatasetSource:
        """Where the data came from."""
        return self._source

    @property
    @abstractmethod
    def profile(self) -> Any | None:
        """Statistics, such as the number of rows; JSON-serializable."""

    @property
    @abstractmethod
    def schema(self) -> Any | None:
        """Names and types of its columns or tensors."""

    def _to_mlflow_entity(self) -> DatasetEntity:
        """The dataset as stores keep it."""
        from mlflow.entities.dataset import Dataset as DatasetEntity

        form = self.to_dict()
        return DatasetEntity(
            name=form["name"],
            digest=form["digest"],
            source_type=form["source_type"],
            source=form["source"],
            schema=form.get("schema"),
            profile=form.get("profile"),
        )


def columns_json(schema: Any | None) -> str | None:
    """A schema of columns as it is stored; None if there is none."""
    return None if schema is None else json.dumps({"mlflow_colspec": schema.to_dict()})
