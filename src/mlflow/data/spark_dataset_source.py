"""A table, query or path that Spark reads."""

from __future__ import annotations

from typing import Any

from mlflow.data.dataset_source import DatasetSource
from mlflow.exceptions import MlflowException
from mlflow.utils.optional import require


class SparkDatasetSource(DatasetSource):
    """Exactly one of a path, a table and a query.

    Args:
        path: File or folder, in Spark's default format.
        table_name: Table of the catalog.
        sql: Query.
    """

    def __init__(
        self,
        path: str | None = None,
        table_name: str | None = None,
        sql: str | None = None,
    ) -> None:
        if [path, table_name, sql].count(None) != 2:
            raise MlflowException.invalid_parameter_value(
                'Must specify exactly one of "path", "table_name", or "sql"'
            )
        self._path = path
        self._table_name = table_name
        self._sql = sql

    @staticmethod
    def _get_source_type() -> str:
        return "spark"

    def load(self, **kwargs: Any) -> Any:
        """Read it.

        Returns:
            A `pyspark.sql.DataFrame`.
        """
        spark = spark_session()
        if self._path:
            return spark.read.load(self._path)
        if self._table_name:
            return spark.read.table(self._table_name)
        return spark.sql(self._sql)

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return False

    @classmethod
    def _resolve(cls, raw_source: Any) -> SparkDatasetSource:
        raise NotImplementedError("Make a SparkDatasetSource; a name alone says too little")

    def to_dict(self) -> dict[Any, Any]:
        forms = {"path": self._path, "table_name": self._table_name, "sql": self._sql}
        return {key: value for key, value in forms.items() if value is not None}

    @classmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> SparkDatasetSource:
        return cls(
            path=source_dict.get("path"),
            table_name=source_dict.get("table_name"),
            sql=source_dict.get("sql"),
        )


def spark_session() -> Any:
    """The running Spark session, or a new one."""
    return require("pyspark.sql").SparkSession.builder.getOrCreate()
