"""The source of data of which only the program that made it is known."""

from __future__ import annotations

from typing import Any

from mlflow.data.dataset_source import DatasetSource


class CodeDatasetSource(DatasetSource):
    """The program that made the data.

    Args:
        tags: What says which program, such as `mlflow.source.name` and `mlflow.source.git.commit`.
    """

    def __init__(self, tags: dict[Any, Any]) -> None:
        self._tags = tags

    @staticmethod
    def _get_source_type() -> str:
        return "code"

    def load(self, **kwargs: Any) -> None:
        """Not possible: running the program again is up to its owner.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError(
            "Data whose source is a program cannot be loaded; run the program again. "
            f"What is known of it: {self._tags}"
        )

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return False

    @classmethod
    def _resolve(cls, raw_source: Any) -> CodeDatasetSource:
        raise NotImplementedError("No argument stands for a program; it comes from the context.")

    def to_dict(self) -> dict[Any, Any]:
        return {"tags": self._tags}

    @classmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> CodeDatasetSource:
        return cls(source_dict.get("tags"))


def source_of(raw_source: Any) -> DatasetSource:
    """What the argument `source` of a dataset constructor stands for.

    Args:
        raw_source: A source, what one is resolved from, or None for the running program.
    """
    if isinstance(raw_source, DatasetSource):
        return raw_source
    if raw_source is None:
        from mlflow.tracking.context.registry import resolve_tags

        return CodeDatasetSource(tags=resolve_tags())
    from mlflow.data.dataset_source_registry import resolve_dataset_source

    return resolve_dataset_source(raw_source)
