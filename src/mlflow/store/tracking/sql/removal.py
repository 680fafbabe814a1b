"""Removing for good what was deleted: what `mlflow gc` needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlflow.entities import LifecycleStage
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.sql.core import SqlCore, experiment_key, marks, now_ms
from mlflow.store.tracking.sql.trace_deletion import remove_traces

_RUN_TABLES = ("param", "tag", "series", "tail", "chunk", "packed_run", "model_metric", "run_model")

#: Bytes of a row of what runs have most of.
_ROW_SIZES = {
    "param": "16 + length(value)",
    "tag": "16 + length(value)",
    "series": "48",
    "tail": "48",
    "chunk": "120 + length(content)",
    "packed_run": "8 + length(content)",
}
#: Runs in one statement.
_BATCH = 500


class SqlRemoval(SqlCore):
    def _get_deleted_runs(self, older_than: int = 0) -> list[str]:
        """Ids of runs that were deleted more than `older_than` milliseconds ago."""
        with self.db.read() as tx:
            rows = tx.execute(
                "select uuid from run where lifecycle_stage = ? and deleted_time <= ?",
                (LifecycleStage.DELETED, now_ms() - older_than),
            ).fetchall()
        return [run_id for (run_id,) in rows]

    def _get_deleted_experiments(self, older_than: int = 0) -> list[str]:
        """Ids of experiments that were deleted more than `older_than` milliseconds ago."""
        with self.db.read() as tx:
            rows = tx.execute(
                "select id from experiment where lifecycle_stage = ? and deleted_time <= ?",
                (LifecycleStage.DELETED, now_ms() - older_than),
            ).fetchall()
        return [str(key) for (key,) in rows]

    def _bytes_of_runs(self, run_ids: Sequence[str]) -> int:
        """About how many bytes the rows of these runs take, indexes aside."""
        total = 0
        with self.db.read() as tx:
            for i in range(0, len(run_ids), _BATCH):
                batch = run_ids[i : i + _BATCH]
                runs = f"(select id from run where uuid in ({marks(batch)}))"
                for table, size in _ROW_SIZES.items():
                    (found,) = tx.execute(
                        f"select coalesce(sum({size}), 0) from {table} where run_id in {runs}",
                        batch,
                    ).fetchone()
                    total += int(found)
        return total

    def _hard_delete_run(self, run_id: str) -> None:
        """Remove a deleted run and all it logged, except for its artifacts.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if the run is active.
        """

        def write(tx: Any) -> None:
            row = self._run_row(tx, run_id)
            if row.lifecycle_stage != LifecycleStage.DELETED:
                raise MlflowException.invalid_parameter_value(
                    f"The run {run_id} is active; only a deleted run can be removed."
                )
            self._remove_run(tx, row.id)
            self._audit(tx, "remove", "run", run_id, LifecycleStage.DELETED)

        self.db.write(write)

    def _get_deleted_logged_models(self, older_than: int = 0) -> list[str]:
        """Ids of logged models that were deleted more than `older_than` milliseconds ago."""
        with self.db.read() as tx:
            rows = tx.execute(
                "select uuid from logged_model where lifecycle_stage = ? and deleted_time <= ? "
                "order by id",
                (LifecycleStage.DELETED, now_ms() - older_than),
            ).fetchall()
        return [model_id for (model_id,) in rows]

    def _logged_models_in(self, experiment_id: str) -> list[str]:
        """Ids of all logged models of an experiment, deleted or not."""
        with self.db.read() as tx:
            rows = tx.execute(
                "select uuid from logged_model where experiment_id = ? order by id",
                (experiment_key(experiment_id),),
            ).fetchall()
        return [model_id for (model_id,) in rows]

    def _is_deleted_logged_model(self, model_id: str) -> bool:
        """Whether it is deleted; MlflowException RESOURCE_DOES_NOT_EXIST if there is none."""
        with self.db.read() as tx:
            stage = self._model_row(tx, model_id).lifecycle_stage  # type: ignore[attr-defined]
        return stage == LifecycleStage.DELETED

    def _hard_delete_logged_model(self, model_id: str) -> None:
        """Remove a deleted logged model and all that was logged about it, except for its files.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if the model is active.
        """

        def write(tx: Any) -> None:
            lock = self.db.dialect.update_lock
            row = self._model_row(tx, model_id, lock)  # type: ignore[attr-defined]
            if row.lifecycle_stage != LifecycleStage.DELETED:
                raise MlflowException.invalid_parameter_value(
                    f"The logged model {model_id} is active; only a deleted one can be removed."
                )
            self._remove_model(tx, row.id, model_id)
            self._audit(tx, "remove", "logged_model", model_id, LifecycleStage.DELETED)

        self.db.write(write)

    def _hard_delete_experiment(self, experiment_id: str) -> None:
        """Remove a deleted experiment with its runs and traces, except for their artifacts.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if the experiment is active.
        """
        key = experiment_key(experiment_id)

        def write(tx: Any) -> None:
            row = self._experiment_row(tx, key)  # type: ignore[attr-defined]
            if row[3] != LifecycleStage.DELETED:
                raise MlflowException.invalid_parameter_value(
                    f"The experiment {experiment_id} is active; only a deleted one can be removed."
                )
            for (run,) in tx.execute(
                "select id from run where experiment_id = ?", (key,)
            ).fetchall():
                self._remove_run(tx, run)
            for model, uuid in tx.execute(
                "select id, uuid from logged_model where experiment_id = ?", (key,)
            ).fetchall():
                self._remove_model(tx, model, uuid)
            traces = tx.execute("select id, uuid from trace where experiment_id = ?", (key,))
            remove_traces(tx, traces.fetchall())
            tx.execute("delete from dataset where experiment_id = ?", (key,))
            tx.execute("delete from experiment_tag where experiment_id = ?", (key,))
            tx.execute("delete from experiment where id = ?", (key,))
            self._audit(tx, "remove", "experiment", str(key), row[1])

        self.db.write(write)

    @staticmethod
    def _remove_model(tx: Any, model: int, uuid: str) -> None:
        for table in ("logged_model_tag", "logged_model_param"):
            tx.execute(f"delete from {table} where model_id = ?", (model,))
        tx.execute("delete from model_metric where model_id = ?", (uuid,))
        tx.execute("delete from logged_model where id = ?", (model,))

    @staticmethod
    def _remove_run(tx: Any, run: int) -> None:
        for table in _RUN_TABLES:
            tx.execute(f"delete from {table} where run_id = ?", (run,))
        tx.execute(
            "delete from run_dataset_tag where run_dataset_id in "
            "(select id from run_dataset where run_id = ?)",
            (run,),
        )
        tx.execute("delete from run_dataset where run_id = ?", (run,))
        tx.execute(
            "delete from trace_run where run_uuid = (select uuid from run where id = ?)", (run,)
        )
        tx.execute("delete from run where id = ?", (run,))
