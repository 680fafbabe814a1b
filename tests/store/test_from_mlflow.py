"""Databases that MLflow made, of several versions, brought over.

`tests/data/mlflow-databases` has them, with what the MLflow that made them answered.

By hand, to see that the same MLflow still works on its tables afterwards:
HEADRACE_MLFLOWS="1.30=/path/to/python 3.17=/path/to/python" pytest tests/store/test_from_mlflow.py
"""

from __future__ import annotations

import contextlib
import gzip
import json
import math
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests import databases
from tests.optional import missing

from mlflow.entities import Metric, RunTag, ViewType
from mlflow.exceptions import MlflowException
from mlflow.store.db import from_mlflow, upgrade
from mlflow.store.db.check import check
from mlflow.store.db.database import Database
from mlflow.store.db.tables import statements
from mlflow.store.db.trace_tables import TRACE_TABLES
from mlflow.store.tracking.sql.store import SqlStore
from mlflow.tracking.client import MlflowClient

GOLDEN = Path(__file__).parent.parent / "data" / "mlflow-databases"
MADE = sorted(p.relative_to(GOLDEN).with_suffix("").parts for p in GOLDEN.glob("*/*[!n].gz"))
KINDS = ("sqlite", "postgresql", "mysql")
NEWEST = "3.17"
#: Logged as NaN, then as -3, at the same step and time: MLflow compares NaN as if it were 0.
ODD = "nan or number"
#: By hand, for long: HEADRACE_CRASHES=1000 pytest tests/store/test_from_mlflow.py -k killed
CRASHES = int(os.environ.get("HEADRACE_CRASHES", "4"))
MLFLOWS = dict(word.split("=") for word in os.environ.get("HEADRACE_MLFLOWS", "").split())


class Old:
    """A copy of a database that MLflow made."""

    def __init__(self, version: str, kind: str, folder: Path):
        self.version, self.kind, self.folder = version, kind, folder
        self.uri = ""

    def make(self) -> None:
        content = gzip.decompress((GOLDEN / self.version / f"{self.kind}.gz").read_bytes())
        if self.kind == "sqlite":
            path = self.folder / "mlflow.db"
            path.write_bytes(content)
            self.uri = f"sqlite:///{path}"
        elif self.kind == "postgresql":
            import psycopg

            self.uri = databases.create_postgresql()
            with psycopg.connect(self.uri, autocommit=True) as connection:
                connection.execute(content.decode())
        else:
            self.uri = databases.create_mysql()
            database = Database(self.uri)
            with database._connect().raw.cursor() as cursor:
                cursor.execute("set session sql_mode = ''")
                for statement in content.decode().split(";\n"):
                    if statement.strip():
                        cursor.execute(statement)
            database.close()

    def drop(self) -> None:
        if self.uri and self.kind != "sqlite":
            getattr(databases, f"drop_{self.kind}")(self.uri)

    def expected(self) -> dict[str, Any]:
        return json.loads(gzip.open(GOLDEN / self.version / f"{self.kind}.json.gz").read())

    def rows(self, query: str) -> list[tuple]:
        database = Database(self.uri)
        with database.read() as tx:
            found = tx.execute(query).fetchall()
        database.close()
        return found

    def write(self, *changes: str) -> None:
        database = Database(self.uri)
        database.write(lambda tx: [tx.execute(sql) for sql in changes])
        database.close()

    def content(self) -> dict[str, list]:
        """All that is in MLflow's tables, and how SQLite has declared them."""
        database = Database(self.uri)
        ours = {s.split()[2] for s in statements(database.dialect.types) if "create table" in s}
        with database.read() as tx:
            content = {
                table: sorted(map(repr, tx.execute(f'select * from "{table}"').fetchall()))
                for table in database.dialect.table_names(tx) - ours
                if not table.startswith("sqlite_")
            }
            if self.kind == "sqlite":
                declared = tx.execute("select tbl_name, name, sql from sqlite_master").fetchall()
                content[""] = sorted(repr(d) for d in declared if d[0] in content)
        database.close()
        return content

    def refuses(self, *parts: str) -> None:
        """Whether `upgrade` refuses it with these words, and leaves it as it is."""
        before = self.content()
        with pytest.raises(MlflowException) as e:
            upgrade(self.uri)
        assert e.value.error_code in ("INVALID_STATE", "RESOURCE_EXHAUSTED")
        for part in parts:
            assert part in e.value.message
        assert self.content() == before
        with pytest.raises(MlflowException, match="mlflow db upgrade"):
            SqlStore(self.uri, str(self.folder))


