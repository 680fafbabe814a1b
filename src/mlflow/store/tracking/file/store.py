"""The tracking store in a folder: the parts that its topics share."""

from __future__ import annotations

import os

from mlflow.entities import LifecycleStage
from mlflow.environment_variables import MLFLOW_TRACKING_DIR
from mlflow.store.artifact.location import Location
from mlflow.store.tracking import DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.store.tracking.file import disk
from mlflow.store.tracking.file.changes import FileWatching
from mlflow.store.tracking.file.core import DEFAULT_ID, TRASH, FileCore, now_ms
from mlflow.store.tracking.file.experiments import FileExperiments
from mlflow.store.tracking.file.inputs import FileInputs
from mlflow.store.tracking.file.leases import FileLeases
from mlflow.store.tracking.file.logged_models import FileLoggedModels
from mlflow.store.tracking.file.meta import ExperimentParts, Remembered
from mlflow.store.tracking.file.metrics import FileMetrics
from mlflow.store.tracking.file.removal import FileRemoval
from mlflow.store.tracking.file.runs import FileRuns
from mlflow.store.tracking.file.traces import FileTraces
from mlflow.store.tracking.file.transfer import FileTransfer
from mlflow.utils.file_utils import path_to_local_file_uri
from mlflow.utils.uri import resolve_uri_if_local


class FileStore(
    FileTransfer,
    FileExperiments,
    FileRuns,
    FileMetrics,
    FileInputs,
    FileLoggedModels,
    FileTraces,
    FileRemoval,
    FileLeases,
    FileWatching,
    FileCore,
    AbstractStore,
):
    """A tracking store in a folder, in MLflow's layout; an empty one gets the default experiment.

    Args:
        root_directory: Path or `file:` URI of the folder, which is made if it is not there; None
            for that in MLFLOW_TRACKING_DIR or, without it, `./mlruns`.
        artifact_root_uri: Where new experiments' artifacts go, each in a folder of its own; None
            for the folder itself.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is no folder, or none of this machine.
    """

    def __init__(
        self, root_directory: str | None = None, artifact_root_uri: str | None = None
    ) -> None:
        super().__init__()
        given = str(root_directory or _default_root())
        path = os.path.abspath(Location.parse(given).path)
        self.root_directory = path
        self.artifact_root_uri = resolve_uri_if_local(artifact_root_uri or given)
        self._remembered = Remembered()
        self._homes: dict[str, str] = {}
        self._reported: set[str] = set()
        try:
            os.makedirs(path, exist_ok=True)
            self.root = os.path.realpath(path)
            self._make_default()
        except OSError as e:
            raise disk.not_stored(f"'{path}'", e) from e

    def _make_default(self) -> None:
        """Make the default experiment, unless there is one of any name."""
        if self._has_experiment():
            return
        with self._changing_names():
            if not self._has_experiment():
                disk.make_folders(self.root, TRASH)
                now = now_ms()
                self._make_experiment(
                    ExperimentParts(DEFAULT_ID, "Default", "", LifecycleStage.ACTIVE, now, now), {}
                )

    def _has_experiment(self) -> bool:
        return any(disk.is_file(place.meta) for place in self._experiment_places())

    def dispose(self) -> None:
        """Nothing is kept open."""


def _default_root() -> str:
    return path_to_local_file_uri(MLFLOW_TRACKING_DIR.get() or DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH)
