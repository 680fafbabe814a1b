"""Where the traces of a program go."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from mlflow.entities.trace_location import MlflowExperimentLocation, TraceLocationBase
from mlflow.environment_variables import MLFLOW_TRACING_DESTINATION
from mlflow.exceptions import MlflowException, MlflowNotImplementedException


@dataclass
class TraceDestination:
    """The old form of a place for traces. Use `mlflow.entities.trace_location` instead."""

    @property
    def type(self) -> str:
        """What kind of place it is."""
        raise NotImplementedError

    def to_location(self) -> TraceLocationBase:
        """The same place in the form of today."""
        raise NotImplementedError


@dataclass
class MlflowExperiment(TraceDestination):
    """An experiment of the tracking store; None for the active one. The old form of
    `mlflow.entities.trace_location.MlflowExperimentLocation`."""

    experiment_id: str | None = None

    @property
    def type(self) -> str:
        return "experiment"

    def to_location(self) -> TraceLocationBase:
        return MlflowExperimentLocation(self.experiment_id)


@dataclass
class Databricks(TraceDestination):
    """An experiment of Databricks, which Headrace does not talk to."""

    experiment_id: str | None = None
    experiment_name: str | None = None

    @property
    def type(self) -> str:
        return "databricks"

    def to_location(self) -> TraceLocationBase:
        raise MlflowNotImplementedException(
            "Headrace does not talk to Databricks; use `MlflowExperimentLocation`."
        )


class UserTraceDestinationRegistry:
    """The place that the user chose: for the process, and for a thread or asyncio task."""

    def __init__(self) -> None:
        self._everywhere: TraceLocationBase | None = None
        self._here: ContextVar[TraceLocationBase | None] = ContextVar(
            "mlflow_trace_destination", default=None
        )

    def get(self) -> TraceLocationBase | None:
        """The one for this context, else that of the process, else MLFLOW_TRACING_DESTINATION;
        None if nobody chose."""
        return self._here.get() or self._everywhere or _from_environment()

    def set(self, value: Any, context_local: bool = False) -> None:
        """Choose one."""
        if context_local:
            self._here.set(value)
        else:
            self._everywhere = value

    def reset(self) -> None:
        """Choose none."""
        self._everywhere = None
        self._here.set(None)


user_destination = UserTraceDestinationRegistry()


def _from_environment() -> TraceLocationBase | None:
    value = MLFLOW_TRACING_DESTINATION.get()
    if not value:
        return None
    if not value.isdigit():
        raise MlflowException.invalid_parameter_value(
            f"MLFLOW_TRACING_DESTINATION is '{value}'; the id of an experiment is needed. "
            "Catalogs and schemas belong to Databricks."
        )
    return MlflowExperimentLocation(value)
