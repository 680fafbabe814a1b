from __future__ import annotations

from operator import attrgetter

from mlflow.entities._mlflow_object import _Comparable
from mlflow.entities.lifecycle_stage import LifecycleStage
from mlflow.exceptions import MlflowException


def check_run_is_active(run_info: RunInfo) -> None:
    """Refuse a deleted run.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if the run is not in stage "active".
    """
    if run_info.lifecycle_stage != LifecycleStage.ACTIVE:
        raise MlflowException.invalid_parameter_value(
            f"The run {run_info.run_id} must be in 'active' lifecycle_stage."
        )


class orderable_attribute(property):
    """A part that `order_by` may name."""


class searchable_attribute(property):
    """A part that a filter, too, may name."""


class RunInfo(_Comparable):
    """What a run is, without what it logged."""

    experiment_id: str
    lifecycle_stage: str
    """`active` or `deleted`."""
    run_id: str = searchable_attribute(attrgetter("_run_id"))
    """32 hex digits."""
    run_name: str | None = searchable_attribute(attrgetter("_run_name"))
    user_id: str = searchable_attribute(attrgetter("_user_id"))
    status: str = searchable_attribute(attrgetter("_status"))
    """A name out of RunStatus, such as "RUNNING"."""
    start_time: int = searchable_attribute(attrgetter("_start_time"))
    """Milliseconds since the Unix epoch."""
    end_time: int | None = searchable_attribute(attrgetter("_end_time"))
    """Milliseconds since the Unix epoch; None until the run ends."""
    artifact_uri: str | None = searchable_attribute(attrgetter("_artifact_uri"))

    def __init__(
        self,
        run_id: str,
        experiment_id: str,
        user_id: str,
        status: str,
        start_time: int,
        end_time: int | None,
        lifecycle_stage: str,
        artifact_uri: str | None = None,
        run_name: str | None = None,
    ):
        if experiment_id is None or user_id is None or status is None or start_time is None:
            _refuse_none(
                experiment_id=experiment_id, user_id=user_id, status=status, start_time=start_time
            )
        self._run_id = run_id
        self._experiment_id = experiment_id
        self._user_id = user_id
        self._status = status
        self._start_time = start_time
        self._end_time = end_time
        self._lifecycle_stage = lifecycle_stage
        self._artifact_uri = artifact_uri
        self._run_name = run_name

    def _copy_with_overrides(
        self,
        status: str | None = None,
        end_time: int | None = None,
        lifecycle_stage: str | None = None,
        run_name: str | None = None,
    ) -> RunInfo:
        parts = dict(self)
        changes = {
            "status": status,
            "end_time": end_time,
            "lifecycle_stage": lifecycle_stage,
            "run_name": run_name,
        }
        parts.update({name: part for name, part in changes.items() if part})
        return type(self)(**parts)

    def _set_run_name(self, new_name: str) -> None:
        self._run_name = new_name

    @classmethod
    def get_searchable_attributes(cls) -> list[str]:
        """Parts that a filter may name."""
        return [n for n in cls._parts if isinstance(getattr(cls, n), searchable_attribute)]

    @classmethod
    def get_orderable_attributes(cls) -> list[str]:
        """Parts that `order_by` may name."""
        either = (searchable_attribute, orderable_attribute)
        return [n for n in cls._parts if isinstance(getattr(cls, n), either)]


def _refuse_none(**parts: object) -> None:
    for name, part in parts.items():
        if part is None:
            raise MlflowException.invalid_parameter_value(f"{name} cannot be None")
