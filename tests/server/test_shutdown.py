"""Servers that are asked to stop, or whose processes die."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
import time
import urllib.request

import psutil
import pytest

from mlflow.entities import Metric
from mlflow.store.tracking.resolve import tracking_store

LOG_METRIC = "/api/2.0/mlflow/runs/log-metric"


def request_to_log(port: int, run_id: str, key: str, step: int) -> tuple[bytes, bytes]:
    """Head and body of a request."""
    body = json.dumps(
        {"run_id": run_id, "key": key, "value": step, "timestamp": step, "step": step}
    ).encode()
    head = (
        f"POST {LOG_METRIC} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode(), body


def wait_until(condition, patience: float = 60) -> None:
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


def in_progress(server) -> float:
    """How many requests the server is answering."""
    with urllib.request.urlopen(f"{server.uri}/metrics") as response:
        lines = response.read().decode().splitlines()
    return next(float(x.split()[1]) for x in lines if x.startswith("headrace_requests_in_progress"))


class Client(threading.Thread):
    """Logs one metric after the other, until the server ends the connection."""

    def __init__(self, port: int, run_id: str, key: str):
        super().__init__()
        self.port, self.run_id, self.key = port, run_id, key
        self.acknowledged = 0
        self.left = b""
        """What came of the last answer."""

    def run(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            while True:
                head, body = request_to_log(self.port, self.run_id, self.key, self.acknowledged)
                try:
                    connection.sendall(head + body)
                    self.left = b""
                    while not self.left.endswith(b"\r\n\r\n{}"):
                        data = connection.recv(65536)
                        if not data:
                            return
                        self.left += data
                except OSError:
                    return
                assert self.left.startswith(b"HTTP/1.1 200 ")
                self.acknowledged += 1


def test_what_was_answered_is_stored_and_no_answer_is_half(make_server):
    server = make_server()
    run_id = tracking_store(server.uri).create_run("0", "u", 0, [], "r").info.run_id
    clients = [Client(server.port, run_id, f"m{i}") for i in range(8)]
    for client in clients:
        client.start()
    wait_until(lambda: all(client.acknowledged > 20 for client in clients))
    assert server.stop() in (0, -signal.SIGTERM)
    for client in clients:
        client.join(10)
        assert not client.is_alive()
        assert client.left == b"" or client.left.endswith(b"\r\n\r\n{}")
    server.start()
    for client in clients:
        history = tracking_store(server.uri).get_metric_history(run_id, client.key)
        # one more may have been stored whose answer did not reach the client
        assert [m.value for m in history][: client.acknowledged] == list(range(client.acknowledged))
        assert len(history) <= client.acknowledged + 1


def test_request_under_way_is_finished(make_server):
    server = make_server()
    store = tracking_store(server.uri)
    run_id = store.create_run("0", "u", 0, [], "r").info.run_id
    head, body = request_to_log(server.port, run_id, "m", 1)
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head + body[:10])
        wait_until(lambda: in_progress(server) == 2)  # with the one that asks
        server.process.terminate()
        wait_until(lambda: refuses(server.port))
        assert server.process.poll() is None
        connection.sendall(body[10:])
        answer = b""
        while data := connection.recv(65536):
            answer += data
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"{}")
    assert server.process.wait(60) in (0, -signal.SIGTERM)
    server.start()
    assert [m.value for m in store.get_metric_history(run_id, "m")] == [1]


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass
    return False


def test_request_that_never_ends_does_not_keep_the_server(make_server):
    server = make_server("--uvicorn-opts", "--timeout-graceful-shutdown 1")
    head, body = request_to_log(server.port, "0" * 32, "m", 1)
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head + body[:10])
        wait_until(lambda: in_progress(server) == 2)
        server.process.terminate()
        server.process.wait(60)


# -- several processes


def workers_of(server) -> list[psutil.Process]:
    """The processes that answer, without the helper of `multiprocessing`."""
    workers = []
    for child in psutil.Process(server.process.pid).children():
        with contextlib.suppress(psutil.Error):  # it has just ended
            if "resource_tracker" not in " ".join(child.cmdline()):
                workers.append(child)
    return workers


@pytest.fixture
def with_two(make_server, postgresql_uri):
    return make_server("--backend-store-uri", postgresql_uri, "--workers", "2")


def test_process_that_dies_is_replaced(with_two):
    store = tracking_store(with_two.uri)
    run_id = store.create_run("0", "u", 0, [], "r").info.run_id
    wait_until(lambda: len(workers_of(with_two)) == 2)
    killed, other = workers_of(with_two)
    killed.kill()
    for step in range(50):
        store.log_metric(run_id, Metric("m", step, step, step))
    wait_until(lambda: len({p.pid for p in workers_of(with_two)} - {killed.pid}) == 2)
    assert other.pid in [p.pid for p in workers_of(with_two)]
    assert [m.value for m in store.get_metric_history(run_id, "m")] == list(range(50))
    assert with_two.stop() in (0, -signal.SIGTERM)
    assert not psutil.pid_exists(other.pid)


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a process is not told")
def test_processes_end_with_the_one_that_started_them(with_two):
    """Or they would hold the port, and the next server could not start."""
    wait_until(lambda: len(workers_of(with_two)) == 2)
    workers = workers_of(with_two)
    with_two.kill()
    assert not psutil.wait_procs(workers, timeout=60)[1]
    with_two.start()
    assert tracking_store(with_two.uri).get_experiment("0").name == "Default"
