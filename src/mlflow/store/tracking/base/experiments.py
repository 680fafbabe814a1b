"""Contract: experiments."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from mlflow.entities import Experiment, ExperimentTag, ViewType
from mlflow.exceptions import MlflowException
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking import SEARCH_MAX_RESULTS_DEFAULT


class Experiments(ABC):
    """Experiments: named places for runs that are compared with each other. A name is taken until
    its experiment is deleted for good, so also while it can be restored."""

    @abstractmethod
    def search_experiments(
        self,
        view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int = SEARCH_MAX_RESULTS_DEFAULT,
        filter_string: str | None = None,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Experiment]:
        """One page of the experiments that match, newest first unless `order_by` says otherwise.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE for a filter, order, token or `max_results` (1
                to 50 000) that is not valid.
        """

    @abstractmethod
    def create_experiment(
        self,
        name: str,
        artifact_location: str | None,
        tags: Sequence[ExperimentTag] | None,
    ) -> str:
        """The id of a new experiment.

        Args:
            name: Not yet taken; at most 500 characters.
            artifact_location: URI below which its runs' artifacts go; None for a folder of its own
                below the store's artifact root.

        Raises:
            MlflowException: RESOURCE_ALREADY_EXISTS if the name is taken.
        """

    @abstractmethod
    def get_experiment(self, experiment_id: str) -> Experiment:
        """The experiment, deleted or not; MlflowException RESOURCE_DOES_NOT_EXIST if there is
        none."""

    def get_experiment_by_name(self, experiment_name: str) -> Experiment | None:
        """The experiment with this name, deleted or not; None if there is none."""
        for view in (ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY):
            quote = '"' if "'" in experiment_name else "'"
            for found in self.search_experiments(
                view_type=view, filter_string=f"name = {quote}{experiment_name}{quote}"
            ):
                return found
        return None

    @abstractmethod
    def delete_experiment(self, experiment_id: str) -> None:
        """Delete an active experiment and its runs; they can be restored."""

    @abstractmethod
    def restore_experiment(self, experiment_id: str) -> None:
        """Bring back a deleted experiment and its runs."""

    @abstractmethod
    def rename_experiment(self, experiment_id: str, new_name: str) -> None:
        """Give an active experiment another name.

        Raises:
            MlflowException: INVALID_STATE if it is deleted; BAD_REQUEST if the name is taken.
        """

    def set_experiment_tag(self, experiment_id: str, tag: ExperimentTag) -> None:
        """Set a tag of an active experiment, in place of the value it had."""
        raise MlflowException.invalid_parameter_value(_no_tags(self))

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove a tag; MlflowException RESOURCE_DOES_NOT_EXIST if it is not set."""
        raise MlflowException.invalid_parameter_value(_no_tags(self))


def _no_tags(store: object) -> str:
    return f"A {type(store).__name__} keeps no experiment tags."
