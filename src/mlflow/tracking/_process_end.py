"""Runs that are still open when their thread or process ends: they end with it, and their status
says how.

* The process ends by itself: FINISHED, or FAILED after an exception that nobody caught.
* A thread dies of an exception: FAILED.
* A process of `multiprocessing` likewise, though it ends without Python's own ceremonies.
* SIGTERM, where its default action was in place when a run started in the main thread: KILLED. The
  process then dies of the signal, as it would have.

A forked process does not end the runs of its parent.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

_logger = logging.getLogger(__name__)

#: After SIGTERM: how long to try, before the process dies anyhow.
SECONDS_TO_DIE = 10

#: Run id to: what ends it with a status, and the thread that started it. In the order they started.
_open: dict[str, tuple[Callable[[str], None], int]] = {}
_hooked = False
_in_child = False
_child: FrameType | None = None  # where multiprocessing runs what a child is for
_dying = False


def watch(run_id: str, end: Callable[[str], None]) -> None:
    """Call `end` with a status when this thread or process ends before `unwatch`."""
    global _hooked
    _open[run_id] = (end, threading.get_ident())
    if not _hooked:
        _hooked = True
        atexit.register(_at_exit)
        _hook_threads()
    _hook_multiprocessing()
    _listen()


def unwatch(run_id: str) -> None:
    """The run has ended."""
    _open.pop(run_id, None)
    if not _open:
        _stop_listening()


def _end_all(status: str, thread: int | None = None) -> None:
    for run_id, (end, its_thread) in reversed(list(_open.items())):
        if thread is None or thread == its_thread:
            try:
                end(status)
            except Exception as error:
                _logger.warning("Run %s could not be ended as %s: %s", run_id, status, error)


def _at_exit() -> None:
    _end_all("FAILED" if _crashed() else "FINISHED")


def _hook_multiprocessing() -> None:
    global _in_child, _child
    util = sys.modules.get("multiprocessing.util")
    if util is not None and not _in_child:
        from multiprocessing import parent_process

        if parent_process() is not None:
            _in_child = True
            _child = sys._getframe()
            while _child is not None and _child.f_code.co_name != "_bootstrap":
                _child = _child.f_back
            util.Finalize(None, _at_exit, exitpriority=0)


def _crashed() -> bool:
    if _in_child:
        # From 3.13 on the exception is over by now; what came of it is still to be seen.
        code = None if _child is None else _child.f_locals.get("exitcode")
        return sys.exc_info()[0] is not None or code not in (0, None)
    # Python keeps the exception it dies of there; a prompt keeps what its last command failed with.
    at_prompt = hasattr(sys, "ps1") or sys.flags.interactive
    return getattr(sys, "last_value", None) is not None and not at_prompt


def _hook_threads() -> None:
    report = threading.excepthook

    def end_and_report(args: threading.ExceptHookArgs) -> None:
        _end_all("FAILED", threading.get_ident())
        report(args)

    threading.excepthook = end_and_report


def _listen() -> None:
    if (
        os.name == "posix"
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    ):
        with contextlib.suppress(ValueError):  # the main thread of a subinterpreter
            signal.signal(signal.SIGTERM, _on_sigterm)


def _stop_listening() -> None:
    if (
        not _dying
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is _on_sigterm
    ):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _on_sigterm(number: int, frame: FrameType | None) -> None:
    global _dying
    if _open and not _dying:
        _dying = True
        try:
            # In a thread: the code that the signal interrupted may hold a lock that ending a run
            # needs.
            threading.Thread(target=_end_killed, daemon=True).start()
            return
        except RuntimeError:  # the interpreter is ending and starts no more threads
            pass
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)


def _end_killed() -> None:
    ending = threading.Thread(target=_end_all, args=("KILLED",), daemon=True)
    ending.start()
    ending.join(SECONDS_TO_DIE)
    os.kill(os.getpid(), signal.SIGTERM)  # _on_sigterm again, in the main thread: now it dies


_mask_before_fork = threading.local()


def _before_fork() -> None:
    # Python forgets signals that reach a child before it is set up; blocked, they wait.
    _mask_before_fork.value = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _after_fork_in_parent() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _mask_before_fork.value)


def _after_fork_in_child() -> None:
    global _in_child, _child, _dying
    _open.clear()
    _in_child = _dying = False
    _child = None
    if signal.getsignal(signal.SIGTERM) is _on_sigterm:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, _mask_before_fork.value)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
