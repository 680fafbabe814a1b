"""A process of many writers, each with a run of its own beside one that all share.

    python -m tests.server.load WRITERS SECONDS SHARED_RUN URI...

Each writer begins at one of the servers and goes to the next when one is gone, as behind a load
balancer. It says on standard output, as JSON, what was acknowledged and what went wrong.
"""

from __future__ import annotations

import json
import sys
import threading
import time

from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.resolve import tracking_store

#: A server that was killed cannot be told from a network that is down; both are no errors of the
#: store as long as another server does it.
_GONE = ("failed with exception", "TEMPORARILY_UNAVAILABLE")


class Writer(threading.Thread):
    def __init__(self, number: int, uris: list[str], shared: str, end: float):
        super().__init__()
        self.stores = [tracking_store(uri) for uri in uris]
        self.at = number % len(uris)
        self.number, self.shared, self.end = number, shared, end
        self.run_id = ""
        self.acknowledged: list[int] = []
        self.batches = 0
        self.errors: list[str] = []
        self.moves = 0

    def attempt(self, name: str, *arguments) -> object:
        """The same call until a server answers it."""
        for _ in range(4 * len(self.stores)):
            try:
                return getattr(self.stores[self.at], name)(*arguments)
            except MlflowException as e:
                if not any(text in f"{e.error_code} {e.message}" for text in _GONE):
                    raise
                self.at = (self.at + 1) % len(self.stores)
                self.moves += 1
                time.sleep(0.05)
        raise RuntimeError("no server answers")

    def run(self) -> None:
        try:
            experiment = self.attempt("get_run", self.shared).info.experiment_id
            run = self.attempt("create_run", experiment, "u", 0, [], f"writer-{self.number}")
            self.run_id = run.info.run_id
            step = 0
            while time.time() < self.end:
                mine = self.number * 10_000_000 + step
                self.attempt("log_metric", self.run_id, Metric("loss", step / 7, step, step))
                self.attempt("log_metric", self.shared, Metric("all", 1.0, step, mine))
                self.acknowledged.append(mine)
                if step % 10 == 0:
                    self.attempt(
                        "log_batch",
                        self.run_id,
                        [Metric("batch", float(i), i, step * 50 + i) for i in range(50)],
                        [Param(f"p{step}", "x")],
                        [RunTag("at", str(step))],
                    )
                    self.batches += 1
                step += 1
        except Exception as e:
            self.errors.append(f"{type(e).__name__}: {e}")


def main() -> None:
    writers, seconds, shared, *uris = sys.argv[1:]
    first, count = (int(n) for n in writers.split(":"))
    end = time.time() + float(seconds)
    threads = [Writer(first + n, uris, shared, end) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps([[t.run_id, t.acknowledged, t.batches, t.errors, t.moves] for t in threads]))


if __name__ == "__main__":
    main()
