"""Taking things over from another store, behind a server. One of the reference cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlflow.entities import Experiment, LoggedModel, Run, RunInfo
from mlflow.exceptions import MlflowException, MlflowNotImplementedException
from mlflow.rpc import nouns as wire
from mlflow.rpc import transfer
from mlflow.rpc.declare import Rpc
from mlflow.rpc.logged_models import LoggedModel as WireModel
from mlflow.rpc.metrics import GetMetricHistoryBulk
from mlflow.store.db.points import Points
from mlflow.store.tracking.base.transfer import Transfer, digest

#: What one request for histories of many runs gives at most.
MOST_RUNS, MOST_POINTS = 100, 25_000


class RestTransfer(Transfer):
    _can_adopt: bool | None = None

    if TYPE_CHECKING:  # of the store
        _call: Callable[[Rpc], Any]
        get_run: Callable[[str], Run]

    @property
    def can_adopt(self) -> bool:
        """True for a server of Headrace; it is asked once."""
        if self._can_adopt is None:
            try:
                self._call(transfer.GetMetricDigests())
                self._can_adopt = True
            except MlflowException as e:
                if e.error_code != "ENDPOINT_NOT_FOUND":
                    raise
                self._can_adopt = False
        return self._can_adopt

    def adopt_experiment(self, experiment: Experiment, *, keep_location: bool = False) -> str:
        self._check(keep_location)
        request = transfer.AdoptExperiment(experiment=wire.Experiment.of(experiment))
        return self._call(request).experiment_id

    def adopt_run(self, run: Run, *, keep_location: bool = False) -> RunInfo:
        self._check(keep_location)
        return self._call(transfer.AdoptRun(run=wire.Run.of(run))).run_info.entity()

    def adopt_logged_model(self, model: LoggedModel, *, keep_location: bool = False) -> LoggedModel:
        self._check(keep_location)
        request = transfer.AdoptLoggedModel(model=WireModel.of(model))
        try:
            return self._call(request).model.entity()
        except MlflowException as e:
            if e.error_code != "ENDPOINT_NOT_FOUND":
                raise
            raise MlflowNotImplementedException(
                "The server is of a version of Headrace that has no logged models yet."
            ) from None

    def _check(self, keep_location: bool) -> None:
        if not self.can_adopt:
            raise MlflowNotImplementedException(
                "The server gives ids of its own to what it is given: it is not one of Headrace."
            )
        if keep_location:
            raise MlflowException.invalid_parameter_value(
                "A server chooses itself where artifacts go; `keep_location` is for databases."
            )

    def whole_runs(self, runs: Sequence[Run]) -> Sequence[Run]:
        """A server of the reference leaves out the models that runs read when it searches."""
        if self.can_adopt:
            return runs
        found = []
        for run in runs:
            try:
                found.append(self.get_run(run.info.run_id))
            except MlflowException as e:
                if e.error_code != "RESOURCE_DOES_NOT_EXIST":  # removed for good meanwhile
                    raise
        return found

    def metric_digests(self, wanted: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, str, str]]:
        left = {run_id: set(keys) for run_id, keys in wanted.items()}
        if not self.can_adopt:
            yield from self._digests_of_histories(left)
            return
        while left := {run_id: keys for run_id, keys in left.items() if keys}:
            asked = [
                transfer.MetricsOfRun(run_id=run_id, keys=list(keys))
                for run_id, keys in left.items()
            ]
            answer = self._call(transfer.GetMetricDigests(wanted=asked))
            if not answer.digests:
                raise MlflowException("The server was asked for digests and answered none.")
            for found in answer.digests:
                left.get(found.run_id, set()).discard(found.key)
                yield found.run_id, found.key, found.digest

    def _digests_of_histories(self, wanted: dict[str, set[str]]) -> Iterator[tuple[str, str, str]]:
        """The same from a server that makes no digests. It gives short histories of many runs at a
        time."""
        for key in sorted(set().union(*wanted.values())):
            runs = [run_id for run_id, keys in wanted.items() if key in keys]
            size = MOST_RUNS
            while runs:
                some = runs[:size]
                points = self._call(
                    GetMetricHistoryBulk(run_id=some, metric_key=key, max_results=MOST_POINTS)
                ).metrics
                if len(points) < MOST_POINTS:
                    rows: dict[str, list[tuple[int, int, float]]] = {i: [] for i in some}
                    for p in points:
                        rows[p.run_id].append((p.step or 0, p.timestamp, float(p.value)))
                    for run_id, of_run in rows.items():
                        history = Points()
                        history.append_rows(of_run)
                        yield run_id, key, digest([history])
                elif size > 1:
                    size //= 2
                    continue
                else:
                    yield from super().metric_digests({runs[0]: [key]})
                runs = runs[size:]
