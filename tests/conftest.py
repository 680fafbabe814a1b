"""Fixtures that several folders share: real stores and real servers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests import databases
from tests.optional import missing

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

# What a developer has in the shell must not reach the tests.
for _name in [n for n in os.environ if n.startswith("MLFLOW_")]:
    del os.environ[_name]


def free_port() -> int:
    """A port of the loopback address that nothing listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A server process of ours; `uri` is where it is."""

    def __init__(self, folder: Path, *arguments: str, log: str = "server.log"):
        self.folder = folder
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.log = folder / log
        self.arguments = arguments
        self.process: subprocess.Popen | None = None

    def start(self, patience: float = 30) -> Server:
        """Start it and wait until it answers."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "mlflow",
                    "server",
                    "--port",
                    str(self.port),
                    *self.arguments,
                ],
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=1):
                    return self
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"no server at {self.uri}:\n{self.log.read_text()}")

    def stop(self) -> int | None:
        """Stop it as a service manager would; its exit status."""
        if self.process is None:
            return None
        self.process.terminate()
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """Stop it as a power cut would."""
        self.process.kill()
        return self.process.wait()


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator:
    """A function that starts servers, each in a folder of its own; all are stopped afterwards."""
    servers: list[Server] = []

    def make(*arguments: str) -> Server:
        folder = tmp_path / f"server{len(servers)}"
        folder.mkdir()
        server = Server(folder, *arguments)
        servers.append(server)
        return server.start()

    yield make
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server on SQLite for tests that leave each other alone."""
    server = Server(tmp_path_factory.mktemp("server")).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgresql_uri() -> Iterator[str]:
    """The URL of an empty database in a real PostgreSQL."""
    try:
        uri = databases.create_postgresql()
    except databases.Unavailable as e:
        missing("PostgreSQL", str(e))
    yield uri
    databases.drop_postgresql(uri)


STORES = ("sqlite", "postgresql", "rest")


@pytest.fixture(scope="session", params=STORES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """Every tracking store, one after the other. Tests share it: each works in an experiment of its
    own."""
    from mlflow.store.tracking.resolve import tracking_store

    if request.param == "rest":
        yield tracking_store(request.getfixturevalue("shared_server").uri)
        return
    folder = tmp_path_factory.mktemp(request.param)
    uri = f"sqlite:///{folder}/store.db"
    if request.param == "postgresql":
        uri = request.getfixturevalue("postgresql_uri")
    store = tracking_store(uri, str(folder / "artifacts"))
    yield store
    store.dispose()


@pytest.fixture
def experiment(store) -> str:
    """The id of a new experiment in `store`."""
    return store.create_experiment(f"e-{uuid.uuid4().hex}", None, [])


@pytest.fixture
def run_id(store, experiment: str) -> str:
    """The id of a new run in `store`."""
    return store.create_run(experiment, "ann", 1_700_000_000_000, [], "first").info.run_id
