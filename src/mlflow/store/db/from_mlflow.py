"""Bringing over what MLflow keeps in a database, into our tables beside MLflow's.

It is one transaction, and MLflow's tables are only read. Their columns differ between versions, so
each database is asked which ones it has; what it lacks gets the value that MLflow answers for it.
Metrics are read run by run and written as chunks; all the rest goes from table to table inside the
database.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from mlflow.entities import LifecycleStage, RunStatus
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.db import registry_from_mlflow, traces_from_mlflow
from mlflow.store.db.chunks import SMALLEST_CHUNK, chunk_rows, insert_chunks
from mlflow.store.db.database import Database
from mlflow.store.db.points import CHUNK_POINTS, Points
from mlflow.store.db.registry_from_mlflow import RegistryMove
from mlflow.store.db.schema import add_default_experiment, look, make_tables, mark_complete
from mlflow.store.db.tables import statements
from mlflow.store.db.traces_from_mlflow import TraceMove
from mlflow.store.tracking.sql.core import marks
from mlflow.store.tracking.sql.metrics import _INSERT_TAIL, _latest, _stored
from mlflow.utils.logging_utils import eprint
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NAME
from mlflow.utils.progress import Progress

#: MLflow's tables that every version has.
_CORE = ("experiments", "runs", "tags", "params", "metrics")
#: Its tables that come over as far as they are there, too.
_MORE = (
    "experiment_tags",
    "latest_metrics",
    "datasets",
    "inputs",
    "input_tags",
    "logged_models",
    "logged_model_params",
    "logged_model_tags",
    "logged_model_metrics",
    *registry_from_mlflow.TABLES,
    *traces_from_mlflow.TABLES,
)
#: Columns with names that need an id.
_KEYS = (
    ("tags", "key"),
    ("params", "key"),
    ("latest_metrics", "key"),
    ("logged_model_metrics", "metric_name"),
    *traces_from_mlflow.KEYS,
)
#: The workspace that everything was in before there were workspaces.
_WORKSPACE = "default"

#: Runs whose tags, params and metrics come over by one statement each.
_RUNS = 500
#: Points of one run that are held in memory; rows, and chunks, that are not written yet.
_POINTS, _ROWS, _CHUNKS = 500_000, 10_000, 256
#: Latest values that differ which are told in full.
_EXAMPLES = 3

# About what a row takes, in bytes, with its part of the indexes, where it takes the most; of texts,
# besides their length.
_RUN_SIZE, _TEXT_SIZE, _SERIES_SIZE, _TAIL_SIZE, _CHUNK_SIZE = 800, 150, 150, 60, 24


def bring_over(database: Database) -> str:
    """Bring over what MLflow keeps in `database`; what was done, in a few lines.

    An end at any moment leaves the database as it was; on MariaDB and MySQL, empty tables of ours
    may stay, which the next attempt replaces.

    Raises:
        MlflowException: INVALID_STATE if there is something that cannot be brought over, or an
            MLflow has written to its tables meanwhile; RESOURCE_EXHAUSTED if the disk has no room.
    """
    if database.dialect.single_writer:
        return database.write(lambda tx: _Move(database, tx, tx).run())
    with database.read() as reader:
        return database.write(lambda tx: _Move(database, tx, reader).run())


def bring_over_traces(database: Database, tx: Any, reader: Any) -> int:
    """Bring over MLflow's traces into a database that all else was brought over into before there
    were tables of traces; how many there are."""
    if "trace_info" not in database.dialect.table_names(tx):
        return 0
    move = _Move(database, tx, reader)
    move._find_columns()
    move._key_names(traces_from_mlflow.KEYS)
    TraceMove(move).run()
    return int(tx.execute("select count(*) from trace").fetchone()[0])


class _Move:
    """One attempt.

    Args:
        tx: Reads and writes.
        reader: Reads metrics while `tx` writes them.
    """

    def __init__(self, database: Database, tx: Any, reader: Any):
        self.database = database
        self.dialect = database.dialect
        self.tx = tx
        self.reader = reader
        self.columns: dict[str, set[str]] = {}
        self.differing: list[str] = []

    def run(self) -> str:
        start = time.monotonic()
        self.dialect.lock_schema(self.tx)
        if look(self.database, self.tx)[0] is not None:
            return "Another process has brought the database over meanwhile."
        self._find_columns()
        there = self._count_theirs()
        self._check_runs()
        self._check_room(there)
        self._drop_leftovers()
        late = self.dialect.transactional_ddl
        make_tables(self.database, self.tx, indexes=not late)
        total = sum(there[table] for table in _CORE)
        with Progress("Bringing over", total=total, unit="rows") as progress:
            self._experiments()
            self._runs()
            progress.update(there["experiments"] + there["runs"])
            self._key_names(_KEYS)
            self._prefer_indexes(True)
            metrics = _Metrics(self.tx)
            for runs in self._batches():
                progress.update(self._texts("tag", "tags", runs))
                progress.update(self._texts("param", "params", runs))
                for rows in self.dialect.stream(self.reader, self._points(runs), list(runs)):
                    metrics.add(runs, rows)
                    progress.update(len(rows))
                metrics.finish(runs)
                self._compare_latest(runs)
            self._prefer_indexes(False)
            self._inputs()
            self._logged_models()
            self._model_metrics()
            RegistryMove(self, _WORKSPACE).run()
            TraceMove(self).run()
        if late:
            self._make_indexes()
        if not self.dialect.single_writer and self._count_theirs() != there:
            raise _refusal(
                "MLflow's tables have changed while they were read. Stop what writes to them, and "
                "run the command again; nothing was brought over."
            )
        mark_complete(self.tx)
        return "\n".join(self._report(there, metrics.points, time.monotonic() - start))

    # -- before -----------------------------------------------------------------------------

    def _find_columns(self) -> None:
        for table in (*_CORE, *_MORE):
            self.columns[table] = self.dialect.column_names(self.tx, table)
        missing = [table for table in _CORE if not self.columns[table]]
        if missing:
            raise _refusal(
                f"The database '{self.database.url.safe}' has tables of another program, but no "
                f"'{missing[0]}', so they are no tracking store of MLflow. Use another database."
            )

    def _has(self, table: str, column: str = "") -> bool:
        return column in self.columns[table] if column else bool(self.columns[table])

    def _column(self, table: str, column: str, otherwise: str = "null") -> str:
        """The column by its table's first letter, or what stands for it where it is lacking."""
        return f'{table[0]}."{column}"' if column in self.columns[table] else otherwise

    def _count_theirs(self) -> dict[str, int]:
        return {table: self._count(table) for table in self.columns if self._has(table)}

    def _count(self, table: str) -> int:
        return self.tx.execute(f'select count(*) from "{table}"').fetchone()[0]

    def _check_runs(self) -> None:
        known = ", ".join(f"'{RunStatus.to_string(n)}'" for n in RunStatus.all_status())
        row = self.tx.execute(
            "select run_uuid, status from runs "
            f"where status is null or status not in ({known}) limit 1"
        ).fetchone()
        if row:
            raise _refusal(
                f"Run {row[0]} has status {row[1]!r} in MLflow's table 'runs'; one of {known} is "
                "needed. Nothing was brought over."
            )

    def _check_room(self, there: dict[str, int]) -> None:
        texts = sum(
            self.tx.execute(f"select coalesce(sum(length(value)), 0) from {table}").fetchone()[0]
            for table in ("tags", "params")
        )
        points = there["metrics"]
        series = there.get("latest_metrics", points)
        needed = (
            int(texts)
            + _RUN_SIZE * there["runs"]
            + _TEXT_SIZE * (there["tags"] + there["params"])
            + _SERIES_SIZE * series
            + _TAIL_SIZE * min(points, series * SMALLEST_CHUNK)
            + _CHUNK_SIZE * points
        )
        if self.dialect.name != "sqlite":
            eprint(f"This may take about {_size(needed)} of the database server's disk.")
            return
        if self.tx.execute("pragma journal_mode").fetchone()[0] != "wal":
            needed //= 2  # its rows are half as large as others'; but a log has them all first
        folder = os.path.dirname(os.path.abspath(self.database.url.database))
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise MlflowException(
                f"This may take about {_size(needed)} in '{folder}', where {_size(free)} are free. "
                "Nothing was changed.",
                error_code=CODES["RESOURCE_EXHAUSTED"],
            )
        eprint(f"This may take about {_size(needed)} in '{folder}'; {_size(free)} are free.")

    def _drop_leftovers(self) -> None:
        """Tables of an attempt that was cut short, where the transaction did not undo them."""
        if "schema_version" in self.dialect.table_names(self.tx):
            for name in reversed(self._our_tables()):  # what says whose they are goes last
                self.tx.execute(f"drop table if exists {name}")

    def _our_tables(self) -> list[str]:
        made = "\n".join(statements(self.dialect.types))
        return re.findall(r"^create table (\w+)", made, re.MULTILINE)

    # -- from table to table ----------------------------------------------------------------

    def _experiments(self) -> None:
        stage = f"coalesce({self._column('experiments', 'lifecycle_stage')}, 'active')"
        updated = self._column("experiments", "last_update_time")
        where = ""
        if self._has("experiments", "workspace"):
            where = f"where e.workspace = '{_WORKSPACE}'"
        self.tx.execute(
            "insert into experiment (id, name, artifact_location, lifecycle_stage, creation_time, "
            "last_update_time, deleted_time) select e.experiment_id, e.name, e.artifact_location, "
            f"{stage}, {self._column('experiments', 'creation_time')}, {updated}, "
            f"case when {stage} = '{LifecycleStage.DELETED}' then {updated} end "
            f"from experiments e {where} order by e.experiment_id"
        )
        if self._count("experiment"):
            self.dialect.reserve_ids(self.tx, "experiment")
        else:
            add_default_experiment(self.tx, "./mlruns")
        if self._has("experiment_tags"):
            self.tx.execute(
                "insert into experiment_tag (experiment_id, name, value) "
                'select x.id, t."key", t.value from experiment_tags t '
                "join experiment x on x.id = t.experiment_id"
            )

    def _runs(self) -> None:
        status = " ".join(
            f"when '{RunStatus.to_string(n)}' then {n}" for n in RunStatus.all_status()
        )
        self.tx.execute(
            "insert into run (uuid, experiment_id, name, user_id, status, start_time, end_time, "
            "lifecycle_stage, deleted_time, artifact_uri) "
            "select r.run_uuid, x.id, coalesce(nullif(r.name, ''), t.value), "
            f"coalesce(r.user_id, ''), case r.status {status} end, coalesce(r.start_time, 0), "
            f"r.end_time, coalesce(r.lifecycle_stage, '{LifecycleStage.ACTIVE}'), "
            f"{self._column('runs', 'deleted_time')}, r.artifact_uri "
            "from runs r join experiment x on x.id = r.experiment_id "
            "left join tags t on t.run_uuid = r.run_uuid "
            f"and {self._exact('t.key')} = '{MLFLOW_RUN_NAME}' "
            "order by r.start_time, r.run_uuid"
        )

    def _key_names(self, columns: Sequence[tuple[str, str]]) -> None:
        """Give ids to the names in these columns of these tables."""
        names = " union ".join(
            f"select {self._exact('t.' + column)} as name from {table} t"
            for table, column in columns
            if self._has(table)
        )
        if names:
            self.tx.execute(
                f"insert into key_name (name) select n.name from ({names}) n "
                "where not exists (select 1 from key_name k where k.name = n.name)"
            )

    def _prefer_indexes(self, prefer: bool) -> None:
        """Keep PostgreSQL from reading whole tables for a few runs: it knows nothing yet of tables
        that were filled just now, as ours and those of a restored dump were."""
        if self.dialect.name == "postgresql":
            for connection in (self.tx, self.reader):
                connection.execute(f"set local enable_seqscan = {'off' if prefer else 'on'}")
                connection.execute("set local jit = off")

    def _batches(self) -> Iterator[dict[str, int]]:
        """Some runs after the other: their ids, in order, by their public ids."""
        last = 0
        while True:
            rows = self.tx.execute(
                "select id, uuid from run where id > ? order by id limit ?", (last, _RUNS)
            ).fetchall()
            if not rows:
                return
            yield {uuid: key for key, uuid in rows}
            last = rows[-1][0]

    def _texts(self, ours: str, theirs: str, runs: dict[str, int]) -> int:
        """Bring over the tags or params of some runs; how many."""
        done = self.tx.execute(
            f"insert into {ours} (run_id, key_id, value) "
            f"select r.id, k.id, coalesce(t.value, '') from {theirs} t "
            f"join run r on r.uuid = {self._exact('t.run_uuid')} "
            f"join key_name k on k.name = {self._exact('t.key')} "
            f"where t.run_uuid in ({marks(runs)}) and r.id between ? and ? order by r.id, k.id",
            (*runs, *_span(runs)),
        )
        return done.rowcount

    def _inputs(self) -> None:
        if not self._has("inputs"):
            return
        self.tx.execute(
            "insert into dataset (experiment_id, name, digest, source_type, source, schema_json, "
            "profile) select d.experiment_id, d.name, d.digest, d.dataset_source_type, "
            "d.dataset_source, d.dataset_schema, d.dataset_profile from datasets d "
            "join experiment x on x.id = d.experiment_id"
        )
        uses = (
            "from inputs i join datasets t on t.dataset_uuid = i.source_id "
            "join dataset d on d.experiment_id = t.experiment_id "
            f"and d.name = {self._exact('t.name')} and d.digest = {self._exact('t.digest')} "
            f"join run r on r.uuid = {self._exact('i.destination_id')} "
        )
        kind = "where i.source_type = 'DATASET' and i.destination_type = 'RUN'"
        self.tx.execute(
            f"insert into run_dataset (run_id, dataset_id) select r.id, d.id {uses} {kind}"
        )
        self.tx.execute(
            "insert into run_dataset_tag (run_dataset_id, name, value) "
            f"select u.id, g.name, g.value {uses} "
            "join run_dataset u on u.run_id = r.id and u.dataset_id = d.id "
            f"join input_tags g on g.input_uuid = i.input_uuid {kind}"
        )
        step = self._column("inputs", "step", "0")
        for is_output, direction, of in ((0, "INPUT", "0"), (1, "OUTPUT", step)):
            self.tx.execute(
                "insert into run_model (run_id, model_id, is_output, step) "
                f"select r.id, i.destination_id, {is_output}, {of} from inputs i "
                f"join run r on r.uuid = {self._exact('i.source_id')} "
                f"where i.source_type = 'RUN_{direction}' "
                f"and i.destination_type = 'MODEL_{direction}'"
            )

    def _logged_models(self) -> None:
        if not self._has("logged_models"):
            return
        updated = "m.last_updated_timestamp_ms"
        self.tx.execute(
            "insert into logged_model (uuid, experiment_id, name, model_type, source_run, "
            "artifact_location, status, status_message, creation_time, last_update_time, "
            "lifecycle_stage, deleted_time) select m.model_id, x.id, m.name, m.model_type, "
            "m.source_run_id, m.artifact_location, m.status, m.status_message, "
            f"m.creation_timestamp_ms, {updated}, "
            f"coalesce(m.lifecycle_stage, '{LifecycleStage.ACTIVE}'), "
            f"case when m.lifecycle_stage = '{LifecycleStage.DELETED}' then {updated} end "
            "from logged_models m join experiment x on x.id = m.experiment_id "
            "order by m.creation_timestamp_ms, m.model_id"
        )
        for ours, theirs, column in (
            ("logged_model_param", "logged_model_params", "param"),
            ("logged_model_tag", "logged_model_tags", "tag"),
        ):
            self.tx.execute(
                f"insert into {ours} (model_id, name, value) "
                f"select m.id, t.{column}_key, coalesce(t.{column}_value, '') from {theirs} t "
                f"join logged_model m on m.uuid = {self._exact('t.model_id')}"
            )

    def _model_metrics(self) -> None:
        if not self._has("logged_model_metrics"):
            return
        self.tx.execute(
            "insert into model_metric (model_id, run_id, key_id, value, timestamp, step, "
            "dataset_name, dataset_digest) select m.model_id, r.id, k.id, m.metric_value, "
            "m.metric_timestamp_ms, m.metric_step, m.dataset_name, m.dataset_digest "
            "from logged_model_metrics m "
            f"join run r on r.uuid = {self._exact('m.run_id')} "
            f"join key_name k on k.name = {self._exact('m.metric_name')}"
        )

    def _make_indexes(self) -> None:
        made = statements(self.dialect.types)
        indexes = [statement for statement in made if statement.startswith("create index")]
        with Progress("Making indexes", total=len(indexes), unit="indexes") as progress:
            for statement in indexes:
                self.tx.execute(statement)
                progress.update()

    def _exact(self, column: str) -> str:
        """A column of MLflow's, compared as ours are."""
        alias, name = column.split(".")
        return self.dialect.exact(f'{alias}."{name}"')

    # -- metrics ----------------------------------------------------------------------------

    def _points(self, runs: dict[str, int]) -> str:
        """A SELECT of (run, key, timestamp, step, value or NULL for NaN), run by run."""
        value = "m.value"
        if self._has("metrics", "is_nan"):
            value = "case when m.is_nan then null else m.value end"
        return (
            f'select m.run_uuid, m."key", m.timestamp, {self._column("metrics", "step", "0")}, '
            f"{value} from metrics m where m.run_uuid in ({marks(runs)}) order by m.run_uuid"
        )

    def _compare_latest(self, runs: dict[str, int]) -> None:
        """Note where our latest values are not those in MLflow's own table of them."""
        if not self._has("latest_metrics"):
            return
        value = "case when l.is_nan then null else l.value end"
        rows = self.tx.execute(
            f'select l.run_uuid, l."key", {value}, l.step, l.timestamp, s.value, s.step, '
            "s.timestamp, s.run_id from latest_metrics l "
            f"join run r on r.uuid = {self._exact('l.run_uuid')} "
            f"left join key_name k on k.name = {self._exact('l.key')} "
            "left join series s on s.run_id = r.id and s.key_id = k.id "
            "and s.run_id between ? and ? "
            f"where l.run_uuid in ({marks(runs)}) and r.id between ? and ? "
            "and (s.run_id is null or s.step <> l.step or s.timestamp <> l.timestamp "
            f"or s.value <> {value} or (s.value is null) <> ({value} is null))",
            (*_span(runs), *runs, *_span(runs)),
        ).fetchall()
        for uuid, key, *theirs, value, step, timestamp, run in rows:
            ours = "none" if run is None else _point(value, step, timestamp)
            self.differing.append(
                f"run {uuid}, metric '{key}': {_point(*theirs)} in MLflow's table, {ours} here"
                if len(self.differing) < _EXAMPLES
                else ""
            )

    # -- after ------------------------------------------------------------------------------

    def _report(self, there: dict[str, int], points: int, seconds: float) -> Iterator[str]:
        counts = {table: self._count(table) for table in self._our_tables()}
        done = [
            f"{number:,} {what}"
            for number, what in (
                (counts["experiment"], "experiments"),
                (counts["run"], "runs"),
                (counts["param"], "params"),
                (counts["tag"], "tags"),
                (points, f"points of {counts['series']:,} metrics"),
                (counts["dataset"], "datasets"),
                (counts["run_dataset"] + counts["run_model"], "inputs and outputs"),
                (counts["logged_model"], "logged models"),
                (counts["model_metric"], "points of models"),
                (counts["registered_model"], "registered models"),
                (counts["model_version"], "model versions"),
                (counts["trace"], "traces"),
                (counts["assessment"], "assessments"),
            )
            if number
        ]
        yield f"Brought over from MLflow in {seconds:.1f} s: {', '.join(done)}."
        if self.differing:
            yield (
                f"Latest values that are not what MLflow kept: {len(self.differing):,}. Here they "
                "are what the histories say. The first ones:"
            )
            yield from (f"  {line}" for line in self.differing[:_EXAMPLES])
        left = {
            "experiments": there["experiments"] - counts["experiment"],
            "experiment_tags": there.get("experiment_tags", 0) - counts["experiment_tag"],
            "runs": there["runs"] - counts["run"],
            "params": there["params"] - counts["param"],
            "tags": there["tags"] - counts["tag"],
            "metrics": there["metrics"] - points,
            "datasets": there.get("datasets", 0) - counts["dataset"],
            "inputs": there.get("inputs", 0) - counts["run_dataset"] - counts["run_model"],
            "input_tags": there.get("input_tags", 0) - counts["run_dataset_tag"],
            "logged_models": there.get("logged_models", 0) - counts["logged_model"],
            "logged_model_params": (
                there.get("logged_model_params", 0) - counts["logged_model_param"]
            ),
            "logged_model_tags": there.get("logged_model_tags", 0) - counts["logged_model_tag"],
            "logged_model_metrics": there.get("logged_model_metrics", 0) - counts["model_metric"],
            **RegistryMove(self, _WORKSPACE).lost(there, counts),
            **TraceMove(self).lost(there, counts),
        }
        lost = [f"{table} {number:,}" for table, number in left.items() if number > 0]
        if lost:
            yield (
                "Rows that were not brought over, since their run or experiment is not there, or "
                f"is in another workspace than '{_WORKSPACE}': {', '.join(lost)}."
            )
        later = self._later()
        if later:
            yield (
                "Rows that stay in MLflow's tables, for a later version of Headrace to bring over: "
                f"{', '.join(later)}."
            )
        yield (
            "MLflow's own tables are as they were. What an MLflow writes to them from now on is "
            "not seen here."
        )

    def _later(self) -> list[str]:
        """What is in MLflow's tables that have no counterpart yet."""
        known = {*_CORE, *_MORE, *traces_from_mlflow.DERIVED, *self._our_tables()}
        found = []
        for table in sorted(self.dialect.table_names(self.tx) - known):
            if not table.startswith(("alembic_version", "sqlite_")):
                number = self._count(table) - (table == "workspaces")  # one is always there
                if number > 0:
                    found.append(f"{table} {number:,}")
        return found


