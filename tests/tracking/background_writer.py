"""A process that logs in the background until it is killed, and says on standard output which calls
have returned.

python -m tests.tracking.background_writer URI RUN_IDS FIRST [COUNT]
"""

from __future__ import annotations

import os
import sys
import threading

import mlflow
from mlflow.entities import Metric


def write(uri: str, run_ids: list[str], first: int, count: int) -> None:
    """Log numbers from `first` on, each once: as a step of `m`, or ten of them in one call."""
    client = mlflow.MlflowClient(uri)

    def work(run_id: str, first: int) -> None:
        number = first
        while number < first + count:
            if number % 50 == 0:
                points = [Metric("m", float(n), n, n) for n in range(number, number + 10)]
                client.log_batch(run_id, points, synchronous=False)
                number += 10
            else:
                client.log_metric(run_id, "m", float(number), number, number, synchronous=False)
                number += 1
            client.set_tag(run_id, f"last{first}", number - 1, synchronous=False)
            os.write(1, b"%d %d\n" % (first, number - 1))  # nothing is lost in a buffer

    threads = [
        threading.Thread(target=work, args=(run_id, first + i * 10_000_000), daemon=True)
        for i, run_id in enumerate(run_ids)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    uri, run_ids, first, *count = sys.argv[1:]
    write(uri, run_ids.split(","), int(first), int(count[0]) if count else 9_000_000)
