"""What changes in experiments, told to browser windows as it happens (Server-Sent Events).

One watcher looks for all windows that show the same experiments, from when the first one comes to
when the last one goes. A look is a call of the store in a thread; windows are tasks of the event
loop, and cost no threads. Each keeps one merged event for a client that is too slow to take them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.server.workers import Workers, one_by_one
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.store.tracking.base.changes import Changes, Sight

PATH = "/ajax-api/ui/changes"
MOST_STREAMS = 1000
"""In one process."""
MOST_EXPERIMENTS = 500
HEARTBEAT = 15.0
"""Seconds after which a quiet stream sends a comment, for proxies that end what is idle."""

_INTERVAL = 1.0
"""Seconds between two looks."""
_SHARE = 20
"""Looks take at most this part of the time, however long one takes."""
_AFTER_ERROR = 5.0
_RETRY_MS = 2000
_THREADS = 2
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # or nginx keeps events until it has 4 kB of them
]

_logger = logging.getLogger("mlflow.server")


class ChangeStreams:
    """All open streams of this process.

    Args:
        store: Says what has changed.
    """

    def __init__(self, store: AbstractStore):
        self.store = store
        self.threads = Workers(one_by_one, "changes", threads=_THREADS)
        self.watchers: dict[tuple[str, ...], _Watcher] = {}
        self._open = 0
        self._ending = False

    def routes(self) -> list[BaseRoute]:
        """The route that windows subscribe at."""
        return [Route(PATH, self, methods=["GET"])]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope["rpc"] = "Changes"  # for whoever counts
        request = Request(scope)
        experiments = _experiments(request.query_params)
        if self._ending or self._open >= MOST_STREAMS:
            raise MlflowException(
                "The server is about to stop."
                if self._ending
                else f"{MOST_STREAMS} windows are watching already; this one has to ask by itself.",
                error_code=CODES["TEMPORARILY_UNAVAILABLE"],
            )
        if request.method == "HEAD":
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await send({"type": "http.response.body"})
            return
        watcher = self.watchers.get(experiments)
        if watcher is None:
            watcher = self.watchers[experiments] = _Watcher(self, experiments)
        self._open += 1
        # A window that closed its stream for a while names the last event in the URL.
        since = request.headers.get("last-event-id") or request.query_params.get("since")
        window = _Window(since)
        try:
            await watcher.let_in(window)
            await window.stream(receive, send)
        finally:
            self._open -= 1
            watcher.let_out(window)

    def end(self) -> None:
        """End all streams now, and begin none."""
        self._ending = True
        for watcher in self.watchers.values():
            for window in watcher.windows:
                window.end()

    def close(self, patience: float) -> bool:
        """Stop looking; whether that took no more than `patience` seconds."""
        return self.threads.close(patience)


class _Watcher:
    """Looks at some experiments for all who watch them."""

    def __init__(self, streams: ChangeStreams, experiments: tuple[str, ...]):
        self.windows: set[_Window] = set()
        self._streams = streams
        self._experiments = experiments
        self._newcomers: list[_Window] = []
        self._wanted = asyncio.Event()
        self._sight: Sight | None = None
        self._failed = False
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def let_in(self, window: _Window) -> None:
        """Tell the window what there is, and from then on what changes.

        Raises:
            Exception: What its first look raised.
        """
        self.windows.add(window)
        self._newcomers.append(window)
        self._wanted.set()
        await window.seen

    def let_out(self, window: _Window) -> None:
        """Tell it nothing more."""
        self.windows.discard(window)
        if not self.windows and self._streams.watchers.get(self._experiments) is self:
            del self._streams.watchers[self._experiments]
            self._task.cancel()

    async def _watch(self) -> None:
        while True:
            cost = await self._look()
            # all watchers together
            rest = cost * _SHARE * len(self._streams.watchers)
            if self._failed:
                await asyncio.sleep(_AFTER_ERROR)
                continue
            await asyncio.sleep(min(rest, _INTERVAL))
            # only who has just come cannot wait
            await _happens(self._wanted, max(_INTERVAL, rest) - min(rest, _INTERVAL))

    async def _look(self) -> float:
        """Look once, and tell the windows; the seconds it took."""
        newcomers, self._newcomers = self._newcomers, []
        self._wanted.clear()
        since: list[Sight | str] = [] if self._sight is None else [self._sight]
        with_cursor = [window for window in newcomers if window.cursor]
        since += [window.cursor for window in with_cursor]

        def look() -> tuple[float, Sight, list[Changes]]:
            began = time.perf_counter()
            sight, changes = self._streams.store.changes(self._experiments, since)
            return time.perf_counter() - began, sight, changes

        try:
            cost, sight, changes = await self._streams.threads.do(look)
        except Exception as e:
            self._fail(e, newcomers)
            return 0.0
        self._failed = False
        if self._sight is not None:
            self._tell(changes.pop(0), sight, newcomers)
        self._sight = sight
        of_cursor = dict(zip(with_cursor, changes))
        for window in newcomers:
            window.tell(of_cursor.get(window, Changes(running=sight.running)), sight.cursor)
            window.found()
        return cost

    def _tell(self, changes: Changes, sight: Sight, newcomers: Sequence[_Window]) -> None:
        assert self._sight is not None
        if not changes and sight.running == self._sight.running:
            return
        for window in self.windows.difference(newcomers, self._newcomers):
            window.tell(changes, sight.cursor)

    def _fail(self, error: Exception, newcomers: Sequence[_Window]) -> None:
        """Those who have just come are told; the others only see nothing new until it works
        again."""
        for window in newcomers:
            window.found(error)
        if self.windows.difference(newcomers) and not self._failed:
            self._failed = True
            _logger.warning("Looking for changes failed and is tried again: %s", error)


class _Window:
    """One client."""

    def __init__(self, cursor: str | None):
        self.cursor = cursor or ""
        """Up to where it was told everything."""
        self.seen: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Whether its first look is done."""
        self._changes: Changes | None = None
        self._called = asyncio.Event()
        self._ended = False

    def found(self, error: Exception | None = None) -> None:
        """Its first look is done."""
        if self.seen.done():
            return
        if error is None:
            self.seen.set_result(None)
        else:
            self.seen.set_exception(error)

    def tell(self, changes: Changes, cursor: str) -> None:
        """Send this, together with what could not be sent yet."""
        self._changes = changes if self._changes is None else self._changes.then(changes)
        self.cursor = cursor
        self._called.set()

    def end(self) -> None:
        """End the stream; what was not sent is not sent."""
        self._ended = True
        self._called.set()

    async def stream(self, receive: Any, send: Any) -> None:
        """Send what it is told, until the client goes or the stream is ended."""
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        leaving = asyncio.get_running_loop().create_task(self._end_with_client(receive))
        text = f"retry: {_RETRY_MS}\n\n"
        try:
            while not self._ended:
                await send(_piece(text + self._event()))
                text = ""
                if self._changes is None and not await _happens(self._called, HEARTBEAT):
                    # a block without data is no event; it only moves the cursor
                    text = f": \nid: {self.cursor}\n\n"
            await send({"type": "http.response.body"})
        finally:
            leaving.cancel()

    def _event(self) -> str:
        """What is to be sent, if there is something."""
        self._called.clear()
        changes, self._changes = self._changes, None
        if changes is None:
            return ""
        data: dict[str, Any] = {
            "new": changes.new,
            "runs": sorted(changes.runs),
            "points": sorted(changes.points),
            "running": changes.running,
        }
        if changes.traces:
            data["traces"] = changes.traces
        if changes.reload:
            data["reload"] = True
        return f"id: {self.cursor}\nevent: changes\ndata: {msgspec.json.encode(data).decode()}\n\n"

    async def _end_with_client(self, receive: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.end()


def _piece(text: str) -> dict[str, Any]:
    return {"type": "http.response.body", "body": text.encode(), "more_body": True}


async def _happens(event: asyncio.Event, seconds: float) -> bool:
    """Whether it happens within so many seconds."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except asyncio.TimeoutError:
        return False
    return True


def _experiments(query: QueryParams) -> tuple[str, ...]:
    """What to watch: `experiment_ids`, once or several times, with commas or without."""
    parts = [part for value in query.getlist("experiment_ids") for part in value.split(",")]
    found = sorted({part.strip() for part in parts} - {""})
    if not found:
        raise MlflowException.invalid_parameter_value(
            "Parameter 'experiment_ids' is missing; name at least one experiment to watch."
        )
    if len(found) > MOST_EXPERIMENTS:
        raise MlflowException.invalid_parameter_value(
            f"{len(found)} experiments cannot be watched at once; {MOST_EXPERIMENTS} can."
        )
    return tuple(found)
