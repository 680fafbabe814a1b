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
from mlflow.store.db.database import Database
from mlflow.store.tracking.resolve import tracking_store

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
    assert integrity(uri) == "ok"
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
    assert integrity(f"sqlite:///{server.folder}/mlflow.db") == "ok"


def integrity(uri: str) -> str:
    with Database(uri).read() as tx:
        return tx.execute("pragma integrity_check").fetchone()[0]
