"""A dataset of which only the description is at hand, not the data."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from mlflow.data.dataset import Dataset, columns_json
from mlflow.data.dataset_source import DatasetSource
from mlflow.types.schema import Schema


class MetaDataset(Dataset):
    """A dataset of which only the description is at hand, for instance since it is too large.

    Args:
        source: Where the data is.
        name: What to call it; None for "dataset".
        digest: Should change with the content; None for a digest of name, source and schema.
        schema: Its columns or tensors.
    """

    def __init__(
        self,
        source: DatasetSource,
        name: str | None = None,
        digest: str | None = None,
        schema: Schema | None = None,
    ) -> None:
        self._schema = schema
        super().__init__(source=source, name=name, digest=digest)

    def _compute_digest(self) -> str:
        form = {
            "name": self.name,
            "source": self.source.to_json(),
            "source_type": self.source._get_source_type(),
            "schema": "" if self.schema is None else self.schema.to_dict(),
        }
        return hashlib.sha256(json.dumps(form).encode()).hexdigest()[:8]

    @property
    def profile(self) -> None:
        """None: nothing is known of the data."""
        return None

    @property
    def schema(self) -> Any | None:
        """Its columns or tensors, as they were given."""
        return self._schema

    def to_dict(self) -> dict[str, str]:
        form = super().to_dict()
        schema = columns_json(self.schema)
        return form if schema is None else {**form, "schema": schema}
