"""Keeping what finished runs logged in one value each, so that a page of them is one statement.

A value is there only while nothing can have changed: a run is packed when it ends, and whoever logs
to it after that removes the value first. Runs that have none are packed by whoever reads them, in
the background.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

from mlflow.entities import RunStatus
from mlflow.store.db.database import Database
from mlflow.store.tracking.sql.content import pack, read_contents
from mlflow.store.tracking.sql.core import marks

_logger = logging.getLogger(__name__)

#: Runs that are packed at once, while those who log to them wait.
_TOGETHER = 100
#: Runs that are remembered to be packed.
_REMEMBERED = 10_000
#: Seconds without another try after one that failed: the database may be read-only.
_PAUSE = 60.0


def pack_runs(tx: Any, runs: Sequence[int]) -> None:
    """Pack finished runs whose rows this transaction has locked. Nobody else is logging to them
    then: a writer holds a shared lock until it commits."""
    if not runs:
        return
    contents = read_contents(tx, runs)
    tx.execute(f"delete from packed_run where run_id in ({marks(runs)})", runs)
    tx.executemany(
        "insert into packed_run (run_id, content) values (?, ?)",
        [(run, pack(contents[run])) for run in runs],
    )


class Packer:
    """Packs runs in the background. It never raises, and nobody waits for it."""

    def __init__(self, db: Database):
        self._db = db
        self._waiting: set[int] = set()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._pause_until = 0.0

    def later(self, runs: Sequence[int]) -> None:
        """Pack these runs, if they have ended, some time."""
        if not runs or time.monotonic() < self._pause_until:
            return
        if len(self._waiting) < _REMEMBERED:
            self._waiting.update(runs)
        if not self._starting.acquire(blocking=False):
            return  # somebody else does it
        try:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="pack-runs", daemon=True)
                self._thread.start()
        except RuntimeError:  # the interpreter is about to end
            pass
        finally:
            self._starting.release()

    def wait(self) -> None:
        """Return when there is nothing left to do."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def stop(self) -> None:
        """Leave what is left to whoever reads it next."""
        self._waiting.clear()
        self.wait()

    def _work(self) -> None:
        try:
            while self._waiting:
                runs = [self._waiting.pop() for _ in range(min(_TOGETHER, len(self._waiting)))]
                self._db.write(lambda tx, runs=sorted(runs): self._pack(tx, runs))
        except Exception as e:
            _logger.debug("Runs cannot be packed: %s", e)
            self._waiting.clear()
            self._pause_until = time.monotonic() + _PAUSE

    def _pack(self, tx: Any, runs: Sequence[int]) -> None:
        lock = self._db.dialect.update_lock
        rows = tx.execute(
            f"select id, status from run where id in ({marks(runs)}) order by id{lock}", runs
        ).fetchall()
        pack_runs(tx, [run for run, status in rows if RunStatus.is_terminated(status)])
