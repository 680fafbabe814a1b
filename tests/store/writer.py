"""A process that logs to a store until it is killed, and says on standard output what was
acknowledged.

python -m tests.store.writer URI RUN_ID WORKER COUNT
"""

from __future__ import annotations

import sys

from mlflow.entities import Metric, RunTag
from mlflow.store.tracking.resolve import tracking_store


def write(uri: str, run_id: str, worker: int, count: int, say) -> None:
    """Log `count` points of one shared metric, and a tag after each."""
    store = tracking_store(uri)
    for i in range(count):
        step = worker * 1_000_000 + i
        store.log_metric(run_id, Metric("shared", float(i), i, step))
        store.set_tag(run_id, RunTag(f"worker{worker}", str(i)))
        say(step)


if __name__ == "__main__":
    uri, run_id, worker, count = sys.argv[1:]
    write(uri, run_id, int(worker), int(count), lambda step: print(step, flush=True))
