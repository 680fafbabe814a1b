"""Which logged model is active where."""

from __future__ import annotations

from contextvars import ContextVar

from mlflow.environment_variables import MLFLOW_ACTIVE_MODEL_ID


class ActiveModelContext:
    """Which logged model is active, and whether the user chose it."""

    def __init__(self, model_id: str | None = None, set_by_user: bool = False):
        self._model_id = model_id
        self._set_by_user = set_by_user

    def __repr__(self) -> str:
        return f"ActiveModelContext(model_id={self.model_id}, set_by_user={self.set_by_user})"

    @property
    def model_id(self) -> str | None:
        return self._model_id

    @property
    def set_by_user(self) -> bool:
        return self._set_by_user


_ID_AT_START = MLFLOW_ACTIVE_MODEL_ID.get() or None
_AT_START = ActiveModelContext(_ID_AT_START, set_by_user=_ID_AT_START is not None)
#: A thread begins with what the environment said when the process began; an asyncio task with what
#: is active where it is made.
context: ContextVar[ActiveModelContext] = ContextVar("mlflow_active_model", default=_AT_START)


def active_model_id() -> str | None:
    """The id of the model that is active here; None if none is."""
    return context.get()._model_id
