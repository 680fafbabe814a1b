"""RPCs of registered models, and how models and versions are spelled."""

from __future__ import annotations

from typing import Any, Literal

from mlflow.entities import LoggedModelParameter
from mlflow.entities import model_registry as e
from mlflow.exceptions import MlflowException
from mlflow.rpc.declare import Rpc, rpc
from mlflow.rpc.nouns import Metric, Tag
from mlflow.rpc.wire import Int64, Needed, Wire
from mlflow.utils.models_uri import logged_model_in

#: Models on a page.
_USUAL_MODELS, _MOST_MODELS = 100, 1000

StatusName = Literal["PENDING_REGISTRATION", "FAILED_REGISTRATION", "READY"]


class ModelParam(Wire, kw_only=True):
    name: str | None = None
    value: str | None = None


class Alias(Wire, kw_only=True):
    """Another name of a version."""

    alias: str | None = None
    version: str | None = None


class ModelVersion(Wire, kw_only=True):
    """A version of a registered model."""

    name: str | None = None
    version: str | None = None
    creation_timestamp: Int64 | None = None
    """Milliseconds since the Unix epoch; so are the times below."""
    last_updated_timestamp: Int64 | None = None
    user_id: str | None = None
    current_stage: str | None = None
    description: str | None = None
    source: str | None = None
    run_id: str | None = None
    """Empty if it comes from no run."""
    status: StatusName | None = None
    status_message: str | None = None
    tags: list[Tag] = []
    run_link: str | None = None
    aliases: list[str] = []
    model_id: str | None = None
    """The logged model; not said where the source says it."""
    model_params: list[ModelParam] = []
    model_metrics: list[Metric] = []

    @classmethod
    def of(cls, v: e.ModelVersion, *, with_aliases: bool = True) -> ModelVersion:
        return cls(
            name=v.name,
            version=str(v.version),
            creation_timestamp=v.creation_timestamp,
            last_updated_timestamp=v.last_updated_timestamp,
            user_id=v.user_id,
            current_stage=v.current_stage,
            description=v.description or "",
            source=v.source or "",
            run_id=v.run_id or "",
            status=v.status,  # type: ignore[arg-type]
            status_message=v.status_message or None,
            tags=[Tag(key=key, value=value) for key, value in v.tags.items()],
            run_link=v.run_link or "",
            aliases=v.aliases if with_aliases else [],
            model_id=v.model_id if v.model_id != logged_model_in(v.source) else None,
        )

    def entity(self) -> e.ModelVersion:
        params = [LoggedModelParameter(p.name, p.value) for p in self.model_params]
        return e.ModelVersion(
            name=self.name or "",
            version=self.version or "",
            creation_timestamp=self.creation_timestamp or 0,
            last_updated_timestamp=self.last_updated_timestamp,
            description=self.description or "",
            user_id=self.user_id or "",
            current_stage=self.current_stage,
            source=self.source,
            run_id=self.run_id or "",
            status=self.status or "READY",
            status_message=self.status_message,
            tags=[e.ModelVersionTag(t.key, t.value) for t in self.tags],
            run_link=self.run_link or "",
            aliases=self.aliases,
            model_id=self.model_id or logged_model_in(self.source),
            params=params or None,
            metrics=[m.entity() for m in self.model_metrics] or None,
        )


