"""Somebody who receives messages, over TLS, and answers as it is told."""

from __future__ import annotations

import http.server
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple


class Message(NamedTuple):
    path: str
    headers: dict[str, str]
    body: str
    at: float


class Receiver:
    """A server on a loopback address.

    Args:
        context: TLS of the server; None for plain HTTP.
        host: Its address.
    """

    def __init__(self, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"):
        self.messages: list[Message] = []
        self._answers: dict[str, list[Any]] = defaultdict(list)
        self._arrived = threading.Condition()
        self.server = http.server.ThreadingHTTPServer((host, 0), self._handler())
        self.server.daemon_threads = True
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"http{'s' if context else ''}://{host}:{self.port}"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def answer(self, path: str, *answers: Any) -> None:
        """Answer one after the other to messages at `path`: a status, a pair of status and headers,
        or a function of the handler; 200 after that."""
        self._answers[path].extend(answers)

    def wait_for(self, count: int, path: str | None = None, seconds: float = 60) -> list[Message]:
        """The messages at a path, once there are that many."""
        deadline = time.monotonic() + seconds
        with self._arrived:
            while len(self.at(path)) < count:
                left = deadline - time.monotonic()
                assert left > 0, f"{len(self.at(path))} of {count} messages came at {path}"
                self._arrived.wait(left)
            return self.at(path)

    def at(self, path: str | None) -> list[Message]:
        return [one for one in self.messages if path in (None, one.path)]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                with receiver._arrived:
                    receiver.messages.append(
                        Message(self.path, dict(self.headers), body, time.monotonic())
                    )
                    answers = receiver._answers[self.path]
                    answer = answers.pop(0) if answers else 200
                    receiver._arrived.notify_all()
                if isinstance(answer, Callable):
                    answer(self)
                    return
                status, headers = answer if isinstance(answer, tuple) else (answer, {})
                text = b'said "yes"'
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST

            def log_message(self, *args: Any) -> None:
                pass

        return Handler
