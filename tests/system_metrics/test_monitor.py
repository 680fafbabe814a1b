import threading
import time

import pytest

from mlflow.entities.metric import Metric
from mlflow.exceptions import MlflowException
from mlflow.system_metrics import system_metrics_monitor as module
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor
from mlflow.tracking.client import MlflowClient

MACHINE = {
    "cpu_utilization_percentage",
    "disk_available_megabytes",
    "disk_usage_megabytes",
    "disk_usage_percentage",
    "network_receive_megabytes",
    "network_transmit_megabytes",
    "system_memory_usage_megabytes",
    "system_memory_usage_percentage",
}


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    return f"sqlite:///{tmp_path_factory.mktemp('system_metrics')}/store.db"


@pytest.fixture
def client(uri):
    return MlflowClient(uri)


@pytest.fixture
def run_id(client):
    return client.create_run("0").info.run_id


@pytest.fixture
def make(uri, run_id):
    """A function that makes monitors of the run; all are finished afterwards."""
    made = []

    def monitor(**arguments):
        one = SystemMetricsMonitor(
            run_id, **{"sampling_interval": 0.05, "tracking_uri": uri, **arguments}
        )
        made.append(one)
        return one

    yield monitor
    for one in made:
        one.finish()


def wait(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def threads():
    return [one for one in threading.enumerate() if one.name == "SystemMetricsMonitor"]


def logged(client, run_id):
    return client.get_run(run_id).data.metrics


def steps(client, run_id, key="system/cpu_utilization_percentage"):
    return sorted(metric.step for metric in client.get_metric_history(run_id, key))


def test_load_of_the_machine_is_logged_until_the_end(make, client, run_id):
    monitor = make(samples_before_logging=2)
    monitor.start()
    wait(lambda: len(steps(client, run_id)) >= 3)
    (thread,) = threads()
    assert thread.daemon
    began = time.monotonic()
    monitor.finish()
    assert time.monotonic() - began < 20
    assert threads() == []
    found = logged(client, run_id)
    assert {f"system/{name}" for name in MACHINE} <= set(found)
    assert 0 < found["system/system_memory_usage_percentage"] <= 100
    assert found["system/disk_available_megabytes"] > 0
    seen = steps(client, run_id)
    assert seen == list(range(len(seen)))


def test_finish_does_not_wait_for_the_interval(make):
    monitor = make(sampling_interval=3600)
    monitor.start()
    began = time.monotonic()
    monitor.finish()
    assert time.monotonic() - began < 20
    assert threads() == []


def test_node_id_stands_in_the_names(make, client, run_id):
    monitor = make(node_id="n1")
    monitor.collect_metrics()
    monitor.publish_metrics(monitor.aggregate_metrics())
    assert {f"system/n1/{name}" for name in MACHINE} <= set(logged(client, run_id))


def test_environment_wins_over_arguments(make, monkeypatch):
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.5")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING", "2")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_NODE_ID", "n2")
    monitor = make(samples_before_logging=9, node_id="n1")
    assert monitor.sampling_interval == 0.5
    assert monitor.samples_before_logging == 2
    assert monitor.node_id == "n2"


def test_resumed_run_goes_on_with_the_next_step(make, client, run_id):
    key = "system/cpu_utilization_percentage"
    client.log_batch(run_id, [Metric(key, 1.0, 1, step) for step in range(5)])
    monitor = make(resume_logging=True)
    monitor.publish_metrics({"cpu_utilization_percentage": 2.0})
    assert steps(client, run_id) == [0, 1, 2, 3, 4, 5]


def test_resumed_run_without_system_metrics_starts_at_zero(make, client, run_id):
    client.log_metric(run_id, "loss", 1.0, step=7)
    make(resume_logging=True).publish_metrics({"cpu_utilization_percentage": 2.0})
    assert steps(client, run_id) == [0]


def test_point_is_the_mean_but_totals_are_the_last_value(make):
    values = iter([1.0, 2.04, 4.0])
    monitor = make()
    monitor.monitors = [
        lambda: {"load": (value := next(values)), "network_receive_megabytes": value}
    ]
    for _ in range(3):
        monitor.collect_metrics()
    assert monitor.aggregate_metrics() == {"load": 2.3, "network_receive_megabytes": 4.0}


def test_broken_probe_is_told_once_and_silences_nothing(make, client, run_id, capsys):
    def broken():
        raise RuntimeError("no such sensor")

    monitor = make()
    monitor.monitors.insert(0, broken)
    monitor.start()
    wait(lambda: len(steps(client, run_id)) >= 3)
    monitor.finish()
    assert {f"system/{name}" for name in MACHINE} <= set(logged(client, run_id))
    assert capsys.readouterr().err.count("no such sensor") == 1


def test_points_of_an_outage_come_later(make, client, run_id, capsys):
    class Line:
        """The way to the server, which is cut for a while."""

        cut = True

        def log_batch(self, *arguments, **named):
            if self.cut:
                raise MlflowException("the server is away")
            client.log_batch(*arguments, **named)

    monitor = make()
    line = monitor.mlflow_logger = Line()
    for value in (1.0, 2.0, 3.0):
        monitor.publish_metrics({"load": value})
    assert capsys.readouterr().err.count("the server is away") == 1
    assert logged(client, run_id) == {}
    line.cut = False
    monitor.publish_metrics({"load": 4.0})
    history = client.get_metric_history(run_id, "system/load")
    assert [(metric.step, metric.value) for metric in history] == [
        (0, 1.0),
        (1, 2.0),
        (2, 3.0),
        (3, 4.0),
    ]


def test_server_that_does_not_answer_cannot_hold_the_end(make, monkeypatch):
    monkeypatch.setattr(module, "_FINISH_SECONDS", 0.1)
    monitor = make()
    asked, answered = threading.Event(), threading.Event()

    class Hanging:
        def log_batch(self, *arguments, **named):
            asked.set()
            answered.wait(30)

    monitor.mlflow_logger = Hanging()
    monitor.start()
    assert asked.wait(60)
    began = time.monotonic()
    monitor.finish()
    assert time.monotonic() - began < 20
    answered.set()
    wait(lambda: not threads())


def test_monitor_stops_when_someone_else_ends_the_run(make, client, run_id, monkeypatch):
    monkeypatch.setattr(module, "_STATUS_CHECK_SECONDS", 0)
    monitor = make()
    monitor.start()
    wait(lambda: steps(client, run_id))
    client.set_terminated(run_id)
    wait(lambda: not threads())
