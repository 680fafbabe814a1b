"""Small real servers that misbehave as they are told, and a real proxy."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from typing import NamedTuple

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Request(NamedTuple):
    """What a client asked."""

    connection: int
    """Number of the connection, counted from 0."""
    method: str
    target: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


#: What to do with a request: bytes to answer, or a function of the connection.
Step = bytes | Callable[[socket.socket], None]


def answer(status: int, body: bytes = b"{}", **headers: str) -> bytes:
    """The bytes of an answer; in names of headers `_` stands for `-`."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def hang_up(connection: socket.socket) -> None:
    """Close without an answer."""
    connection.close()


def reset(connection: socket.socket) -> None:
    """Close so that the other end's next packet meets an error."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def then_hang_up(content: bytes) -> Callable[[socket.socket], None]:
    """Send this and close."""

    def step(connection: socket.socket) -> None:
        connection.sendall(content)
        connection.close()

    return step


class Scripted:
    """A server that reads whole requests and treats the first as the first step says, the second as
    the second; the last step is for all that follow.

    Args:
        tls: Speak TLS with this context.
        greet: What to do with a connection before anything is read from it.
    """

    def __init__(
        self,
        *script: Step,
        tls: ssl.SSLContext | None = None,
        greet: Callable[[socket.socket, int], None] | None = None,
    ):
        self.requests: list[Request] = []
        self.connections = 0
        self._script = list(script) or [OK]
        self._tls = tls
        self._greet = greet
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.uri = f"http{'s' if tls else ''}://localhost:{self.port}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                number, self.connections = self.connections, self.connections + 1
                threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError, ValueError):
            if self._greet is not None:
                self._greet(connection, number)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            stream = connection.makefile("rb")
            while (request := read_request(stream, number)) is not None:
                with self._lock:
                    self.requests.append(request)
                    step = self._script.pop(0) if len(self._script) > 1 else self._script[0]
                if callable(step):
                    stream.close()  # or `close` would leave the connection open
                    step(connection)
                    stream = connection.makefile("rb")
                else:
                    connection.sendall(step)
                if request.headers.get("connection") == "close":
                    connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop, and end every connection."""
        _close(self._listener)
        self.drop_connections()

    def drop_connections(self) -> None:
        """End every connection, and take new ones."""
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


def read_request(stream, number: int = 0) -> Request | None:
    """The next request of a connection; None at its end."""
    line = stream.readline().decode("latin-1").split()
    if len(line) != 3:
        return None
    headers = {}
    while (header := stream.readline()) not in (b"\r\n", b""):
        name, _, value = header.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    body = b""
    if headers.get("transfer-encoding") == "chunked":
        while size := int(stream.readline(), 16):
            body += stream.read(size)
            stream.readline()
        stream.readline()
    else:
        length = int(headers.get("content-length", 0))
        body = stream.read(length)
        if len(body) < length:
            return None
    return Request(number, line[0], line[1], headers, body)


class Proxy:
    """A real proxy: tunnels what comes as CONNECT, and forwards what names a whole URL."""

    def __init__(self, needs_auth: str | None = None, tls: ssl.SSLContext | None = None):
        self.seen: list[Request] = []
        self._needs_auth = needs_auth
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        scheme = "https" if tls else "http"
        self.uri = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._tls is not None:
                client = self._tls.wrap_socket(client, server_side=True)
        stream = client.makefile("rb")
        with client, contextlib.suppress(OSError):
            while (request := read_request(stream)) is not None:
                self.seen.append(request)
                if request.headers.get("proxy-authorization") != self._needs_auth:
                    client.sendall(answer(407, b"who are you?"))
                elif request.method == "CONNECT":
                    host, _, port = request.target.rpartition(":")
                    with socket.create_connection((host, int(port))) as server:
                        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                        _pump(client, server)
                    return
                else:
                    client.sendall(self._forward(request))

    @staticmethod
    def _forward(request: Request) -> bytes:
        scheme, _, rest = request.target.partition("://")
        assert scheme == "http", f"{request.target} is not what a proxy is asked"
        authority, slash, path = rest.partition("/")
        host, _, port = authority.partition(":")
        lines = [f"{request.method} {slash}{path} HTTP/1.1", "connection: close"]
        lines += [
            f"{name}: {value}"
            for name, value in request.headers.items()
            if name not in ("proxy-authorization", "transfer-encoding", "content-length")
        ]
        lines.append(f"content-length: {len(request.body)}")
        with socket.create_connection((host, int(port or 80))) as server:
            server.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + request.body)
            parts = []
            while part := server.recv(65536):
                parts.append(part)
        return b"".join(parts).replace(b"connection: close\r\n", b"")

    def close(self) -> None:
        """Take no more connections."""
        _close(self._listener)


def _close(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)  # or `accept` would go on in its thread
    listener.close()


def _pump(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until one side closes."""

    def carry(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    back = threading.Thread(target=carry, args=(other, one), daemon=True)
    back.start()
    carry(one, other)
    back.join()
