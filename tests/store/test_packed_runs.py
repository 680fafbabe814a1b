"""What finished runs logged, in one value each: never older than the rows."""

from __future__ import annotations

import json
import math
import random
import threading
from collections.abc import Iterator

import pytest
from tests import databases

from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    Param,
    RunStatus,
    RunTag,
    ViewType,
)
from mlflow.rpc import nouns as wire
from mlflow.rpc.wire import encode
from mlflow.store.tracking.base.runs import Runs
from mlflow.store.tracking.sql.store import SqlStore


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mysql"])
def store(request, tmp_path_factory) -> Iterator[SqlStore]:
    with databases.new_database(request.param, tmp_path_factory.mktemp("packed")) as uri:
        store = SqlStore(uri, "/artifacts")
        yield store
        store.dispose()


@pytest.fixture
def run_id(store) -> str:
    """A run with all kinds of content that has not ended yet."""
    run_id = store.create_run(
        "0", "ann", 5, [RunTag("tag", 'a "quoted" tag\n')], "first"
    ).info.run_id
    metrics = [Metric("loss", math.nan, 7, -3), Metric("acc", 0.1, 1 << 60, 1 << 62)]
    metrics += [Metric("inf", math.inf, 1, 0), Metric("tiny", 5e-324, 1, 0), Metric("i", 3, 1, 0)]
    store.log_batch(run_id, metrics, [Param("é", "💧"), Param("empty", "")], [])
    data = DatasetInput(Dataset("d", "1", "local", "here", "{}", None), [InputTag("k", "v")])
    store.log_inputs(run_id, [data], [LoggedModelInput("m-1")])
    store.log_outputs(run_id, [LoggedModelOutput("m-2", 7)])
    return run_id


def end(store, run_id, status=RunStatus.FINISHED) -> None:
    store.update_run_info(run_id, status, 1_700_000_000_000, None)


def is_packed(store, run_id) -> bool:
    with store.db.read() as tx:
        found = tx.execute(
            "select 1 from packed_run where run_id in (select id from run where uuid = ?)",
            (run_id,),
        )
        return found.fetchone() is not None


def forget(store, run_id) -> None:
    """Remove the packed value, as an older version would have left it."""
    store.db.write(
        lambda tx: tx.execute(
            "delete from packed_run where run_id in (select id from run where uuid = ?)", (run_id,)
        )
    )


def everything(store, run_id) -> dict:
    return json.loads(encode(wire.Run.of(store.get_run(run_id))))


def test_a_run_is_packed_when_it_ends_and_says_the_same(store, run_id):
    before = everything(store, run_id)
    assert not is_packed(store, run_id)
    end(store, run_id)
    assert is_packed(store, run_id)
    after = everything(store, run_id)
    for kind in ("metrics", "params", "tags"):
        before["data"][kind].sort(key=lambda entry: entry["key"])
        after["data"][kind].sort(key=lambda entry: entry["key"])
    assert after["data"] == before["data"]
    assert after["inputs"] == before["inputs"] != {}
    assert after["outputs"] == before["outputs"] != {}


@pytest.mark.parametrize(
    "change",
    [
        lambda store, run_id: store.log_metric(run_id, Metric("acc", 9.0, 1 << 61, 1 << 62)),
        lambda store, run_id: store.log_param(run_id, Param("late", "1")),
        lambda store, run_id: store.set_tag(run_id, RunTag("tag", "new")),
        lambda store, run_id: store.delete_tag(run_id, "tag"),
        lambda store, run_id: store.log_batch(run_id, [], [], [RunTag("x", "y")]),
        lambda store, run_id: store.log_outputs(run_id, [LoggedModelOutput("m-3", 8)]),
        lambda store, run_id: store.log_inputs(run_id, None, [LoggedModelInput("m-4")]),
        lambda store, run_id: store.record_logged_model(run_id, {"run_id": run_id}),
        lambda store, run_id: store.update_run_info(run_id, None, None, "renamed"),
        lambda store, run_id: store.update_run_info(run_id, RunStatus.RUNNING, None, None),
    ],
)
def test_whoever_logs_to_a_finished_run_is_seen(store, run_id, change):
    end(store, run_id)
    before = everything(store, run_id)
    change(store, run_id)
    assert not is_packed(store, run_id)
    assert everything(store, run_id) != before


def test_reading_packs_what_has_ended_and_nothing_else(store, run_id):
    end(store, run_id)
    expected = everything(store, run_id)
    forget(store, run_id)
    running = store.create_run("0", "ann", 6, [], "running").info.run_id
    assert everything(store, run_id) == expected
    store.get_run(running)
    store._packer.wait()
    assert is_packed(store, run_id)
    assert not is_packed(store, running)
    assert everything(store, run_id) == expected


