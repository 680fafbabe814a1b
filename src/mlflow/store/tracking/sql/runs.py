"""Runs, params and tags in a SQL database."""

from __future__ import annotations

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
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.base.checks import (
    name_for_new_run,
    no_tag,
    param_changed,
    params_changed,
)
from mlflow.store.tracking.sql.content import info_of
from mlflow.store.tracking.sql.core import RunRow, experiment_key, now_ms
from mlflow.store.tracking.sql.packing import pack_runs
from mlflow.store.tracking.sql.pages import SqlPages
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NAME
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

_HOUR_MS = 3_600_000
#: How long it is remembered what a writer has stored. Whoever sends a batch again does so as soon
#: as it can; a journal may wait for as long as a laptop is off.
_WRITER_LIFE_MS = 90 * 24 * _HOUR_MS


class SqlRuns(SqlPages):
    _writers_looked_at = now_ms()

    def create_run(
        self,
        experiment_id: str,
        user_id: str | None,
        start_time: int | None,
        tags: Sequence[RunTag] | None,
        run_name: str | None,
    ) -> Run:
        name = name_for_new_run(tags, run_name)
        values = {**{tag.key: tag.value for tag in tags or ()}, MLFLOW_RUN_NAME: name}
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
            return Run(info_of(RunRow(key, *row)), data, RunInputs([], []), RunOutputs([]))

        return self._write_with_keys(values, write)

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
                self._audit_name(tx, key, run_id, run_name)
                set_tags(tx, key, ids, {MLFLOW_RUN_NAME: run_name[:MAX_TAG_VAL_LENGTH]})
            if changes:
                columns = ", ".join(f"{c} = ?" for c in changes)
                tx.execute(f"update run set {columns} where id = ?", (*changes.values(), key))
            if run_status is not None and RunStatus.is_terminated(run_status):
                self._seal_run(tx, key)
                pack_runs(tx, [key])
            return info_of(self._run_row(tx, run_id))

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
                raise param_changed(run_id, name, old, new)

        self._write_with_keys((param.key,), write)

    def set_tag(self, run_id: str, tag: RunTag) -> None:
        tag = _validate_tag(tag.key, tag.value)

        def write(tx: Any, ids: dict[str, int]) -> None:
            key = self._run_to_write(tx, run_id)
            if tag.key == MLFLOW_RUN_NAME:
                self._audit_name(tx, key, run_id, tag.value)
            set_tags(tx, key, ids, {tag.key: tag.value})

        self._write_with_keys((tag.key,), write)

    def delete_tag(self, run_id: str, key: str) -> None:
        def write(tx: Any) -> None:
            run = self._run_to_write(tx, run_id)
            known = self._key_id(tx, key)
            gone = tx.execute("delete from tag where run_id = ? and key_id = ?", (run, known))
            if gone.rowcount == 0:
                raise no_tag(key, "run", run_id)

        self.db.write(write)

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric],
        params: Sequence[Param],
        tags: Sequence[RunTag],
    ) -> None:
        self._log_batch(run_id, metrics, params, tags)

    def log_batch_once(
        self,
        run_id: str,
        metrics: Sequence[Metric],
        params: Sequence[Param],
        tags: Sequence[RunTag],
        *,
        writer: str,
        after: int,
        sequence: int,
    ) -> int:
        _check_writer(writer, after, sequence)
        return self._log_batch(run_id, metrics, params, tags, (writer, after, sequence))

    def _audit_name(self, tx: Any, key: int, run_id: str, name: str) -> None:
        """Note that a run gets another name, if it does. Who watches runs has nothing else to see
        it by."""
        (before,) = tx.execute("select name from run where id = ?", (key,)).fetchone()
        if before != name:
            self._audit(tx, "rename", "run", run_id, before, name)

    def _log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric],
        params: Sequence[Param],
        tags: Sequence[RunTag],
        once: tuple[str, int, int] | None = None,
    ) -> int:
        _validate_run_id(run_id)
        metrics, params, tags = _validate_batch_log_data(metrics, params, tags)
        _validate_batch_log_limits(metrics, params, tags)
        _validate_param_keys_unique(params)
        names = {m.key for m in metrics}
        names.update(p.key for p in params)
        names.update(t.key for t in tags)

        def write(tx: Any, ids: dict[str, int]) -> int:
            if once is not None:
                stored = self._stored_by(tx, run_id, *once)
                if stored is not None:
                    return stored
            key = self._run_to_write(tx, run_id)
            changed = _set_params(tx, key, ids, params)
            if changed:
                raise params_changed(run_id, changed)
            if metrics:
                self._append(tx, key, ids, metrics)
            if tags:
                values = {t.key: t.value for t in tags}
                if MLFLOW_RUN_NAME in values:
                    self._audit_name(tx, key, run_id, values[MLFLOW_RUN_NAME])
                set_tags(tx, key, ids, values)
            return once[2] if once else 0

        return self._write_with_keys(names, write)

    def _stored_by(
        self, tx: Any, run_id: str, writer: str, after: int, sequence: int
    ) -> int | None:
        """Up to where the writer's records of this run are stored, if that is behind `after`. Else
        None, and up to `sequence` once the transaction is committed."""
        import hashlib  # loads OpenSSL, which a process that only logs need not wait for

        # A row of its own for each run: nobody can get in the way of a run that is not theirs
        key = hashlib.blake2b(f"{writer} {run_id}".encode(), digest_size=16).hexdigest()
        query = f"select sequence from writer where uuid = ?{self.db.dialect.update_lock}"
        row = tx.execute(query, (key,)).fetchone()
        if row is None:
            # A request that was given up and its successor may be here at once: one waits here
            tx.execute(
                "insert into writer (uuid, sequence, time) values (?, 0, ?) "
                "on conflict (uuid) do nothing",
                (key, now_ms()),
            )
            row = tx.execute(query, (key,)).fetchone()
            self._forget_writers(tx)
        if row[0] > after:
            return row[0]
        tx.execute(
            "update writer set sequence = ?, time = ? where uuid = ?", (sequence, now_ms(), key)
        )
        return None

    def _forget_writers(self, tx: Any) -> None:
        """Remove what no writer will ask for again; seldom, since it reads the whole table."""
        now = now_ms()
        if now - self._writers_looked_at > _HOUR_MS:
            self._writers_looked_at = now
            tx.execute("delete from writer where time < ?", (now - _WRITER_LIFE_MS,))


def _first_tag(key: str, value: str) -> str:
    """The value as it is stored. Tags that a run begins with may have any key: the reference takes
    them, and programs rely on it."""
    if not key:
        raise MlflowException.invalid_parameter_value(missing_value("key"))
    _validate_length_limit("key", MAX_ENTITY_KEY_LENGTH, key)
    return _validate_length_limit("value", MAX_TAG_VAL_LENGTH, value, truncate=True) or ""


def _check_writer(writer: str, after: int, sequence: int) -> None:
    if not isinstance(writer, str) or not 0 < len(writer) <= 64:
        raise MlflowException.invalid_parameter_value(
            f"Invalid writer '{writer}'; 1 to 64 characters are needed."
        )
    if not 0 <= after < sequence < 1 << 63:
        raise MlflowException.invalid_parameter_value(
            f"Invalid sequence: after {after}, up to {sequence}; two ascending numbers from 0 to "
            "2^63 - 1 are needed."
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
