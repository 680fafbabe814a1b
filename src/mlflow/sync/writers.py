"""The ways in which a destination is written: taking things over as they are, creating them anew,
and, for a dry run, not at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from mlflow.entities import (
    Experiment,
    ExperimentTag,
    LifecycleStage,
    Metric,
    Run,
    RunInfo,
    RunStatus,
    RunTag,
)
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.store.tracking.base.transfer import MAX_POINTS
from mlflow.sync.artifacts import ArtifactMode
from mlflow.sync.identity import EXPERIMENT_ORIGIN, ExperimentIdentity
from mlflow.sync.job import Job, Pair
from mlflow.sync.report import Report
from mlflow.sync.runs import Change, changed_info
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NAME
from mlflow.utils.validation import MAX_METRICS_PER_BATCH, MAX_PARAMS_TAGS_PER_BATCH

T = TypeVar("T")


def writer_for(job: Job) -> Writer:
    """The one that suits the destination."""
    store, report = job.destination.store, job.report
    if job.dry_run:
        return DryWriter(report, keeps_ids=store.can_adopt)
    if store.can_adopt:
        in_place = job.artifacts is ArtifactMode.IN_PLACE
        return AdoptingWriter(store, report, keep_location=in_place)
    return CreatingWriter(store, report)


class Writer(ABC):
    """What `experiments.py` and `runs.py` need."""

    keeps_ids: bool
    """Whether things get the ids that they have in the source."""

    @abstractmethod
    def create_experiment(self, wanted: Experiment, identity: ExperimentIdentity) -> Experiment:
        """A new experiment, as it is then."""

    @abstractmethod
    def renew_experiment(self, wanted: Experiment, there: Experiment) -> bool:
        """Make an experiment as it should be; whether it was not."""

    def finish_experiment(self, pair: Pair) -> bool:
        """Its runs are there now; whether it had to be deleted, which deletes them, too."""
        return False

    def possible(self, wanted: RunInfo, there: Run | None) -> RunInfo:
        """The nearest to `wanted` that the run can become."""
        return wanted

    @abstractmethod
    def write_run(self, change: Change) -> tuple[RunInfo, int]:
        """The run as it is afterwards, and how many points it was given."""

    @abstractmethod
    def set_tag(self, run_id: str, tag: RunTag) -> None:
        """Set one more tag of a run."""


class DryWriter(Writer):
    """Changes nothing."""

    def __init__(self, report: Report, *, keeps_ids: bool):
        self._report = report
        self.keeps_ids = keeps_ids

    def create_experiment(self, wanted: Experiment, identity: ExperimentIdentity) -> Experiment:
        return wanted

    def renew_experiment(self, wanted: Experiment, there: Experiment) -> bool:
        return _experiment_differs(wanted, there)

    def write_run(self, change: Change) -> tuple[RunInfo, int]:
        made = change.there.info if change.there else change.wanted
        return made, sum(1 for _ in _counted(change.points, self._report))

    def set_tag(self, run_id: str, tag: RunTag) -> None:
        pass


class AdoptingWriter(Writer):
    """For stores that take things over with their ids, times and stages."""

    keeps_ids = True

    def __init__(self, store: AbstractStore, report: Report, *, keep_location: bool):
        self._store, self._report = store, report
        self._keep_location = keep_location

    def create_experiment(self, wanted: Experiment, identity: ExperimentIdentity) -> Experiment:
        if self._is_taken(wanted.experiment_id):
            wanted = _with_origin(wanted, identity)
        made = self._store.adopt_experiment(wanted, keep_location=self._keep_location)
        if made != wanted.experiment_id and EXPERIMENT_ORIGIN not in wanted.tags:
            # somebody has taken the id since
            self._store.set_experiment_tag(made, ExperimentTag(EXPERIMENT_ORIGIN, str(identity)))
        return self._store.get_experiment(made)

    def _is_taken(self, experiment_id: str) -> bool:
        try:
            self._store.get_experiment(experiment_id)
        except MlflowException as e:
            if e.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            if e.error_code != "INVALID_PARAMETER_VALUE":  # an id that this store cannot have
                raise
        return True

    def renew_experiment(self, wanted: Experiment, there: Experiment) -> bool:
        differs = _experiment_differs(wanted, there) or _updated(wanted) != _updated(there)
        if differs:
            self._store.adopt_experiment(wanted, keep_location=self._keep_location)
        return differs

    def write_run(self, change: Change) -> tuple[RunInfo, int]:
        batches = _batches(change.points, MAX_POINTS)
        batch, sent = next(batches, []), 0
        while True:
            following = next(batches, None)
            run = change.run(batch, is_last=following is None)
            made = self._store.adopt_run(run, keep_location=self._keep_location)
            sent += len(batch)
            self._report.add(points=len(batch))
            if following is None:
                return made, sent
            batch = following

    def set_tag(self, run_id: str, tag: RunTag) -> None:
        self._store.set_tag(run_id, tag)


class CreatingWriter(Writer):
    """For stores that give ids of their own. They can be found again by tags that are set when they
    are created, so that nothing is created twice."""

    keeps_ids = False

    def __init__(self, store: AbstractStore, report: Report):
        self._store, self._report = store, report
        self._active: set[str] = set()

    # -- experiments ------------------------------------------------------------------------

    def create_experiment(self, wanted: Experiment, identity: ExperimentIdentity) -> Experiment:
        tags = [ExperimentTag(k, v) for k, v in _with_origin(wanted, identity).tags.items()]
        return self._store.get_experiment(self._store.create_experiment(wanted.name, None, tags))

    def renew_experiment(self, wanted: Experiment, there: Experiment) -> bool:
        store, key = self._store, there.experiment_id
        if not _experiment_differs(wanted, there):
            return False
        if there.lifecycle_stage == LifecycleStage.DELETED:
            self._restore(key)
        if wanted.name != there.name:
            store.rename_experiment(key, wanted.name)
        for name in there.tags.keys() - wanted.tags.keys():
            store.delete_experiment_tag(key, name)
        for name, value in wanted.tags.items():
            if there.tags.get(name) != value:
                store.set_experiment_tag(key, ExperimentTag(name, value))
        return True

    def _restore(self, experiment_id: str) -> None:
        """Runs can be created in an active experiment only."""
        if experiment_id in self._active:
            return
        if self._store.get_experiment(experiment_id).lifecycle_stage == LifecycleStage.DELETED:
            self._store.restore_experiment(experiment_id)
        self._active.add(experiment_id)

    def finish_experiment(self, pair: Pair) -> bool:
        key = pair.destination.experiment_id
        if pair.source.lifecycle_stage == LifecycleStage.ACTIVE or (
            self._store.get_experiment(key).lifecycle_stage == LifecycleStage.DELETED
        ):
            return False
        self._store.delete_experiment(key)
        self._active.discard(key)
        return True

    # -- runs -------------------------------------------------------------------------------

    def possible(self, wanted: RunInfo, there: Run | None) -> RunInfo:
        if there is None:
            return wanted
        info = there.info
        return changed_info(
            wanted,
            user_id=info.user_id,
            start_time=info.start_time,
            end_time=info.end_time if wanted.end_time is None else wanted.end_time,
            run_name=wanted.run_name or info.run_name,
        )

    def write_run(self, change: Change) -> tuple[RunInfo, int]:
        store, info = self._store, change.wanted
        if change.there is None:
            made = self._create_run(change)
        else:
            made = change.there.info
            if made.lifecycle_stage == LifecycleStage.DELETED:
                store.restore_run(made.run_id)
            for name in change.tags_to_remove:
                store.delete_tag(made.run_id, name)
            tags = [RunTag(k, v) for k, v in change.tags_to_set.items()]
            for some in _batches(tags, MAX_PARAMS_TAGS_PER_BATCH):
                store.log_batch(made.run_id, [], [], some)
        for params in _batches(change.params, MAX_PARAMS_TAGS_PER_BATCH):
            store.log_batch(made.run_id, [], params, [])
        if change.datasets or change.models_read:
            store.log_inputs(made.run_id, change.datasets, change.models_read)
        if change.models_made:
            store.log_outputs(made.run_id, change.models_made)
        sent = 0
        for points in _batches(change.points, MAX_METRICS_PER_BATCH):
            store.log_batch(made.run_id, points, [], [])
            sent += len(points)
            self._report.add(points=len(points))
        store.update_run_info(
            made.run_id, RunStatus.from_string(info.status), info.end_time, info.run_name or None
        )
        if info.lifecycle_stage == LifecycleStage.DELETED:
            store.delete_run(made.run_id)
        return made, sent

    def _create_run(self, change: Change) -> RunInfo:
        info = change.wanted
        tags = {**change.tags, **({MLFLOW_RUN_NAME: info.run_name} if info.run_name else {})}
        self._restore(info.experiment_id)
        run = self._store.create_run(
            info.experiment_id,
            info.user_id,
            info.start_time,
            [RunTag(k, v) for k, v in tags.items()],
            info.run_name or None,
        )
        return run.info

    def set_tag(self, run_id: str, tag: RunTag) -> None:
        stage = self._store.get_run(run_id).info.lifecycle_stage
        if stage == LifecycleStage.DELETED:
            self._store.restore_run(run_id)
        self._store.set_tag(run_id, tag)
        if stage == LifecycleStage.DELETED:
            self._store.delete_run(run_id)


def _experiment_differs(wanted: Experiment, there: Experiment) -> bool:
    return (wanted.name, wanted.lifecycle_stage, wanted.tags) != (
        there.name,
        there.lifecycle_stage,
        there.tags,
    )


def _updated(experiment: Experiment) -> int:
    return experiment.last_update_time or experiment.creation_time or 0


def _with_origin(experiment: Experiment, identity: ExperimentIdentity) -> Experiment:
    tags = {**experiment.tags, EXPERIMENT_ORIGIN: str(identity)}
    parts = {**dict(experiment), "tags": [ExperimentTag(k, v) for k, v in tags.items()]}
    return Experiment(**parts)


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _counted(points: Iterable[Metric], report: Report) -> Iterator[Metric]:
    for batch in _batches(points, MAX_POINTS):
        report.add(points=len(batch))
        yield from batch
