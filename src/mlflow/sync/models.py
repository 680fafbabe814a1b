"""Logged models: how each should be in the destination, and making it so. Deleted ones are left
out, as they are by searches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlflow.entities import LoggedModel, Metric
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.store.tracking.base.transfer import canonical
from mlflow.sync.artifacts import ArtifactMode, copy_artifacts
from mlflow.sync.job import Job, Pair

_PAGE = 100
_COMPARED = (
    "name",
    "model_type",
    "source_run_id",
    "status",
    "status_message",
    "creation_timestamp",
    "last_updated_timestamp",
    "tags",
    "params",
)


def copy_models(job: Job, pair: Pair) -> None:
    """Copy the logged models of an experiment, those of the selected runs if runs are selected."""
    only = job.selection.runs_of(pair.source)
    models = (
        model
        for model in _models_of(job.source.store, pair.source.experiment_id)
        if only is None or model.source_run_id in only
    )
    if not job.destination.store.can_adopt:
        left = sum(1 for _ in models)
        if left:
            job.report.problem(
                f"Experiment '{pair.source.name}': {left} logged models are left out, since the "
                "destination gives models ids of its own."
            )
        return
    runs = _Runs(job)
    for model in models:
        with job.refusals(f"Logged model {model.model_id}"):
            _copy(job, pair, model, runs)


def _models_of(store: AbstractStore, experiment_id: str) -> Iterator[LoggedModel]:
    token = None
    while True:
        try:
            page = store.search_logged_models([experiment_id], max_results=_PAGE, page_token=token)
        except MlflowException as e:
            if e.error_code in ("NOT_IMPLEMENTED", "ENDPOINT_NOT_FOUND"):
                return  # a store, or an old server, without logged models
            raise
        yield from page
        token = page.token
        if not token:
            return


def _copy(job: Job, pair: Pair, model: LoggedModel, runs: _Runs) -> None:
    wanted = _wanted(pair, model, runs)
    there = _find(job.destination.store, model.model_id)
    made = there
    if there is None or _differ(wanted, there):
        if not job.dry_run:
            keep = job.artifacts is ArtifactMode.IN_PLACE
            made = job.destination.store.adopt_logged_model(wanted, keep_location=keep)
        word = "created" if there is None else "changed"
        job.report.run(f"Logged model {model.model_id} ({model.name}): {word}")
        job.report.add(**{f"models_{word}": 1})
    if job.artifacts is ArtifactMode.COPY:
        copy_artifacts(
            job,
            f"Logged model {model.model_id}",
            model.artifact_location,
            made.artifact_location if made else None,
            is_new=there is None,
        )


def _find(store: AbstractStore, model_id: str) -> LoggedModel | None:
    try:
        return store.get_logged_model(model_id, allow_deleted=True)
    except MlflowException as e:
        if e.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None


class _Runs:
    """Which run of the destination is which one of the source."""

    def __init__(self, job: Job):
        self._job = job
        self._known: dict[str, bool] = {}

    def there(self, run_id: str | None) -> str | None:
        """The id that a run has there, or would have."""
        identities = self._job.identities
        return run_id and identities.in_destination(identities.identity(run_id))

    def is_there(self, run_id: str | None) -> bool:
        """Whether the run has been copied, so that metrics can be noted for it."""
        run_id = self.there(run_id) or ""
        if run_id not in self._known:
            try:
                self._job.destination.store.get_run(run_id)
                self._known[run_id] = True
            except MlflowException as e:
                if e.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                    raise
                self._known[run_id] = False
        return self._known[run_id]


def _wanted(pair: Pair, model: LoggedModel, runs: _Runs) -> LoggedModel:
    """The model with the ids that its experiment and runs have in the destination."""
    parts = {**vars(model)}
    parts["_experiment_id"] = pair.destination.experiment_id
    parts["_source_run_id"] = runs.there(model.source_run_id)
    parts["_metrics"] = [
        Metric(
            m.key,
            m.value,
            m.timestamp,
            m.step,
            model.model_id,
            m.dataset_name,
            m.dataset_digest,
            runs.there(m.run_id),
        )
        for m in model.metrics or ()
        if runs.is_there(m.run_id)
    ]
    return LoggedModel(**{name.removeprefix("_"): value for name, value in parts.items()})


def _differ(wanted: LoggedModel, there: LoggedModel) -> bool:
    """Whether the destination's model is not as it should be; params and metrics that only it has
    stay."""
    for part in _COMPARED:
        mine, theirs = getattr(wanted, part), getattr(there, part)
        if part == "params":
            theirs = {key: theirs[key] for key in theirs.keys() & mine.keys()}
        if (mine or None) != (theirs or None):
            return True
    return not _points(wanted) <= _points(there)


def _points(model: LoggedModel) -> set[tuple[Any, ...]]:
    return {
        (m.key, canonical(m.value), m.timestamp, m.step, m.dataset_name, m.dataset_digest, m.run_id)
        for m in model.metrics or ()
    }
