"""Which run is active where."""

from __future__ import annotations

import os
from collections.abc import Iterable, MutableSequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.entities import Run


class RunStack(MutableSequence):
    """The active runs of this thread or asyncio task, outermost first.

    A task begins with the runs of whoever made it, and what it starts or ends does not show there.
    Threads and forked processes begin with none. It is a list, and also has the `get()` and
    `set()` that other packages know.
    """

    def __init__(self) -> None:
        self._runs: ContextVar[tuple[Run, ...]] = ContextVar("mlflow_active_runs", default=())
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.reset)

    def top(self) -> Run | None:
        """The innermost active run; None if there is none."""
        runs = self._runs.get()
        return runs[-1] if runs else None

    def get(self) -> RunStack:
        """The stack itself: changes to it take effect."""
        return self

    def set(self, value: Iterable[Run]) -> None:
        """Replace all of it, here."""
        self._runs.set(tuple(value))

    def reset(self) -> None:
        """Forget the active runs, in every thread."""
        self._runs = ContextVar("mlflow_active_runs", default=())

    def copy(self) -> list[Run]:
        """The runs as a list of their own."""
        return list(self._runs.get())

    def __getitem__(self, index: Any) -> Any:
        return self.copy()[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        runs = self.copy()
        runs[index] = value
        self.set(runs)

    def __delitem__(self, index: Any) -> None:
        runs = self.copy()
        del runs[index]
        self.set(runs)

    def __len__(self) -> int:
        return len(self._runs.get())

    def insert(self, index: int, value: Run) -> None:
        runs = self.copy()
        runs.insert(index, value)
        self.set(runs)

    def __eq__(self, other: object) -> bool:
        return self.copy() == other

    def __repr__(self) -> str:
        return repr(self.copy())
