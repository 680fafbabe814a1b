"""Runs, params and tags in a SQL database."""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from typing import Any

from mlflow.entities import (
    LifecycleStage,
    Metric,
    Param,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
    RunStatus,
    RunTag,
)
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.search import RUNS, parse_filter, parse_order_by
from mlflow.store.db.paging import after, decode_token, encode_token, order_clause
from mlflow.store.tracking.base.runs import Runs
from mlflow.store.tracking.sql.conditions import RunConditions, RunOrder
from mlflow.store.tracking.sql.core import (
    RUN_COLUMNS,
    STATUS_NAMES,
    RunRow,
    SqlCore,
    experiment_key,
    marks,
    now_ms,
)
from mlflow.store.tracking.sql.experiments import check_max_results
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NAME
from mlflow.utils.name_utils import _generate_random_name
from mlflow.utils.validation import (
    MAX_ENTITY_KEY_LENGTH,
    MAX_TAG_VAL_LENGTH,
    _validate_batch_log_data,
    _validate_batch_log_limits,
    _validate_length_limit,
    _validate_param,
    _validate_param_keys_unique,
    _validate_run_id,
    _validate_tag,
    missing_value,
)

#: Runs whose rows are read by one statement.
_BATCH = 400


class SqlRuns(SqlCore, Runs):
    def create_run(
        self,
        experiment_id: str,
        user_id: str | None,
        start_time: int | None,
        tags: Sequence[RunTag] | None,
        run_name: str | None,
    ) -> Run:
        values = {tag.key: tag.value for tag in tags or ()}
        tagged = values.get(MLFLOW_RUN_NAME)
        if run_name and tagged and run_name != tagged:
            raise MlflowException.invalid_parameter_value(
                "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with "
                f"different values (run_name='{run_name}', mlflow.runName='{tagged}')."
            )
        name = run_name or tagged or _generate_random_name()
        values[MLFLOW_RUN_NAME] = name
        values = {key: _first_tag(key, value) for key, value in values.items()}
        experiment = experiment_key(experiment_id)
        run_id = uuid.uuid4().hex

        def write(tx: Any, ids: dict[str, int]) -> Run:
            location = self._check_active(tx, experiment)[2]
            row = (
                run_id,
                experiment,
                name,
                user_id or "",
                RunStatus.RUNNING,
                start_time or 0,
                None,
                LifecycleStage.ACTIVE,
                f"{location.rstrip('/')}/{run_id}/artifacts",
            )
            key = self.db.dialect.insert(
                tx,
                "insert into run (uuid, experiment_id, name, user_id, status, start_time, "
                "end_time, lifecycle_stage, artifact_uri) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            set_tags(tx, key, ids, values)
            data = RunData(tags=[RunTag(k, v) for k, v in values.items()])
            return Run(_info(RunRow(key, *row)), data, RunInputs([], []), RunOutputs([]))

        return self._write_with_keys(values, write)

    def get_run(self, run_id: str) -> Run:
        with self.db.read() as tx:
            return self._load_runs(tx, [self._run_row(tx, run_id)])[0]

    def update_run_info(
        self,
        run_id: str,
        run_status: int | None,
        end_time: int | None,
        run_name: str | None,
    ) -> RunInfo:
        changes: dict[str, Any] = {}
        if run_status is not None:
            RunStatus.to_string(run_status)
            changes["status"] = run_status
        if end_time is not None:
            changes["end_time"] = end_time
        if run_name:
            changes["name"] = run_name

        def write(tx: Any, ids: dict[str, int]) -> RunInfo:
            key = self._run_to_write(tx, run_id)
            if run_name:
                set_tags(tx, key, ids, {MLFLOW_RUN_NAME: run_name[:MAX_TAG_VAL_LENGTH]})
            if changes:
                columns = ", ".join(f"{c} = ?" for c in changes)
                tx.execute(f"update run set {columns} where id = ?", (*changes.values(), key))
            if run_status is not None and RunStatus.is_terminated(run_status):
                self._seal_run(tx, key)
            return _info(self._run_row(tx, run_id))

        return self._write_with_keys([MLFLOW_RUN_NAME] if run_name else [], write)

    def delete_run(self, run_id: str) -> None:
        self._move_run(run_id, LifecycleStage.DELETED, "delete")

    def restore_run(self, run_id: str) -> None:
        self._move_run(run_id, LifecycleStage.ACTIVE, "restore")

    def _move_run(self, run_id: str, stage: str, action: str) -> None:
        deleted = now_ms() if stage == LifecycleStage.DELETED else None

        def write(tx: Any) -> None:
            row = self._run_row(tx, run_id)
            if row.lifecycle_stage == stage:
                return
            tx.execute(
                "update run set lifecycle_stage = ?, deleted_time = ? where id = ?",
                (stage, deleted, row.id),
            )
            self._audit(tx, action, "run", run_id, row.lifecycle_stage, stage)

        self.db.write(write)

    def log_param(self, run_id: str, param: Param) -> None:
        param = _validate_param(param.key, param.value)

        def write(tx: Any, ids: dict[str, int]) -> None:
            key = self._run_to_write(tx, run_id)
            for name, old, new in _set_params(tx, key, ids, [param]):
                raise MlflowException.invalid_parameter_value(
                    f"Changing param values is not allowed. Param with key='{name}' was already "
                    f"logged with value='{old}' for run ID='{run_id}'. Attempted logging new "
                    f"value '{new}'."
                )

        self._write_with_keys((param.key,), write)

    def set_tag(self, run_id: str, tag: RunTag) -> None:
        tag = _validate_tag(tag.key, tag.value)

        def write(tx: Any, ids: dict[str, int]) -> None:
            key = self._run_to_write(tx, run_id)
            set_tags(tx, key, ids, {tag.key: tag.value})

        self._write_with_keys((tag.key,), write)

    def delete_tag(self, run_id: str, key: str) -> None:
        def write(tx: Any) -> None:
            run = self._run_to_write(tx, run_id)
            known = self._key_id(tx, key)
            gone = tx.execute("delete from tag where run_id = ? and key_id = ?", (run, known))
            if gone.rowcount == 0:
                raise MlflowException(
                    f"No tag with name: {key} in run with id {run_id}",
                    error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
                )

        self.db.write(write)

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric],
        params: Sequence[Param],
        tags: Sequence[RunTag],
    ) -> None:
        _validate_run_id(run_id)
        metrics, params, tags = _validate_batch_log_data(metrics, params, tags)
        _validate_batch_log_limits(metrics, params, tags)
        _validate_param_keys_unique(params)
        names = {m.key for m in metrics}
        names.update(p.key for p in params)
        names.update(t.key for t in tags)

        def write(tx: Any, ids: dict[str, int]) -> None:
            key = self._run_to_write(tx, run_id)
            changed = _set_params(tx, key, ids, params)
            if changed:
                listed = [{"key": k, "old_value": old, "new_value": new} for k, old, new in changed]
                raise MlflowException.invalid_parameter_value(
                    "Changing param values is not allowed. Params were already "
                    f"logged='{listed}' for run ID='{run_id}'."
                )
            if metrics:
                self._append(tx, key, ids, metrics)
            if tags:
                set_tags(tx, key, ids, {t.key: t.value for t in tags})

        self._write_with_keys(names, write)

    # -- searching --------------------------------------------------------------------------

    def _search_runs(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None,
        run_view_type: int,
        max_results: int,
        order_by: Sequence[str] | None,
        page_token: str | None,
    ) -> tuple[list[Run], str | None]:
        check_max_results(max_results)
        stages = LifecycleStage.view_type_to_stages(run_view_type)
        tree = parse_filter(filter_string, RUNS)
        orders = parse_order_by(order_by, RUNS)
        experiments = [experiment_key(e) for e in experiment_ids]
        with self.db.read() as tx:
            order = RunOrder(orders, lambda name: self._key_id(tx, name))
            terms = order.terms
            where = [
                f"r.experiment_id in ({marks(experiments)})",
                f"r.lifecycle_stage in ({marks(stages)})",
            ]
            params: list[Any] = [*order.join_params, *experiments, *stages]
            if tree is not None:
                conditions = RunConditions(self.db.dialect, lambda name: self._key_id(tx, name))
                condition = conditions.sql(tree)
                where.append(condition.text)
                params += condition.params
            if page_token:
                text, values = after(terms, decode_token(page_token, len(terms)))
                where.append(text)
                params += values
            if not experiments:
                return [], None
            rows = tx.execute(
                f"select {RUN_COLUMNS}, {', '.join(t.sql for t in terms)} from run r {order.joins} "
                f"where {' and '.join(where)} {order_clause(terms)} limit ?",
                [*params, max_results + 1],
            ).fetchall()
            page = rows[:max_results]
            width = len(RunRow._fields)
            token = encode_token(page[-1][width:]) if len(rows) > max_results else None
            return self._load_runs(tx, [RunRow(*row[:width]) for row in page]), token

    # -- reading ----------------------------------------------------------------------------

    def _load_runs(self, tx: Any, rows: Sequence[RunRow]) -> list[Run]:
        """Runs with all they logged, a few statements for many of them."""
        runs: list[Run] = []
        for i in range(0, len(rows), _BATCH):
            runs += self._load_batch(tx, rows[i : i + _BATCH])
        return runs

    def _load_batch(self, tx: Any, rows: Sequence[RunRow]) -> list[Run]:
        keys = [row.id for row in rows]
        where = f"where run_id in ({marks(keys)})"
        params: dict[int, list[Param]] = {key: [] for key in keys}
        tags: dict[int, list[RunTag]] = {key: [] for key in keys}
        metrics: dict[int, list[Metric]] = {key: [] for key in keys}
        series = tx.execute(
            f"select run_id, key_id, value, step, timestamp from series {where}", keys
        ).fetchall()
        param_rows = tx.execute(f"select run_id, key_id, value from param {where}", keys).fetchall()
        tag_rows = tx.execute(f"select run_id, key_id, value from tag {where}", keys).fetchall()
        used = {r[1] for r in series} | {r[1] for r in param_rows} | {r[1] for r in tag_rows}
        names = self._names_of(tx, used)
        for run, key, value, step, timestamp in series:
            value = math.nan if value is None else value
            metrics[run].append(Metric(names[key], value, timestamp, step))
        for run, key, value in param_rows:
            params[run].append(Param(names[key], value))
        for run, key, value in tag_rows:
            tags[run].append(RunTag(names[key], value))
        inputs, outputs = self._load_inputs(tx, keys)
        return [
            Run(
                _info(row),
                RunData(metrics[row.id], params[row.id], tags[row.id]),
                inputs[row.id],
                outputs[row.id],
            )
            for row in rows
        ]