@contextlib.contextmanager
def old(version: str, kind: str, folder: Path) -> Iterator[Old]:
    made = Old(version, kind, folder)
    try:
        made.make()
        yield made
    except databases.Unavailable as e:
        missing(kind, str(e))
    finally:
        made.drop()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Old]:
    """The newest version's, in SQLite."""
    with old(NEWEST, "sqlite", tmp_path) as made:
        yield made


@pytest.fixture(params=KINDS)
def newest(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Old]:
    """The newest version's, in each kind of database."""
    with old(NEWEST, request.param, tmp_path) as made:
        yield made


def same(value: float) -> Any:
    """NaN as something that is equal to itself."""
    return "NaN" if math.isnan(value) else value


def compare(
    made: Old, expected: dict[str, Any] | None = None, odd: tuple[str, ...] = (ODD,)
) -> None:
    """Whether our store answers all that MLflow did.

    Args:
        odd: Metrics whose latest value may differ.
    """
    expected = expected or made.expected()
    store = SqlStore(made.uri, str(made.folder))
    found = store.search_experiments(view_type=ViewType.ALL)
    assert len(found) == len(expected["experiments"])
    for e in expected["experiments"]:
        ours = store.get_experiment(e["experiment_id"])
        assert {name: getattr(ours, name) for name in e} == e

    ids = [e["experiment_id"] for e in expected["experiments"]]
    found = store.search_runs(ids, None, ViewType.ALL, 1000)
    assert {r.info.run_id for r in found} == {r["run_id"] for r in expected["runs"]}
    latest = latest_of(made)
    for r in expected["runs"]:
        ours = store.get_run(r["run_id"])
        info = ours.info
        assert info.run_name == r["name"]
        for name in ("experiment_id", "user_id", "status", "start_time", "end_time"):
            assert getattr(info, name) == r[name]
        assert (info.lifecycle_stage, info.artifact_uri) == (
            r["lifecycle_stage"],
            r["artifact_uri"],
        )
        assert ours.data.params == r["params"]
        assert ours.data.tags == r["tags"]
        assert ours.data.metrics.keys() == r["metrics"].keys()
        for m in ours.data._metric_objs:
            if m.key not in odd:
                assert same(m.value) == same(r["metrics"][m.key])
            point = (same(m.value), m.step, m.timestamp)
            if latest and m.key not in odd:
                assert point == latest[r["run_id"], m.key]
        for key, points in r["history"].items():
            ours_now = store.get_metric_history(r["run_id"], key)
            history = [(m.timestamp, m.step, same(m.value)) for m in ours_now]
            assert sorted(history, key=repr) == sorted(
                ((t, s, same(v)) for t, s, v in points), key=repr
            )
            assert [h[:2] for h in history] == sorted(h[:2] for h in history)
        datasets = [
            {
                **{name: getattr(d.dataset, name) for name in r["datasets"][0] if name != "tags"},
                "tags": {t.key: t.value for t in d.tags},
            }
            for d in ours.inputs.dataset_inputs
        ]
        assert sorted(datasets, key=str) == sorted(r["datasets"], key=str)
        assert [m.model_id for m in ours.inputs.model_inputs] == r["model_inputs"]
        made_models = [[m.model_id, m.step] for m in ours.outputs.model_outputs]
        assert sorted(made_models) == sorted(r["model_outputs"])
    if made.version == NEWEST:
        compare_models(made, store)
    store.dispose()
    database = Database(made.uri)
    assert check(database) == []
    database.close()


def compare_models(made: Old, store: SqlStore) -> None:
    rows = made.rows(
        "select model_id, experiment_id, name, artifact_location, creation_timestamp_ms, "
        "last_updated_timestamp_ms, status, model_type, source_run_id from logged_models"
    )
    assert rows
    for row in rows:
        model = store.get_logged_model(row[0])
        assert [
            model.model_id,
            int(model.experiment_id),
            model.name,
            model.artifact_location,
            model.creation_timestamp,
            model.last_updated_timestamp,
            model.status.to_int(),
            model.model_type,
            model.source_run_id,
        ] == list(row)
        for kind, values in (("param", model.params), ("tag", model.tags)):
            found = made.rows(
                f"select {kind}_key, {kind}_value from logged_model_{kind}s "
                f"where model_id = '{model.model_id}'"
            )
            assert dict(found) == values
        points = made.rows(
            "select metric_name, metric_timestamp_ms, metric_step, metric_value, dataset_name, "
            f"run_id from logged_model_metrics where model_id = '{model.model_id}'"
        )
        assert sorted(map(str, map(tuple, points))) == sorted(
            str((m.key, m.timestamp, m.step, m.value, m.dataset_name, m.run_id))
            for m in model.metrics
        )


