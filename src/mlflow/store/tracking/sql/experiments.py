"""Experiments in a SQL database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlflow.entities import Experiment, ExperimentTag, LifecycleStage, ViewType
from mlflow.search import EXPERIMENTS, full_order, parse_filter, parse_order_by
from mlflow.store.db.paging import Term, read_page
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking import SEARCH_MAX_RESULTS_DEFAULT
from mlflow.store.tracking.base.checks import (
    check_artifact_location,
    check_experiment_can_be_renamed,
    check_experiment_is_active,
    check_max_results,
    name_taken,
    new_name_taken,
    no_tag,
)
from mlflow.store.tracking.base.experiments import Experiments
from mlflow.store.tracking.sql.conditions import ExperimentConditions
from mlflow.store.tracking.sql.core import SqlCore, experiment_key, marks, no_experiment, now_ms
from mlflow.utils.validation import _validate_experiment_name, _validate_experiment_tag

_COLUMNS = (
    "e.id, e.name, e.artifact_location, e.lifecycle_stage, e.creation_time, e.last_update_time"
)


class SqlExperiments(SqlCore, Experiments):
    def create_experiment(
        self,
        name: str,
        artifact_location: str | None = None,
        tags: Sequence[ExperimentTag] | None = None,
    ) -> str:
        _validate_experiment_name(name)
        if artifact_location:
            check_artifact_location(artifact_location)
        for tag in tags or ():
            _validate_experiment_tag(tag.key, tag.value)
        now = now_ms()

        def write(tx: Any) -> int:
            taken = tx.execute(
                "select lifecycle_stage from experiment where name = ?", (name,)
            ).fetchone()
            if taken:
                raise name_taken(name, taken[0])
            key = self.db.dialect.insert(
                tx,
                "insert into experiment (name, artifact_location, lifecycle_stage, creation_time, "
                "last_update_time) values (?, ?, 'active', ?, ?)",
                (name, artifact_location, now, now),
            )
            if not artifact_location:
                own = f"{self.artifact_root_uri.rstrip('/')}/{key}"
                tx.execute("update experiment set artifact_location = ? where id = ?", (own, key))
            for tag in tags or ():
                _set_tag(tx, key, tag)
            return key

        try:
            return str(self.db.write(write))
        except Exception as e:
            if self.db.dialect.is_duplicate(e.__cause__ or e):  # another process was quicker
                raise name_taken(name, LifecycleStage.ACTIVE) from None
            raise

    def get_experiment(self, experiment_id: str) -> Experiment:
        key = experiment_key(experiment_id)
        with self.db.read() as tx:
            return self._load_experiments(tx, [self._experiment_row(tx, key)])[0]

    def get_experiment_by_name(self, experiment_name: str) -> Experiment | None:
        with self.db.read() as tx:
            row = tx.execute(
                f"select {_COLUMNS} from experiment e where e.name = ?", (experiment_name,)
            ).fetchone()
            return self._load_experiments(tx, [row])[0] if row else None

    def search_experiments(
        self,
        view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int = SEARCH_MAX_RESULTS_DEFAULT,
        filter_string: str | None = None,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Experiment]:
        check_max_results(max_results)
        terms = _order(order_by)
        stages = LifecycleStage.view_type_to_stages(view_type)
        where = [f"e.lifecycle_stage in ({marks(stages)})"]
        params: list[Any] = [*stages]
        tree = parse_filter(filter_string, EXPERIMENTS)
        if tree is not None:
            condition = ExperimentConditions(self.db.dialect).sql(tree)
            where.append(condition.text)
            params += condition.params
        with self.db.read() as tx:
            rows, token = read_page(
                tx, _COLUMNS, "experiment e", where, params, terms, page_token, max_results
            )
            return PagedList(self._load_experiments(tx, rows), token)

    def delete_experiment(self, experiment_id: str) -> None:
        self._move(experiment_id, LifecycleStage.ACTIVE, LifecycleStage.DELETED, "delete")

    def restore_experiment(self, experiment_id: str) -> None:
        self._move(experiment_id, LifecycleStage.DELETED, LifecycleStage.ACTIVE, "restore")

    def _move(self, experiment_id: str, before: str, stage: str, action: str) -> None:
        """Change the stage of an experiment and its runs."""
        key = experiment_key(experiment_id)
        now = now_ms()
        deleted = now if stage == LifecycleStage.DELETED else None

        def write(tx: Any) -> None:
            if self._experiment_row(tx, key)[3] != before:
                raise no_experiment(experiment_id)
            tx.execute(
                "update experiment set lifecycle_stage = ?, last_update_time = ?, deleted_time = ? "
                "where id = ?",
                (stage, now, deleted, key),
            )
            tx.execute(
                "update run set lifecycle_stage = ?, deleted_time = ? "
                "where experiment_id = ? and lifecycle_stage = ?",
                (stage, deleted, key, before),
            )
            self._audit(tx, action, "experiment", str(key), before, stage)

        self.db.write(write)

    def rename_experiment(self, experiment_id: str, new_name: str) -> None:
        key = experiment_key(experiment_id)
        _validate_experiment_name(new_name)

        def write(tx: Any) -> None:
            row = self._experiment_row(tx, key)
            check_experiment_can_be_renamed(row[3])
            taken = tx.execute(
                "select id from experiment where name = ? and id <> ?", (new_name, key)
            ).fetchone()
            if taken:
                raise new_name_taken(new_name, taken[0])
            tx.execute(
                "update experiment set name = ?, last_update_time = ? where id = ?",
                (new_name, now_ms(), key),
            )
            self._audit(tx, "rename", "experiment", str(key), row[1], new_name)

        self.db.write(write)

    def set_experiment_tag(self, experiment_id: str, tag: ExperimentTag) -> None:
        key = experiment_key(experiment_id)
        _validate_experiment_tag(tag.key, tag.value)

        def write(tx: Any) -> None:
            self._check_active(tx, key)
            _set_tag(tx, key, tag)

        self.db.write(write)

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        number = experiment_key(experiment_id)

        def write(tx: Any) -> None:
            self._check_active(tx, number)
            gone = tx.execute(
                "delete from experiment_tag where experiment_id = ? and name = ?", (number, key)
            )
            if gone.rowcount == 0:
                raise no_tag(key, "experiment", experiment_id)

        self.db.write(write)

    # -- rows -------------------------------------------------------------------------------

    def _experiment_row(self, tx: Any, key: int) -> tuple:
        row = tx.execute(f"select {_COLUMNS} from experiment e where e.id = ?", (key,)).fetchone()
        if row is None:
            raise no_experiment(key)
        return row

    def _check_active(self, tx: Any, key: int) -> tuple:
        row = self._experiment_row(tx, key)
        check_experiment_is_active(key, row[3])
        return row

    def _load_experiments(self, tx: Any, rows: Sequence[tuple]) -> list[Experiment]:
        tags: dict[int, list[ExperimentTag]] = {row[0]: [] for row in rows}
        keys = list(tags)
        for i in range(0, len(keys), 500):
            part = keys[i : i + 500]
            found = tx.execute(
                "select experiment_id, name, value from experiment_tag "
                f"where experiment_id in ({marks(part)})",
                part,
            )
            for key, name, value in found.fetchall():
                tags[key].append(ExperimentTag(name, value))
        return [
            Experiment(
                experiment_id=str(row[0]),
                name=row[1],
                artifact_location=row[2],
                lifecycle_stage=row[3],
                tags=tags[row[0]],
                creation_time=row[4],
                last_update_time=row[5],
            )
            for row in rows
        ]


_ORDER_COLUMNS = {
    "name": "e.name",
    "experiment_id": "e.id",
    # Early versions of MLflow kept no times; without one, an experiment counts as the oldest.
    "creation_time": "coalesce(e.creation_time, -1)",
    "last_update_time": "coalesce(e.last_update_time, -1)",
}


def _order(order_by: Sequence[str] | None) -> list[Term]:
    orders = full_order(parse_order_by(order_by, EXPERIMENTS), EXPERIMENTS)
    kinds = {"name": str}
    return [Term(_ORDER_COLUMNS[o.key], o.ascending, kinds.get(o.key, int)) for o in orders]


def _set_tag(tx: Any, key: int, tag: ExperimentTag) -> None:
    tx.execute(
        "insert into experiment_tag (experiment_id, name, value) values (?, ?, ?) "
        "on conflict (experiment_id, name) do update set value = excluded.value",
        (key, tag.key, tag.value),
    )
