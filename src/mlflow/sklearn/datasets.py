"""Training data as datasets of runs."""

from __future__ import annotations

import logging
from typing import Any

from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.dataset import Dataset
from mlflow.entities.dataset_input import DatasetInput
from mlflow.entities.input_tag import InputTag
from mlflow.tracking.context.registry import resolve_tags
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

_logger = logging.getLogger("mlflow.sklearn")


def dataset_of(X: Any, y: Any = None) -> Dataset | None:
    """The data as a dataset whose source is the running program; None, and a warning, if it is of a
    type that datasets cannot hold.

    Args:
        y: Labels, if there are any.
    """
    source = CodeDatasetSource(resolve_tags())
    kind = type(X)
    module = kind.__module__.partition(".")[0]
    if module == "pandas" and kind.__name__ == "DataFrame":
        from mlflow.data.pandas_dataset import from_pandas

        return from_pandas(X, source=source)
    if module == "scipy" and hasattr(X, "toarray"):
        X, module = X.toarray(), "numpy"
    if module == "numpy":
        from mlflow.data.numpy_dataset import from_numpy

        return from_numpy(X, source=source, targets=_array(y))
    _logger.warning("Unrecognized dataset type %s. Dataset logging skipped.", kind)
    return None


def _array(y: Any) -> Any:
    if y is None:
        return None
    import numpy

    return y.toarray() if hasattr(y, "toarray") else numpy.asarray(y)


def dataset_input(dataset: Dataset, context: str) -> DatasetInput:
    """As an input of a run.

    Args:
        context: What it was used for: "train" or "eval".
    """
    return DatasetInput(dataset._to_mlflow_entity(), [InputTag(MLFLOW_DATASET_CONTEXT, context)])
