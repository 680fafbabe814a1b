"""What it takes to copy runs from a SQLite file to a server of ours, and to find nothing new.

    python benchmarks/sync.py
    python benchmarks/sync.py --runs 10000 --metrics 5 --points 100 --to sqlite
    python benchmarks/sync.py --to http://127.0.0.1:5000

Each copy is a process of its own; seconds are its wall time without the start of Python, its CPU
time, and the server's meanwhile.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from mlflow.entities import Metric, Param
from mlflow.store.tracking.resolve import tracking_store

_START = 1_700_000_000_000


def fill(uri: str, root: str, runs: int, metrics: int, points: int) -> None:
    """Make the source."""
    store, rng = tracking_store(uri, root), random.Random(1)
    experiment = store.create_experiment("bench", None, [])
    for i in range(runs):
        run_id = store.create_run(experiment, "ann", _START + i, [], f"run {i}").info.run_id
        rows = [
            Metric(f"m{k}", rng.random(), _START + j, j)
            for k in range(metrics)
            for j in range(points)
        ]
        for first in range(0, len(rows), 1000):
            store.log_batch(run_id, rows[first : first + 1000], [], [])
        store.log_batch(run_id, [], [Param(f"p{j}", str(rng.random())) for j in range(10)], [])
        store.update_run_info(run_id, 3, _START + i + 1, None)


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """A server of ours on a new store."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port)]
    with open(folder / "server.log", "wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    uri = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                urllib.request.urlopen(f"{uri}/health", timeout=1).close()
                break
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError((folder / "server.log").read_text()) from None
                time.sleep(0.05)
        yield uri, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def copy(source: str, destination: str, root: str) -> None:
    """In a process of its own: copy, and print what it took."""
    from mlflow.sync import sync

    start = time.perf_counter()
    report = sync(source, destination, artifact_root=root)
    wall = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    said = {
        "wall": wall,
        "cpu": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss / 1024,
        "said": report.summary(),
        "problems": report.problem_count,
    }
    print(json.dumps(said))


def measure(source: str, destination: str, root: str, process: psutil.Process | None) -> None:
    """Copy, and say what it took here and on the server."""
    before = sum(process.cpu_times()[:2]) if process else 0.0
    command = [sys.executable, __file__, "--copy", source, destination, root]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    said = json.loads(done.stdout)
    line = f"{said['wall']:7.2f} s, {said['cpu']:.2f} s CPU, peak {said['peak']:.0f} MB"
    if process:
        cpu = sum(process.cpu_times()[:2]) - before
        memory = process.memory_info().rss / 1e6
        line += f"; server {cpu:.2f} s CPU, {memory:.0f} MB"
    print(f"{line}\n        {said['said']} {said['problems'] or ''}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--metrics", type=int, default=5)
    parser.add_argument("--points", type=int, default=100, help="of each metric")
    parser.add_argument("--to", default="server", help="server, sqlite, or a tracking URI")
    parser.add_argument("--copy", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.copy:
        return copy(*given.copy)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, root = f"sqlite:///{folder}/source.db", str(folder / "files")
        start = time.perf_counter()
        fill(source, root, given.runs, given.metrics, given.points)
        print(f"{time.perf_counter() - start:7.2f} s to make the source")
        if given.to == "server":
            with server(folder) as (uri, process):
                for _ in range(2):
                    measure(source, uri, root, process)
        else:
            uri = f"sqlite:///{folder}/there.db" if given.to == "sqlite" else given.to
            for _ in range(2):
                measure(source, uri, root, None)


if __name__ == "__main__":
    main()
