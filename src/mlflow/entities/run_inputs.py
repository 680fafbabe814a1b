from __future__ import annotations

from typing import Any

from mlflow.entities._mlflow_object import _Comparable
from mlflow.entities.dataset_input import DatasetInput
from mlflow.entities.logged_model_input import LoggedModelInput


class RunInputs(_Comparable):
    """What a run read."""

    dataset_inputs: list[DatasetInput]
    model_inputs: list[LoggedModelInput]

    def __init__(
        self,
        dataset_inputs: list[DatasetInput],
        model_inputs: list[LoggedModelInput] | None = None,
    ):
        self._dataset_inputs = dataset_inputs
        self._model_inputs = model_inputs or []

    def to_dictionary(self) -> dict[str, Any]:
        """Both lists; the datasets as plain dictionaries, the models as they are."""
        return {
            "model_inputs": self._model_inputs,
            "dataset_inputs": [dataset.to_dictionary() for dataset in self._dataset_inputs],
        }
