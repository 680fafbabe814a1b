from __future__ import annotations

import time
from types import TracebackType


def get_current_time_millis() -> int:
    """Now, in milliseconds since the Unix epoch."""
    return int(time.time() * 1000)


def conv_longdate_to_str(longdate: int, local_tz: bool = True) -> str:
    """A time for people, in this machine's zone: `2023-11-14 23:13:20 CET`.

    Args:
        longdate: Milliseconds since the Unix epoch.
        local_tz: Whether to say which zone it is.
    """
    moment = time.localtime(longdate / 1000)
    return time.strftime("%Y-%m-%d %H:%M:%S %Z" if local_tz else "%Y-%m-%d %H:%M:%S", moment)


class Timer:
    """How long a `with` block took: `.elapsed`, in seconds."""

    def __init__(self) -> None:
        self.elapsed = 0.0

    def __enter__(self) -> Timer:
        self._start = time.perf_counter()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.elapsed = time.perf_counter() - self._start

    def __format__(self, spec: str) -> str:
        return format(self.elapsed, spec)

    def __repr__(self) -> str:
        return str(self.elapsed)
