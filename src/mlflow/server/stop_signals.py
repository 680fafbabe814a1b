"""Knowing that the server is told to stop while there are still answers under way."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)
]


@contextlib.contextmanager
def when_told_to_stop(then: Callable[[], None]) -> Iterator[None]:
    """Have `then` called in this event loop when the process gets a signal to stop.

    uvicorn tells the app that it ends once all answers are complete, which is too late for answers
    that go on until somebody ends them. So the signal is heard here, too, before it goes on to
    whoever handled it. Nothing happens in an event loop that has no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    handlers: dict[int, Any] = {}

    def hear(number: int, frame: Any) -> None:
        loop.call_soon_threadsafe(then)
        handlers[number](number, frame)

    for number in _SIGNALS:
        handler = signal.getsignal(number)
        if callable(handler):
            handlers[number] = handler
            signal.signal(number, hear)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            if signal.getsignal(number) is hear:
                signal.signal(number, handler)
