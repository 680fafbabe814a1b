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

    def _get_deleted_logged_models(self, older_than: int = 0) -> list[str]:
        """Ids of logged models that were deleted more than `older_than` milliseconds ago. Deleting
        is the last thing that changes one's time."""
        limit = now_ms() - older_than
        return [
            place.id
            for experiment in self._experiment_places()
            for place, parts in self._models_in(experiment)  # type: ignore[attr-defined]
            if parts.lifecycle_stage == LifecycleStage.DELETED and parts.last_update_time <= limit
        ]

    def _logged_models_in(self, experiment_id: str) -> list[str]:
        """Ids of all logged models of an experiment, deleted or not."""
        experiment = self._experiment_place(experiment_id)
        return [place.id for place, _ in self._models_in(experiment)]  # type: ignore[attr-defined]

    def _is_deleted_logged_model(self, model_id: str) -> bool:
        """Whether it is deleted; MlflowException RESOURCE_DOES_NOT_EXIST if there is none."""
        parts = self._model_parts(self._model_place(model_id))  # type: ignore[attr-defined]
        return parts.lifecycle_stage == LifecycleStage.DELETED

    def _hard_delete_logged_model(self, model_id: str) -> None:
        """Remove a deleted logged model and all that is in its folder.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if the model is active.
        """
        with self._changing_model(model_id) as (place, parts):  # type: ignore[attr-defined]
            if parts.lifecycle_stage != LifecycleStage.DELETED:
                raise MlflowException.invalid_parameter_value(
                    f"The logged model {model_id} is active; only a deleted one can be removed."
                )
            # First what makes it a model: a part of it must not be taken for the whole.
            os.unlink(place.meta)
            shutil.rmtree(place.path)
        disk.sync_folder(os.path.dirname(place.path))
        self._homes.pop(model_id, None)

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
