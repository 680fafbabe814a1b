"""Threads that carry out calls for an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any

#: What it returns or raises, its caller gets.
Call = Callable[[], Any]


class Workers:
    """Threads that carry out calls for an event loop.

    The writer is one thread that takes all calls that have come in meanwhile: sixteen clients pay
    for one commit and for one waking of the loop, and no thread waits for another.

    Args:
        carry_out: What each of the calls that it is given returns or raises.
        name: Of the threads.
        threads: How many there are at most; each is started when it is needed.
        most: How many calls a thread takes at once.
    """

    def __init__(
        self,
        carry_out: Callable[[Sequence[Call]], Sequence[Any]],
        name: str,
        *,
        threads: int = 1,
        most: int = 1,
    ):
        self._carry_out = carry_out
        self._name = name
        self._most_threads = threads
        self._most_calls = most
        self._calls: SimpleQueue[tuple[asyncio.Future[Any], Call] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._open = 0  # calls that have no outcome; changed by the loop only
        self._loop: asyncio.AbstractEventLoop | None = None

    def do(self, call: Call) -> asyncio.Future[Any]:
        """The outcome of the call."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        self._open += 1
        if self._open > len(self._threads) < self._most_threads:
            # as daemons, so that one that hangs cannot keep the server from ending
            self._threads.append(threading.Thread(target=self._run, name=self._name, daemon=True))
            self._threads[-1].start()
        future = self._loop.create_future()
        self._calls.put((future, call))
        return future

    def _run(self) -> None:
        while (first := self._calls.get()) is not None:
            taken = [first]
            with contextlib.suppress(Empty):
                while len(taken) < self._most_calls:
                    if (one := self._calls.get_nowait()) is None:
                        self._calls.put(None)  # the sign to stop is for the next turn
                        break
                    taken.append(one)
            futures, calls = zip(*taken)
            try:
                outcomes = self._carry_out(calls)
            except Exception as e:
                outcomes = [e] * len(calls)
            del first, taken, calls
            assert self._loop is not None
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits for it
                self._loop.call_soon_threadsafe(self._deliver, futures, outcomes)

    def _deliver(self, futures: Sequence[asyncio.Future[Any]], outcomes: Sequence[Any]) -> None:
        self._open -= len(futures)
        for future, outcome in zip(futures, outcomes):
            if future.cancelled():
                continue
            if isinstance(outcome, StopIteration):  # a future would not take it
                outcome = RuntimeError(repr(outcome))
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

    def close(self, patience: float) -> bool:
        """Finish what was accepted; whether that took no more than `patience` seconds."""
        for _ in self._threads:
            self._calls.put(None)
        deadline = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)


def one_by_one(calls: Sequence[Call]) -> list[Any]:
    """What each of the calls returns or raises."""
    outcomes: list[Any] = []
    for call in calls:
        try:
            outcomes.append(call())
        except Exception as e:
            outcomes.append(e)
    return outcomes
