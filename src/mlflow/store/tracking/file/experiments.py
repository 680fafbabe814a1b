"""Experiments in folders."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from mlflow.entities import Experiment, ExperimentTag, LifecycleStage, ViewType
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.search import EXPERIMENTS, parse_filter, parse_order_by
from mlflow.search.evaluate import experiment_values, matcher
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking import SEARCH_MAX_RESULTS_DEFAULT
from mlflow.store.tracking.base.checks import (
    check_artifact_location,
    check_experiment_can_be_renamed,
    check_experiment_is_active,
    check_max_results,
    experiment_key,
    name_taken,
    new_name_taken,
    no_experiment,
    no_tag,
)
from mlflow.store.tracking.base.experiments import Experiments
from mlflow.store.tracking.file import disk
from mlflow.store.tracking.file.core import (
    DEFAULT_ID,
    TRASH,
    FileCore,
    Place,
    as_text,
    checked_text,
    new_experiment_id,
    now_ms,
)
from mlflow.store.tracking.file.meta import ExperimentParts
from mlflow.store.tracking.paging import page
from mlflow.utils.uri import resolve_uri_if_local
from mlflow.utils.validation import _validate_experiment_name, _validate_experiment_tag


class FileExperiments(FileCore, Experiments):
    def create_experiment(
        self,
        name: str,
        artifact_location: str | None = None,
        tags: Sequence[ExperimentTag] | None = None,
    ) -> str:
        _validate_experiment_name(name)
        checked_text(name, "name")
        if artifact_location:
            check_artifact_location(artifact_location)
            checked_text(artifact_location, "artifact location")
            artifact_location = resolve_uri_if_local(artifact_location)
        values = checked_experiment_tags({tag.key: tag.value for tag in tags or ()})
        now = now_ms()
        with self._changing_names():
            taken = self._names().get(name)
            if taken is not None:
                raise name_taken(name, taken.lifecycle_stage)
            parts = ExperimentParts(
                self._free_id(), name, artifact_location or "", LifecycleStage.ACTIVE, now, now
            )
            self._make_experiment(parts, values)
            return parts.experiment_id

    def _names(self) -> dict[str, ExperimentParts]:
        """Every experiment by its name."""
        return {parts.name: parts for _, parts in self._all_experiments()}

    def _free_id(self) -> str:
        while True:
            experiment_id = new_experiment_id()
            if not self._is_taken(experiment_id):
                return experiment_id

    def _is_taken(self, experiment_id: str) -> bool:
        return any(
            os.path.lexists(os.path.join(self.root, *above, experiment_id))
            for above in ((), (TRASH,))
        )

    def _make_experiment(self, parts: ExperimentParts, tags: dict[str, bytes]) -> None:
        """Make an experiment's folder; "" as its location stands for one of its own. `meta.yaml`
        comes last: without it, there is no experiment."""
        is_deleted = parts.lifecycle_stage == LifecycleStage.DELETED
        above = disk.make_folders(self.root, TRASH) if is_deleted else self.root
        folder = os.path.join(above, parts.experiment_id)
        own = f"{self.artifact_root_uri.rstrip('/')}/{parts.experiment_id}"
        os.mkdir(folder)
        try:
            _put_tags(folder, tags)
            self._write_meta(
                folder,
                {
                    **parts._asdict(),
                    "artifact_location": parts.artifact_location or own,
                    # Of a newer MLflow than the layout; it is written as MLflow does.
                    "effective_trace_archival_retention": None,
                    "trace_location": None,
                    "workspace": "default",
                },
            )
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        disk.sync_folder(above)

    # -- reading ----------------------------------------------------------------------------

    def get_experiment(self, experiment_id: str) -> Experiment:
        for _ in range(2):
            place = self._experiment_place(experiment_id)
            try:
                return self._load_experiment(place, self._experiment_parts(place))
            except FileNotFoundError:  # it was moved meanwhile
                continue
        raise no_experiment(experiment_id)

    def get_experiment_by_name(self, experiment_name: str) -> Experiment | None:
        for place, parts in self._all_experiments():
            if parts.name == experiment_name:
                return self._load_experiment(place, parts)
        return None

    def search_experiments(
        self,
        view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int = SEARCH_MAX_RESULTS_DEFAULT,
        filter_string: str | None = None,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Experiment]:
        check_max_results(max_results)
        orders = parse_order_by(order_by, EXPERIMENTS)
        stages = LifecycleStage.view_type_to_stages(view_type)
        fits = matcher(parse_filter(filter_string, EXPERIMENTS), experiment_values)
        found = [
            candidate
            for place, parts in self._all_experiments()
            if parts.lifecycle_stage in stages and fits(candidate := _Candidate(place, parts))
        ]
        kept, token = page(found, orders, EXPERIMENTS, experiment_values, max_results, page_token)
        return PagedList([self._load_experiment(x.place, x.parts) for x in kept], token)

    def _load_experiment(self, place: Place, parts: ExperimentParts) -> Experiment:
        tags = [
            ExperimentTag(key, as_text(content))
            for key, path in disk.keys_in(place.folder("tags"))
            if (content := disk.read(path)) is not None
        ]
        return parts.entity(tags)

    # -- changing ---------------------------------------------------------------------------

    def delete_experiment(self, experiment_id: str) -> None:
        if str(experiment_key(experiment_id)) == DEFAULT_ID:
            raise MlflowException.invalid_parameter_value(
                f"Cannot delete the default experiment '{DEFAULT_ID}'. A file store always has it."
            )
        with self._changing_names(), self._changing_experiment(experiment_id) as place:
            if place.is_deleted:
                raise no_experiment(experiment_id)
            # While the folder is moved no run is active, so nobody writes there.
            self._move_runs(place, LifecycleStage.DELETED)
            place = self._move_folder(place, is_deleted=True)
            self._change_experiment_meta(
                place, lifecycle_stage=LifecycleStage.DELETED, last_update_time=now_ms()
            )

    def restore_experiment(self, experiment_id: str) -> None:
        with self._changing_names(), self._changing_experiment(experiment_id) as place:
            if self._experiment_parts(place).lifecycle_stage != LifecycleStage.DELETED:
                raise no_experiment(experiment_id)
            if place.is_deleted:
                self._change_experiment_meta(place, lifecycle_stage=LifecycleStage.DELETED)
                place = self._move_folder(place, is_deleted=False)
            self._move_runs(place, LifecycleStage.ACTIVE)
            # Until now it counts as deleted, and all of this can be done again.
            self._change_experiment_meta(
                place, lifecycle_stage=LifecycleStage.ACTIVE, last_update_time=now_ms()
            )

    def _move_runs(self, place: Place, stage: str) -> None:
        """Change the stage of an experiment's runs."""
        deleted = now_ms() if stage == LifecycleStage.DELETED else None
        for run, parts in self._runs_in(place):
            if parts.lifecycle_stage != stage:
                with suppress(FileNotFoundError), disk.locked(run.path):  # gone meanwhile
                    self._change_run_meta(run, lifecycle_stage=stage, deleted_time=deleted)

    def _move_folder(self, place: Place, *, is_deleted: bool) -> Place:
        """Put an experiment into the trash, or take it out."""
        above = disk.make_folders(self.root, TRASH) if is_deleted else self.root
        moved = Place(place.id, os.path.join(above, place.id), is_deleted)
        if os.path.lexists(moved.path):
            raise MlflowException(
                f"Experiment {place.id} cannot be moved: there is another folder of that name, "
                f"'{self._shown(moved.path)}'.",
                error_code=CODES["INVALID_STATE"],
            )
        os.rename(place.path, moved.path)
        disk.sync_folder(above)
        disk.sync_folder(os.path.dirname(place.path))
        return moved

    def rename_experiment(self, experiment_id: str, new_name: str) -> None:
        _validate_experiment_name(new_name)
        checked_text(new_name, "name")
        with self._changing_names(), self._changing_experiment(experiment_id) as place:
            check_experiment_can_be_renamed(self._experiment_parts(place).lifecycle_stage)
            owner = self._names().get(new_name)
            if owner is not None and owner.experiment_id != place.id:
                raise new_name_taken(new_name, owner.experiment_id)
            self._change_experiment_meta(place, name=new_name, last_update_time=now_ms())

    def set_experiment_tag(self, experiment_id: str, tag: ExperimentTag) -> None:
        values = checked_experiment_tags({tag.key: tag.value})
        with self._changing_experiment(experiment_id) as place:
            check_experiment_is_active(place.id, self._experiment_parts(place).lifecycle_stage)
            _put_tags(place.path, values)

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        with self._changing_experiment(experiment_id) as place:
            check_experiment_is_active(place.id, self._experiment_parts(place).lifecycle_stage)
            tags = place.folder("tags")
            path = disk.path_of_key(tags, key)
            if path is None or not disk.remove(path, tags):
                raise no_tag(key, "experiment", experiment_id)


class _Candidate:
    """An experiment that a search looks at; its tags are read when they are asked for."""

    def __init__(self, place: Place, parts: ExperimentParts):
        self.place = place
        self.parts = parts
        self.tags = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self.parts, name)

    def get(self, key: str) -> str | None:
        path = disk.path_of_key(self.place.folder("tags"), key)
        content = disk.read(path) if path else None
        return None if content is None else as_text(content)


def checked_experiment_tags(tags: dict[str, str]) -> dict[str, bytes]:
    """What is written for an experiment's tags."""
    for key, value in tags.items():
        _validate_experiment_tag(key, value)
        disk.key_steps(key)
    return {k: (checked_text(v, f"tag '{k}'") or "").encode() for k, v in tags.items()}


def _put_tags(folder: str, tags: dict[str, bytes]) -> None:
    if tags:
        disk.check_places(os.path.join(folder, "tags"), list(tags), "Tag")
        disk.put_keys(folder, "tags", tags)
