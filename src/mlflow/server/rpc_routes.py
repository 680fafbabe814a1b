"""Every RPC as an HTTP route: a table in front of the router, looked up by method and path."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

from mlflow.rpc import all_rpcs
from mlflow.rpc.declare import Rpc
from mlflow.rpc.wire import decode, decode_query, encode
from mlflow.server.errors import error_body
from mlflow.server.json_body import check_headers, read_body

#: A log-batch of the largest size takes about 13 MB.
MAX_BODY = 64 << 20

#: Requests that are worked on at the same time, besides those of the writer.
_THREADS = 32
#: Longer bodies do not go to the writer: to read one would keep the small ones behind it waiting.
_SMALL = 1 << 20
_MOST_TOGETHER = 512

App = Callable[[Any, Any, Any], Awaitable[None]]
Call = Callable[[], bytes]
#: Refuses, by an exception, what a store would do for its own process but not for a client.
Guard = Callable[[Any], None]


Fields = Mapping[str, str]
_NO_FIELDS: Fields = MappingProxyType({})


def rpc_table(prefix: str = "") -> dict[tuple[str, str], type[Rpc]]:
    """What is served where: (method, path) to RPC, at all of its paths."""
    return {
        (endpoint.method, prefix + url): cls
        for cls in all_rpcs()
        for endpoint in cls.endpoints
        for url in endpoint.urls()
    }


@dataclass(frozen=True)
class _Template:
    """A path with fields in it."""

    pattern: re.Pattern[str]
    by_method: Mapping[str, type[Rpc]]


class RpcRoutes:
    """Answers the RPCs with the stores, after their guards, and gives everything else to the app
    behind it.

    Args:
        stores: By the names that RPCs declare. If the tracking store says `writes_one_by_one`, its
            `together` is used.
    """

    def __init__(
        self,
        stores: Mapping[str, Any],
        app: App,
        prefix: str = "",
        guards: Mapping[type[Rpc], Guard] = MappingProxyType({}),
    ):
        self._stores = stores
        self._app = app
        self._guards = guards
        self._table = rpc_table(prefix)
        self._paths = {path for _, path in self._table if "{" not in path}
        self._templates = _templates(self._table)
        self._threads = Workers(_one_by_one, "rpc", threads=_THREADS)
        self._writer = self._threads
        tracking = stores["tracking"]
        if getattr(tracking, "writes_one_by_one", False):
            self._writer = Workers(tracking.together, "writer", most=_MOST_TOGETHER)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        method = scope["method"]
        if method == "HEAD":  # a GET whose answer's body the server below leaves out
            method = "GET"
        cls, fields = self._find(method, scope["path"])
        if cls is None:
            return await self._app(scope, receive, send)  # which knows how to say 404 and 405
        scope["rpc"] = cls.__name__  # for whoever counts
        try:
            if method == "GET":
                query = scope["query_string"]
                answer = await self._threads.do(lambda: self._answer_query(cls, query, fields))
            else:
                check_headers(scope["headers"], MAX_BODY)
                body = await read_body(receive, MAX_BODY)
                small = cls.small_write and len(body) <= _SMALL
                threads = self._writer if small else self._threads
                answer = await threads.do(lambda: self._answer_body(cls, body, fields))
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

    def _find(self, method: str, path: str) -> tuple[type[Rpc] | None, Fields]:
        """The RPC there, and those of its fields that the path has."""
        if path in self._paths:
            return self._table.get((method, path)), _NO_FIELDS
        for template in self._templates:
            match, cls = template.pattern.fullmatch(path), template.by_method.get(method)
            if match and cls:
                return cls, match.groupdict()
        return None, _NO_FIELDS

    def _answer_query(self, cls: type[Rpc], query: bytes, fields: Fields) -> bytes:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        return self._answer(decode_query(cls, pairs), fields)

    def _answer_body(self, cls: type[Rpc], body: bytes, fields: Fields) -> bytes:
        return self._answer(decode(cls, body), fields)

    def _answer(self, request: Rpc, fields: Fields) -> bytes:
        for name, value in fields.items():
            setattr(request, name, value)
        if guard := self._guards.get(type(request)):
            guard(request)
        answer = request.answer(self._stores[request.store])
        return b"{}" if answer is None else encode(answer)

    def close(self, patience: float = 10.0) -> bool:
        """Finish what was accepted; whether that took no more than `patience` seconds."""
        deadline = time.monotonic() + patience
        pools = {self._writer, self._threads}
        return all([pool.close(deadline - time.monotonic()) for pool in pools])


def _templates(table: Mapping[tuple[str, str], type[Rpc]]) -> list[_Template]:
    """The paths with fields. A field is one step of a path, but a last one is all that is left:
    the names of tags may have slashes."""
    methods: dict[str, dict[str, type[Rpc]]] = {}
    for (method, path), cls in table.items():
        if "{" in path:
            methods.setdefault(path, {})[method] = cls
    found = []
    for path, by_method in methods.items():
        text = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path))
        if text.endswith("[^/]+)") and text.count("(?P<") > 1:
            text = text.removesuffix("[^/]+)") + ".+)"
        found.append(_Template(re.compile(text), by_method))
    return found


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
        carry_out: Callable[[Sequence[Call]], Sequence[bytes | Exception]],
        name: str,
        *,
        threads: int = 1,
        most: int = 1,
    ):
        self._carry_out = carry_out
        self._name = name
        self._most_threads = threads
        self._most_calls = most
        self._calls: SimpleQueue[tuple[asyncio.Future[bytes], Call] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._open = 0  # calls that have no outcome; changed by the loop only
        self._loop: asyncio.AbstractEventLoop | None = None

    def do(self, call: Call) -> asyncio.Future[bytes]:
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

    def _deliver(
        self, futures: Sequence[asyncio.Future[bytes]], outcomes: Sequence[bytes | Exception]
    ) -> None:
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


def _one_by_one(calls: Sequence[Call]) -> list[bytes | Exception]:
    outcomes: list[bytes | Exception] = []
    for call in calls:
        try:
            outcomes.append(call())
        except Exception as e:
            outcomes.append(e)
    return outcomes
