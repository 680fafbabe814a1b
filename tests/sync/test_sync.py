"""What is copied, what is left alone, and what is said about it."""

from __future__ import annotations

import os
import sqlite3
import threading
import time

import pytest
from tests.dump import differences, dump
from tests.sync.filling import Filler

from mlflow.entities import ExperimentTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.resolve import tracking_store
from mlflow.store.tracking.rest.transfer import RestTransfer
from mlflow.sync import Report, Selection, sync
from mlflow.sync.identity import EXPERIMENT_ORIGIN, RUN_ORIGIN

TIME = 1_700_000_000_000


def another_moment() -> None:
    """Wait for the next millisecond: experiments with the same id and moment count as the same."""
    now = time.time_ns() // 1_000_000
    while time.time_ns() // 1_000_000 == now:
        time.sleep(0.0002)


class Ends:
    """Two SQLite stores, and a copy from one to the other."""

    def __init__(self, folder, destination: str | None = None):
        self.source = f"sqlite:///{folder}/here/store.db"
        self.destination = destination or f"sqlite:///{folder}/there/store.db"
        self.here = tracking_store(self.source, f"{folder}/here/files")
        self.there = tracking_store(self.destination, f"{folder}/there/files")
        self.folder = folder

    def sync(self, **options) -> Report:
        return sync(self.source, self.destination, **options)

    def copied(self, **options) -> Report:
        """After a copy without problems both have the same, and nothing is left to do."""
        report = self.sync(**options)
        assert report.problems == []
        ids = self.there.can_adopt
        theirs = dump(self.there, self.destination, ids=ids)
        assert differences(dump(self.here, self.source, ids=ids), theirs) == []
        again = self.sync(**options)
        assert again.problems == [] and not again.counts.any_change()
        return report


@pytest.fixture
def ends(tmp_path):
    return Ends(tmp_path)


@pytest.fixture
def foreign(tmp_path, make_server, monkeypatch):
    """The same with a server as destination that gives ids of its own."""
    monkeypatch.setattr(RestTransfer, "can_adopt", property(lambda self: False))
    return Ends(tmp_path, make_server().uri)


@pytest.fixture(params=["ids are kept", "ids are given anew"])
def either(request, tmp_path, make_server, monkeypatch):
    name = "ends" if request.param == "ids are kept" else "foreign"
    return request.getfixturevalue(name)


def a_run(store, experiment="0", name="r", start=TIME, tags=()) -> str:
    return store.create_run(experiment, "ann", start, list(tags), name).info.run_id


# -- identity -----------------------------------------------------------------------------------


def test_parents_are_told_of_by_the_ids_that_they_have_there(either):
    parent = a_run(either.here, name="parent", start=TIME + 5)
    tags = [RunTag("mlflow.parentRunId", parent)]
    before = a_run(either.here, name="came before its parent", start=TIME, tags=tags)
    after = a_run(either.here, name="after", start=TIME + 9, tags=tags)
    deleted = a_run(either.here, name="deleted", start=TIME, tags=tags)
    either.here.delete_run(deleted)
    either.copied()
    found = {r.info.run_name: r for r in either.there.search_runs(["0"], None, 3)}
    for name in ("came before its parent", "after", "deleted"):
        told = found[name].data.tags["mlflow.parentRunId"]
        assert told == found["parent"].info.run_id
    assert (found["parent"].info.run_id == parent) == either.there.can_adopt
    assert len({before, after, deleted}) == 3


def test_parent_that_is_copied_later(either):
    parent = a_run(either.here, name="parent")
    child = a_run(either.here, name="child", tags=[RunTag("mlflow.parentRunId", parent)])
    assert either.sync(selection=Selection(run_ids=(child,))).problems == []
    assert [r.info.run_name for r in either.there.search_runs(["0"], None, 3)] == ["child"]
    either.copied()


def test_active_run_in_a_deleted_experiment(either):
    experiment = either.here.create_experiment("e", None, [])
    runs = [a_run(either.here, experiment, f"run {i}") for i in range(3)]
    either.copied()
    either.here.delete_experiment(experiment)
    either.copied()
    either.here.restore_run(runs[1])
    either.copied()
    either.here.log_metric(runs[1], Metric("m", 1.0, TIME, 1))
    either.here.restore_experiment(experiment)
    a_run(either.here, experiment, "late")
    either.here.delete_experiment(experiment)
    either.here.restore_run(runs[0])
    either.copied()