def latest_of(made: Old) -> dict[tuple[str, str], tuple]:
    """(value, step, timestamp) of each metric in MLflow's table of them, if it has one."""
    if made.version == "1.0":
        return {}
    rows = made.rows('select run_uuid, "key", value, step, timestamp, is_nan from latest_metrics')
    return {(r[0], r[1]): ("NaN" if r[5] else r[2], r[3], r[4]) for r in rows}


@pytest.mark.parametrize(("version", "kind"), MADE)
def test_everything_comes_over(version, kind, tmp_path):
    with old(version, kind, tmp_path) as made:
        expected, before = made.expected(), made.content()
        with pytest.raises(MlflowException) as e:
            SqlStore(made.uri, str(tmp_path))
        assert e.value.error_code == "INVALID_STATE"
        assert "mlflow db upgrade" in e.value.message
        assert made.content() == before

        said = upgrade(made.uri)
        assert made.content() == before
        points = sum(len(h) for r in expected["runs"] for h in r["history"].values())
        assert f"{len(expected['experiments'])} experiments, {len(expected['runs'])} runs" in said
        assert f"{points:,} points of " in said
        if version != "1.0":
            assert "2 registered models" in said
            assert "not what MLflow kept: 1." in said and f"metric '{ODD}': NaN" in said
        if version == NEWEST:
            assert "1 traces" in said and "spans" not in said and "logged_models" not in said
            assert "2 logged models, 3 points of models" in said
        compare(made)

        assert upgrade(made.uri).startswith("The schema is up to date")
        assert made.content() == before


@pytest.mark.parametrize("version", ["2.22", "3.17"])
def test_traces_come_over(version, tmp_path):
    made = Old(version, "sqlite", tmp_path)
    made.make()
    upgrade(made.uri)
    store = SqlStore(made.uri, str(tmp_path))
    (info,), _ = store.search_traces(None)
    assert info.tags["mlflow.traceName"]
    assert info.tags["mlflow.artifactLocation"].startswith("/data")
    assert info.trace_metadata["mlflow.trace_schema.version"]
    # Before 3.4 MLflow kept spans in files only.
    if version == "3.17":
        trace = store.get_trace(info.trace_id)
        assert [span.trace_id for span in trace.data.spans] == [info.trace_id]
        name = trace.data.spans[0].name
        found, _ = store.search_traces(None, f"span.name = '{name}'")
        assert [i.trace_id for i in found] == [info.trace_id]
    store.dispose()


@pytest.mark.parametrize("kind", KINDS)
def test_traces_come_over_later_where_the_rest_did_before_there_were_traces(kind, tmp_path):
    def traces():
        store = SqlStore(made.uri, str(tmp_path))
        infos, _ = store.search_traces(None)
        found = [t.to_dict() for t in store.batch_get_traces([i.trace_id for i in infos])]
        store.dispose()
        return found

    with old(NEWEST, kind, tmp_path) as made:
        upgrade(made.uri)
        wanted = traces()
        assert len(wanted) == 1 and wanted[0]["data"]["spans"]
        database = Database(made.uri)

        def as_version_3(tx):
            for statement in statements(database.dialect.types, TRACE_TABLES):
                if statement.startswith("create table"):
                    tx.execute(f"drop table {statement.split()[2]}")
            tx.execute("delete from schema_version")
            tx.execute("insert into schema_version (version, works_with) values (3, 1)")

        database.write(as_version_3)
        database.close()
        assert "Brought over 1 traces of MLflow." in upgrade(made.uri)
        assert traces() == wanted


def test_in_small_steps(sqlite, monkeypatch):
    """As with runs that have more points than are held at a time."""
    for name, size in {"_RUNS": 3, "_POINTS": 700, "_ROWS": 5, "_CHUNKS": 1}.items():
        monkeypatch.setattr(from_mlflow, name, size)
    upgrade(sqlite.uri)
    compare(sqlite)
    assert sqlite.rows("select max(seq) from chunk")[0][0] >= 1024


