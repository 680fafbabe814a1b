"""Many files at once: threads, one error for all that failed, an end when the user wants one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.utils.progress import Progress

PIECE = 1 << 20
"""Bytes that are held in memory for each file under way."""
MAX_WORKERS = 8
"""Files under way at the same time."""
_GRACE = 2.0
"""Seconds that workers get to put things in order after an interruption."""

Job = tuple[str, Callable[[], object]]
"""Name of a file, and what is to be done with it."""


class Interrupted(Exception):
    """The user has interrupted the work that this thread takes part in."""


class _Batch(threading.local):
    stop: threading.Event | None = None


_batch = _Batch()


def check_interrupted() -> None:
    """Raise Interrupted in a worker whose work is no longer wanted. Call it between pieces."""
    if _batch.stop is not None and _batch.stop.is_set():
        raise Interrupted


def interruption_check() -> Callable[[], None]:
    """`check_interrupted` of this thread's work, to be called from other threads that help it."""
    stop = _batch.stop

    def check() -> None:
        if stop is not None and stop.is_set():
            raise Interrupted

    return check


def pieces(stream: BinaryIO, size: int = PIECE) -> Iterator[bytes]:
    """What is left in `stream`, piece by piece."""
    while piece := stream.read(size):
        check_interrupted()
        yield piece


def run_all(jobs: Sequence[Job], doing: str, root: str, workers: int = MAX_WORKERS) -> None:
    """Do all jobs, several at a time; each is tried whatever becomes of the others.

    Args:
        jobs: What to do.
        doing: "downloading" or "uploading".
        root: Where the artifacts are, for the message.
        workers: Threads at most.

    Raises:
        MlflowException: Some failed; the message has all reasons. Its code is theirs if they agree.
        KeyboardInterrupt: The user has had enough. Files under way are left out.
    """
    if not jobs:
        return
    with Progress(f"{doing.capitalize()} artifacts", len(jobs)) as progress:
        if len(jobs) == 1:
            failures = _run_one(jobs[0], progress)
        else:
            failures = _run_many(jobs, min(workers, len(jobs)), progress)
    if failures:
        raise _joined(failures, doing, root)


Failures = list[tuple[str, Exception]]


def _run_one(job: Job, progress: Progress) -> Failures:
    name, work = job
    try:
        work()
    except Exception as e:
        return [(name, e)]
    progress.update()
    return []


def _run_many(jobs: Sequence[Job], workers: int, progress: Progress) -> Failures:
    todo: queue.SimpleQueue[Job] = queue.SimpleQueue()
    for job in jobs:
        todo.put(job)
    failures: Failures = []
    stop = threading.Event()

    def work() -> None:
        _batch.stop = stop
        while not stop.is_set():
            try:
                job = todo.get_nowait()
            except queue.Empty:
                return
            failures.extend(_run_one(job, progress))

    # Daemons: an interpreter that is asked to exit does not wait for the rest of a large file.
    threads = [
        threading.Thread(target=work, name=f"artifacts-{n}", daemon=True) for n in range(workers)
    ]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except BaseException:
        stop.set()
        for thread in threads:
            thread.join(_GRACE)
        raise
    return failures


def _joined(failures: Failures, doing: str, root: str) -> MlflowException:
    failures = sorted(failures, key=lambda failure: failure[0])
    codes = {
        error.error_code if isinstance(error, MlflowException) else "INTERNAL_ERROR"
        for _, error in failures
    }
    reasons = "\n".join(f"##### File {name} #####\n{error}" for name, error in failures)
    direction = "from" if doing == "downloading" else "to"
    joined = MlflowException(
        f"The following failures occurred while {doing} one or more artifacts {direction} {root}:\n"
        f"{reasons}",
        error_code=CODES[codes.pop() if len(codes) == 1 else "INTERNAL_ERROR"],
    )
    joined.__cause__ = failures[0][1]
    return joined
