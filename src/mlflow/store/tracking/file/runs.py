"""Runs, params and tags in folders."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from mlflow.entities import (
    LifecycleStage,
    Metric,
    Param,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
    RunStatus,
    RunTag,
)
from mlflow.exceptions import MlflowException
from mlflow.search import RUNS, parse_filter, parse_order_by
from mlflow.search.evaluate import matcher, run_values
from mlflow.store.tracking.base.checks import (
    check_experiment_is_active,
    check_max_results,
    check_run_is_active,
    experiment_key,
    name_for_new_run,
    no_run,
    no_tag,
    param_changed,
    params_changed,
)
from mlflow.store.tracking.base.inputs import Inputs
from mlflow.store.tracking.base.metrics import Metrics
from mlflow.store.tracking.base.runs import Runs
from mlflow.store.tracking.file import disk
from mlflow.store.tracking.file.core import FileCore, Place, as_text, checked_text, now_ms
from mlflow.store.tracking.file.inputs import FileInputs
from mlflow.store.tracking.file.meta import RunParts
from mlflow.store.tracking.file.metrics import FileMetrics
from mlflow.store.tracking.paging import page
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NAME
from mlflow.utils.validation import (
    MAX_TAG_VAL_LENGTH,
    _validate_batch_log_data,
    _validate_batch_log_limits,
    _validate_param,
    _validate_param_keys_unique,
    _validate_tag,
)

_FOLDERS = ("artifacts", "metrics", "params", "tags")


class FileRuns(FileMetrics, FileInputs, FileCore, Runs, Metrics, Inputs):
    def create_run(
        self,
        experiment_id: str,
        user_id: str | None,
        start_time: int | None,
        tags: Sequence[RunTag] | None,
        run_name: str | None,
    ) -> Run:
        name = name_for_new_run(tags, run_name)
        given = {**{tag.key: tag.value for tag in tags or ()}, MLFLOW_RUN_NAME: name}
        values = checked_tags([RunTag(key, value) for key, value in given.items()])
        run_id = uuid.uuid4().hex
        with self._changing_experiment(experiment_id) as experiment:
            parts = self._experiment_parts(experiment)
            check_experiment_is_active(experiment.id, parts.lifecycle_stage)
            run = RunParts(
                run_id=run_id,
                experiment_id=experiment.id,
                user_id=checked_text(user_id, "user id") or "",
                status=RunStatus.to_string(RunStatus.RUNNING),
                start_time=start_time or 0,
                end_time=None,
                lifecycle_stage=LifecycleStage.ACTIVE,
                artifact_uri=f"{parts.artifact_location.rstrip('/')}/{run_id}/artifacts",
                run_name=checked_text(name, "run name"),
                deleted_time=None,
            )
            self._make_run(experiment, run, values)
        data = RunData(tags=[RunTag(key, as_text(value)) for key, value in values.items()])
        return Run(run.entity(), data, *self._load_uses(experiment, None))

    def _make_run(self, experiment: Place, run: RunParts, tags: dict[str, bytes]) -> Place:
        """Make a run's folder. `meta.yaml` comes last: without it, there is no run."""
        place = Place(run.run_id, experiment.folder(run.run_id))
        disk.check_places(place.folder("tags"), list(tags), "Tag")
        os.mkdir(place.path)
        try:
            for name in _FOLDERS:
                os.mkdir(place.folder(name))
            disk.put_keys(place.path, "tags", tags)
            self._write_meta(place.path, _meta_of(run))
        except BaseException:
            shutil.rmtree(place.path, ignore_errors=True)
            raise
        disk.sync_folder(experiment.path)
        self._homes[run.run_id] = experiment.path
        return place

    # -- reading ----------------------------------------------------------------------------

    def get_run(self, run_id: str) -> Run:
        for _ in range(2):
            place = self._run_place(run_id)
            try:
                return self._load_run(place, self._run_parts(place))
            except FileNotFoundError:  # it was moved meanwhile
                continue
        raise no_run(run_id)

    def _load_run(self, place: Place, parts: RunParts) -> Run:
        """A run with all it logged."""
        data = RunData(
            self._latest_metrics(place),
            [Param(key, value) for key, value in _texts(place, "params")],
            [RunTag(key, value) for key, value in _texts(place, "tags")],
        )
        experiment = Place(parts.experiment_id, os.path.dirname(place.path))
        return Run(parts.entity(), data, *self._load_uses(experiment, place))

    # -- changing ---------------------------------------------------------------------------

    def update_run_info(
        self,
        run_id: str,
        run_status: int | None,
        end_time: int | None,
        run_name: str | None,
    ) -> RunInfo:
        changes: dict[str, Any] = {}
        if run_status is not None:
            RunStatus.to_string(run_status)
            changes["status"] = run_status
        if end_time is not None:
            changes["end_time"] = end_time
        if run_name:
            changes["run_name"] = checked_text(run_name, "run name")
        with self._changing_run(run_id) as (place, parts):
            check_run_is_active(run_id, parts.lifecycle_stage)
            if run_name:
                tag = run_name[:MAX_TAG_VAL_LENGTH].encode()
                disk.put_keys(place.path, "tags", {MLFLOW_RUN_NAME: tag})
            if changes:
                self._change_run_meta(place, **changes)
            disk.remove_parts(place.path)
            return self._run_parts(place).entity()

    def delete_run(self, run_id: str) -> None:
        self._move_run(run_id, LifecycleStage.DELETED)

    def restore_run(self, run_id: str) -> None:
        self._move_run(run_id, LifecycleStage.ACTIVE)

    def _move_run(self, run_id: str, stage: str) -> None:
        deleted = now_ms() if stage == LifecycleStage.DELETED else None
        with self._changing_run(run_id) as (place, parts):
            if parts.lifecycle_stage != stage:
                self._change_run_meta(place, lifecycle_stage=stage, deleted_time=deleted)

    def log_param(self, run_id: str, param: Param) -> None:
        param = _validate_param(param.key, param.value)
        value = {param.key: checked_param(param)}
        with self._changing_run(run_id) as (place, parts):
            check_run_is_active(run_id, parts.lifecycle_stage)
            fresh, changed = new_params(place, value)
            for key, old, new in changed:
                raise param_changed(run_id, key, old, new)
            put_params(run_id, place, fresh)

    def set_tag(self, run_id: str, tag: RunTag) -> None:
        values = checked_tags([_validate_tag(tag.key, tag.value)])
        with self._changing_run(run_id) as (place, parts):
            check_run_is_active(run_id, parts.lifecycle_stage)
            disk.check_places(place.folder("tags"), list(values), "Tag")
            self._put_tags(place, parts, values)

    def _put_tags(self, place: Place, parts: RunParts, tags: dict[str, bytes]) -> None:
        """Write tags; the one with the name renames the run."""
        disk.put_keys(place.path, "tags", tags)
        if MLFLOW_RUN_NAME in tags:
            name = as_text(tags[MLFLOW_RUN_NAME])
            if name != parts.run_name:
                self._change_run_meta(place, run_name=name)

    def delete_tag(self, run_id: str, key: str) -> None:
        with self._changing_run(run_id) as (place, parts):
            check_run_is_active(run_id, parts.lifecycle_stage)
            tags = place.folder("tags")
            path = disk.path_of_key(tags, key)
            if path is None or not disk.remove(path, tags):
                raise no_tag(key, "run", run_id)

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric],
        params: Sequence[Param],
        tags: Sequence[RunTag],
    ) -> None:
        metrics, params, tags = _validate_batch_log_data(metrics, params, tags)
        _validate_batch_log_limits(metrics, params, tags)
        _validate_param_keys_unique(params)
        param_values = {param.key: checked_param(param) for param in params}
        tag_values = checked_tags(tags)
        lines = self._lines(metrics)
        with self._changing_run(run_id) as (place, parts):
            check_run_is_active(run_id, parts.lifecycle_stage)
            fresh, changed = new_params(place, param_values)
            if changed:
                raise params_changed(run_id, changed)
            self._check_lines(place, lines)
            disk.check_places(place.folder("tags"), list(tag_values), "Tag")
            # Here nothing is refused any more.
            put_params(run_id, place, fresh)
            self._append_lines(place, lines)
            if tag_values:
                self._put_tags(place, parts, tag_values)

    # -- searching --------------------------------------------------------------------------

    def _search_runs(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None,
        run_view_type: int,
        max_results: int,
        order_by: Sequence[str] | None,
        page_token: str | None,
    ) -> tuple[list[Run], str | None]:
        check_max_results(max_results)
        orders = parse_order_by(order_by, RUNS)
        found = self._runs_to_find(experiment_ids, filter_string, run_view_type)
        kept, token = page(found, orders, RUNS, run_values, max_results, page_token)
        return [self._load_run(x.place, x.info) for x in kept], token

    def count_runs(
        self, experiment_ids: Sequence[str], filter_string: str | None, run_view_type: int
    ) -> int:
        """How many runs match, on all pages together."""
        return len(self._runs_to_find(experiment_ids, filter_string, run_view_type))

    def _run_to_read(self, run_id: str) -> _Candidate | None:
        try:
            place = self._run_place(run_id)
            return _Candidate(self, place, self._run_parts(place))
        except (FileNotFoundError, MlflowException):  # also one that cannot be read
            return None

    def _whole(self, runs: Sequence[_Candidate | Run]) -> Iterator[Run]:
        for run in runs:
            with contextlib.suppress(FileNotFoundError):  # it was moved meanwhile
                is_whole = isinstance(run, Run)
                yield run if is_whole else self._load_run(run.place, run.info)

    def _runs_to_find(
        self, experiment_ids: Sequence[str], filter_string: str | None, run_view_type: int
    ) -> list[_Candidate]:
        """The runs that match, in no order."""
        stages = LifecycleStage.view_type_to_stages(run_view_type)
        fits = matcher(parse_filter(filter_string, RUNS), run_values)
        found = []
        for experiment_id in dict.fromkeys(str(experiment_key(e)) for e in experiment_ids):
            experiment = self._find_experiment_folder(experiment_id)
            if experiment is None:
                continue
            for place, parts in self._runs_in(experiment):
                if parts.lifecycle_stage in stages:
                    candidate = _Candidate(self, place, parts)
                    if fits(candidate):
                        found.append(candidate)
        return found


