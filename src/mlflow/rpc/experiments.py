"""RPCs of experiments."""

from __future__ import annotations

from mlflow import entities as e
from mlflow.entities import ViewType
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.rpc.declare import Rpc, rpc
from mlflow.rpc.nouns import Experiment, Tag, ViewTypeName
from mlflow.rpc.wire import Int64, Needed, Wire

VIEWS: dict[str, int] = {
    "ACTIVE_ONLY": ViewType.ACTIVE_ONLY,
    "DELETED_ONLY": ViewType.DELETED_ONLY,
    "ALL": ViewType.ALL,
}


class ExperimentAnswer(Wire):
    experiment: Experiment


class ExperimentId(Wire):
    experiment_id: str


class ExperimentPage(Wire):
    experiments: list[Experiment] = []
    next_page_token: str | None = None
    """Absent on the last page."""


@rpc(
    "POST",
    "/mlflow/experiments/create",
    needs=("experiment", "create"),
    response=ExperimentId,
)
class CreateExperiment(Rpc, kw_only=True):
    """Create an experiment. Its name must not be taken, not even by a deleted one."""

    name: Needed
    artifact_location: str | None = None
    """URI for its runs' artifacts; absent for a folder of its own below the server's root."""
    tags: list[Tag] = []

    def answer(self, store) -> ExperimentId:
        tags = [e.ExperimentTag(t.key, t.value or "") for t in self.tags]
        location = self.artifact_location or None
        return ExperimentId(experiment_id=store.create_experiment(self.name, location, tags))


@rpc(
    "POST",
    "/mlflow/experiments/search",
    also="GET",
    needs=("experiment", "read"),
    response=ExperimentPage,
    idempotent=True,
)
class SearchExperiments(Rpc, kw_only=True):
    """One page of the experiments that match."""

    max_results: Int64 | None = None
    page_token: str | None = None
    filter: str | None = None
    order_by: list[str] = []
    view_type: ViewTypeName | None = None

    def answer(self, store) -> ExperimentPage:
        page = store.search_experiments(
            view_type=VIEWS[self.view_type or "ACTIVE_ONLY"],
            max_results=self.max_results or 0,
            filter_string=self.filter,
            order_by=self.order_by,
            page_token=self.page_token,
        )
        return ExperimentPage(
            experiments=[Experiment.of(x) for x in page], next_page_token=page.token or None
        )


@rpc("GET", "/mlflow/experiments/get", needs=("experiment", "read"), response=ExperimentAnswer)
class GetExperiment(Rpc, kw_only=True):
    """One experiment, deleted or not."""

    experiment_id: Needed

    def answer(self, store) -> ExperimentAnswer:
        return ExperimentAnswer(experiment=Experiment.of(store.get_experiment(self.experiment_id)))


@rpc(
    "GET",
    "/mlflow/experiments/get-by-name",
    needs=("experiment", "read"),
    response=ExperimentAnswer,
)
class GetExperimentByName(Rpc, kw_only=True):
    """The experiment with a name, deleted or not."""

    experiment_name: Needed

    def answer(self, store) -> ExperimentAnswer:
        found = store.get_experiment_by_name(self.experiment_name)
        if found is None:
            raise MlflowException(
                f"Could not find experiment with name '{self.experiment_name}'",
                error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
            )
        return ExperimentAnswer(experiment=Experiment.of(found))


@rpc("POST", "/mlflow/experiments/delete", needs=("experiment", "delete"))
class DeleteExperiment(Rpc, kw_only=True):
    """Delete an experiment and its runs, until they are restored."""

    experiment_id: Needed

    def answer(self, store) -> None:
        store.delete_experiment(self.experiment_id)


@rpc("POST", "/mlflow/experiments/restore", needs=("experiment", "delete"))
class RestoreExperiment(Rpc, kw_only=True):
    """Bring back a deleted experiment and its runs."""

    experiment_id: Needed

    def answer(self, store) -> None:
        store.restore_experiment(self.experiment_id)


@rpc("POST", "/mlflow/experiments/update", needs=("experiment", "edit"), idempotent=True)
class UpdateExperiment(Rpc, kw_only=True):
    """Rename an active experiment."""

    experiment_id: Needed
    new_name: Needed

    def answer(self, store) -> None:
        store.rename_experiment(self.experiment_id, self.new_name)


@rpc(
    "POST", "/mlflow/experiments/set-experiment-tag", needs=("experiment", "edit"), idempotent=True
)
class SetExperimentTag(Rpc, kw_only=True):
    """Set a tag of an experiment."""

    experiment_id: Needed
    key: Needed
    value: str

    def answer(self, store) -> None:
        store.set_experiment_tag(self.experiment_id, e.ExperimentTag(self.key, self.value))


@rpc("POST", "/mlflow/experiments/delete-experiment-tag", needs=("experiment", "edit"))
class DeleteExperimentTag(Rpc, kw_only=True):
    """Remove a tag of an experiment."""

    experiment_id: Needed
    key: Needed

    def answer(self, store) -> None:
        store.delete_experiment_tag(self.experiment_id, self.key)
