"""A client of Server-Sent Events, for tests."""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import Any

PATH = "/ajax-api/ui/changes"


class Stream:
    """An open stream; blocks are read as they come.

    Args:
        port: Of a server on this machine.
        experiment: What to watch.
        cursor: Where the stream before ended.
    """

    def __init__(self, port: int, experiment: str, cursor: str | None = None, prefix: str = ""):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"Last-Event-ID": cursor} if cursor else {}
        self.connection.request(
            "GET", f"{prefix}{PATH}?experiment_ids={experiment}", headers=headers
        )
        self.socket = self.connection.sock
        self.response = self.connection.getresponse()
        self.cursor = cursor

    def block(self) -> list[str] | None:
        """The lines up to the next empty one; None at the end of the stream."""
        lines: list[str] = []
        while line := self.response.readline():
            text = line.decode().rstrip("\n")
            if not text:
                return lines
            lines.append(text)
            if text.startswith("id: "):
                self.cursor = text[4:]
        return None

    def event(self) -> dict[str, Any] | None:
        """The data of the next event; None at the end of the stream."""
        while (lines := self.block()) is not None:
            data = [line[6:] for line in lines if line.startswith("data: ")]
            if data:
                assert "event: changes" in lines and any(x.startswith("id: ") for x in lines)
                return json.loads("\n".join(data))
        return None

    def until(self, wanted, patience: float = 30) -> list[dict[str, Any]]:
        """The events up to the first with which `wanted(events)` is true."""
        end, events = time.monotonic() + patience, []
        while not events or not wanted(events):
            assert time.monotonic() < end, events
            event = self.event()
            assert event is not None, "the stream has ended"
            events.append(event)
        return events

    def close(self) -> None:
        """Go away without a word."""
        self.response.close()
        self.connection.close()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def raw(port: int, experiment: str, receive_buffer: int | None = None) -> socket.socket:
    """A connection on which a stream was asked for, and nothing was read yet."""
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", port))
    connection.sendall(
        f"GET {PATH}?experiment_ids={experiment} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    )
    return connection
