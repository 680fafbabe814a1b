"""What the topics of the file store share: finding experiments and runs by their ids, and changing
them one writer at a time."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterator
from typing import Any, NamedTuple

from mlflow.entities import LifecycleStage
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.base.checks import experiment_key, no_experiment, no_run
from mlflow.store.tracking.file import disk
from mlflow.store.tracking.file.meta import (
    META,
    BrokenMeta,
    ExperimentParts,
    Remembered,
    RunParts,
    dump,
    experiment_parts,
    load,
    run_parts,
)
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NAME
from mlflow.utils.time import get_current_time_millis as now_ms
from mlflow.utils.validation import _validate_run_id

__all__ = ["FileCore", "Place", "checked_text", "now_ms"]

TRASH = ".trash"
MODELS = "models"
DEFAULT_ID = "0"

#: Something may be moved between finding it and locking it.
_ATTEMPTS = 10
_MODEL_ID = re.compile(r"[a-zA-Z0-9][\w\-]{0,199}", re.ASCII)
#: Folders in an experiment that are no runs.
NO_RUNS = frozenset(("artifacts", "datasets", "models", "tags", "traces"))


class Place(NamedTuple):
    """An experiment's or a run's folder."""

    id: str
    path: str
    is_deleted: bool = False
    """Whether it is the folder of an experiment in the trash."""

    @property
    def meta(self) -> str:
        return os.path.join(self.path, META)

    def folder(self, name: str) -> str:
        return os.path.join(self.path, name)


class FileCore:
    """Base of the topics."""

    root: str
    """Absolute, without symbolic links."""
    artifact_root_uri: str
    _remembered: Remembered
    _homes: dict[str, str]
    _reported: set[str]

    # -- experiments ------------------------------------------------------------------------

    def _experiment_places(self) -> Iterator[Place]:
        """Folders of experiments, in no order."""
        for above, is_deleted in ((self.root, False), (os.path.join(self.root, TRASH), True)):
            for entry in disk.folders_in(above):
                if _is_experiment_id(entry.name):
                    yield Place(entry.name, entry.path, is_deleted)

    def _experiment_place(self, experiment_id: str | int) -> Place:
        """The folder of an experiment.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if there is none.
        """
        place = self._find_experiment(str(experiment_key(experiment_id)))
        if place is None:
            raise no_experiment(experiment_id)
        return place

    def _find_experiment(self, experiment_id: str) -> Place | None:
        for _ in range(2):  # it may be moved to where was just looked
            for above, is_deleted in ((self.root, False), (os.path.join(self.root, TRASH), True)):
                path = os.path.join(above, experiment_id)
                if disk.is_folder(path) and disk.is_file(os.path.join(path, META)):
                    return Place(experiment_id, path, is_deleted)
        return None

    def _find_experiment_folder(self, experiment_id: str) -> Place | None:
        """The folder of an experiment, even if its `meta.yaml` is gone: its runs are there."""
        for place in (
            Place(experiment_id, os.path.join(self.root, experiment_id)),
            Place(experiment_id, os.path.join(self.root, TRASH, experiment_id), True),
        ):
            if disk.is_folder(place.path):
                return place
        return None

    def _experiment_parts(self, place: Place) -> ExperimentParts:
        """What an experiment's `meta.yaml` says. One in the trash is deleted, whatever that says:
        whoever moved it there may have been killed.

        Raises:
            BrokenMeta: If it does not say what it must.
            FileNotFoundError: If there is none.
        """
        path = self._shown(place.meta)
        parts = self._remembered.get(
            place.meta, lambda content: experiment_parts(load(content, path), path, place.id)
        )
        if parts is None:
            raise FileNotFoundError(place.meta)
        return parts._replace(lifecycle_stage=LifecycleStage.DELETED) if place.is_deleted else parts

    def _all_experiments(self) -> Iterator[tuple[Place, ExperimentParts]]:
        """Every experiment that can be read; the others are reported."""
        seen: set[str] = set()
        for _ in range(2):  # one may be moved to where was just looked
            for place in self._experiment_places():
                if place.id in seen:
                    continue
                try:
                    parts = self._experiment_parts(place)
                except FileNotFoundError:
                    continue
                except BrokenMeta as e:
                    self._report(f"Experiment {place.id} is left out: {e.message}")
                    continue
                seen.add(place.id)
                yield place, parts

    @contextlib.contextmanager
    def _changing_names(self) -> Iterator[None]:
        """Keep others from making, renaming and moving experiments. Who needs an experiment, too,
        takes it afterwards; and a run after its experiment."""
        with _stored("experiments"), disk.locked(self.root):
            yield

    @contextlib.contextmanager
    def _changing_experiment(self, experiment_id: str | int) -> Iterator[Place]:
        """The folder of an experiment, which nobody else changes meanwhile."""
        for _ in range(_ATTEMPTS):
            place = self._experiment_place(experiment_id)
            with contextlib.ExitStack() as stack:
                stack.enter_context(_stored(f"experiment {place.id}"))
                try:
                    stack.enter_context(disk.locked(place.path))
                except FileNotFoundError:
                    continue
                yield place
                return
        raise no_experiment(experiment_id)

    def _change_experiment_meta(self, place: Place, **changes: Any) -> None:
        """Write an experiment's `meta.yaml` anew; what we do not know in it, stays."""
        meta = self._load(place)
        meta.pop("tags", None)  # a copy that nobody reads
        self._write_meta(place.path, {**meta, **changes})

    # -- runs -------------------------------------------------------------------------------

    def _run_places(self, experiment: Place) -> Iterator[Place]:
        """Folders of an experiment that may be runs, in no order."""
        for entry in disk.folders_in(experiment.path):
            if entry.name not in NO_RUNS and not entry.name.startswith("."):
                yield Place(entry.name, entry.path)

    def _run_place(self, run_id: str) -> Place:
        """The folder of a run.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if there is none.
        """
        _validate_run_id(run_id)
        if run_id not in NO_RUNS:
            home = self._homes.get(run_id)
            if home is not None and _is_run(os.path.join(home, run_id)):
                return Place(run_id, os.path.join(home, run_id))
            for _ in range(2):  # its experiment may be moved to where was just looked
                for experiment in self._experiment_places():
                    path = os.path.join(experiment.path, run_id)
                    if _is_run(path):
                        self._homes[run_id] = experiment.path
                        return Place(run_id, path)
        raise no_run(run_id)

    def _run_parts(self, place: Place) -> RunParts:
        """What a run's `meta.yaml` says.

        Raises:
            BrokenMeta: If it does not say what it must.
            FileNotFoundError: If there is none.
        """
        parts = self._remembered.get(place.meta, lambda content: self._understand(content, place))
        if parts is None:
            raise FileNotFoundError(place.meta)
        return parts

    def _understand(self, content: bytes, place: Place) -> RunParts:
        path = self._shown(place.meta)
        meta = load(content, path)
        name = None
        if not meta.get("run_name"):  # of an old version
            found = disk.read(os.path.join(place.folder("tags"), MLFLOW_RUN_NAME))
            name = None if found is None else as_text(found)
        experiment_id = os.path.basename(os.path.dirname(place.path))
        return run_parts(meta, path, place.id, experiment_id, name)

    def _runs_in(self, experiment: Place) -> Iterator[tuple[Place, RunParts]]:
        """Every run of an experiment that can be read; the others are reported."""
        for place in self._run_places(experiment):
            try:
                yield place, self._run_parts(place)
            except FileNotFoundError:
                continue
            except BrokenMeta as e:
                self._report(f"Run {place.id} is left out: {e.message}")

    @contextlib.contextmanager
    def _changing_run(self, run_id: str) -> Iterator[tuple[Place, RunParts]]:
        """The folder of a run, which nobody else changes meanwhile, and what the run is."""
        for _ in range(_ATTEMPTS):
            place = self._run_place(run_id)
            with contextlib.ExitStack() as stack:
                stack.enter_context(_stored(f"run {run_id}"))
                try:
                    stack.enter_context(disk.locked(place.path))
                    parts = self._run_parts(place)
                except FileNotFoundError:
                    continue
                yield place, parts
                return
        raise no_run(run_id)

    def _change_run_meta(self, place: Place, **changes: Any) -> None:
        """Write a run's `meta.yaml` anew; what we do not know in it, stays."""
        meta = {**self._load(place), **changes}
        if meta.get("deleted_time") is None:
            meta.pop("deleted_time", None)
        self._write_meta(place.path, meta)

    # -- logged models ----------------------------------------------------------------------

    def _find_model(self, model_id: str) -> Place | None:
        if not is_model_id(model_id):
            return None
        home = self._homes.get(model_id)
        if home is not None and disk.is_file(os.path.join(home, META)):
            return Place(model_id, home)
        for _ in range(2):  # its experiment may be moved to where was just looked
            for experiment in self._experiment_places():
                path = os.path.join(experiment.folder(MODELS), model_id)
                if disk.is_folder(path) and disk.is_file(os.path.join(path, META)):
                    self._homes[model_id] = path
                    return Place(model_id, path)
        return None

    # -- meta.yaml --------------------------------------------------------------------------

    def _load(self, place: Place) -> dict[str, Any]:
        content = disk.read(place.meta)
        if content is None:
            raise FileNotFoundError(place.meta)
        return load(content, self._shown(place.meta))

    def _write_meta(self, folder: str, meta: dict[str, Any]) -> None:
        disk.put({os.path.join(folder, META): dump(meta)}, folder)

    def _shown(self, path: str) -> str:
        """A path as messages have it: from the root of the store on."""
        return os.path.relpath(path, self.root)

    def _report(self, message: str) -> None:
        """Warn, once, of something that is broken."""
        if message not in self._reported:
            from mlflow.utils.logging_utils import get_logger

            self._reported.add(message)
            get_logger(__name__).warning("%s", message)


def is_model_id(text: str) -> bool:
    """Whether a logged model may have it as its id, and as the name of its folder."""
    return bool(_MODEL_ID.fullmatch(text))


def new_experiment_id() -> str:
    """18 random digits."""
    return str(10**17 + secrets.randbelow(9 * 10**17))


def as_text(content: bytes) -> str:
    """What is in a file that has one value."""
    return content.decode("utf-8", errors="replace")


def checked_text(text: str | None, what: str) -> str | None:
    """The text, if files can hold it."""
    try:
        (text or "").encode()
    except UnicodeEncodeError as e:
        raise MlflowException.invalid_parameter_value(
            f"The {what} has {text[e.start]!r} as character {e.start}, which is not text."  # type: ignore[index]
        ) from None
    return text


def _is_experiment_id(name: str) -> bool:
    return name.isascii() and name.isdecimal()


def _is_run(path: str) -> bool:
    return disk.is_folder(path) and disk.is_file(os.path.join(path, META))


@contextlib.contextmanager
def _stored(what: str) -> Iterator[None]:
    """Turn what the system refuses into an error that says what was to be changed."""
    try:
        yield
    except OSError as e:
        raise disk.not_stored(what, e) from e
