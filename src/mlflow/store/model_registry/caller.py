"""Who changes the registry, and why: what its audit trail says of a change.

It is known by the context of a call: on a server from the headers of the request, else from the
process. Whoever hands a call to another thread takes it along.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import getpass
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import NamedTuple
from urllib.parse import quote, unquote

from mlflow.environment_variables import MLFLOW_TRACKING_USERNAME

#: Headers, percent-encoded: who a client says that it is, and why it makes a change.
USER_HEADER = "X-Mlflow-User"
REASON_HEADER = "X-Mlflow-Reason"
#: A client that does not say who it is.
UNKNOWN = "unknown"

_LONGEST = 1000


class Caller(NamedTuple):
    """Who makes a change, and why."""

    user: str
    reason: str | None = None


_of_request: ContextVar[Caller | None] = ContextVar("caller", default=None)
_reason: ContextVar[str | None] = ContextVar("reason", default=None)


def caller() -> Caller:
    """Who makes the changes of this call: the client of the request that is answered, else the user
    who runs this process."""
    return _of_request.get() or Caller(_own_name() or UNKNOWN, _reason.get())


@contextlib.contextmanager
def because(reason: str) -> Iterator[None]:
    """Give a reason for the changes made inside the block."""
    before = _reason.set(reason)
    try:
        yield
    finally:
        _reason.reset(before)


@contextlib.contextmanager
def answering(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[None]:
    """Inside the block, changes are those of the client that sent these headers.

    A server without accounts believes what it is told: the user of an `Authorization: Basic`
    header, which a proxy in front may have checked, else of X-Mlflow-User.
    """
    token = _of_request.set(_from_headers(headers))
    try:
        yield
    finally:
        _of_request.reset(token)


def caller_headers() -> dict[str, str]:
    """What a client tells a server of itself."""
    user, reason = caller()
    headers = {} if user == UNKNOWN else {USER_HEADER: quote(user)}
    return {**headers, REASON_HEADER: quote(reason)} if reason else headers


def _own_name() -> str | None:
    if name := MLFLOW_TRACKING_USERNAME.get():
        return name
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return None


def _from_headers(headers: Iterable[tuple[bytes, bytes]]) -> Caller:
    found = {name.lower(): value for name, value in headers}
    user = _basic_user(found.get(b"authorization", b"")) or _text(found, USER_HEADER)
    return Caller(user or UNKNOWN, _text(found, REASON_HEADER) or None)


def _text(headers: dict[bytes, bytes], name: str) -> str:
    value = headers.get(name.lower().encode(), b"").decode("latin-1")
    return unquote(value, errors="replace")[:_LONGEST]


def _basic_user(authorization: bytes) -> str:
    scheme, _, credentials = authorization.partition(b" ")
    if scheme.lower() != b"basic":
        return ""
    try:
        text = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return text.partition(":")[0][:_LONGEST]
