"""What has changed since somebody looked: the same over every store."""

from __future__ import annotations

import time

import pytest

from mlflow.entities import (
    Metric,
    Param,
    RunStatus,
    RunTag,
    TraceInfo,
    TraceLocation,
    TraceState,
)
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.base import changes as contract
from mlflow.store.tracking.base.changes import MOST_NAMED, MOST_WATCHED, Changes, Sight


def look(store, experiment: str) -> Sight:
    return store.changes([experiment])[0]


def since(store, experiment: str, seen) -> Changes:
    return store.changes([experiment], [seen])[1][0]


def make(store, experiment: str, name: str = "r", status: int | None = None) -> str:
    run_id = store.create_run(experiment, "ann", int(time.time() * 1000), [], name).info.run_id
    if status is not None:
        store.update_run_info(run_id, status, 1, None)
    return run_id


@pytest.fixture
def is_exact(store) -> bool:
    """Whether a cursor alone tells what has changed."""
    return hasattr(store, "db")


def test_nothing_has_changed(store, experiment):
    make(store, experiment)
    seen = look(store, experiment)
    again, (changes, of_cursor) = store.changes([experiment], [seen, seen.cursor])
    assert not changes and not of_cursor
    assert (changes.running, of_cursor.running, seen.running) == (1, 1, 1)
    assert again.cursor == seen.cursor
    assert seen.cursor.isascii() and seen.cursor.isprintable()


def test_runs_are_made(store, experiment):
    make(store, experiment)
    seen = look(store, experiment)
    for status in (None, RunStatus.FINISHED, None):
        make(store, experiment, status=status)
    assert since(store, experiment, seen) == Changes(new=3, running=3)


def test_traces_are_made(store, experiment, is_exact):
    if not is_exact:
        pytest.skip("only SQL stores count traces")
    other = store.create_experiment(f"{experiment} other", None, [])
    seen = look(store, experiment)
    for number, where in enumerate((experiment, experiment, other)):
        location = TraceLocation.from_experiment_id(where)
        store.start_trace(TraceInfo(f"{experiment}-{number}", location, 5, TraceState.OK))
    _, (changes, of_cursor) = store.changes([experiment], [seen, seen.cursor])
    assert changes == of_cursor == Changes(traces=2)


def test_runs_of_other_experiments_do_not_count(store, experiment):
    other = store.create_experiment(f"{experiment} other", None, [])
    seen = look(store, experiment)
    run_id = make(store, other)
    store.log_metric(run_id, Metric("loss", 1, 1, 1))
    store.delete_run(run_id)
    assert not since(store, experiment, seen)
    assert since(store, experiment, seen).running == 0


def test_points_and_entries_of_running_runs_are_seen(store, experiment):
    quiet, logging, tagged = (make(store, experiment) for _ in range(3))
    store.log_metric(logging, Metric("loss", 1, 1, 1))
    seen = look(store, experiment)
    store.log_metric(logging, Metric("loss", 1, 2, 2))
    store.log_param(tagged, Param("lr", "0.1"))
    assert since(store, experiment, seen) == Changes(
        runs=frozenset([tagged]), points=frozenset([logging]), running=3
    )
    seen = look(store, experiment)
    store.log_batch(quiet, [Metric("acc", 1, 1, 1)], [], [RunTag("a", "b")])
    assert since(store, experiment, seen) == Changes(
        runs=frozenset([quiet]), points=frozenset([quiet]), running=3
    )


@pytest.mark.parametrize("status", [RunStatus.FINISHED, RunStatus.FAILED, RunStatus.KILLED])
def test_run_ends_and_runs_again(store, experiment, status):
    run_id = make(store, experiment)
    seen = look(store, experiment)
    store.log_metric(run_id, Metric("loss", 1, 1, 1))
    store.update_run_info(run_id, status, 5, None)
    ended = Changes(runs=frozenset([run_id]), points=frozenset([run_id]), running=0)
    assert since(store, experiment, seen) == ended
    seen = look(store, experiment)
    store.update_run_info(run_id, RunStatus.RUNNING, None, None)
    assert since(store, experiment, seen) == Changes(runs=frozenset([run_id]), running=1)


@pytest.mark.parametrize("status", [None, RunStatus.FINISHED])
def test_run_is_deleted_restored_and_renamed(store, experiment, status):
    run_id = make(store, experiment, status=status)
    make(store, experiment)
    changed = frozenset([run_id])
    seen = look(store, experiment)
    store.delete_run(run_id)
    assert since(store, experiment, seen).runs == changed
    seen = look(store, experiment)
    store.restore_run(run_id)
    assert since(store, experiment, seen).runs == changed
    for rename in (
        lambda: store.update_run_info(run_id, None, None, "another"),
        lambda: store.set_tag(run_id, RunTag("mlflow.runName", "a third")),
        lambda: store.log_batch(run_id, [], [], [RunTag("mlflow.runName", "a fourth")]),
    ):
        seen = look(store, experiment)
        rename()
        changes = since(store, experiment, seen)
        assert (changes.new, changes.runs) == (0, changed)


def test_experiment_is_deleted(store, experiment):
    make(store, experiment)
    seen = look(store, experiment)
    store.delete_experiment(experiment)
    changes = since(store, experiment, seen)
    assert changes.reload or changes.runs


