"""One database: pooled readers, and writes that share a commit.

On SQLite a write waits for the one lock, and whoever has it carries out everything that waits and
commits once (group commit): sixteen threads pay for one fsync, and none ever sees "database is
locked". It takes no thread of its own, so a notebook's single writer pays nothing for it. Other
databases get a transaction each.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import random
import shutil
import tempfile
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.db.dialects import LOCK_TIMEOUT_SECONDS, DatabaseUrl, Dialect, dialect_of

T = TypeVar("T")

_GROUP_SIZE = 512
_GROUP_SECONDS = 0.02
"""A group that takes longer is committed before all is done: those who wait should not all wait for
the slowest."""


class _Job:
    """A write that waits for the lock, then its outcome.

    Args:
        work: Gets the connection; a call that writes by itself gets nothing.
        is_call: Whether it is such a call.
    """

    __slots__ = ("work", "is_call", "result", "error", "done")

    def __init__(self, work: Callable[..., Any], is_call: bool = False):
        self.work = work
        self.is_call = is_call
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = False


class Database:
    """Any thread may read and write; a forked child gets connections of its own."""

    # The thread whose writes belong to the transaction that is under way, what is to be called
    # after its commit, and whether nothing was written in it so far.
    _caller: int | None
    _committed: list[Callable[[], None]]
    _is_empty: bool

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
            self._roll_back(connection, e)
            raise self._explain(e) from e
        finally:
            self._give_back(connection)

    # -- writing ----------------------------------------------------------------------------

    def write(self, work: Callable[[Any], T], then: Callable[[], None] | None = None) -> T:
        """What `work(connection)` returns, once it is committed; in a call of `together`, before.

        `work` must be free of effects outside the database: it runs again when its transaction has
        to. An exception of its own undoes what it did, and nothing of what others did.

        Args:
            then: Called once it is committed, for effects that rest on it.
        """
        if self._caller == threading.get_ident():
            return self._write_within(work, then)
        result = (self._write_in_group if self.dialect.single_writer else self._write_alone)(work)
        if then is not None:
            then()
        return result

    def together(self, calls: Sequence[Callable[[], T]]) -> list[T | Exception]:
        """What each of the calls returns or raises; what they write has one commit.

        For servers on SQLite: one thread carries out all that has come in meanwhile, and none waits
        for another thread. A call sees nothing of what the others write.
        """
        jobs = [_Job(call, is_call=True) for call in calls]
        self._waiting.extend(jobs)
        with self._lock:
            while not jobs[-1].done:
                self._commit_group()
        return [job.result if job.error is None else self._explain(job.error) for job in jobs]

    def _write_alone(self, work: Callable[[Any], T]) -> T:
        deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
        for attempt in itertools.count():
            connection = self._take_and_begin(write=True)
            try:
                result = work(connection)
                connection.execute("commit")
                return result
            except BaseException as e:
                self._roll_back(connection, e)
                if not self.dialect.is_retryable(e) or time.monotonic() > deadline:
                    raise self._explain(e) from e
            finally:
                self._give_back(connection)
            time.sleep(random.uniform(0, 0.002 * min(attempt + 1, 50)))
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

    def _commit_group(self, own: Any = None) -> None:
        """Carry out what waits, in order of arrival, in one transaction. The lock is held, by the
        thread of `own`."""
        jobs: list[_Job] = []
        waiting = min(len(self._waiting), _GROUP_SIZE)
        self._committed = []
        self._is_empty = True
        try:
            connection = self._writer()
            self._begin_write(connection)
            try:
                deadline = time.monotonic() + _GROUP_SECONDS
                while len(jobs) < waiting and (not jobs or time.monotonic() < deadline):
                    job = self._waiting.popleft()
                    jobs.append(job)
                    if job.is_call:
                        self._run_call(connection, job)
                    elif waiting == 1:
                        job.result = job.work(connection)
                    else:
                        self._run_in_savepoint(connection, job)
                        self._is_empty = False
                connection.execute("commit")
            except BaseException as e:
                self._roll_back(connection, e)
                raise
        except Exception as e:
            if not jobs:  # no transaction could begin: nobody's write can be done
                jobs = [self._waiting.popleft() for _ in range(waiting)]
            for job in jobs:
                job.error = job.error or e
            self._committed = []
        except BaseException:
            # Ctrl-C belongs to the thread that has the lock; what the others asked for is still to
            # be done
            self._waiting.extendleft(reversed(jobs))
            with contextlib.suppress(ValueError):
                self._waiting.remove(own)
            raise
        for job in jobs:
            job.done = True
        for then in self._committed:
            then()

    @staticmethod
    def _run_in_savepoint(connection: Any, job: _Job) -> None:
        connection.execute("savepoint job")
        try:
            job.result = job.work(connection)
        except Exception as e:
            if not connection.in_transaction:  # a full disk undoes what the neighbours did, too
                raise
            job.error = e
            connection.execute("rollback to job")
        connection.execute("release job")

    def _run_call(self, connection: Any, job: _Job) -> None:
        self._caller = threading.get_ident()
        try:
            job.result = job.work()
        except Exception as e:
            job.error = e
        finally:
            self._caller = None
        if not connection.in_transaction:
            raise job.error or MlflowException("The transaction ended before its time.")

    def _write_within(self, work: Callable[[Any], T], then: Callable[[], None] | None) -> T:
        """A write of a call, inside the transaction of its group."""
        connection = self._write_connection
        first = self._is_empty  # it can be undone without a savepoint, which would cost a tenth
        if not first:
            connection.execute("savepoint job")
        self._is_empty = False
        try:
            result = work(connection)
        except BaseException as e:
            if connection.in_transaction:
                if first:
                    connection.execute("rollback")
                    self._begin_write(connection)
                    self._is_empty = True
                else:
                    connection.execute("rollback to job")
                    connection.execute("release job")
            raise self._explain(e) from e
        if not first:
            connection.execute("release job")
        if then is not None:
            self._committed.append(then)
        return result

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
        self._caller = None
        self._committed = []
        self._is_empty = True
        self._write_connection: Any = None
        self._idle: deque[Any] = deque()
        self._room = threading.BoundedSemaphore(self.dialect.pool_size)

    def _writer(self) -> Any:
        if self._write_connection is None or self._write_connection.broken:
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
            lost = connection.broken
            self._give_back(connection)
            if not lost:
                raise self._explain(e) from e
        self._close_idle()  # whatever ended one has ended all of them
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
            while (connection := self._idle_one()) is not None:
                if not connection.broken:
                    return connection
                connection.close()
            return self._connect()
        except BaseException:
            self._room.release()
            raise

    def _idle_one(self) -> Any:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _close_idle(self) -> None:
        while (connection := self._idle_one()) is not None:
            connection.close()

    def _give_back(self, connection: Any) -> None:
        if connection.broken:
            connection.close()
        else:
            self._idle.append(connection)
        self._room.release()

    def _roll_back(self, connection: Any, error: BaseException) -> None:
        """Undo a transaction that `error` has ended; the connection is closed if it is what
        failed."""
        try:
            connection.execute("rollback")
        except Exception:
            connection.close()
        if isinstance(error, Exception) and self.dialect.is_fatal(error):
            connection.close()

    def _explain(self, error: BaseException) -> BaseException:
        if isinstance(error, MlflowException) or not isinstance(error, Exception):
            return error
        return self.dialect.translate(error) or error

    def close(self, patience: float = -1) -> None:
        """Close every connection that is not in use.

        Args:
            patience: Seconds to wait for a write that is under way before its connection is left
                open; -1 to wait for its end.
        """
        self._close_idle()
        if self._lock.acquire(timeout=patience):
            try:
                if self._write_connection is not None:
                    self._write_connection.close()
                    self._write_connection = None
            finally:
                self._lock.release()

    def __del__(self) -> None:
        if hasattr(self, "_idle"):  # a URL that is none leaves it half made
            self.close(patience=0)

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


def _close_all() -> None:
    for database in list(Database._live):
        database.close(patience=1)


atexit.register(_close_all)


def _after_fork() -> None:
    for database in list(Database._live):
        database._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
