"""Files in and out of HTTP requests: piece by piece, whole or in part, in little memory."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from types import MappingProxyType
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from mlflow.exceptions import MlflowException
from mlflow.server.artifact_places import Place
from mlflow.store.artifact.location import Steps, invalid_path, steps
from mlflow.store.artifact.media_type import attachment, media_type
from mlflow.store.artifact.serving import ReceivedFile, StoredFile
from mlflow.store.artifact.transfer import PIECE

SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
}
"""Headers with which no browser renders, sniffs or scripts what somebody has stored."""
_RANGE = re.compile(r"bytes\s*=\s*(\d*)\s*-\s*(\d*)")


async def receive(
    chunks: AsyncIterator[bytes],
    place: Place,
    path: str,
    first: bytes = b"",
    most: int | None = None,
) -> None:
    """Store the body of a request; nothing of it is seen before all of it is on disk.

    Args:
        chunks: The body.
        first: What was already read of it.
        most: Refuse more bytes than these.
    """
    below = exact_steps(path)
    if not below:
        raise invalid_path()
    file: ReceivedFile | None = None
    buffer = bytearray(first)
    size = len(first)
    try:
        async for chunk in chunks:
            buffer += chunk
            size += len(chunk)
            if most is not None and size > most:
                raise MlflowException.invalid_parameter_value(
                    f"Artifact size is too large. Max size is {most >> 20}MB."
                )
            if len(buffer) >= PIECE:
                if file is None:
                    file = await run_in_threadpool(place.receive, below)
                await run_in_threadpool(file.write, buffer)
                buffer = bytearray()
        opened, file = file, None  # from here on the thread answers for it
        await run_in_threadpool(_finish, opened, place, below, buffer)
    finally:
        if file is not None:
            file.abort()


def _finish(file: ReceivedFile | None, place: Place, below: Steps, rest: bytearray) -> None:
    if file is None:
        file = place.receive(below)
    try:
        file.write(rest)
    except BaseException:
        file.abort()
        raise
    file.commit()


async def send(
    request: Request, place: Place, path: str, headers: Mapping[str, str] = MappingProxyType({})
) -> Response:
    """A file, or the part of it that is asked for.

    Args:
        headers: In place of what is sent for every file.
    """
    answer = await run_in_threadpool(_prepare, request, place, path)
    headers = {**SAFE, **answer.headers, **headers}
    if answer.pieces is None:
        return Response(answer.body, answer.status, headers)
    return _StreamedFile(answer, headers)


@dataclass
class _Answer:
    status: int
    headers: dict[str, str]
    body: bytes = b""
    pieces: Iterator[bytes] | None = None
    """The body, when it is not short."""
    close: Callable[[], None] = lambda: None


def _prepare(request: Request, place: Place, path: str) -> _Answer:
    below = steps(path)
    if not below or path.endswith("/"):
        raise MlflowException.invalid_parameter_value(
            f"Artifact path refers to a directory, not a file: '{place.shown(path)}'"
        )
    file = place.open(below)
    try:
        answer = _answer(request, file)
    except BaseException:
        file.close()
        raise
    if answer.pieces is None:
        file.close()
    return answer


def _answer(request: Request, file: StoredFile) -> _Answer:
    headers = {
        "Content-Type": media_type(file.name),
        "Content-Disposition": attachment(file.name),
        "Accept-Ranges": "bytes",
        "Date": formatdate(usegmt=True),  # what the next one is compared with
        "Last-Modified": formatdate(file.modified, usegmt=True),
        "ETag": file.etag,
        "Cache-Control": "no-cache",
    }
    if _is_known(request, file):
        return _Answer(304, headers)
    status, start, end = 200, 0, file.size
    span = _span(request, file)
    if span is not None:
        status, (start, end) = 206, span
        if start >= end:
            return _Answer(416, {"Content-Range": f"bytes */{file.size}"})
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    headers["Content-Length"] = str(end - start)
    if request.method == "HEAD":
        return _Answer(status, headers)
    pieces = file.read(start, end)
    if end - start > PIECE:
        return _Answer(status, headers, pieces=pieces, close=file.close)
    return _Answer(status, headers, b"".join(pieces))


def _is_known(request: Request, file: StoredFile) -> bool:
    """Whether the client has the file as it is."""
    tags = request.headers.get("If-None-Match")
    if tags is not None:
        known = [tag.strip().removeprefix("W/") for tag in tags.split(",")]
        return "*" in known or file.etag in known
    return _unchanged_since(request.headers.get("If-Modified-Since"), file)


def _unchanged_since(date: str | None, file: StoredFile) -> bool:
    try:
        return date is not None and int(file.modified) <= parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return False


def _span(request: Request, file: StoredFile) -> tuple[int, int] | None:
    """Start and end of the part that is asked for; None for all of it.

    The span is empty if the file has no such part. What is not one well-formed range counts as not
    asked.
    """
    match = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    condition = request.headers.get("If-Range")
    if match is None or match.groups() == ("", ""):
        return None
    if condition is not None and condition != file.etag and not _unchanged_since(condition, file):
        return None
    first, last = match.groups()
    if not first:
        return max(file.size - int(last), 0), file.size
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last) + 1, file.size) if last else file.size


class _StreamedFile(StreamingResponse):
    """A long file, read a piece at a time as the client takes it."""

    def __init__(self, answer: _Answer, headers: dict[str, str]):
        self._answer = answer
        super().__init__(self._pieces(), answer.status, headers)

    async def _pieces(self) -> Any:
        pieces = self._answer.pieces
        while piece := await run_in_threadpool(next, pieces, b""):
            yield piece

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._answer.close()


def exact_steps(path: str) -> Steps:
    """The names in the path of what is to be changed: there, "." is a mistake."""
    if "." in path.split("/"):
        raise invalid_path()
    return steps(path)