class RegisteredModel(Wire, kw_only=True):
    """A name under which versions of a model are kept."""

    name: str | None = None
    creation_timestamp: Int64 | None = None
    last_updated_timestamp: Int64 | None = None
    user_id: str | None = None
    description: str | None = None
    latest_versions: list[ModelVersion] = []
    """The newest of each stage."""
    tags: list[Tag] = []
    aliases: list[Alias] = []

    @classmethod
    def of(cls, m: e.RegisteredModel) -> RegisteredModel:
        return cls(
            name=m.name,
            creation_timestamp=m.creation_timestamp,
            last_updated_timestamp=m.last_updated_timestamp,
            description=m.description,
            latest_versions=[
                ModelVersion.of(v, with_aliases=False) for v in m.latest_versions or ()
            ],
            tags=[Tag(key=key, value=value) for key, value in m.tags.items()],
            aliases=[Alias(alias=a, version=str(v)) for a, v in m.aliases.items()],
        )

    def entity(self) -> e.RegisteredModel:
        return e.RegisteredModel(
            name=self.name or "",
            creation_timestamp=self.creation_timestamp,
            last_updated_timestamp=self.last_updated_timestamp,
            description=self.description or "",
            latest_versions=[v.entity() for v in self.latest_versions],
            tags=[e.RegisteredModelTag(t.key, t.value) for t in self.tags],
            aliases=[e.RegisteredModelAlias(a.alias, a.version) for a in self.aliases],
        )


class RegisteredModelAnswer(Wire):
    registered_model: RegisteredModel

    @classmethod
    def of(cls, found: e.RegisteredModel) -> RegisteredModelAnswer:
        return cls(registered_model=RegisteredModel.of(found))


class RegisteredModelPage(Wire):
    registered_models: list[RegisteredModel] = []
    next_page_token: str | None = None
    """Absent on the last page."""


class ModelVersionAnswer(Wire):
    model_version: ModelVersion

    @classmethod
    def of(cls, found: e.ModelVersion) -> ModelVersionAnswer:
        return cls(model_version=ModelVersion.of(found))


class ModelVersionList(Wire):
    model_versions: list[ModelVersion] = []


class OfModel(Rpc, kw_only=True):
    """A request about a registered model."""

    name: Needed


def page_size(given: int | None, usual: int, most: int) -> int:
    if given is not None and given > most:
        raise MlflowException.invalid_parameter_value(
            f"Invalid value \"{given}\" for parameter 'max_results' supplied:  Hint: Value was of "
            "type 'str'. See the API docs for more information about request parameters."
        )
    return usual if given is None else given


# -- registered models ----------------------------------------------------------------------------


@rpc(
    "POST",
    "/mlflow/registered-models/create",
    needs=("registered_model", "create"),
    response=RegisteredModelAnswer,
    store="registry",
)
class CreateRegisteredModel(OfModel, kw_only=True):
    """Create a registered model, without versions. Its name must not be taken."""

    tags: list[Tag] = []
    description: str | None = None
    deployment_job_id: str | None = None
    """Not used."""

    def answer(self, store: Any) -> RegisteredModelAnswer:
        tags = [e.RegisteredModelTag(t.key or "", t.value or "") for t in self.tags]
        return RegisteredModelAnswer.of(
            store.create_registered_model(self.name, tags, self.description)
        )


@rpc(
    "POST",
    "/mlflow/registered-models/rename",
    needs=("registered_model", "edit"),
    response=RegisteredModelAnswer,
    store="registry",
)
class RenameRegisteredModel(OfModel, kw_only=True):
    """Give a registered model, with all that belongs to it, another name."""

    new_name: Needed

    def answer(self, store: Any) -> RegisteredModelAnswer:
        return RegisteredModelAnswer.of(store.rename_registered_model(self.name, self.new_name))


@rpc(
    "PATCH",
    "/mlflow/registered-models/update",
    needs=("registered_model", "edit"),
    response=RegisteredModelAnswer,
    idempotent=True,
    store="registry",
)
class UpdateRegisteredModel(OfModel, kw_only=True):
    """Replace the description of a registered model."""

    description: str | None = None
    deployment_job_id: str | None = None
    """Not used."""

    def answer(self, store: Any) -> RegisteredModelAnswer:
        return RegisteredModelAnswer.of(store.update_registered_model(self.name, self.description))


@rpc(
    "DELETE",
    "/mlflow/registered-models/delete",
    needs=("registered_model", "delete"),
    store="registry",
)
class DeleteRegisteredModel(OfModel, kw_only=True):
    """Remove a registered model and all its versions for good."""

    def answer(self, store: Any) -> None:
        store.delete_registered_model(self.name)


