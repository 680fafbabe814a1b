from __future__ import annotations

from typing import Any

from mlflow.entities._mlflow_object import _Comparable
from mlflow.entities.dataset import Dataset
from mlflow.entities.input_tag import InputTag


class DatasetInput(_Comparable):
    """One use of a dataset by a run."""

    dataset: Dataset
    tags: list[InputTag]
    """Such as `mlflow.data.context`: what it was used for."""

    def __init__(self, dataset: Dataset, tags: list[InputTag] | None = None) -> None:
        self._dataset = dataset
        self._tags = tags or []

    def _add_tag(self, tag: InputTag) -> None:
        self._tags.append(tag)

    def to_dictionary(self) -> dict[str, Any]:
        """The dataset as a plain dictionary, and the tags by key."""
        return {
            "dataset": self._dataset.to_dictionary(),
            "tags": {tag.key: tag.value for tag in self._tags},
        }
