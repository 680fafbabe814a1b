"""Declaring RPCs. Each is said once; routes, the REST store, the permission check and OpenAPI are
made from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar
from urllib.parse import quote

from mlflow.exceptions import MlflowException
from mlflow.rpc.transport import Transport
from mlflow.rpc.wire import Empty, Wire, decode, encode, to_query

R = TypeVar("R", bound="type[Rpc]")

Entity = Literal[
    "server", "experiment", "run", "logged_model", "trace", "registered_model", "webhook"
]
Action = Literal["read", "create", "edit", "delete", "approve"]
StoreName = Literal["tracking", "registry"]


@dataclass(frozen=True)
class Endpoint:
    """Where an RPC is served."""

    method: str
    path: str
    """Below the prefix, such as /mlflow/runs/create; `{name}` stands for the field of that name."""
    version: str
    """Of the API: 2.0 or 3.0."""
    ajax_only: bool
    """Served for browsers only."""

    def urls(self) -> list[str]:
        """Every path it is served at."""
        prefixes = ("/ajax-api",) if self.ajax_only else ("/api", "/ajax-api")
        return [f"{prefix}/{self.version}{self.path}" for prefix in prefixes]


class Rpc(Wire):
    """A request. Subclasses say what it carries and how a store answers it."""

    endpoints: ClassVar[tuple[Endpoint, ...]] = ()
    called_at: ClassVar[tuple[str, str]]
    """Method and path that our own client uses."""
    needs: ClassVar[tuple[Entity, Action]]
    response: ClassVar[type[Wire]] = Empty
    idempotent: ClassVar[bool] = False
    small_write: ClassVar[bool] = False
    compress: ClassVar[bool] = False
    store: ClassVar[StoreName] = "tracking"

    def answer(self, store: Any) -> Wire | None:
        """What a server answers; None for an empty answer.

        Args:
            store: The one that the declaration names.
        """
        raise NotImplementedError

    def call(self, transport: Transport, headers: Mapping[str, str] | None = None) -> Any:
        """The answer of the server at the other end of `transport`, a `response`."""
        method, template = self.called_at
        url = _filled(template, self) if "{" in template else template
        if method == "GET":
            data = transport.call("GET", url, query=to_query(self), headers=dict(headers or {}))
        else:
            sent = {**_JSON, **headers} if headers else _JSON
            data = transport.call(
                method, url, body=encode(self), headers=sent, idempotent=self.idempotent
            )
        try:
            return decode(self.response, data)
        except MlflowException as e:
            raise MlflowException(
                f"{transport.url}{url} answered something else than a tracking server "
                f"would: {data[:200]!r}. {e.message}"
            ) from None


def _filled(template: str, request: Rpc) -> str:
    """The URL for a request whose path has some of its fields."""
    return FIELD.sub(lambda m: quote(str(getattr(request, m[1])), safe=""), template)


#: A field in a path.
FIELD = re.compile(r"{(\w+)}")
_JSON = {"Content-Type": "application/json"}

#: Every RPC, in order of declaration.
RPCS: list[type[Rpc]] = []
#: Every request whose answer is a stream; `server/exports.py` answers them.
STREAMS: list[type[Rpc]] = []


def rpc(
    method: str,
    path: str,
    *,
    needs: tuple[Entity, Action],
    response: type[Wire] = Empty,
    version: str = "2.0",
    also: str | None = None,
    ajax_only: bool = False,
    idempotent: bool = False,
    small_write: bool = False,
    compress: bool = False,
    stream: bool = False,
    store: StoreName = "tracking",
) -> Callable[[R], R]:
    """Declare the class below as the RPC at `method path`.

    Args:
        method: HTTP method.
        path: Below the prefix. A field of the class that it has as `{name}` must have a default: it
            is set from the path once the body has been read.
        needs: What the caller must be allowed to do, and to what. There is no default: a route that
            nobody thought about must not exist.
        response: What it answers.
        version: Of the API.
        also: A second method at the same path.
        ajax_only: Serve it for browsers only.
        idempotent: Doing it twice is the same as once, so a client may send it again when it got no
            answer.
        small_write: It writes a little and reads next to nothing, so a server may commit many of
            them at once; see `SqlStore.together`.
        compress: Browsers ask for it, and its answer is long: it is gzip'd for those who take that,
            and a GET's answer has an ETag.
        stream: What it answers is no JSON, and may be of any length.
        store: Which of the server's stores answers it.
    """

    def declare(cls: R) -> R:
        methods = (method, also) if also else (method,)
        cls.endpoints = tuple(Endpoint(m, path, version, ajax_only) for m in methods)
        cls.called_at = (method, cls.endpoints[0].urls()[0])
        cls.needs = needs
        cls.response = response
        cls.idempotent = idempotent
        cls.small_write = small_write
        cls.compress = compress
        cls.store = store
        (STREAMS if stream else RPCS).append(cls)
        return cls

    return declare
