"""`kill -9` of whoever logs in the background, of the server, and of both: every call that returned
is stored in the end, and none is stored twice."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

import mlflow
from mlflow.store.tracking.resolve import tracking_store
from mlflow.utils.async_logging import folder
from mlflow.utils.async_logging.orphan import ship_journals

ROOT = Path(__file__).parents[2]
#: By hand, for long: HEADRACE_CRASHES=1000 pytest tests/tracking/test_journal_crash.py
CRASHES = int(os.environ.get("HEADRACE_CRASHES", "3"))


@pytest.fixture(autouse=True)
def journals(tmp_path, monkeypatch) -> Path:
    place = tmp_path / "journals"
    monkeypatch.setenv("HEADRACE_JOURNAL_DIR", str(place))
    return place


class Writers:
    """Starts writers, one after the other, and knows what they were told is logged."""

    def __init__(self, uri: str, run_ids: list[str]):
        self.uri = uri
        self.run_ids = run_ids
        self.started = 0
        self.returned: dict[int, int] = {}  # first number of a thread to the last that returned

    def start(self, count: int | None = None) -> subprocess.Popen:
        self.started += 1
        first = str(self.started * 100_000_000)
        more = [] if count is None else [str(count)]
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.tracking.background_writer",
                self.uri,
                ",".join(self.run_ids),
                first,
                *more,
            ],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def note(self, *lines: str) -> None:
        for line in lines:
            if line.endswith("\n"):
                first, last = map(int, line.split())
                self.returned[first] = max(last, self.returned.get(first, 0))

    def kill(self, writer: subprocess.Popen) -> None:
        writer.kill()
        self.note(*writer.communicate()[0].splitlines(keepends=True))

    def check(self, store) -> int:
        """Everything that returned is there, and nothing twice; how many points there are."""
        numbers = Counter()
        for run_id in self.run_ids:
            numbers.update(point_rows(store, run_id))
        assert [n for n, times in numbers.items() if times > 1] == []
        tags = {k: v for r in self.run_ids for k, v in store.get_run(r).data.tags.items()}
        for first, last in self.returned.items():
            assert all(n in numbers for n in range(first, last + 1)), (first, last)
            # One more call than the last that said so may have returned
            assert int(tags[f"last{first}"]) >= last
        return len(numbers)


def point_rows(store, run_id: str) -> list[int]:
    """The step of each point that the database has for a run, also of those that are equal."""
    with store.db.read() as tx:
        (run,) = tx.execute("select id from run where uuid = ?", (run_id,)).fetchone()
        steps = [s for (s,) in tx.execute("select step from tail where run_id = ?", (run,))]
        from mlflow.store.db.points import decode

        for (content,) in tx.execute("select content from chunk where run_id = ?", (run,)):
            steps.extend(decode(bytes(content)).steps)
        (points,) = tx.execute(
            "select coalesce(sum(points), 0) from series where run_id = ?", (run,)
        ).fetchone()
    assert points == len(steps)
    return steps


def some_runs(store) -> list[str]:
    return [store.create_run("0", "u", 0, [], None).info.run_id for _ in range(2)]


def at_some_moment(rng: random.Random, writer: subprocess.Popen, writers: Writers) -> None:
    """Wait until it logs, and a bit longer."""
    writers.note(writer.stdout.readline())
    time.sleep(rng.uniform(0, 0.4))


def test_killed_client(make_server, journals):
    server = make_server()
    database = tracking_store(f"sqlite:///{server.folder}/mlflow.db")
    writers = Writers(server.uri, some_runs(tracking_store(server.uri)))
    rng = random.Random(3)
    for crash in range(CRASHES):
        writer = writers.start()
        at_some_moment(rng, writer, writers)
        writers.kill(writer)
        if crash % 2:  # else the next writer sends what is left
            (found,) = ship_journals(tracking_store)
            assert (found.trouble, found.refused, found.damaged) == (None, 0, [])
    ship_journals(tracking_store)
    assert writers.check(database) > CRASHES
    assert list(journals.iterdir()) == []


def test_killed_client_of_a_database(tmp_path, journals):
    uri = f"sqlite:///{tmp_path}/store.db"
    store = tracking_store(uri, str(tmp_path))
    writers = Writers(uri, some_runs(store))
    rng = random.Random(4)
    for _ in range(CRASHES):
        writer = writers.start()
        at_some_moment(rng, writer, writers)
        writers.kill(writer)
    ship_journals(tracking_store)
    assert writers.check(store) > CRASHES
    assert list(journals.iterdir()) == []


def test_killed_server(make_server, journals):
    server = make_server()
    database = tracking_store(f"sqlite:///{server.folder}/mlflow.db")
    writers = Writers(server.uri, some_runs(tracking_store(server.uri)))
    rng = random.Random(5)
    writer = writers.start()
    for _ in range(CRASHES):
        at_some_moment(rng, writer, writers)
        server.kill()
        time.sleep(rng.uniform(0, 0.3))
        server.start()
    writers.kill(writer)
    ship_journals(tracking_store)
    assert writers.check(database) > CRASHES
    assert list(journals.iterdir()) == []


def test_killed_client_and_server(make_server, journals):
    server = make_server()
    database = tracking_store(f"sqlite:///{server.folder}/mlflow.db")
    writers = Writers(server.uri, some_runs(tracking_store(server.uri)))
    rng = random.Random(6)
    for _ in range(CRASHES):
        writer = writers.start()
        at_some_moment(rng, writer, writers)
        if rng.random() < 0.5:
            server.kill()
            time.sleep(rng.uniform(0, 0.2))
            writers.kill(writer)
        else:
            writers.kill(writer)
            sender = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "sync"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            time.sleep(rng.uniform(0, 0.6))
            server.kill()
            sender.kill()
            sender.wait()
        server.start()
    ship_journals(tracking_store)
    assert writers.check(database) > CRASHES
    assert list(journals.iterdir()) == []


def test_server_that_is_away_during_the_whole_training(make_server, script, journals, tmp_path):
    server = make_server()
    store = tracking_store(server.uri)
    run_id = some_runs(store)[0]
    assert server.stop() is not None
    done = script(
        f"""
