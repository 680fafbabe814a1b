"""What the reference does with Databricks: not available."""

from __future__ import annotations

from mlflow.exceptions import MlflowNotImplementedException


def set_databricks_monitoring_sql_warehouse_id(
    sql_warehouse_id: str, experiment_id: str | None = None
) -> None:
    """Not available: raises MlflowException NOT_IMPLEMENTED."""
    raise MlflowNotImplementedException(
        "SQL warehouses belong to Databricks, which Headrace does not talk to."
    )
