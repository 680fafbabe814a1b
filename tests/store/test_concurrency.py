"""Many writers at once: nothing is lost, nothing lands elsewhere, and nobody sees a lock."""

from __future__ import annotations

import multiprocessing
import threading
import uuid

import pytest
from tests.store.writer import write

from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.resolve import tracking_store

WORKERS, COUNT = 6, 40


def expected() -> set[int]:
    return {w * 1_000_000 + i for w in range(WORKERS) for i in range(COUNT)}


def work(uri: str, run_id: str, worker: int) -> None:
    write(uri, run_id, worker, COUNT, lambda step: None)


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql", "file", "rest"])
def test_processes_share_a_run(kind, method, request, tmp_path):
    if kind == "sqlite":
        uri = f"sqlite:///{tmp_path}/shared.db"
    elif kind == "file":
        uri = (tmp_path / "mlruns").as_uri()
    elif kind in ("postgresql", "mysql"):
        uri = request.getfixturevalue(f"{kind}_uri")
    else:
        uri = request.getfixturevalue("shared_server").uri
    store = tracking_store(uri)
    experiment = store.create_experiment(uuid.uuid4().hex, "/artifacts", [])
    run_id = store.create_run(experiment, "u", 0, [], None).info.run_id
    context = multiprocessing.get_context(method)
    children = [context.Process(target=work, args=(uri, run_id, w)) for w in range(WORKERS)]
    for child in children:
        child.start()
    for child in children:
        child.join(120)
    assert [child.exitcode for child in children] == [0] * WORKERS
    points = store.get_metric_history(run_id, "shared")
    assert {m.step for m in points} == expected()
    assert len(points) == len(expected())
    tags = store.get_run(run_id).data.tags
    assert {tags[f"worker{w}"] for w in range(WORKERS)} == {str(COUNT - 1)}


@pytest.mark.parametrize("uri", ["sqlite:///{}/new.db", "file://{}/new"])
def test_processes_may_make_the_store_together(uri, tmp_path):
    uri = uri.format(tmp_path)
    context = multiprocessing.get_context("spawn")
    names = [f"e{i}" for i in range(4)]
    children = [context.Process(target=_make, args=(uri, name)) for name in names]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0] * 4
    found = {x.name for x in tracking_store(uri).search_experiments()}
    assert found == {"Default", *names}


def _make(uri: str, name: str) -> None:
    tracking_store(uri).create_experiment(name, None, [])


def test_threads_with_runs_of_their_own(store, experiment):
    runs = [store.create_run(experiment, "u", 0, [], f"r{i}").info.run_id for i in range(6)]
    failures: list[Exception] = []

    def log(i: int) -> None:
        try:
            for step in range(25):
                store.log_batch(
                    runs[i],
                    [Metric("m", float(i), step, step)],
                    [Param(f"p{step}", str(i))],
                    [RunTag("owner", str(i))],
                )
        except Exception as e:
            failures.append(e)

    threads = [threading.Thread(target=log, args=(i,)) for i in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert failures == []
    for i, run_id in enumerate(runs):
        run = store.get_run(run_id)
        assert run.data.tags["owner"] == str(i)
        assert set(run.data.params.values()) == {str(i)}
        assert {m.value for m in store.get_metric_history(run_id, "m")} == {float(i)}
        assert len(store.get_metric_history(run_id, "m")) == 25


def test_one_bad_write_does_not_undo_its_neighbours(store, run_id):
    store.log_param(run_id, Param("p", "1"))
    outcomes: list[str] = []
    start = threading.Barrier(9)

    def good(i: int) -> None:
        start.wait()
        store.set_tag(run_id, RunTag(f"t{i}", "1"))
        outcomes.append("good")

    def bad() -> None:
        start.wait()
        try:
            store.log_batch(run_id, [], [Param("p", "2")], [RunTag("bad", "1")])
        except MlflowException:
            outcomes.append("refused")

    threads = [threading.Thread(target=good, args=(i,)) for i in range(8)]
    threads.append(threading.Thread(target=bad))
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(outcomes) == ["good"] * 8 + ["refused"]
    tags = store.get_run(run_id).data.tags
    assert all(tags[f"t{i}"] == "1" for i in range(8))
    assert "bad" not in tags


def test_experiment_name_is_won_once(store):
    name = uuid.uuid4().hex
    won: list[str] = []
    lost: list[str] = []

    def create() -> None:
        try:
            won.append(store.create_experiment(name, None, []))
        except MlflowException as e:
            lost.append(e.error_code)

    threads = [threading.Thread(target=create) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(won) == 1
    assert lost == ["RESOURCE_ALREADY_EXISTS"] * 5
