"""Sums of traces that a server makes ahead of time. Headrace makes none: its metrics of traces are
read from indexes when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlflow.exceptions import MlflowNotImplementedException


@dataclass(frozen=True)
class SqlTraceRollupSchedule:
    """When they would be made: the parts of a crontab's line."""

    minute: str
    hour: str
    day: str
    month: str
    day_of_week: str


def run_sql_trace_rollup_scheduler(tracking_store: Any) -> Any:
    """Not available: raises MlflowException NOT_IMPLEMENTED."""
    raise _none()


def validate_and_resolve_sql_trace_rollup_schedule() -> SqlTraceRollupSchedule:
    """Not available: raises MlflowException NOT_IMPLEMENTED."""
    raise _none()


def validate_sql_trace_rollup_startup(backend_store_uri: str | None) -> None:
    """Not available: raises MlflowException NOT_IMPLEMENTED."""
    raise _none()


def _none() -> MlflowNotImplementedException:
    return MlflowNotImplementedException(
        "Headrace makes no roll-ups of traces: their metrics are read from indexes."
    )
