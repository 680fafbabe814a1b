"""Logged models in folders: `<experiment>/models/<id>` with `meta.yaml`, `params`, `tags`,
`metrics` and, unless the experiment's artifacts are elsewhere, `artifacts`."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from mlflow.entities import (
    LifecycleStage,
    LoggedModel,
    LoggedModelParameter,
    LoggedModelStatus,
    LoggedModelTag,
    Metric,
)
from mlflow.search import Grammar, OrderBy
from mlflow.search.evaluate import matcher
from mlflow.search.logged_models import (
    DatasetFilter,
    ModelOrder,
    parse_datasets,
    parse_filter,
    parse_order,
)
from mlflow.search.tree import And
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking.base.checks import check_experiment_is_active, experiment_key
from mlflow.store.tracking.base.logged_models import (
    LoggedModels,
    PageTokens,
    new_model_id,
    new_params,
    no_model,
    no_model_tag,
    page_size,
    tag_values,
)
from mlflow.store.tracking.file import disk
from mlflow.store.tracking.file.core import MODELS, FileCore, Place, as_text, checked_text, now_ms
from mlflow.store.tracking.file.meta import (
    BrokenMeta,
    load,
    number_in,
    stage_in,
    text_in,
    text_or_none,
)
from mlflow.store.tracking.file.metrics import integer
from mlflow.store.tracking.paging import page
from mlflow.utils.name_utils import _generate_random_name
from mlflow.utils.uri import append_to_uri_path
from mlflow.utils.validation import _validate_logged_model_name

_NEWEST_FIRST = (OrderBy("attribute", "creation_time", False), OrderBy("attribute", "model_id"))
_ORDER = Grammar(
    name="logged models",
    entities=(),
    default_order=_NEWEST_FIRST,
    ties=_NEWEST_FIRST,
    unknown_entity="",
    null_refused="",
    order_refused="",
    repeated_order=True,
)


class ModelParts(NamedTuple):
    """A logged model but for what was logged about it."""

    model_id: str
    experiment_id: str
    name: str
    artifact_location: str
    creation_time: int
    last_update_time: int
    model_type: str | None
    source_run_id: str | None
    status: int
    status_message: str | None
    lifecycle_stage: str


class FileLoggedModels(FileCore, LoggedModels):
    def create_logged_model(
        self,
        experiment_id: str = "0",
        name: str | None = None,
        source_run_id: str | None = None,
        tags: list[LoggedModelTag] | None = None,
        params: list[LoggedModelParameter] | None = None,
        model_type: str | None = None,
    ) -> LoggedModel:
        _validate_logged_model_name(name)
        for text, what in ((name, "name"), (source_run_id, "run id"), (model_type, "model type")):
            checked_text(text, what)
        model_id = new_model_id()
        files = {
            "tags": checked_values(tag_values(tags)),
            "params": checked_values(new_params(model_id, {}, params)),
        }
        now = now_ms()
        with self._changing_experiment(experiment_id) as experiment:
            of_experiment = self._experiment_parts(experiment)
            check_experiment_is_active(experiment.id, of_experiment.lifecycle_stage)
            location = of_experiment.artifact_location
            folder = disk.make_folders(experiment.path, MODELS, model_id)
            try:
                for kind, values in files.items():
                    disk.check_places(os.path.join(folder, kind), list(values), kind)
                    disk.put_keys(folder, kind, values)
                self._write_meta(  # last: without it, there is no model
                    folder,
                    {
                        "artifact_location": append_to_uri_path(
                            location, MODELS, model_id, "artifacts"
                        ),
                        "creation_timestamp": now,
                        "experiment_id": experiment.id,
                        "last_updated_timestamp": now,
                        "lifecycle_stage": LifecycleStage.ACTIVE,
                        "model_id": model_id,
                        "model_type": model_type,
                        "name": name or _generate_random_name(),
                        "source_run_id": source_run_id,
                        "status": LoggedModelStatus.PENDING.to_int(),
                        "status_message": None,
                    },
                )
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            place = Place(model_id, folder)
            return self._load_model(place, self._model_parts(place))

    # -- reading ----------------------------------------------------------------------------

    def get_logged_model(self, model_id: str, allow_deleted: bool = False) -> LoggedModel:
        for _ in range(2):
            place = self._model_place(model_id)
            try:
                parts = self._model_parts(place)
            except FileNotFoundError:  # its experiment was moved meanwhile
                continue
            if parts.lifecycle_stage != LifecycleStage.ACTIVE and not allow_deleted:
                break
            return self._load_model(place, parts)
        raise no_model(model_id)

    def search_logged_models(
        self,
        experiment_ids: list[str],
        filter_string: str | None = None,
        datasets: list[dict[str, Any]] | None = None,
        max_results: int | None = None,
        order_by: list[dict[str, Any]] | None = None,
        page_token: str | None = None,
    ) -> PagedList[LoggedModel]:
        comparisons, wanted = parse_filter(filter_string), parse_datasets(datasets)
        orders, size = parse_order(order_by), page_size(max_results)
        tokens = PageTokens(experiment_ids, filter_string, orders)
        place = tokens.decode(page_token) if page_token else None
        fits = matcher(And(tuple(comparisons)), lambda model, *key: model.values(wanted, *key))
        found = [
            model
            for experiment_id in dict.fromkeys(str(experiment_key(e)) for e in experiment_ids)
            for model in self._candidates(experiment_id)
            if (not wanted or model.is_measured_on(wanted)) and fits(model)
        ]
        kept, behind = page(found, _as_orders(orders), _ORDER, _order_values(orders), size, place)
        models = [self._load_model(model.place, model.parts) for model in kept]
        return PagedList(models, tokens.encode(behind) if behind else None)

    def _candidates(self, experiment_id: str) -> Iterator[_Candidate]:
        """The active models of an experiment that can be read; the others are reported."""
        experiment = self._find_experiment_folder(experiment_id)
        if experiment is None:
            return
        for place, parts in self._models_in(experiment):
            if parts.lifecycle_stage == LifecycleStage.ACTIVE:
                yield _Candidate(self, place, parts)

    def _models_in(self, experiment: Place) -> Iterator[tuple[Place, ModelParts]]:
        """Every model of an experiment that can be read, deleted or not; the others are
        reported."""
        for entry in disk.folders_in(experiment.folder(MODELS)):
            place = Place(entry.name, entry.path, experiment.is_deleted)
            if not disk.is_file(place.meta):
                continue  # metrics of a model that is not here
            try:
                yield place, self._model_parts(place)
            except FileNotFoundError:
                continue
            except BrokenMeta as e:
                self._report(f"Logged model {place.id} is left out: {e.message}")

    def _load_model(self, place: Place, parts: ModelParts) -> LoggedModel:
        return LoggedModel(
            parts.experiment_id,
            parts.model_id,
            parts.name,
            parts.artifact_location,
            parts.creation_time,
            parts.last_update_time,
            parts.model_type,
            parts.source_run_id,
            parts.status,
            parts.status_message,
            self._values(place, "tags"),
            self._values(place, "params"),
            self._model_metrics(place),
        )

    def _values(self, place: Place, kind: str) -> dict[str, str]:
        found = {
            key: as_text(content)
            for key, path in disk.keys_in(place.folder(kind))
            if (content := disk.read(path)) is not None
        }
        return dict(sorted(found.items()))

    def _model_metrics(self, place: Place) -> list[Metric]:
        """All that was measured on a model, each point once."""
        return [
            metric
            for key, path in sorted(disk.keys_in(place.folder("metrics")))
            for metric in self._points_of_model(place, key, path)
        ]

    def _points_of_model(self, place: Place, key: str, path: str) -> list[Metric]:
        content = disk.read(path) or b""
        found: dict[tuple[Any, ...], None] = {}
        # A last line without a line break is one that is still written, or never was.
        for number, line in enumerate(content.decode("utf-8", errors="replace").split("\n")[:-1]):
            try:
                found[_point(line.split())] = None
            except (ValueError, OverflowError):
                if line.strip():
                    self._report(
                        f"'{self._shown(path)}', line {number + 1}: {line[:100]!r} is left out; "
                        "'timestamp value step run' is needed."
                    )
        return [
            Metric(key, value, timestamp, step, place.id, name, digest, run_id)
            for timestamp, value, step, run_id, name, digest in found
        ]

    # -- changing ---------------------------------------------------------------------------

    def finalize_logged_model(self, model_id: str, status: LoggedModelStatus) -> LoggedModel:
        with self._changing_model(model_id) as (place, parts):
            now = max(now_ms(), parts.last_update_time)
            self._change_model_meta(place, status=status.to_int(), last_updated_timestamp=now)
            changed = parts._replace(status=status.to_int(), last_update_time=now)
            return self._load_model(place, changed)

    def set_logged_model_tags(self, model_id: str, tags: list[LoggedModelTag]) -> None:
        values = checked_values(tag_values(tags))
        with self._changing_model(model_id) as (place, _):
            if values:
                disk.check_places(place.folder("tags"), list(values), "Tag")
                disk.put_keys(place.path, "tags", values)

    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        with self._changing_model(model_id) as (place, _):
            tags = place.folder("tags")
            path = disk.path_of_key(tags, key)
            if path is None or not disk.remove(path, tags):
                raise no_model_tag(model_id, key)

    def log_logged_model_params(self, model_id: str, params: list[LoggedModelParameter]) -> None:
        with self._changing_model(model_id) as (place, _):
            values = checked_values(new_params(model_id, self._values(place, "params"), params))
            if values:
                disk.check_places(place.folder("params"), list(values), "Param")
                disk.put_keys(place.path, "params", values)

    def delete_logged_model(self, model_id: str) -> None:
        with self._changing_model(model_id) as (place, parts):
            if parts.lifecycle_stage == LifecycleStage.ACTIVE:
                self._change_model_meta(
                    place,
                    lifecycle_stage=LifecycleStage.DELETED,
                    last_updated_timestamp=max(now_ms(), parts.last_update_time),
                )

    # -- places -----------------------------------------------------------------------------

    def _model_place(self, model_id: str) -> Place:
        """The folder of a model; MlflowException RESOURCE_DOES_NOT_EXIST if there is none."""
        place = self._find_model(model_id)
        if place is None:
            raise no_model(model_id)
        return place

    def _model_parts(self, place: Place) -> ModelParts:
        """What a model's `meta.yaml` says.

        Raises:
            BrokenMeta: If it does not say what it must.
            FileNotFoundError: If there is none.
        """
        path = self._shown(place.meta)
        experiment_id = os.path.basename(os.path.dirname(os.path.dirname(place.path)))
        parts = self._remembered.get(
            place.meta,
            lambda content: _model_parts(load(content, path), path, place.id, experiment_id),
        )
        if parts is None:
            raise FileNotFoundError(place.meta)
        return parts

    @contextlib.contextmanager
    def _changing_model(self, model_id: str) -> Iterator[tuple[Place, ModelParts]]:
        """The folder of a model, which nobody else changes meanwhile, and what the model is."""
        for _ in range(2):
            place = self._model_place(model_id)
            with contextlib.ExitStack() as stack:
                try:
                    stack.enter_context(disk.locked(place.path))
                    parts = self._model_parts(place)
                except FileNotFoundError:
                    continue
                try:
                    yield place, parts
                except OSError as e:
                    raise disk.not_stored(f"logged model {model_id}", e) from e
                return
        raise no_model(model_id)

    def _change_model_meta(self, place: Place, **changes: Any) -> None:
        self._write_meta(place.path, {**self._load(place), **changes})


class _Candidate:
    """A model that a search looks at; what was logged about it is read when it is asked for."""

    def __init__(self, store: FileLoggedModels, place: Place, parts: ModelParts):
        self._store = store
        self.place = place
        self.parts = parts

    def values(self, datasets: Sequence[DatasetFilter], entity: str, key: str) -> Sequence[Any]:
        """What the model has under a key of a filter."""
        if entity == "metric":
            return [m.value for m in self._metrics(key) if not datasets or _is_on(m, datasets)]
        if entity == "attribute":
            return self.attribute(key)
        path = disk.path_of_key(self.place.folder(f"{entity}s"), key)
        content = disk.read(path) if path else None
        return [] if content is None else [as_text(content)]

    def attribute(self, key: str) -> Sequence[Any]:
        value = getattr(self.parts, key)
        if key == "status":
            value = str(value)
        return [] if value is None else [value]

    def latest(self, order: ModelOrder) -> Sequence[float]:
        """The latest value of a metric, if there is one."""
        points = [
            (m.timestamp, m.step, i, m.value)
            for i, m in enumerate(self._metrics(order.key))
            if order.counts(m.dataset_name, m.dataset_digest)
        ]
        return [max(points)[-1]] if points else []

    def is_measured_on(self, datasets: Sequence[DatasetFilter]) -> bool:
        return any(_is_on(m, datasets) for m in self._store._model_metrics(self.place))

    def _metrics(self, key: str) -> list[Metric]:
        path = disk.path_of_key(self.place.folder("metrics"), key)
        return self._store._points_of_model(self.place, key, path) if path else []


def _is_on(metric: Metric, datasets: Sequence[DatasetFilter]) -> bool:
    return any(d.has(metric.dataset_name, metric.dataset_digest) for d in datasets)


def _as_orders(orders: Sequence[ModelOrder]) -> list[OrderBy]:
    """Orders that a page can be made of; those by metrics by their number."""
    return [
        OrderBy(o.entity, str(i) if o.entity == "metric" else o.key, o.ascending)
        for i, o in enumerate(orders)
    ]


def _order_values(orders: Sequence[ModelOrder]) -> Any:
    def values(model: _Candidate, entity: str, key: str) -> Sequence[Any]:
        return model.latest(orders[int(key)]) if entity == "metric" else model.attribute(key)

    return values


def _point(words: list[str]) -> tuple[Any, ...]:
    """Timestamp, value, step, run and dataset in a line."""
    if len(words) not in (4, 6):
        raise ValueError(words)
    dataset = (words[4], words[5]) if len(words) == 6 else (None, None)
    return integer(words[0]), float(words[1]), integer(words[2]), words[3], *dataset


def checked_values(values: dict[str, str]) -> dict[str, bytes]:
    """What is written for tags or params of a logged model."""
    for key in values:
        disk.key_steps(key)
    return {k: (checked_text(v, f"value of '{k}'") or "").encode() for k, v in values.items()}


def _model_parts(meta: dict[str, Any], path: str, model_id: str, experiment_id: str) -> ModelParts:
    for key, expected in (("model_id", model_id), ("experiment_id", experiment_id)):
        found = text_in(meta, path, key)
        if found != expected:
            raise BrokenMeta(path, f"has the {key} '{found}' in the folder '{expected}'")
    status = meta.get("status")
    if type(status) is not int or not 0 <= status < len(LoggedModelStatus):
        raise BrokenMeta(path, f"has the status {status!r}; a number from 0 to 3 is needed")
    created = number_in(meta, path, "creation_timestamp") or 0
    return ModelParts(
        model_id,
        experiment_id,
        text_in(meta, path, "name"),
        text_in(meta, path, "artifact_location"),
        created,
        number_in(meta, path, "last_updated_timestamp") or created,
        text_or_none(meta.get("model_type")),
        text_or_none(meta.get("source_run_id")),
        status,
        text_or_none(meta.get("status_message")),
        stage_in(meta, path, LifecycleStage.ACTIVE),
    )
