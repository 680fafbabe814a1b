"""Datasets and models of runs in a SQL database."""

from __future__ import annotations

import json
from collections.abc import Sequence
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
            (experiment,) = tx.execute(
                "select experiment_id from run where id = ?", (run,)
            ).fetchone()
            for use in datasets or ():
                self._add_dataset(tx, run, experiment, use)
            for model in models or ():
                _add_model(tx, run, model.model_id, _INPUT, 0)

        self.db.write(write)

    def log_outputs(self, run_id: str, models: Sequence[LoggedModelOutput]) -> None:
        _validate_run_id(run_id)

        def write(tx: Any) -> None:
            run = self._run_to_write(tx, run_id)
            for model in models:
                _add_model(tx, run, model.model_id, _OUTPUT, model.step)

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

    def _load_inputs(
        self, tx: Any, keys: Sequence[int]
    ) -> tuple[dict[int, RunInputs], dict[int, RunOutputs]]:
        """What each of these runs read and made."""
        datasets: dict[int, list[DatasetInput]] = {key: [] for key in keys}
        read: dict[int, list[LoggedModelInput]] = {key: [] for key in keys}
        made: dict[int, list[LoggedModelOutput]] = {key: [] for key in keys}
        rows = tx.execute(
            "select u.id, u.run_id, d.name, d.digest, d.source_type, d.source, d.schema_json, "
            "d.profile from run_dataset u join dataset d on d.id = u.dataset_id "
            f"where u.run_id in ({marks(keys)}) order by u.id",
            keys,
        ).fetchall()
        tags: dict[int, list[InputTag]] = {row[0]: [] for row in rows}
        used = list(tags)
        for i in range(0, len(used), 500):
            part = used[i : i + 500]
            for use, name, value in tx.execute(
                "select run_dataset_id, name, value from run_dataset_tag "
                f"where run_dataset_id in ({marks(part)})",
                part,
            ).fetchall():
                tags[use].append(InputTag(name, value))
        for use, run, *fields in rows:
            datasets[run].append(DatasetInput(Dataset(*fields), tags[use]))
        for run, model, is_output, step in tx.execute(
            "select run_id, model_id, is_output, step from run_model "
            f"where run_id in ({marks(keys)})",
            keys,
        ).fetchall():
            if is_output:
                made[run].append(LoggedModelOutput(model, step))
            else:
                read[run].append(LoggedModelInput(model))
        return (
            {key: RunInputs(datasets[key], read[key]) for key in keys},
            {key: RunOutputs(made[key]) for key in keys},
        )


def _add_model(tx: Any, run: int, model_id: str, direction: int, step: int) -> None:
    tx.execute(
        "insert into run_model (run_id, model_id, is_output, step) values (?, ?, ?, ?) "
        "on conflict (run_id, is_output, model_id, step) do nothing",
        (run, model_id, direction, step),
    )