import mlflow

client = mlflow.MlflowClient()
for step in range(5000):
    client.log_metric("{run_id}", "m", float(step), step=step, synchronous=False)
client.log_param("{run_id}", "p", 1, synchronous=False)
operation = client.set_tag("{run_id}", "t", 1, synchronous=False)
mlflow.flush_async_logging()
try:
    operation.wait()
except mlflow.exceptions.MlflowException as error:
    assert "not yet stored" in error.message
else:
    raise AssertionError
""",
        MLFLOW_TRACKING_URI=server.uri,
        HEADRACE_FLUSH_SECONDS="1",
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if "mlflow" in line]
    (left,) = [line for line in lines if "not yet stored" in line]
    assert "5,002 log calls not yet stored" in left
    assert "`mlflow sync`" in left
    server.start()
    (found,) = ship_journals(tracking_store)
    assert found.calls == 5002
    assert len(store.get_metric_history(run_id, "m")) == 5000
    assert list(journals.iterdir()) == []


def test_run_whose_server_goes_away_ends_later(make_server, script, journals):
    server = make_server()
    stop, stopped = server.folder / "stop", server.folder / "stopped"
    program = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"""
import os, time
import mlflow

with mlflow.start_run() as run:
    mlflow.log_metric("m", 1.0, synchronous=False)
    mlflow.flush_async_logging()
    open({str(stop)!r}, "w").close()
    while not os.path.exists({str(stopped)!r}):
        time.sleep(0.01)
    mlflow.log_metric("m", 2.0, step=1, synchronous=False)
print(run.info.run_id)
""",
        ],
        env={**os.environ, "MLFLOW_TRACKING_URI": server.uri, "HEADRACE_FLUSH_SECONDS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    while not stop.exists():
        assert program.poll() is None
        time.sleep(0.01)
    server.kill()
    stopped.touch()
    printed, _ = program.communicate(timeout=60)
    assert program.returncode == 0
    server.start()
    store = tracking_store(server.uri)
    run_id = printed.split()[-1]
    assert store.get_run(run_id).info.status == "RUNNING"
    assert [d.calls for d in ship_journals(tracking_store)] == [2]
    run = store.get_run(run_id)
    assert (run.info.status, run.data.metrics) == ("FINISHED", {"m": 2.0})
    assert not list(folder.orphans(folder.of_destination(server.uri)))
    assert mlflow.get_tracking_uri() != server.uri
