"""From every schema that was ever released to the one of today.

`tests/data/schemas/N.sql` is version N, in the dialects' common types.
"""

from __future__ import annotations

import functools
import re
import sqlite3
import threading
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import databases

from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from mlflow.store.db import upgrade
from mlflow.store.db.database import Database
from mlflow.store.db.migrations import MIGRATIONS
from mlflow.store.db.points import Points, encode, summary
from mlflow.store.db.tables import SCHEMA_VERSION, statements
from mlflow.store.tracking.sql.store import SqlStore

SCHEMAS = Path(__file__).parent.parent / "data" / "schemas"
RELEASED = sorted(int(path.stem) for path in SCHEMAS.glob("*.sql"))


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    with databases.new_database(request.param, tmp_path) as uri:
        yield uri


def make(uri: str, version: int) -> None:
    """The schema of an earlier version, with its Default experiment."""
    database = Database(uri)
    text = (SCHEMAS / f"{version}.sql").read_text()

    def write(tx) -> None:
        for statement in statements(database.dialect.types, text):
            tx.execute(statement)
        tx.execute(
            "insert into experiment (id, name, artifact_location, lifecycle_stage, creation_time, "
            "last_update_time) values (0, 'Default', '/artifacts/0', 'active', 1, 1)"
        )
        tx.execute("insert into schema_version (version) values (?)", (version,))

    database.write(write)
    database.close()


def columns(uri: str) -> set[tuple[str, str]]:
    """(table, column) of everything that is there."""
    database = Database(uri)
    with database.read() as tx:
        found = {
            (table, column)
            for table in database.dialect.table_names(tx)
            for column in database.dialect.column_names(tx, table)
        }
    database.close()
    return found


def old_columns(version: int) -> dict[str, list[str]]:
    """The columns of each table of an earlier version."""
    text = (SCHEMAS / f"{version}.sql").read_text()
    return {
        name: [line.split()[0] for line in body.splitlines() if line.strip() and "(run" not in line]
        for name, body in re.findall(r"create table (\w+) \((.*?)\n\)", text, re.S)
    }


def log_as(tx, version: int, number: int) -> None:
    """Log a run as code of an earlier version does: with the columns that it knew."""
    old = old_columns(version)
    points = Points(array("q", [0, 1]), array("q", [5, 6]), array("d", [1.0, 0.5]))
    found = summary(points)
    run, key, uuid = 1000 + number, 2000 + number, f"{number:032x}"
    rows = {
        "key_name": {"id": key, "name": f"key{number}"},
        "run": {"id": run, "uuid": uuid, "experiment_id": 0, "name": "first", "user_id": "ann",
                "status": 3, "start_time": 5, "end_time": 9, "lifecycle_stage": "active",
                "artifact_uri": "/artifacts"},
        "param": {"run_id": run, "key_id": key, "value": "0.1"},
        "tag": {"run_id": run, "key_id": key, "value": "b"},
        "series": {"run_id": run, "key_id": key, "value": 0.25, "step": 2, "timestamp": 7,
                   "points": 3, "sealed": 2},
        "tail": {"run_id": run, "key_id": key, "seq": 2, "step": 2, "timestamp": 7, "value": 0.25},
        "chunk": {"run_id": run, "key_id": key, "seq": 0, "content": encode(points),
                  **{c: getattr(found, c) for c in old["chunk"] if hasattr(found, c)},
                  "monotone": 1},
        "audit": {"time": 5, "action": "delete", "entity": "run", "entity_id": uuid},
    }  # fmt: skip
    for table, row in rows.items():
        assert set(row) <= set(old[table]), table
        marks = ", ".join("?" * len(row))
        tx.execute(f"insert into {table} ({', '.join(row)}) values ({marks})", tuple(row.values()))


def check_logged(uri: str, numbers: range) -> None:
    """What `log_as` logged reads as it should."""
    store = SqlStore(uri, "/artifacts")
    for number in numbers:
        run = store.get_run(f"{number:032x}")
        assert (run.info.run_name, run.info.status, run.info.end_time) == ("first", "FINISHED", 9)
        assert run.data.params == {f"key{number}": "0.1"}
        assert run.data.tags == {f"key{number}": "b"}
        assert run.data.metrics == {f"key{number}": 0.25}
        history = store.get_metric_history(run.info.run_id, f"key{number}")
        assert [(m.step, m.timestamp, m.value) for m in history] == [
            (0, 5, 1.0),
            (1, 6, 0.5),
            (2, 7, 0.25),
        ]
        store.log_metric(run.info.run_id, Metric("after", 0.4, 8, 2))
    store.dispose()


