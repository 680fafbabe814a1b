from __future__ import annotations

from mlflow.entities.view_type import ViewType
from mlflow.exceptions import MlflowException


class LifecycleStage:
    """Whether an experiment or run is there, or deleted and still restorable."""

    ACTIVE = "active"
    DELETED = "deleted"

    _VALID_STAGES = {ACTIVE, DELETED}
    _STAGES_SEEN = {
        ViewType.ACTIVE_ONLY: [ACTIVE],
        ViewType.DELETED_ONLY: [DELETED],
        ViewType.ALL: [ACTIVE, DELETED],
    }

    @classmethod
    def view_type_to_stages(cls, view_type: int = ViewType.ALL) -> list[str]:
        """The stages that a search with this view sees.

        Raises:
            MlflowException: If there is no such view type.
        """
        try:
            return list(cls._STAGES_SEEN[view_type])
        except KeyError:
            raise MlflowException(f"Invalid view type '{view_type}'") from None

    @classmethod
    def is_valid(cls, lifecycle_stage: str) -> bool:
        """Whether there is such a stage."""
        return lifecycle_stage in cls._VALID_STAGES

    @classmethod
    def matches_view_type(cls, view_type: int, lifecycle_stage: str) -> bool:
        """Whether a search with this view sees things in this stage.

        Raises:
            MlflowException: If there is no such stage or view type.
        """
        if not cls.is_valid(lifecycle_stage):
            raise MlflowException(f"Invalid lifecycle stage '{lifecycle_stage}'")
        return lifecycle_stage in cls.view_type_to_stages(view_type)
