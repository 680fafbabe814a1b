from __future__ import annotations

from typing import Any

from mlflow.entities._mlflow_object import _Comparable


class Dataset(_Comparable):
    """What a store knows of a dataset; its rows stay where they are."""

    name: str
    digest: str
    """Short hash of the content: with the name, it identifies the dataset in an experiment."""
    source_type: str
    source: str
    """Where the rows can be had, as JSON that `source_type` understands."""
    schema: str | None
    """JSON."""
    profile: str | None
    """Sizes and counts, as JSON."""

    def __init__(
        self,
        name: str,
        digest: str,
        source_type: str,
        source: str,
        schema: str | None = None,
        profile: str | None = None,
    ) -> None:
        self._name = name
        self._digest = digest
        self._source_type = source_type
        self._source = source
        self._schema = schema
        self._profile = profile

    def to_dictionary(self) -> dict[str, Any]:
        """The parts by name."""
        return {
            "name": self._name,
            "digest": self._digest,
            "source_type": self._source_type,
            "source": self._source,
            "schema": self._schema,
            "profile": self._profile,
        }
