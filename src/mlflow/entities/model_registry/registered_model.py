from __future__ import annotations

from mlflow.entities._mlflow_object import DEFAULT_WORKSPACE, _Comparable
from mlflow.entities.model_registry.model_version import ModelVersion
from mlflow.entities.model_registry.registered_model_alias import RegisteredModelAlias
from mlflow.entities.model_registry.registered_model_tag import RegisteredModelTag

_SETTABLE = (
    "name",
    "last_updated_timestamp",
    "description",
    "latest_versions",
    "deployment_job_id",
)


class RegisteredModel(_Comparable, settable=_SETTABLE):
    """A name under which versions of a model are kept."""

    name: str
    creation_timestamp: int | None
    """Milliseconds since the Unix epoch."""
    last_updated_timestamp: int | None
    """Milliseconds since the Unix epoch."""
    description: str | None
    latest_versions: list[ModelVersion] | None
    """The newest of each stage."""
    tags: dict[str, str]
    aliases: dict[str, str]
    """Which version each alias stands for."""
    deployment_job_id: str | None
    deployment_job_state: int | str | None
    workspace: str

    def __init__(
        self,
        name: str,
        creation_timestamp: int | None = None,
        last_updated_timestamp: int | None = None,
        description: str | None = None,
        latest_versions: list[ModelVersion] | None = None,
        tags: list[RegisteredModelTag] | None = None,
        aliases: list[RegisteredModelAlias] | None = None,
        deployment_job_id: str | None = None,
        deployment_job_state: int | str | None = None,
        workspace: str | None = None,
    ):
        self._name = name
        self._creation_timestamp = creation_timestamp
        self._last_updated_timestamp = last_updated_timestamp
        self._description = description
        self._latest_versions = latest_versions
        self._tags = {tag.key: tag.value for tag in tags or ()}
        self._aliases = {alias.alias: alias.version for alias in aliases or ()}
        self._deployment_job_id = deployment_job_id
        self._deployment_job_state = deployment_job_state
        self._workspace = workspace or DEFAULT_WORKSPACE

    def _add_tag(self, tag: RegisteredModelTag) -> None:
        self._tags[tag.key] = tag.value

    def _add_alias(self, alias: RegisteredModelAlias) -> None:
        self._aliases[alias.alias] = alias.version
