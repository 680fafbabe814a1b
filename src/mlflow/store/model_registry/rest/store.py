"""The registry behind a server: each method is one RPC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mlflow.entities.model_registry import (
    ModelVersion,
    ModelVersionTag,
    RegisteredModel,
    RegisteredModelTag,
)
from mlflow.entities.model_registry.model_version_stages import STAGE_PRODUCTION
from mlflow.entities.model_registry.registry_change import RegistryChange
from mlflow.entities.model_registry.stage_approval import StagePolicy, StageRequest
from mlflow.rpc import model_versions as versions
from mlflow.rpc import registry as rpcs
from mlflow.rpc import stages as stage_rpcs
from mlflow.rpc.declare import Rpc
from mlflow.rpc.nouns import Tag
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.model_registry.abstract_store import AbstractStore
from mlflow.store.model_registry.base.stages import HISTORY_PAGE
from mlflow.store.model_registry.caller import caller_headers
from mlflow.store.model_registry.rest.webhooks import RestWebhooks
from mlflow.store.tracking.rest.store import RestStore
from mlflow.utils.rest_utils import MlflowHostCreds


class RestRegistry(RestWebhooks, AbstractStore):
    """A registry behind a server.

    Args:
        get_host_creds: Where the server is, and the credentials for it; asked again now and then,
            since tokens expire.
    """

    def __init__(self, get_host_creds: Callable[[], MlflowHostCreds]):
        super().__init__()
        self._server = RestStore(get_host_creds)

    @classmethod
    def for_uri(cls, uri: str) -> RestRegistry:
        """The registry behind the server at `uri`, with the credentials of the environment."""
        return cls(RestStore.for_uri(uri).get_host_creds)

    def _call(self, request: Rpc) -> Any:
        headers = None if request.needs[1] == "read" else caller_headers()
        return request.call(self._server._transport, headers)

    # -- registered models ------------------------------------------------------------------

    def create_registered_model(
        self,
        name: str,
        tags: Sequence[RegisteredModelTag] | None = None,
        description: str | None = None,
        deployment_job_id: str | None = None,
    ) -> RegisteredModel:
        request = rpcs.CreateRegisteredModel(
            name=name,
            tags=_tags(tags),
            description=description,
            deployment_job_id=deployment_job_id,
        )
        return self._call(request).registered_model.entity()

    def update_registered_model(
        self, name: str, description: str | None, deployment_job_id: str | None = None
    ) -> RegisteredModel:
        request = rpcs.UpdateRegisteredModel(
            name=name, description=description, deployment_job_id=deployment_job_id
        )
        return self._call(request).registered_model.entity()

    def rename_registered_model(self, name: str, new_name: str) -> RegisteredModel:
        request = rpcs.RenameRegisteredModel(name=name, new_name=new_name)
        return self._call(request).registered_model.entity()

    def delete_registered_model(self, name: str) -> None:
        self._call(rpcs.DeleteRegisteredModel(name=name))

    def search_registered_models(
        self,
        filter_string: str | None = None,
        max_results: int | None = None,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[RegisteredModel]:
        page = self._call(
            rpcs.SearchRegisteredModels(
                filter=filter_string,
                max_results=max_results,
                order_by=list(order_by or ()),
                page_token=page_token,
            )
        )
        return PagedList([m.entity() for m in page.registered_models], page.next_page_token)

    def get_registered_model(self, name: str) -> RegisteredModel:
        return self._call(rpcs.GetRegisteredModel(name=name)).registered_model.entity()

    def get_latest_versions(
        self, name: str, stages: Sequence[str] | None = None
    ) -> list[ModelVersion]:
        answer = self._call(rpcs.GetLatestVersions(name=name, stages=list(stages or ())))
        return [v.entity() for v in answer.model_versions]

    def set_registered_model_tag(self, name: str, tag: RegisteredModelTag) -> None:
        self._call(rpcs.SetRegisteredModelTag(name=name, key=tag.key, value=tag.value))

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        self._call(rpcs.DeleteRegisteredModelTag(name=name, key=key))

    def set_registered_model_alias(self, name: str, alias: str, version: str | int) -> None:
        self._call(rpcs.SetRegisteredModelAlias(name=name, alias=alias, version=str(version)))

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        self._call(rpcs.DeleteRegisteredModelAlias(name=name, alias=alias))

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        request = rpcs.GetModelVersionByAlias(name=name, alias=alias)
        return self._call(request).model_version.entity()

    # -- versions ---------------------------------------------------------------------------

    def create_model_version(
        self,
        name: str,
        source: str,
        run_id: str | None = None,
        tags: Sequence[ModelVersionTag] | None = None,
        run_link: str | None = None,
        description: str | None = None,
        local_model_path: str | None = None,
        model_id: str | None = None,
    ) -> ModelVersion:
        request = versions.CreateModelVersion(
            name=name,
            source=source,
            run_id=run_id,
            tags=_tags(tags),
            run_link=run_link,
            description=description,
            model_id=model_id,
        )
        return self._call(request).model_version.entity()

    def update_model_version(
        self, name: str, version: str | int, description: str | None
    ) -> ModelVersion:
        request = versions.UpdateModelVersion(
            name=name, version=str(version), description=description
        )
        return self._call(request).model_version.entity()

    def delete_model_version(self, name: str, version: str | int) -> None:
        self._call(versions.DeleteModelVersion(name=name, version=str(version)))

    def get_model_version(self, name: str, version: str | int) -> ModelVersion:
        request = versions.GetModelVersion(name=name, version=str(version))
        return self._call(request).model_version.entity()

    def get_model_version_download_uri(self, name: str, version: str | int) -> str:
        request = versions.GetModelVersionDownloadUri(name=name, version=str(version))
        return self._call(request).artifact_uri or ""

    def search_model_versions(
        self,
        filter_string: str | None = None,
        max_results: int | None = None,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[ModelVersion]:
        page = self._call(
            versions.SearchModelVersions(
                filter=filter_string,
                max_results=max_results,
                order_by=list(order_by or ()),
                page_token=page_token,
            )
        )
        return PagedList([v.entity() for v in page.model_versions], page.next_page_token)

    def set_model_version_tag(self, name: str, version: str | int, tag: ModelVersionTag) -> None:
        request = versions.SetModelVersionTag(
            name=name, version=str(version), key=tag.key, value=tag.value
        )
        self._call(request)

    def delete_model_version_tag(self, name: str, version: str | int, key: str) -> None:
        self._call(versions.DeleteModelVersionTag(name=name, version=str(version), key=key))

    # -- stages -----------------------------------------------------------------------------

    def transition_model_version_stage(
        self, name: str, version: str | int, stage: str, archive_existing_versions: bool
    ) -> ModelVersion:
        request = versions.TransitionModelVersionStage(
            name=name,
            version=str(version),
            stage=stage,
            archive_existing_versions=archive_existing_versions,
        )
        return self._call(request).model_version.entity()

    def get_registry_history(
        self,
        name: str,
        version: str | int | None = None,
        max_results: int = HISTORY_PAGE,
        page_token: str | None = None,
    ) -> PagedList[RegistryChange]:
        page = self._call(
            stage_rpcs.GetRegistryHistory(
                name=name,
                version=None if version is None else str(version),
                max_results=max_results,
                page_token=page_token,
            )
        )
        return PagedList([c.entity() for c in page.changes], page.next_page_token)

    def get_versions_at(
        self, name: str, time: int, stages: Sequence[str] | None = None
    ) -> list[ModelVersion]:
        request = stage_rpcs.GetVersionsAt(name=name, time=time, stages=list(stages or ()))
        return [v.entity() for v in self._call(request).model_versions]

    def roll_back(self, name: str, stage: str = STAGE_PRODUCTION) -> ModelVersion:
        return self._call(stage_rpcs.RollBack(name=name, stage=stage)).model_version.entity()

    def set_stage_policy(self, name: str, policy: StagePolicy) -> None:
        self._call(stage_rpcs.SetStagePolicy(name=name, **vars(policy)))

    def delete_stage_policy(self, name: str, stage: str) -> None:
        self._call(stage_rpcs.DeleteStagePolicy(name=name, stage=stage))

    def get_stage_policies(self, name: str) -> list[StagePolicy]:
        answer = self._call(stage_rpcs.GetStagePolicies(name=name))
        return [p.entity() for p in answer.stage_policies]

    def request_stage(
        self,
        name: str,
        version: str | int,
        stage: str,
        archive_existing_versions: bool = False,
        comment: str | None = None,
    ) -> StageRequest:
        request = stage_rpcs.RequestStage(
            name=name,
            version=str(version),
            stage=stage,
            archive_existing_versions=archive_existing_versions,
            comment=comment,
        )
        return self._call(request).stage_request.entity()

    def review_stage_request(
        self, request_id: int, approve: bool, comment: str | None = None
    ) -> StageRequest:
        request = stage_rpcs.ReviewStageRequest(
            request_id=int(request_id), approve=approve, comment=comment
        )
        return self._call(request).stage_request.entity()

    def get_stage_requests(self, name: str, version: str | int | None = None) -> list[StageRequest]:
        number = None if version is None else str(version)
        answer = self._call(stage_rpcs.GetStageRequests(name=name, version=number))
        return [r.entity() for r in answer.stage_requests]


def _tags(tags: Sequence[RegisteredModelTag | ModelVersionTag] | None) -> list[Tag]:
    return [Tag(key=tag.key, value=tag.value) for tag in tags or ()]
