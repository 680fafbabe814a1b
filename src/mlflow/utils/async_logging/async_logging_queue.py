"""Log calls that return at once: they are written to a journal, from which a thread sends them.

A call that has returned survives the end of the process, however that comes; what this process
cannot send, the next one that logs to the same store in this way does, or `mlflow sync`. A loss of
power takes no more than what was logged in the last `_SYNC_SECONDS` and not sent yet, or, where
that is longer, in the time for which MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS gathers calls.
"""

from __future__ import annotations

import atexit
import logging
import math
import os
import random
import struct
import sys
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlflow.entities import RunStatus
from mlflow.environment_variables import (
    MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS,
    _EnvironmentVariable,
)
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.utils.async_logging import folder
from mlflow.utils.async_logging.journal import Journal, NoRoom
from mlflow.utils.async_logging.orphan import Orphan
from mlflow.utils.async_logging.run_operations import RunOperations
from mlflow.utils.async_logging.segment import WINDOW, Call, Reader
from mlflow.utils.async_logging.shipment import NotNow, Refused, Shipment, told
from mlflow.utils.time import get_current_time_millis

if TYPE_CHECKING:
    from mlflow.entities import Metric, Param, RunTag
    from mlflow.store.tracking.abstract_store import AbstractStore

HEADRACE_FLUSH_SECONDS = _EnvironmentVariable(
    "HEADRACE_FLUSH_SECONDS",
    float,
    10.0,
    "How long a flush waits for a store that takes nothing, and the end of a process in all.",
)

_logger = logging.getLogger(__name__)

#: How long to gather calls for a batch when MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS is unset: one
#: request for many calls, and the training loop has the interpreter to itself meanwhile.
_GATHER_SECONDS = 0.2
#: Longest pause before the store is tried again.
_MOST_SECONDS = 30.0
#: What cannot be sent sooner is synced to the disk that often.
_SYNC_SECONDS = 5.0
#: How often a thread with nothing to do looks for journals of processes that died.
_IDLE_SECONDS = 60.0
#: Calls that may still be asked for why they were refused.
_REMEMBERED = 10_000


class _Logged(RunOperations):
    """A call in the journal. Also the future that it waits for."""

    __slots__ = ("_queue", "_end")

    def __init__(self, queue: AsyncLoggingQueue, end: int):
        self._queue = queue
        self._end = end

    @property
    def _operation_futures(self) -> tuple[_Logged]:  # type: ignore[override]
        return (self,)

    def result(self) -> None:
        if not self._queue._wait_for(self._end):
            raise MlflowException(
                self._queue.what_is_left(), error_code=CODES["TEMPORARILY_UNAVAILABLE"]
            )
        self.raise_refusal()

    def raise_refusal(self) -> None:
        """Raise why the store refused it, if it has by now."""
        error = self._queue._refused.get(self._end)
        if error is not None:
            raise error


class _NotLogged(RunOperations):
    """A call that is not in the journal, and why."""

    __slots__ = ("_error",)

    def __init__(self, error: Exception):
        super().__init__((self,))
        self._error = error

    def result(self) -> None:
        raise self._error


