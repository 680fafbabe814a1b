"""Whether this process runs on Databricks, by what its environment says. Elsewhere it does not."""

from __future__ import annotations

import os
from typing import Any

from mlflow.exceptions import MlflowNotImplementedException
from mlflow.utils.spark_utils import is_spark_connect_mode

#: The minor version of a runtime that is named without one, such as "15.x": above all others.
_NEWEST_MINOR = 999


def get_databricks_runtime_version() -> str | None:
    """The version of the runtime that this process runs in; None outside of one."""
    return os.environ.get("DATABRICKS_RUNTIME_VERSION") or None


def is_in_databricks_runtime() -> bool:
    return get_databricks_runtime_version() is not None


def is_in_databricks_serverless_runtime() -> bool:
    """Whether the runtime is a client of a Spark that is elsewhere."""
    return (get_databricks_runtime_version() or "").startswith("client.")


def is_in_databricks_shared_cluster_runtime() -> bool:
    """Whether the cluster is shared, so that its Spark is reached as if it were elsewhere."""
    return (
        is_in_databricks_runtime()
        and not is_in_databricks_serverless_runtime()
        and is_spark_connect_mode()
    )


def is_in_databricks_model_serving_environment() -> bool:
    return os.environ.get("IS_IN_DB_MODEL_SERVING_ENV", "").lower() in ("true", "1")


def is_databricks_connect(spark: Any = None) -> bool:
    """Whether Spark runs on Databricks and this process only asks it.

    Args:
        spark: The session to look at besides the environment.
    """
    if is_in_databricks_serverless_runtime() or is_in_databricks_shared_cluster_runtime():
        return True
    if spark is None or not is_spark_connect_mode():
        return False
    return any(key.startswith("x-databricks-") for key, _ in spark.client.metadata())


def parse_dbr_runtime_major_minor(dbr_version: str) -> tuple[int, int]:
    """The numbers of a runtime's version: (15, 4) of "15.4.x-scala2.12".

    Raises:
        ValueError: If it does not begin with a number.
    """
    major, _, rest = dbr_version.partition(".")
    minor = rest.partition(".")[0]
    return int(major), int(minor) if minor.isdecimal() else _NEWEST_MINOR


def get_dbconnect_udf_sandbox_info(spark: Any) -> Any:
    """Not available: it runs a function on Databricks to see what its workers have."""
    raise MlflowNotImplementedException(
        "What the workers of Databricks Connect have is not known: Headrace does not speak to it."
    )
