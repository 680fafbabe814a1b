"""Removing for good what was deleted: what `mlflow gc` needs."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress

from mlflow.entities import LifecycleStage
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.file import disk
from mlflow.store.tracking.file.core import FileCore, now_ms


class FileRemoval(FileCore):
    def _get_deleted_runs(self, older_than: int = 0) -> list[str]:
        """Ids of runs that were deleted more than `older_than` milliseconds ago."""
        limit = now_ms() - older_than
        return [
            run.id
            for experiment in self._experiment_places()
            for run, parts in self._runs_in(experiment)
            if parts.lifecycle_stage == LifecycleStage.DELETED
            and (parts.deleted_time or 0) <= limit
        ]

    def _get_deleted_experiments(self, older_than: int = 0) -> list[str]:
        """Ids of experiments that were deleted more than `older_than` milliseconds ago. Deleting is
        the last thing that can happen to one."""
        limit = now_ms() - older_than
        return [
            place.id
            for place, parts in self._all_experiments()
            if place.is_deleted and (parts.last_update_time or 0) <= limit
        ]

    def _hard_delete_run(self, run_id: str) -> None:
        """Remove a deleted run and all that is in its folder.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if the run is active.
        """
        with self._changing_run(run_id) as (place, parts):
            if parts.lifecycle_stage != LifecycleStage.DELETED:
                raise MlflowException.invalid_parameter_value(
                    f"The run {run_id} is active; only a deleted run can be removed."
                )
            # First what makes it a run: a part of it must not be taken for the whole.
            os.unlink(place.meta)
            shutil.rmtree(place.path)
        disk.sync_folder(os.path.dirname(place.path))
        self._homes.pop(run_id, None)

    def _hard_delete_experiment(self, experiment_id: str) -> None:
        """Remove a deleted experiment with all that is in its folder.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if the experiment is active.
        """
        with self._changing_experiment(experiment_id) as place:
            if not place.is_deleted:
                raise MlflowException.invalid_parameter_value(
                    f"The experiment {experiment_id} is active; only a deleted one can be removed."
                )
            # `meta.yaml` is last: until all is gone, it can be removed again.
            for run in self._run_places(place):
                with suppress(FileNotFoundError):
                    os.unlink(run.meta)
            for entry in disk.folders_in(place.path):
                shutil.rmtree(entry.path)
            os.unlink(place.meta)
            shutil.rmtree(place.path)
        disk.sync_folder(os.path.dirname(place.path))