def test_new_ids_are_remembered_in_tags(foreign):
    run_id = a_run(foreign.here)
    experiment = foreign.here.create_experiment("e", None, [])
    foreign.copied()
    (run,) = foreign.there.search_runs(["0"], None, 3)
    assert run.info.run_id != run_id and run.data.tags[RUN_ORIGIN] == run_id
    tags = foreign.there.get_experiment_by_name("e").tags
    created = foreign.here.get_experiment(experiment).creation_time
    assert tags == {EXPERIMENT_ORIGIN: f"{experiment}@{created}"}


def test_two_copies_that_say_they_are_the_same_run(ends):
    """Somebody has copied the tags of a copy."""
    original = a_run(ends.here, name="original")
    tags = [RunTag(RUN_ORIGIN, original)]
    copy = a_run(ends.here, name="copy", start=TIME + 1, tags=tags)
    elsewhere = [RunTag(RUN_ORIGIN, "f" * 32)]
    first = a_run(ends.here, name="first", start=TIME + 2, tags=elsewhere)
    second = a_run(ends.here, name="second", start=TIME + 3, tags=elsewhere)
    report = ends.sync()
    assert len(report.problems) == 2
    assert copy in report.problems[1] and original in report.problems[1]
    assert first in report.problems[0] and second in report.problems[0]
    found = {r.info.run_name: r.info.run_id for r in ends.there.search_runs(["0"], None, 3)}
    assert found == {"original": original, "copy": copy, "first": "f" * 32, "second": second}


def test_experiment_whose_id_is_taken(ends):
    another_moment()
    ends.there.create_experiment("of somebody else", None, [])
    another_moment()
    mine = ends.here.create_experiment("mine", None, [ExperimentTag("a", "b")])
    a_run(ends.here, mine)
    assert ends.sync().problems == []
    there = ends.there.get_experiment_by_name("mine")
    assert there.experiment_id != mine
    assert there.tags.keys() == {"a", EXPERIMENT_ORIGIN}
    assert len(ends.there.search_runs([there.experiment_id], None, 1)) == 1
    # and it is known again under another name, with other tags, in another stage
    ends.here.rename_experiment(mine, "renamed")
    ends.here.delete_experiment_tag(mine, "a")
    ends.here.delete_experiment(mine)
    assert ends.sync().problems == []
    found = ends.there.get_experiment(there.experiment_id)
    assert (found.name, found.lifecycle_stage) == ("renamed", "deleted")
    assert found.tags.keys() == {EXPERIMENT_ORIGIN}
    assert not ends.sync().counts.any_change()


def test_experiment_of_the_same_name_is_shared(either):
    """Two people have an experiment of this name: their runs come together."""
    mine = either.here.create_experiment("shared", None, [ExperimentTag("a", "mine")])
    a_run(either.here, mine, "my run")
    tags = [ExperimentTag("b", "theirs")]
    another_moment()
    theirs = either.there.create_experiment("shared", None, tags)
    another_moment()
    theirs = either.there.create_experiment("not this one", None, []) and theirs
    a_run(either.there, theirs, "their run")
    assert either.sync().problems == []
    found = either.there.get_experiment(theirs)
    assert found.tags == {"a": "mine", "b": "theirs"}
    names = {r.info.run_name for r in either.there.search_runs([theirs], None, 1)}
    assert names == {"my run", "their run"}
    either.here.delete_experiment(mine)  # which is not theirs to lose
    assert either.sync().problems == []
    assert either.there.get_experiment(theirs).lifecycle_stage == "active"
    stages = {
        r.info.run_name: r.info.lifecycle_stage for r in either.there.search_runs([theirs], None, 3)
    }
    assert stages == {"my run": "deleted", "their run": "active"}
    assert not either.sync().counts.any_change()


# -- conflicts ----------------------------------------------------------------------------------


def test_deleted_experiment_has_the_name(either):
    mine = either.here.create_experiment("name", None, [])
    a_run(either.here, mine)
    other = a_run(either.here, "0", "other")
    another_moment()
    theirs = either.there.create_experiment("name", None, [])
    either.there.delete_experiment(theirs)
    report = either.sync()
    (problem,) = report.problems
    assert "'name'" in problem and "deleted" in problem and "mlflow gc" in problem
    assert either.there.get_experiment(theirs).lifecycle_stage == "deleted"
    assert not either.there.search_runs([theirs], None, 3)
    assert [r.info.run_name for r in either.there.search_runs(["0"], None, 3)] == ["other"]
    assert other


def test_new_name_belongs_to_another_experiment(either):
    mine = either.here.create_experiment("old", None, [])
    assert either.sync().problems == []
    either.here.rename_experiment(mine, "new")
    either.here.set_experiment_tag(mine, ExperimentTag("a", "b"))
    another_moment()
    either.there.create_experiment("new", None, [])
    (problem,) = either.sync().problems
    assert "'new'" in problem and "'old'" in problem
    assert either.there.get_experiment_by_name("old").tags["a"] == "b"