class _Metrics:
    """Writes points of metrics, which come run by run."""

    def __init__(self, tx: Any):
        self.tx = tx
        self.points = 0
        self.keys = {name: key for key, name in tx.execute("select id, name from key_name")}
        self._uuid = ""
        self._held = 0
        self._by_name: dict[str, list[tuple[int, int, float | None]]] = defaultdict(list)
        #: How many points of a metric of this run are in chunks already, and the latest of them.
        self._begun: dict[str, tuple[int, tuple]] = {}
        self._series: list[tuple] = []
        self._tail: list[tuple] = []
        self._chunks: list[tuple] = []

    def add(self, runs: dict[str, int], rows: list[tuple]) -> None:
        """Take (run, key, timestamp, step, value) each.

        Args:
            runs: Ids of runs by their public ids.
        """
        by_name = self._by_name
        for uuid, name, timestamp, step, value in rows:
            if uuid != self._uuid:
                self._end_run(runs)
                self._uuid = uuid
            by_name[name].append((timestamp, step, value))
        self.points += len(rows)
        self._held += len(rows)
        if self._held > _POINTS:
            self._relieve(runs)

    def finish(self, runs: dict[str, int]) -> None:
        """Write what is held."""
        self._end_run(runs)
        self._write_rows()

    def _end_run(self, runs: dict[str, int]) -> None:
        for name, rows in self._by_name.items():
            self._end_series(runs[self._uuid], name, rows)
        self._by_name.clear()
        self._begun.clear()
        self._held = 0
        if len(self._series) + len(self._tail) >= _ROWS:
            self._write_rows()

    def _end_series(self, run: int, name: str, rows: list[tuple]) -> None:
        key = self._key(name)
        first, latest = self._begun.get(name, (0, None))
        points = first + len(rows)
        sealed = points
        if rows:
            ordered = _in_order(rows)
            latest = _latest(ordered if latest is None else [latest, *ordered])
            if len(rows) >= SMALLEST_CHUNK:
                self._add_chunks(run, key, first, ordered)
            else:
                sealed = first
                self._tail += [(run, key, seq, *row) for seq, row in enumerate(ordered, first)]
        assert latest is not None  # of rows, or of those before
        step, timestamp, value = latest
        self._series.append((run, key, value, step, timestamp, points, sealed))

    def _relieve(self, runs: dict[str, int]) -> None:
        """Write chunks of a run that has more points than may be held."""
        longest = max(map(len, self._by_name.values()))
        size = CHUNK_POINTS if longest >= CHUNK_POINTS else SMALLEST_CHUNK
        self._held = 0
        for name, rows in self._by_name.items():
            now = len(rows) - len(rows) % size
            if now:
                first, latest = self._begun.get(name, (0, None))
                ordered = _in_order(rows[:now])
                self._add_chunks(runs[self._uuid], self._key(name), first, ordered)
                latest = _latest(ordered if latest is None else [latest, *ordered])
                self._begun[name] = first + now, latest
                del rows[:now]
            self._held += len(rows)

    def _add_chunks(self, run: int, key: int, first: int, rows: list[tuple]) -> None:
        points = Points()
        points.append_rows(rows)
        self._chunks += chunk_rows(run, key, first, points)
        if len(self._chunks) >= _CHUNKS:
            self._write_rows()

    def _write_rows(self) -> None:
        if self._series:
            self.tx.executemany(_INSERT_SERIES, self._series)
        if self._tail:
            self.tx.executemany(_INSERT_TAIL, self._tail)
        if self._chunks:
            insert_chunks(self.tx, self._chunks)
        self._series, self._tail, self._chunks = [], [], []

    def _key(self, name: str) -> int:
        key = self.keys.get(name)
        if key is None:  # MLflow's table of latest values lacks it
            self.tx.execute("insert into key_name (name) values (?)", (name,))
            (key,) = self.tx.execute("select id from key_name where name = ?", (name,)).fetchone()
            self.keys[name] = key
        return key


