"""`mlflow models serve`: real processes."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models.flavor_backend_registry import get_flavor_backend
from mlflow.pyfunc.scoring_server.client import ScoringServerClient, StdinScoringServerClient
from mlflow.pyfunc.scoring_server.watching import Pointer, Watch
from mlflow.tracking.client import MlflowClient
from tests.conftest import free_port

ONE = json.dumps({"inputs": [1]})


def test_serve_answers_and_stops(save_model, serve):
    server = serve("-m", save_model("return model_input + 1"))
    status, body, headers = server.ask(ONE)
    assert (status, json.loads(body)) == (200, {"predictions": [2]})
    assert headers["content-type"] == "application/json"
    client = ScoringServerClient("127.0.0.1", server.port)
    client.wait_server_ready(scoring_server_proc=server.process)
    assert client.get_version() == "3.17.2"
    assert client.invoke([1, 2]) == {"predictions": [2, 3]}
    assert client.invoke([1, 2]).get_predictions("ndarray").tolist() == [2, 3]
    with pytest.raises(MlflowException, match="error code 400"):
        client.invoke("{}")
    assert server.stop() == 0
    with pytest.raises(ConnectionError):
        client.ping()
    with pytest.raises(RuntimeError, match="already exit with returncode 0"):
        client.wait_server_ready(scoring_server_proc=server.process)
    with pytest.raises(RuntimeError, match="was not ready after 0.2 s"):
        client.wait_server_ready(timeout=0.2)


def test_requests_are_finished_before_the_end(save_model, serve, tmp_path):
    begun = tmp_path / "begun"
    code = f"open({str(begun)!r}, 'x').close(); time.sleep(1); return [1]"
    server = serve("-m", save_model(code))
    with ThreadPoolExecutor() as threads:
        asked = threads.submit(server.ask, ONE)
        deadline = time.monotonic() + 30
        while not begun.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert server.stop() == 0
        assert asked.result()[0] == 200


def test_several_processes(save_model, serve):
    server = serve("-m", save_model("time.sleep(0.1); return [os.getpid()]"), "--workers", "2")
    answers: list = []
    processes: set[int] = set()
    deadline = time.monotonic() + 60
    with ThreadPoolExecutor(16) as threads:
        # One of them may still be loading the model.
        while len(processes) < 2 and time.monotonic() < deadline:
            answers += threads.map(lambda _: server.ask(ONE), range(32))
            assert {status for status, _, _ in answers} == {200}
            processes = {json.loads(body)["predictions"][0] for _, body, _ in answers}
    assert len(processes) == 2
    counted = f'headrace_invocations_total{{status="200"}} {len(answers)}.0'
    with urllib.request.urlopen(f"{server.uri}/metrics") as answer:
        assert counted in answer.read().decode()
    server.stop()
    deadline = time.monotonic() + 60
    while any(_lives(p) for p in processes) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_lives(p) for p in processes)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_server_ends_with_whoever_started_it(save_model, serve):
    server = serve("-m", save_model("return [os.getpid()]"))
    pid = json.loads(server.ask(ONE)[1])["predictions"][0]
    assert pid != server.process.pid
    server.process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 60
    while _lives(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _lives(pid)


def test_model_that_cannot_be_loaded(save_model, serve):
    path = save_model("return [1]")
    with open(os.path.join(path, "model.py"), "a") as file:
        file.write("\n# changed after it was saved\nraise ValueError('no')\n")
    with pytest.raises(RuntimeError):
        serve("-m", path)


def test_backend_serves_in_the_background(save_model):
    port = free_port()
    path = save_model("return [1]")
    backend = get_flavor_backend(path, env_manager="local", workers=1)
    process = backend.serve(path, port, "127.0.0.1", 60, synchronous=False)
    try:
        client = ScoringServerClient("127.0.0.1", port)
        client.wait_server_ready(timeout=60, scoring_server_proc=process)
        assert client.invoke([5]) == {"predictions": [1]}
    finally:
        process.terminate()
    assert process.wait(60) in (0, -signal.SIGTERM)


def test_fetched_model_of_a_server_in_the_background_is_removed(registry, tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    registry()
    port = free_port()
    backend = get_flavor_backend("models:/m/1", env_manager="local")
    process = backend.serve("models:/m/1", port, "127.0.0.1", 60, synchronous=False)
    try:
        client = ScoringServerClient("127.0.0.1", port)
        client.wait_server_ready(timeout=60, scoring_server_proc=process)
        assert len(list((tmp_path / "temporary").iterdir())) == 1
        assert client.invoke([5]) == {"predictions": ["v1"]}
    finally:
        process.terminate()
        process.wait(60)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_standard_input(save_model):
    path = save_model("print('noise'); return model_input * 2")
    backend = get_flavor_backend(path, env_manager="local")
    process = backend.serve_stdin(path)
    try:
        client = StdinScoringServerClient(process)
        client.wait_server_ready(timeout=60)
        assert client.invoke([1, 2]) == {"predictions": [2, 4]}
        with pytest.raises(MlflowException, match="error code 400"):
            client.invoke("[]")
        assert client.invoke([3]) == {"predictions": [6]}
    finally:
        process.stdin.close()
    assert process.wait(60) == 0
    with pytest.raises(RuntimeError, match="already exit"):
        client.invoke([1])


# Watching the registry.


@pytest.mark.parametrize(
    ("uri", "pointer"),
    [
        ("models:/a/Production", Pointer("a", stage="Production")),
        ("models:/a/latest", Pointer("a")),
        ("models:/a b@champion", Pointer("a b", alias="champion")),
    ],
)
def test_what_can_point_elsewhere(uri, pointer):
    assert Pointer.of(uri) == pointer


@pytest.mark.parametrize("uri", ["models:/a/3", "models:/m-123", "runs:/x/model", "/some/folder"])
def test_what_always_means_the_same(uri):
    with pytest.raises(MlflowException, match="nothing to watch"):
        Pointer.of(uri)


@pytest.fixture
def registry(save_model, tmp_path):
    """A function that registers a version of the model `m`, which answers its number."""
    client = MlflowClient()
    client.create_registered_model("m")

    def add(lines=None) -> str:
        number = len(client.search_model_versions("name='m'")) + 1
        path = save_model(lines or f"return ['v{number}'] * len(model_input)", name=f"m{number}")
        return str(client.create_model_version("m", path).version)

    add.client = client
    return add


def test_pointer_finds_versions(registry):
    client = registry.client
    for _ in range(2):
        registry()
    client.set_registered_model_alias("m", "champion", "1")
    client.transition_model_version_stage("m", "2", "Production")
    assert Pointer("m", alias="champion").version() == "1"
    assert Pointer("m", stage="Production").version() == "2"
    assert Pointer("m").version() == "2"
    with pytest.raises(MlflowException):
        Pointer("m", stage="Staging").version()


def test_watch_goes_on_with_what_it_has(registry):
    switched = []

    class App:
        def switch(self, model, version):
            switched.append(version)

    client = registry.client
    registry()
    registry("return ['v2']")
    client.set_registered_model_alias("m", "champion", "1")
    loads = []

    def load(version):
        loads.append(version)
        if version == "2":
            raise RuntimeError("broken")
        return object()

    watch = Watch(Pointer("m", alias="champion"), "1", 60, load)
    assert not watch.look(App())
    client.set_registered_model_alias("m", "champion", "2")
    assert not watch.look(App())
    assert not watch.look(App())
    assert loads == ["2"]  # not again and again
    client.delete_registered_model_alias("m", "champion")
    assert not watch.look(App())
    client.set_registered_model_alias("m", "champion", registry())
    assert watch.look(App())
    assert switched == ["3"]


@pytest.mark.parametrize("arguments", [[], ["--workers", "2"], ["--batch-rows", "16"]])
def test_switch_under_load_loses_nothing(registry, serve, arguments):
    client = registry.client
    registry()
    registry()
    client.set_registered_model_alias("m", "champion", "1")
    server = serve("-m", "models:/m@champion", "--watch", "--watch-interval", "0.1", *arguments)
    stop, answers = threading.Event(), []

    def ask():
        while not stop.is_set():
            status, body, headers = server.ask(ONE)
            answers.append((status, body, headers.get("headrace-model-version")))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for version in ("1", "2", "1", "2"):
            client.set_registered_model_alias("m", "champion", version)
            before = len(answers)
            deadline = time.monotonic() + 60
            # Two processes switch one after the other: then all answers are of the new one.
            while len(answers) < before + 40 or {v for *_, v in answers[-40:]} != {version}:
                assert time.monotonic() < deadline, answers[-40:]
                time.sleep(0.02)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert {status for status, *_ in answers} == {200}
    for _, body, version in answers:
        assert json.loads(body) == {"predictions": [f"v{version}"]}
    assert server.stop() == 0


def test_registry_uri_of_a_served_model(registry, serve):
    registry()
    server = serve("-m", "models:/m/1")
    assert json.loads(server.ask(ONE)[1]) == {"predictions": ["v1"]}
    assert mlflow.get_tracking_uri().startswith("sqlite")
