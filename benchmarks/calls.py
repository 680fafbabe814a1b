"""Measure what a call over HTTP costs: processor time of the client and of the server.

    python benchmarks/calls.py
    python benchmarks/calls.py --only batch --rounds 5
    python benchmarks/calls.py --folder /dev/shm                 # without the disk
    python benchmarks/calls.py --store postgresql://user@host/empty_database

A server of the environment that runs this is started on a new store, and asked by clients in
processes of their own. Of several rounds the cheapest counts, since whatever else the machine does
only adds to it. Times are microseconds of processor time (user and system) for each call, or for
each point of a batch; the rate and the median depend on the disk, too.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from typing import NamedTuple

import psutil

_POINTS = 1000
_WIDTH = 38


class Cost(NamedTuple):
    """Of one round."""

    client: float
    """Microseconds of processor time, for each call or point."""
    server: float
    rate: float
    """Calls or points in a second."""
    median: float
    """Microseconds from a call to its answer."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=2000, help="of each client; 2000 by default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", help="where the store is made; a temporary one by default")
    parser.add_argument("--store", help="URI of an empty database; SQLite by default")
    parser.add_argument("--only", choices=["metric", "batch"])
    parser.add_argument("--client", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        client(*options.client)
        return
    print(f"{'':{_WIDTH}}{'client µs':>10}{'server µs':>10}{'per second':>12}{'median µs':>11}")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        port = free_port()
        command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
        if options.store:
            command += ["--backend-store-uri", options.store]
        server = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
        try:
            wait_for(port)
            for kind, calls, numbers in (
                ("metric", options.calls, (1, 4, 16)),
                ("batch", max(options.calls // 20, 1), (1, 4)),
            ):
                if options.only in (None, kind):
                    for clients in numbers:
                        measure(kind, calls, clients, options.rounds, port, server.pid)
        finally:
            server.terminate()
            server.wait()


def measure(kind: str, calls: int, clients: int, rounds: int, port: int, server: int) -> None:
    """Print the costs of one kind of calls from so many clients at once."""
    costs = [one_round(kind, calls, clients, port, server) for _ in range(rounds)]
    best = Cost(
        min(c.client for c in costs),
        min(c.server for c in costs),
        max(c.rate for c in costs),
        min(c.median for c in costs),
    )
    what = "log_metric" if kind == "metric" else f"log_batch of {_POINTS}, a point"
    name = f"{what}, {clients} client{'s' if clients > 1 else ''}"
    numbers = f"{best.client:10.1f}{best.server:10.1f}{best.rate:12,.0f}{best.median:11,.0f}"
    print(f"{name:{_WIDTH}}{numbers}", flush=True)


def one_round(kind: str, calls: int, clients: int, port: int, server: int) -> Cost:
    command = [sys.executable, __file__, "--client", kind, str(calls), str(port), str(clients)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(clients)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    before = processor_time(server)
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    results = [json.loads(process.stdout.readline()) for process in processes]
    spent = processor_time(server) - before
    for process in processes:
        process.communicate()
    units = calls * clients * (_POINTS if kind == "batch" else 1)
    begun, ended = min(r["begun"] for r in results), max(r["ended"] for r in results)
    return Cost(
        client=sum(r["spent"] for r in results) / units * 1e6,
        server=spent / units * 1e6,
        rate=units / (ended - begun),
        median=statistics.median(s for r in results for s in r["seconds"]) * 1e6,
    )


def client(kind: str, calls: str, port: str, clients: str) -> None:
    """One of the clients, in a process of its own."""
    import mlflow
    from mlflow.entities import Metric

    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    mlflow.set_tracking_uri(f"http://127.0.0.1:{port}")
    api = mlflow.MlflowClient()
    with mlflow.start_run() as run:
        batches = [
            [
                Metric(f"m{i % 10}", i / 7, 1_700_000_000_000 + i, n * _POINTS + i)
                for i in range(_POINTS)
            ]
            for n in range(int(calls) + 3 if kind == "batch" else 0)
        ]

        def log(step: int) -> None:
            if kind == "metric":
                mlflow.log_metric("loss", step / 7, step=step)
            else:
                api.log_batch(run.info.run_id, batches[step])

        for step in range(3):
            log(step)
        print("ready", flush=True)
        sys.stdin.readline()
        seconds = []
        begun, spent = time.time(), time.process_time()
        for step in range(3, int(calls) + 3):
            at = time.perf_counter()
            log(step)
            seconds.append(time.perf_counter() - at)
        spent, ended = time.process_time() - spent, time.time()
        result = {"begun": begun, "ended": ended, "spent": spent, "seconds": seconds}
        print(json.dumps(result), flush=True)


def processor_time(pid: int) -> float:
    """Seconds of a process and those that it has started."""
    process = psutil.Process(pid)
    times = [p.cpu_times() for p in (process, *process.children(recursive=True))]
    return sum(t.user + t.system for t in times)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port: int) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health").close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("The server does not answer.")


if __name__ == "__main__":
    main()
