"""Datasets that are numpy arrays."""

from __future__ import annotations

import json
import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mlflow.data.code_dataset_source import source_of
from mlflow.data.dataset import Dataset
from mlflow.data.dataset_source import DatasetSource
from mlflow.data.digest_utils import compute_numpy_digest
from mlflow.data.pyfunc_dataset_mixin import PyFuncConvertibleDatasetMixin, PyFuncInputsOutputs

if TYPE_CHECKING:
    import numpy

    from mlflow.data.evaluation_dataset import EvaluationDataset
    from mlflow.data.schema import TensorDatasetSchema

_logger = logging.getLogger(__name__)


class NumpyDataset(Dataset, PyFuncConvertibleDatasetMixin):
    """Arrays of features, and perhaps of targets.

    Args:
        features: An array, or several by name.
        source: Where they came from.
        targets: What a model should predict: an array, or several by name.
        name: What to call it; None for "dataset".
        digest: None to compute it from the content.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if there is no array, or it is something else.
    """

    def __init__(
        self,
        features: numpy.ndarray | dict[str, numpy.ndarray],
        source: DatasetSource,
        targets: numpy.ndarray | dict[str, numpy.ndarray] | None = None,
        name: str | None = None,
        digest: str | None = None,
    ) -> None:
        self._features = features
        self._targets = targets
        super().__init__(source=source, name=name, digest=digest)

    def _compute_digest(self) -> str:
        return compute_numpy_digest(self._features, self._targets)

    def to_dict(self) -> dict[str, str]:
        schema = None if self.schema is None else json.dumps(self.schema.to_dict())
        return {**super().to_dict(), "schema": schema, "profile": json.dumps(self.profile)}

    @property
    def source(self) -> DatasetSource:
        return self._source

    @property
    def features(self) -> numpy.ndarray | dict[str, numpy.ndarray]:
        """The features, as they were given."""
        return self._features

    @property
    def targets(self) -> numpy.ndarray | dict[str, numpy.ndarray] | None:
        """What a model should predict, as it was given."""
        return self._targets

    @property
    def profile(self) -> Any | None:
        """Shape, number of items and size in bytes of features and targets."""
        parts = {"features": self._features, "targets": self._targets}
        return {
            f"{part}_{what}": _of_each(data, what)
            for part, data in parts.items()
            if data is not None
            for what in ("shape", "size", "nbytes")
        }

    @cached_property
    def schema(self) -> TensorDatasetSchema | None:
        """The tensors; None, with a warning, if an array is one scalar."""
        from mlflow.data.schema import TensorDatasetSchema
        from mlflow.types.utils import _infer_schema

        try:
            targets = None if self._targets is None else _infer_schema(self._targets)
            return TensorDatasetSchema(_infer_schema(self._features), targets)
        except Exception as error:  # logging a dataset must not fail for odd content
            _logger.warning("Failed to infer schema for NumPy dataset. Exception: %s", error)
            return None

    def to_pyfunc(self) -> PyFuncInputsOutputs:
        return PyFuncInputsOutputs(self._features, self._targets)

    def to_evaluation_dataset(
        self, path: str | None = None, feature_names: list[str] | None = None
    ) -> EvaluationDataset:
        from mlflow.data.evaluation_dataset import EvaluationDataset

        return EvaluationDataset(
            data=self._features,
            targets=self._targets,
            name=self.name,
            path=path,
            feature_names=feature_names,
            digest=self.digest,
        )


def _of_each(data: Any, what: str) -> Any:
    if isinstance(data, dict):
        return {name: getattr(array, what) for name, array in data.items()}
    return getattr(data, what)


def from_numpy(
    features: numpy.ndarray | dict[str, numpy.ndarray],
    source: str | DatasetSource | None = None,
    targets: numpy.ndarray | dict[str, numpy.ndarray] | None = None,
    name: str | None = None,
    digest: str | None = None,
) -> NumpyDataset:
    """A dataset of numpy arrays.

    Args:
        features: An array, or several by name.
        source: Where they came from: a path, a URI, or a source; None for the running program.
        targets: What a model should predict: an array, or several by name.
        name: What to call it; None for "dataset".
        digest: At most 36 characters; None to compute it from the content.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if there is no array, or it is something else;
            RESOURCE_DOES_NOT_EXIST if `source` is of no known kind.
    """
    return NumpyDataset(
        features=features, source=source_of(source), targets=targets, name=name, digest=digest
    )
