"""Datasets and models of runs in a SQL database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mlflow.entities import (
    DatasetInput,
    LoggedModelInput,
    LoggedModelOutput,
)
from mlflow.entities.dataset_summary import _DatasetSummary
from mlflow.store.tracking.base.inputs import Inputs
from mlflow.store.tracking.sql.core import SqlCore, experiment_key, marks
from mlflow.store.tracking.sql.runs import set_tags
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT, MLFLOW_LOGGED_MODELS
from mlflow.utils.validation import _validate_dataset_inputs, _validate_run_id

_INPUT, _OUTPUT = 0, 1
_SUMMARIES = 1000


class SqlInputs(SqlCore, Inputs):
    def log_inputs(
        self,
        run_id: str,
        datasets: Sequence[DatasetInput] | None = None,
        models: Sequence[LoggedModelInput] | None = None,
    ) -> None:
        _validate_run_id(run_id)
        _validate_dataset_inputs(datasets or [])

        def write(tx: Any) -> None:
            run = self._run_to_write(tx, run_id)
            self._add_inputs(tx, run, datasets or (), models or ())

        self.db.write(write)

    def log_outputs(self, run_id: str, models: Sequence[LoggedModelOutput]) -> None:
        _validate_run_id(run_id)

        def write(tx: Any) -> None:
            run = self._run_to_write(tx, run_id)
            self._add_inputs(tx, run, (), (), models)

        self.db.write(write)

    def record_logged_model(self, run_id: str, mlflow_model: Any) -> None:
        """Add a model's description to the run's tag of models.

        Args:
            mlflow_model: Has `get_tags_dict()`, or is the description itself.
        """
        described = (
            mlflow_model.get_tags_dict() if hasattr(mlflow_model, "get_tags_dict") else mlflow_model
        )

        def write(tx: Any, ids: dict[str, int]) -> None:
            run = self._run_to_write(tx, run_id)
            key = ids[MLFLOW_LOGGED_MODELS]
            row = tx.execute(
                "select value from tag where run_id = ? and key_id = ?", (run, key)
            ).fetchone()
            history = [*json.loads(row[0]), described] if row else [described]
            set_tags(tx, run, ids, {MLFLOW_LOGGED_MODELS: json.dumps(history)})

        self._write_with_keys((MLFLOW_LOGGED_MODELS,), write)

    def _search_datasets(self, experiment_ids: Sequence[str]) -> list[_DatasetSummary]:
        """The distinct (dataset, context) of these experiments' runs, at most 1000."""
        experiments = [experiment_key(e) for e in experiment_ids]
        if not experiments:
            return []
        with self.db.read() as tx:
            rows = tx.execute(
                "select distinct d.experiment_id, d.name, d.digest, t.value from dataset d "
                "join run_dataset u on u.dataset_id = d.id "
                "left join run_dataset_tag t on t.run_dataset_id = u.id and t.name = ? "
                f"where d.experiment_id in ({marks(experiments)}) "
                "order by d.experiment_id, d.name, d.digest limit ?",
                [MLFLOW_DATASET_CONTEXT, *experiments, _SUMMARIES],
            ).fetchall()
        return [_DatasetSummary(str(e), name, digest, context) for e, name, digest, context in rows]

    def _add_inputs(
        self,
        tx: Any,
        run: int,
        datasets: Sequence[DatasetInput],
        models: Sequence[LoggedModelInput],
        made: Sequence[LoggedModelOutput] = (),
    ) -> None:
        """Note what a run that `tx` may write to read and made."""
        if datasets:
            (experiment,) = tx.execute(
                "select experiment_id from run where id = ?", (run,)
            ).fetchone()
            for use in datasets:
                self._add_dataset(tx, run, experiment, use)
        for model in models:
            _add_model(tx, run, model.model_id, _INPUT, 0)
        for output in made:
            _add_model(tx, run, output.model_id, _OUTPUT, output.step)

    def _add_dataset(self, tx: Any, run: int, experiment: int, use: DatasetInput) -> None:
        d = use.dataset
        tx.execute(
            "insert into dataset (experiment_id, name, digest, source_type, source, schema_json, "
            "profile) values (?, ?, ?, ?, ?, ?, ?) "
            "on conflict (experiment_id, name, digest) do nothing",
            (experiment, d.name, d.digest, d.source_type, d.source, d.schema, d.profile),
        )
        (dataset,) = tx.execute(
            "select id from dataset where experiment_id = ? and name = ? and digest = ?",
            (experiment, d.name, d.digest),
        ).fetchone()
        tx.execute(
            "insert into run_dataset (run_id, dataset_id) values (?, ?) "
            "on conflict (run_id, dataset_id) do nothing",
            (run, dataset),
        )
        (key,) = tx.execute(
            "select id from run_dataset where run_id = ? and dataset_id = ?", (run, dataset)
        ).fetchone()
        for tag in use.tags or ():
            tx.execute(
                "insert into run_dataset_tag (run_dataset_id, name, value) values (?, ?, ?) "
                "on conflict (run_dataset_id, name) do update set value = excluded.value",
                (key, tag.key, tag.value),
            )


def _add_model(tx: Any, run: int, model_id: str, direction: int, step: int) -> None:
    tx.execute(
        "insert into run_model (run_id, model_id, is_output, step) values (?, ?, ?, ?) "
        "on conflict (run_id, is_output, model_id, step) do nothing",
        (run, model_id, direction, step),
    )
