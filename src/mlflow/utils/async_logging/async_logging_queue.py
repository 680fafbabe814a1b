"""Log calls wait here, in order, until one background thread has stored them.

A memory queue: what a process has not sent when it is killed is lost. Whoever calls knows
`submit`, `flush` and `shutdown` only, so a queue that survives can take its place.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlflow.environment_variables import MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS
from mlflow.exceptions import MlflowException
from mlflow.utils.async_logging.run_operations import RunOperations

if TYPE_CHECKING:
    from mlflow.entities import Metric, Param, RunTag
    from mlflow.store.tracking.abstract_store import AbstractStore

_logger = logging.getLogger(__name__)

#: Calls that may wait; one more makes its caller wait for room. About 500 bytes each.
CAPACITY = 100_000
#: What `log_batch` takes at once.
MAX_METRICS, MAX_PARAMS, MAX_TAGS, MAX_ENTITIES = 1000, 100, 100, 1000
#: Refusals of one record that make a store refuse the whole batch around it.
_CULPRIT_MAY_BE_ONE = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST")


class _Call:
    """One log call, and what became of it. Also the future that RunOperations waits for."""

    __slots__ = ("run_id", "metrics", "params", "tags", "queue", "number", "error")

    def __init__(
        self,
        run_id: str,
        metrics: Sequence[Metric],
        params: Sequence[Param],
        tags: Sequence[RunTag],
        queue: AsyncLoggingQueue,
    ):
        self.run_id = run_id
        self.metrics = metrics
        self.params = params
        self.tags = tags
        self.queue = queue
        self.number = 0
        self.error: Exception | None = None

    def result(self) -> None:
        self.queue._wait_for(self.number)
        if self.error is not None:
            raise self.error


class AsyncLoggingQueue:
    """The calls for one store. Any thread may use it; calls for one run are stored in the order
    they came."""

    def __init__(self, store: AbstractStore, capacity: int = CAPACITY):
        self._store = store
        self._capacity = capacity
        self._calls: deque[_Call] = deque()
        self._lock = threading.Lock()
        self._news = threading.Condition(self._lock)  # the sender waits here
        self._progress = threading.Condition(self._lock)  # flush, wait and a full queue's callers
        self._submitted = 0
        self._done = 0
        self._wanted = 0  # somebody waits for the call with this number: don't linger
        self._sender: threading.Thread | None = None
        self._sender_sleeps = False
        self._stopping = False
        self._process = os.getpid()

    def submit(
        self,
        run_id: str,
        metrics: Sequence[Metric] = (),
        params: Sequence[Param] = (),
        tags: Sequence[RunTag] = (),
    ) -> RunOperations:
        """Queue one call; blocks only while the queue is full.

        Args:
            metrics: With `params` and `tags`, no more than one `log_batch` takes.
        """
        call = _Call(run_id, metrics, params, tags, self)
        with self._lock:
            while len(self._calls) >= self._capacity:
                self._wanted = self._submitted
                self._news.notify()
                self._progress.wait()
            self._submitted += 1
            call.number = self._submitted
            self._calls.append(call)
            if self._sender_sleeps:
                self._news.notify()
            elif self._sender is None:
                self._start()
        return RunOperations((call,))

    def flush(self) -> None:
        """Return once all calls so far are stored or have failed; failures are in the log."""
        self._wait_for(self._submitted)

    def shutdown(self) -> None:
        """Flush, and stop the thread; a later `submit` starts a new one."""
        with self._lock:
            self._stopping = True
            self._news.notify()
            sender = self._sender
        if sender is not None and sender is not threading.current_thread():
            sender.join()

    def _wait_for(self, number: int) -> None:
        if self._process != os.getpid():
            raise MlflowException("Logged by the parent process: only that one can wait for it.")
        with self._lock:
            self._wanted = max(self._wanted, number)
            self._news.notify()
            while self._done < number:
                if self._sender is None:  # stopped with calls left: a shutdown came in between
                    self._start()
                self._progress.wait()

    def _start(self) -> None:
        self._stopping = False
        self._sender = threading.Thread(
            target=self._send_forever, name="mlflow-async-logging", daemon=True
        )
        self._sender.start()

    def _send_forever(self) -> None:
        while calls := self._next_calls():
            for run_id, group in _by_run(calls).items():
                for batch in _packed(group):
                    self._send(run_id, batch)
            with self._lock:
                self._done = calls[-1].number
                self._progress.notify_all()

    def _next_calls(self) -> list[_Call]:
        """All that wait, at least one; nothing when the thread should end."""
        linger = MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS.get()
        with self._lock:
            while not self._calls and not self._stopping:
                self._sender_sleeps = True
                self._news.wait()
            self._sender_sleeps = False
            if linger and self._wanted <= self._done and not self._stopping:
                self._news.wait(linger)
            calls = list(self._calls)
            self._calls.clear()
            if not calls:
                self._sender = None
                self._progress.notify_all()
            return calls

    def _send(self, run_id: str, calls: list[_Call]) -> None:
        metrics = [m for call in calls for m in call.metrics]
        params = [p for call in calls for p in call.params]
        tags = [t for call in calls for t in call.tags]
        try:
            self._store.log_batch(run_id, metrics, params, tags)
        except Exception as error:
            code = getattr(error, "error_code", None)
            if len(calls) > 1 and code in _CULPRIT_MAY_BE_ONE:
                half = len(calls) // 2
                self._send(run_id, calls[:half])
                self._send(run_id, calls[half:])
                return
            for call in calls:
                call.error = error
            _logger.error("Run Id %s: Failed to log run data: %s", run_id, _told(error))


def _by_run(calls: list[_Call]) -> dict[str, list[_Call]]:
    groups: dict[str, list[_Call]] = {}
    for call in calls:
        groups.setdefault(call.run_id, []).append(call)
    return groups


def _packed(calls: list[_Call]) -> list[list[_Call]]:
    """The calls in as few batches as the limits allow, in order."""
    batches: list[list[_Call]] = []
    metrics = params = tags = MAX_ENTITIES + 1
    for call in calls:
        metrics += len(call.metrics)
        params += len(call.params)
        tags += len(call.tags)
        if (
            metrics > MAX_METRICS
            or params > MAX_PARAMS
            or tags > MAX_TAGS
            or metrics + params + tags > MAX_ENTITIES
        ):
            batches.append([])
            metrics, params, tags = len(call.metrics), len(call.params), len(call.tags)
        batches[-1].append(call)
    return batches


def _told(error: Exception) -> str:
    return error.message if isinstance(error, MlflowException) else repr(error)


_queues: dict[AbstractStore, AsyncLoggingQueue] = {}
_queues_lock = threading.Lock()


def queue_for(store: AbstractStore) -> AsyncLoggingQueue:
    """The process's queue for this store."""
    queue = _queues.get(store)
    if queue is None:
        with _queues_lock:
            if not _queues:
                atexit.unregister(flush_all)
                atexit.register(flush_all)
            queue = _queues.setdefault(store, AsyncLoggingQueue(store))
    return queue


def flush_all() -> None:
    """Flush every queue of the process."""
    for queue in list(_queues.values()):
        queue.flush()


def _forget_parent() -> None:
    # The parent stores its own calls; its thread is not in this process and its locks may be held.
    global _queues_lock
    _queues.clear()
    _queues_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)