class AsyncLoggingQueue:
    """The calls for one store. Any thread may use it; calls for one run are stored in the order
    they came."""

    def __init__(self, store: AbstractStore):
        self._store = store
        self._uri: str | None = getattr(store, "_uri", None)
        self._name = folder.without_credentials(self._uri) if self._uri else "the store"
        self._journal = Journal(self._uri)
        self._process = os.getpid()
        self._changed = threading.Condition()  # what follows, up to the empty line, and the journal
        self._done = 0  # up to there, calls are stored or were refused
        self._done_calls = 0
        self._wanted = 0  # up to there somebody waits
        self._rush = 0  # how often somebody began to wait
        self._failures = 0  # in a row
        self._failed_at: float | None = None  # the first of them
        self._trouble = ""  # the last of them
        self._moved_at = 0.0  # when the store last took something
        self._refused: dict[int, Exception] = {}
        self._dropped = 0  # calls since the store last took something
        self._said_at = 0  # how many calls there were when something was said of what is left
        self._sleeps = True
        self._stopping = False
        self._thread: threading.Thread | None = None

        self._sending = threading.Lock()  # what follows
        self._reader: Reader | None = None
        self._read_calls = 0
        self._shipment = Shipment(store, self._on_stored, self._on_refused)
        self._orphan: Orphan | None = None
        self._unreadable: set[str] = set()  # orphans
        self._look_at = math.inf if self._uri is None else 0.0  # for orphans
        self._synced = 0
        self._synced_at = time.monotonic()

    # -- logging ----------------------------------------------------------------------------

    def submit(
        self,
        run_id: str,
        metrics: Sequence[Metric] = (),
        params: Sequence[Param] = (),
        tags: Sequence[RunTag] = (),
    ) -> RunOperations:
        """Write down one call. It never waits for the store, and never raises.

        Args:
            metrics: With `params` and `tags`, no more than one `log_batch` takes.
        """
        return self._submit(run_id, metrics, params, tags)

    def log_point(
        self, run_id: str, key: str, value: float, step: int, timestamp: int
    ) -> RunOperations | None:
        """The same for a call with one point; None, and nothing was done, if it is an unusual one
        that must go to `submit`."""
        try:
            end = self._journal.add_point(run_id, key, value, step, timestamp)
        except (NoRoom, struct.error, AttributeError, TypeError):
            return None
        if self._sleeps:
            self._wake()
        return _Logged(self, end)

    def end_run(self, run_id: str, status: int, end_time: int) -> _Logged | _NotLogged:
        """Write down that the run ended, to be told to the store after what it logged before."""
        return self._submit(run_id, ending=(status, end_time))

    def submit_trace(self, data: bytes) -> None:
        """Write down a trace that has ended. It never waits for the store, but for room, and never
        raises."""
        while True:
            try:
                self._journal.add_trace(data)
            except NoRoom:
                if self._wait_for_room():
                    continue
                self._drop()
                return
            except Exception as error:
                _logger.error("Failed to log a trace: %s", told(error))
                return
            if self._sleeps:
                self._wake()
            return

    def waiting(self) -> bool:
        """Whether something is not stored yet."""
        return self._done < self._journal.end

    def look_for_orphans(self) -> None:
        """Send what dead processes left, in the background."""
        self._wake()

    def _submit(self, run_id: str, *content: Any, **more: Any) -> _Logged | _NotLogged:
        while True:
            try:
                end = self._journal.add(run_id, *content, **more)
            except NoRoom:
                if self._wait_for_room():
                    continue
                return self._drop()
            except Exception as error:
                _logger.error("Run Id %s: Failed to log run data: %s", run_id, told(error))
                return _NotLogged(error)
            if self._sleeps:
                self._wake()
            return _Logged(self, end)

    def _wait_for_room(self) -> bool:
        """Whether there may be room now: the store takes calls, only not as fast as they come."""
        with self._changed:
            self._wanted = self._journal.end
            self._wake()
            if self._failed_at is None:
                self._changed.wait(0.1)
            return self._failed_at is None and self._thread is not None

    def _drop(self) -> _NotLogged:
        self._dropped += 1
        if self._dropped == 1:
            _logger.warning(
                "There is no more room for what is logged in the background. It is dropped until "
                "something can be sent to %s.",
                self._name,
            )
        return _NotLogged(
            MlflowException("The call was dropped: nothing could be sent, and the journal is full.")
        )

    # -- waiting ----------------------------------------------------------------------------

    def flush(self) -> bool:
        """Return once all calls so far are stored or were refused, or nothing more could be stored
        for HEADRACE_FLUSH_SECONDS; which of these. A line in the log says what is left."""
        everything = self._wait_for(self._journal.end)
        if not everything:
            self._sync()
            calls = self._journal.calls
            if self._said_at != calls:  # once, if several wait for the same calls
                self._said_at = calls
                _logger.warning("%s", self.what_is_left())
        if _exit_by is not None:
            self._clear()
        return everything

    def shutdown(self) -> bool:
        """Flush, and stop the thread; a later call starts a new one."""
        everything = self.flush()
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            thread = self._thread
        if everything:
            if thread is not None and thread is not threading.current_thread():
                thread.join(_seconds(HEADRACE_FLUSH_SECONDS))
            self._clear()
        return everything

    def _wait_for(self, end: int) -> bool:
        """Whether the calls up to there are stored or were refused; False when it takes too
        long."""
        if self._process != os.getpid():
            raise MlflowException("Logged by the parent process: only that one can wait for it.")
        patience = _seconds(HEADRACE_FLUSH_SECONDS)
        began = time.monotonic()
        with self._changed:
            failures = self._failures
            self._wanted = max(self._wanted, end)
            self._rush += 1
            self._changed.notify_all()
        while True:
            with self._changed:
                if self._done >= end:
                    return True
                now = time.monotonic()
                until = max(began, self._moved_at) + patience
                if _exit_by is not None:
                    until = min(until, _exit_by)
                known = self._failed_at is not None and now - self._failed_at > patience
                if now >= until or (known and self._failures > failures):
                    return False
                self._start()
                if self._thread is not None:
                    self._changed.wait(until - now)
                    continue
            self._send_here(until - now)

    def _send_here(self, seconds: float) -> None:
        """Do the thread's work, where there can be no thread."""
        try:
            self._send_all(seconds)
        except NotNow as trouble:
            self._failed(trouble)
            time.sleep(min(1.0, seconds))

    def what_is_left(self) -> str:
        """One line: how many calls are not stored, why, and what becomes of them."""
        calls = self._journal.calls - self._done_calls
        dropped = f", {self._dropped:,} more were dropped" if self._dropped else ""
        why = f": {self._trouble}" if self._trouble else "."
        files = [s.path is not None for s in self._journal.segments]
        if all(files) and self._journal.held is not None:
            kept = (
                f"They are kept in '{self._journal.held.path}' and sent by the next process that "
                "logs there, or by `mlflow sync`"
            )
        elif any(files):
            kept = "Some are in memory only and are lost with this process"
        else:
            kept = "They are in memory only and are lost with this process"
        return (
            f"{calls:,} log call{'' if calls == 1 else 's'} not yet stored at {self._name}{dropped}"
            f"{why.rstrip('.')}. {kept}."
        )

    # -- the thread -------------------------------------------------------------------------

    def _wake(self) -> None:
        with self._changed:
            self._sleeps = False
            self._start()
            self._changed.notify_all()

    def _start(self) -> None:
        if self._thread is None:
            self._stopping = False
            thread = threading.Thread(target=self._work, name="mlflow-async-logging", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no more threads: whoever waits for calls sends them
                return
            self._thread = thread

    def _work(self) -> None:
        while self._next_turn():
            try:
                self._send_all()
            except NotNow as trouble:
                self._failed(trouble)
                self._pause()
            except Exception as error:
                if not self._failures:
                    _logger.exception("Sending what was logged failed; it is tried again.")
                self._failed(NotNow(error))
                self._pause()

    def _next_turn(self) -> bool:
        """Wait until there is something to do; False when the thread should end."""
        with self._changed:
            while self._done >= self._journal.end and not self._stopping:
                self._sleeps = True
                until_look = self._look_at - time.monotonic()
                if self._done < self._journal.end or until_look <= 0:
                    break
                self._changed.wait(min(until_look, _LONGEST_WAIT))
                self._synced_at = time.monotonic()
            self._sleeps = False
            until = time.monotonic() + _seconds(
                MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS, _GATHER_SECONDS
            )
            while (
                self._wanted <= self._done
                and not self._stopping
                and (left := until - time.monotonic()) > 0
            ):
                self._changed.wait(left)
            if self._stopping and self._done >= self._journal.end:
                self._thread = None
                self._sleeps = True
                self._changed.notify_all()
                return False
            return True

    def _send_all(self, seconds: float = -1) -> None:
        """Send what is there, what dead processes left first: it is older.

        Args:
            seconds: Longest time to wait for another thread that does it.

        Raises:
            NotNow: The rest must be sent later.
        """
        if not self._sending.acquire(timeout=seconds):
            return
        try:
            self._send_orphans()
            while True:
                self._shipment.send()
                self._note_sent()
                if not self._load():
                    return
                self._sync_now_and_then()
        finally:
            self._sending.release()

    def _load(self) -> bool:
        """Take along more of the journal; False if there is no more."""
        journal = self._journal
        while journal.segments:
            segment = journal.segments[0]
            if self._reader is None or self._reader.segment is not segment:
                self._reader = Reader(segment)
            until = journal.written(segment)
            if self._reader.position < until:
                calls = self._reader.read(until, WINDOW)
                if self._reader.damaged:
                    _logger.error("The journal was changed by others: %s", segment.path)
                self._read_calls += len(calls)
                self._shipment.load(segment.writer, calls)
                return True
            if not journal.remove(segment):
                return False
        return False

    def _note_sent(self) -> None:
        reader = self._reader
        if reader is not None and reader.segment in self._journal.segments:
            reader.segment.stored = reader.position
            with self._changed:
                self._done = reader.segment.base + reader.position
                self._done_calls = self._read_calls
                self._changed.notify_all()

    def _send_orphans(self) -> None:
        """Send what dead processes left, now and then. What cannot be sent does not keep others
        waiting."""
        if self._uri is None or time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _IDLE_SECONDS
        if _exit_by is not None:
            return
        if self._journal.held is not None:
            self._journal.held.show_up()
        if self._orphan is not None:
            self._send_orphan(self._orphan)
        try:
            above = folder.of_destination(self._uri)
        except OSError:  # no home: there is no journal of ours either
            return
        for held in folder.orphans(above) if self._orphan is None else ():
            if held.name in self._unreadable:
                held.let_go()
                continue
            self._send_orphan(Orphan(held, self._store, self._on_stored))
            if self._orphan is not None:
                break

    def _send_orphan(self, orphan: Orphan) -> None:
        self._orphan = orphan
        try:
            orphan.send()
        except NotNow:
            return
        except Exception as error:
            self._unreadable.add(orphan.held.name)
            orphan.held.let_go()
            _logger.warning(
                "The journal '%s' of a process that died cannot be sent: %r",
                orphan.held.path,
                error,
            )
        self._orphan = None

    # -- how it goes ------------------------------------------------------------------------

    def _on_stored(self, calls: list[Call]) -> None:
        with self._changed:
            self._moved_at = time.monotonic()
            again = self._failed_at is not None
            self._failed_at, self._failures, self._trouble = None, 0, ""
            dropped, self._dropped = self._dropped, 0
        if again:
            _logger.info("%s takes again what is logged in the background.", self._name)
        if dropped:
            _logger.warning("%s log calls were dropped meanwhile.", f"{dropped:,}")

    def _on_refused(self, calls: list[Call], error: Exception) -> None:
        held = self._journal.held
        for call in calls:
            self._refused[call.end] = error
        while len(self._refused) > _REMEMBERED:
            del self._refused[next(iter(self._refused))]
        Refused(held.rejected if held else None, self._name).note(calls, error)
        self._on_stored(calls)

    def _failed(self, trouble: NotNow) -> None:
        cause = trouble.__cause__ or trouble
        with self._changed:
            first = self._failed_at is None
            self._failures += 1
            self._failed_at = self._failed_at or time.monotonic()
            self._trouble = " ".join(told(cause).split())[:300]
            self._changed.notify_all()
        if first:
            held = self._journal.held
            _logger.warning(
                "%s takes nothing now: %s. What is logged in the background waits in %s.",
                self._name,
                self._trouble.rstrip("."),
                f"'{held.path}'" if held else "memory",
            )

    def _pause(self) -> None:
        """Wait before the store is tried again; not for long if somebody waits for it."""
        most = min(_MOST_SECONDS, 0.5 * 2.0 ** min(self._failures - 1, 10))
        until = time.monotonic() + most * random.uniform(0.5, 1.0)
        rush = self._rush
        while (left := until - time.monotonic()) > 0 and rush == self._rush:
            self._sync_now_and_then()
            with self._changed:
                if rush == self._rush:
                    self._changed.wait(min(left, _SYNC_SECONDS))

    def _sync_now_and_then(self) -> None:
        now, end = time.monotonic(), self._journal.end
        if now - self._synced_at >= _SYNC_SECONDS and self._synced != end:
            self._synced_at, self._synced = now, end
            self._sync()

    def _sync(self) -> None:
        try:
            self._journal.sync()
        except OSError as error:
            _logger.warning("What was logged may not survive a loss of power: %s", error)

    def _clear(self) -> None:
        """Remove the files, if everything is stored."""
        if self._sending.acquire(timeout=1.0):
            try:
                if self._journal.clear(self._done):
                    self._reader = None
            finally:
                self._sending.release()


def _seconds(variable: Any, default: float = 0.0) -> float:
    try:
        value = variable.get()
    except ValueError as error:
        if str(error) not in _told_settings:
            _told_settings.add(str(error))
            _logger.warning("%s", error)
        value = variable.default
    return default if value is None else min(float(value), _LONGEST_WAIT)


#: Seconds that every system can wait.
_LONGEST_WAIT = 1e6
_told_settings: set[str] = set()


_queues: dict[AbstractStore, AsyncLoggingQueue] = {}
_trace_queues: dict[AbstractStore, AsyncLoggingQueue] = {}
_queues_lock = threading.Lock()
_exit_by: float | None = None
"""When the process must end, once it began to."""


def queue_for(store: AbstractStore) -> AsyncLoggingQueue:
    """The process's queue for this store."""
    queue = _queues.get(store)
    if queue is None:
        with _queues_lock:
            if not _queues:
                _flush_at_exit()
            queue = _queues.setdefault(store, AsyncLoggingQueue(store))
    return queue


def trace_queue_for(store: AbstractStore) -> AsyncLoggingQueue:
    """The process's queue for traces to this store: one beside that for runs, so that neither waits
    for the other."""
    queue = _trace_queues.get(store)
    if queue is None:
        with _queues_lock:
            _flush_at_exit()
            queue = _trace_queues.setdefault(store, AsyncLoggingQueue(store))
    return queue


def flush_traces(terminate: bool = False) -> None:
    """Flush every queue of traces; with `terminate` also stop their threads."""
    for queue in list(_trace_queues.values()):
        queue.shutdown() if terminate else queue.flush()


def flush_all() -> None:
    """Flush every queue of the process."""
    for queue in list(_queues.values()):
        queue.flush()


def end_run(store: AbstractStore, run_id: str, status: str) -> bool:
    """Let a run end after what it logged in the background, and flush everything; false, and
    nothing happens, if this process has logged nothing to its store in this way. A store that
    cannot be reached learns later that the run has ended.

    Raises:
        MlflowException: The store's, if it refuses to end the run.
    """
    queue = _queues.get(store)
    if queue is None:
        return False
    ended = queue.end_run(run_id, RunStatus.from_string(status), get_current_time_millis())
    flush_all()
    if isinstance(ended, _Logged):
        ended.raise_refusal()
    return True


def _at_exit() -> None:
    global _exit_by
    _exit_by = time.monotonic() + _seconds(HEADRACE_FLUSH_SECONDS)
    flush_all()
    flush_traces()


def _flush_at_exit() -> None:
    atexit.unregister(_at_exit)
    atexit.register(_at_exit)
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        from multiprocessing import parent_process

        if parent_process() is not None:  # such a process ends without atexit
            util.Finalize(None, _at_exit, exitpriority=0)


def _forget_parent() -> None:
    # The parent stores its own calls; its thread is not in this process and its locks may be held.
    global _queues_lock, _exit_by
    for store in _queues:
        store.__dict__.pop("_queue", None)
    _queues.clear()
    _trace_queues.clear()
    _queues_lock = threading.Lock()
    _exit_by = None
    folder.forget_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)
