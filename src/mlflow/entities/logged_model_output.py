from __future__ import annotations

from mlflow.entities._mlflow_object import _Comparable


class LoggedModelOutput(_Comparable):
    """A logged model that a run made."""

    model_id: str
    step: int
    """The step at which it was made."""

    def __init__(self, model_id: str, step: int) -> None:
        self._model_id = model_id
        self._step = step

    def to_dictionary(self) -> dict[str, str | int]:
        """The model's id and the step."""
        return {"model_id": self._model_id, "step": self._step}
