"""Runs: how each should be in the destination, and what it takes to make it so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, repeat

from mlflow.entities import (
    DatasetInput,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    Param,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
    RunTag,
)
from mlflow.exceptions import MlflowException
from mlflow.store.db.points import Points
from mlflow.sync.artifacts import ArtifactMode, copy_artifacts
from mlflow.sync.identity import RUN_ORIGIN, pages_of_runs, runs_with
from mlflow.sync.job import Job, Pair, is_refusal
from mlflow.sync.points import missing_points
from mlflow.sync.report import many
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME
from mlflow.utils.validation import (
    MAX_PARAM_VAL_LENGTH,
    MAX_TAG_VAL_LENGTH,
    _validate_run_id,
)

#: Runs that are compared at a time.
_BATCH = 100


@dataclass
class Change:
    """What it takes to make a run of the destination as it should be."""

    wanted: RunInfo
    """Under the id, and in the experiment, that it has there."""
    there: Run | None
    """None if there is none yet."""
    identity: str
    tags: dict[str, str] = field(default_factory=dict)
    """All that it should have."""
    tags_to_set: dict[str, str] = field(default_factory=dict)
    tags_to_remove: list[str] = field(default_factory=list)
    params: list[Param] = field(default_factory=list)
    """Those that it has not."""
    datasets: list[DatasetInput] = field(default_factory=list)
    models_read: list[LoggedModelInput] = field(default_factory=list)
    models_made: list[LoggedModelOutput] = field(default_factory=list)
    points: Iterator[Metric] = iter(())
    """Those that it has not."""
    has_points: bool = False
    info_differs: bool = False
    awaited_parent: str | None = None
    """Identity of its parent, when that is not there yet and will get an id of its own."""

    @property
    def is_needed(self) -> bool:
        """Whether the run is not as it should be."""
        return bool(
            self.there is None
            or self.info_differs
            or self.has_points
            or self.tags_to_set
            or self.tags_to_remove
            or self.params
            or self.inputs
        )

    @property
    def inputs(self) -> int:
        """How many inputs and outputs are to be added."""
        return len(self.datasets) + len(self.models_read) + len(self.models_made)

    def run(self, points: Sequence[Metric], *, is_last: bool) -> Run:
        """What `adopt_run` takes, with some of the points; it counts as running until the last of
        them."""
        info = self.wanted
        if not is_last:
            info = changed_info(self.wanted, status="RUNNING", end_time=None)
        return Run(
            info,
            RunData(points, self.params, [RunTag(k, v) for k, v in self.tags.items()]),
            RunInputs(self.datasets, self.models_read),
            RunOutputs(self.models_made),
        )


def copy_runs(job: Job, pair: Pair) -> None:
    """Copy the runs of an experiment that are selected."""
    store, experiment_id = job.source.store, pair.source.experiment_id
    job.identities.learn_source(store, experiment_id, job.report)
    if not pair.is_new:
        there = pair.destination.experiment_id
        job.identities.learn_destination(job.destination.store, there, job.report)
    only = job.selection.runs_of(pair.source)
    if only is None:
        runs = pages_of_runs(store, [experiment_id])
    else:
        runs = runs_with(store, [experiment_id], only)
    while batch := list(islice(runs, _BATCH)):
        _copy_batch(job, pair, store.whole_runs(batch))


def correct_parents(job: Job) -> None:
    """Runs may come before their parents. Where the parent got another id, tell them."""
    for run_id, parent in job.waiting:
        if job.identities.has_copy(parent):
            tag = RunTag(MLFLOW_PARENT_RUN_ID, job.identities.in_destination(parent))
            with job.refusals(f"Run {run_id}"):
                job.writer.set_tag(run_id, tag)


def _copy_batch(job: Job, pair: Pair, runs: Sequence[Run]) -> None:
    there = _found(job, pair, runs)
    digests = _Digests(job, runs, there)
    for run in runs:
        run_id = run.info.run_id
        with job.refusals(f"Run {run_id}"):
            _validate_run_id(run_id)
            change = _compare(job, pair, run, there.get(run_id), digests)
            made = _apply(job, run, change)
            if change.awaited_parent is not None:
                job.waiting.append((made.run_id, change.awaited_parent))
            if job.artifacts is ArtifactMode.COPY:
                here, is_new = run.info.artifact_uri, change.there is None
                copy_artifacts(job, f"Run {run_id}", here, made.artifact_uri, is_new=is_new)
        job.report.add(runs=1)


def _found(job: Job, pair: Pair, runs: Sequence[Run]) -> dict[str, Run]:
    """Those of these runs that are in the destination, by their id in the source."""
    if pair.is_new:
        return {}
    ids = {
        job.identities.in_destination(job.identities.identity(run.info.run_id)): run.info.run_id
        for run in runs
    }
    store = job.destination.store
    found = list(runs_with(store, [pair.destination.experiment_id], ids))
    return {ids[run.info.run_id]: run for run in store.whole_runs(found)}


class _Digests:
    """Tells which metrics of some runs have the same points in both stores."""

    def __init__(self, job: Job, runs: Sequence[Run], there: dict[str, Run]):
        both = {
            run.info.run_id: run.data.metrics.keys() & there[run.info.run_id].data.metrics.keys()
            for run in runs
            if run.info.run_id in there
        }
        ids = {run_id: there[run_id].info.run_id for run_id in both}
        back = {theirs: ours for ours, theirs in ids.items()}
        theirs = {ids[run_id]: keys for run_id, keys in both.items()}
        self._here: dict[tuple[str, str], str] = {}
        self._there: dict[tuple[str, str], str] = {}
        try:
            for run_id, key, digest in job.source.store.metric_digests(both):
                self._here[run_id, key] = digest
            for run_id, key, digest in job.destination.store.metric_digests(theirs):
                self._there[back[run_id], key] = digest
        except MlflowException as e:
            # One history cannot be read. It will be compared point by point, and named.
            if not is_refusal(e):
                raise

    def agree(self, run_id: str, key: str) -> bool:
        """Whether both have the same points of this metric of a run of the source."""
        digest = self._here.get((run_id, key))
        return digest is not None and digest == self._there.get((run_id, key))


def _apply(job: Job, run: Run, change: Change) -> RunInfo:
    """The run of the destination, once it is as it should be."""
    if change.there is not None and not change.is_needed:
        return change.there.info
    made, points = job.writer.write_run(change)
    if change.there is None and made.run_id != change.identity:
        job.identities.note_copy(change.identity, made.run_id)
    tags, removed = len(change.tags_to_set), len(change.tags_to_remove)
    done = [
        "new" if change.there is None else "changed",
        many(points, "point"),
        many(len(change.params), "param"),
        many(tags, "tag"),
        many(removed, "tag removed", "tags removed"),
        many(change.inputs, "input or output", "inputs and outputs"),
    ]
    named = f" ({run.info.run_name})" if run.info.run_name else ""
    job.report.run(f"Run {run.info.run_id}{named}: {', '.join(filter(None, done))}")
    job.report.add(
        **{"runs_created" if change.there is None else "runs_changed": 1},
        params=len(change.params),
        tags_set=tags,
        tags_removed=removed,
        inputs=change.inputs,
    )
    return made


# -- comparing ----------------------------------------------------------------------------------


def _compare(job: Job, pair: Pair, run: Run, there: Run | None, digests: _Digests) -> Change:
    identity = job.identities.identity(run.info.run_id)
    run_id = there.info.run_id if there else job.identities.in_destination(identity)
    in_place = job.artifacts is ArtifactMode.IN_PLACE
    wanted = changed_info(
        run.info,
        run_id=run_id,
        experiment_id=pair.destination.experiment_id,
        artifact_uri=run.info.artifact_uri if in_place else None,
    )
    change = Change(job.writer.possible(wanted, there), there, identity)
    if there is not None:
        change.info_differs = any(
            getattr(change.wanted, part) != getattr(there.info, part) for part in _COMPARED
        )
    _compare_tags(job, run, change)
    _compare_params(job, run, change)
    _compare_inputs(run, change)
    points = _points(job, run, there, digests)
    first = next(points, None)
    if first is not None:
        change.has_points, change.points = True, chain([first], points)
    return change


_COMPARED = ("run_name", "user_id", "status", "start_time", "end_time", "lifecycle_stage")


def _compare_tags(job: Job, run: Run, change: Change) -> None:
    have = change.there.data.tags if change.there else {}
    tags = {name: value for name, value in run.data.tags.items() if name != RUN_ORIGIN}
    if not tags.get(MLFLOW_RUN_NAME) and change.wanted.run_name:
        tags[MLFLOW_RUN_NAME] = change.wanted.run_name
    if parent := tags.get(MLFLOW_PARENT_RUN_ID):
        parent = job.identities.identity(parent)
        tags[MLFLOW_PARENT_RUN_ID] = job.identities.in_destination(parent)
        if not (job.writer.keeps_ids or job.identities.has_copy(parent)):
            change.awaited_parent = parent
    has_other_id = (
        change.there.info.run_id != change.identity if change.there else not job.writer.keeps_ids
    )
    if has_other_id:
        tags[RUN_ORIGIN] = change.identity
    tags = {name: value[:MAX_TAG_VAL_LENGTH] for name, value in tags.items()}
    if job.keep_tags:
        tags = {**have, **tags}
    change.tags = tags
    change.tags_to_set = {k: v for k, v in tags.items() if have.get(k) != v}
    change.tags_to_remove = sorted(have.keys() - tags.keys())


def _compare_params(job: Job, run: Run, change: Change) -> None:
    have = change.there.data.params if change.there else {}
    for key, value in run.data.params.items():
        value = value[:MAX_PARAM_VAL_LENGTH]
        if key not in have:
            change.params.append(Param(key, value))
        elif have[key] != value:
            job.report.problem(
                f"Run {run.info.run_id}: param '{key}' is '{value}' in the source and "
                f"'{have[key]}' in the destination; it stays."
            )


def _compare_inputs(run: Run, change: Change) -> None:
    there = change.there
    uses = there.inputs.dataset_inputs if there else []
    used = {(use.dataset.name, use.dataset.digest): _tags_of(use) for use in uses}
    for use in run.inputs.dataset_inputs:
        have = used.get((use.dataset.name, use.dataset.digest))
        if have is None or not _tags_of(use) <= have:
            change.datasets.append(use)
    read = {m.model_id for m in there.inputs.model_inputs} if there else set()
    change.models_read = [m for m in run.inputs.model_inputs if m.model_id not in read]
    made = {(m.model_id, m.step) for m in there.outputs.model_outputs} if there else set()
    change.models_made = [m for m in run.outputs.model_outputs if (m.model_id, m.step) not in made]


def _tags_of(use: DatasetInput) -> set[tuple[str, str]]:
    return {(tag.key, tag.value) for tag in use.tags}


def _points(job: Job, run: Run, there: Run | None, digests: _Digests) -> Iterator[Metric]:
    """The points that the destination's run has not. A history that cannot be read is reported."""
    here, run_id = job.source.store, run.info.run_id
    known = run.data.metrics.keys() & there.data.metrics.keys() if there else set()
    yield from _histories(job, run_id, sorted(run.data.metrics.keys() - known))
    for key in sorted(known):
        if there is not None and not digests.agree(run_id, key):
            with job.refusals(f"Run {run_id}, metric '{key}'"):
                their_id = there.info.run_id
                missing = missing_points(here, job.destination.store, run_id, their_id, key)
                for timestamp, step, value in missing:
                    yield Metric(key, value, timestamp, step)


def _histories(job: Job, run_id: str, keys: list[str]) -> Iterator[Metric]:
    """All points of these metrics."""
    try:
        yield from _metrics(job.source.store.metric_histories(run_id, keys))
        return
    except MlflowException as e:
        if not is_refusal(e):
            raise
    for key in keys:  # some of it once more, but a point that comes twice counts once
        with job.refusals(f"Run {run_id}, metric '{key}'"):
            yield from _metrics(job.source.store.metric_histories(run_id, [key]))


def _metrics(pieces: Iterable[tuple[str, Points]]) -> Iterator[Metric]:
    for key, points in pieces:
        yield from map(Metric, repeat(key), points.values, points.timestamps, points.steps)


def changed_info(info: RunInfo, **changes: object) -> RunInfo:
    """A copy of the info with these parts."""
    return RunInfo(**{**dict(info), **changes})
