"""A value for each thread."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any


class ThreadLocalVariable:
    """A variable that has a value of its own in each thread.

    Args:
        default_factory: Makes the value of a thread that has not set one.
        reset_in_subprocess: Whether a forked process begins without values.
    """

    def __init__(self, default_factory: Callable[[], Any], reset_in_subprocess: bool = True):
        self.default_factory = default_factory
        self.reset_in_subprocess = reset_in_subprocess
        self.reset()

    def get(self) -> Any:
        """The value in this thread."""
        self._notice_fork()
        if not hasattr(self.thread_local, "value"):
            self.set(self.default_factory())
        return self.thread_local.value

    def set(self, value: Any) -> None:
        """Give it a value in this thread."""
        self._notice_fork()
        self.thread_local.value = value
        self._all[threading.get_ident()] = value

    def get_all_thread_values(self) -> dict[int, Any]:
        """The values of all threads that have one, by the threads' identifiers."""
        self._notice_fork()
        return self._all.copy()

    def reset(self) -> None:
        """Forget the values of all threads."""
        self.thread_local = threading.local()
        self._all: dict[int, Any] = {}
        self._process = os.getpid()

    def _notice_fork(self) -> None:
        if self.reset_in_subprocess and os.getpid() != self._process:
            self.reset()
