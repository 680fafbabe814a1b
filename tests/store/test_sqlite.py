"""What is SQLite's own."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from mlflow.exceptions import MlflowException
from mlflow.store.db import upgrade
from mlflow.store.tracking.sql.store import SqlStore


def foreign(path: Path) -> str:
    """A database such as another MLflow makes, with one of its tables."""
    with sqlite3.connect(path) as connection:
        connection.execute("create table experiments (experiment_id integer primary key)")
        connection.execute("create table alembic_version (version_num text)")
    connection.close()
    return f"sqlite:///{path}"


def test_database_of_another_mlflow_is_refused_and_stays_as_it_is(tmp_path):
    uri = foreign(tmp_path / "mlflow.db")
    shutil.copy(tmp_path / "mlflow.db", tmp_path / "before.db")
    for call, words in (
        (lambda: SqlStore(uri, str(tmp_path)), "mlflow db upgrade"),
        (lambda: upgrade(uri), "no 'runs'"),  # this one has too little to be brought over
    ):
        with pytest.raises(MlflowException, match=words) as e:
            call()
        assert e.value.error_code == "INVALID_STATE"
    assert (tmp_path / "mlflow.db").read_bytes() == (tmp_path / "before.db").read_bytes()


def test_newer_schema_is_refused(tmp_path):
    uri = f"sqlite:///{tmp_path}/store.db"
    store = SqlStore(uri, str(tmp_path))
    store.db.write(
        lambda tx: tx.execute("update schema_version set version = 99, works_with = 99") and None
    )
    with pytest.raises(MlflowException, match="schema version 99") as e:
        SqlStore(uri, str(tmp_path))
    assert e.value.error_code == "INVALID_STATE"


def test_upgrade_makes_the_schema_and_says_so(tmp_path):
    uri = f"sqlite:///{tmp_path}/new.db"
    assert upgrade(uri).startswith("Created")
    assert upgrade(uri).startswith("The schema is up to date")


def test_writes_are_synchronous_unless_told_otherwise(tmp_path):
    def synchronous(uri: str) -> int:
        with SqlStore(uri, str(tmp_path)).db.read() as tx:
            return tx.execute("pragma synchronous").fetchone()[0]

    full, normal = 2, 1
    assert synchronous(f"sqlite:///{tmp_path}/a.db") == full
    assert synchronous(f"sqlite:///{tmp_path}/b.db?synchronous=NORMAL") == normal
    with pytest.raises(MlflowException, match="FULL or NORMAL"):
        SqlStore(f"sqlite:///{tmp_path}/c.db?synchronous=OFF", str(tmp_path))


def test_folder_that_cannot_be_written_is_an_error_and_no_crash(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises((MlflowException, OSError)):
        SqlStore(f"sqlite:///{tmp_path}/file/store.db", str(tmp_path))


def test_deletions_and_renames_are_kept_for_good(tmp_path):
    store = SqlStore(f"sqlite:///{tmp_path}/store.db", str(tmp_path))
    experiment = store.create_experiment("before", None, [])
    run_id = store.create_run(experiment, "u", 0, [], None).info.run_id
    store.rename_experiment(experiment, "after")
    store.delete_run(run_id)
    store.restore_run(run_id)
    store.delete_experiment(experiment)
    store._hard_delete_experiment(experiment)
    with store.db.read() as tx:
        rows = tx.execute(
            "select action, entity, entity_id, before, after from audit order by id"
        ).fetchall()
    assert rows == [
        ("rename", "experiment", experiment, "before", "after"),
        ("delete", "run", run_id, "active", "deleted"),
        ("restore", "run", run_id, "deleted", "active"),
        ("delete", "experiment", experiment, "active", "deleted"),
        ("remove", "experiment", experiment, "after", None),
    ]
    with pytest.raises(MlflowException, match="not found"):
        store.get_run(run_id)