@rpc(
    "GET",
    "/mlflow/registered-models/get",
    needs=("registered_model", "read"),
    response=RegisteredModelAnswer,
    store="registry",
)
class GetRegisteredModel(OfModel, kw_only=True):
    """One registered model."""

    def answer(self, store: Any) -> RegisteredModelAnswer:
        return RegisteredModelAnswer.of(store.get_registered_model(self.name))


@rpc(
    "GET",
    "/mlflow/registered-models/search",
    needs=("registered_model", "read"),
    response=RegisteredModelPage,
    store="registry",
)
class SearchRegisteredModels(Rpc, kw_only=True):
    """One page of the registered models that match."""

    filter: str | None = None
    max_results: Int64 | None = None
    """1 to 1000; absent for 100."""
    order_by: list[str] = []
    page_token: str | None = None

    def answer(self, store: Any) -> RegisteredModelPage:
        page = store.search_registered_models(
            filter_string=self.filter,
            max_results=page_size(self.max_results, _USUAL_MODELS, _MOST_MODELS),
            order_by=self.order_by,
            page_token=self.page_token,
        )
        return RegisteredModelPage(
            registered_models=[RegisteredModel.of(m) for m in page],
            next_page_token=page.token or None,
        )


@rpc(
    "POST",
    "/mlflow/registered-models/get-latest-versions",
    also="GET",
    needs=("registered_model", "read"),
    response=ModelVersionList,
    idempotent=True,
    store="registry",
)
class GetLatestVersions(OfModel, kw_only=True):
    """The newest version of each stage of a registered model."""

    stages: list[str] = []
    """Only of these; absent for all."""

    def answer(self, store: Any) -> ModelVersionList:
        found = store.get_latest_versions(self.name, self.stages)
        return ModelVersionList(model_versions=[ModelVersion.of(v) for v in found])


@rpc(
    "POST",
    "/mlflow/registered-models/set-tag",
    needs=("registered_model", "edit"),
    idempotent=True,
    store="registry",
)
class SetRegisteredModelTag(OfModel, kw_only=True):
    """Set a tag of a registered model."""

    key: Needed
    value: str

    def answer(self, store: Any) -> None:
        store.set_registered_model_tag(self.name, e.RegisteredModelTag(self.key, self.value))


@rpc(
    "DELETE",
    "/mlflow/registered-models/delete-tag",
    needs=("registered_model", "edit"),
    idempotent=True,
    store="registry",
)
class DeleteRegisteredModelTag(OfModel, kw_only=True):
    """Remove a tag of a registered model."""

    key: Needed

    def answer(self, store: Any) -> None:
        store.delete_registered_model_tag(self.name, self.key)


@rpc(
    "POST",
    "/mlflow/registered-models/alias",
    needs=("registered_model", "edit"),
    idempotent=True,
    store="registry",
)
class SetRegisteredModelAlias(OfModel, kw_only=True):
    """Let an alias stand for a version from now on."""

    alias: Needed
    version: Needed

    def answer(self, store: Any) -> None:
        store.set_registered_model_alias(self.name, self.alias, self.version)


@rpc(
    "DELETE",
    "/mlflow/registered-models/alias",
    needs=("registered_model", "edit"),
    idempotent=True,
    store="registry",
)
class DeleteRegisteredModelAlias(OfModel, kw_only=True):
    """Remove an alias."""

    alias: Needed

    def answer(self, store: Any) -> None:
        store.delete_registered_model_alias(self.name, self.alias)


@rpc(
    "GET",
    "/mlflow/registered-models/alias",
    needs=("registered_model", "read"),
    response=ModelVersionAnswer,
    store="registry",
)
class GetModelVersionByAlias(OfModel, kw_only=True):
    """The version that an alias stands for."""

    alias: Needed

    def answer(self, store: Any) -> ModelVersionAnswer:
        return ModelVersionAnswer.of(store.get_model_version_by_alias(self.name, self.alias))
