"""Removing for good what was deleted: what `mlflow gc` needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlflow.entities import LifecycleStage
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.sql.core import SqlCore, experiment_key, marks, now_ms

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

    def _hard_delete_experiment(self, experiment_id: str) -> None:
        """Remove a deleted experiment with its runs, except for their artifacts.

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
            tx.execute("delete from dataset where experiment_id = ?", (key,))
            tx.execute("delete from experiment_tag where experiment_id = ?", (key,))
            tx.execute("delete from experiment where id = ?", (key,))
            self._audit(tx, "remove", "experiment", str(key), row[1])

        self.db.write(write)

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
        tx.execute("delete from run where id = ?", (run,))
