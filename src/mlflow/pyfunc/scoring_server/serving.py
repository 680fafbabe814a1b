"""The ASGI app behind `mlflow models serve`.

`/ping` and `/health`, `/version`, `/invocations`, `/metrics`. A request to `/invocations` does not
go through the router: its body is read, a thread answers, one message is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mlflow.environment_variables import MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT, _EnvironmentVariable
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.pyfunc.scoring_server import CONTENT_TYPE_JSON, Refused, check_content_type
from mlflow.pyfunc.scoring_server.arrow import CONTENT_TYPE_ARROW
from mlflow.pyfunc.scoring_server.batching import Waiting, answer_together
from mlflow.pyfunc.scoring_server.metrics import Metrics
from mlflow.pyfunc.scoring_server.served import (
    CONTENT_TYPE_EVENTS,
    Answer,
    Question,
    Served,
    Stream,
)
from mlflow.server.workers import Workers
from mlflow.version import VERSION

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel

_logger = logging.getLogger(__name__)

HEADRACE_SERVING_MAX_BODY = _EnvironmentVariable(
    "HEADRACE_SERVING_MAX_BODY",
    int,
    256 << 20,
    "Bytes that the body of a request to a served model may have.",
)
HEADRACE_SERVING_MAX_WAITING = _EnvironmentVariable(
    "HEADRACE_SERVING_MAX_WAITING",
    int,
    1000,
    "Requests that a process of a served model works on or keeps waiting; more get status 503.",
)
HEADRACE_SERVING_THREADS = _EnvironmentVariable(
    "HEADRACE_SERVING_THREADS",
    int,
    6,
    "Predictions that a process of a served model makes at the same time.",
)

#: Bodies that are held at once may have this many times the size of one.
_BODIES = 4
#: Seconds that predictions which nobody waits for any more have when the server ends.
_PATIENCE = 5.0

#: Seconds; calls that take less are taken `_SEVERAL` at once.
_SHORT = 0.001
_SEVERAL = 8

_END = object()  # of a stream


class ScoringApp(Starlette):
    """Answers with one model, which may be exchanged for another between two requests.

    Args:
        model: The loaded model.
        version: Which version of a registered model it is, if it is one.
        batch_rows: Answer requests that wait together, with up to this many rows in one
            prediction; 0 answers each alone.
        timeout: Seconds that a request may take; None for what the environment says.
        start: Called when the server starts, and what it returns when the server ends.
    """

    def __init__(
        self,
        model: PyFuncModel,
        *,
        version: str | None = None,
        batch_rows: int = 0,
        timeout: float | None = None,
        start: Callable[[ScoringApp], Callable[[], None]] | None = None,
    ):
        self.served = Served(model, version)
        self._timeout = MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT.get() if timeout is None else timeout
        self._most_bytes = HEADRACE_SERVING_MAX_BODY.get()
        self._most_waiting = HEADRACE_SERVING_MAX_WAITING.get()
        self.waiting = 0
        """Requests that are waiting or being answered."""
        self._bytes = 0
        self._start = start
        self._batch_rows = batch_rows
        self._loop: asyncio.AbstractEventLoop | None = None
        self._threads: Any = None
        self._together: Any = None
        self.metrics = Metrics()
        super().__init__(
            routes=[
                Route("/ping", _alive),
                Route("/health", _alive),
                Route("/version", _version),
                Route("/metrics", self._metrics),
                Route("/invocations", _Endpoint(self._invocations), methods=["POST"]),
            ],
            lifespan=self._lifespan,
            exception_handlers={404: _no_such_page, 405: _no_such_page},
        )
        self.router.redirect_slashes = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if (
            scope["type"] == "http"
            and scope["path"] == "/invocations"
            and scope["method"] == "POST"
            and not self.user_middleware
        ):
            return await self._invocations(scope, receive, send)
        await super().__call__(scope, receive, send)

    def switch(self, model: PyFuncModel, version: str | None) -> None:
        """Answer requests that come from now on with another model. Those that are being answered
        keep theirs, which goes when the last of them has its answer."""
        self.served = Served(model, version)

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        stop = self._start(self) if self._start else None
        yield
        if stop:
            stop()
        self._close_threads(_PATIENCE)

    def _open_threads(self) -> None:
        """Have threads that answer to the running loop; in tests each request may have its own."""
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return
        self._close_threads(0)
        self._loop = loop
        threads = max(1, HEADRACE_SERVING_THREADS.get())
        self._threads = self._together = _Threads(threads)
        if rows := self._batch_rows:
            self._together = Workers(
                lambda waiting: answer_together(waiting, rows), "predict", most=rows
            )

    def _close_threads(self, patience: float) -> None:
        for pool in {self._threads, self._together} - {None}:
            pool.close(patience)

    async def _metrics(self, request: Request) -> Response:
        return self.metrics.answer()

    # One request.

    async def _invocations(self, scope: Any, receive: Any, send: Any) -> None:
        began = time.perf_counter()
        self.waiting += 1
        self.metrics.came()
        outcome: Answer | Stream = Answer(b"", status=499)  # in case the task is cancelled
        status = 200
        try:
            outcome = await self._outcome(scope["headers"], receive)
            if isinstance(outcome, Stream):
                first = await self._next(outcome.pieces)
                return await self._send_stream(first, outcome.pieces, receive, send)
        except Exception as error:
            outcome = _error(error)
        finally:
            self.waiting -= 1
            if not isinstance(outcome, Stream):
                status = outcome.status
            self.metrics.went(status, time.perf_counter() - began)
        headers = [
            (b"content-type", outcome.content_type.encode("latin-1")),
            (b"content-length", b"%d" % len(outcome.body)),
        ]
        if outcome.version is not None:
            headers.append((b"headrace-model-version", outcome.version.encode("latin-1")))
        start = {"type": "http.response.start", "status": outcome.status, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": outcome.body})

    async def _outcome(self, headers: list[tuple[bytes, bytes]], receive: Any) -> Answer | Stream:
        content_type, length, accept = _headers(headers)
        self._check_room(length)
        mime_type = CONTENT_TYPE_ARROW
        if content_type != CONTENT_TYPE_ARROW:
            mime_type = check_content_type(content_type)
        body = await self._read(receive)
        try:
            self._open_threads()
            # Only now: whatever was switched to while the body came answers it.
            waiting = Waiting(self.served, Question(body, mime_type, accept))
            return await self._in_time(self._together.do(waiting), waiting)
        finally:
            self._bytes -= len(body)

    async def _read(self, receive: Any) -> bytes:
        """The body, which counts in `_bytes` until it is answered."""
        parts, size, more = [], 0, True
        try:
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise MlflowException("The request broke off.", error_code=CODES["CANCELLED"])
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                self._bytes += len(parts[-1])
                self._check_room(size)
                more = message.get("more_body", False)
        except BaseException:
            self._bytes -= size
            raise
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _check_room(self, length: int) -> None:
        if length > self._most_bytes:
            raise Refused(
                f"The request's body is longer than {self._most_bytes:,} bytes; split it up.", 413
            )
        if self.waiting > self._most_waiting or self._bytes > _BODIES * self._most_bytes:
            raise MlflowException(
                "Too many requests are waiting. Try again in a moment.",
                error_code=CODES["TEMPORARILY_UNAVAILABLE"],
            )

    async def _in_time(self, future: asyncio.Future[Any], waiting: Waiting | None = None) -> Any:
        """What comes of `future`.

        Raises:
            MlflowException: DEADLINE_EXCEEDED when it takes too long. A thread cannot be stopped:
                it goes on, and its answer is dropped; what had not begun is left out.
        """
        late = False

        def give_up() -> None:
            nonlocal late
            late = True
            future.cancel()

        timer = asyncio.get_running_loop().call_later(self._timeout, give_up)
        try:
            return await future
        except asyncio.CancelledError:
            if waiting is not None:
                waiting.late = True
            if not late:
                raise
            raise MlflowException(
                "Request processing time exceeded limit", error_code=CODES["DEADLINE_EXCEEDED"]
            ) from None
        finally:
            timer.cancel()

    async def _send_stream(self, piece: Any, pieces: Any, receive: Any, send: Any) -> None:
        """Send what the model yields, each as an event. An error is the last event: it is too late
        for a status."""
        headers = [(b"content-type", CONTENT_TYPE_EVENTS.encode()), (b"cache-control", b"no-cache")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        gone = asyncio.ensure_future(receive())  # comes when the client leaves
        last = b"data: [DONE]\n\n"
        try:
            while piece is not _END and not gone.done():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                piece = await self._next(pieces)
        except Exception as error:
            last = b"event: error\ndata: %b\n\n" % _error(error).body
        finally:
            gone.cancel()
            if close := getattr(pieces, "close", None):
                with contextlib.suppress(Exception):
                    await self._threads.do(close)
        await send({"type": "http.response.body", "body": last})

    async def _next(self, pieces: Any) -> Any:
        return await self._in_time(self._threads.do(lambda: _event(pieces)))


class _Endpoint:
    """An ASGI app for Starlette's router, which would take a plain function for something else."""

    def __init__(self, app: Any):
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)


