"""What the server refuses before it looks further, and the headers it adds to each answer.

Any web page can make the browser of its reader send requests. Two checks stop that: the Host header
must name this server (else another name was made to point here: DNS rebinding), and a request that
changes something must come from an allowed page (its Origin). Programs that are not browsers send
no Origin.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from mlflow.server.config import ServerConfig

    Message = MutableMapping[str, Any]
    App = Callable[[Message, Callable[[], Awaitable[Message]], "Send"], Awaitable[None]]
    Send = Callable[[Message], Awaitable[None]]

HOST_REFUSED = b"Invalid Host header - possible DNS rebinding attack detected"
ORIGIN_REFUSED = b"Cross-origin request blocked"
_PREFLIGHT_REFUSED = b"Disallowed CORS origin"

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Answered for any Host, for probes of load balancers; they tell nothing that matters.
_OPEN_PATHS = ("/health", "/livez", "/readyz", "/version")

#: A page that notebooks show in a frame, wherever they are; `--x-frame-options` is not about it, in
#: the reference neither.
FRAMED_BY_ALL = "/static-files/lib/notebook-trace-renderer/index.html"

_LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
_PRIVATE_NETWORKS = tuple(
    ipaddress.ip_network(n) for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)
_ANY_INTERFACE = ("0.0.0.0", "::", "")
_DEFAULT_PORTS = {"http": "80", "https": "443"}

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?")
_MAX_REMEMBERED = 1024


class _Pattern(NamedTuple):
    """One allowed host or origin."""

    scheme: str | None
    """None for any."""
    host: re.Pattern[str]
    port: str | None
    """None for any; empty for none."""

    def fits(self, scheme: str | None, host: str, port: str) -> bool:
        return (
            self.scheme in (None, scheme)
            and self.port in (None, port)
            and self.host.fullmatch(host) is not None
        )


class _Allowed:
    """A set of header values, described by patterns; each value is looked at once."""

    any = False
    """True when all values are in."""

    def __init__(self) -> None:
        self._known: dict[bytes, bool] = {}

    def __contains__(self, header: bytes) -> bool:
        if self.any:
            return True
        known = self._known.get(header)
        if known is None:
            known = self._fits(header.decode("latin-1").lower())
            if len(self._known) >= _MAX_REMEMBERED:  # the values are the client's: keep them few
                self._known.clear()
            self._known[header] = known
        return known

    def _fits(self, text: str) -> bool:
        raise NotImplementedError


class AllowedHosts(_Allowed):
    """The values of the Host header that are answered.

    Args:
        patterns: `name` or `name:port`, where `*` stands for any characters; without a port any
            port fits. None for the names of this machine and private addresses.
        bound_to: The interface that the server listens on; allowed as long as `patterns` is None.
    """

    def __init__(self, patterns: Iterable[str] | None, bound_to: str = ""):
        super().__init__()
        self._private = patterns is None
        if patterns is None:
            own = () if bound_to in _ANY_INTERFACE else (bound_to,)
            patterns = (*_LOCAL_NAMES, "0.0.0.0", *own)
        texts = _lowered(patterns)
        self.any = "*" in texts
        self._patterns = [self._pattern(text) for text in texts]

    @staticmethod
    def _pattern(text: str) -> _Pattern:
        host, port = _split_port(text)
        return _Pattern(None, _host_regex(host), None if port in ("", "*") else port)

    def _fits(self, text: str) -> bool:
        found = _AUTHORITY.fullmatch(text)
        if found is None:
            return False
        if self._private and _is_private(found[1]):
            return True
        return any(pattern.fits(None, found[1], found[2] or "") for pattern in self._patterns)


class AllowedOrigins(_Allowed):
    """The pages whose requests may change something, and whose scripts may read the answers.

    Args:
        origins: `scheme://host` or `scheme://host:port`, where `*` may stand in the host and for
            the port; `*` alone for all. The pages of this machine (localhost, any port) are always
            allowed too.
    """

    def __init__(self, origins: Iterable[str] | None):
        super().__init__()
        texts = _lowered(origins or ())
        self.any = "*" in texts
        local = [f"{s}://{name}:*" for s in _DEFAULT_PORTS for name in _LOCAL_NAMES]
        self._patterns = [self._pattern(text) for text in (*local, *texts) if text != "*"]

    @staticmethod
    def _pattern(text: str) -> _Pattern:
        scheme, _, authority = text.partition("://")
        host, port = _split_port(authority)
        return _Pattern(scheme, _host_regex(host), None if port == "*" else _own_port(scheme, port))

    def _fits(self, text: str) -> bool:
        scheme, _, authority = text.partition("://")
        found = _AUTHORITY.fullmatch(authority)
        if found is None:
            return False
        port = _own_port(scheme, found[2] or "")
        return any(pattern.fits(scheme, found[1], port) for pattern in self._patterns)


class SecurityMiddleware:
    """Wraps the application; with `config.disable_security_middleware` all requests pass as is."""

    def __init__(self, app: App, config: ServerConfig):
        self.app = app
        self._off = config.disable_security_middleware
        self._hosts = AllowedHosts(config.allowed_hosts, config.host)
        self._origins = AllowedOrigins(config.cors_allowed_origins)
        self._open = {
            prefix + path for path in _OPEN_PATHS for prefix in ("", config.static_prefix)
        }
        self._framed_by_all = config.static_prefix + FRAMED_BY_ALL
        self._headers_of_framed = [(b"x-content-type-options", b"nosniff"), (b"vary", b"Origin")]
        self._headers = [*self._headers_of_framed]
        if frame_options := _frame_options(config):
            self._headers.append((b"x-frame-options", frame_options.encode("latin-1")))

    async def __call__(self, scope: Message, receive: Any, send: Send) -> None:
        kind = scope["type"]
        if self._off or kind == "lifespan":
            await self.app(scope, receive, send)
            return
        host = origin = None
        for name, value in scope["headers"]:
            if name == b"host":
                # Two of them: whoever is in front may have looked at the other one.
                host = value if host is None else b""
            elif name == b"origin":
                origin = value
        refusal = self._refusal(scope, host, origin)
        if refusal:
            await _refuse(kind, send, refusal)
            return
        if kind == "websocket":
            await self.app(scope, receive, send)
            return
        if origin and scope["method"] == "OPTIONS":
            wanted = dict(scope["headers"])
            if b"access-control-request-method" in wanted:
                await self._answer_preflight(origin, wanted, send)
                return
        framed = scope["path"] == self._framed_by_all
        headers = self._headers_of_framed if framed else self._headers
        if origin is not None:
            headers = headers + self._cors(origin)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        await self.app(scope, receive, send_with_headers)

    def _refusal(self, scope: Message, host: bytes | None, origin: bytes | None) -> bytes | None:
        """Why the request is not let in; None when it is."""
        if scope["path"] in self._open:
            return None
        if host is None or host not in self._hosts:
            return HOST_REFUSED
        changes = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
        if origin and changes and not self._may_change(origin, host):
            return ORIGIN_REFUSED
        return None

    def _may_change(self, origin: bytes, host: bytes) -> bool:
        if origin in self._origins:
            return True
        # A page of this very server. Its Host was checked, unless any Host is let in: then a page
        # of an attacker, whose name points here, would look just the same.
        return not self._hosts.any and origin.partition(b"://")[2].lower() == host.lower()

    def _cors(self, origin: bytes) -> list[tuple[bytes, bytes]]:
        """What lets scripts of an allowed page read the answer."""
        if origin not in self._origins:
            return []
        expose = (b"access-control-expose-headers", b"*")
        if self._origins.any:  # for everybody, hence without anybody's cookies
            return [(b"access-control-allow-origin", b"*"), expose]
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-credentials", b"true"),
            expose,
        ]

    async def _answer_preflight(
        self, origin: bytes, wanted: dict[bytes, bytes], send: Send
    ) -> None:
        allowed = origin in self._origins
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
        ]
        if allowed:
            headers += self._cors(origin)
            headers += [
                (b"access-control-allow-methods", b"GET, POST, PUT, DELETE, OPTIONS, PATCH"),
                (b"access-control-max-age", b"600"),
            ]
            if names := wanted.get(b"access-control-request-headers"):
                headers.append((b"access-control-allow-headers", names))
        status, body = (200, b"OK") if allowed else (400, _PREFLIGHT_REFUSED)
        await _answer(send, status, headers, body)


async def _refuse(kind: str, send: Send, why: bytes) -> None:
    if kind == "websocket":
        await send({"type": "websocket.close", "code": 1008})  # not accepted: the client sees 403
        return
    await _answer(send, 403, [(b"content-type", b"text/plain")], why)


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def frame_ancestors(config: ServerConfig) -> str:
    """Who may show the UI's pages in a frame, as a Content-Security-Policy says it."""
    if config.disable_security_middleware:
        return "*"
    return {"": "*", "DENY": "'none'"}.get(_frame_options(config), "'self'")


def _frame_options(config: ServerConfig) -> str:
    """The value of X-Frame-Options; empty for none."""
    option = (config.x_frame_options or "").strip().upper()
    return "" if option == "NONE" else option


def _lowered(patterns: Iterable[str]) -> list[str]:
    return [text.strip().lower() for text in patterns if text.strip()]


def _split_port(text: str) -> tuple[str, str]:
    """Host and port of a pattern; the port is empty when there is none."""
    if text.count(":") > 1 and "[" not in text:
        return f"[{text}]", ""  # an IPv6 address, as one writes it where no port can follow
    host, colon, port = text.rpartition(":")
    return (host, port) if colon and "]" not in port else (text, "")


def _own_port(scheme: str, port: str) -> str:
    """The port, empty for the one that browsers leave out."""
    return "" if port == _DEFAULT_PORTS.get(scheme) else port


def _host_regex(pattern: str) -> re.Pattern[str]:
    # `192.168.*` is about addresses: it must not let in 192.168.example.com.
    some = "[0-9.]*" if re.fullmatch(r"[0-9.*]+", pattern) else ".*"
    return re.compile(some.join(map(re.escape, pattern.split("*"))))


def _is_private(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return any(address in network for network in _PRIVATE_NETWORKS)
