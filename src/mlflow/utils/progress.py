"""One progress bar, on stderr. It shows itself only when there is something to wait for."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType

_PATIENCE = 1.0
"""Seconds before a bar appears."""
_PAUSE = 0.1
"""Seconds between two drawings."""
_WIDTH = 24


class Progress:
    """A bar that any thread may move on.

    It draws nothing unless stderr is a terminal, MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR is not false,
    a second has passed, and no other bar is up.

        with Progress("Uploading artifacts", total=len(files)) as progress:
            for file in files:
                send(file)
                progress.update()

    Args:
        description: Stands before the bar.
        total: Number of steps, or of bytes; None when unknown.
        unit: "B" for bytes, which are shown as KB, MB and so on; else a word such as "files".
    """

    _shown: Progress | None = None

    def __init__(self, description: str, total: int | None = None, unit: str = "files"):
        self.description = description
        self.total = total
        self.unit = unit
        self.done = 0
        self._lock = threading.Lock()
        self._start = time.monotonic()
        self._drawn = 0.0
        self._width = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if Progress._shown is self:
            self._draw()
            sys.stderr.write("\n")
            sys.stderr.flush()
            Progress._shown = None

    def update(self, steps: int = 1) -> None:
        """So many more are done."""
        with self._lock:
            self.done += steps
            now = time.monotonic()
            if now - self._start < _PATIENCE or now - self._drawn < _PAUSE:
                return
            self._drawn = now
            if Progress._shown is None and _is_wanted():
                Progress._shown = self
            if Progress._shown is self:
                self._draw()

    def _draw(self) -> None:
        line = self.line(time.monotonic() - self._start)
        sys.stderr.write("\r" + line.ljust(self._width))
        sys.stderr.flush()
        self._width = len(line)

    def line(self, seconds: float) -> str:
        """The text of the bar after so many seconds of work."""
        rate = f"{self._amount(self.done / max(seconds, 1e-9))}/s"
        if not self.total:
            return f"{self.description}: {self._amount(self.done)} ({rate})"
        share = min(self.done / self.total, 1.0)
        bar = "#" * int(share * _WIDTH)
        return (
            f"{self.description}: {share:4.0%} |{bar:<{_WIDTH}}| "
            f"{self._amount(self.done)} of {self._amount(self.total)} ({rate})"
        )

    def _amount(self, number: float) -> str:
        if self.unit != "B":
            return f"{number:.0f} {self.unit}"
        for prefix in ("", "K", "M", "G"):
            if number < 1000:
                return f"{number:.3g} {prefix}B"
            number /= 1000
        return f"{number:.3g} TB"


def _is_wanted() -> bool:
    from mlflow.environment_variables import MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR

    try:
        return sys.stderr.isatty() and bool(MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.get())
    except (AttributeError, ValueError):  # no stderr, or it is closed
        return False
