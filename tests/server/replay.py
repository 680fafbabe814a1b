"""Recorded requests sent to a server again, and what is different in its answers."""

from __future__ import annotations

import base64
import http.client
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlencode

_ID = re.compile(r"[0-9a-f]{32}")
_MOMENT = re.compile(r"20\d\d-\d\d-\d\dT[\d:.]+Z")
#: Set by the server's clock.
_TIMES = {
    "creation_time",
    "last_update_time",
    "creation_timestamp",
    "last_updated_timestamp",
    "creation_timestamp_ms",
    "last_updated_timestamp_ms",
}
#: Lists in no promised order, each key once.
_SETS = ("tags", "params", "data.metrics")
_HEADERS = ("content-type", "content-disposition", "x-content-type-options")


class Answer(NamedTuple):
    """What a server said."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def send(
    port: int,
    method: str,
    path: str,
    *,
    query: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
) -> Answer:
    """One request on a connection of its own.

    The path goes out as it is, and no headers but those given, Host and Content-Length.
    """
    if query:
        path += "?" + urlencode(query, doseq=True)
    headers = headers or {}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    if body is not None or method in ("POST", "PUT", "PATCH"):
        connection.putheader("Content-Length", str(len(body or b"")))
    connection.endheaders(body)
    response = connection.getresponse()
    answer = Answer(
        response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
    )
    connection.close()
    return answer


class Replay:
    """A recorded session with a server, had again with ours, which makes ids of its own."""

    def __init__(self, port: int):
        self.port = port
        self.known: dict[str, str] = {}
        """Recorded ids and page tokens, and what stands for them here."""

    def differences(self, recorded: dict[str, Any]) -> list[str]:
        """Send a recorded request; how the answer differs, as `where: ours instead of recorded`."""
        request = recorded.get("request", {})
        for id in _ID.findall(json.dumps([recorded["path"], recorded.get("query"), request])):
            self.known.setdefault(id, id)  # made up by the client
        answer = send(
            self.port,
            recorded["method"],
            self._ours(recorded["path"]),
            query=self._ours(recorded.get("query")),
            headers=recorded.get("request_headers"),
            body=self._body(request),
        )
        return list(self._compare(recorded, answer))

    def _body(self, request: dict[str, Any]) -> bytes | None:
        if "json" in request:
            return json.dumps(self._ours(request["json"])).encode()
        if "text" in request:
            return self._ours(request["text"]).encode()
        if "base64" in request:
            return base64.b64decode(request["base64"])
        return bytes(request["length"]) if request else None  # whose content was not kept

    def _ours(self, value: Any) -> Any:
        """A recorded value with the recorded ids replaced."""
        if value is None:
            return None
        text = json.dumps(value, ensure_ascii=False)
        for recorded, ours in self.known.items():
            text = text.replace(recorded, ours)
        return json.loads(text)

    def _compare(self, recorded: dict[str, Any], answer: Answer) -> Iterator[str]:
        if answer.status != recorded["status"]:
            yield f"status: {answer.status} instead of {recorded['status']}: {answer.body[:200]!r}"
        for name in _HEADERS:
            was, here = recorded["response_headers"].get(name), answer.headers.get(name)
            if was != here:
                yield f"{name}: {here} instead of {was}"
        was = recorded.get("response", {"text": ""})
        if "json" in was:
            yield from self.compare(was["json"], answer.json(), "")
        elif "text" in was:
            yield from self.compare(was["text"], answer.body.decode(), "body")
        elif "base64" in was:
            yield from self.compare(was["base64"], base64.b64encode(answer.body).decode(), "body")
        elif len(answer.body) != was["length"]:
            yield f"body: {len(answer.body)} bytes instead of {was['length']}"

    def compare(self, was: Any, here: Any, where: str) -> Iterator[str]:
        """What differs between a recorded value and ours. New ids are learnt on the way."""
        key = where.rpartition(".")[2]
        if isinstance(was, dict) and isinstance(here, dict):
            for name in sorted(was.keys() | here.keys()):
                if name in was and name in here:
                    yield from self.compare(was[name], here[name], f"{where}.{name}")
                else:
                    yield f"{where}.{name}: {'missing' if name in was else 'extra'}"
        elif isinstance(was, list) and isinstance(here, list):
            if len(was) != len(here):
                yield f"{where}: {len(here)} items instead of {len(was)}"
            if where.endswith(_SETS):
                was, here = (sorted(items, key=lambda x: x["key"]) for items in (was, here))
            for i, pair in enumerate(zip(was, here)):
                yield from self.compare(*pair, f"{where}[{i}]")
        elif (
            key in _TIMES
            and isinstance(here, int)
            and here > 1_700_000_000_000
            or key in _TIMES
            and _MOMENT.fullmatch(str(here))
        ):
            return
        elif key == "next_page_token" and isinstance(here, str):
            self.known[was] = here
        elif isinstance(was, str) and isinstance(here, str):
            self._learn(was, here)
            if self._ours(was) != here:
                yield f"{where}: {here!r} instead of {self._ours(was)!r}"
        elif was != here or type(was) is not type(here):
            yield f"{where}: {here!r} instead of {was!r}"

    def _learn(self, was: str, here: str) -> None:
        if _ID.sub("", was) == _ID.sub("", here):
            for recorded, ours in zip(_ID.findall(was), _ID.findall(here)):
                self.known.setdefault(recorded, ours)