_INSERT_SERIES = (
    "insert into series (run_id, key_id, value, step, timestamp, points, sealed) "
    "values (?, ?, ?, ?, ?, ?, ?)"
)


def _in_order(rows: list[tuple]) -> list[tuple[int, int, float | None]]:
    """(step, timestamp, value) of (timestamp, step, value), oldest first, as our columns keep
    them."""
    try:
        rows.sort()
    except TypeError:  # points that differ by value only, and NaN among them
        rows.sort(key=lambda r: (r[0], r[1], r[2] is not None, r[2] or 0.0))
    timestamps, steps, values = zip(*rows)
    try:
        plain = math.isfinite(sum(values))
    except TypeError:
        plain = False
    if not plain:
        values = tuple(None if v is None else _stored(v) for v in values)
    return list(zip(steps, timestamps, values))


def _span(runs: dict[str, int]) -> tuple[int, int]:
    """The first and the last id. It shows the database how few rows of ours there are to join."""
    ids = list(runs.values())
    return ids[0], ids[-1]


def _point(value: float | None, step: int, timestamp: int) -> str:
    return f"{'NaN' if value is None else value} at step {step}, time {timestamp}"


def _size(count: int) -> str:
    return f"{max(count / 1e6, 1):,.0f} MB"


def _refusal(message: str) -> MlflowException:
    return MlflowException(message, error_code=CODES["INVALID_STATE"])
