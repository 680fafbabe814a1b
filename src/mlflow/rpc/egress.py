"""Requests to URLs that somebody else chose.

Whoever names a URL must not get the server to ask what only the server can reach. So the host is
resolved once, every address it has must be one of the public internet, the connection goes to that
very address, and redirects are not followed. What is read is bounded in size and in time.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import ipaddress
import os
import socket
import ssl
import threading
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

MOST_READ = 64 << 10
"""Bytes of an answer that are read."""

#: Characters of a path and a query that are sent as they are.
_PLAIN = "%/?:@!$&'()*+,;=-._~[]|"

# Said here, and not asked of `ipaddress`, whose lists differ between versions of Python.
_NOT_PUBLIC = [
    ipaddress.ip_network(one)
    for one in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        # Of IPv6 only 2000::/3 is given out; in it are protocols that carry IPv4, and examples.
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
]
_GIVEN_OUT = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""The last 32 bits are an IPv4 address, which a gateway asks."""


class EgressRefused(Exception):
    """The URL is not one that may be asked."""


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes
    """Its beginning."""


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    timeout: float,
    schemes: Collection[str] = ("https",),
    allow_private: bool = False,
) -> Answer:
    """What the URL answers, whatever its status.

    Args:
        timeout: Seconds for all of it.
        schemes: Those that a URL may have, of "http" and "https".
        allow_private: Whether addresses that are not of the public internet may be asked.

    Raises:
        EgressRefused: If the URL or an address of its host is not allowed.
        OSError: If the host cannot be reached, or does not answer in time.
        http.client.HTTPException: If it does not speak HTTP.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise EgressRefused(f"The URL cannot be read: {error}") from error
    if parts.scheme not in schemes or parts.scheme not in ("http", "https") or not host:
        raise EgressRefused(f"The scheme of {_shown(url)} is not one of {', '.join(schemes)}.")
    address = _resolve(host, port or (443 if parts.scheme == "https" else 80), allow_private)
    connection = _Connection(host, port, address, parts.scheme == "https", timeout)
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers = {**headers, "Authorization": f"Basic {base64.b64encode(login).decode()}"}
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        target = quote(target, safe=_PLAIN)
    except UnicodeError as error:
        raise EgressRefused(f"The path of {_shown(url)} is no text: {error}") from error
    clock = threading.Timer(timeout, connection.abort)
    clock.daemon = True
    clock.start()
    try:
        connection.request("POST", target, body, dict(headers))
        response = connection.getresponse()
        answer = Answer(response.status, dict(response.getheaders()), response.read(MOST_READ))
    except (OSError, http.client.HTTPException, AttributeError) as error:
        if connection.aborted:
            raise _too_slow(timeout) from error
        raise
    else:
        if connection.aborted:  # what was read may end there
            raise _too_slow(timeout)
        return answer
    finally:
        clock.cancel()
        connection.close()


def is_public(address: str) -> bool:
    """True for addresses of the public internet, also if they are written within IPv6 ones."""
    ip: Any = ipaddress.ip_address(address.partition("%")[0])
    if ip.version == 6:
        inner = ipaddress.ip_address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else ip.ipv4_mapped
        if inner is not None:
            return is_public(str(inner))
        if ip not in _GIVEN_OUT:
            return False
    return not any(ip.version == one.version and ip in one for one in _NOT_PUBLIC)


def _resolve(host: str, port: int, allow_private: bool) -> tuple[Any, ...]:
    """The first address of the host, as `getaddrinfo` has it."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise EgressRefused(f"{host!r} is no host name: {error}") from error
    if not found:
        raise OSError(f"{host} has no address")
    for *_, place in found:
        if not allow_private and not is_public(place[0]):
            # Not which one: that would tell what the names of the inner network stand for.
            raise EgressRefused(f"{host} is in a private or reserved network.")
    return found[0]


class _Connection(http.client.HTTPConnection):
    """A connection to one address, which is not looked up again."""

    def __init__(
        self, host: str, port: int | None, address: tuple[Any, ...], tls: bool, timeout: float
    ):
        super().__init__(host, port or (443 if tls else 80), timeout=timeout)
        self.default_port = 443 if tls else 80
        self._address = address
        self._tls = tls
        self.aborted = False

    def connect(self) -> None:
        family, kind, protocol, _, place = self._address
        self.sock = socket.socket(family, kind, protocol)
        self.sock.settimeout(self.timeout)
        self.sock.connect(place)
        if self.sock.getpeername()[0] != place[0]:
            raise EgressRefused("The connection led to another address.")
        if self._tls:
            self.sock = _tls().wrap_socket(self.sock, server_hostname=self.host)

    def abort(self) -> None:
        """Have whatever waits for the other side fail."""
        self.aborted = True
        with contextlib.suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)


def _tls() -> ssl.SSLContext:
    """Trusts the system's authorities, or those that the `requests` library would."""
    authorities = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if not authorities:
        return ssl.create_default_context()
    if os.path.isdir(authorities):
        return ssl.create_default_context(capath=authorities)
    return ssl.create_default_context(cafile=authorities)


def _too_slow(timeout: float) -> TimeoutError:
    return TimeoutError(f"no answer within {timeout:g} seconds")


def _shown(url: str) -> str:
    """The URL without its login, query and whatever else may be secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}"
