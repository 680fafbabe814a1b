"""Every RPC as an HTTP route: a table in front of the router, looked up by method and path."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

from mlflow.rpc import all_rpcs
from mlflow.rpc.declare import Rpc
from mlflow.rpc.wire import decode, decode_query, encode
from mlflow.server.errors import error_body
from mlflow.server.json_body import check_headers, read_body
from mlflow.store.tracking.abstract_store import AbstractStore

#: A log-batch of the largest size takes about 13 MB.
MAX_BODY = 64 << 20

#: Requests that are worked on at the same time, besides those of the writer.
_THREADS = 32
#: Longer bodies do not go to the writer: to read one would keep the small ones behind it waiting.
_SMALL = 1 << 20
_MOST_TOGETHER = 512

App = Callable[[Any, Any, Any], Awaitable[None]]
#: Refuses, by an exception, what a store would do for its own process but not for a client.
Guard = Callable[[Any], None]


def rpc_table(prefix: str = "") -> dict[tuple[str, str], type[Rpc]]:
    """What is served where: (method, path) to RPC, at all of its paths."""
    return {
        (endpoint.method, prefix + url): cls
        for cls in all_rpcs()
        for endpoint in cls.endpoints
        for url in endpoint.urls()
    }


class RpcRoutes:
    """Answers the RPCs with a store, after their guards, and gives everything else to the app
    behind it."""

    def __init__(
        self,
        store: AbstractStore,
        app: App,
        prefix: str = "",
        guards: Mapping[type[Rpc], Guard] = MappingProxyType({}),
    ):
        self._store = store
        self._app = app
        self._guards = guards
        self._table = rpc_table(prefix)
        self._paths = {path for _, path in self._table}
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="rpc")
        self._writer = None
        if getattr(store, "writes_one_by_one", False):
            self._writer = Writer(store.together)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] not in self._paths:
            return await self._app(scope, receive, send)
        method = scope["method"]
        if method == "HEAD":  # a GET whose answer's body the server below leaves out
            method = "GET"
        cls = self._table.get((method, scope["path"]))
        if cls is None:
            return await self._app(scope, receive, send)  # which knows how to say 405
        try:
            if method == "GET":
                answer = await self._in_a_thread(self._answer_query, cls, scope["query_string"])
            else:
                check_headers(scope["headers"], MAX_BODY)
                body = await read_body(receive, MAX_BODY)
                if self._writer is not None and cls.small_write and len(body) <= _SMALL:
                    answer = await self._writer.do(lambda: self._answer_body(cls, body))
                else:
                    answer = await self._in_a_thread(self._answer_body, cls, body)
            status = 200
        except Exception as e:
            status, answer = error_body(e)
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"content-type", b"application/json"),
                    (b"content-length", b"%d" % len(answer)),
                ],
            }
        )
        await send({"type": "http.response.body", "body": answer})

    def _in_a_thread(self, work: Callable[..., bytes], *args: Any) -> Awaitable[bytes]:
        return asyncio.get_running_loop().run_in_executor(self._threads, work, *args)

    def _answer_query(self, cls: type[Rpc], query: bytes) -> bytes:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        return self._answer(decode_query(cls, pairs))

    def _answer_body(self, cls: type[Rpc], body: bytes) -> bytes:
        return self._answer(decode(cls, body))

    def _answer(self, request: Rpc) -> bytes:
        if guard := self._guards.get(type(request)):
            guard(request)
        answer = request.answer(self._store)
        return b"{}" if answer is None else encode(answer)

    def close(self) -> None:
        """Finish what was accepted."""
        if self._writer is not None:
            self._writer.close()
        self._threads.shutdown(wait=True)


class Writer:
    """A thread that carries out small writes: all that have come in meanwhile with one commit, so
    that sixteen clients pay for one, and no thread of theirs waits for another.

    Args:
        together: What each of the calls that it is given returns or raises.
    """

    def __init__(self, together: Callable[[list[Callable[[], bytes]]], list[bytes | Exception]]):
        self._together = together
        self._calls: SimpleQueue[tuple[asyncio.Future[bytes], Callable[[], bytes]] | None]
        self._calls = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def do(self, call: Callable[[], bytes]) -> asyncio.Future[bytes]:
        """The outcome of the call, once what it wrote is committed."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._thread.start()
        future = self._loop.create_future()
        self._calls.put((future, call))
        return future

    def _run(self) -> None:
        open = True
        while open:
            waiting = [self._calls.get()]
            with contextlib.suppress(Empty):
                while len(waiting) < _MOST_TOGETHER:
                    waiting.append(self._calls.get_nowait())
            if None in waiting:
                open = False
                waiting = [one for one in waiting if one is not None]
            if not waiting:
                break
            futures, calls = zip(*waiting)
            try:
                outcomes = self._together(calls)
            except Exception as e:
                outcomes = [e] * len(calls)
            self._loop.call_soon_threadsafe(_deliver, futures, outcomes)

    def close(self) -> None:
        """Finish what was accepted."""
        if self._thread.is_alive():
            self._calls.put(None)
            self._thread.join()


def _deliver(futures: list[asyncio.Future[bytes]], outcomes: list[bytes | Exception]) -> None:
    for future, outcome in zip(futures, outcomes):
        if future.cancelled():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
