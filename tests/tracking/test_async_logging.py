"""Logging in the background: what the caller sees."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path

import pytest

import mlflow
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException
from mlflow.utils.async_logging import async_logging_queue, journal
from mlflow.utils.async_logging.async_logging_queue import AsyncLoggingQueue, queue_for
from mlflow.utils.async_logging.run_operations import RunOperations, get_combined_run_operations


@pytest.fixture
def run_id():
    with mlflow.start_run() as run:
        yield run.info.run_id


@pytest.fixture
def log(caplog, monkeypatch):
    """What the library says."""
    monkeypatch.setattr(logging.getLogger("mlflow"), "propagate", True)
    return caplog


class Gate:
    """A store that lets nothing pass until it is opened, and notes the sizes of batches."""

    def __init__(self, store, uri=None):
        self._uri = uri
        self.store = store
        self.open = threading.Event()
        self.sizes = []

    def log_batch_once(self, run_id, metrics, params, tags, **place):
        if not self.open.wait(60):
            raise AssertionError("nobody opened the gate")
        self.sizes.append((len(metrics), len(params), len(tags)))
        return self.store.log_batch_once(run_id, metrics, params, tags, **place)

    def __getattr__(self, name):
        return getattr(self.store, name)


class Away(Gate):
    """A store that cannot be reached until it is back."""

    def log_batch_once(self, *args, **place):
        if not self.open.is_set():
            raise ConnectionError("nobody answers")
        return self.store.log_batch_once(*args, **place)

    def update_run_info(self, *args):
        if not self.open.is_set():
            raise ConnectionError("nobody answers")
        return self.store.update_run_info(*args)


def test_calls_return_what_to_wait_for(run_id):
    operations = [
        mlflow.log_metric("m", 1, synchronous=False),
        mlflow.log_metric("m", 2.0, synchronous=False),
        mlflow.log_metrics({"n": 1}, synchronous=False),
        mlflow.log_param("p", 1, synchronous=False),
        mlflow.log_params({"q": 1}, synchronous=False),
        mlflow.set_tag("t", 1, synchronous=False),
        mlflow.set_tags({"u": 1}, synchronous=False),
    ]
    assert all(isinstance(o, RunOperations) for o in operations)
    get_combined_run_operations(operations).wait()
    data = mlflow.get_run(run_id).data
    assert (data.metrics, data.params) == ({"m": 2.0, "n": 1.0}, {"p": "1", "q": "1"})
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
    ended = mlflow.get_run(run.info.run_id).info
    assert ended.status == "FINISHED"
    assert ended.end_time >= ended.start_time


def test_everything_is_kept_as_it_was_given(run_id, client):
    points = [
        Metric("m", float("nan"), 5, -7),
        Metric("m", 0.1 + 0.2, 2**62, 2**63 - 1),
        Metric("größe 大", -0.0, 1, -(2**63)),
    ]
    client.log_batch(run_id, metrics=points, synchronous=False)
    for p in points:
        client.log_metric(run_id, "one by one", p.value, p.timestamp, p.step, synchronous=False)
    client.set_tag(run_id, "ключ", "a\nb\0c" * 1000, synchronous=False)
    model_id = client.create_logged_model("0").model_id
    client.log_batch(
        run_id,
        metrics=[Metric("of a model", 1.5, 2, 3, model_id, "d", "1")],
        params=[Param("p", "'\"\\")],
        synchronous=False,
    )
    mlflow.flush_async_logging()
    with_nan, other = sorted(client.get_metric_history(run_id, "m"), key=lambda m: m.step)
    assert with_nan.value != with_nan.value
    assert (with_nan.timestamp, with_nan.step) == (5, -7)
    assert (other.value, other.timestamp, other.step) == (0.1 + 0.2, 2**62, 2**63 - 1)
    assert len(client.get_metric_history(run_id, "one by one")) == 3
    run = client.get_run(run_id)
    assert run.data.metrics["größe 大"] == 0.0
    assert run.data.metrics["of a model"] == 1.5
    assert run.data.params == {"p": "'\"\\"}
    assert run.data.tags["ключ"] == "a\nb\0c" * 1000


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


def test_refused_call_is_logged_and_set_aside(run_id, log, tmp_path, monkeypatch):
    monkeypatch.setenv("HEADRACE_JOURNAL_DIR", str(tmp_path / "journals"))
    mlflow.log_param("p", 1)
    mlflow.log_params({"p": 2, "q": 3}, synchronous=False)
    mlflow.log_metric("a name/..", 1.5, step=4, timestamp=5, synchronous=False)
    mlflow.log_metric("good", 1.0, synchronous=False)
    mlflow.flush_async_logging()
    assert f"Run Id {run_id}: Failed to log run data: Changing param values" in log.text
    (path,) = (tmp_path / "journals").rglob("rejected-*.jsonl")
    assert str(path) in log.text
    assert path.stat().st_mode & 0o077 == 0
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    params, metric = sorted(lines, key=lambda line: line["sequence"])
    assert params["params"] == {"p": "2", "q": "3"}
    assert "Changing param values" in params["reason"]
    point = {"key": "a name/..", "value": 1.5, "timestamp": 5, "step": 4}
    assert metric["metrics"] == [point]
    assert params["run_id"] == metric["run_id"] == run_id
    data = mlflow.get_run(run_id).data
    assert (data.metrics, data.params) == ({"good": 1.0}, {"p": "1"})


@pytest.mark.parametrize(
    "arguments",
    [
        {"metrics": [Metric("m", "high", 1, 1)]},
        {"metrics": [Metric("m", 1.0, 1, 2**63)]},
        {"metrics": [Metric(None, 1.0, 1, 1)]},
        {"metrics": [Metric("m", object(), 1, 1)]},
        {"metrics": [Metric(["m"], 1.0, 1, 1), Metric("n", 1.0, 1, 1)]},
        {"params": [Param("p", object())]},
        {"params": [Param(3, "4")]},
    ],
)
def test_what_no_store_takes_is_refused_and_not_raised(run_id, client, arguments):
    queue = queue_for(client._store)
    bad = queue.submit(run_id, **arguments)
    good = queue.submit(run_id, params=[Param("good", "1")])
    good.wait()
    with pytest.raises(MlflowException, match="The following failures occurred"):
        bad.wait()
    assert client.get_run(run_id).data.params == {"good": "1"}
    assert client.get_run(run_id).data.metrics == {}


def test_run_id_that_is_none_is_refused_and_not_raised(client):
    with pytest.raises(MlflowException, match="The following failures occurred"):
        queue_for(client._store).submit(None, params=[Param("p", "1")]).wait()


def test_refused_for_its_run_is_not_tried_call_by_call(client, run_id):
    client.delete_run(run_id)
    gate = Gate(client._store)
    gate.open.set()
    queue = AsyncLoggingQueue(gate)
    calls = [queue.submit(run_id, metrics=[Metric("m", 1.0, 1, s)]) for s in range(500)]
    queue.flush()
    assert len(gate.sizes) <= 3
    with pytest.raises(MlflowException, match="must be in the 'active' state"):
        calls[250].wait()
    client.restore_run(run_id)


def test_end_of_a_deleted_run_is_refused_as_without_a_journal(client):
    with pytest.raises(MlflowException, match="must be in the 'active' state"):  # noqa: SIM117
        with mlflow.start_run() as run:
            mlflow.log_metric("m", 1.0, synchronous=False).wait()
            client.delete_run(run.info.run_id)


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


def test_runs_that_take_turns_are_sent_in_few_batches(client):
    runs = [client.create_run("0").info.run_id for _ in range(4)]
    gate = Gate(client._store)
    queue = AsyncLoggingQueue(gate)
    for step in range(2000):
        queue.submit(runs[step % 4], metrics=[Metric("m", 1.0, 1, step)])
    gate.open.set()
    queue.flush()
    assert len(gate.sizes) <= 8
    assert [len(client.get_metric_history(r, "m")) for r in runs] == [500] * 4
    queue.shutdown()


def test_full_memory_makes_callers_wait_for_a_store_that_is_slow(run_id, client, monkeypatch):
    monkeypatch.setattr(journal, "_SMALLEST", 1000)
    monkeypatch.setattr(journal, "_LARGEST", 1000)
    monkeypatch.setattr(journal, "_MOST_IN_MEMORY", 2000)
    monkeypatch.setattr(journal, "_RETRY_SECONDS", 0.01)
    gate = Gate(client._store)
    queue = AsyncLoggingQueue(gate)
    done = threading.Event()

    def fill():
        for step in range(300):
            queue.submit(run_id, metrics=[Metric("m", 1.0, 1, step)])
        done.set()

    threading.Thread(target=fill).start()
    assert not done.wait(0.2)
    gate.open.set()
    assert done.wait(30)
    queue.flush()
    assert len(client.get_metric_history(run_id, "m")) == 300
    queue.shutdown()


def test_full_memory_drops_calls_while_the_store_is_away(run_id, client, monkeypatch, log):
    monkeypatch.setattr(journal, "_SMALLEST", 1000)
    monkeypatch.setattr(journal, "_LARGEST", 1000)
    monkeypatch.setattr(journal, "_MOST_IN_MEMORY", 2000)
    monkeypatch.setenv("HEADRACE_FLUSH_SECONDS", "0.2")
    store = Away(client._store)
    queue = AsyncLoggingQueue(store)
    queue.submit(run_id, metrics=[Metric("m", 1.0, 1, -1)])
    assert not queue.flush()
    calls = []

    def train():
        for step in range(2000):
            calls.append(queue.submit(run_id, metrics=[Metric("m", 1.0, 1, step)]))

    training = threading.Thread(target=train, daemon=True)
    training.start()
    training.join(60)
    assert len(calls) == 2000  # it goes on
    assert not queue.flush()
    assert "are lost with this process" in log.text
    assert log.text.count("It is dropped until") == 1
    dropped = queue._dropped
    with pytest.raises(MlflowException, match="was dropped"):
        calls[-1].wait()
    store.open.set()
    assert queue.flush()
    kept = len(client.get_metric_history(run_id, "m"))
    assert 0 < kept == 2001 - dropped
    assert f"{dropped:,} log calls were dropped meanwhile" in log.text
    queue.submit(run_id, metrics=[Metric("m", 1.0, 1, 1000)]).wait()
    queue.shutdown()


def test_outage_is_survived_in_silence_but_for_one_line_each(run_id, client, monkeypatch, log, uri):
    monkeypatch.setenv("HEADRACE_FLUSH_SECONDS", "0.3")
    store = Away(client._store, uri)
    queue = AsyncLoggingQueue(store)
    operation = queue.submit(run_id, metrics=[Metric("m", 1.0, 1, 0)])
    with pytest.raises(
        MlflowException, match=r"1 log call not yet stored at sqlite.*nobody answers"
    ):
        operation.wait()
    assert not queue.flush()
    for step in range(1, 100):
        queue.submit(run_id, metrics=[Metric("m", 1.0, 1, step)])
    assert not queue.flush()
    assert log.text.count("takes nothing now") == 1
    assert "100 log calls not yet stored" in log.text
    assert "`mlflow sync`" in log.text
    store.open.set()
    operation.wait()
    assert queue.flush()
    assert "takes again what is logged" in log.text
    assert len(client.get_metric_history(run_id, "m")) == 100
    queue.shutdown()


def test_run_ends_without_error_while_the_store_is_away(client, monkeypatch, uri):
    monkeypatch.setenv("HEADRACE_FLUSH_SECONDS", "0.3")
    store = Away(client._store, uri)
    monkeypatch.setattr(client, "_store", store)
    queue = AsyncLoggingQueue(store)
    monkeypatch.setitem(async_logging_queue._queues, store, queue)
    with mlflow.start_run() as run:
        run._client = client
        queue.submit(run.info.run_id, metrics=[Metric("m", 1.0, 1, 0)])
    assert mlflow.get_run(run.info.run_id).info.status == "RUNNING"
    store.open.set()
    assert queue.flush()
    assert mlflow.get_run(run.info.run_id).info.status == "FINISHED"
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


def test_queue_works_again_after_shutdown(run_id, client, uri, monkeypatch, tmp_path):
    monkeypatch.setenv("HEADRACE_JOURNAL_DIR", str(tmp_path / "journals"))
    store = Gate(client._store, uri)
    store.open.set()
    queue = AsyncLoggingQueue(store)
    queue.shutdown()
    queue.submit(run_id, params=[Param("a", "1")])
    queue.shutdown()
    assert client.get_run(run_id).data.params == {"a": "1"}
    assert list(Path(tmp_path / "journals").iterdir()) == []
    queue.submit(run_id, params=[Param("b", "1")]).wait()
    assert len(list(Path(tmp_path / "journals").rglob("*.v1"))) == 1
    queue.shutdown()
    assert client.get_run(run_id).data.params == {"a": "1", "b": "1"}
    assert list(Path(tmp_path / "journals").iterdir()) == []


def test_lingering_sends_more_at_once_and_ends_when_somebody_waits(run_id, client, monkeypatch):
    monkeypatch.setenv("MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS", "3600")
    gate = Gate(client._store)
    gate.open.set()
    queue = AsyncLoggingQueue(gate)
    for step in range(5):
        queue.submit(run_id, metrics=[Metric("m", 1.0, 1, step)])
    queue.flush()
    assert [sizes[0] for sizes in gate.sizes] == [5]
    queue.shutdown()


def test_store_has_one_queue(client):
    assert queue_for(client._store) is queue_for(mlflow.MlflowClient()._store)
    assert client._store in async_logging_queue._queues


def test_store_with_methods_of_its_own_keeps_them(run_id, client, monkeypatch):
    kind = type(client._store)
    seen = []

    class Own(kind):
        def log_metric_async(self, run_id, metric):
            seen.append(metric.key)
            return super().log_metric_async(run_id, metric)

    store = Own(client._store.db_uri)
    monkeypatch.setattr(client, "_store", store)
    for _ in range(2):
        client.log_metric(run_id, "m", 1.0, synchronous=False).wait()
    assert seen == ["m", "m"]
    store.shut_down_async_logging()


def test_setting_that_is_no_number_does_not_stop_training(run_id, monkeypatch, log):
    monkeypatch.setenv("MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS", "soon")
    monkeypatch.setenv("HEADRACE_FLUSH_SECONDS", "never")
    mlflow.log_metric("m", 1.0, synchronous=False).wait()
    assert mlflow.get_run(run_id).data.metrics == {"m": 1.0}
    assert "'never' for HEADRACE_FLUSH_SECONDS" in log.text


def test_nothing_to_wait_for():
    RunOperations([]).wait()
    RunOperations(None).wait()