def test_param_that_differs_stays_and_is_reported(either):
    run_id = a_run(either.here)
    either.here.log_param(run_id, Param("lr", "0.1"))
    assert either.sync().problems == []
    (there,) = either.there.search_runs(["0"], None, 3)
    either.there.log_param(there.info.run_id, Param("depth", "3"))
    either.here.log_batch(
        run_id, [Metric("m", 1.0, TIME, 1)], [Param("depth", "4"), Param("new", "x")], []
    )
    report = either.sync()
    (problem,) = report.problems
    assert all(word in problem for word in (run_id, "'depth'", "'4'", "'3'"))
    found = either.there.get_run(there.info.run_id).data
    assert found.params == {"lr": "0.1", "depth": "3", "new": "x"}
    assert found.metrics == {"m": 1.0}


def test_run_is_in_another_experiment_there(ends):
    run_id = a_run(ends.here)
    other = a_run(ends.here, name="other")
    assert ends.sync().problems == []
    ends.there.rename_experiment("0", "renamed there")
    (problem,) = ends.sync(selection=Selection(run_ids=(run_id,))).problems
    assert run_id in problem and "experiment 0" in problem
    assert ends.there.get_run(other).info.experiment_id == "0"


def test_run_that_was_changed_there_becomes_as_it_is_here_again(either):
    run_id = a_run(either.here, tags=[RunTag("a", "1"), RunTag("b", "2")])
    either.here.log_metric(run_id, Metric("m", 1.0, TIME, 1))
    either.copied()
    (there,) = either.there.search_runs(["0"], None, 3)
    their_id = there.info.run_id
    either.there.update_run_info(their_id, 5, TIME + 3, "their name")
    either.there.set_tag(their_id, RunTag("a", "theirs"))
    either.there.delete_tag(their_id, "b")
    either.there.set_tag(their_id, RunTag("c", "theirs"))
    either.there.delete_run(their_id)
    either.here.update_run_info(run_id, 3, TIME + 4, None)
    either.copied()


def test_points_that_only_the_destination_has_stay(ends):
    run_id = a_run(ends.here)
    ends.here.log_metric(run_id, Metric("m", 1.0, TIME, 1))
    ends.sync()
    ends.there.log_metric(run_id, Metric("m", 9.0, TIME, 9))
    ends.here.log_metric(run_id, Metric("m", 2.0, TIME, 2))
    assert ends.sync().counts.points == 1
    assert [m.step for m in ends.there.get_metric_history(run_id, "m")] == [1, 2, 9]
    assert not ends.sync().counts.any_change()


def test_tags_that_only_the_destination_has(either):
    a_run(either.here, tags=[RunTag("a", "1")])
    either.sync()
    (there,) = either.there.search_runs(["0"], None, 3)
    either.there.set_tag(there.info.run_id, RunTag("reviewed", "yes"))
    assert not either.sync(keep_tags=True).counts.any_change()
    assert either.there.get_run(there.info.run_id).data.tags["reviewed"] == "yes"
    assert either.sync().counts.tags_removed == 1
    either.copied()


def test_id_that_no_run_can_have(ends):
    run_id, fine = a_run(ends.here), a_run(ends.here, name="fine")
    with sqlite3.connect(f"{ends.folder}/here/store.db") as db:
        db.execute("update run set uuid = ? where uuid = ?", ("x' or ''='", run_id))
    (problem,) = ends.sync().problems
    assert "x' or ''='" in problem
    assert [r.info.run_id for r in ends.there.search_runs(["0"], None, 3)] == [fine]


# -- points -------------------------------------------------------------------------------------


def test_long_histories(either):
    """More points than go into one request; a few that come later, in between."""
    run_id = a_run(either.here)
    for first in range(0, 23_000, 1000):
        points = [Metric("m", float(i), TIME + i, i) for i in range(first, first + 1000)]
        either.here.log_batch(run_id, points, [], [])
    either.here.update_run_info(run_id, 3, TIME, None)
    assert either.copied().counts.points == 23_000
    late = [Metric("m", -1.0, TIME + i, i) for i in (0, 5, 11_000, 22_999)]
    either.here.log_batch(run_id, late, [], [])
    assert either.copied().counts.points == 4


