"""Taking experiments and runs over as they are in another store, into a SQL database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from mlflow.entities import (
    Experiment,
    ExperimentTag,
    LifecycleStage,
    LoggedModel,
    LoggedModelParameter,
    Metric,
    Run,
    RunInfo,
    RunStatus,
)
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.base.checks import check_stage, experiment_key, params_changed
from mlflow.store.tracking.base.logged_models import new_params
from mlflow.store.tracking.base.transfer import (
    Transfer,
    canonical,
    checked_model,
    params_of_adopted,
)
from mlflow.store.tracking.sql.content import info_of
from mlflow.store.tracking.sql.core import RUN_COLUMNS, RunRow, SqlCore, now_ms
from mlflow.store.tracking.sql.experiments import SqlExperiments, _set_tag
from mlflow.store.tracking.sql.inputs import SqlInputs
from mlflow.store.tracking.sql.logged_models import (
    SqlLoggedModels,
    add_model_params,
    set_model_tags,
)
from mlflow.store.tracking.sql.metrics import SqlMetrics
from mlflow.store.tracking.sql.packing import pack_runs
from mlflow.store.tracking.sql.runs import SqlRuns, _first_tag, _set_params, set_tags
from mlflow.utils.uri import append_to_uri_path
from mlflow.utils.validation import (
    _validate_experiment_name,
    _validate_experiment_tag,
)

T = TypeVar("T")

#: The id of an experiment, and that of a run's row, come from the other store; whoever makes the
#: same one at the same moment wins, and the other one finds it.
_ATTEMPTS = 3


class SqlTransfer(
    SqlExperiments, SqlRuns, SqlMetrics, SqlInputs, SqlLoggedModels, SqlCore, Transfer
):
    @property
    def can_adopt(self) -> bool:
        return True

    def adopt_experiment(self, experiment: Experiment, *, keep_location: bool = False) -> str:
        _validate_experiment_name(experiment.name)
        for name, value in experiment.tags.items():
            _validate_experiment_tag(name, value)
        check_stage(experiment.lifecycle_stage)
        key = _key_or_none(experiment.experiment_id)
        return str(
            self._once_more_if_taken(
                lambda: self.db.write(
                    lambda tx: self._adopt_experiment(tx, key, experiment, keep_location)
                )
            )
        )

    def _adopt_experiment(
        self, tx: Any, key: int | None, x: Experiment, keep_location: bool
    ) -> int:
        lock = self.db.dialect.update_lock
        columns = "id, name, lifecycle_stage, creation_time"
        named = tx.execute(
            f"select {columns} from experiment where name = ?{lock}", (x.name,)
        ).fetchone()
        there = tx.execute(
            f"select {columns} from experiment where id = ?{lock}", (key,)
        ).fetchone()
        created = x.creation_time or 0
        if there and there[3] == created:
            if named and named[0] != key:
                raise MlflowException(
                    f"Experiment {key} cannot be renamed to '{x.name}': the name belongs to "
                    f"experiment {named[0]}.",
                    error_code=CODES["RESOURCE_ALREADY_EXISTS"],
                )
            self._renew_experiment(tx, there, x)
            return there[0]
        if named:
            return named[0]
        deleted = None if x.lifecycle_stage == LifecycleStage.ACTIVE else now_ms()
        row = (x.name, x.lifecycle_stage, created, x.last_update_time or created, deleted)
        into = "name, lifecycle_stage, creation_time, last_update_time, deleted_time"
        if there or key is None:
            key = self.db.dialect.insert(
                tx, f"insert into experiment ({into}) values (?, ?, ?, ?, ?)", row
            )
        else:
            tx.execute(
                f"insert into experiment (id, {into}) values (?, ?, ?, ?, ?, ?)", (key, *row)
            )
            self.db.dialect.reserve_ids(tx, "experiment")
        own = f"{self.artifact_root_uri.rstrip('/')}/{key}"
        location = x.artifact_location if keep_location else own
        tx.execute("update experiment set artifact_location = ? where id = ?", (location, key))
        for name, value in x.tags.items():
            _set_tag(tx, key, ExperimentTag(name, value))
        self._audit(tx, "adopt", "experiment", str(key), None, x.name)
        return key

    def _renew_experiment(self, tx: Any, there: tuple, x: Experiment) -> None:
        key, name, stage, _ = there
        deleted = None if x.lifecycle_stage == LifecycleStage.ACTIVE else now_ms()
        if stage != x.lifecycle_stage:
            tx.execute(
                "update experiment set lifecycle_stage = ?, deleted_time = ? where id = ?",
                (x.lifecycle_stage, deleted, key),
            )
            self._audit(tx, "adopt", "experiment", str(key), stage, x.lifecycle_stage)
        if name != x.name:
            self._audit(tx, "rename", "experiment", str(key), name, x.name)
        tx.execute(
            "update experiment set name = ?, last_update_time = ? where id = ?",
            (x.name, x.last_update_time or x.creation_time or 0, key),
        )
        tags = dict(
            tx.execute(
                "select name, value from experiment_tag where experiment_id = ?", (key,)
            ).fetchall()
        )
        for gone in tags.keys() - x.tags.keys():
            tx.execute(
                "delete from experiment_tag where experiment_id = ? and name = ?", (key, gone)
            )
        for tag, value in x.tags.items():
            if tags.get(tag) != value:
                _set_tag(tx, key, ExperimentTag(tag, value))

    # -- runs -------------------------------------------------------------------------------

    def adopt_run(self, run: Run, *, keep_location: bool = False) -> RunInfo:
        info, data = run.info, run.data
        params = params_of_adopted(run)
        metrics = data._metric_objs
        tags = {key: _first_tag(key, value) for key, value in data.tags.items()}
        names = {*tags, *(p.key for p in params), *(m.key for m in metrics)}

        def write(tx: Any, ids: dict[str, int]) -> RunInfo:
            key = self._adopt_info(tx, info, keep_location)
            self._replace_tags(tx, key, ids, tags, info.run_name)
            changed = _set_params(tx, key, ids, params)
            if changed:
                raise params_changed(info.run_id, changed)
            if metrics:
                self._append(tx, key, ids, metrics)
            self._add_inputs(
                tx,
                key,
                run.inputs.dataset_inputs,
                run.inputs.model_inputs,
                run.outputs.model_outputs,
            )
            if RunStatus.is_terminated(RunStatus.from_string(info.status)):
                self._seal_run(tx, key)
                pack_runs(tx, [key])
            return info_of(self._run_row(tx, info.run_id))

        return self._once_more_if_taken(lambda: self._write_with_keys(names, write))

    def _adopt_info(self, tx: Any, info: RunInfo, keep_location: bool) -> int:
        """The row of a run, made or brought up to date."""
        experiment = experiment_key(info.experiment_id)
        location = self._experiment_row(tx, experiment)[2]
        found = tx.execute(
            f"select {RUN_COLUMNS} from run r where r.uuid = ?{self.db.dialect.update_lock}",
            (info.run_id,),
        ).fetchone()
        wanted: dict[str, Any] = {
            "name": info.run_name,
            "user_id": info.user_id,
            "status": RunStatus.from_string(info.status),
            "start_time": info.start_time or 0,
            "end_time": info.end_time,
            "lifecycle_stage": info.lifecycle_stage,
        }
        row = RunRow(*found) if found else None
        if row and row.experiment_id != experiment:
            raise MlflowException(
                f"Run {info.run_id} is in experiment {row.experiment_id} already, so it cannot be "
                f"in experiment {experiment}.",
                error_code=CODES["RESOURCE_ALREADY_EXISTS"],
            )
        if row is None or row.lifecycle_stage != info.lifecycle_stage:
            active = info.lifecycle_stage == LifecycleStage.ACTIVE
            wanted["deleted_time"] = None if active else now_ms()
        own = f"{location.rstrip('/')}/{info.run_id}/artifacts"
        if row is None or keep_location:
            wanted["artifact_uri"] = info.artifact_uri if keep_location else own
        if row is None:
            wanted["uuid"] = info.run_id
            wanted["experiment_id"] = experiment
            marks = ", ".join("?" * len(wanted))
            return self.db.dialect.insert(
                tx,
                f"insert into run ({', '.join(wanted)}) values ({marks})",
                tuple(wanted.values()),
            )
        if "deleted_time" in wanted:
            before, after = row.lifecycle_stage, info.lifecycle_stage
            self._audit(tx, "adopt", "run", info.run_id, before, after)
        columns = ", ".join(f"{column} = ?" for column in wanted)
        tx.execute(f"update run set {columns} where id = ?", (*wanted.values(), row.id))
        tx.execute("delete from packed_run where run_id = ?", (row.id,))
        return row.id

    def _replace_tags(
        self, tx: Any, run: int, ids: dict[str, int], tags: dict[str, str], run_name: str | None
    ) -> None:
        rows = tx.execute("select key_id, value from tag where run_id = ?", (run,)).fetchall()
        there = dict(rows)
        wanted = {ids[name] for name in tags}
        for key in sorted(there.keys() - wanted):
            tx.execute("delete from tag where run_id = ? and key_id = ?", (run, key))
        changed = {name: value for name, value in tags.items() if there.get(ids[name]) != value}
        set_tags(tx, run, ids, changed)
        tx.execute("update run set name = ? where id = ?", (run_name, run))  # set_tags sets it, too

    # -- logged models ----------------------------------------------------------------------

    def adopt_logged_model(self, model: LoggedModel, *, keep_location: bool = False) -> LoggedModel:
        model = checked_model(model)
        metrics = model.metrics or []

        def write(tx: Any, ids: dict[str, int]) -> LoggedModel:
            key = self._adopt_model_row(tx, model, keep_location)
            tx.execute("delete from logged_model_tag where model_id = ?", (key,))
            set_model_tags(tx, key, model.tags)
            rows = tx.execute(
                "select name, value from logged_model_param where model_id = ?", (key,)
            ).fetchall()
            params = [LoggedModelParameter(k, v) for k, v in model.params.items()]
            add_model_params(tx, key, new_params(model.model_id, dict(rows), params))
            self._adopt_model_metrics(tx, model.model_id, ids, metrics)
            return self._load_models(tx, [self._model_row(tx, model.model_id)])[0]

        names = {m.key for m in metrics}
        return self._once_more_if_taken(lambda: self._write_with_keys(names, write))

    def _adopt_model_row(self, tx: Any, model: LoggedModel, keep_location: bool) -> int:
        """The row of a logged model, made or brought up to date."""
        experiment = experiment_key(model.experiment_id)
        root = self._experiment_row(tx, experiment)[2]
        found = tx.execute(
            "select id, experiment_id from logged_model where uuid = ?"
            + self.db.dialect.update_lock,
            (model.model_id,),
        ).fetchone()
        wanted: dict[str, Any] = {
            "name": model.name,
            "model_type": model.model_type,
            "source_run": model.source_run_id,
            "status": model.status.to_int(),
            "status_message": model.status_message,
            "creation_time": model.creation_timestamp,
            "last_update_time": model.last_updated_timestamp,
        }
        if found and found[1] != experiment:
            raise MlflowException(
                f"Logged model {model.model_id} is in experiment {found[1]} already, so it cannot "
                f"be in experiment {experiment}.",
                error_code=CODES["RESOURCE_ALREADY_EXISTS"],
            )
        if keep_location:
            wanted["artifact_location"] = model.artifact_location
        elif not found:
            own = append_to_uri_path(root, "models", model.model_id, "artifacts")
            wanted["artifact_location"] = own
        if not found:
            wanted["uuid"] = model.model_id
            wanted["experiment_id"] = experiment
            wanted["lifecycle_stage"] = LifecycleStage.ACTIVE
            columns, values = ", ".join(wanted), ", ".join("?" * len(wanted))
            return self.db.dialect.insert(
                tx,
                f"insert into logged_model ({columns}) values ({values})",
                tuple(wanted.values()),
            )
        columns = ", ".join(f"{column} = ?" for column in wanted)
        tx.execute(f"update logged_model set {columns} where id = ?", (*wanted.values(), found[0]))
        return found[0]

    def _adopt_model_metrics(
        self, tx: Any, model_id: str, ids: dict[str, int], metrics: Sequence[Metric]
    ) -> None:
        there = {_point_of(m) for m in self._metrics_of_models(tx, [model_id])[model_id]}
        runs: dict[str | None, int | None] = {}
        rows = []
        for m in metrics:
            if _point_of(m) in there:
                continue
            if m.run_id not in runs:
                row = tx.execute("select id from run where uuid = ?", (m.run_id,)).fetchone()
                runs[m.run_id] = row and row[0]
            if (run := runs[m.run_id]) is not None:
                rows.append((run, ids[m.key], m))
        self._insert_model_metrics(tx, rows, model_id)

    def _once_more_if_taken(self, work: Callable[[], T]) -> T:
        for attempt in range(_ATTEMPTS):
            try:
                return work()
            except Exception as e:
                cause = e.__cause__ if isinstance(e.__cause__, Exception) else e
                if attempt + 1 == _ATTEMPTS or not self.db.dialect.is_duplicate(cause):
                    raise
        raise AssertionError("unreachable")


def _point_of(m: Metric) -> tuple[Any, ...]:
    """What tells one metric of a logged model from the others."""
    value = canonical(m.value)
    return m.key, value, m.timestamp, m.step, m.dataset_name, m.dataset_digest, m.run_id


def _key_or_none(experiment_id: str) -> int | None:
    """The integer of an experiment id; None if the other store has ids of another kind."""
    try:
        return experiment_key(experiment_id)
    except MlflowException:
        return None
