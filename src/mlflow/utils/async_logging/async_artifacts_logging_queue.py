"""Artifacts that are stored in the background, by a few threads, in no order."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from mlflow.environment_variables import MLFLOW_ASYNC_LOGGING_THREADPOOL_SIZE
from mlflow.utils.async_logging.run_operations import RunOperations

_logger = logging.getLogger(__name__)

#: Calls that may wait; one more makes its caller wait for room. Each may hold an image.
CAPACITY = 100


class _Workers:
    def __init__(self) -> None:
        # Python itself waits for this pool's calls before a process ends.
        self.pool = ThreadPoolExecutor(
            MLFLOW_ASYNC_LOGGING_THREADPOOL_SIZE.get(), thread_name_prefix="mlflow-artifacts"
        )
        self.room = threading.BoundedSemaphore(CAPACITY)
        self.open: set[Future] = set()

    def ended(self, future: Future) -> None:
        self.room.release()
        self.open.discard(future)


_workers: _Workers | None = None
_lock = threading.Lock()


def submit(store_it: Callable[[], None]) -> RunOperations:
    """Call it in the background; an error is raised by `.wait()` and stands in the log."""
    global _workers
    with _lock:
        workers = _workers = _workers or _Workers()
    workers.room.acquire()
    future = workers.pool.submit(_told, store_it)
    workers.open.add(future)
    future.add_done_callback(workers.ended)
    return RunOperations((future,))


def _told(store_it: Callable[[], None]) -> None:
    """Call it; an error stands in the log before anybody who waits for the call goes on."""
    try:
        store_it()
    except Exception as error:
        _logger.error("Failed to log an artifact: %r", error)
        raise


def flush() -> None:
    """Return once everything so far is stored or has failed; failures are in the log."""
    if _workers is not None:
        wait(list(_workers.open))


def _forget_parent() -> None:
    global _workers, _lock
    _workers, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)
