"""Traces in Unity Catalog, which belongs to Databricks: not available."""

from __future__ import annotations

from mlflow.entities.trace_location import UCSchemaLocation
from mlflow.exceptions import MlflowNotImplementedException


def set_experiment_trace_location(
    location: UCSchemaLocation,
    experiment_id: str | None = None,
    sql_warehouse_id: str | None = None,
) -> UCSchemaLocation:
    """Not available: raises MlflowException NOT_IMPLEMENTED."""
    raise _only_there("set_experiment_trace_location")


def unset_experiment_trace_location(
    location: UCSchemaLocation, experiment_id: str | None = None
) -> None:
    """Not available: raises MlflowException NOT_IMPLEMENTED."""
    raise _only_there("unset_experiment_trace_location")


def _only_there(name: str) -> MlflowNotImplementedException:
    return MlflowNotImplementedException(
        f"`{name}` is about Unity Catalog of Databricks, which Headrace does not talk to. Traces "
        "are kept in experiments; see `mlflow.tracing.set_destination`."
    )