def test_a_run_of_many_short_metrics_is_held_in_part(sqlite, monkeypatch):
    monkeypatch.setattr(from_mlflow, "_POINTS", 1)
    upgrade(sqlite.uri)
    compare(sqlite)


def test_chunks_are_as_the_store_makes_them(sqlite):
    upgrade(sqlite.uri)
    sizes = dict(
        sqlite.rows(
            "select k.name, sum(c.points) from chunk c join key_name k on k.id = c.key_id "
            "group by k.name"
        )
    )
    assert sizes == {"2100": 2100, "1024": 1024, "40": 40, "mixed": 100}
    assert sqlite.rows("select min(ordered) from chunk where ordered is not null") == [(1,)]


def test_what_is_logged_afterwards_does_not_collide(newest):
    upgrade(newest.uri)
    store = SqlStore(newest.uri, str(newest.folder / "artifacts"))
    highest = max(int(e["experiment_id"]) for e in newest.expected()["experiments"])
    experiment = store.create_experiment("new", None, [])
    assert int(experiment) > highest
    run = store.create_run(experiment, "ann", 1, [RunTag("brand new", "1")], "r").info.run_id
    old_run = next(r for r in newest.expected()["runs"] if r["status"] == "RUNNING")["run_id"]
    if store.get_run(old_run).info.lifecycle_stage == "deleted":
        store.restore_run(old_run)
    for run_id in (run, old_run):
        for first in (0, 600):  # enough for a chunk
            points = [Metric("m", i, i, i) for i in range(first, first + 600)]
            store.log_batch(run_id, points, [], [])
        store.log_metric(run_id, Metric("new metric", 1.0, 0, 0))
        assert len(store.get_metric_history(run_id, "m")) >= 1200
    first = store.get_experiment_by_name("first").experiment_id
    child = store.create_run(first, "ann", 1, [], "child").info
    assert child.artifact_uri == f"/data/first/{child.run_id}/artifacts"
    store.dispose()


def test_artifacts_are_where_they_were(sqlite, tmp_path):
    folder = tmp_path / "artifacts of old"
    run_id = next(r for r in sqlite.expected()["runs"] if r["name"] == "base")["run_id"]
    sqlite.write(
        f"update runs set artifact_uri = replace(artifact_uri, '/data/first', '{folder}')",
        f"update experiments set artifact_location = '{folder}' where name = 'first'",
    )
    place = folder / run_id / "artifacts" / "sub"
    place.mkdir(parents=True)
    (place / "a.txt").write_text("as it was")
    upgrade(sqlite.uri)
    client = MlflowClient(sqlite.uri)
    assert [f.path for f in client.list_artifacts(run_id, "sub")] == ["sub/a.txt"]
    assert Path(client.download_artifacts(run_id, "sub/a.txt")).read_text() == "as it was"
    client.restore_run(run_id)
    client.log_text(run_id, "new", "b.txt")
    assert (folder / run_id / "artifacts" / "b.txt").read_text() == "new"


# -- interruptions --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_killed_it_leaves_the_database_as_it_was(kind, tmp_path):
    rng = random.Random(5)
    crashes = 0
    while crashes < CRASHES:
        with old(NEWEST, kind, tmp_path) as made:
            expected = with_many_points(made, 30_000)
            before = made.content()
            while crashes < CRASHES:
                kill(made, rng.uniform(0, 0.5))
                crashes += 1
                assert made.content() == before
                if opens(made):  # it was done before it was killed
                    break
            said = upgrade(made.uri)
            assert said.startswith(("Brought over from MLflow", "The schema is up to date"))
            assert made.content() == before
            compare(made, expected)


def opens(made: Old) -> bool:
    """Whether the store opens it, as ours; it says that the command is needed if it is not."""
    try:
        SqlStore(made.uri, str(made.folder)).dispose()
        return True
    except MlflowException as e:
        assert "mlflow db upgrade" in e.message
        return False


