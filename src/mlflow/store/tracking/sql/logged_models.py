"""Logged models in a SQL database."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from mlflow.entities import (
    LifecycleStage,
    LoggedModel,
    LoggedModelParameter,
    LoggedModelStatus,
    LoggedModelTag,
    Metric,
)
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking.base.checks import check_experiment_is_active
from mlflow.store.tracking.base.logged_models import (
    LoggedModels,
    new_model_id,
    new_params,
    no_model,
    no_model_tag,
    tag_values,
)
from mlflow.store.tracking.sql.core import SqlCore, experiment_key, marks, no_experiment, now_ms
from mlflow.store.tracking.sql.model_search import ModelSearch
from mlflow.utils.name_utils import _generate_random_name
from mlflow.utils.uri import append_to_uri_path
from mlflow.utils.validation import _validate_logged_model_name

#: Models in one statement.
_BATCH = 500


class ModelRow(NamedTuple):
    """The row of a logged model."""

    id: int
    uuid: str
    experiment_id: int
    name: str
    model_type: str | None
    source_run: str | None
    artifact_location: str
    status: int
    status_message: str | None
    creation_time: int
    last_update_time: int
    lifecycle_stage: str


MODEL_COLUMNS = ", ".join(f"m.{name}" for name in ModelRow._fields)


class SqlLoggedModels(SqlCore, LoggedModels):
    def create_logged_model(
        self,
        experiment_id: str,
        name: str | None = None,
        source_run_id: str | None = None,
        tags: list[LoggedModelTag] | None = None,
        params: list[LoggedModelParameter] | None = None,
        model_type: str | None = None,
    ) -> LoggedModel:
        _validate_logged_model_name(name)
        experiment = experiment_key(experiment_id)
        model_id = new_model_id()
        all_tags, all_params = tag_values(tags), new_params(model_id, {}, params)
        name = name or _generate_random_name()
        now = now_ms()

        def write(tx: Any) -> LoggedModel:
            row = tx.execute(
                "select lifecycle_stage, artifact_location from experiment where id = ?"
                + self.db.dialect.share_lock,
                (experiment,),
            ).fetchone()
            if row is None:
                raise no_experiment(experiment)
            check_experiment_is_active(experiment, row[0])
            location = append_to_uri_path(row[1], "models", model_id, "artifacts")
            made = ModelRow(
                0,
                model_id,
                experiment,
                name,
                model_type,
                source_run_id,
                location,
                LoggedModelStatus.PENDING.to_int(),
                None,
                now,
                now,
                LifecycleStage.ACTIVE,
            )
            key = self.db.dialect.insert(
                tx,
                f"insert into logged_model ({', '.join(ModelRow._fields[1:])}) "
                f"values ({marks(made[1:])})",
                made[1:],
            )
            set_model_tags(tx, key, all_tags)
            add_model_params(tx, key, all_params)
            return _entity(made, all_tags, all_params, [])

        return self.db.write(write)

    def get_logged_model(self, model_id: str, allow_deleted: bool = False) -> LoggedModel:
        with self.db.read() as tx:
            row = self._model_row(tx, model_id)
            if row.lifecycle_stage != LifecycleStage.ACTIVE and not allow_deleted:
                raise no_model(model_id)
            return self._load_models(tx, [row])[0]

    def search_logged_models(
        self,
        experiment_ids: list[str],
        filter_string: str | None = None,
        datasets: list[dict[str, Any]] | None = None,
        max_results: int | None = None,
        order_by: list[dict[str, Any]] | None = None,
        page_token: str | None = None,
    ) -> PagedList[LoggedModel]:
        search = ModelSearch(
            self.db.dialect, experiment_ids, filter_string, datasets, max_results, order_by
        )
        with self.db.read() as tx:
            keys, token = search.page(tx, lambda name: self._key_id(tx, name), page_token)
            return PagedList(self._load_models(tx, self._model_rows(tx, keys)), token)

    def finalize_logged_model(self, model_id: str, status: LoggedModelStatus) -> LoggedModel:
        number = status.to_int()

        def write(tx: Any) -> LoggedModel:
            row = self._model_row(tx, model_id, self.db.dialect.update_lock)
            now = max(now_ms(), row.last_update_time)
            tx.execute(
                "update logged_model set status = ?, last_update_time = ? where id = ?",
                (number, now, row.id),
            )
            changed = row._replace(status=number, last_update_time=now)
            return self._load_models(tx, [changed])[0]

        return self.db.write(write)

    def set_logged_model_tags(self, model_id: str, tags: list[LoggedModelTag]) -> None:
        values = tag_values(tags)

        def write(tx: Any) -> None:
            set_model_tags(tx, self._model_to_write(tx, model_id), values)

        self.db.write(write)

    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        def write(tx: Any) -> None:
            gone = tx.execute(
                "delete from logged_model_tag where model_id = ? and name = ?",
                (self._model_to_write(tx, model_id), key),
            )
            if gone.rowcount == 0:
                raise no_model_tag(model_id, key)

        self.db.write(write)

    def log_logged_model_params(self, model_id: str, params: list[LoggedModelParameter]) -> None:
        def write(tx: Any) -> None:
            # One writer at a time: what is there decides what may be added.
            model = self._model_row(tx, model_id, self.db.dialect.update_lock).id
            rows = tx.execute(
                "select name, value from logged_model_param where model_id = ?", (model,)
            ).fetchall()
            add_model_params(tx, model, new_params(model_id, dict(rows), params))

        self.db.write(write)

    def delete_logged_model(self, model_id: str) -> None:
        def write(tx: Any) -> None:
            row = self._model_row(tx, model_id, self.db.dialect.update_lock)
            if row.lifecycle_stage == LifecycleStage.DELETED:
                return
            now = now_ms()
            tx.execute(
                "update logged_model set lifecycle_stage = ?, deleted_time = ?, "
                "last_update_time = ? where id = ?",
                (LifecycleStage.DELETED, now, max(now, row.last_update_time), row.id),
            )
            self._audit(
                tx,
                "delete",
                "logged_model",
                model_id,
                LifecycleStage.ACTIVE,
                LifecycleStage.DELETED,
            )

        self.db.write(write)

    # -- rows -------------------------------------------------------------------------------

    def _model_row(self, tx: Any, model_id: str, lock: str = "") -> ModelRow:
        row = tx.execute(
            f"select {MODEL_COLUMNS} from logged_model m where m.uuid = ?{lock}", (model_id,)
        ).fetchone()
        if row is None:
            raise no_model(model_id)
        return ModelRow(*row)

    def _model_to_write(self, tx: Any, model_id: str) -> int:
        """The integer id of a model that this transaction will write to; nobody removes it
        meanwhile."""
        return self._model_row(tx, model_id, self.db.dialect.share_lock).id

    def _model_rows(self, tx: Any, keys: Sequence[int]) -> list[ModelRow]:
        """The rows with these ids, in this order."""
        found = {}
        for part in _parts(keys):
            rows = tx.execute(
                f"select {MODEL_COLUMNS} from logged_model m where m.id in ({marks(part)})", part
            )
            found.update((row[0], ModelRow(*row)) for row in rows.fetchall())
        return [found[key] for key in keys]

    def _load_models(self, tx: Any, rows: Sequence[ModelRow]) -> list[LoggedModel]:
        tags: dict[int, dict[str, str]] = {row.id: {} for row in rows}
        params: dict[int, dict[str, str]] = {row.id: {} for row in rows}
        for part in _parts(list(tags)):
            for table, values in (("logged_model_tag", tags), ("logged_model_param", params)):
                found = tx.execute(
                    f"select model_id, name, value from {table} "
                    f"where model_id in ({marks(part)}) order by model_id, name",
                    part,
                )
                for key, name, value in found.fetchall():
                    values[key][name] = value
        metrics = self._metrics_of_models(tx, [row.uuid for row in rows])
        return [_entity(row, tags[row.id], params[row.id], metrics[row.uuid]) for row in rows]

    def _metrics_of_models(self, tx: Any, uuids: Sequence[str]) -> dict[str, list[Metric]]:
        """All that was measured on each of these models, in the order of logging. A point that was
        logged twice is there once."""
        found: dict[str, dict[tuple, None]] = {uuid: {} for uuid in uuids}
        for part in _parts(list(found)):
            rows = tx.execute(
                "select x.model_id, x.key_id, x.value, x.timestamp, x.step, x.dataset_name, "
                "x.dataset_digest, r.uuid from model_metric x join run r on r.id = x.run_id "
                f"where x.model_id in ({marks(part)}) order by x.id",
                part,
            ).fetchall()
            names = self._names_of(tx, [row[1] for row in rows])
            for uuid, key, *point in rows:
                found[uuid][(names[key], *point)] = None
        return {uuid: [_metric(uuid, *point) for point in points] for uuid, points in found.items()}


def _metric(
    model_id: str,
    name: str,
    value: float | None,
    timestamp: int,
    step: int,
    dataset_name: str | None,
    dataset_digest: str | None,
    run_id: str,
) -> Metric:
    number = math.nan if value is None else value
    return Metric(name, number, timestamp, step, model_id, dataset_name, dataset_digest, run_id)


def _entity(
    row: ModelRow, tags: dict[str, str], params: dict[str, str], metrics: list[Metric]
) -> LoggedModel:
    return LoggedModel(
        str(row.experiment_id),
        row.uuid,
        row.name,
        row.artifact_location,
        row.creation_time,
        row.last_update_time,
        row.model_type,
        row.source_run,
        row.status,
        row.status_message,
        tags,
        params,
        metrics,
    )


def set_model_tags(tx: Any, model: int, tags: dict[str, str]) -> None:
    """Set tags of the logged model with this row."""
    # In one order everywhere, or two writers wait for each other.
    for name in sorted(tags):
        tx.execute(
            "insert into logged_model_tag (model_id, name, value) values (?, ?, ?) "
            "on conflict (model_id, name) do update set value = excluded.value",
            (model, name, tags[name]),
        )


def add_model_params(tx: Any, model: int, params: dict[str, str]) -> None:
    """Add params, which it has not, to the logged model with this row."""
    if params:
        tx.executemany(
            "insert into logged_model_param (model_id, name, value) values (?, ?, ?)",
            [(model, name, value) for name, value in params.items()],
        )


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for i in range(0, len(values), _BATCH):
        yield values[i : i + _BATCH]
