"""Copying what one tracking store has into another one, as often as one likes.

The destination ends up with what the source has: what is there already is compared, and only what
is missing or different is sent. Nothing is remembered from one time to the next, so a copy that was
cut short at any moment is finished by making it again, and one made while the source is still being
written is brought up to date in the same way.

Things keep their ids where the destination allows it; `sync/identity.py` tells what happens
elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mlflow.entities import Experiment, ViewType
from mlflow.exceptions import MlflowException
from mlflow.sync.artifacts import ArtifactMode
from mlflow.sync.experiments import counterpart, finish
from mlflow.sync.job import Job, Pair, Selection, Side
from mlflow.sync.models import copy_models
from mlflow.sync.report import Report
from mlflow.sync.runs import copy_runs, correct_parents
from mlflow.sync.sides import open_destination, open_source, same_place
from mlflow.sync.traces import copy_traces

__all__ = ["ArtifactMode", "Report", "Selection", "sync"]

#: What an experiment has, in the order in which it is copied. Each is called with the job, and with
#: the experiment in the source and its counterpart. Logged models and
#: traces come after the runs that they belong to.
TOPICS: tuple[Callable[[Job, Pair], None], ...] = (copy_runs, copy_models, copy_traces)

_PAGE = 1000


def sync(
    source: str,
    destination: str,
    *,
    selection: Selection = Selection(),
    artifacts: ArtifactMode = ArtifactMode.COPY,
    artifact_root: str | None = None,
    keep_tags: bool = False,
    dry_run: bool = False,
    report: Report | None = None,
) -> Report:
    """Copy experiments and runs with all that they have; what was done, and what could not be.

    Args:
        source: Tracking URI of a database, a folder, or a server. It is only read.
        destination: The same for where it goes.
        selection: Which experiments and runs; all of them by default.
        artifacts: Whether files are copied.
        artifact_root: Where the artifacts of new experiments go, if the destination is a database;
            None for the folder `mlruns` beside an SQLite file, or else in the working directory.
        keep_tags: Leave tags alone that only the destination's run has.
        dry_run: Change nothing; only find out what would be done.
        report: Is told of every step; None for a silent one.

    Raises:
        MlflowException: A store cannot be opened, or does not answer any more. What one thing among
            many is refused for goes into the report instead.
    """
    report = report or Report()
    if same_place(source, destination):
        raise MlflowException.invalid_parameter_value("Source and destination are the same store.")
    here = open_source(source)
    there = open_destination(destination, artifact_root, dry_run=dry_run)
    job = Job(here, there, selection, artifacts, keep_tags, dry_run, report)
    with report:
        for experiment in _selected(here, selection):
            with job.refusals(f"Experiment '{experiment.name}'"):
                pair = counterpart(job, experiment)
                if pair is not None:
                    for topic in TOPICS:
                        topic(job, pair)
                    finish(job, pair)
        correct_parents(job)
    return report


def _selected(source: Side, selection: Selection) -> Iterator[Experiment]:
    store = source.store
    if not selection:
        token = None
        while True:
            page = store.search_experiments(
                ViewType.ALL,
                max_results=_PAGE,
                order_by=["creation_time ASC", "experiment_id ASC"],
                page_token=token,
            )
            yield from page
            token = page.token
            if not token:
                return
    found: dict[str, Experiment] = {}
    for experiment_id in selection.experiment_ids:
        found[experiment_id] = store.get_experiment(experiment_id)
    for name in selection.experiment_names:
        named = store.get_experiment_by_name(name)
        if named is None:
            raise MlflowException.invalid_parameter_value(
                f"The source has no experiment named '{name}'."
            )
        found[named.experiment_id] = named
    for run_id in selection.run_ids:
        experiment_id = store.get_run(run_id).info.experiment_id
        if experiment_id not in found:
            found[experiment_id] = store.get_experiment(experiment_id)
    yield from found.values()
