"""`kill -9` of whoever writes: the store opens again and holds everything that was acknowledged."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from mlflow.store.db.check import check, check_files
from mlflow.store.db.database import Database
from mlflow.store.tracking.resolve import tracking_store
from mlflow.tracking.client import MlflowClient

ROOT = Path(__file__).parents[2]
#: By hand, for long: HEADRACE_CRASHES=1000 pytest tests/store/test_crash.py
CRASHES = int(os.environ.get("HEADRACE_CRASHES", "6"))


def test_killed_client_loses_nothing_acknowledged(tmp_path):
    uri = f"sqlite:///{tmp_path}/store.db"
    store = tracking_store(uri, str(tmp_path))
    run_id = store.create_run("0", "u", 0, [], None).info.run_id
    rng = random.Random(7)
    acknowledged: set[int] = set()
    for crash in range(CRASHES):
        writer = subprocess.Popen(
            [sys.executable, "-m", "tests.store.writer", uri, run_id, str(crash), "100000"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
            stdout=subprocess.PIPE,
            text=True,
        )
        acknowledged.add(int(writer.stdout.readline()))
        time.sleep(rng.uniform(0, 0.3))
        writer.kill()
        lines = writer.communicate()[0].splitlines(keepends=True)
        acknowledged |= {int(line) for line in lines if line.endswith("\n")}
        points = store.get_metric_history(run_id, "shared")
        steps = {m.step for m in points}
        assert acknowledged <= steps
        assert len(points) == len(steps)
    assert damage(uri) == []
    store.log_metric(run_id, Metric("after", 1.0, 0, 0))


def test_killed_server_loses_nothing_acknowledged(make_server):
    server = make_server()
    store = tracking_store(server.uri)
    run_id = store.create_run("0", "u", 0, [], None).info.run_id
    rng = random.Random(11)
    acknowledged: set[int] = set()
    for crash in range(max(2, CRASHES // 3)):
        stop = threading.Event()

        def log(worker: int, stop: threading.Event = stop, crash: int = crash) -> None:
            i = 0
            while not stop.is_set():
                step = (crash * 10 + worker) * 1_000_000 + i
                try:
                    store.log_metric(run_id, Metric("shared", 1.0, i, step))
                except MlflowException:
                    return  # the server is gone
                acknowledged.add(step)
                i += 1

        threads = [threading.Thread(target=log, args=(w,)) for w in range(4)]
        for t in threads:
            t.start()
        time.sleep(rng.uniform(0.1, 0.5))
        server.kill()
        stop.set()
        server.start()
        for t in threads:
            t.join()
        steps = {m.step for m in store.get_metric_history(run_id, "shared")}
        assert acknowledged <= steps
    assert damage(f"sqlite:///{server.folder}/mlflow.db") == []


def test_killed_gc_is_finished_by_the_next(tmp_path):
    uri = f"sqlite:///{tmp_path}/store.db"
    tracking_store(uri, str(tmp_path / "default"))
    client = MlflowClient(uri)
    experiment = client.create_experiment("e", str(tmp_path / "files"))
    kept = client.create_run(experiment).info.run_id
    client.log_text(kept, "stays", "a.txt")
    client.log_metric(kept, "m", 1.0)
    rng = random.Random(13)
    command = [sys.executable, "-m", "mlflow", "gc", "--backend-store-uri", uri]

    def gc() -> subprocess.Popen:
        return subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    for _ in range(CRASHES):
        gone = [client.create_run(experiment).info.run_id for _ in range(10)]
        for run_id in gone:
            client.log_batch(run_id, [Metric("m", float(i), i, i) for i in range(100)])
            client.log_text(run_id, "goes", "a/b.txt")
            client.delete_run(run_id)
        process = gc()
        process.stdout.readline()  # of the first run that is gone
        time.sleep(rng.uniform(0, 0.05))
        process.kill()
        process.communicate()
        assert damage(uri) == []
        said = (process := gc()).communicate()[0]
        assert process.returncode == 0, said
        assert damage(uri) == []
        with Database(uri).read() as tx:
            left = tx.execute("select uuid from run").fetchall()
        assert left == [(kept,)]
        assert [p.name for p in (tmp_path / "files").rglob("*.txt")] == ["a.txt"]
        assert check_files(Database(uri)) == []
    assert client.get_run(kept).data.metrics == {"m": 1.0}


def damage(uri: str) -> list[str]:
    """What is wrong with the database."""
    return check(Database(uri))
