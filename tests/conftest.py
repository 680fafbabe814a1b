"""Fixtures that several folders share: real stores and real servers."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests import databases

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

# A shell that runs the tests in the background has them, and what they start, ignore it.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What a developer has in the shell must not reach the tests.
for _name in [n for n in os.environ if n.startswith("MLFLOW_")]:
    del os.environ[_name]
# Nor must what tests log in the background reach the developer's journals.
os.environ["HEADRACE_JOURNAL_DIR"] = tempfile.mkdtemp(prefix="headrace-journals-")
atexit.register(shutil.rmtree, os.environ["HEADRACE_JOURNAL_DIR"], ignore_errors=True)


#: What the SDK's setters leave in the environment for processes that are started.
_LEFT_BEHIND = (
    "MLFLOW_TRACKING_URI",
    "MLFLOW_REGISTRY_URI",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_RUN_ID",
    "HEADRACE_REPRODUCIBLE",
)


#: Names a file of tests that have passed: those are left out, or the file is written where there is
#: none. So `.ci/run`, when everything is installed, runs what a plain machine had skipped.
_PASSED = os.environ.get("HEADRACE_PASSED", "")
_passed: list[str] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not os.path.exists(_PASSED):
        return
    before = set(Path(_PASSED).read_text().splitlines())
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in before])
    items[:] = [item for item in items if item.nodeid not in before]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and report.passed:
        _passed.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    is_worker = hasattr(session.config, "workerinput")
    if _PASSED and not is_worker and not os.path.exists(_PASSED):
        Path(_PASSED).write_text("\n".join(_passed))


@pytest.fixture(scope="module", autouse=True)
def _settings_of_one_module() -> Iterator[None]:
    """What a module's tests set for the process does not reach those of the next one."""
    yield
    if "mlflow.tracking.fluent" in sys.modules:
        import mlflow
        from mlflow.tracking import fluent

        fluent._active_run_stack.clear()
        fluent._active_experiment_id = None
        mlflow.set_tracking_uri("")
        mlflow.set_registry_uri("")
        mlflow.clear_active_model()
    for name in _LEFT_BEHIND:
        os.environ.pop(name, None)


def free_port() -> int:
    """A port of the loopback address that nothing listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A server process of ours; `uri` is where it is.

    Args:
        authority: File with the certificate authority to trust, if it speaks TLS.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        log: str = "server.log",
        authority: str | None = None,
    ):
        self.folder = folder
        self.port = free_port()
        self.uri = f"{'https' if authority else 'http'}://127.0.0.1:{self.port}"
        self._tls = ssl.create_default_context(cafile=authority) if authority else None
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
                with urllib.request.urlopen(f"{self.uri}/health", timeout=1, context=self._tls):
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
            return self.process.wait(60)
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

    def make(*arguments: str, **options: str) -> Server:
        folder = tmp_path / f"server{len(servers)}"
        folder.mkdir()
        server = Server(folder, *arguments, **options)
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
def postgresql_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an empty database in a real PostgreSQL."""
    with databases.new_database("postgresql", tmp_path_factory.getbasetemp()) as uri:
        yield uri


@pytest.fixture(scope="session")
def mysql_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an empty database in a real MariaDB or MySQL."""
    with databases.new_database("mysql", tmp_path_factory.getbasetemp()) as uri:
        yield uri


STORES = ("sqlite", "postgresql", "mysql", "file", "rest")


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
    if request.param == "file":
        uri = (folder / "mlruns").as_uri()
    if request.param in ("postgresql", "mysql"):
        uri = request.getfixturevalue(f"{request.param}_uri")
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


#: The interpreter of an environment with the reference, for tests that run by command only.
REFERENCE = os.environ.get("HEADRACE_REFERENCE")
needs_reference = pytest.mark.skipif(
    not REFERENCE, reason="by command only: HEADRACE_REFERENCE names no interpreter"
)


@contextlib.contextmanager
def reference_server_in(folder: Path, *arguments: str) -> Iterator[str]:
    """A server of the reference with a new store in a folder; its URI."""
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    command = [str(Path(REFERENCE).parent / "mlflow"), "server", "--port", str(port), *arguments]
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    env["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    folder.mkdir(exist_ok=True)
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(
            [*command, "--workers", "1"], cwd=folder, env=env, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"{uri}/health", timeout=1).close()
                break
            except OSError:
                if time.monotonic() > deadline or server.poll() is not None:
                    raise
                time.sleep(0.5)
        yield uri
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture
def make_reference_server(tmp_path: Path) -> Iterator:
    """A function that starts servers of the reference, each in a folder of its own, and gives the
    URI."""
    with contextlib.ExitStack() as stack:
        numbers = itertools.count()

        def make(*arguments: str) -> str:
            folder = tmp_path / f"reference{next(numbers)}"
            return stack.enter_context(reference_server_in(folder, *arguments))

        yield make


@pytest.fixture
def reference_server(make_reference_server) -> str:
    """The URI of a server of the reference with a new store."""
    return make_reference_server()
