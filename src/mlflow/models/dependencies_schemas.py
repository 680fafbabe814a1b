"""Schemas of what a model retrieves: which columns of a retriever's results mean what."""

from __future__ import annotations

import json
import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from mlflow.utils.annotations import deprecated

if TYPE_CHECKING:
    from mlflow.models.model import Model

_logger = logging.getLogger(__name__)


class DependenciesSchemasType(Enum):
    """Kinds of what a model depends on."""

    RETRIEVERS = "retrievers"


@dataclass
class Schema(ABC):
    """What something that a model depends on gives."""

    type: DependenciesSchemasType

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """As `MLmodel` has it."""

    @classmethod
    @abstractmethod
    def from_dict(cls, data: dict[str, str]) -> Schema:
        """The schema of such a dictionary."""


@dataclass
class RetrieverSchema(Schema):
    """Which columns of a retriever's results mean what."""

    def __init__(
        self,
        name: str,
        primary_key: str,
        text_column: str,
        doc_uri: str | None = None,
        other_columns: list[str] | None = None,
    ):
        super().__init__(type=DependenciesSchemasType.RETRIEVERS)
        self.name = name
        self.primary_key = primary_key
        self.text_column = text_column
        self.doc_uri = doc_uri
        self.other_columns = other_columns or []

    def to_dict(self) -> dict[str, Any]:
        form = {
            "name": self.name,
            "primary_key": self.primary_key,
            "text_column": self.text_column,
            "doc_uri": self.doc_uri,
            "other_columns": self.other_columns,
        }
        return {self.type.value: [form]}

    @classmethod
    def from_dict(cls, data: dict[str, str]) -> RetrieverSchema:
        return cls(
            data["name"],
            data["primary_key"],
            data["text_column"],
            data.get("doc_uri"),
            data.get("other_columns"),
        )


@dataclass
class DependenciesSchemas:
    """All schemas of a model."""

    retriever_schemas: list[RetrieverSchema] = field(default_factory=list)

    def to_dict(self) -> dict[str, dict[str, Any]] | None:
        """As `MLmodel` has it; None if there are none."""
        if not self.retriever_schemas:
            return None
        kind = DependenciesSchemasType.RETRIEVERS.value
        forms = [form for schema in self.retriever_schemas for form in schema.to_dict()[kind]]
        return {"dependencies_schemas": {kind: forms}}


# Set by code of a model while it is loaded, read when the model is saved.
_retriever_schemas: list[RetrieverSchema] = []
_lock = threading.Lock()


@deprecated(
    alternative="VectorSearchRetrieverTool of the package 'databricks-ai-bridge', or results whose "
    "columns have the default names",
)
def set_retriever_schema(
    *,
    primary_key: str,
    text_column: str,
    doc_uri: str | None = None,
    other_columns: list[str] | None = None,
    name: str | None = "retriever",
) -> None:
    """Say which columns of a retriever's results mean what, in the code of a model.

    Args:
        primary_key: The column that tells results apart.
        text_column: The one with the text.
        doc_uri: The one that says where the document is.
        other_columns: Further ones.
        name: The retriever's; what was set for the same name before is replaced.
    """
    schema = RetrieverSchema(name, primary_key, text_column, doc_uri, other_columns)
    with _lock:
        for index, before in enumerate(_retriever_schemas):
            if before.name == name:
                if before.to_dict() != schema.to_dict():
                    _logger.warning("The schema of retriever '%s' is replaced by another.", name)
                _retriever_schemas[index] = schema
                return
        _retriever_schemas.append(schema)


def _get_retriever_schema() -> list[RetrieverSchema]:
    return list(_retriever_schemas)


def _clear_retriever_schema() -> None:
    with _lock:
        _retriever_schemas.clear()


def _clear_dependencies_schemas() -> None:
    _clear_retriever_schema()


@contextmanager
def _get_dependencies_schemas() -> Iterator[DependenciesSchemas]:
    """What was set so far; afterwards nothing is."""
    try:
        yield DependenciesSchemas(retriever_schemas=_get_retriever_schema())
    finally:
        _clear_dependencies_schemas()


def _get_dependencies_schema_from_model(model: Model) -> dict[str, Any] | None:
    """The schemas in a model's metadata, each kind as JSON; None if there are none."""
    forms = (model.metadata or {}).get("dependencies_schemas")
    if not forms:
        return None
    return {"dependencies_schemas": {kind: json.dumps(form) for kind, form in forms.items()}}
