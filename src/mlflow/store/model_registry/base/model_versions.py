"""Contract: versions of registered models."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence

from mlflow.entities.model_registry import ModelVersion, ModelVersionTag
from mlflow.entities.model_registry.model_version_status import ModelVersionStatus
from mlflow.exceptions import MlflowException
from mlflow.store.entities.paged_list import PagedList
from mlflow.utils.logging_utils import eprint

AWAIT_MODEL_VERSION_CREATE_SLEEP_INTERVAL_SECONDS = 3


class ModelVersions(ABC):
    """Versions: where the files of a model are, and what became of it.

    Methods raise MlflowException RESOURCE_DOES_NOT_EXIST if there is no such version.
    """

    @abstractmethod
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
        """A new version of the model `name`. Its number is one more than that of any version before
        it, deleted ones included.

        Args:
            source: URI of the folder with the model's files; `models:/m-…` for a logged model,
                `models:/name/version` for what another version stands for.
            run_id: The run that made it; None for that of the logged model.
            run_link: Where that run can be seen, if it is elsewhere.
            local_model_path: Where its files are on this machine; not used.
            model_id: The logged model that it is.
        """

    @abstractmethod
    def update_model_version(
        self, name: str, version: str | int, description: str | None
    ) -> ModelVersion:
        """Replace the description; None for none."""

    @abstractmethod
    def delete_model_version(self, name: str, version: str | int) -> None:
        """Remove a version and its aliases for good. Its files are left where they are."""

    @abstractmethod
    def get_model_version(self, name: str, version: str | int) -> ModelVersion:
        """The version."""

    @abstractmethod
    def get_model_version_download_uri(self, name: str, version: str | int) -> str:
        """Where its files are: never a `models:` URI."""

    @abstractmethod
    def search_model_versions(
        self,
        filter_string: str | None = None,
        max_results: int | None = None,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[ModelVersion]:
        """One page of the versions that match, the last changed first unless `order_by` says
        otherwise.

        Args:
            max_results: At most so many on the page; None for 10,000.
        """

    @abstractmethod
    def set_model_version_tag(self, name: str, version: str | int, tag: ModelVersionTag) -> None:
        """Set a tag, in place of the value it had."""

    @abstractmethod
    def delete_model_version_tag(self, name: str, version: str | int, key: str) -> None:
        """Remove a tag, if it is there."""

    def copy_model_version(self, src_mv: ModelVersion, dst_name: str) -> ModelVersion:
        """A new version of the model `dst_name`, which is made if there is none, that stands for
        the same files as `src_mv`."""
        try:
            self.create_registered_model(dst_name)  # type: ignore[attr-defined]
            eprint(f"Successfully registered model '{dst_name}'.")
        except MlflowException as e:
            if e.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            eprint(
                f"Registered model '{dst_name}' already exists. Creating a new version of this "
                "model..."
            )
        copy = self.create_model_version(
            dst_name,
            f"models:/{src_mv.name}/{src_mv.version}",
            src_mv.run_id,
            [ModelVersionTag(key, value) for key, value in src_mv.tags.items()],
            src_mv.run_link,
            src_mv.description,
        )
        eprint(
            f"Copied version '{src_mv.version}' of model '{src_mv.name}' to version "
            f"'{copy.version}' of model '{copy.name}'."
        )
        return copy

    def _await_model_version_creation(self, mv: ModelVersion, await_creation_for: float) -> None:
        """Wait until a new version is ready.

        Raises:
            MlflowException: If it is not within so many seconds, or cannot be.
        """
        pending = ModelVersionStatus.to_string(ModelVersionStatus.PENDING_REGISTRATION)
        ready = ModelVersionStatus.to_string(ModelVersionStatus.READY)
        deadline = time.monotonic() + await_creation_for
        while mv.status == pending:
            left = deadline - time.monotonic()
            if left <= 0:
                raise MlflowException(
                    f"Version {mv.version} of model '{mv.name}' is not ready after "
                    f"{await_creation_for} seconds; its status is {mv.status}. Try again with a "
                    "longer time, or 0 not to wait."
                )
            time.sleep(min(left, AWAIT_MODEL_VERSION_CREATE_SLEEP_INTERVAL_SECONDS))
            mv = self.get_model_version(mv.name, mv.version)
        if mv.status != ready:
            raise MlflowException(
                f"Version {mv.version} of model '{mv.name}' could not be made; its status is "
                f"{mv.status}. {mv.status_message or ''}".rstrip()
            )
