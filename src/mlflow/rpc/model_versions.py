"""RPCs of versions of registered models."""

from __future__ import annotations

from typing import Any

from mlflow.entities import model_registry as e
from mlflow.rpc.declare import Rpc, rpc
from mlflow.rpc.nouns import Tag
from mlflow.rpc.registry import ModelVersion, ModelVersionAnswer, OfModel, page_size
from mlflow.rpc.wire import Int64, Needed, Wire
from mlflow.utils.models_uri import parse_models_uri

_MOST = 200_000


class ModelVersionPage(Wire):
    model_versions: list[ModelVersion] = []
    next_page_token: str | None = None
    """Absent on the last page."""


class ArtifactUri(Wire):
    artifact_uri: str | None = None


def _run_of(store: Any, source: str) -> str | None:
    """The run of the version that a source names, if it names one."""
    if not source.startswith("models:"):
        return None
    uri = parse_models_uri(source)
    if uri.version is None:
        return None
    return store.get_model_version(uri.name, uri.version).run_id or None


class _OfVersion(OfModel, kw_only=True):
    """A request about one of its versions."""

    version: Needed


@rpc(
    "POST",
    "/mlflow/model-versions/create",
    needs=("registered_model", "edit"),
    response=ModelVersionAnswer,
    store="registry",
)
class CreateModelVersion(OfModel, kw_only=True):
    """Add a version to a registered model."""

    source: Needed
    """URI of the folder with the model's files."""
    run_id: str | None = None
    tags: list[Tag] = []
    run_link: str | None = None
    description: str | None = None
    model_id: str | None = None
    """The logged model that it is."""

    def answer(self, store: Any) -> ModelVersionAnswer:
        found = store.create_model_version(
            name=self.name,
            source=self.source,
            run_id=self.run_id or _run_of(store, self.source),
            tags=[e.ModelVersionTag(t.key or "", t.value or "") for t in self.tags],
            run_link=self.run_link or None,
            description=self.description,
            model_id=self.model_id or None,
        )
        return ModelVersionAnswer.of(found)


@rpc(
    "PATCH",
    "/mlflow/model-versions/update",
    needs=("registered_model", "edit"),
    response=ModelVersionAnswer,
    idempotent=True,
    store="registry",
)
class UpdateModelVersion(_OfVersion, kw_only=True):
    """Replace the description of a version."""

    description: str | None = None

    def answer(self, store: Any) -> ModelVersionAnswer:
        found = store.update_model_version(self.name, self.version, self.description)
        return ModelVersionAnswer.of(found)


@rpc(
    "POST",
    "/mlflow/model-versions/transition-stage",
    needs=("registered_model", "edit"),
    response=ModelVersionAnswer,
    store="registry",
)
class TransitionModelVersionStage(_OfVersion, kw_only=True):
    """Move a version to a stage."""

    stage: Needed
    archive_existing_versions: bool
    """Whether the versions that are in the stage leave it for Archived."""

    def answer(self, store: Any) -> ModelVersionAnswer:
        found = store.transition_model_version_stage(
            self.name, self.version, self.stage, self.archive_existing_versions
        )
        return ModelVersionAnswer.of(found)


@rpc(
    "DELETE",
    "/mlflow/model-versions/delete",
    needs=("registered_model", "delete"),
    store="registry",
)
class DeleteModelVersion(_OfVersion, kw_only=True):
    """Remove a version and its aliases for good."""

    def answer(self, store: Any) -> None:
        store.delete_model_version(self.name, self.version)


@rpc(
    "GET",
    "/mlflow/model-versions/get",
    needs=("registered_model", "read"),
    response=ModelVersionAnswer,
    store="registry",
)
class GetModelVersion(_OfVersion, kw_only=True):
    """One version."""

    def answer(self, store: Any) -> ModelVersionAnswer:
        return ModelVersionAnswer.of(store.get_model_version(self.name, self.version))


@rpc(
    "GET",
    "/mlflow/model-versions/search",
    needs=("registered_model", "read"),
    response=ModelVersionPage,
    store="registry",
)
class SearchModelVersions(Rpc, kw_only=True):
    """One page of the versions that match, of all registered models."""

    filter: str | None = None
    max_results: Int64 | None = None
    """1 to 200 000; absent for as many."""
    order_by: list[str] = []
    page_token: str | None = None

    def answer(self, store: Any) -> ModelVersionPage:
        page = store.search_model_versions(
            filter_string=self.filter,
            max_results=page_size(self.max_results, _MOST, _MOST),
            order_by=self.order_by,
            page_token=self.page_token,
        )
        return ModelVersionPage(
            model_versions=[ModelVersion.of(v, with_aliases=False) for v in page],
            next_page_token=page.token or None,
        )


@rpc(
    "GET",
    "/mlflow/model-versions/get-download-uri",
    needs=("registered_model", "read"),
    response=ArtifactUri,
    store="registry",
)
class GetModelVersionDownloadUri(_OfVersion, kw_only=True):
    """Where the files of a version are."""

    def answer(self, store: Any) -> ArtifactUri:
        uri = store.get_model_version_download_uri(self.name, self.version)
        return ArtifactUri(artifact_uri=uri)


@rpc(
    "POST",
    "/mlflow/model-versions/set-tag",
    needs=("registered_model", "edit"),
    idempotent=True,
    store="registry",
)
class SetModelVersionTag(_OfVersion, kw_only=True):
    """Set a tag of a version."""

    key: Needed
    value: str

    def answer(self, store: Any) -> None:
        tag = e.ModelVersionTag(self.key, self.value)
        store.set_model_version_tag(self.name, self.version, tag)


@rpc(
    "DELETE",
    "/mlflow/model-versions/delete-tag",
    needs=("registered_model", "edit"),
    idempotent=True,
    store="registry",
)
class DeleteModelVersionTag(_OfVersion, kw_only=True):
    """Remove a tag of a version."""

    key: Needed

    def answer(self, store: Any) -> None:
        store.delete_model_version_tag(self.name, self.version, self.key)