def test_history_that_is_damaged(ends):
    """It is named, and everything else is copied."""
    run_id, other = a_run(ends.here), a_run(ends.here, name="other", start=TIME + 1)
    for key in ("fine", "hurt", "short"):
        for first in range(0, 3000 if key != "short" else 3, 1000):
            points = [Metric(key, float(i), TIME + i, i) for i in range(first, first + 1000)]
            ends.here.log_batch(run_id, points, [], [])
            ends.here.log_param(run_id, Param(f"{key} {first}", "1"))
    ends.here.log_metric(other, Metric("m", 1.0, TIME, 1))
    ends.here.dispose()
    with sqlite3.connect(f"{ends.folder}/here/store.db") as db:
        key = "(select id from key_name where name = 'hurt')"
        assert db.execute(f"update chunk set content = x'0102' where key_id = {key}").rowcount
    for _ in range(2):
        (problem,) = ends.sync().problems
        assert run_id in problem and "'hurt'" in problem and "damaged" in problem
        data = ends.there.get_run(run_id).data
        assert len(data.params) == 7 and data.metrics.keys() >= {"fine", "short"}
        assert len(ends.there.get_metric_history(run_id, "fine")) == 3000
        assert ends.there.get_run(other).data.metrics == {"m": 1.0}


def test_source_is_written_meanwhile(either):
    """What comes too late for one copy comes with the next."""
    filler = Filler(either.here, either.source, seed=8)
    filler.work(60)
    copies = threading.Event()
    failed: list[BaseException] = []

    def write() -> None:
        try:
            while not copies.wait(0.01):
                filler.work(1)
        except BaseException as e:
            failed.append(e)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            either.sync()
    finally:
        copies.set()
        writer.join()
    assert failed == []
    either.copied()


# -- selection and dry runs ---------------------------------------------------------------------


def test_selection(ends):
    one = ends.here.create_experiment("one", None, [])
    two = ends.here.create_experiment("two", None, [])
    three = ends.here.create_experiment("three", None, [])
    runs = [a_run(ends.here, x, f"run {i}") for x in (one, two, three) for i in range(2)]

    def names() -> dict[str, int]:
        found = ends.there.search_experiments(3)
        return {e.name: len(ends.there.search_runs([e.experiment_id], None, 3)) for e in found}

    ends.sync(selection=Selection(run_ids=(runs[0],)))
    assert names() == {"Default": 0, "one": 1}
    ends.sync(selection=Selection(experiment_ids=(two,), run_ids=(runs[0],)))
    assert names() == {"Default": 0, "one": 1, "two": 2}
    ends.sync(selection=Selection(experiment_names=("three",)))
    assert names() == {"Default": 0, "one": 1, "two": 2, "three": 2}
    assert not ends.sync(selection=Selection(experiment_ids=(two,))).counts.any_change()


@pytest.mark.parametrize(
    "selection",
    [
        Selection(experiment_ids=("77",)),
        Selection(experiment_names=("none",)),
        Selection(run_ids=("f" * 32,)),
    ],
)
def test_selection_of_what_there_is_not(ends, selection):
    with pytest.raises(MlflowException):
        ends.sync(selection=selection)


def test_dry_run_says_all_and_changes_nothing(either):
    filler = Filler(either.here, either.source, seed=4)
    filler.work(50)
    for _ in range(2):
        before = dump(either.there, either.destination, ids=either.there.can_adopt)
        lines: list[str] = []
        dry = either.sync(dry_run=True, report=Report(lines.append))
        after = dump(either.there, either.destination, ids=either.there.can_adopt)
        assert after == before
        assert lines
        done = either.copied()
        assert dry.counts == done.counts
        filler.work(30)


def test_dry_run_makes_no_database(tmp_path, ends):
    a_run(ends.here)
    report = sync(ends.source, f"sqlite:///{tmp_path}/not yet/store.db", dry_run=True)
    assert report.counts.runs_created == 1
    assert not os.path.exists(tmp_path / "not yet")


def test_source_that_there_is_not(tmp_path, ends):
    for uri in (f"sqlite:///{tmp_path}/nothing.db", "sqlite:///nothing/here.db"):
        with pytest.raises(MlflowException, match="no runs"):
            sync(uri, ends.destination)
    assert not os.path.exists(tmp_path / "nothing.db")


def test_source_and_destination_are_the_same(tmp_path, ends):
    os.symlink(tmp_path / "here", tmp_path / "link")
    with pytest.raises(MlflowException, match="the same"):
        sync(ends.source, f"sqlite:///{tmp_path}/link/store.db")


def test_source_is_only_read(ends):
    filler = Filler(ends.here, ends.source, seed=6)
    filler.work(60)
    ends.here.dispose()
    path = f"{ends.folder}/here/store.db"
    os.chmod(path, 0o444)
    with sqlite3.connect(path) as db:
        before = list(db.iterdump())
    ends.sync()
    with sqlite3.connect(path) as db:
        assert list(db.iterdump()) == before
