"""From a folder of runs to an SQLite database beside it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.resolve import tracking_store
from mlflow.store.tracking.sql.store import SqlStore
from mlflow.sync import ArtifactMode, Report, sync

#: What no part of ours knows, by where it is.
_LATER = {
    "models/*": "registered models",
}


def migrate(source: str, target: str, report: Report) -> None:
    """Make a database that has what a folder has, under the same ids. The files of runs stay where
    they are.

    Args:
        source: Path of the folder, or of the one that it is in under the name `mlruns`.
        target: Path of the database; one that is there is replaced, once everything is copied.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if there are no runs in the folder.
    """
    folder = find_mlruns(source)
    report.experiment(f"Source: {folder}")
    target = os.path.abspath(target)
    part = f"{target}.migrating"
    _remove(part)
    uri = f"sqlite:///{part}"
    store = tracking_store(uri, os.path.join(os.path.dirname(target), "mlruns"))
    assert isinstance(store, SqlStore)
    try:
        files = folder.as_uri()
        if _has_default(files):  # which is to be as it is there
            store.delete_experiment("0")
            store._hard_delete_experiment("0")
        root = store.artifact_root_uri
        sync(files, uri, artifacts=ArtifactMode.IN_PLACE, artifact_root=root, report=report)
        for what in _left_behind(folder):
            report.problem(f"The folder has {what}, which Headrace cannot bring over yet.")
    except BaseException:
        store.dispose()
        _remove(part)
        raise
    store.dispose()
    os.replace(part, target)


def find_mlruns(source: str) -> Path:
    """The folder that has the experiments; MlflowException INVALID_PARAMETER_VALUE if there is
    none."""
    for folder in (Path(source), Path(source) / "mlruns"):
        if folder.is_dir() and any(folder.glob("*/meta.yaml")):
            return folder.resolve()
    raise MlflowException.invalid_parameter_value(f"Cannot find mlruns directory in '{source}'")


def _has_default(uri: str) -> bool:
    found = tracking_store(uri).search_experiments(
        ViewType.ALL, filter_string="experiment_id = '0'"
    )
    return bool(found)


def _left_behind(folder: Path) -> list[str]:
    """What there is that no part of ours knows."""
    return sorted({what for pattern, what in _LATER.items() if any(folder.glob(pattern))})


def _remove(path: str) -> None:
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path + suffix)
