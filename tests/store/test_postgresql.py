"""What is PostgreSQL's own."""

from __future__ import annotations

import uuid

import pytest

from mlflow.entities import RunTag
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.sql.store import SqlStore


@pytest.fixture
def store(postgresql_uri):
    store = SqlStore(postgresql_uri, "/artifacts")
    yield store
    store.dispose()


def end_connections(uri: str) -> None:
    """What a restart of the database does to those who are connected."""
    import psycopg

    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        ).fetchall()


def test_connections_that_were_lost_are_replaced(store, postgresql_uri):
    experiment = store.create_experiment(uuid.uuid4().hex, None, [])
    run_id = store.create_run(experiment, "u", 0, [], None).info.run_id
    for tag in ("read", "write"):
        end_connections(postgresql_uri)
        if tag == "read":
            assert store.get_run(run_id).data.tags.get("write") is None
        store.set_tag(run_id, RunTag(tag, "1"))
    assert store.get_run(run_id).data.tags["write"] == "1"


def test_server_that_is_not_there_is_a_clear_error():
    with pytest.raises(MlflowException, match="cannot be reached") as e:
        SqlStore("postgresql://nobody:secret@127.0.0.1:1/none", "/artifacts")
    assert e.value.error_code == "TEMPORARILY_UNAVAILABLE"
    assert "secret" not in e.value.message


def test_full_disk_is_named(store):
    """The server says it by command, since a test cannot fill its disk."""
    with pytest.raises(MlflowException, match="no room to store more") as e:
        store.db.write(
            lambda tx: tx.execute("do $$ begin raise exception using errcode = '53100'; end $$")
        )
    assert e.value.error_code == "RESOURCE_EXHAUSTED"


def test_server_that_takes_no_changes_is_named(store):
    def work(tx) -> None:
        tx.execute("set transaction read only")
        tx.execute("delete from tag")

    with pytest.raises(MlflowException, match="read-only") as e:
        store.db.write(work)
    assert e.value.error_code == "TEMPORARILY_UNAVAILABLE"


def test_a_read_sees_one_moment(store):
    with store.db.read() as tx:
        before = tx.execute("select count(*) from experiment").fetchone()
        store.create_experiment(uuid.uuid4().hex, None, [])
        assert tx.execute("select count(*) from experiment").fetchone() == before
