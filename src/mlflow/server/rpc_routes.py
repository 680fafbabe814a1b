"""Every RPC as an HTTP route: a table in front of the router, looked up by method and path."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

from mlflow.exceptions import MlflowException
from mlflow.rpc import all_rpcs
from mlflow.rpc.declare import Rpc
from mlflow.rpc.wire import decode, decode_query, encode
from mlflow.server.errors import error_body
from mlflow.server.json_body import check_headers, read_body
from mlflow.store.tracking.abstract_store import AbstractStore

#: A log-batch of the largest size takes about 13 MB.
MAX_BODY = 64 << 20

#: Requests that are worked on at the same time. Writers to SQLite share commits, so many is good.
_THREADS = 32

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

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] not in self._paths:
            return await self._app(scope, receive, send)
        if scope["method"] == "HEAD":  # a GET whose answer's body the server below leaves out
            scope = {**scope, "method": "GET"}
        cls = self._table.get((scope["method"], scope["path"]))
        if cls is None:
            return await self._app(scope, receive, send)  # which knows how to say 405
        try:
            body = b""
            if scope["method"] != "GET":
                check_headers(scope["headers"], MAX_BODY)
                body = await read_body(receive, MAX_BODY)
            loop = asyncio.get_running_loop()
            status, answer = await loop.run_in_executor(
                self._threads, self._answer, cls, scope, body
            )
        except MlflowException as e:
            status, answer = error_body(e)
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"content-type", b"application/json"),
                    (b"content-length", str(len(answer)).encode()),
                ],
            }
        )
        await send({"type": "http.response.body", "body": answer})

    def _answer(self, cls: type[Rpc], scope: Any, body: bytes) -> tuple[int, bytes]:
        try:
            if scope["method"] == "GET":
                pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
                request = decode_query(cls, pairs)
            else:
                request = decode(cls, body)
            if guard := self._guards.get(cls):
                guard(request)
            answer = request.answer(self._store)
            return 200, b"{}" if answer is None else encode(answer)
        except Exception as e:
            return error_body(e)

    def close(self) -> None:
        """Finish what was accepted."""
        self._threads.shutdown(wait=True)