def test_cursor_goes_on_elsewhere(store, experiment, is_exact):
    ended, goes_on = make(store, experiment), make(store, experiment)
    cursor = look(store, experiment).cursor
    store.log_metric(goes_on, Metric("loss", 1, 1, 1))
    store.update_run_info(ended, RunStatus.FINISHED, 5, None)
    make(store, experiment)
    changes = since(store, experiment, cursor)
    if is_exact:
        assert changes == Changes(
            1, frozenset([ended]), frozenset([ended, goes_on]), running=2, reload=False
        )
    else:
        assert changes == Changes(running=2, reload=True)


def test_entries_since_a_cursor_are_told(store, experiment, is_exact):
    run_id = make(store, experiment)
    cursor = look(store, experiment).cursor
    assert since(store, experiment, cursor) == Changes(running=1)
    store.log_batch(run_id, [], [Param("lr", "1")], [])
    changes = since(store, experiment, cursor)
    if is_exact:
        assert changes == Changes(runs=frozenset([run_id]), running=1)
    else:
        assert changes == Changes(running=1, reload=True)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "1",
        "x",
        "2.2.3",
        "3.1.1.1.1.1.",
        "4.-1.0.0.0.0.0.",
        "4.1.1.1.1.1.1.a",
        "4.99999999999.0.0.0.0.0.",
        "0" * 50_000,
        "4.5.1.1.1.0.0.9",
    ],
)
def test_cursor_that_means_nothing_makes_all_be_read_again(store, experiment, cursor):
    assert since(store, experiment, cursor).reload
    assert not since(store, experiment, look(store, experiment)).reload


def test_several_who_looked_at_different_times(store, experiment):
    first = look(store, experiment)
    make(store, experiment)
    second = look(store, experiment)
    make(store, experiment)
    _, changes = store.changes([experiment], [first, second])
    assert [one.new for one in changes] == [2, 1]


def test_several_experiments_and_none(store, experiment):
    other = store.create_experiment(f"{experiment} other", None, [])
    both = [experiment, other, experiment]
    seen = store.changes(both)[0]
    make(store, experiment)
    make(store, other)
    assert store.changes(both, [seen])[1] == [Changes(new=2, running=2)]
    assert store.changes([])[0].running == 0
    nobody, (changes,) = store.changes(["987654321987"], [store.changes(["987654321987"])[0]])
    assert nobody.running == 0 and not changes


def test_bad_id(store):
    with pytest.raises(MlflowException, match="Invalid experiment ID 'x'") as info:
        store.changes(["x"])
    assert info.value.error_code == "INVALID_PARAMETER_VALUE"


def test_runs_that_run_forever_are_counted_but_only_the_newest_are_watched(
    store, experiment, monkeypatch
):
    for module in (contract, *_modules(store)):
        monkeypatch.setattr(module, "MOST_WATCHED", 3)
    runs = [store.create_run(experiment, "ann", i, [], "r").info.run_id for i in range(5)]
    seen = look(store, experiment)
    assert seen.running == (5 if hasattr(store, "db") or hasattr(store, "root") else 3)
    for run_id in (runs[0], runs[4]):
        store.log_metric(run_id, Metric("loss", 1, 1, 1))
    assert since(store, experiment, seen).points == {runs[4]}
    seen = look(store, experiment)
    store.create_run(experiment, "ann", 9, [], "r")
    changes = since(store, experiment, seen)
    assert changes.new == 1
    if hasattr(store, "db") or hasattr(store, "root"):
        assert not changes.runs, "one that is not watched any more did not change"
    seen = look(store, experiment)
    store.update_run_info(runs[4], RunStatus.FINISHED, 10, None)
    assert runs[4] in since(store, experiment, seen).runs


def _modules(store) -> list:
    from mlflow.store.tracking.file import changes as of_files
    from mlflow.store.tracking.sql import changes as of_sql

    return [of_files, of_sql]


def test_changes_add_up_and_stay_small():
    one = Changes(1, frozenset("a"), frozenset("b"), 3)
    assert one.then(Changes(2, frozenset("c"), frozenset("b"), 1)) == Changes(
        3, frozenset("ac"), frozenset("b"), 1
    )
    many = Changes(0, frozenset(map(str, range(MOST_NAMED))), running=1)
    assert many.bounded() is many
    assert many.then(one) == Changes(1, running=3, reload=True)
    assert MOST_WATCHED <= MOST_NAMED


def test_a_run_that_was_committed_late_is_new(store, experiment):
    """Two writers of a database: the one that began first may end last."""
    if not hasattr(store, "db") or store.db.dialect.single_writer:
        pytest.skip("one writer at a time: ids appear in order")
    other = store.create_experiment(f"{experiment} late", None, [])
    late = make(store, experiment)
    make(store, experiment)

    def move(to: str) -> None:
        store.db.write(
            lambda tx: tx.execute("update run set experiment_id = ? where uuid = ?", (to, late))
        )

    # as if it was inserted only now, with an id that it was given before
    move(other)
    seen = look(store, experiment)
    move(experiment)
    assert since(store, experiment, seen) == Changes(new=1, running=2)
    assert not since(store, experiment, look(store, experiment))