class _Candidate:
    """A run that a search looks at; what it logged is read when, and as far as, it is asked for."""

    __slots__ = ("_store", "data", "info", "metrics", "params", "place", "tags")

    def __init__(self, store: FileRuns, place: Place, parts: RunParts):
        self._store = store
        self.place = place
        self.info = parts
        self.data = self
        self.metrics = _Values(lambda key: store._latest_value(place, key))
        self.params = _Values(lambda key: _text_of(place, "params", key))
        self.tags = _Values(lambda key: _text_of(place, "tags", key))

    @property
    def inputs(self) -> RunInputs:
        return self._uses()[0]

    @property
    def outputs(self) -> RunOutputs:
        return self._uses()[1]

    def _uses(self) -> tuple[RunInputs, RunOutputs]:
        experiment = Place("", os.path.dirname(self.place.path))
        return self._store._load_uses(experiment, self.place)


class _Values:
    """Values by key, each of which is read once."""

    __slots__ = ("_known", "_read")

    def __init__(self, read: Any):
        self._read = read
        self._known: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        if key not in self._known:
            self._known[key] = self._read(key)
        return self._known[key]


def _texts(place: Place, kind: str) -> list[tuple[str, str]]:
    """A run's params or tags."""
    return [
        (key, as_text(content))
        for key, path in disk.keys_in(place.folder(kind))
        if (content := disk.read(path)) is not None
    ]


