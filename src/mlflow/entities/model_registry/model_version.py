from __future__ import annotations

from mlflow.entities._mlflow_object import DEFAULT_WORKSPACE, _Comparable
from mlflow.entities.logged_model_parameter import LoggedModelParameter
from mlflow.entities.metric import Metric
from mlflow.entities.model_registry.model_version_deployment_job_state import (
    ModelVersionDeploymentJobState,
)
from mlflow.entities.model_registry.model_version_tag import ModelVersionTag

_SETTABLE = ("name", "last_updated_timestamp", "description", "current_stage", "aliases")


class ModelVersion(_Comparable, settable=_SETTABLE):
    """One version of a registered model."""

    name: str
    """The registered model's."""
    version: str
    """A number from 1, as text."""
    creation_timestamp: int
    """Milliseconds since the Unix epoch."""
    last_updated_timestamp: int | None
    """Milliseconds since the Unix epoch."""
    description: str | None
    user_id: str | None
    current_stage: str | None
    source: str | None
    """URI of the directory that it was registered from."""
    run_id: str | None
    """The run that made it."""
    run_link: str | None
    """Where that run can be seen, if it is on another server."""
    status: str
    """A name out of ModelVersionStatus."""
    status_message: str | None
    tags: dict[str, str]
    aliases: list[str]
    model_id: str | None
    """The logged model that it was registered from."""
    params: list[LoggedModelParameter] | None
    metrics: list[Metric] | None
    deployment_job_state: ModelVersionDeploymentJobState | None
    workspace: str

    def __init__(
        self,
        name: str,
        version: str,
        creation_timestamp: int,
        last_updated_timestamp: int | None = None,
        description: str | None = None,
        user_id: str | None = None,
        current_stage: str | None = None,
        source: str | None = None,
        run_id: str | None = None,
        status: str = "READY",
        status_message: str | None = None,
        tags: list[ModelVersionTag] | None = None,
        run_link: str | None = None,
        aliases: list[str] | None = None,
        model_id: str | None = None,
        params: list[LoggedModelParameter] | None = None,
        metrics: list[Metric] | None = None,
        deployment_job_state: ModelVersionDeploymentJobState | None = None,
        workspace: str | None = None,
    ):
        self._name = name
        self._version = version
        self._creation_timestamp = creation_timestamp
        self._last_updated_timestamp = last_updated_timestamp
        self._description = description
        self._user_id = user_id
        self._current_stage = current_stage
        self._source = source
        self._run_id = run_id
        self._run_link = run_link
        self._status = status
        self._status_message = status_message
        self._tags = {tag.key: tag.value for tag in tags or ()}
        self._aliases = aliases or []
        self._model_id = model_id
        self._params = params
        self._metrics = metrics
        self._deployment_job_state = deployment_job_state
        self._workspace = workspace or DEFAULT_WORKSPACE

    def _add_tag(self, tag: ModelVersionTag) -> None:
        self._tags[tag.key] = tag.value
