"""Contract: registered models, their tags and aliases."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from mlflow.entities.model_registry import ModelVersion, RegisteredModel, RegisteredModelTag
from mlflow.store.entities.paged_list import PagedList


class RegisteredModels(ABC):
    """Registered models: names, each with versions numbered from 1.

    Methods raise MlflowException RESOURCE_DOES_NOT_EXIST if there is no model of the name.
    """

    @abstractmethod
    def create_registered_model(
        self,
        name: str,
        tags: Sequence[RegisteredModelTag] | None = None,
        description: str | None = None,
        deployment_job_id: str | None = None,
    ) -> RegisteredModel:
        """A new model, without versions.

        Args:
            name: Not taken, and without "/" and ":".
            deployment_job_id: Of a hosted product; not used.

        Raises:
            MlflowException: RESOURCE_ALREADY_EXISTS if the name is taken.
        """

    @abstractmethod
    def update_registered_model(
        self, name: str, description: str | None, deployment_job_id: str | None = None
    ) -> RegisteredModel:
        """Replace the description; None for none."""

    @abstractmethod
    def rename_registered_model(self, name: str, new_name: str) -> RegisteredModel:
        """Give a model, with all that belongs to it, another name.

        Raises:
            MlflowException: RESOURCE_ALREADY_EXISTS if the new one is taken.
        """

    @abstractmethod
    def delete_registered_model(self, name: str) -> None:
        """Remove a model and all its versions for good. Files are left where they are."""

    @abstractmethod
    def search_registered_models(
        self,
        filter_string: str | None = None,
        max_results: int | None = None,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[RegisteredModel]:
        """One page of the models that match, by name unless `order_by` says otherwise.

        Args:
            max_results: At most so many on the page; None for 100.
        """

    @abstractmethod
    def get_registered_model(self, name: str) -> RegisteredModel:
        """The model, with the newest version of each stage."""

    @abstractmethod
    def get_latest_versions(
        self, name: str, stages: Sequence[str] | None = None
    ) -> list[ModelVersion]:
        """The newest version of each stage, or of these stages."""

    @abstractmethod
    def set_registered_model_tag(self, name: str, tag: RegisteredModelTag) -> None:
        """Set a tag, in place of the value it had."""

    @abstractmethod
    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Remove a tag, if it is there."""

    @abstractmethod
    def set_registered_model_alias(self, name: str, alias: str, version: str | int) -> None:
        """Let an alias stand for a version from now on.

        Args:
            alias: Letters, digits, "_" and "-"; not `latest`, nor like `v1`.
        """

    @abstractmethod
    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Remove an alias, if it is there."""

    @abstractmethod
    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        """The version that an alias stands for.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if there is no such alias.
        """
