"""Contract: stages, what it takes to enter one, and what has happened."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from mlflow.entities.model_registry import ModelVersion
from mlflow.entities.model_registry.model_version_stages import STAGE_PRODUCTION
from mlflow.entities.model_registry.registry_change import RegistryChange
from mlflow.entities.model_registry.stage_approval import StagePolicy, StageRequest
from mlflow.exceptions import MlflowException, MlflowNotImplementedException
from mlflow.store.entities.paged_list import PagedList

HISTORY_PAGE = 1000


class Stages(ABC):
    """Stages of versions: None, Staging, Production, Archived.

    Every change of a model appends to its audit trail, in the same transaction.
    """

    @abstractmethod
    def transition_model_version_stage(
        self, name: str, version: str | int, stage: str, archive_existing_versions: bool
    ) -> ModelVersion:
        """Move a version to a stage.

        Args:
            stage: In any case.
            archive_existing_versions: Whether the versions that are in the stage leave it for
                Archived.

        Raises:
            MlflowException: PERMISSION_DENIED if the model has a policy for the stage that
                the version does not satisfy, or that wants reviewers.
        """

    def get_registry_history(
        self,
        name: str,
        version: str | int | None = None,
        max_results: int = HISTORY_PAGE,
        page_token: str | None = None,
    ) -> PagedList[RegistryChange]:
        """One page of the changes of a model and its versions, or of one version, oldest first.

        A deleted model's trail is that of the name, as long as no other model has it.
        """
        raise _not_kept(self)

    def last_registry_changes(self, names: Sequence[str]) -> dict[str, RegistryChange]:
        """The last change of each of these models, its versions included, by name; without those
        that are not there. Empty where finding it is not quick, or no history is kept."""
        return {}

    def get_versions_at(
        self, name: str, time: int, stages: Sequence[str] | None = None
    ) -> list[ModelVersion]:
        """The newest version of each stage, or of these stages, as things were at a time.

        Args:
            time: Milliseconds since the Unix epoch.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if one of them has been deleted since.
        """
        raise _not_kept(self)

    def roll_back(self, name: str, stage: str = STAGE_PRODUCTION) -> ModelVersion:
        """Bring the version back that was in the stage before the one that is; that one, and all
        others in the stage, go to Archived. It needs no approval: it was in the stage before.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if there is none.
        """
        raise _not_kept(self)

    # -- approval ---------------------------------------------------------------------------

    def set_stage_policy(self, name: str, policy: StagePolicy) -> None:
        """Let versions enter a stage only so, in place of the policy that there was."""
        raise _not_kept(self)

    def delete_stage_policy(self, name: str, stage: str) -> None:
        """Remove a policy, if there is one."""
        raise _not_kept(self)

    def get_stage_policies(self, name: str) -> list[StagePolicy]:
        """The policies of a model."""
        raise _not_kept(self)

    def request_stage(
        self,
        name: str,
        version: str | int,
        stage: str,
        archive_existing_versions: bool = False,
        comment: str | None = None,
    ) -> StageRequest:
        """Ask for a version to enter a stage.

        Raises:
            MlflowException: PERMISSION_DENIED if it does not satisfy the policy's requirement;
                INVALID_PARAMETER_VALUE if there is no policy that wants reviewers;
                RESOURCE_ALREADY_EXISTS if the same is asked for already.
        """
        raise _not_kept(self)

    def review_stage_request(
        self, request_id: int, approve: bool, comment: str | None = None
    ) -> StageRequest:
        """Approve or reject a request that is pending. The last approval that the policy wants
        moves the version; one rejection ends the request.

        Raises:
            MlflowException: PERMISSION_DENIED for the user who asks, and if the policy's
                requirement does not hold any more; INVALID_PARAMETER_VALUE if the request is not
                pending.
        """
        raise _not_kept(self)

    def get_stage_requests(self, name: str, version: str | int | None = None) -> list[StageRequest]:
        """The requests for a model's versions, or for one of them, oldest first."""
        raise _not_kept(self)


def _not_kept(store: object) -> MlflowException:
    return MlflowNotImplementedException(
        f"A {type(store).__name__} keeps no history of changes and no stage policies. Keep the "
        "registry in a database, or behind a server with one."
    )
