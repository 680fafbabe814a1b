"""One kept-alive connection to a server, for requests and answers that fit in memory.

A request goes out in one piece, and httptools parses the answer in C. That is an eighth of what
urllib3 spends on a small call (`benchmarks/calls.py`), so metrics go this way; urllib3 makes the
connections that need TLS or a proxy, and carries what is streamed.
"""

from __future__ import annotations

import contextlib
import select
import time
from typing import Any

import httptools

from mlflow.rpc.failures import Broken, NotSent

_READ_SIZE = 1 << 16
_MAX_HEAD = 1 << 18
"""Bytes before the body of an answer. Whoever sends more is no server of ours."""


class Answer:
    """What a server answered."""

    __slots__ = ("status", "data", "_headers")

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], data: bytes):
        self.status = status
        self.data = data
        self._headers = headers

    def header(self, name: str) -> str | None:
        """The value of the first header of this name, in lower case; None if there is none."""
        wanted = name.encode()
        for found, value in self._headers:
            if found.lower() == wanted:
                return value.decode("latin-1")
        return None


class Connection:
    """One thread at a time may use it, for one exchange after the other.

    Args:
        sock: Connected; with a timeout in seconds for each time that it waits for the other end.
        owner: What made the socket; kept as long as it is in use.
    """

    __slots__ = ("_sock", "_owner", "_poll", "_incoming", "reusable", "used_at")

    def __init__(self, sock: Any, owner: Any = None):
        self._sock = sock
        self._owner = owner
        self._poll = None
        if hasattr(select, "poll"):
            self._poll = select.poll()
            self._poll.register(sock, select.POLLIN)
        self._incoming = _Incoming()
        self.reusable = True
        """False when the other end will not take another request."""
        self.used_at = time.monotonic()

    def is_stale(self) -> bool:
        """Whether something came unasked: the other end has closed, or is out of step."""
        if self._poll is not None:
            return bool(self._poll.poll(0))
        return bool(select.select([self._sock], [], [], 0)[0])

    def exchange(self, request: bytes) -> Answer:
        """The answer to a request, which is complete: head and body.

        Raises:
            NotSent: It was not sent, or only in part.
            Broken: It was sent, but no whole answer came.
        """
        self._incoming.reset()
        try:
            self._sock.sendall(request)
        except OSError as e:
            self.reusable = False
            if self.is_stale():  # it may have said why it did not want all of it
                with contextlib.suppress(OSError, Broken):
                    return self._receive()
            raise NotSent(f"the connection broke while the request was sent ({_told(e)})") from e
        try:
            return self._receive()
        except OSError as e:
            if isinstance(e, TimeoutError):
                raise Broken(f"no answer came within {self._sock.gettimeout():g} s") from e
            raise Broken(f"the connection broke before the answer was there ({_told(e)})") from e

    def _receive(self) -> Answer:
        incoming = self._incoming
        before_body = 0
        while incoming.answer is None:
            data = self._sock.recv(_READ_SIZE)
            if not data:
                incoming.end()
                break
            if not incoming.in_body:
                before_body += len(data)
                if before_body > _MAX_HEAD:
                    raise Broken("the head of the answer has no end")
            try:
                incoming.parser.feed_data(data)
            except (httptools.HttpParserError, httptools.HttpParserUpgrade) as e:
                if incoming.answer is None:
                    raise Broken(f"the answer is not HTTP ({_told(e)})") from e
                incoming.is_last = True  # something follows the answer that nobody asked for
        if incoming.is_last:
            self.reusable = False
        self.used_at = time.monotonic()
        assert incoming.answer is not None
        return incoming.answer

    def close(self) -> None:
        """End the connection. In a forked child that leaves the parent's as it is."""
        self._sock.close()

    __del__ = close


class _Incoming:
    """An answer that is arriving. The parser calls the methods that begin with `on_`."""

    __slots__ = ("parser", "answer", "in_body", "is_last", "_headers", "_body")

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.is_last = False
        """Nothing that follows on this connection would be an answer."""
        self.reset()

    def reset(self) -> None:
        """Before a request goes out."""
        self.answer: Answer | None = None
        self.in_body = False
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []

    def end(self) -> None:
        """The connection has ended; Broken if the answer is not whole."""
        self.is_last = True
        ends_by_itself = any(
            name.lower() in (b"content-length", b"transfer-encoding") for name, _ in self._headers
        )
        if not self.in_body or ends_by_itself:
            what = "in the middle of the answer" if self._headers else "without an answer"
            raise Broken(f"the server closed the connection {what}")
        self._complete()

    def _complete(self) -> None:
        status = self.parser.get_status_code()
        self.answer = Answer(status, self._headers, b"".join(self._body))

    def on_message_begin(self) -> None:
        if self.answer is not None:  # a second answer: the other end is out of step
            self.is_last = True

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.in_body = True

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self.answer is not None:
            return
        if self.parser.get_status_code() < 200:  # "100 Continue" and the like: not the answer yet
            self._headers = []
            self.in_body = False
            return
        self._complete()
        if not self.parser.should_keep_alive():
            self.is_last = True


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__
