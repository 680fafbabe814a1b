"""Copies of traces in Delta tables of Databricks: not available."""

from __future__ import annotations

from mlflow.exceptions import MlflowNotImplementedException


def enable_databricks_trace_archival(
    *, delta_table_fullname: str, experiment_id: str | None = None
) -> None:
    """Not available: raises MlflowException NOT_IMPLEMENTED."""
    raise _only_there()


def disable_databricks_trace_archival(*, experiment_id: str | None = None) -> None:
    """Not available: raises MlflowException NOT_IMPLEMENTED."""
    raise _only_there()


def _only_there() -> MlflowNotImplementedException:
    return MlflowNotImplementedException(
        "Archives of traces in Delta tables belong to Databricks, which Headrace does not talk to."
    )
