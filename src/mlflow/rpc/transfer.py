"""RPCs of copying from another store. A server of the reference has none of them."""

from __future__ import annotations

import time
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.rpc.declare import Rpc, rpc
from mlflow.rpc.experiments import ExperimentId
from mlflow.rpc.logged_models import LoggedModel, LoggedModelAnswer
from mlflow.rpc.nouns import Experiment, Run
from mlflow.rpc.runs import RunInfoAnswer
from mlflow.rpc.wire import Needed, Wire

#: Seconds after which no further digest is made: somebody waits for the answer.
_PATIENCE = 5.0


class MetricsOfRun(Wire):
    """Some metrics of a run."""

    run_id: Needed
    keys: list[str] = []


class MetricDigest(Wire):
    """A metric of a run, and the digest of its points."""

    run_id: str
    key: str
    digest: str


class MetricDigests(Wire):
    digests: list[MetricDigest] = []


@rpc(
    "POST",
    "/headrace/experiments/adopt",
    needs=("server", "edit"),
    response=ExperimentId,
    idempotent=True,
)
class AdoptExperiment(Rpc, kw_only=True):
    """Take an experiment over from another store, with its id where that is free."""

    experiment: Experiment

    def answer(self, store: Any) -> ExperimentId:
        return ExperimentId(experiment_id=store.adopt_experiment(self.experiment.entity()))


@rpc(
    "POST",
    "/headrace/runs/adopt",
    needs=("server", "edit"),
    response=RunInfoAnswer,
    idempotent=True,
)
class AdoptRun(Rpc, kw_only=True):
    """Take a run over from another store, with its id, or bring it up to date."""

    run: Run
    """Its metrics are points to append."""

    def answer(self, store: Any) -> RunInfoAnswer:
        if not (self.run.info.run_id or self.run.info.run_uuid):
            raise MlflowException.invalid_parameter_value(
                "Missing value for required parameter 'run.info.run_id'."
            )
        info = store.adopt_run(self.run.entity())
        return RunInfoAnswer(run_info=type(self.run.info).of(info))


@rpc(
    "POST",
    "/headrace/logged-models/adopt",
    needs=("server", "edit"),
    response=LoggedModelAnswer,
    idempotent=True,
)
class AdoptLoggedModel(Rpc, kw_only=True):
    """Take a logged model over from another store, with its id, or bring it up to date."""

    model: LoggedModel

    def answer(self, store: Any) -> LoggedModelAnswer:
        return LoggedModelAnswer(LoggedModel.of(store.adopt_logged_model(self.model.entity())))


@rpc(
    "POST",
    "/headrace/metrics/digests",
    needs=("run", "read"),
    response=MetricDigests,
    idempotent=True,
)
class GetMetricDigests(Rpc, kw_only=True):
    """Digests of all points of these metrics, or, if that takes long, of some of them."""

    wanted: list[MetricsOfRun] = []

    def answer(self, store: Any) -> MetricDigests:
        until = time.monotonic() + _PATIENCE
        answer = MetricDigests()
        wanted = {of.run_id: of.keys for of in self.wanted}
        for run_id, key, digest in store.metric_digests(wanted):
            answer.digests.append(MetricDigest(run_id=run_id, key=key, digest=digest))
            if time.monotonic() > until:
                break
        return answer