def _text_of(place: Place, kind: str, key: str) -> str | None:
    path = disk.path_of_key(place.folder(kind), key)
    content = disk.read(path) if path else None
    return None if content is None else as_text(content)


def _meta_of(run: RunParts) -> dict[str, Any]:
    """What `meta.yaml` says of a new run; some of it for readers of old versions."""
    meta: dict[str, Any] = {
        **run._asdict(),
        "status": RunStatus.from_string(run.status),
        "entry_point_name": "",
        "source_name": "",
        "source_type": 4,
        "source_version": "",
        "tags": [],
    }
    if run.deleted_time is None:
        del meta["deleted_time"]
    return meta


def checked_tags(tags: Sequence[RunTag]) -> dict[str, bytes]:
    """What is written for a run's tags. Their keys must be names of files, even where other stores
    take any text."""
    values = {}
    for tag in tags:
        tag = _validate_tag(tag.key, tag.value)
        disk.key_steps(tag.key)
        values[tag.key] = (checked_text(tag.value, f"tag '{tag.key}'") or "").encode()
    return values


def checked_param(param: Param) -> bytes:
    disk.key_steps(param.key)
    return (checked_text(param.value, f"param '{param.key}'") or "").encode()


def new_params(
    place: Place, params: dict[str, bytes]
) -> tuple[dict[str, bytes], list[tuple[str, str, str]]]:
    """Those that the run has not, and (key, value there, value given) of those with another
    value."""
    folder = place.folder("params")
    disk.check_places(folder, list(params), "Param")
    fresh, changed = {}, []
    for key, value in params.items():
        path = disk.path_of_key(folder, key)
        there = disk.read(path) if path else None
        if there is None:
            fresh[key] = value
        elif there != value:
            changed.append((key, as_text(there), as_text(value)))
    return fresh, changed


def put_params(run_id: str, place: Place, params: dict[str, bytes]) -> None:
    if not params:
        return
    try:
        disk.put_keys(place.path, "params", params, new=True)
    except FileExistsError:  # of a program without our locks, a moment ago
        fresh, changed = new_params(place, params)
        if changed:
            raise params_changed(run_id, changed) from None
        put_params(run_id, place, fresh)