def test_the_newest_is_where_the_steps_lead():
    versions = [step.version for step in MIGRATIONS]
    assert versions == list(range(2, SCHEMA_VERSION + 1))
    assert RELEASED and set(RELEASED) <= set(range(1, SCHEMA_VERSION + 1))


def test_steps_only_add():
    for step in MIGRATIONS:
        for statement in filter(str.strip, step.statements.split(";")):
            assert re.match(
                r"\s*(create table|create (unique )?index|alter table \w+ add column)\b", statement
            ), statement
            if "alter table" in statement:
                assert "not null" not in statement


@pytest.mark.parametrize("version", [v for v in RELEASED if v < SCHEMA_VERSION])
def test_an_older_one_is_refused_until_it_is_upgraded(empty, version):
    make(empty, version)
    database = Database(empty)
    database.write(lambda tx: log_as(tx, version, 1))
    database.close()
    with pytest.raises(MlflowException, match="mlflow db upgrade") as e:
        SqlStore(empty, "/artifacts")
    assert e.value.error_code == "INVALID_STATE"
    assert f"schema version {version}" in e.value.message

    said = upgrade(empty)
    assert said.startswith(f"Brought the schema from version {version} to {SCHEMA_VERSION}.")
    assert upgrade(empty).startswith("The schema is up to date")
    check_logged(empty, range(1, 2))


@pytest.mark.parametrize("version", [v for v in RELEASED if v < SCHEMA_VERSION])
def test_it_ends_with_the_tables_of_a_new_one(empty, version, tmp_path):
    make(empty, version)
    upgrade(empty)
    fresh = f"sqlite:///{tmp_path}/fresh.db"
    upgrade(fresh)

    def ours(uri: str) -> set[tuple[str, str]]:
        found = {(t, c) for t, c in columns(uri) if not t.startswith("sqlite_")}
        if uri.startswith("mysql"):  # it indexes parts of texts as columns
            found = {(t, c) for t, c in found if not c.endswith(("_start", "_rest"))}
        return found

    assert ours(empty) == ours(fresh)


@pytest.mark.parametrize("version", [v for v in RELEASED if v < SCHEMA_VERSION])
def test_a_server_of_the_version_before_works_on(empty, version):
    make(empty, version)
    database = Database(empty)
    stop, logged, failures = threading.Event(), [], []

    def log() -> None:
        try:
            while not stop.wait(0.001):
                number = len(logged) + 1
                database.write(functools.partial(log_as, version=version, number=number))
                logged.append(number)
        except Exception as e:
            failures.append(e)

    thread = threading.Thread(target=log)
    thread.start()
    try:
        while len(logged) < 5 and thread.is_alive():
            stop.wait(0.001)
        upgrade(empty)
        enough = len(logged) + 5
        while len(logged) < enough and thread.is_alive():
            stop.wait(0.001)
    finally:
        stop.set()
        thread.join()
    database.close()
    assert failures == []
    check_logged(empty, range(1, len(logged) + 1))


def test_sqlite_is_copied_before(tmp_path):
    make(f"sqlite:///{tmp_path}/store.db", 1)
    said = upgrade(f"sqlite:///{tmp_path}/store.db")
    (kept,) = tmp_path.glob("store.db.version-1.*.backup")
    assert str(kept) in said
    with sqlite3.connect(kept) as connection:
        assert connection.execute("select * from schema_version").fetchall() == [(1,)]
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_a_newer_one_that_says_it_works_with_us_does(tmp_path):
    uri = f"sqlite:///{tmp_path}/store.db"
    SqlStore(uri, "/artifacts").dispose()
    with sqlite3.connect(tmp_path / "store.db") as connection:
        connection.execute(
            "insert into schema_version (version, works_with) values (?, ?)",
            (SCHEMA_VERSION + 1, SCHEMA_VERSION),
        )
    connection.close()
    SqlStore(uri, "/artifacts").dispose()
    assert f"(version {SCHEMA_VERSION + 1})" in upgrade(uri)
