from __future__ import annotations

from mlflow.entities._mlflow_object import _Comparable


class LoggedModelInput(_Comparable):
    """A logged model that a run used."""

    model_id: str

    def __init__(self, model_id: str):
        self._model_id = model_id