class _Threads(Workers):
    """Threads that answer each request by itself. While that takes a moment only, one thread takes
    several: it costs more to wake another, and the loop, than to answer.

    Args:
        threads: How many there are at most.
    """

    def __init__(self, threads: int):
        super().__init__(self._each_alone, "predict", threads=threads)
        self._seconds = _SHORT  # that a call takes, about

    def _each_alone(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        outcomes = []
        began = time.perf_counter()
        for call in calls:
            try:
                outcomes.append(call())
            except Exception as error:
                outcomes.append(error)
        each = (time.perf_counter() - began) / len(calls)
        self._seconds += (each - self._seconds) / 8
        self._most_calls = _SEVERAL if self._seconds < _SHORT else 1
        return outcomes


def _event(pieces: Any) -> Any:
    """The next piece as an event of the stream, or `_END`."""
    from mlflow.pyfunc.scoring_server import encode_answer, model_failed

    try:
        piece = next(pieces, _END)
    except MlflowException:
        raise
    except Exception as error:
        raise model_failed(error) from error
    return _END if piece is _END else b"data: %b\n\n" % encode_answer(piece, True)


def _headers(headers: list[tuple[bytes, bytes]]) -> tuple[str | None, int, str]:
    """Content type, length (0 if it is not said), and what is accepted, in small letters."""
    content_type, length, accept = None, 0, ""
    for name, value in headers:
        if name == b"content-type":
            content_type = value.decode("latin-1")
        elif name == b"content-length" and value.isdigit():
            length = int(value)
        elif name == b"accept":
            accept = value.decode("latin-1").lower()
    return content_type, length, accept


def _error(error: Exception) -> Answer:
    """An error as an answer: its code and message, never a stack trace."""
    if isinstance(error, Refused) and error.status == 415:
        return Answer(error.message.encode(), "text/plain; charset=utf-8", 415)
    if not isinstance(error, MlflowException):
        _logger.error("Unexpected error", exc_info=error)
        error = MlflowException("The server met an unexpected error; its log has the details.")
    body = error.serialize_as_json().encode("utf-8", "replace")
    return Answer(body, CONTENT_TYPE_JSON, error.get_http_status_code())


async def _alive(request: Request) -> Response:
    """A model is loaded: there is no app without one."""
    return Response("\n", media_type=CONTENT_TYPE_JSON)


async def _version(request: Request) -> Response:
    return Response(VERSION, media_type=CONTENT_TYPE_JSON)


async def _no_such_page(request: Request, error: Any) -> Response:
    message = (
        f"Nothing is served at '{request.url.path}'."
        if error.status_code == 404
        else f"{request.method} is not a method of '{request.url.path}'."
    )
    code = "ENDPOINT_NOT_FOUND" if error.status_code == 404 else "BAD_REQUEST"
    body = json.dumps({"error_code": code, "message": message})
    return Response(body, error.status_code, error.headers, media_type=CONTENT_TYPE_JSON)
