"""Batches that may come twice: `log_batch_once`, on stores that keep what a writer has sent."""

from __future__ import annotations

import json
import threading
import urllib.request
import uuid

import pytest

from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.sql.store import SqlStore


@pytest.fixture
def writer():
    return uuid.uuid4().hex


@pytest.fixture
def once(store):
    """Stores that keep it; folders do not."""
    if store.log_batch_once.__func__.__qualname__.startswith("Runs."):
        assert "file" in type(store).__module__
        pytest.skip("a folder does not keep what a writer has sent")
    return store


def points(*steps):
    return [Metric("m", float(s), s, s) for s in steps]


def steps(store, run_id):
    return [m.step for m in store.get_metric_history(run_id, "m")]


def test_store_that_keeps_nothing_logs_as_usual(store, run_id, writer):
    stored = store.log_batch_once(
        run_id, points(1), [Param("p", "1")], [], writer=writer, after=0, sequence=10
    )
    assert stored == 10
    assert store.get_run(run_id).data.params == {"p": "1"}
    assert steps(store, run_id) == [1]


def test_batch_that_comes_again_is_stored_once(once, run_id, writer):
    for _ in range(3):
        content = points(1, 2), [Param("p", "1")], [RunTag("t", "1")]
        assert once.log_batch_once(run_id, *content, writer=writer, after=5, sequence=20) == 20
    once.set_tag(run_id, RunTag("t", "2"))
    assert once.log_batch_once(run_id, *content, writer=writer, after=5, sequence=20) == 20
    assert steps(once, run_id) == [1, 2]
    assert once.get_run(run_id).data.tags["t"] == "2"
    assert (
        once.log_batch_once(run_id, points(3), [], [], writer=writer, after=20, sequence=30) == 30
    )
    # An old one, long after
    assert once.log_batch_once(run_id, *content, writer=writer, after=5, sequence=20) == 30
    assert steps(once, run_id) == [1, 2, 3]


def test_of_a_batch_that_is_partly_there_nothing_is_stored(once, run_id, writer):
    once.log_batch_once(run_id, points(1, 2), [], [], writer=writer, after=0, sequence=20)
    stored = once.log_batch_once(run_id, points(2, 3), [], [], writer=writer, after=10, sequence=30)
    assert stored == 20
    assert steps(once, run_id) == [1, 2]
    assert (
        once.log_batch_once(run_id, points(3), [], [], writer=writer, after=20, sequence=30) == 30
    )
    assert steps(once, run_id) == [1, 2, 3]


def test_writers_and_runs_do_not_get_in_each_others_way(once, run_id, experiment, writer):
    other = once.create_run(experiment, "ann", 0, [], None).info.run_id
    for run in (run_id, other):
        for who in (writer, writer[::-1]):
            place = {"writer": who, "after": 0, "sequence": 10}
            assert once.log_batch_once(run, points(1 + (who == writer)), [], [], **place) == 10
    assert steps(once, run_id) == steps(once, other) == [1, 2]


def test_refused_batch_counts_for_nothing(once, run_id, writer):
    once.log_param(run_id, Param("p", "1"))
    place = {"writer": writer, "after": 0, "sequence": 10}
    with pytest.raises(MlflowException, match="Changing param values"):
        once.log_batch_once(run_id, points(1), [Param("p", "2")], [], **place)
    assert once.log_batch_once(run_id, points(1), [], [], **place) == 10
    assert steps(once, run_id) == [1]


def test_batch_that_was_stored_before_its_run_was_deleted(once, run_id, writer):
    place = {"writer": writer, "after": 0, "sequence": 10}
    once.log_batch_once(run_id, points(1), [], [], **place)
    once.delete_run(run_id)
    assert once.log_batch_once(run_id, points(1), [], [], **place) == 10
    with pytest.raises(MlflowException, match="must be in the 'active' state"):
        once.log_batch_once(run_id, points(2), [], [], writer=writer, after=10, sequence=20)


def test_a_request_and_its_successor_at_the_same_time(once, run_id, writer):
    """The client gave up waiting and sends it again, while the server still works on the first."""
    answers = []

    def send(i):
        place = {"writer": writer, "after": i * 10, "sequence": i * 10 + 10}
        content = points(*range(i * 5, i * 5 + 5)), [Param(f"p{i}", "1")], []
        answers.append((i, once.log_batch_once(run_id, *content, **place)))

    for i in range(10):
        threads = [threading.Thread(target=send, args=(i,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(answers) == 40
    assert all(stored == i * 10 + 10 for i, stored in answers)
    assert steps(once, run_id) == list(range(50))
    if isinstance(once, SqlStore):  # equal points are shown once, so count what is there
        with once.db.read() as tx:
            (count,) = tx.execute(
                "select sum(s.points) from series s join run r on r.id = s.run_id where r.uuid = ?",
                (run_id,),
            ).fetchone()
        assert count == 50


@pytest.mark.parametrize(
    "place",
    [
        {"writer": "", "after": 0, "sequence": 1},
        {"writer": "w" * 65, "after": 0, "sequence": 1},
        {"writer": "w", "after": -1, "sequence": 1},
        {"writer": "w", "after": 1, "sequence": 1},
        {"writer": "w", "after": 0, "sequence": 2**63},
    ],
)
def test_place_that_is_none_is_refused(once, run_id, place):
    with pytest.raises(MlflowException) as error:
        once.log_batch_once(run_id, points(1), [], [], **place)
    assert error.value.error_code == "INVALID_PARAMETER_VALUE"
    assert steps(once, run_id) == []


def test_on_the_wire(shared_server):
    def call(path, **body):
        request = urllib.request.Request(
            f"{shared_server.uri}/api/2.0/mlflow/{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    run_id = call("runs/create", experiment_id="0")["run"]["info"]["run_id"]
    metrics = [{"key": "m", "value": 1, "timestamp": 1, "step": 1}]
    assert call("runs/log-batch", run_id=run_id, metrics=metrics) == {}
    place = {"writer_id": uuid.uuid4().hex, "writer_after": 0, "writer_sequence": 7}
    for _ in range(2):
        answer = call("runs/log-batch", run_id=run_id, metrics=metrics, **place)
        assert answer == {"writer_sequence": 7}
    del place["writer_after"]
    with pytest.raises(urllib.error.HTTPError) as error:
        call("runs/log-batch", run_id=run_id, metrics=metrics, **place)
    assert error.value.code == 400


def test_writers_that_are_long_silent_are_forgotten(tmp_path, monkeypatch):
    store = SqlStore(f"sqlite:///{tmp_path}/store.db", str(tmp_path))
    run_id = store.create_run("0", "u", 0, [], None).info.run_id

    def writers():
        with store.db.read() as tx:
            return tx.execute("select count(*) from writer").fetchone()[0]

    def log(writer):
        store.log_batch_once(run_id, points(1), [], [], writer=writer, after=0, sequence=1)

    day = 24 * 3_600_000
    now = 1_800_000_000_000
    monkeypatch.setattr("mlflow.store.tracking.sql.runs.now_ms", lambda: now)
    log("a")
    log("b")
    now += 80 * day
    log("c")
    assert writers() == 3
    now += 20 * day
    log("d")
    assert writers() == 2
    log("c")
    assert steps(store, run_id) == [1]
    assert writers() == 2
    store.dispose()
