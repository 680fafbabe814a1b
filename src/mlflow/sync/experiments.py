"""Experiments: finding the counterpart of each, or making it."""

from __future__ import annotations

from mlflow.entities import Experiment, ExperimentTag, LifecycleStage, ViewType
from mlflow.sync.identity import (
    EXPERIMENT_ORIGIN,
    ExperimentIdentity,
    experiment_with,
    pages_of_runs,
    runs_with,
)
from mlflow.sync.job import Job, Pair
from mlflow.sync.report import many
from mlflow.utils.validation import MAX_EXPERIMENT_TAG_VAL_LENGTH


def counterpart(job: Job, experiment: Experiment) -> Pair | None:
    """The experiment with its counterpart, which is made or brought up to date; None if it cannot
    have one."""
    store = job.destination.store
    identity = ExperimentIdentity.of(experiment)
    wanted = _in_destination(experiment, identity)
    same = experiment_with(store, identity)
    if same is not None:
        return Pair(experiment, _renew(job, wanted, same), is_same=True, is_new=False)
    named = store.get_experiment_by_name(experiment.name)
    if named is None:
        job.report.experiment(f"Experiment '{experiment.name}': new")
        created = job.writer.create_experiment(wanted, identity)
        job.report.add(experiments_created=1)
        return Pair(experiment, created, is_same=True, is_new=True)
    if named.lifecycle_stage == LifecycleStage.DELETED:
        job.report.problem(
            f"Experiment '{experiment.name}': the destination has a deleted one of this name "
            f"(id {named.experiment_id}). Restore it, remove it for good with `mlflow gc`, or give "
            "one of them another name."
        )
        return None
    _add_tags(job, wanted, named)
    return Pair(experiment, named, is_same=False, is_new=False)


def finish(job: Job, pair: Pair) -> None:
    """Do what has to wait until the runs are there."""
    if not pair.is_same or not job.writer.finish_experiment(pair):
        return
    # It was deleted just now, with all its runs. There may be some that were restored in it.
    active = [
        job.identities.in_destination(job.identities.identity(run.info.run_id))
        for run in pages_of_runs(
            job.source.store, [pair.source.experiment_id], view=ViewType.ACTIVE_ONLY
        )
    ]
    store = job.destination.store
    for run in runs_with(store, [pair.destination.experiment_id], active):
        store.restore_run(run.info.run_id)


def _in_destination(experiment: Experiment, identity: ExperimentIdentity) -> Experiment:
    """The experiment as the destination should have it, under its identity."""
    return _changed(
        experiment,
        experiment_id=identity.experiment_id,
        creation_time=identity.creation_time,
        tags={
            name: value[:MAX_EXPERIMENT_TAG_VAL_LENGTH]
            for name, value in experiment.tags.items()
            if name != EXPERIMENT_ORIGIN
        },
    )


def _renew(job: Job, wanted: Experiment, there: Experiment) -> Experiment:
    """What is there already, with its new name, tags and stage."""
    tags = dict(wanted.tags)
    if EXPERIMENT_ORIGIN in there.tags:
        tags[EXPERIMENT_ORIGIN] = there.tags[EXPERIMENT_ORIGIN]
    name = wanted.name
    if name != there.name:
        taken = job.destination.store.get_experiment_by_name(name)
        if taken is not None:
            job.report.problem(
                f"Experiment '{name}': it has this name in the source now; in the destination it "
                f"stays '{there.name}', since experiment {taken.experiment_id} has that name."
            )
            name = there.name
    wanted = _changed(
        wanted,
        experiment_id=there.experiment_id,
        name=name,
        tags=tags,
        artifact_location=there.artifact_location,
        creation_time=there.creation_time,
    )
    if job.writer.renew_experiment(wanted, there):
        job.report.experiment(f"Experiment '{name}': changed")
        job.report.add(experiments_changed=1)
    return wanted


def _add_tags(job: Job, wanted: Experiment, there: Experiment) -> None:
    """Give an experiment that only has the same name the tags that it has not."""
    new = [ExperimentTag(k, v) for k, v in wanted.tags.items() if k not in there.tags]
    if not new:
        return
    job.report.experiment(f"Experiment '{there.name}': {many(len(new), 'tag')}")
    if not job.dry_run:
        for tag in new:
            job.destination.store.set_experiment_tag(there.experiment_id, tag)
    job.report.add(experiments_changed=1)


def _changed(experiment: Experiment, *, tags: dict[str, str], **changes: object) -> Experiment:
    """A copy of the experiment with these parts."""
    parts = {**dict(experiment), **changes}
    return Experiment(
        experiment_id=parts["experiment_id"],
        name=parts["name"],
        artifact_location=parts["artifact_location"],
        lifecycle_stage=parts["lifecycle_stage"],
        tags=[ExperimentTag(name, value) for name, value in tags.items()],
        creation_time=parts["creation_time"],
        last_update_time=parts["last_update_time"],
    )
