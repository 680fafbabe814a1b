"""Calls that share a commit on SQLite."""

from __future__ import annotations

import sqlite3
import threading

import pytest

from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.sql.store import SqlStore


@pytest.fixture
def store(tmp_path) -> SqlStore:
    store = SqlStore(f"sqlite:///{tmp_path}/store.db", str(tmp_path / "artifacts"))
    yield store
    store.dispose()


@pytest.fixture
def run_id(store) -> str:
    return store.create_run("0", "ann", 1, [], "first").info.run_id


@pytest.fixture
def commits(store, tmp_path):
    """How many commits another connection has seen: a function."""
    watcher = sqlite3.connect(tmp_path / "store.db")
    begun = watcher.execute("pragma data_version").fetchone()[0]
    yield lambda: watcher.execute("pragma data_version").fetchone()[0] - begun
    watcher.close()


def log(store, run_id, key, value):
    return lambda: store.log_metric(run_id, Metric(key, value, value, value))


def stored(store, run_id) -> dict[str, float]:
    return {m.key: m.value for m in store.get_run(run_id).data._metric_objs}


def test_outcomes_are_in_order_and_a_failure_is_alone(store, run_id):
    def put(key, value):
        return lambda: (store.log_param(run_id, Param(key, value)), key)[1]

    outcomes = store.together(
        [
            put("a", "1"),
            put("a", "2"),
            log(store, "f" * 32, "m", 1),
            log(store, run_id, "m", 1),
            put("b", "1"),
            lambda: 1 / 0,
        ]
    )
    assert outcomes[0] == "a" and outcomes[3] is None and outcomes[4] == "b"
    assert [getattr(outcomes[i], "error_code", None) for i in (1, 2)] == [
        "INVALID_PARAMETER_VALUE",
        "RESOURCE_DOES_NOT_EXIST",
    ]
    assert isinstance(outcomes[5], ZeroDivisionError)
    assert store.get_run(run_id).data.params == {"a": "1", "b": "1"}
    assert stored(store, run_id) == {"m": 1}


@pytest.mark.parametrize("place", [0, 1, 2])
def test_failed_write_leaves_no_traces(store, run_id, place):
    """A batch that is refused after it has written something, wherever it stands in the group."""
    store.log_param(run_id, Param("taken", "1"))

    def refused():
        store.log_batch(
            run_id, [Metric("new", 1, 1, 1)], [Param("fresh", "1"), Param("taken", "2")], []
        )

    calls = [log(store, run_id, "x", 1), log(store, run_id, "y", 1)]
    calls.insert(place, refused)
    outcomes = store.together(calls)
    assert isinstance(outcomes[place], MlflowException)
    assert store.get_run(run_id).data.params == {"taken": "1"}
    assert stored(store, run_id) == {"x": 1, "y": 1}


def test_failed_write_that_its_call_survives(store, run_id):
    """Only the write is undone, whether something was written before it or not."""

    def tries():
        with pytest.raises(MlflowException):
            store.log_batch(
                run_id, [Metric("lost", 1, 1, 1)], [Param("p", "1"), Param("p", "2")], []
            )
        with pytest.raises(ZeroDivisionError):
            store.db.write(lambda tx: (tx.execute("delete from run"), 1 / 0))
        store.log_metric(run_id, Metric("kept", 1, 1, 1))
        with pytest.raises(ZeroDivisionError):
            store.db.write(lambda tx: (tx.execute("delete from run"), 1 / 0))
        return "done"

    assert store.together([tries, tries]) == ["done", "done"]
    assert stored(store, run_id) == {"kept": 1}


def test_one_commit_for_all(store, run_id, commits):
    before = commits()
    store.together([log(store, run_id, f"m{i}", i) for i in range(50)])
    assert commits() == before + 1
    assert stored(store, run_id) == {f"m{i}": i for i in range(50)}


def test_new_names_are_the_same_for_all(store, run_id):
    """The second call finds the name that the first has made, though nothing is committed yet."""
    other = store.create_run("0", "ann", 1, [], "second").info.run_id
    store.together([log(store, run_id, "new", 1), log(store, other, "new", 2)])
    store.log_metric(other, Metric("new", 3, 3, 3))
    assert stored(store, run_id) == {"new": 1}
    assert [m.value for m in store.get_metric_history(other, "new")] == [2, 3]
    with store.db.read() as tx:
        assert tx.execute("select count(*) from key_name where name = 'new'").fetchone()[0] == 1


def test_commit_that_fails_is_told_to_all_and_nothing_is_remembered(store, run_id):
    """By a constraint that is looked at last, where a full disk cannot be had."""
    with store.db._lock:
        connection = store.db._writer()
        connection.execute("pragma foreign_keys = on")
        connection.execute("create table parent (id integer primary key)")
        connection.execute(
            "create table child (id integer references parent deferrable initially deferred)"
        )

    def orphan():
        store.db.write(lambda tx: tx.execute("insert into child values (1)") and None)

    outcomes = store.together([log(store, run_id, "new", 1), orphan, log(store, run_id, "m", 1)])
    assert all(isinstance(outcome, Exception) for outcome in outcomes)
    assert "new" not in store._key_ids, "the id was undone"
    assert store.together([log(store, run_id, "new", 2)]) == [None]
    assert stored(store, run_id) == {"new": 2}


def test_writes_of_other_threads_go_along(store, run_id, commits):
    """They wait for no turn of their own: whoever has the lock does it for them."""
    begun = threading.Event()
    waits = threading.Event()
    other = threading.Thread(
        target=lambda: (begun.wait(), waits.set(), log(store, run_id, "other", 1)())
    )
    other.start()

    def first():
        begun.set()
        waits.wait()
        while not store.db._waiting:
            pass

    store.together([first])
    other.join()
    assert stored(store, run_id) == {"other": 1}


def test_many_threads(store, run_id):
    """Groups and single writes at once: nothing lost, nothing doubled."""

    def together(worker):
        for i in range(20):
            store.together([log(store, run_id, f"m{worker}", i * 10 + k) for k in range(10)])

    def alone(worker):
        for i in range(200):
            log(store, run_id, f"m{worker}", i)()

    threads = [threading.Thread(target=together if i % 2 else alone, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(8):
        history = store.get_metric_history(run_id, f"m{i}")
        assert [m.value for m in history] == list(range(200))
