"""Datasets that are TensorFlow tensors, or pipelines that yield them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mlflow.data.code_dataset_source import source_of
from mlflow.data.dataset import Dataset
from mlflow.data.dataset_source import DatasetSource
from mlflow.data.digest_utils import MAX_ROWS, compute_numpy_digest, get_normalized_md5_digest
from mlflow.data.pyfunc_dataset_mixin import PyFuncConvertibleDatasetMixin, PyFuncInputsOutputs
from mlflow.exceptions import MlflowException
from mlflow.utils.optional import require

if TYPE_CHECKING:
    from mlflow.data.evaluation_dataset import EvaluationDataset
    from mlflow.data.schema import TensorDatasetSchema
    from mlflow.types.schema import Schema

_logger = logging.getLogger(__name__)


class TensorFlowDataset(Dataset, PyFuncConvertibleDatasetMixin):
    """A tensor or a `tf.data.Dataset` of features, and perhaps another one of targets.

    Args:
        features: A tensor or a `tf.data.Dataset`.
        source: Where they came from.
        targets: What a model should predict; of the same kind as `features`.
        name: What to call it; None for "dataset".
        digest: None to compute it from the content, for which a `tf.data.Dataset` is read once.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if they are of another kind, or endless.
    """

    def __init__(
        self,
        features: Any,
        source: DatasetSource,
        targets: Any = None,
        name: str | None = None,
        digest: str | None = None,
    ) -> None:
        _check_kinds(features, targets)
        self._features = features
        self._targets = targets
        super().__init__(source=source, name=name, digest=digest)

    def _compute_digest(self) -> str:
        if not _is_pipeline(self._features):
            targets = None if self._targets is None else _to_numpy(self._targets)
            return compute_numpy_digest(_to_numpy(self._features), targets)
        return get_normalized_md5_digest(
            [*_element_hashes(self._features), *_element_hashes(self._targets)]
        )

    def to_dict(self) -> dict[str, str]:
        schema = None if self.schema is None else json.dumps(self.schema.to_dict())
        return {**super().to_dict(), "schema": schema, "profile": json.dumps(self.profile)}

    @property
    def data(self) -> Any:
        """The features, as they were given."""
        return self._features

    @property
    def source(self) -> DatasetSource:
        return self._source

    @property
    def targets(self) -> Any:
        """What a model should predict, as it was given."""
        return self._targets

    @property
    def profile(self) -> Any | None:
        """Numbers of values in the tensors, or of elements in the pipelines (-2: not known)."""
        parts = {"features": self._features, "targets": self._targets}
        return {
            f"{part}_cardinality": _cardinality(data)
            for part, data in parts.items()
            if data is not None
        }

    @cached_property
    def schema(self) -> TensorDatasetSchema | None:
        """The tensors; None, with a warning, if a pipeline yields something else."""
        from mlflow.data.schema import TensorDatasetSchema

        try:
            targets = None if self._targets is None else _infer(self._targets)
            return TensorDatasetSchema(_infer(self._features), targets)
        except Exception as error:  # logging a dataset must not fail for odd content
            _logger.warning("Failed to infer schema for TensorFlow dataset. Exception: %s", error)
            return None

    def to_pyfunc(self) -> PyFuncInputsOutputs:
        return PyFuncInputsOutputs(self._features, self._targets)

    def to_evaluation_dataset(
        self, path: str | None = None, feature_names: list[str] | None = None
    ) -> EvaluationDataset:
        from mlflow.data.evaluation_dataset import EvaluationDataset

        if _is_pipeline(self._features):
            raise MlflowException("Data must be a Tensor to convert to an EvaluationDataset.")
        return EvaluationDataset(
            data=_to_numpy(self._features),
            targets=None if self._targets is None else _to_numpy(self._targets),
            name=self.name,
            path=path,
            feature_names=feature_names,
            digest=self.digest,
        )


def from_tensorflow(
    features: Any,
    source: str | DatasetSource | None = None,
    targets: Any = None,
    name: str | None = None,
    digest: str | None = None,
) -> TensorFlowDataset:
    """A dataset of TensorFlow data.

    Args:
        features: A tensor or a `tf.data.Dataset`.
        source: Where it came from: a path, a URI, or a source; None for the running program.
        targets: What a model should predict; of the same kind as `features`.
        name: What to call it; None for "dataset".
        digest: At most 36 characters; None to compute it from the content.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is of another kind, or endless;
            RESOURCE_DOES_NOT_EXIST if `source` is of no known kind.
    """
    return TensorFlowDataset(
        features=features, source=source_of(source), targets=targets, name=name, digest=digest
    )


def _check_kinds(features: Any, targets: Any) -> None:
    if not (_is_pipeline(features) or _is_tensor(features)):
        raise MlflowException.invalid_parameter_value(
            "'features' must be an instance of tf.data.Dataset or a TensorFlow Tensor. "
            f"Found: {type(features)}."
        )
    if targets is not None and _is_pipeline(features) and not _is_pipeline(targets):
        raise MlflowException.invalid_parameter_value(
            "If 'features' is an instance of tf.data.Dataset, then 'targets' must also be an "
            f"instance of tf.data.Dataset. Found: {type(targets)}."
        )
    if targets is not None and _is_tensor(features) and not _is_tensor(targets):
        raise MlflowException.invalid_parameter_value(
            "If 'features' is a TensorFlow Tensor, then 'targets' must also be a TensorFlow "
            f"Tensor. Found: {type(targets)}."
        )
    tf = require("tensorflow")
    for part, data in (("features", features), ("targets", targets)):
        if _is_pipeline(data) and data.cardinality().numpy() == tf.data.INFINITE_CARDINALITY:
            raise MlflowException.invalid_parameter_value(
                f"'{part}' yields elements without end; give it a bound, as with `.take(n)`."
            )


def _is_pipeline(data: Any) -> bool:
    return isinstance(data, require("tensorflow").data.Dataset)


def _is_tensor(data: Any) -> bool:
    """True for tensors whose values can be had as an array; sparse ones must be made dense."""
    return require("tensorflow").is_tensor(data) and hasattr(data, "numpy")


def _to_numpy(tensor: Any) -> Any:
    return require("numpy", extra="pandas").asarray(tensor.numpy())


def _cardinality(data: Any) -> int:
    if _is_pipeline(data):
        return int(data.cardinality().numpy())
    return int(require("tensorflow").size(data))


def _element_hashes(pipeline: Any) -> Iterator[Any]:
    """Of each element, hashes of its leading values, whatever it is made of."""
    np = require("numpy", extra="pandas")
    hash_array = require("pandas", extra="pandas").util.hash_array
    for element in () if pipeline is None else pipeline.as_numpy_iterator():
        values = np.concatenate([np.ravel(leaf) for leaf in _leaves(element)])
        yield hash_array(values[:MAX_ROWS])


def _leaves(element: Any) -> Iterator[Any]:
    """The arrays and scalars in nested tuples and dictionaries; of these, by sorted keys."""
    if isinstance(element, dict):
        element = [element[key] for key in sorted(element)]
    if isinstance(element, (list, tuple)):
        for part in element:
            yield from _leaves(part)
    else:
        yield element


def _infer(data: Any) -> Schema:
    from mlflow.types.utils import _infer_schema

    if not _is_pipeline(data):
        return _infer_schema(data.numpy())
    np = require("numpy", extra="pandas")
    first = next(iter(data.as_numpy_iterator()))
    named = {str(place): part for place, part in enumerate(first)} if _is_row(first) else first
    arrays = named.values() if isinstance(named, dict) else [named]
    if not all(isinstance(one, np.ndarray) for one in arrays):
        raise MlflowException.invalid_parameter_value(
            "The elements of a tf.data.Dataset must be tensors of one dimension or more, or "
            f"tuples or dictionaries of them, to have a schema; the first is {first!r}."
        )
    return _infer_schema(named)


def _is_row(element: Any) -> bool:
    return isinstance(element, (list, tuple))
