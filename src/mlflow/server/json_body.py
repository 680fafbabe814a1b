"""Bodies of requests that are JSON."""

from __future__ import annotations

from typing import Any

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException


async def read_body(receive: Any, limit: int) -> bytes:
    """The whole body of a request; MlflowException if it is too long or breaks off."""
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MlflowException("The request broke off.", error_code=CODES["CANCELLED"])
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise _too_long(limit)
        more = message.get("more_body", False)
    return b"".join(parts)


def _too_long(limit: int) -> MlflowException:
    return MlflowException(
        f"The request's body is longer than {limit >> 20} MiB; split it up.",
        error_code=CODES["REQUEST_LIMIT_EXCEEDED"],
    )


def check_headers(headers: list[tuple[bytes, bytes]], limit: int, method: str = "POST") -> None:
    """Only JSON: a page of another site can make a browser send forms and plain text, but not this.
    And not too much of it. A DELETE need not say what it brings: browsers ask before they send
    one."""
    content_type = None
    for name, value in headers:
        if name == b"content-type":
            content_type = value.split(b";", 1)[0].strip().lower()
        elif name == b"content-length" and value.isdigit() and int(value) > limit:
            raise _too_long(limit)
    if content_type is None:
        if method == "DELETE":
            return
        raise MlflowException.invalid_parameter_value(
            "Bad Request. Content-Type header is missing."
        )
    if content_type != b"application/json":
        raise MlflowException.invalid_parameter_value(
            "Bad Request. Content-Type must be one of ['application/json']."
        )
