"""Datasets and models of runs in folders.

An input or output is a folder with a `meta.yaml`, whose `source_id` names the dataset or model. Its
own name is only made so that the same one is made twice.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    RunInputs,
    RunOutputs,
)
from mlflow.entities.dataset_summary import _DatasetSummary
from mlflow.store.tracking.base.checks import check_run_is_active, experiment_key
from mlflow.store.tracking.base.inputs import Inputs
from mlflow.store.tracking.file import disk
from mlflow.store.tracking.file.core import FileCore, Place, as_text, checked_text
from mlflow.store.tracking.file.meta import META, BrokenMeta, load
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT, MLFLOW_LOGGED_MODELS
from mlflow.utils.validation import _validate_dataset_inputs

_SUMMARIES = 1000


class FileInputs(FileCore, Inputs):
    def log_inputs(
        self,
        run_id: str,
        datasets: Sequence[DatasetInput] | None = None,
        models: Sequence[LoggedModelInput] | None = None,
    ) -> None:
        _validate_dataset_inputs(datasets or [])
        with self._changing_run(run_id) as (place, parts):
            check_run_is_active(run_id, parts.lifecycle_stage)
            for use in datasets or ():
                self._add_dataset(place, use)
            for model in models or ():
                self._add_model_input(place, model.model_id)

    def log_outputs(self, run_id: str, models: Sequence[LoggedModelOutput]) -> None:
        with self._changing_run(run_id) as (place, parts):
            check_run_is_active(run_id, parts.lifecycle_stage)
            for model in models:
                self._add_output(place, model)

    def record_logged_model(self, run_id: str, mlflow_model: Any) -> None:
        """Add a model's description to the run's tag of models.

        Args:
            mlflow_model: Has `get_tags_dict()`, or is the description itself.
        """
        described = (
            mlflow_model.get_tags_dict() if hasattr(mlflow_model, "get_tags_dict") else mlflow_model
        )
        with self._changing_run(run_id) as (place, parts):
            check_run_is_active(run_id, parts.lifecycle_stage)
            there = disk.read(os.path.join(place.folder("tags"), MLFLOW_LOGGED_MODELS))
            history = [*json.loads(as_text(there)), described] if there else [described]
            content = json.dumps(history).encode()
            disk.put_keys(place.path, "tags", {MLFLOW_LOGGED_MODELS: content})

    def _search_datasets(self, experiment_ids: Sequence[str]) -> list[_DatasetSummary]:
        """The distinct (dataset, context) of these experiments' runs, at most 1000."""
        found: set[tuple[str, str, str, str | None]] = set()
        for experiment_id in {str(experiment_key(e)) for e in experiment_ids}:
            experiment = self._find_experiment_folder(experiment_id)
            if experiment is None:
                continue
            for run in self._run_places(experiment):
                for use in self._dataset_inputs(experiment, run):
                    contexts = [t.value for t in use.tags if t.key == MLFLOW_DATASET_CONTEXT]
                    d = use.dataset
                    found.add((experiment.id, d.name, d.digest, contexts[0] if contexts else None))
        rows = sorted(found, key=lambda row: (int(row[0]), *row[1:3], row[3] or ""))
        return [_DatasetSummary(*row) for row in rows[:_SUMMARIES]]

    # -- reading ----------------------------------------------------------------------------

    def _load_uses(self, experiment: Place, run: Place | None) -> tuple[RunInputs, RunOutputs]:
        """What a run read and made; nothing for None."""
        if run is None:
            return RunInputs([], []), RunOutputs([])
        models = sorted(
            meta["source_id"] for meta in self._uses(run, "inputs") if _type(meta) == "MODEL"
        )
        made = sorted(
            (_step(meta), meta["source_id"])
            for meta in self._uses(run, "outputs")
            if _type(meta) == "RUN_OUTPUT"
        )
        return (
            RunInputs(
                list(self._dataset_inputs(experiment, run)), [LoggedModelInput(m) for m in models]
            ),
            RunOutputs([LoggedModelOutput(model, step) for step, model in made]),
        )

    def _dataset_inputs(self, experiment: Place, run: Place) -> Iterator[DatasetInput]:
        found = []
        for meta in self._uses(run, "inputs"):
            if _type(meta) == "DATASET":
                dataset = self._dataset(experiment, meta["source_id"])
                if dataset is not None:
                    tags = meta.get("tags")
                    tags = tags.items() if isinstance(tags, dict) else ()
                    found.append(DatasetInput(dataset, [InputTag(str(k), str(v)) for k, v in tags]))
                else:
                    self._report(
                        f"Run {run.id} read a dataset that is not in the store any more: "
                        f"{meta['source_id']!r}."
                    )
        found.sort(key=lambda use: (use.dataset.name, use.dataset.digest))
        yield from found

    def _uses(self, run: Place, kind: str) -> Iterator[dict[str, Any]]:
        """What is noted in a run's folder `inputs` or `outputs`."""
        for entry in disk.folders_in(run.folder(kind)):
            meta = self._meta_in(entry.path)
            if meta is None:
                continue
            if isinstance(meta.get("source_id"), str):
                yield meta
            else:
                self._report(f"'{self._shown(entry.path)}' is left out: it names no source.")

    def _dataset(self, experiment: Place, dataset_id: str) -> Dataset | None:
        if "/" in dataset_id or os.sep in dataset_id or dataset_id.startswith("."):
            return None
        meta = self._meta_in(os.path.join(experiment.folder("datasets"), dataset_id))
        if meta is None:
            return None
        text = {key: None if value is None else str(value) for key, value in meta.items()}
        return Dataset(
            text.get("name") or "",
            text.get("digest") or "",
            text.get("source_type") or "",
            text.get("source") or "",
            text.get("schema"),
            text.get("profile"),
        )

    def _meta_in(self, folder: str) -> dict[str, Any] | None:
        """The mapping in a folder's `meta.yaml`; None if there is none, or after reporting that it
        is broken."""
        path = os.path.join(folder, META)
        try:
            return self._remembered.get(path, lambda content: load(content, self._shown(path)))
        except BrokenMeta as e:
            self._report(e.message)
            return None

    # -- writing ----------------------------------------------------------------------------

    def _add_dataset(self, place: Place, use: DatasetInput) -> None:
        """Note that a run read a dataset, with the tags of all times."""
        d = use.dataset
        experiment = Place("", os.path.dirname(place.path))
        dataset_id = _hash(d.name + d.digest)
        there = self._dataset(experiment, dataset_id)
        if there is not None and (there.name, there.digest) != (d.name, d.digest):
            dataset_id, there = _hash(f"{d.name}\0{d.digest}"), None  # "ab" + "c" is "a" + "bc"
        if there is None:
            values = {
                key: checked_text(value, f"dataset's {key}")
                for key, value in d.to_dictionary().items()
            }
            folder = disk.make_folders(experiment.path, "datasets", dataset_id)
            self._write_meta(folder, values)
        tags = {tag.key: checked_text(tag.value, f"tag '{tag.key}'") for tag in use.tags or ()}
        name = _hash(dataset_id + place.id)
        self._note(place, "inputs", name, ("DATASET", "RUN"), dataset_id, tags)

    def _add_model_input(self, place: Place, model_id: str) -> None:
        checked_text(model_id, "model id")
        self._note(place, "inputs", _hash(model_id + place.id), ("MODEL", "RUN"), model_id)

    def _add_output(self, place: Place, model: LoggedModelOutput) -> None:
        model_id = model.model_id
        checked_text(model_id, "model id")
        there = {(m["source_id"], _step(m)) for m in self._uses(place, "outputs")}
        if (model_id, model.step) in there:
            return
        name = model_id
        if any(other == model_id for other, _ in there) or not _is_plain(model_id):
            name = _hash(f"{model_id} {model.step}")
        types = ("RUN_OUTPUT", "MODEL_OUTPUT")
        self._note(place, "outputs", name, types, model_id, step=model.step)

    def _note(
        self,
        place: Place,
        kind: str,
        name: str,
        types: tuple[str, str],
        source_id: str,
        tags: Mapping[str, str | None] = MappingProxyType({}),
        **more: Any,
    ) -> None:
        """Write, or complete, what a run's folder of this name in `inputs` or `outputs` says.

        Args:
            types: Of the source and of the destination.
            source_id: Of the dataset or model. As in the original, it is the destination's, too.
            tags: To add to those that are there.
        """
        folder = disk.make_folders(place.path, kind, name)
        there = self._meta_in(folder)
        old = there.get("tags") if there else None
        all_tags = {**(old if isinstance(old, dict) else {}), **tags}
        if there is not None and all_tags == old:
            return
        meta = {
            "source_type": types[0],
            "source_id": source_id,
            "destination_type": types[1],
            "destination_id": source_id,
            "tags": all_tags,
        }
        self._write_meta(folder, {**meta, **more})


def _hash(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _is_plain(name: str) -> bool:
    return name.replace("-", "").replace("_", "").isalnum() and name.isascii() and len(name) < 200


def _type(meta: dict[str, Any]) -> Any:
    return meta.get("source_type")


def _step(meta: dict[str, Any]) -> int:
    step = meta.get("step")
    return step if type(step) is int else 0
