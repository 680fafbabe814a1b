"""The part of the client that is about the model registry."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlflow.entities.model_registry import (
    ModelVersion,
    ModelVersionTag,
    RegisteredModel,
    RegisteredModelTag,
)
from mlflow.entities.model_registry.model_version_stages import ALL_STAGES, STAGE_PRODUCTION
from mlflow.entities.model_registry.stage_approval import StagePolicy, StageRequest
from mlflow.exceptions import MlflowException
from mlflow.search.grammar import PROMPT_TAG
from mlflow.store.model_registry import (
    SEARCH_MODEL_VERSION_MAX_RESULTS_DEFAULT,
    SEARCH_REGISTERED_MODEL_MAX_RESULTS_DEFAULT,
)
from mlflow.tracking._model_registry.utils import _get_registry_store
from mlflow.utils.models_uri import moment, parse_models_uri
from mlflow.utils.validation import _validate_model_version_or_stage_exists

if TYPE_CHECKING:
    from mlflow.entities.model_registry.registry_change import RegistryChange
    from mlflow.store.entities.paged_list import PagedList
    from mlflow.store.model_registry.abstract_store import AbstractStore

DEFAULT_AWAIT_MAX_SLEEP_SECONDS = 5 * 60


class RegistryClient:
    """Operations on registered models, their versions, aliases and stages."""

    _tracking_uri: str
    _registry_uri: str

    @property
    def _registry(self) -> AbstractStore:
        return _get_registry_store(self._registry_uri, self._tracking_uri)

    # -- registered models ------------------------------------------------------------------

    def create_registered_model(
        self,
        name: str,
        tags: dict[str, Any] | None = None,
        description: str | None = None,
        deployment_job_id: str | None = None,
    ) -> RegisteredModel:
        """A new registered model, without versions.

        Args:
            tags: Values are stored as their `str()`.
            deployment_job_id: Of a hosted product; not used.

        Raises:
            MlflowException: RESOURCE_ALREADY_EXISTS if the name is taken.
        """
        _refuse_prompt(tags)
        kept = [RegisteredModelTag(key, str(value)) for key, value in (tags or {}).items()]
        return self._registry.create_registered_model(name, kept, description, deployment_job_id)

    def rename_registered_model(self, name: str, new_name: str) -> RegisteredModel:
        """Give a registered model, with all that belongs to it, another name."""
        if not str(new_name).strip():
            raise MlflowException("The name must not be an empty string.")
        return self._registry.rename_registered_model(name, new_name)

    def update_registered_model(
        self, name: str, description: str | None = None, deployment_job_id: str | None = None
    ) -> RegisteredModel:
        """Replace the description of a registered model."""
        return self._registry.update_registered_model(name, description, deployment_job_id)

    def delete_registered_model(self, name: str) -> None:
        """Remove a registered model and all its versions for good. Files stay where they are."""
        self._registry.delete_registered_model(name)

    def search_registered_models(
        self,
        filter_string: str | None = None,
        max_results: int = SEARCH_REGISTERED_MODEL_MAX_RESULTS_DEFAULT,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[RegisteredModel]:
        """One page of the registered models that match, by name unless `order_by` says otherwise.
        Prompts are left out, unless the filter speaks of them."""
        return self._registry.search_registered_models(
            _without_prompts(filter_string), max_results, order_by, page_token
        )

    def get_registered_model(self, name: str) -> RegisteredModel:
        """The registered model, with the newest version of each stage."""
        return self._registry.get_registered_model(name)

    def get_latest_versions(self, name: str, stages: list[str] | None = None) -> list[ModelVersion]:
        """The newest version of each stage, or of these stages."""
        return self._registry.get_latest_versions(name, stages)

    def set_registered_model_tag(self, name, key, value) -> None:
        """Set a tag to `str(value)`, in place of the value it had."""
        self._registry.set_registered_model_tag(name, RegisteredModelTag(key, str(value)))

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Remove a tag, if it is there."""
        self._registry.delete_registered_model_tag(name, key)

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        """Let an alias stand for a version from now on."""
        self._registry.set_registered_model_alias(name, alias, version)

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Remove an alias, if it is there."""
        self._registry.delete_registered_model_alias(name, alias)

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        """The version that an alias stands for."""
        return self._registry.get_model_version_by_alias(name, alias)

    # -- versions ---------------------------------------------------------------------------

    def create_model_version(
        self,
        name: str,
        source: str,
        run_id: str | None = None,
        tags: dict[str, Any] | None = None,
        run_link: str | None = None,
        description: str | None = None,
        await_creation_for: int = DEFAULT_AWAIT_MAX_SLEEP_SECONDS,
        model_id: str | None = None,
    ) -> ModelVersion:
        """A new version of a registered model.

        Args:
            source: URI of the folder with the model's files.
            run_id: The run that made it.
            tags: Values are stored as their `str()`.
            run_link: Where that run can be seen, if it is elsewhere.
            await_creation_for: How many seconds to wait until the version is ready; None or 0 not
                to wait.
            model_id: The logged model that it is.
        """
        _refuse_prompt(tags)
        version = self._registry.create_model_version(
            name=name,
            source=source,
            run_id=run_id,
            tags=[ModelVersionTag(key, str(value)) for key, value in (tags or {}).items()],
            run_link=run_link,
            description=description,
            model_id=model_id,
        )
        if await_creation_for and await_creation_for > 0:
            self._registry._await_model_version_creation(version, await_creation_for)
        return version

    def copy_model_version(self, src_model_uri, dst_name) -> ModelVersion:
        """A new version of `dst_name`, which is made if there is none, that stands for the same
        files.

        Args:
            src_model_uri: `models:/name/version`, or with an alias or a stage.
        """
        from mlflow.store.artifact.models_artifact_repo import version_of

        if not str(src_model_uri).lower().startswith("models:"):
            raise MlflowException(
                f"Unsupported source model URI: '{src_model_uri}'. The `copy_model_version` API "
                "only copies models stored in the 'models:/' scheme."
            )
        store = self._registry
        try:
            uri = parse_models_uri(src_model_uri)
            version = store.get_model_version(uri.name, version_of(store, uri))
        except MlflowException as e:
            raise MlflowException(
                f"Failed to fetch model version from source model URI: '{src_model_uri}'. "
                f"Error: {e.message}"
            ) from e
        return store.copy_model_version(version, dst_name)

    def update_model_version(
        self, name: str, version: str, description: str | None = None
    ) -> ModelVersion:
        """Replace the description of a version."""
        if description is None:
            raise MlflowException("Attempting to update model version with no new field values.")
        return self._registry.update_model_version(name, version, description)

    def delete_model_version(self, name: str, version: str) -> None:
        """Remove a version and its aliases for good. Its files stay where they are."""
        self._registry.delete_model_version(name, version)

    def get_model_version(self, name: str, version: str) -> ModelVersion:
        """The version."""
        return self._registry.get_model_version(name, version)

    def get_model_version_download_uri(self, name: str, version: str) -> str:
        """Where the files of a version are."""
        return self._registry.get_model_version_download_uri(name, version)

    def search_model_versions(
        self,
        filter_string: str | None = None,
        max_results: int = SEARCH_MODEL_VERSION_MAX_RESULTS_DEFAULT,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[ModelVersion]:
        """One page of the versions that match, the last changed first unless `order_by` says
        otherwise."""
        return self._registry.search_model_versions(
            filter_string, max_results, order_by, page_token
        )

    def set_model_version_tag(
        self,
        name: str,
        version: str | None = None,
        key: str | None = None,
        value: Any = None,
        stage: str | None = None,
    ) -> None:
        """Set a tag of a version to `str(value)`, in place of the value it had.

        Args:
            version: The version's number.
            stage: Instead: the newest version in this stage.
        """
        version = self._one_version(name, version, stage)
        self._registry.set_model_version_tag(name, version, ModelVersionTag(key, str(value)))

    def delete_model_version_tag(
        self,
        name: str,
        version: str | None = None,
        key: str | None = None,
        stage: str | None = None,
    ) -> None:
        """Remove a tag of a version, if it is there.

        Args:
            version: The version's number.
            stage: Instead: the newest version in this stage.
        """
        version = self._one_version(name, version, stage)
        self._registry.delete_model_version_tag(name, version, key)

    def _one_version(self, name: str, version: str | None, stage: str | None) -> str:
        _validate_model_version_or_stage_exists(version, stage)
        if not stage:
            return version
        found = self._registry.get_latest_versions(name, [stage])
        if not found:
            raise MlflowException(f"Could not find any model version for {stage} stage")
        return found[0].version

    # -- stages -----------------------------------------------------------------------------

    def transition_model_version_stage(
        self, name: str, version: str, stage: str, archive_existing_versions: bool = False
    ) -> ModelVersion:
        """Move a version to a stage.

        Args:
            stage: None, Staging, Production or Archived, in any case.
            archive_existing_versions: Whether the versions that are in the stage leave it for
                Archived.

        Raises:
            MlflowException: PERMISSION_DENIED if the model has a policy for the stage which this
                does not satisfy.
        """
        return self._registry.transition_model_version_stage(
            name, version, stage, archive_existing_versions
        )

    def get_model_version_stages(self, name: str, version: str) -> list[str]:
        """The stages that there are."""
        return ALL_STAGES

    def roll_back_stage(self, name: str, stage: str = STAGE_PRODUCTION) -> ModelVersion:
        """Bring the version back that was in the stage before the one that is, which goes to
        Archived. It needs no approval: it was in the stage before.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if there is none.
        """
        return self._registry.roll_back(name, stage)

    # -- history ----------------------------------------------------------------------------

    @staticmethod
    def because(reason: str) -> contextlib.AbstractContextManager[None]:
        """Give a reason, for the audit trail, for the changes that are made inside a `with`
        block."""
        from mlflow.store.model_registry.caller import because

        return because(reason)

    def get_registered_model_history(self, name: str) -> list[RegistryChange]:
        """Every change of a registered model and its versions, oldest first; also of one that was
        deleted."""
        return list(self._history(name, None))

    def get_model_version_history(self, name: str, version: str) -> list[RegistryChange]:
        """Every change of a version, oldest first; also of one that was deleted."""
        return list(self._history(name, version))

    def _history(self, name: str, version: str | None) -> Iterator[RegistryChange]:
        token = None
        while True:
            page = self._registry.get_registry_history(name, version, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def get_latest_versions_at(
        self, name: str, at: str | int | datetime.datetime, stages: list[str] | None = None
    ) -> list[ModelVersion]:
        """The newest version of each stage, or of these stages, as things were at a time.

        Args:
            at: ISO 8601, in local time where it names no zone; milliseconds since the Unix epoch;
                or a datetime.
        """
        return self._registry.get_versions_at(name, moment(at), stages)

    # -- approval ---------------------------------------------------------------------------

    def set_stage_policy(
        self, name: str, stage: str, reviewers: int = 0, requirement: str | None = None
    ) -> None:
        """Let versions of a model enter a stage only so.

        Args:
            stage: Staging or Production.
            reviewers: How many other users have to approve.
            requirement: A filter as for `search_runs` that the version's run has to fit, with the
                metrics of its logged model in the place of the run's own.
        """
        self._registry.set_stage_policy(name, StagePolicy(stage, reviewers, requirement))

    def delete_stage_policy(self, name: str, stage: str) -> None:
        """Let versions enter a stage freely again."""
        self._registry.delete_stage_policy(name, stage)

    def get_stage_policies(self, name: str) -> list[StagePolicy]:
        """The policies of a model."""
        return self._registry.get_stage_policies(name)

    def request_model_version_stage(
        self,
        name: str,
        version: str,
        stage: str,
        archive_existing_versions: bool = False,
        comment: str | None = None,
    ) -> StageRequest:
        """Ask for a version to enter a stage, where a policy wants reviewers."""
        return self._registry.request_stage(
            name, version, stage, archive_existing_versions, comment
        )

    def approve_stage_request(self, request_id: int, comment: str | None = None) -> StageRequest:
        """Approve a request of another user. The last approval that the policy wants moves the
        version."""
        return self._registry.review_stage_request(request_id, True, comment)

    def reject_stage_request(self, request_id: int, comment: str | None = None) -> StageRequest:
        """Reject a request, or take one's own back."""
        return self._registry.review_stage_request(request_id, False, comment)

    def get_stage_requests(self, name: str, version: str | None = None) -> list[StageRequest]:
        """The requests for a model's versions, or for one of them, oldest first."""
        return self._registry.get_stage_requests(name, version)


def _refuse_prompt(tags: dict[str, Any] | None) -> None:
    if PROMPT_TAG in (tags or {}):
        raise MlflowException.invalid_parameter_value("Prompts cannot be registered as models.")


def _without_prompts(filter_string: str | None) -> str:
    """The filter, which lets no prompts pass unless it speaks of them."""
    no_prompts = f"tag.`{PROMPT_TAG}` != 'true'"
    if not filter_string:
        return no_prompts
    if PROMPT_TAG in filter_string:
        return filter_string
    if " OR " in filter_string.upper():
        filter_string = f"({filter_string})"
    return f"{filter_string} AND {no_prompts}"
