"""Datasets of the `datasets` library of Hugging Face."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mlflow.data.code_dataset_source import source_of
from mlflow.data.dataset import Dataset, columns_json
from mlflow.data.dataset_source import DatasetSource
from mlflow.data.digest_utils import MAX_ROWS, compute_pandas_digest
from mlflow.data.huggingface_dataset_source import HuggingFaceDatasetSource
from mlflow.data.pyfunc_dataset_mixin import (
    PyFuncConvertibleDatasetMixin,
    PyFuncInputsOutputs,
    split_columns,
)
from mlflow.exceptions import MlflowException
from mlflow.utils.optional import require

if TYPE_CHECKING:
    import datasets

    from mlflow.data.evaluation_dataset import EvaluationDataset
    from mlflow.types.schema import Schema

_logger = logging.getLogger(__name__)


class HuggingFaceDataset(Dataset, PyFuncConvertibleDatasetMixin):
    """A Hugging Face dataset, one split of it.

    Args:
        ds: The dataset.
        source: Where it came from.
        targets: Column of what a model should predict.
        name: What to call it; None for "dataset".
        digest: None to compute it from the leading rows.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if there is no such column.
    """

    def __init__(
        self,
        ds: datasets.Dataset,
        source: HuggingFaceDatasetSource,
        targets: str | None = None,
        name: str | None = None,
        digest: str | None = None,
    ) -> None:
        if targets is not None and targets not in ds.column_names:
            raise MlflowException.invalid_parameter_value(
                "The specified Hugging Face dataset does not contain the specified targets "
                f"column '{targets}'."
            )
        self._ds = ds
        self._targets = targets
        super().__init__(source=source, name=name, digest=digest)

    def _leading_rows(self) -> Any:
        """A pandas table of at most `MAX_ROWS` rows."""
        return self._ds.select(range(min(MAX_ROWS, len(self._ds)))).to_pandas()

    def _compute_digest(self) -> str:
        return compute_pandas_digest(self._leading_rows())

    def to_dict(self) -> dict[str, str]:
        return {
            **super().to_dict(),
            "schema": columns_json(self.schema),
            "profile": json.dumps(self.profile),
        }

    @property
    def ds(self) -> datasets.Dataset:
        """The Hugging Face dataset."""
        return self._ds

    @property
    def targets(self) -> str | None:
        """Column of what a model should predict."""
        return self._targets

    @property
    def source(self) -> HuggingFaceDatasetSource:
        return self._source

    @property
    def profile(self) -> Any | None:
        """Number of rows, and sizes in bytes as far as the dataset tells them."""
        return {
            "num_rows": self._ds.num_rows,
            "dataset_size": self._ds.dataset_size,
            "size_in_bytes": self._ds.size_in_bytes,
        }

    @cached_property
    def schema(self) -> Schema | None:
        """The columns, from the leading rows; None, with a warning, if one has no type."""
        from mlflow.types.utils import _infer_schema

        try:
            return _infer_schema(self._leading_rows())
        except Exception as error:  # logging a dataset must not fail for odd content
            _logger.warning("Failed to infer schema for Hugging Face dataset. Exception: %s", error)
            return None

    def to_pyfunc(self) -> PyFuncInputsOutputs:
        return split_columns(self._ds.to_pandas(), self._targets)

    def to_evaluation_dataset(
        self, path: str | None = None, feature_names: list[str] | None = None
    ) -> EvaluationDataset:
        from mlflow.data.evaluation_dataset import EvaluationDataset

        return EvaluationDataset(
            data=self._ds.to_pandas(),
            targets=self._targets,
            name=self.name,
            path=path,
            feature_names=feature_names,
            digest=self.digest,
        )


def from_huggingface(
    ds: datasets.Dataset,
    path: str | None = None,
    targets: str | None = None,
    data_dir: str | None = None,
    data_files: str | Sequence[str] | Mapping[str, str | Sequence[str]] | None = None,
    revision: str | datasets.Version | None = None,
    name: str | None = None,
    digest: str | None = None,
    trust_remote_code: bool | None = None,
    source: str | DatasetSource | None = None,
) -> HuggingFaceDataset:
    """A dataset of a Hugging Face dataset.

    Args:
        ds: One split of a dataset.
        path: Name on the hub, or of a builder such as "csv"; with the four arguments that
            follow `targets` it says where the data came from.
        targets: Column of what a model should predict.
        data_dir: Folder of the dataset's repository.
        data_files: Files of it: one, several, or several by split.
        revision: Commit, branch or tag.
        name: What to call it; None for "dataset".
        digest: At most 36 characters; None to compute it from the leading rows.
        trust_remote_code: Whether loading the source again may run the dataset's own code.
        source: Where it came from, if not from `path`: a path, a URI, or a source. Without
            both, it is the running program.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is no `datasets.Dataset`, or has no such
            column; RESOURCE_DOES_NOT_EXIST if `source` is of no known kind.
    """
    if not isinstance(ds, require("datasets").Dataset):
        raise MlflowException.invalid_parameter_value(
            "The specified Hugging Face dataset must be an instance of `datasets.Dataset`. "
            f"Instead, found an instance of: {type(ds)}"
        )
    if source is not None and path is not None:
        _logger.warning("'path' is ignored, since 'source' is given: %s", source)
    if source is None and path is not None:
        source = HuggingFaceDatasetSource(
            path=path,
            config_name=ds.config_name,
            data_dir=data_dir,
            data_files=data_files,
            split=ds.split,
            revision=revision,
            trust_remote_code=trust_remote_code,
        )
    return HuggingFaceDataset(
        ds=ds, source=source_of(source), targets=targets, name=name, digest=digest
    )
