"""What `meta.yaml` says of an experiment or a run."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from mlflow.entities import Experiment, ExperimentTag, LifecycleStage, RunInfo, RunStatus
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.file import disk
from mlflow.utils import safe_yaml

T = TypeVar("T")

META = "meta.yaml"

_STATUS_NAMES = {number: RunStatus.to_string(number) for number in RunStatus.all_status()}
#: Nanoseconds. A file that was changed just now may change again without a trace: some file
#: systems' clocks tick that slowly, and numbers of files are used again.
_SETTLED = 2_000_000_000
_MOST_REMEMBERED = 100_000


class BrokenMeta(MlflowException):
    """A `meta.yaml` that does not say what it must."""

    def __init__(self, path: str, reason: str):
        super().__init__(
            f"'{path}' {reason}. Mend the file, or move its folder out of the store.",
            error_code=CODES["INVALID_STATE"],
        )


class ExperimentParts(NamedTuple):
    """An experiment but for its tags."""

    experiment_id: str
    name: str
    artifact_location: str
    lifecycle_stage: str
    creation_time: int | None
    last_update_time: int | None

    def entity(self, tags: list[ExperimentTag]) -> Experiment:
        return Experiment(
            experiment_id=self.experiment_id,
            name=self.name,
            artifact_location=self.artifact_location,
            lifecycle_stage=self.lifecycle_stage,
            tags=tags,
            creation_time=self.creation_time,
            last_update_time=self.last_update_time,
        )


class RunParts(NamedTuple):
    """A run but for what it logged."""

    run_id: str
    experiment_id: str
    user_id: str
    status: str
    start_time: int
    end_time: int | None
    lifecycle_stage: str
    artifact_uri: str | None
    run_name: str | None
    deleted_time: int | None

    def entity(self) -> RunInfo:
        return RunInfo(*self[:-1])


# YAML.


def load(content: bytes, path: str) -> dict[str, Any]:
    """The mapping in a file.

    Raises:
        BrokenMeta: If it has none.
    """
    try:
        found = safe_yaml.load(content)
    except ValueError as e:
        raise BrokenMeta(path, f"is not YAML ({_problem(e.__cause__ or e)})") from None
    if not isinstance(found, dict):
        raise BrokenMeta(path, "is empty" if found is None else "has no names with values")
    return found


def dump(meta: dict[str, Any]) -> bytes:
    """What is written for a mapping."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return yaml.dump(
        meta, Dumper=dumper, default_flow_style=False, allow_unicode=True, encoding="utf-8"
    )


def _problem(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return str(error).partition("\n")[0][:200]
    return f"line {mark.line + 1}: {getattr(error, 'problem', None)}"


# From a mapping to parts.


def experiment_parts(meta: dict[str, Any], path: str, experiment_id: str) -> ExperimentParts:
    """The parts that a mapping has.

    Args:
        path: Of the file, for messages.
        experiment_id: The name of its folder.

    Raises:
        BrokenMeta: If something is missing, or is another experiment's.
    """
    _check_id(meta, path, "experiment_id", experiment_id)
    stage = stage_in(meta, path)
    return ExperimentParts(
        experiment_id,
        text_in(meta, path, "name"),
        text_in(meta, path, "artifact_location"),
        stage,
        number_in(meta, path, "creation_time"),
        number_in(meta, path, "last_update_time"),
    )


def run_parts(
    meta: dict[str, Any], path: str, run_id: str, experiment_id: str, name: str | None
) -> RunParts:
    """The parts that a mapping has; files of old versions are understood.

    Args:
        path: Of the file, for messages.
        run_id: The name of its folder.
        experiment_id: The name of the folder above it.
        name: Of the run, in case that it says none.

    Raises:
        BrokenMeta: If something is missing, or is another run's.
    """
    is_old = "run_id" not in meta and "run_uuid" in meta
    _check_id(meta, path, "run_uuid" if is_old else "run_id", run_id)
    _check_id(meta, path, "experiment_id", experiment_id)
    if "user_id" not in meta:  # the last one: it is missing when the file was cut
        raise BrokenMeta(path, "has no 'user_id'")
    status = meta.get("status", RunStatus.RUNNING)
    if type(status) is not int or status not in _STATUS_NAMES:
        raise BrokenMeta(
            path, f"has the status {status!r}; a number from 1 to {len(_STATUS_NAMES)} is needed"
        )
    return RunParts(
        run_id,
        experiment_id,
        text_or_none(meta["user_id"]) or "",
        _STATUS_NAMES[status],
        number_in(meta, path, "start_time") or 0,
        number_in(meta, path, "end_time"),
        stage_in(meta, path, LifecycleStage.ACTIVE),
        text_or_none(meta.get("artifact_uri")),
        text_or_none(meta.get("run_name")) or name,
        number_in(meta, path, "deleted_time"),
    )


def _check_id(meta: dict[str, Any], path: str, key: str, expected: str) -> None:
    found = text_in(meta, path, key)
    if found != expected:
        raise BrokenMeta(path, f"has the {key} '{found}' in the folder '{expected}'")


def text_in(meta: dict[str, Any], path: str, key: str) -> str:
    value = text_or_none(meta.get(key))
    if value is None:
        raise BrokenMeta(path, f"has no '{key}'")
    return value


def text_or_none(value: Any) -> str | None:
    """Numbers are names, too, where somebody has left out the quotes."""
    return None if value is None or isinstance(value, (dict, list)) else str(value)


def number_in(meta: dict[str, Any], path: str, key: str) -> int | None:
    value = meta.get(key)
    if value is None or type(value) is int:
        return value
    raise BrokenMeta(path, f"has the {key} {value!r}; milliseconds since 1970 are needed")


def stage_in(meta: dict[str, Any], path: str, default: str | None = None) -> str:
    stage = meta.get("lifecycle_stage", default)
    if not isinstance(stage, str) or not LifecycleStage.is_valid(stage):
        raise BrokenMeta(path, f"has the stage {stage!r}; 'active' or 'deleted' is needed")
    return stage


# Reading a file once.


class Remembered:
    """What files say, read again only when they have changed. Any thread may use it."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, int, int], Any]] = {}

    def get(self, path: str, understand: Callable[[bytes], T]) -> T | None:
        """What `understand` makes of the content of a file, to be left as it is; None if there is
        no file."""
        try:
            found = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not stat.S_ISREG(found.st_mode):
            return None
        version = (found.st_mtime_ns, found.st_size, found.st_ino)
        known = self._known.get(path)
        if known is not None and known[0] == version:
            return known[1]
        content = disk.read(path)
        if content is None:
            return None
        value = understand(content)
        if len(content) == found.st_size and time.time_ns() - found.st_mtime_ns > _SETTLED:
            self._remember(path, (version, value))
        return value

    def _remember(self, path: str, entry: tuple[tuple[int, int, int], Any]) -> None:
        self._known[path] = entry
        if len(self._known) > _MOST_REMEMBERED:
            for old in list(self._known)[: _MOST_REMEMBERED // 4]:
                self._known.pop(old, None)
