"""Datasets that are polars tables."""

from __future__ import annotations

import json
import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict

from mlflow.data.code_dataset_source import source_of
from mlflow.data.dataset import Dataset, columns_json
from mlflow.data.dataset_source import DatasetSource
from mlflow.data.pyfunc_dataset_mixin import (
    PyFuncConvertibleDatasetMixin,
    PyFuncInputsOutputs,
    split_columns,
)
from mlflow.exceptions import MlflowException
from mlflow.types.schema import Array, ColSpec, DataType, Object, Property, Schema
from mlflow.utils.optional import require

if TYPE_CHECKING:
    import polars

    from mlflow.data.evaluation_dataset import EvaluationDataset

_logger = logging.getLogger(__name__)

ColSpecType = DataType | Array | Object | str

# Name of the polars type to ours; of equal range, and of larger range.
_EQUAL = {
    "Binary": DataType.binary,
    "Boolean": DataType.boolean,
    "Datetime": DataType.datetime,
    "Float32": DataType.float,
    "Float64": DataType.double,
    "Int8": DataType.integer,
    "Int16": DataType.integer,
    "Int32": DataType.integer,
    "Int64": DataType.long,
    "String": DataType.string,
}
_CLOSE = {
    "Categorical": DataType.string,
    "Enum": DataType.string,
    "Date": DataType.datetime,
    "UInt8": DataType.integer,
    "UInt16": DataType.integer,
    "UInt32": DataType.long,
}


def __getattr__(name: str) -> Any:
    tables = {"TYPE_MAP": _EQUAL, "CLOSE_MAP": _CLOSE}
    if name not in tables:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    polars = require("polars")
    return {getattr(polars, kind): dtype for kind, dtype in tables[name].items()}


def hash_polars_df(df: polars.DataFrame) -> str:
    """The digest of a polars table: the sum of the rows' hashes, modulo 2**64, in decimal.

    It does not depend on the order of rows, nor on column names.
    """
    return str(df.hash_rows().sum())


def infer_schema(df: polars.DataFrame) -> Schema:
    """The columns of a polars table.

    Raises:
        MlflowException: INTERNAL_ERROR if a column is of a type that a schema cannot express;
            INVALID_PARAMETER_VALUE if there are no columns.
    """
    return Schema([infer_colspec(column) for column in df.get_columns()])


def infer_colspec(col: polars.Series, *, allow_unknown: bool = True) -> ColSpec:
    """The column that a polars series stands for; required if it has a value.

    Args:
        col: The series.
        allow_unknown: See `infer_dtype`.
    """
    dtype = infer_dtype(col.dtype, col.name, allow_unknown=allow_unknown)
    return ColSpec(dtype, col.name, required=col.count() > 0)


def infer_dtype(
    dtype: polars.DataType | polars.datatypes.DataTypeClass, col_name: str, *, allow_unknown: bool
) -> ColSpecType:
    """The type that a polars type stands for.

    Args:
        dtype: A polars type.
        col_name: Name of the column, for messages.
        allow_unknown: True to return the name of a type that a schema cannot express, with a
            warning; False to raise ValueError.
    """
    polars = require("polars")
    kind = dtype.__name__ if isinstance(dtype, type) else type(dtype).__name__
    if kind in _EQUAL:
        return _EQUAL[kind]
    if kind in _CLOSE:
        _logger.warning(
            "Column '%s' is of polars type %s, which is stored as %s: not the same, but it holds "
            "all its values.",
            col_name,
            dtype,
            _CLOSE[kind],
        )
        return _CLOSE[kind]
    if isinstance(dtype, (polars.List, polars.Array)):
        return Array(infer_dtype(dtype.inner, f"{col_name}.[]", allow_unknown=allow_unknown))
    if isinstance(dtype, polars.Struct):
        return Object([_infer_field(one, col_name, allow_unknown) for one in dtype.fields])
    if not allow_unknown:
        raise ValueError(f"Unknown type: {dtype!r}")
    _logger.warning(
        "Column '%s' is of polars type %s, which a schema cannot express.", col_name, dtype
    )
    return str(dtype)


def _infer_field(field: polars.Field, col_name: str, allow_unknown: bool) -> Property:
    path = f"{col_name}.{field.name}"
    return Property(field.name, infer_dtype(field.dtype, path, allow_unknown=allow_unknown))


class PolarsDataset(Dataset, PyFuncConvertibleDatasetMixin):
    """A polars table.

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
        df: polars.DataFrame,
        source: DatasetSource,
        targets: str | None = None,
        name: str | None = None,
        digest: str | None = None,
        predictions: str | None = None,
    ) -> None:
        if not isinstance(df, require("polars").DataFrame):
            raise MlflowException.invalid_parameter_value(
                f"Expected a polars.DataFrame, got {type(df)}"
            )
        for role, column in (("targets", targets), ("predictions", predictions)):
            if column is not None and column not in df.columns:
                raise MlflowException.invalid_parameter_value(
                    f"DataFrame does not contain specified {role} column: '{column}'"
                )
        self._df = df
        self._targets = targets
        self._predictions = predictions
        super().__init__(source=source, name=name, digest=digest)

    def _compute_digest(self) -> str:
        return hash_polars_df(self._df)

    class PolarsDatasetConfig(TypedDict):
        """What is stored of the dataset."""

        name: str
        digest: str
        source: str
        source_type: str
        schema: str
        profile: str

    class PolarsDatasetProfile(TypedDict):
        """Numbers of rows and of cells."""

        num_rows: int
        num_elements: int

    def to_dict(self) -> PolarsDatasetConfig:
        return {
            **super().to_dict(),
            "schema": columns_json(self.schema) or "null",
            "profile": json.dumps(self.profile),
        }

    @property
    def df(self) -> polars.DataFrame:
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
    def profile(self) -> PolarsDatasetProfile:
        """Numbers of rows and of cells."""
        return {
            "num_rows": self._df.height,
            "num_elements": self._df.height * self._df.width,
        }

    @cached_property
    def schema(self) -> Schema | None:
        """The columns; None, with a warning, if one is of a type that a schema cannot express."""
        try:
            return infer_schema(self._df)
        except Exception as error:  # logging a dataset must not fail for odd content
            _logger.warning("Failed to infer schema for PolarsDataset. Exception: %s", error)
            return None

    def to_pyfunc(self) -> PyFuncInputsOutputs:
        parts = split_columns(self._to_pandas(), self._targets)
        return PyFuncInputsOutputs(
            [parts.inputs], None if parts.outputs is None else [parts.outputs]
        )

    def _to_pandas(self) -> Any:
        require("pandas", extra="pandas")
        require("pyarrow", purpose="converting polars tables to pandas")
        return self._df.to_pandas()

    def to_evaluation_dataset(
        self, path: str | None = None, feature_names: list[str] | None = None
    ) -> EvaluationDataset:
        from mlflow.data.evaluation_dataset import EvaluationDataset

        return EvaluationDataset(
            data=self._to_pandas(),
            targets=self._targets,
            name=self.name,
            path=path,
            feature_names=feature_names,
            predictions=self._predictions,
            digest=self.digest,
        )


def from_polars(
    df: polars.DataFrame,
    source: str | DatasetSource | None = None,
    targets: str | None = None,
    name: str | None = None,
    digest: str | None = None,
    predictions: str | None = None,
) -> PolarsDataset:
    """A dataset of a polars table.

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
    return PolarsDataset(
        df=df,
        source=source_of(source),
        targets=targets,
        name=name,
        digest=digest,
        predictions=predictions,
    )
