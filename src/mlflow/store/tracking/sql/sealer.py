"""Sealing the tails of runs that nobody has logged to for a while."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from mlflow.store.db.chunks import SMALLEST_CHUNK, seal_run

if TYPE_CHECKING:
    from mlflow.store.db.database import Database

_logger = logging.getLogger(__name__)

IDLE_SECONDS = 300.0
#: Seconds between two looks.
_PAUSE = 60.0
#: A run that gets a point now and then shall not be cut into many small chunks.
_LEAST = 256
#: Series in one transaction.
_MOST = 8


class Sealer:
    """Knows which runs this process has logged to, and seals their tails once they are idle, in
    transactions of a few milliseconds each. What it never comes to, `mlflow db optimize` does.

    A server lets it run in a thread. A process that logs by itself has none: its own calls look
    after it, now and then.

    Args:
        idle: Seconds after which a run counts as idle.
    """

    def __init__(self, database: Database, idle: float = IDLE_SECONDS):
        self._database = database
        self._idle = idle
        self._touched: dict[int, float] = {}
        self._ended: dict[int, None] = {}
        self._next = time.monotonic() + _PAUSE
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, run: int) -> None:
        """The run, by its id in the database, has got points."""
        self._touched[run] = time.monotonic()

    def note_end(self, run: int, *, more: bool) -> None:
        """The run has ended, and tails of it are sealed.

        Args:
            more: But not all.
        """
        self._touched.pop(run, None)
        if more:
            self._ended[run] = None

    def now_and_then(self) -> None:
        """Called after writes: do what is due, if no thread does it."""
        if self._thread is not None:
            return
        if self._ended:
            self.seal_ended()
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _PAUSE
            self.seal_idle(most=1)

    def seal_ended(self) -> None:
        """Seal what is left of runs that have ended."""
        while self._ended and not self._stop.is_set():
            run, _ = self._ended.popitem()
            while self._seal(run, SMALLEST_CHUNK) and not self._stop.is_set():
                pass

    def seal_idle(self, most: int | None = None) -> int:
        """Seal the tails of idle runs; how many transactions it took.

        Args:
            most: Transactions; what is left waits for the next time.
        """
        done = 0
        limit = time.monotonic() - self._idle
        for run, last in list(self._touched.items()):
            more = last <= limit
            while more and not self._stop.is_set():
                if done == most:
                    return done
                more = self._seal(run, _LEAST)
                done += 1
            if last <= limit and self._touched.get(run) == last:  # no points came meanwhile
                self._touched.pop(run, None)
        return done

    def _seal(self, run: int, least: int) -> bool:
        """Whether there may be more."""
        lock = self._database.dialect.update_lock
        try:
            return self._database.write(lambda tx: seal_run(tx, lock, run, least=least, most=_MOST))
        except Exception as e:  # points are safe in a tail, too
            _logger.warning("Points could not be moved from a tail to a chunk: %s", e)
            return False

    # -- the thread -------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to look after idle runs."""
        if self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="sealer", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop after the transaction that is under way."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while not self._stop.wait(max(0.02, min(_PAUSE, self._idle))):
            self.seal_ended()
            self.seal_idle()
