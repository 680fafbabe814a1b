"""The web UI's RPCs of experiments."""

from __future__ import annotations

from mlflow.rpc.declare import Rpc, rpc
from mlflow.rpc.experiments import VIEWS
from mlflow.rpc.nouns import Tag, ViewTypeName
from mlflow.rpc.wire import Double, Int64, Needed, Wire


class ExperimentOverview(Wire, kw_only=True):
    """An experiment, and how much there is in it."""

    experiment_id: str
    name: str
    lifecycle_stage: str
    artifact_location: str
    creation_time: Int64 | None = None
    """Milliseconds since the Unix epoch, as the next two."""
    last_update_time: Int64 | None = None
    last_activity: Int64 | None = None
    """When an active run last started or ended, as far as the newest ones say; absent if there is
    none."""
    runs: int
    """Active ones; the next five say in which state."""
    running: int
    failed: int
    killed: int
    scheduled: int
    finished: int
    deleted: int
    """Deleted runs."""
    note: str | None = None
    """The first line of the note that is not empty; absent if there is none."""
    tags: list[Tag]
    days: list[int]
    """Active runs that started on each of the last 28 days (UTC), today last."""


class ExperimentOverviews(Wire):
    experiments: list[ExperimentOverview]
    """Most recently active first."""


class MainMetric(Wire, kw_only=True):
    """The metric that says the most about an experiment's runs."""

    key: str
    runs: int
    """How many of the newest 10,000 active runs have it."""
    min: Double | None = None
    """The least last value of all active runs; absent if all are NaN, as is the next."""
    max: Double | None = None
    higher_is_better: bool | None = None
    """Absent if the experiment does not say."""


class MainMetricAnswer(Wire):
    metric: MainMetric | None = None
    """Absent if no run has a metric."""


@rpc(
    "GET",
    "/experiments",
    version="ui",
    ajax_only=True,
    compress=True,
    needs=("experiment", "read"),
    response=ExperimentOverviews,
)
class GetExperimentOverviews(Rpc, kw_only=True):
    """All experiments, each with the numbers of its runs."""

    view: ViewTypeName | None = None
    """Absent for ACTIVE_ONLY."""

    def answer(self, store) -> ExperimentOverviews:
        view = VIEWS[self.view or "ACTIVE_ONLY"]
        return ExperimentOverviews(store.overview_of_experiments(view))


@rpc(
    "GET",
    "/experiments/metric",
    version="ui",
    ajax_only=True,
    compress=True,
    needs=("experiment", "read"),
    response=MainMetricAnswer,
)
class GetMainMetric(Rpc, kw_only=True):
    """An experiment's main metric: the one that its tags name, else the one that most of its
    newest 500 active runs have; not one of the system."""

    experiment_id: Needed

    def answer(self, store) -> MainMetricAnswer:
        return MainMetricAnswer(store.main_metric(self.experiment_id))
