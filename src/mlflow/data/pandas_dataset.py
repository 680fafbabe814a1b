"""Datasets that are pandas tables."""

from __future__ import annotations

import json
import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mlflow.data.code_dataset_source import source_of
from mlflow.data.dataset import Dataset, columns_json
from mlflow.data.dataset_source import DatasetSource
from mlflow.data.digest_utils import compute_pandas_digest
from mlflow.data.pyfunc_dataset_mixin import (
    PyFuncConvertibleDatasetMixin,
    PyFuncInputsOutputs,
    split_columns,
)
from mlflow.exceptions import MlflowException
from mlflow.utils.optional import require

if TYPE_CHECKING:
    import pandas

    from mlflow.data.evaluation_dataset import EvaluationDataset
    from mlflow.types.schema import Schema

_logger = logging.getLogger(__name__)


class PandasDataset(Dataset, PyFuncConvertibleDatasetMixin):
    """A pandas table.

    Args:
        df: The table.
        source: Where it came from.
        targets: Column of what a model should predict.
        name: What to call it; None for "dataset".
        digest: None to compute it from the content.
        predictions: Column of what a model did predict.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is no table, or has no such column.
    """

    def __init__(
        self,
        df: pandas.DataFrame,
        source: DatasetSource,
        targets: str | None = None,
        name: str | None = None,
        digest: str | None = None,
        predictions: str | None = None,
    ) -> None:
        if not isinstance(df, require("pandas", extra="pandas").DataFrame):
            raise MlflowException.invalid_parameter_value(
                f"Expected a pandas.DataFrame, got {type(df)}"
            )
        for role, column in (("targets", targets), ("predictions", predictions)):
            if column is not None and column not in df.columns:
                raise MlflowException.invalid_parameter_value(
                    "The specified pandas DataFrame does not contain the specified "
                    f"{role} column '{column}'."
                )
        self._df = df
        self._targets = targets
        self._predictions = predictions
        super().__init__(source=source, name=name, digest=digest)

    def _compute_digest(self) -> str:
        return compute_pandas_digest(self._df)

    def to_dict(self) -> dict[str, str]:
        return {
            **super().to_dict(),
            "schema": columns_json(self.schema),
            "profile": json.dumps(self.profile),
        }

    @property
    def df(self) -> pandas.DataFrame:
        """The table."""
        return self._df

    @property
    def source(self) -> DatasetSource:
        return self._source

    @property
    def targets(self) -> str | None:
        """Column of what a model should predict."""
        return self._targets

    @property
    def predictions(self) -> str | None:
        """Column of what a model did predict."""
        return self._predictions

    @property
    def profile(self) -> Any | None:
        """Numbers of rows and of cells."""
        return {"num_rows": len(self._df), "num_elements": int(self._df.size)}

    @cached_property
    def schema(self) -> Schema | None:
        """The columns; None, with a warning, if one has values of no common type."""
        from mlflow.types.utils import _infer_schema

        try:
            return _infer_schema(self._df)
        except Exception as error:  # logging a dataset must not fail for odd content
            _logger.warning("Failed to infer schema for Pandas dataset. Exception: %s", error)
            return None

    def to_pyfunc(self) -> PyFuncInputsOutputs:
        return split_columns(self._df, self._targets)

    def to_evaluation_dataset(
        self, path: str | None = None, feature_names: list[str] | None = None
    ) -> EvaluationDataset:
        from mlflow.data.evaluation_dataset import EvaluationDataset

        return EvaluationDataset(
            data=self._df,
            targets=self._targets,
            name=self.name,
            path=path,
            feature_names=feature_names,
            predictions=self._predictions,
            digest=self.digest,
        )


def from_pandas(
    df: pandas.DataFrame,
    source: str | DatasetSource | None = None,
    targets: str | None = None,
    name: str | None = None,
    digest: str | None = None,
    predictions: str | None = None,
) -> PandasDataset:
    """A dataset of a pandas table.

    Args:
        df: The table.
        source: Where it came from: a path, a URI, or a source; None for the running program.
        targets: Column of what a model should predict.
        name: What to call it; None for "dataset".
        digest: At most 36 characters; None to compute it from the content.
        predictions: Column of what a model did predict.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is no table, or has no such column;
            RESOURCE_DOES_NOT_EXIST if `source` is of no known kind.
    """
    return PandasDataset(
        df=df,
        source=source_of(source),
        targets=targets,
        name=name,
        digest=digest,
        predictions=predictions,
    )