def kill(made: Old, seconds: float) -> None:
    """Begin the command, and end it so long after it has begun to write."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "db", "upgrade", made.uri],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not others(made) and process.poll() is None:
        time.sleep(0.005)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 60
    while made.kind != "sqlite" and others(made):  # the server has not noticed yet
        assert time.monotonic() < deadline
        time.sleep(0.01)


def others(made: Old) -> bool:
    """Whether another process is at work in the database."""
    if made.kind == "sqlite":
        return (made.folder / "mlflow.db-journal").exists()
    connections = {
        "postgresql": "pg_stat_activity where datname = current_database() "
        "and pid <> pg_backend_pid()",
        "mysql": "information_schema.processlist where db = database() and id <> connection_id()",
    }
    return made.rows(f"select count(*) from {connections[made.kind]}") != [(0,)]


def with_many_points(made: Old, count: int) -> dict[str, Any]:
    """Add points of a metric `many` to the run `base`; what MLflow would answer."""
    expected = made.expected()
    (run,) = (r for r in expected["runs"] if r["name"] == "base")
    run["metrics"]["many"] = count - 1.0
    run["history"]["many"] = [[i, i, float(i)] for i in range(count)]
    rows = [("many", float(i), i, run["run_id"], i, False) for i in range(count)]

    def write(tx: Any) -> None:
        for table, some in (("metrics", rows), ("latest_metrics", rows[-1:])):
            tx.executemany(
                f'insert into {table} ("key", value, timestamp, run_uuid, step, is_nan) '
                "values (?, ?, ?, ?, ?, ?)",
                some,
            )

    database = Database(made.uri)
    database.write(write)
    database.close()
    return expected


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_what_is_written_meanwhile_is_noticed(kind, tmp_path, monkeypatch):
    with old(NEWEST, kind, tmp_path) as made:
        inputs = from_mlflow._Move._inputs
        (run,) = (r["run_id"] for r in made.expected()["runs"] if r["name"] == "base")

        def log_meanwhile(move: Any) -> None:
            made.write(f"insert into params (\"key\", value, run_uuid) values ('n', '1', '{run}')")
            inputs(move)

        with monkeypatch.context() as patch:
            patch.setattr(from_mlflow._Move, "_inputs", log_meanwhile)
            with pytest.raises(MlflowException, match="changed while they were read") as e:
                upgrade(made.uri)
        assert e.value.error_code == "INVALID_STATE"
        assert upgrade(made.uri).startswith("Brought over")
        assert SqlStore(made.uri, str(tmp_path)).get_run(run).data.params["n"] == "1"


# -- what is unusual ------------------------------------------------------------------------------


def test_rows_that_lack_something(sqlite):
    """Each has the value that the newest MLflow answers for it, or, where that fails, the least."""
    names = {r["name"]: r["run_id"] for r in sqlite.expected()["runs"]}
    base, parent, child = names["base"], names["parent"], names["child"]
    sqlite.write(
        f"update runs set name = null where run_uuid = '{base}'",
        f"update runs set name = 'other', user_id = null where run_uuid = '{parent}'",
        f"delete from tags where key = 'mlflow.runName' and run_uuid = '{child}'",
        f"update runs set start_time = null, lifecycle_stage = null where run_uuid = '{child}'",
        f"update tags set value = null where key = 'long' and run_uuid = '{base}'",
        "update experiments set creation_time = null, last_update_time = null, "
        "lifecycle_stage = null where name = 'remote'",
    )
    upgrade(sqlite.uri)
    store = SqlStore(sqlite.uri, str(sqlite.folder))
    assert store.get_run(base).info.run_name == "base"
    assert store.get_run(base).data.tags["long"] == ""
    run = store.get_run(parent)
    assert (run.info.run_name, run.info.user_id) == ("other", "")
    assert run.data.tags["mlflow.runName"] == "parent"
    run = store.get_run(child)
    assert (run.info.run_name, run.info.start_time) == ("child", 0)
    assert run.info.lifecycle_stage == "active" and "mlflow.runName" not in run.data.tags
    remote = store.get_experiment_by_name("remote")
    assert (remote.creation_time, remote.last_update_time) == (None, None)
    assert remote.lifecycle_stage == "active"
    for order, at in (("creation_time ASC", 0), ("creation_time DESC", -1)):
        token, found = None, []
        while True:
            page = store.search_experiments(order_by=[order], max_results=1, page_token=token)
            found += page
            token = page.token
            if token is None:
                break
        assert len(found) == 4 and found[at].name == "remote"


def test_other_workspaces_stay_and_are_told(sqlite):
    expected = sqlite.expected()
    (first,) = (e["experiment_id"] for e in expected["experiments"] if e["name"] == "first")
    gone = [r for r in expected["runs"] if r["experiment_id"] == first]
    sqlite.write(f"update experiments set workspace = 'team' where experiment_id = {first}")
    before = sqlite.content()
    said = upgrade(sqlite.uri)
    assert "another workspace than 'default'" in said
    points = sum(len(h) for r in gone for h in r["history"].values())
    for part in ("experiments 1", f"runs {len(gone)}", f"metrics {points:,}", "datasets 2"):
        assert part in said
    assert sqlite.content() == before
    store = SqlStore(sqlite.uri, str(sqlite.folder))
    assert store.get_experiment_by_name("first") is None
    assert len(store.search_experiments(view_type=ViewType.ALL)) == 4


def test_rows_of_no_run_stay_and_are_told(sqlite):
    sqlite.write(
        "insert into metrics values ('lost', 1.0, 0, 'nobody', 0, 0)",
        "insert into params values ('lost', '1', 'nobody')",
    )
    said = upgrade(sqlite.uri)
    assert "not brought over, since their run" in said
    assert "params 1" in said and "metrics 1" in said
    compare(sqlite)


def test_latest_values_that_differ_are_told(sqlite):
    sqlite.write("update latest_metrics set value = 17, step = 5 where key = 'jumps'")
    sqlite.write("insert into latest_metrics select 'never', 1, 2, 3, 0, run_uuid from runs")
    said = upgrade(sqlite.uri)
    runs = len(sqlite.expected()["runs"])
    assert f"not what MLflow kept: {runs + 2}." in said
    assert said.count("\n  run ") == 3
    compare(sqlite, odd=(ODD, "jumps"))


def test_infinities_are_the_largest_doubles(sqlite):
    sqlite.write("update metrics set value = 9e999 where value = 1.7976931348623157e308")
    upgrade(sqlite.uri)
    compare(sqlite)


def test_without_experiments_there_is_the_default_one(sqlite):
    sqlite.write(*(f"delete from {table}" for table in ("experiments", "runs", "metrics")))
    upgrade(sqlite.uri)
    store = SqlStore(sqlite.uri, str(sqlite.folder))
    assert [e.name for e in store.search_experiments()] == ["Default"]
    assert store.create_experiment("next", None, []) == "1"


def test_a_status_that_is_none_is_refused(sqlite):
    (run,) = (r["run_id"] for r in sqlite.expected()["runs"] if r["name"] == "base")
    sqlite.write(f"update runs set status = null where run_uuid = '{run}'")
    sqlite.refuses(run, "None", "'FINISHED'")


def test_a_table_that_is_named_as_ours_is_refused(sqlite):
    sqlite.write("create table audit (mine text)")
    with pytest.raises(MlflowException, match="audit"):
        upgrade(sqlite.uri)
    assert sqlite.rows("select * from audit") == []


def test_another_programs_database_is_refused(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.execute("create table alembic_version (version_num text)")
    before = (tmp_path / "x.db").read_bytes()
    with pytest.raises(MlflowException, match="no tracking store of MLflow") as e:
        upgrade(f"sqlite:///{tmp_path}/x.db")
    assert e.value.error_code == "INVALID_STATE"
    assert (tmp_path / "x.db").read_bytes() == before


def test_a_full_disk_is_noticed_before(sqlite, monkeypatch):
    usage = shutil._ntuple_diskusage(10**9, 10**9 - 1000, 1000)
    monkeypatch.setattr(from_mlflow.shutil, "disk_usage", lambda folder: usage)
    sqlite.refuses("may take about", str(sqlite.folder))


# -- by hand --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "kind"), [made for made in MADE if made[0] in MLFLOWS])
def test_the_mlflow_that_made_it_goes_on_with_its_tables(version, kind, tmp_path):
    with old(version, kind, tmp_path) as made:
        upgrade(made.uri)
        store = SqlStore(made.uri, str(tmp_path))  # it sees to SQLite's journal mode
        store.create_run("0", "ann", 1, [], "ours")
        store.dispose()
        uri = made.uri.replace("postgresql:", "postgresql+psycopg2:")
        uri = uri.replace("mysql:", "mysql+pymysql:")
        command = [MLFLOWS[version], str(GOLDEN / "generate.py"), "write", uri, "answers.json"]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        answers = (tmp_path / "answers.json").read_text()
        assert json.dumps(json.loads(answers)) == json.dumps(made.expected())
