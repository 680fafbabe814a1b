from __future__ import annotations

from typing import Any

from mlflow.entities._mlflow_object import _MlflowObject
from mlflow.entities.run_data import RunData
from mlflow.entities.run_info import RunInfo
from mlflow.entities.run_inputs import RunInputs
from mlflow.entities.run_outputs import RunOutputs
from mlflow.exceptions import MlflowException


class Run(_MlflowObject):
    """A run: what it is, what it logged, what it read and what it made."""

    info: RunInfo
    data: RunData
    inputs: RunInputs | None
    outputs: RunOutputs | None

    def __init__(
        self,
        run_info: RunInfo,
        run_data: RunData,
        run_inputs: RunInputs | None = None,
        run_outputs: RunOutputs | None = None,
    ):
        if run_info is None:
            raise MlflowException("run_info cannot be None")
        self._info = run_info
        self._data = run_data
        self._inputs = run_inputs
        self._outputs = run_outputs

    def to_dictionary(self) -> dict[Any, Any]:
        """The parts as plain dictionaries; those that are absent are left out."""
        parts: dict[Any, Any] = {"info": dict(self._info)}
        for name in ("data", "inputs", "outputs"):
            if part := getattr(self, name):
                parts[name] = part.to_dictionary()
        return parts
