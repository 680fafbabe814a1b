"""Taking experiments and runs over as they are in another store, into a file store."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Any

from mlflow.entities import (
    Experiment,
    LifecycleStage,
    LoggedModel,
    LoggedModelParameter,
    Metric,
    Run,
    RunInfo,
    RunStatus,
    RunTag,
)
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.base.checks import check_stage, experiment_key, params_changed
from mlflow.store.tracking.base.logged_models import new_params as new_model_params
from mlflow.store.tracking.base.transfer import (
    Transfer,
    canonical,
    checked_model,
    params_of_adopted,
)
from mlflow.store.tracking.file import disk
from mlflow.store.tracking.file.core import MODELS, NO_RUNS, Place, checked_text, now_ms
from mlflow.store.tracking.file.experiments import FileExperiments, checked_experiment_tags
from mlflow.store.tracking.file.logged_models import FileLoggedModels, checked_values
from mlflow.store.tracking.file.meta import META, ExperimentParts, RunParts
from mlflow.store.tracking.file.runs import (
    FileRuns,
    checked_param,
    checked_tags,
    new_params,
    put_params,
)
from mlflow.utils.uri import append_to_uri_path
from mlflow.utils.validation import (
    _validate_experiment_name,
)


class FileTransfer(FileExperiments, FileRuns, FileLoggedModels, Transfer):
    @property
    def can_adopt(self) -> bool:
        return True

    def adopt_experiment(self, experiment: Experiment, *, keep_location: bool = False) -> str:
        x = experiment
        _validate_experiment_name(x.name)
        checked_text(x.name, "name")
        check_stage(x.lifecycle_stage)
        tags = checked_experiment_tags(x.tags)
        created = x.creation_time or 0
        wanted = ExperimentParts(
            x.experiment_id,
            x.name,
            x.artifact_location if keep_location and x.artifact_location else "",
            x.lifecycle_stage,
            created,
            x.last_update_time or created,
        )
        with self._changing_names():
            named = self._names().get(x.name)
            place = self._adoptable(x.experiment_id)
            if place is not None and (self._experiment_parts(place).creation_time or 0) == created:
                if named is not None and named.experiment_id != place.id:
                    raise MlflowException(
                        f"Experiment {place.id} cannot be renamed to '{x.name}': the name belongs "
                        f"to experiment {named.experiment_id}.",
                        error_code=CODES["RESOURCE_ALREADY_EXISTS"],
                    )
                self._renew_experiment(place.id, wanted, tags)
                return place.id
            if named is not None:
                return named.experiment_id
            experiment_id = _key_or_none(x.experiment_id)
            if experiment_id is None or self._is_taken(experiment_id):
                experiment_id = self._free_id()
            self._make_experiment(wanted._replace(experiment_id=experiment_id), tags)
            return experiment_id

    def _adoptable(self, experiment_id: str) -> Place | None:
        key = _key_or_none(experiment_id)
        return self._find_experiment(key) if key is not None else None

    def _renew_experiment(
        self, experiment_id: str, wanted: ExperimentParts, tags: dict[str, bytes]
    ) -> None:
        with self._changing_experiment(experiment_id) as place:
            is_deleted = wanted.lifecycle_stage == LifecycleStage.DELETED
            if place.is_deleted != is_deleted:
                place = self._move_folder(place, is_deleted=is_deleted)
            self._change_experiment_meta(
                place,
                name=wanted.name,
                lifecycle_stage=wanted.lifecycle_stage,
                last_update_time=wanted.last_update_time,
            )
            _make_exactly(place, tags)

    # -- runs -------------------------------------------------------------------------------

    def adopt_run(self, run: Run, *, keep_location: bool = False) -> RunInfo:
        info, data = run.info, run.data
        params = params_of_adopted(run)
        if info.run_id in NO_RUNS:
            raise MlflowException.invalid_parameter_value(
                f"A file store needs the folder '{info.run_id}' for something else than a run."
            )
        lines = self._lines(data._metric_objs)
        values = {param.key: checked_param(param) for param in params}
        tags = checked_tags([RunTag(key, value) for key, value in data.tags.items()])
        with contextlib.ExitStack() as stack:
            experiment = stack.enter_context(self._changing_experiment(info.experiment_id))
            wanted = self._wanted_run(experiment, info, keep_location)
            self._refuse_elsewhere(experiment, info.run_id)
            place = Place(info.run_id, experiment.folder(info.run_id))
            is_new = not disk.is_file(place.meta)
            if not is_new:
                place, _ = stack.enter_context(self._changing_run(info.run_id))
            fresh, changed = new_params(place, values)
            if changed:
                raise params_changed(info.run_id, changed)
            self._check_lines(place, lines)
            disk.check_places(place.folder("tags"), list(tags), "Tag")
            # Here nothing is refused any more.
            if is_new:
                self._make_run(experiment, wanted, tags)
                stack.enter_context(self._changing_run(info.run_id))
            put_params(info.run_id, place, fresh)
            self._append_lines(place, lines)
            for use in run.inputs.dataset_inputs:
                self._add_dataset(place, use)
            for read in run.inputs.model_inputs:
                self._add_model_input(place, read.model_id)
            for made in run.outputs.model_outputs:
                self._add_output(place, made)
            _make_exactly(place, tags)
            self._renew_run(place, self._run_parts(place), wanted, keep_location)
            return self._run_parts(place).entity()

    def _wanted_run(self, experiment: Place, info: RunInfo, keep_location: bool) -> RunParts:
        location = self._experiment_parts(experiment).artifact_location.rstrip("/")
        own = f"{location}/{info.run_id}/artifacts"
        RunStatus.from_string(info.status)
        return RunParts(
            run_id=info.run_id,
            experiment_id=experiment.id,
            user_id=checked_text(info.user_id, "user id") or "",
            status=info.status,
            start_time=info.start_time or 0,
            end_time=info.end_time,
            lifecycle_stage=info.lifecycle_stage,
            artifact_uri=(info.artifact_uri if keep_location else None) or own,
            run_name=checked_text(info.run_name, "run name"),
            deleted_time=now_ms() if info.lifecycle_stage == LifecycleStage.DELETED else None,
        )

    def _refuse_elsewhere(self, experiment: Place, run_id: str) -> None:
        """Refuse a run that is in another experiment."""
        for other in self._experiment_places():
            if other.id != experiment.id and disk.is_file(os.path.join(other.folder(run_id), META)):
                raise MlflowException(
                    f"Run {run_id} is in experiment {other.id} already, so it cannot be in "
                    f"experiment {experiment.id}.",
                    error_code=CODES["RESOURCE_ALREADY_EXISTS"],
                )

    def _renew_run(
        self, place: Place, there: RunParts, wanted: RunParts, keep_location: bool
    ) -> None:
        if there.lifecycle_stage == wanted.lifecycle_stage:
            wanted = wanted._replace(deleted_time=there.deleted_time)
        if not keep_location:
            wanted = wanted._replace(artifact_uri=there.artifact_uri)
        if there != wanted:
            changes = {**wanted._asdict(), "status": RunStatus.from_string(wanted.status)}
            self._change_run_meta(place, **changes)

    # -- logged models ----------------------------------------------------------------------

    def adopt_logged_model(self, model: LoggedModel, *, keep_location: bool = False) -> LoggedModel:
        model = checked_model(model)
        tags, given = checked_values(model.tags), checked_values(model.params)
        for text, what in ((model.name, "name"), (model.model_type, "model type")):
            checked_text(text, what)
        metrics = model.metrics or []
        lines = self._lines(
            [Metric(m.key, m.value, m.timestamp, m.step, model.model_id) for m in metrics]
        )
        with self._changing_experiment(model.experiment_id) as experiment:
            place = Place(model.model_id, os.path.join(experiment.folder(MODELS), model.model_id))
            elsewhere = self._find_model(model.model_id)
            if elsewhere is not None and elsewhere.path != place.path:
                raise MlflowException(
                    f"Logged model {model.model_id} is in another experiment than {experiment.id} "
                    "already.",
                    error_code=CODES["RESOURCE_ALREADY_EXISTS"],
                )
            fresh = new_model_params(
                model.model_id,
                self._values(place, "params"),
                [LoggedModelParameter(k, v) for k, v in model.params.items()],
            )
            for kind, keys in (("tags", tags), ("params", given), ("metrics", lines.of_run)):
                disk.check_places(place.folder(kind), list(keys), kind)
            # Here nothing is refused any more.
            disk.make_folders(experiment.path, MODELS, model.model_id)
            with disk.locked(place.path):
                disk.put_keys(place.path, "params", {key: given[key] for key in fresh})
                _make_exactly(place, tags)
                self._adopt_model_metrics(place, metrics)
                self._write_meta(
                    place.path, self._wanted_model(experiment, place, model, keep_location)
                )
            return self._load_model(place, self._model_parts(place))

    def _adopt_model_metrics(self, place: Place, metrics: Sequence[Metric]) -> None:
        there = {_point_of(m) for m in self._model_metrics(place)}
        new = [m for m in metrics if m.run_id and _point_of(m) not in there]
        self._append_to_model(place, new)

    def _wanted_model(
        self, experiment: Place, place: Place, model: LoggedModel, keep_location: bool
    ) -> dict[str, Any]:
        """What `meta.yaml` of an adopted model says; what we do not know in it, stays."""
        there = self._load(place) if disk.is_file(place.meta) else {}
        root = self._experiment_parts(experiment).artifact_location
        own = append_to_uri_path(root, MODELS, model.model_id, "artifacts")
        location = model.artifact_location if keep_location else there.get("artifact_location", own)
        return {
            **there,
            "artifact_location": location,
            "creation_timestamp": model.creation_timestamp,
            "experiment_id": experiment.id,
            "last_updated_timestamp": model.last_updated_timestamp,
            "lifecycle_stage": LifecycleStage.ACTIVE,
            "model_id": model.model_id,
            "model_type": model.model_type,
            "name": model.name,
            "source_run_id": model.source_run_id,
            "status": model.status.to_int(),
            "status_message": model.status_message,
        }


def _point_of(m: Metric) -> tuple[Any, ...]:
    """What tells one metric of a logged model from the others."""
    value = canonical(m.value)
    return m.key, value, m.timestamp, m.step, m.dataset_name, m.dataset_digest, m.run_id


def _make_exactly(place: Place, tags: dict[str, bytes]) -> None:
    """Make these the tags in a folder."""
    folder = place.folder("tags")
    there = {key: (path, disk.read(path)) for key, path in disk.keys_in(folder)}
    for key, (path, _) in there.items():
        if key not in tags:
            disk.remove(path, folder)
    changed = {k: v for k, v in tags.items() if k not in there or there[k][1] != v}
    disk.put_keys(place.path, "tags", changed)


def _key_or_none(experiment_id: str) -> str | None:
    """The name of the folder for an experiment id; None if the other store has ids of another
    kind."""
    try:
        return str(experiment_key(experiment_id))
    except MlflowException:
        return None
