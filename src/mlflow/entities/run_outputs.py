from __future__ import annotations

from typing import Any

from mlflow.entities._mlflow_object import _Comparable
from mlflow.entities.logged_model_output import LoggedModelOutput


class RunOutputs(_Comparable):
    """What a run made."""

    model_outputs: list[LoggedModelOutput]

    def __init__(self, model_outputs: list[LoggedModelOutput]):
        self._model_outputs = model_outputs

    def to_dictionary(self) -> dict[Any, Any]:
        """The list, as plain dictionaries."""
        return {"model_outputs": [model.to_dictionary() for model in self._model_outputs]}
