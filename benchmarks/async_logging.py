"""What logging in the background costs its caller, and how fast the journal is sent.

    python benchmarks/async_logging.py http://127.0.0.1:5000
    python benchmarks/async_logging.py sqlite:////tmp/x.db --points 1000000

The caller's time is the best of several rounds, with the sender kept away; the sender's is for all
points of one run, after the last call.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

os.environ["MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS"] = "3600"  # until somebody flushes

import mlflow
from mlflow.entities import Metric

_ROUNDS, _CALLS = 10, 5000


def caller(label: str, call: Callable[[int], object]) -> None:
    """Print the microseconds of one call."""
    best = float("inf")
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        for i in range(_CALLS):
            call(i)
        best = min(best, time.perf_counter() - start)
        mlflow.flush_async_logging()
    print(f"{label:50} {best / _CALLS * 1e6:6.2f} µs a call")


def callers() -> None:
    """Every way to log a metric in the background."""
    keys = [f"m{i}" for i in range(10)]
    with mlflow.start_run() as run:
        client, run_id = mlflow.MlflowClient(), run.info.run_id
        metric = Metric("loss", 0.5, 1, 1)
        caller("an empty loop", lambda i: None)
        caller(
            "client.log_metric(run_id, key, value, time, step)",
            lambda i: client.log_metric(run_id, "loss", 0.5, 1, i, synchronous=False),
        )
        caller(
            "mlflow.log_metric(key, value, step=...)",
            lambda i: mlflow.log_metric("loss", 0.5, step=i, synchronous=False),
        )
        caller(
            "client.log_batch, 1 metric",
            lambda i: client.log_batch(run_id, [metric], synchronous=False),
        )
        caller(
            "mlflow.log_metrics, 10 metrics",
            lambda i: mlflow.log_metrics(dict.fromkeys(keys, 0.5), step=i, synchronous=False),
        )
        caller("mlflow.set_tag", lambda i: mlflow.set_tag("t", i, synchronous=False))
        mlflow.config.enable_async_logging()
        caller(
            "mlflow.log_metric, by enable_async_logging()",
            lambda i: mlflow.log_metric("loss", 0.5, step=i),
        )
        mlflow.config.enable_async_logging(False)


def sender(points: int) -> None:
    """Send the points of one run."""
    with mlflow.start_run():
        for i in range(points):
            mlflow.log_metric("loss", i / 7, step=i, synchronous=False)
        start, cpu = time.perf_counter(), time.process_time()
        mlflow.flush_async_logging()
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(f"{points:,} points sent in {seconds:.2f} s: {points / seconds:,.0f} points/s")
    print(f"of which this process took {cpu / points * 1e6:.2f} µs of CPU time a point")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("uri")
    parser.add_argument("--points", type=int, default=200_000)
    arguments = parser.parse_args()
    mlflow.set_tracking_uri(arguments.uri)
    callers()
    sender(arguments.points)
