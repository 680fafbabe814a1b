"""One database: pooled readers, and writes that share a commit.

On SQLite a write waits for the one lock, and whoever has it carries out everything that waits and
commits once (group commit): sixteen threads pay for one fsync, and none ever sees "database is
locked". It takes no thread of its own, so a notebook's single writer pays nothing for it. Other
databases get a transaction each.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import random
import shutil
import tempfile
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.db.dialects import LOCK_TIMEOUT_SECONDS, DatabaseUrl, Dialect, dialect_of

T = TypeVar("T")

_RETRIES = 50
_GROUP_SIZE = 512


class _Job:
    """A write that waits for the lock, then its outcome."""

    __slots__ = ("work", "result", "error", "done")

    def __init__(self, work: Callable[[Any], Any]):
        self.work = work
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = False


class Database:
    """Any thread may read and write; a forked child gets connections of its own."""

    _live: weakref.WeakSet[Database] = weakref.WeakSet()
    _abandoned: list[Any] = []

    def __init__(self, uri: str):
        self.url = DatabaseUrl.parse(uri)
        self.dialect: Dialect = dialect_of(self.url)
        if self.dialect.single_writer and self.url.database in ("", ":memory:"):
            # readers have connections of their own, and must see the same database
            self.url = replace(self.url, database=_temporary_file())
        self._reset()
        Database._live.add(self)

    # -- reading ----------------------------------------------------------------------------

    @contextlib.contextmanager
    def read(self) -> Iterator[Any]:
        """A connection inside a transaction that sees one moment of the database."""
        connection = self._take_and_begin(write=False)
        try:
            yield connection
            connection.execute("commit")
        except BaseException as e:
            self._roll_back(connection)
            raise self._explain(e) from e
        finally:
            self._give_back(connection)

    # -- writing ----------------------------------------------------------------------------

    def write(self, work: Callable[[Any], T]) -> T:
        """What `work(connection)` returns, once it is committed.

        `work` must be free of effects outside the database: it runs again when its transaction has
        to. An exception of its own undoes what it did, and nothing of what others did.
        """
        if self.dialect.single_writer:
            return self._write_in_group(work)
        return self._write_alone(work)

    def _write_alone(self, work: Callable[[Any], T]) -> T:
        for attempt in range(_RETRIES):
            connection = self._take_and_begin(write=True)
            try:
                result = work(connection)
                connection.execute("commit")
                return result
            except BaseException as e:
                self._roll_back(connection)
                if attempt + 1 == _RETRIES or not self.dialect.is_retryable(e):
                    raise self._explain(e) from e
            finally:
                self._give_back(connection)
            time.sleep(random.uniform(0, 0.002 * (attempt + 1)))
        raise AssertionError("unreachable")

    def _write_in_group(self, work: Callable[[Any], T]) -> T:
        job = _Job(work)
        self._waiting.append(job)
        with self._lock:
            while not job.done:
                self._commit_group(own=job)
        if job.error is not None:
            raise self._explain(job.error) from job.error
        return job.result

    def _commit_group(self, own: _Job) -> None:
        """Carry out what waits, in order of arrival, in one transaction. The lock is held, by the
        thread of `own`."""
        jobs: list[_Job] = []
        while self._waiting and len(jobs) < _GROUP_SIZE:
            jobs.append(self._waiting.popleft())
        try:
            connection = self._writer()
            self._begin_write(connection)
            try:
                if len(jobs) == 1:
                    jobs[0].result = jobs[0].work(connection)
                else:
                    for job in jobs:
                        self._run_in_savepoint(connection, job)
                connection.execute("commit")
            except BaseException:
                self._roll_back(connection)
                raise
        except Exception as e:
            for job in jobs:
                job.error = job.error or e
        except BaseException:
            # Ctrl-C belongs to the thread that has the lock; what the others asked for is still to
            # be done
            self._waiting.extendleft(job for job in reversed(jobs) if job is not own)
            raise
        for job in jobs:
            job.done = True

    @staticmethod
    def _run_in_savepoint(connection: Any, job: _Job) -> None:
        connection.execute("savepoint job")
        try:
            job.result = job.work(connection)
        except Exception as e:
            job.error = e
            connection.execute("rollback to job")
        connection.execute("release job")

    def _begin_write(self, connection: Any) -> None:
        """Wait for other processes' turn to end."""
        deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
        while True:
            try:
                return self.dialect.begin(connection, write=True)
            except Exception as e:
                if not self.dialect.is_retryable(e) or time.monotonic() > deadline:
                    raise
            time.sleep(random.uniform(0.001, 0.02))

    # -- connections ------------------------------------------------------------------------

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[_Job] = deque()
        self._write_connection: Any = None
        self._idle: deque[Any] = deque()
        self._room = threading.BoundedSemaphore(self.dialect.pool_size)

    def _writer(self) -> Any:
        if self._write_connection is None:
            self._write_connection = self._connect()
        return self._write_connection

    def _connect(self) -> Any:
        """A new connection. Processes that open a new file at the same moment get in each other's
        way for a moment."""
        deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
        while True:
            try:
                return self.dialect.connect(self.url)
            except Exception as e:
                if not self.dialect.is_retryable(e) or time.monotonic() > deadline:
                    raise self._explain(e) from e
            time.sleep(random.uniform(0.001, 0.02))

    def _take_and_begin(self, *, write: bool) -> Any:
        """A connection inside a new transaction; another one if it was lost while it was idle."""
        connection = self._take()
        try:
            self.dialect.begin(connection, write=write)
            return connection
        except BaseException as e:
            lost = getattr(connection, "broken", False)
            self._give_back(connection)
            if not lost:
                raise self._explain(e) from e
        self._idle.clear()  # whatever ended one has ended all of them
        connection = self._take()
        try:
            self.dialect.begin(connection, write=write)
            return connection
        except BaseException as e:
            self._give_back(connection)
            raise self._explain(e) from e

    def _take(self) -> Any:
        if not self._room.acquire(timeout=LOCK_TIMEOUT_SECONDS):
            raise MlflowException(
                f"No connection to the database became free within {LOCK_TIMEOUT_SECONDS:.0f} s.",
                error_code=CODES["TEMPORARILY_UNAVAILABLE"],
            )
        try:
            while self._idle:
                connection = self._idle.pop()
                if not getattr(connection, "broken", False):
                    return connection
            return self._connect()
        except BaseException:
            self._room.release()
            raise

    def _give_back(self, connection: Any) -> None:
        if not getattr(connection, "broken", False):
            self._idle.append(connection)
        self._room.release()

    @staticmethod
    def _roll_back(connection: Any) -> None:
        with contextlib.suppress(Exception):  # the connection may be what failed
            connection.execute("rollback")

    def _explain(self, error: BaseException) -> BaseException:
        if isinstance(error, MlflowException) or not isinstance(error, Exception):
            return error
        return self.dialect.translate(error) or error

    def close(self) -> None:
        """Close every connection that is not in use."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()
            if self._write_connection is not None:
                self._write_connection.close()
                self._write_connection = None

    def _after_fork(self) -> None:
        # Kept, not closed: closing here would end the parent's session or remove its write-ahead
        # log.
        Database._abandoned.append((self._write_connection, self._idle))
        self._reset()


def _temporary_file() -> str:
    """A path in a folder that goes away with this process."""
    folder = tempfile.mkdtemp(prefix="headrace-")
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:  # and not with a forked child
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return os.path.join(folder, "memory.db")


def _after_fork() -> None:
    for database in list(Database._live):
        database._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
