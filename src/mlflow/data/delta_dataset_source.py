"""A Delta table."""

from __future__ import annotations

from typing import Any

from mlflow.data.dataset_source import DatasetSource
from mlflow.exceptions import MlflowException

DATABRICKS_HIVE_METASTORE_NAME = "hive_metastore"
DATABRICKS_LOCAL_METASTORE_NAMES = [DATABRICKS_HIVE_METASTORE_NAME, "spark_catalog"]
DATABRICKS_SAMPLES_CATALOG_NAME = "samples"


class DeltaDatasetSource(DatasetSource):
    """A Delta table, by exactly one of path and name.

    Args:
        path: Folder of the table.
        delta_table_name: Name in the catalog, such as "catalog.schema.table".
        delta_table_version: Which version; None for the newest.
        delta_table_id: Identifier in the Unity catalog.
    """

    def __init__(
        self,
        path: str | None = None,
        delta_table_name: str | None = None,
        delta_table_version: int | None = None,
        delta_table_id: str | None = None,
    ) -> None:
        if (path is None) == (delta_table_name is None):
            raise MlflowException.invalid_parameter_value(
                'Must specify exactly one of "path" or "table_name"'
            )
        self._path = path
        self._delta_table_name = delta_table_name
        self._delta_table_version = delta_table_version
        self._delta_table_id = delta_table_id

    @staticmethod
    def _get_source_type() -> str:
        return "delta_table"

    def load(self, **kwargs: Any) -> Any:
        """Read the table, at its version.

        Args:
            kwargs: Options of the Spark reader.

        Returns:
            A `pyspark.sql.DataFrame`.
        """
        from mlflow.data.spark_dataset_source import spark_session

        reader = spark_session().read.format("delta").options(**kwargs)
        if self._delta_table_version is not None:
            reader = reader.option("versionAsOf", self._delta_table_version)
        if self._path is not None:
            return reader.load(self._path)
        return reader.table(self._delta_table_name)

    @property
    def path(self) -> str | None:
        """Folder of the table."""
        return self._path

    @property
    def delta_table_name(self) -> str | None:
        """Name in the catalog."""
        return self._delta_table_name

    @property
    def delta_table_id(self) -> str | None:
        """Identifier in the Unity catalog."""
        return self._delta_table_id

    @property
    def delta_table_version(self) -> int | None:
        """Which version; None for the newest."""
        return self._delta_table_version

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return False

    @classmethod
    def _resolve(cls, raw_source: Any) -> DeltaDatasetSource:
        raise NotImplementedError("Make a DeltaDatasetSource; a name alone says too little")

    def _is_unity_catalog_table(self) -> bool:
        """True for a named table outside the catalogs that every workspace has."""
        if self._delta_table_name is None:
            return False
        catalog = self._delta_table_name.partition(".")[0]
        others = (*DATABRICKS_LOCAL_METASTORE_NAMES, DATABRICKS_SAMPLES_CATALOG_NAME)
        return catalog not in others

    def to_dict(self) -> dict[Any, Any]:
        forms = {
            "path": self._path,
            "delta_table_name": self._delta_table_name,
            "delta_table_version": self._delta_table_version,
        }
        known = {key: value for key, value in forms.items() if value is not None}
        if self._is_unity_catalog_table():
            known |= {"is_databricks_uc_table": True, "delta_table_id": self._delta_table_id}
        return known

    @classmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> DeltaDatasetSource:
        return cls(
            path=source_dict.get("path"),
            delta_table_name=source_dict.get("delta_table_name"),
            delta_table_version=source_dict.get("delta_table_version"),
            delta_table_id=source_dict.get("delta_table_id"),
        )
