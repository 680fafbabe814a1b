"""Every RPC as an HTTP route: a table in front of the router, looked up by method and path."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

from mlflow.rpc import all_rpcs
from mlflow.rpc.declare import Rpc
from mlflow.rpc.wire import decode, decode_query, encode
from mlflow.server.errors import error_body
from mlflow.server.json_body import check_headers, read_body
from mlflow.server.packed_answers import Headers, Packed, packed
from mlflow.server.workers import Workers, one_by_one
from mlflow.store.model_registry.caller import answering

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
        stores: By the names that RPCs declare. If the tracking store says `writesone_by_one`, its
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
        self._threads = Workers(one_by_one, "rpc", threads=_THREADS)
        self._writer = self._threads
        tracking = stores["tracking"]
        if getattr(tracking, "writesone_by_one", False):
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
        headers = scope["headers"]
        try:
            if method == "GET":
                query = scope["query_string"]
                answer = await self._threads.do(
                    lambda: self._answer(decode_query(cls, _pairs(query)), fields, headers, True)
                )
            else:
                check_headers(headers, MAX_BODY, method)
                body = await read_body(receive, MAX_BODY)
                small = cls.small_write and len(body) <= _SMALL
                threads = self._writer if small else self._threads
                answer = await threads.do(lambda: self._answer(decode(cls, body), fields, headers))
            status = 200
        except Exception as e:
            status, answer = error_body(e)
        if type(answer) is Packed:
            return await _send_packed(answer, send)
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

    def _answer(
        self, request: Rpc, fields: Fields, headers: Headers, is_get: bool = False
    ) -> bytes | Packed:
        for name, value in fields.items():
            setattr(request, name, value)
        if guard := self._guards.get(type(request)):
            guard(request)
        store = self._stores[request.store]
        if request.store == "registry":  # whose audit trail says who it was
            with answering(headers):
                answer = request.answer(store)
        else:
            answer = request.answer(store)
        body = b"{}" if answer is None else encode(answer)
        return packed(body, headers, tagged=is_get) if request.compress else body

    def close(self, patience: float = 10.0) -> bool:
        """Finish what was accepted; whether that took no more than `patience` seconds."""
        deadline = time.monotonic() + patience
        pools = {self._writer, self._threads}
        return all([pool.close(deadline - time.monotonic()) for pool in pools])


async def _send_packed(answer: Packed, send: Any) -> None:
    headers = [*answer.headers]
    if answer.status != 304:  # which has the length of what it does not send, or none
        headers += [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(answer.body)),
        ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def _pairs(query: bytes) -> list[tuple[str, str]]:
    return parse_qsl(query.decode("latin-1"), keep_blank_values=True)


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
