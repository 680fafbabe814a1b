"""Datasets that are Spark tables."""

from __future__ import annotations

import json
import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mlflow.data.code_dataset_source import source_of
from mlflow.data.dataset import Dataset, columns_json
from mlflow.data.dataset_source import DatasetSource
from mlflow.data.delta_dataset_source import DeltaDatasetSource
from mlflow.data.digest_utils import get_normalized_md5_digest
from mlflow.data.pyfunc_dataset_mixin import PyFuncConvertibleDatasetMixin, PyFuncInputsOutputs
from mlflow.data.spark_dataset_source import SparkDatasetSource, spark_session
from mlflow.exceptions import MlflowException
from mlflow.utils.optional import require

if TYPE_CHECKING:
    import pyspark.sql

    from mlflow.data.evaluation_dataset import EvaluationDataset
    from mlflow.types.schema import Schema

_logger = logging.getLogger(__name__)

#: How long counting rows may take, in milliseconds, before an estimate is taken.
_COUNT_TIMEOUT = 5000


class SparkDataset(Dataset, PyFuncConvertibleDatasetMixin):
    """A Spark table.

    Args:
        df: The table.
        source: Where it came from.
        targets: Column of what a model should predict.
        name: What to call it; None for "dataset".
        digest: None to compute it from the plan that makes the table, not from its content.
        predictions: Column of what a model did predict.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if there is no such column.
    """

    def __init__(
        self,
        df: pyspark.sql.DataFrame,
        source: DatasetSource,
        targets: str | None = None,
        name: str | None = None,
        digest: str | None = None,
        predictions: str | None = None,
    ) -> None:
        for role, column in (("targets", targets), ("predictions", predictions)):
            if column is not None and column not in df.columns:
                raise MlflowException.invalid_parameter_value(
                    "The specified Spark dataset does not contain the specified "
                    f"{role} column '{column}'."
                )
        self._df = df
        self._targets = targets
        self._predictions = predictions
        super().__init__(source=source, name=name, digest=digest)

    def _compute_digest(self) -> str:
        np = require("numpy", extra="pandas")
        return get_normalized_md5_digest([np.int64(self._df.semanticHash())])

    def to_dict(self) -> dict[str, str]:
        return {
            **super().to_dict(),
            "schema": columns_json(self.schema),
            "profile": json.dumps(self.profile),
        }

    @property
    def df(self) -> Any:
        """The table."""
        return self._df

    @property
    def targets(self) -> str | None:
        """Column of what a model should predict."""
        return self._targets

    @property
    def predictions(self) -> str | None:
        """Column of what a model did predict."""
        return self._predictions

    @property
    def source(self) -> SparkDatasetSource | DeltaDatasetSource:
        return self._source

    @cached_property
    def profile(self) -> Any | None:
        """Number of rows, estimated if counting takes long; None if Spark cannot count."""
        try:
            rows = self._df.rdd.countApprox(timeout=_COUNT_TIMEOUT, confidence=0.9)
        except Exception as error:  # streams and remote sessions cannot count
            _logger.warning("Failed to count the rows of the Spark dataset: %s", error)
            return None
        return {"approx_count": rows}

    @cached_property
    def schema(self) -> Schema | None:
        """The columns; None, with a warning, if one is of a type that a schema cannot express."""
        from mlflow.types.spark import infer_spark_schema

        try:
            return infer_spark_schema(self._df)
        except Exception as error:  # logging a dataset must not fail for odd content
            _logger.warning("Failed to infer schema for Spark dataset. Exception: %s", error)
            return None

    def to_pyfunc(self) -> PyFuncInputsOutputs:
        if self._targets is None:
            return PyFuncInputsOutputs(self._df)
        return PyFuncInputsOutputs(
            self._df.drop(self._targets), self._df.select(self._targets).toPandas()
        )

    def to_evaluation_dataset(
        self, path: str | None = None, feature_names: list[str] | None = None
    ) -> EvaluationDataset:
        from mlflow.data.evaluation_dataset import EvaluationDataset

        return EvaluationDataset(
            data=self._df.limit(EvaluationDataset.SPARK_DATAFRAME_LIMIT).toPandas(),
            targets=self._targets,
            name=self.name,
            path=path,
            feature_names=feature_names,
            predictions=self._predictions,
            digest=self.digest,
        )


def from_spark(
    df: pyspark.sql.DataFrame,
    path: str | None = None,
    table_name: str | None = None,
    version: str | None = None,
    sql: str | None = None,
    targets: str | None = None,
    name: str | None = None,
    digest: str | None = None,
    predictions: str | None = None,
) -> SparkDataset:
    """A dataset of a Spark table.

    Args:
        df: The table.
        path: File or folder that it came from.
        table_name: Table of the catalog that it came from.
        version: Version of that Delta table.
        sql: Query that it came from. At most one of `path`, `table_name` and `sql`; without
            them, the source is the running program.
        targets: Column of what a model should predict.
        name: What to call it; None for "dataset".
        digest: At most 36 characters; None to compute it from the plan that makes the table.
        predictions: Column of what a model did predict.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if there is no such column, if more than one
            source is given, or a version of what is no Delta table.
    """
    if [path, table_name, sql].count(None) < 2:
        raise MlflowException.invalid_parameter_value(
            "Must specify at most one of `path`, `table_name`, and `sql`."
        )
    is_delta = sql is None and _is_delta(path, table_name)
    if version is not None and not is_delta:
        raise MlflowException.invalid_parameter_value(
            f"`version` is {version}, but only Delta tables, given by `path` or `table_name`, "
            "have versions."
        )
    source: Any = None
    if is_delta:
        source = DeltaDatasetSource(path, table_name, version)
    elif path or table_name or sql:
        source = SparkDatasetSource(path, table_name, sql)
    return SparkDataset(df, source_of(source), targets, name, digest, predictions)


def load_delta(
    path: str | None = None,
    table_name: str | None = None,
    version: str | None = None,
    targets: str | None = None,
    name: str | None = None,
    digest: str | None = None,
) -> SparkDataset:
    """A dataset of a Delta table, read with Spark.

    Args:
        path: Folder of the table.
        table_name: Name in the catalog. Exactly one of `path` and `table_name`.
        version: Which version; None for the newest.
        targets: Column of what a model should predict.
        name: What to call it; None for "dataset".
        digest: At most 36 characters; None to compute it from the plan that makes the table.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if not exactly one place is given, or there is
            no such column.
    """
    source = DeltaDatasetSource(path, table_name, version)
    return SparkDataset(source.load(), source, targets, name, digest)


def _is_delta(path: str | None, table_name: str | None) -> bool:
    """True for the folder or name of a Delta table that the running session can read."""
    if path is None and table_name is None:
        return False
    name = f"delta.`{path}`" if path is not None else table_name
    try:
        [row] = spark_session().sql(f"DESCRIBE DETAIL {name}").collect()
    except Exception:  # no such table, or a session without Delta
        return False
    return row["format"] == "delta"
