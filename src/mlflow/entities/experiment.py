from __future__ import annotations

from typing import Any

from mlflow.entities._mlflow_object import DEFAULT_WORKSPACE, _MlflowObject
from mlflow.entities.experiment_tag import ExperimentTag


class Experiment(_MlflowObject, settable=("trace_location", "effective_trace_archival_retention")):
    """A named place for runs that are compared with each other."""

    DEFAULT_EXPERIMENT_NAME = "Default"

    experiment_id: str
    name: str
    artifact_location: str
    """URI below which the artifacts of its runs go."""
    lifecycle_stage: str
    """`active` or `deleted`."""
    tags: dict[str, str]
    creation_time: int | None
    """Milliseconds since the Unix epoch."""
    last_update_time: int | None
    """Milliseconds since the Unix epoch."""
    workspace: str
    trace_location: Any | None
    """Where its traces are kept, if not beside its runs."""
    effective_trace_archival_retention: str | None
    """How long its traces stay before they are archived, such as "30d"."""

    def __init__(
        self,
        experiment_id: str,
        name: str,
        artifact_location: str,
        lifecycle_stage: str,
        tags: list[ExperimentTag] | None = None,
        creation_time: int | None = None,
        last_update_time: int | None = None,
        workspace: str | None = None,
        trace_location: Any | None = None,
        effective_trace_archival_retention: str | None = None,
    ) -> None:
        self._experiment_id = experiment_id
        self._name = name
        self._artifact_location = artifact_location
        self._lifecycle_stage = lifecycle_stage
        self._tags = {tag.key: tag.value for tag in tags or ()}
        self._creation_time = creation_time
        self._last_update_time = last_update_time
        self._workspace = workspace or DEFAULT_WORKSPACE
        self._trace_location = trace_location
        self._effective_trace_archival_retention = effective_trace_archival_retention

    def _add_tag(self, tag: ExperimentTag) -> None:
        self._tags[tag.key] = tag.value

    def _set_name(self, new_name: str) -> None:
        self._name = new_name

    def _set_creation_time(self, creation_time: int) -> None:
        self._creation_time = creation_time

    def _set_last_update_time(self, last_update_time: int) -> None:
        self._last_update_time = last_update_time