def _first_tag(key: str, value: str) -> str:
    """The value as it is stored. Tags that a run begins with may have any key: the reference takes
    them, and programs rely on it."""
    if not key:
        raise MlflowException.invalid_parameter_value(missing_value("key"))
    _validate_length_limit("key", MAX_ENTITY_KEY_LENGTH, key)
    return _validate_length_limit("value", MAX_TAG_VAL_LENGTH, value, truncate=True) or ""


def _info(row: RunRow) -> RunInfo:
    return RunInfo(
        run_id=row.uuid,
        experiment_id=str(row.experiment_id),
        user_id=row.user_id or "",
        status=STATUS_NAMES[row.status],
        start_time=row.start_time or 0,
        end_time=row.end_time,
        lifecycle_stage=row.lifecycle_stage,
        artifact_uri=row.artifact_uri,
        run_name=row.name,
    )


def _set_params(
    tx: Any, run: int, ids: dict[str, int], params: Sequence[Param]
) -> list[tuple[str, str, str]]:
    """Set params of a run; those that have another value already, as (key, value there, value
    given)."""
    changed = []
    for param in params:
        done = tx.execute(
            "insert into param (run_id, key_id, value) values (?, ?, ?) "
            "on conflict (run_id, key_id) do nothing",
            (run, ids[param.key], param.value),
        )
        if done.rowcount == 0:
            (old,) = tx.execute(
                "select value from param where run_id = ? and key_id = ?", (run, ids[param.key])
            ).fetchone()
            if old != param.value:
                changed.append((param.key, old, param.value))
    return changed


def set_tags(tx: Any, run: int, ids: dict[str, int], tags: dict[str, str]) -> None:
    """Set tags of a run, in place of the values they had."""
    for name in sorted(tags):  # in one order everywhere, or two writers wait for each other
        tx.execute(
            "insert into tag (run_id, key_id, value) values (?, ?, ?) "
            "on conflict (run_id, key_id) do update set value = excluded.value",
            (run, ids[name], tags[name]),
        )
    if MLFLOW_RUN_NAME in tags:
        tx.execute("update run set name = ? where id = ?", (tags[MLFLOW_RUN_NAME], run))
