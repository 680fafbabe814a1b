"""Logging in the background."""

from __future__ import annotations

import logging
import threading

import pytest

import mlflow
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException
from mlflow.utils.async_logging import async_logging_queue
from mlflow.utils.async_logging.async_logging_queue import AsyncLoggingQueue, queue_for
from mlflow.utils.async_logging.run_operations import RunOperations, get_combined_run_operations


@pytest.fixture
def run_id():
    with mlflow.start_run() as run:
        yield run.info.run_id


class Gate:
    """A store that lets nothing pass until it is opened, and notes the sizes of batches."""

    def __init__(self, store):
        self.store = store
        self.open = threading.Event()
        self.sizes = []

    def log_batch(self, run_id, metrics, params, tags):
        self.open.wait(10)
        self.sizes.append((len(metrics), len(params), len(tags)))
        self.store.log_batch(run_id, metrics, params, tags)


def test_calls_return_what_to_wait_for(run_id):
    operations = [
        mlflow.log_metric("m", 1, synchronous=False),
        mlflow.log_metrics({"n": 1}, synchronous=False),
        mlflow.log_param("p", 1, synchronous=False),
        mlflow.log_params({"q": 1}, synchronous=False),
        mlflow.set_tag("t", 1, synchronous=False),
        mlflow.set_tags({"u": 1}, synchronous=False),
    ]
    assert all(isinstance(o, RunOperations) for o in operations)
    get_combined_run_operations(operations).wait()
    data = mlflow.get_run(run_id).data
    assert (data.metrics, data.params) == ({"m": 1.0, "n": 1.0}, {"p": "1", "q": "1"})
    assert (data.tags["t"], data.tags["u"]) == ("1", "1")


def test_switch_makes_it_the_default(run_id):
    mlflow.config.enable_async_logging()
    assert isinstance(mlflow.log_metric("m", 1), RunOperations)
    assert mlflow.log_param("p", 1, synchronous=True) == 1
    mlflow.flush_async_logging()
    assert mlflow.get_run(run_id).data.metrics == {"m": 1.0}
    mlflow.config.enable_async_logging(False)
    assert mlflow.log_metric("m", 1) is None


def test_run_waits_for_its_records():
    with mlflow.start_run() as run:
        for step in range(3000):
            mlflow.log_metric("m", step, step=step, synchronous=False)
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "m")
    assert sorted(p.step for p in history) == list(range(3000))


def test_last_of_several_values_wins(run_id):
    for value in range(300):
        mlflow.set_tag("t", value, synchronous=False)
    mlflow.flush_async_logging()
    assert mlflow.get_run(run_id).data.tags["t"] == "299"


def test_failure_is_raised_by_its_own_call_only(run_id, client):
    gate = Gate(client._store)
    queue = AsyncLoggingQueue(gate)
    good = [queue.submit(run_id, params=[Param(f"p{i}", "1")]) for i in range(20)]
    bad = queue.submit(run_id, params=[Param("p3", "2")])
    late = [queue.submit(run_id, params=[Param(f"q{i}", "1")]) for i in range(20)]
    gate.open.set()
    get_combined_run_operations(good + late).wait()
    with pytest.raises(MlflowException, match="The following failures occurred") as error:
        bad.wait()
    assert "Changing param values is not allowed" in error.value.message
    data = client.get_run(run_id).data
    assert data.params == {**{f"p{i}": "1" for i in range(20)}, **{f"q{i}": "1" for i in range(20)}}
    queue.shutdown()


def test_failure_is_logged(run_id, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("mlflow"), "propagate", True)
    mlflow.log_param("p", 1)
    mlflow.log_param("p", 2, synchronous=False)
    mlflow.flush_async_logging()
    assert f"Run Id {run_id}: Failed to log run data: Changing param values" in caplog.text


def test_records_are_sent_in_few_batches(run_id, client):
    gate = Gate(client._store)
    queue = AsyncLoggingQueue(gate)
    for step in range(2500):
        queue.submit(run_id, metrics=[Metric("m", float(step), step, step)])
    for number in range(150):
        queue.submit(run_id, params=[Param(f"p{number}", "1")])
    gate.open.set()
    queue.flush()
    assert sum(sizes[0] for sizes in gate.sizes) == 2500
    assert all(m + p + t <= 1000 and p <= 100 for m, p, t in gate.sizes)
    assert len(gate.sizes) <= 6
    assert len(client.get_metric_history(run_id, "m")) == 2500
    queue.shutdown()


def test_full_queue_makes_callers_wait(run_id, client):
    gate = Gate(client._store)
    queue = AsyncLoggingQueue(gate, capacity=10)
    done = threading.Event()

    def fill():
        for step in range(50):
            queue.submit(run_id, metrics=[Metric("m", 1.0, 1, step)])
        done.set()

    threading.Thread(target=fill).start()
    assert not done.wait(0.2)
    gate.open.set()
    assert done.wait(10)
    queue.flush()
    assert len(client.get_metric_history(run_id, "m")) == 50
    queue.shutdown()


def test_many_threads(run_id, client):
    queue = queue_for(client._store)

    def work(number):
        for step in range(200):
            queue.submit(run_id, metrics=[Metric(f"m{number}", 1.0, 1, step)])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.flush()
    assert all(len(client.get_metric_history(run_id, f"m{n}")) == 200 for n in range(8))


def test_queue_works_again_after_shutdown(run_id, client):
    queue = AsyncLoggingQueue(client._store)
    queue.shutdown()
    queue.submit(run_id, params=[Param("a", "1")])
    queue.shutdown()
    assert client.get_run(run_id).data.params == {"a": "1"}
    queue.submit(run_id, params=[Param("b", "1")]).wait()
    queue.shutdown()
    assert client.get_run(run_id).data.params == {"a": "1", "b": "1"}


def test_lingering_sends_more_at_once_and_ends_when_somebody_waits(run_id, client, monkeypatch):
    monkeypatch.setenv("MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS", "30")
    gate = Gate(client._store)
    gate.open.set()
    queue = AsyncLoggingQueue(gate)
    for step in range(5):
        queue.submit(run_id, metrics=[Metric("m", 1.0, 1, step)])
    queue.flush()
    assert [sizes[0] for sizes in gate.sizes] in ([5], [1, 4])
    queue.shutdown()


def test_store_has_one_queue(client):
    assert queue_for(client._store) is queue_for(mlflow.MlflowClient()._store)
    assert client._store in async_logging_queue._queues


def test_nothing_to_wait_for():
    RunOperations([]).wait()
    RunOperations(None).wait()