@pytest.mark.parametrize("damaged", [b"", b"\x00", b"\x01", b"\x01\xff\xff", b"\x02\x90"])
def test_a_value_that_cannot_be_read_is_passed_over(store, run_id, damaged):
    end(store, run_id)
    expected = everything(store, run_id)
    store.db.write(lambda tx: tx.execute("update packed_run set content = ?", (damaged,)))
    assert everything(store, run_id) == expected


REFUSALS = {
    "sqlite": ["create trigger no_packs before insert on packed_run "
        "begin select raise(abort, 'no'); end"],
    "postgresql": [
        "create function refuse() returns trigger language plpgsql as "
        "'begin raise exception ''no''; end'",
        "create trigger no_packs before insert on packed_run "
        "for each row execute function refuse()",
    ],
    "mysql": ["create trigger no_packs before insert on packed_run "
        "for each row signal sqlstate '45000'"],
}  # fmt: skip


def test_a_database_that_takes_no_packed_runs_is_read(store, run_id):
    end(store, run_id)
    expected = everything(store, run_id)
    forget(store, run_id)
    for statement in REFUSALS[store.db.dialect.name]:
        store.db.write(lambda tx, statement=statement: tx.execute(statement))
    try:
        for _ in range(3):
            assert everything(store, run_id) == expected
            store._packer.wait()
            assert not is_packed(store, run_id)
    finally:
        on = " on packed_run" if store.db.dialect.name == "postgresql" else ""
        store.db.write(lambda tx: tx.execute(f"drop trigger no_packs{on}"))
        store._packer._pause_until = 0.0  # it would try again in a minute


def test_packing_waits_for_a_writer_that_has_begun(store, run_id):
    """The writer has seen a finished run and removed its value, but has not committed."""
    end(store, run_id)
    begun, go_on = threading.Event(), threading.Event()

    def log(tx) -> None:
        key = store._run_to_write(tx, run_id)
        name = store._key_id(tx, "tag")
        tx.execute("update tag set value = 'late' where run_id = ? and key_id = ?", (key, name))
        begun.set()
        assert go_on.wait(30)

    writer = threading.Thread(target=store.db.write, args=(log,))
    writer.start()
    assert begun.wait(30)
    with store.db.read() as tx:
        key = store._run_row(tx, run_id).id
    store._packer.later([key])
    packer = store._packer._thread
    packer.join(0.2)
    assert packer.is_alive()  # it waits
    go_on.set()
    writer.join()
    store._packer.wait()
    assert is_packed(store, run_id)
    assert store.get_run(run_id).data.tags["tag"] == "late"


def test_readers_and_writers_together(store):
    """At the end, and whenever a writer has just written, what is read is what was written."""
    ids = [store.create_run("0", "ann", i, [RunTag("n", "0")], "r").info.run_id for i in range(4)]
    for run_id in ids:
        end(store, run_id)
    wrong, stop = [], threading.Event()

    def write(number: int) -> None:
        rng = random.Random(number)
        for i in range(25):
            run_id = ids[number] if rng.random() < 0.7 else ids[-1]
            key, value = f"n{number}", str(i)
            store.set_tag(run_id, RunTag(key, value))
            if store.get_run(run_id).data.tags.get(key) != value:
                wrong.append((run_id, key, value))

    def read() -> None:
        while not stop.is_set():
            store.search_runs(["0"], "", ViewType.ACTIVE_ONLY, 100)

    readers = [threading.Thread(target=read) for _ in range(2)]
    writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in readers:
        thread.join()
    store._packer.wait()
    assert wrong == []
    packed = {run_id: everything(store, run_id) for run_id in ids}
    for run_id in ids:
        forget(store, run_id)
    for run_id in ids:
        found = everything(store, run_id)
        assert found["data"]["tags"] == packed[run_id]["data"]["tags"]


def test_messages_are_those_of_the_entities(store, run_id):
    """The short way from a value to the wire, and the long one by way of entities."""
    store.create_run("0", "", None, [], None)  # no content, no end, no start
    for _ in range(2):  # from rows, then packed
        search = ["0"], "", ViewType.ACTIVE_ONLY, 1000, ["start_time"], None
        short, token = store._search_run_messages(*search)
        long, long_token = Runs._search_run_messages(store, *search)
        assert encode(wire.RunData()) == b"{}"
        assert [encode(run) for run in short] == [encode(run) for run in long]
        assert token == long_token
        end(store, run_id)
    assert is_packed(store, run_id)
