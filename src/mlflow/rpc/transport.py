"""HTTP to one server: kept connections, credentials, further attempts, redirects, and errors turned
back into exceptions."""

from __future__ import annotations

import base64
import contextlib
import os
import random
import socket
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from typing import IO, TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, unquote, urlencode, urljoin, urlsplit

import msgspec

from mlflow.environment_variables import MLFLOW_HTTP_POOL_CONNECTIONS
from mlflow.exceptions import MlflowException
from mlflow.rpc.connection import Answer, Connection
from mlflow.rpc.failures import Broken, Hopeless, NotSent, error_of, failed, unreachable
from mlflow.rpc.network import Settings, proxy_for, without_password
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import MlflowHostCreds

if TYPE_CHECKING:
    import urllib3

A = TypeVar("A")

# The server says with these that it has not done anything.
_TURNED_AWAY = frozenset({429, 503})
# A 500 is not among them: it would be answered the same way again, and the caller waits for
# nothing.
_BUSY = frozenset({408, 429, 502, 503, 504})
_PATIENCE = 120.0
"""Seconds after the first failure in which further attempts begin."""
_LONGEST_CONNECT = 20.0
"""Most seconds that making a connection may take."""
_TRUSTED_IDLE = 1.0
"""Seconds for which an idle connection is good for a request that must not be sent twice. The
server may be closing an older one at this moment, and then nobody knows what it has read."""
_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_MAX_REDIRECTS = 5
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Transport:
    """Connections to one server; any thread may use it.

    What the server cannot have acted on is sent again: when no connection could be made, when it
    broke before all was sent, and after 429 and 503. What it may have acted on is sent again if
    that does no harm. The pauses between attempts grow threefold, and no attempt begins later than
    two minutes after the first failure.

    A forked child gets connections of its own: sharing a socket with the parent would mix up
    answers.

    Args:
        creds: The server's address and the credentials for it.
        foreign: A server that another one redirected to: it gets no headers of plug-ins, which may
            be secrets.
    """

    _by_server: dict[tuple[str, bool], Transport] = {}
    _live: weakref.WeakSet[Transport] = weakref.WeakSet()

    def __init__(self, creds: MlflowHostCreds, foreign: bool = False):
        self.creds = creds
        self._foreign = foreign
        self._settings = Settings.now()
        try:
            url = urlsplit(creds.host)
            port = url.port
        except ValueError:
            url, port = urlsplit(""), None
        if url.scheme not in ("http", "https") or not url.hostname:
            raise MlflowException.invalid_parameter_value(
                f"'{without_password(creds.host)}' is not the URL of a server; "
                "'http://host:port' is needed."
            )
        self._scheme = url.scheme
        self._host = url.hostname
        self._port = port or _DEFAULT_PORTS[url.scheme]
        self._authority = f"[{self._host}]" if ":" in self._host else _ascii(self._host)
        if self._port != _DEFAULT_PORTS[url.scheme]:
            self._authority += f":{self._port}"
        self._prefix = quote(url.path.rstrip("/"), safe="/%:@!$&'()*+,;=~")
        self._own_auth = None
        if url.username:
            self._own_auth = _basic(unquote(url.username), unquote(url.password or ""))
        self._proxy = proxy_for(url.scheme, self._host, self._port)
        self._reached = False
        self._idle: deque[Connection] = deque()
        self._manager: urllib3.PoolManager | None = None
        self._heads: dict[tuple[str, str], tuple[dict[str, str], bytes]] = {}
        Transport._live.add(self)

    @classmethod
    def for_uri(cls, uri: str) -> Transport:
        """The process's transport for the server at `uri`, with the credentials now in the
        environment."""
        return cls.of(get_default_host_creds(uri))

    @classmethod
    def of(cls, creds: MlflowHostCreds, foreign: bool = False) -> Transport:
        """The process's transport for this server and these credentials."""
        key = (creds.host, foreign)
        known = cls._by_server.get(key)
        # tokens expire and are replaced, settings change
        if known is not None and known.creds == creds and known._settings == Settings.now():
            return known
        transport = cls(creds, foreign)
        if known is not None:
            transport._reached = known._reached
            known.close()
        else:
            while len(cls._by_server) >= max(MLFLOW_HTTP_POOL_CONNECTIONS.get(), 1):
                oldest = cls._by_server.pop(list(cls._by_server)[0], None)
                if oldest is not None:
                    oldest.close()
        cls._by_server[key] = transport
        return transport

    def close(self) -> None:
        """Close the connections that nobody uses. It can go on being used, with new ones."""
        while self._idle:
            with contextlib.suppress(IndexError):  # another thread was faster
                self._idle.pop().close()
        manager, self._manager = self._manager, None
        if manager is not None:
            manager.clear()

    @property
    def url(self) -> str:
        """The server's address, without a password."""
        return f"{self._scheme}://{self._authority}{self._prefix}"

    # -- small requests ---------------------------------------------------------------------

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Iterable[tuple[str, str]] | None = None,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        idempotent: bool | None = None,
    ) -> bytes:
        """The body of the server's answer, its status being of success.

        Args:
            method: HTTP method; not HEAD.
            path: Begins with "/"; already percent-encoded.
            query: Pairs, to be encoded; a key may repeat.
            body: In JSON, unless `headers` say otherwise.
            headers: In addition to the credentials' own.
            idempotent: Sending it twice does no harm. None: when the method is GET, PUT or DELETE.

        Raises:
            MlflowException: The code and message of the server's answer, or INTERNAL_ERROR when the
                server cannot be reached after all attempts.
        """
        target = self._target(path, query)
        if idempotent is None:
            idempotent = method in _IDEMPOTENT
        return self._call(method, target, body, headers, idempotent, _MAX_REDIRECTS)

    def _target(self, path: str, query: Iterable[tuple[str, str]] | None) -> str:
        target = self._prefix + path
        return f"{target}?{urlencode(list(query))}" if query else target

    def json(self, method: str, path: str, **kwargs: Any) -> Any:
        """The decoded JSON body of the answer to `call(method, path, ...)`."""
        data = self.call(method, path, **kwargs)
        try:
            return msgspec.json.decode(data) if data else {}
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise MlflowException(
                f"{self.url}{path} answered something that is not JSON: {data[:200]!r}. "
                "Is it a tracking server?"
            ) from None

    def _call(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: dict[str, str] | None,
        idempotent: bool,
        redirects: int,
    ) -> bytes:
        request = self._head(method, target, self._headers(method, target, body, headers))
        if body is None and method in ("GET", "DELETE"):
            request += b"\r\n"
        else:
            body = body or b""
            request = b"%bContent-Length: %d\r\n\r\n%b" % (request, len(body), body)
        answer = self._persevere(lambda: self._exchange(request, idempotent), target, idempotent)
        if answer.status < 300:
            return answer.data
        if answer.status < 400:
            other, target = self._redirected(
                method, target, answer.status, answer.header("location"), redirects
            )
            return other._call(method, target, body, headers, idempotent, redirects - 1)
        raise error_of(answer.status, answer.data, method, self._place(target))

    def _exchange(self, request: bytes, idempotent: bool) -> Answer:
        connection = self._take(idempotent)
        answer = None
        try:
            answer = connection.exchange(request)
        finally:  # whatever interrupted it: the rest of the answer is still to come
            if answer is None or not connection.reusable or len(self._idle) >= self._settings.kept:
                connection.close()
            else:
                self._idle.append(connection)
        self._reached = True
        return answer

    def _take(self, idempotent: bool) -> Connection:
        """A connection that nobody else has."""
        oldest = 0.0 if idempotent else time.monotonic() - _TRUSTED_IDLE
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if connection.used_at >= oldest and not connection.is_stale():
                return connection
            connection.close()
        return self._connect()

    def _head(self, method: str, target: str, headers: dict[str, str]) -> bytes:
        """Request line and headers; still to come are the body's length and the empty line."""
        path = target.partition("?")[0]
        known = self._heads.get((method, path))
        if known is not None and path == target and known[0] == headers:
            return known[1]
        lines = [f"Host: {self._authority}", "Accept: */*"]
        if self._forwards:
            lines.insert(0, f"{method} http://{self._authority}{target} HTTP/1.1")
            lines += [f"{name}: {value}" for name, value in self._proxy_headers().items()]
        else:
            lines.insert(0, f"{method} {target} HTTP/1.1")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        try:
            head = ("\r\n".join(lines) + "\r\n").encode("latin-1")
        except UnicodeEncodeError as e:
            raise _unfit(lines, e.object[e.start]) from None
        for character in (b"\r", b"\n", b"\0"):
            if head.count(character) != (0 if character == b"\0" else len(lines)):
                raise _unfit(lines, character.decode())
        if " " in target:
            raise MlflowException.invalid_parameter_value(f"The path '{target}' is not encoded.")
        if path == target:
            if len(self._heads) > 200:
                self._heads.clear()
            self._heads[method, path] = (headers, head)
        return head

    def _connect(self) -> Connection:
        settings = self._settings
        patience = min(settings.timeout, _LONGEST_CONNECT)
        try:
            if self._scheme == "http" and self._proxy is None:
                owner = None
                sock = socket.create_connection((self._host, self._port), patience)
                try:
                    for option in settings.socket_options:
                        sock.setsockopt(*option)
                except BaseException:
                    sock.close()
                    raise
            else:
                owner = self._owner(patience)
                owner.connect()
                sock = owner.sock
        except Exception as e:
            raise unreachable(e) from e
        sock.settimeout(settings.timeout)
        return Connection(sock, owner)

    def _owner(self, patience: float) -> Any:
        """A connection of urllib3's, still to be made, through the proxy and with TLS as needed."""
        from urllib3.connection import HTTPConnection, HTTPSConnection

        options: dict[str, Any] = {
            "timeout": patience,
            "socket_options": list(self._settings.socket_options),
        }
        if self._proxy is None:
            return HTTPSConnection(self._host, self._port, **options, **self._tls())
        manager: Any = self._streams()
        proxy = manager.proxy
        if self._forwards:
            kind = HTTPSConnection if proxy.scheme == "https" else HTTPConnection
            return kind(proxy.host, proxy.port, **options)
        connection = HTTPSConnection(
            proxy.host,
            proxy.port,
            proxy=proxy,
            proxy_config=manager.proxy_config,
            **options,
            **self._tls(),
        )
        connection.set_tunnel(self._host, self._port, manager.proxy_headers, scheme=proxy.scheme)
        return connection

    # -- streams ----------------------------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Iterable[tuple[str, str]] | None = None,
        body: bytes | IO[bytes] | Iterable[bytes] | None = None,
        headers: dict[str, str] | None = None,
        stream: bool = False,
        timeout: float | None = None,
        idempotent: bool | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """The server's answer, its status being of success; for what may not fit in memory.

        Args:
            method: HTTP method.
            path: Begins with "/"; already percent-encoded.
            query: Pairs, to be encoded; a key may repeat.
            body: Bytes, or a file or iterator. After it was read it is sent again only if it is a
                file that can go back, and the server cannot have acted on it.
            headers: In addition to the credentials' own.
            stream: Leave the body unread; the caller reads it and calls `.release_conn()`.
            timeout: Seconds to wait for the connection and for each read; None for
                MLFLOW_HTTP_REQUEST_TIMEOUT.
            idempotent: Sending it twice does no harm. None: when the method is GET, HEAD, PUT or
                DELETE.

        Raises:
            MlflowException: The code and message of the server's answer, or INTERNAL_ERROR when the
                server cannot be reached after all attempts.
        """
        target = self._target(path, query)
        if idempotent is None:
            idempotent = method in _IDEMPOTENT
        if body is not None and not isinstance(body, bytes):
            idempotent = False
        wait = self._settings.timeout if timeout is None else timeout
        return self._request(
            method, target, _Body(body), headers, stream, wait, idempotent, _MAX_REDIRECTS
        )

    def _request(
        self,
        method: str,
        target: str,
        body: _Body,
        headers: dict[str, str] | None,
        stream: bool,
        wait: float,
        idempotent: bool,
        redirects: int,
    ) -> urllib3.BaseHTTPResponse:
        from urllib3 import Timeout

        known = body.content if isinstance(body.content, bytes) else None
        all_headers = self._headers(method, target, known, headers)

        def attempt() -> urllib3.BaseHTTPResponse:
            try:
                response = self._streams().urlopen(
                    method,
                    f"{self._scheme}://{self._authority}{target}",
                    body=body.from_start(),
                    headers=all_headers,
                    retries=False,
                    redirect=False,
                    timeout=Timeout(connect=min(wait, _LONGEST_CONNECT), read=wait),
                    preload_content=not stream,
                )
                if response.status in _BUSY:
                    _what_there_is(response)  # or its connection could not be used again
            except Exception as e:
                raise failed(e) from e
            self._reached = True
            return response

        response = self._persevere(attempt, target, idempotent)
        if response.status < 300:
            return response
        data = _what_there_is(response)
        if response.status < 400:
            other, target = self._redirected(
                method, target, response.status, response.headers.get("location"), redirects
            )
            return other._request(
                method, target, body, headers, stream, wait, idempotent, redirects - 1
            )
        raise error_of(response.status, data, method, self._place(target))

    def _streams(self) -> urllib3.PoolManager:
        if self._manager is None:
            import urllib3

            options: dict[str, Any] = {
                "maxsize": max(self._settings.kept, 1),
                "socket_options": list(self._settings.socket_options),
                **(self._tls() if self._scheme == "https" else {}),
            }
            if self._proxy is None:
                self._manager = urllib3.PoolManager(**options)
            else:
                self._manager = urllib3.ProxyManager(
                    without_password(self._proxy), proxy_headers=self._proxy_headers(), **options
                )
        return self._manager

    # -- what both share --------------------------------------------------------------------

    def _persevere(self, attempt: Callable[[], A], target: str, idempotent: bool) -> A:
        """The outcome of `attempt`, which is called until there is one or patience ends."""
        settings = self._settings
        failures = 0
        deadline = 0.0
        while True:
            asked = None
            failure: MlflowException | None
            retries = settings.retries
            try:
                answer: Any = attempt()
            except NotSent as e:
                failure = self._failure(target, e)
                told = str(e)
                again = not isinstance(e, Hopeless)
                if not self._reached:
                    retries = settings.first_retries
            except Broken as e:
                failure = self._failure(target, e)
                told = str(e)
                again = idempotent
                if again and not failures:
                    failures, deadline = 1, time.monotonic() + _PATIENCE
                    continue  # most often an idle connection that the server has just given up
            else:
                if answer.status not in _BUSY:
                    return answer
                failure = None
                told = f"the server answered {answer.status}"
                again = idempotent or answer.status in _TURNED_AWAY
                if settings.heeds_retry_after:
                    asked = _retry_after(answer)
            failures += 1
            now = time.monotonic()
            if failures == 1:
                deadline = now + _PATIENCE
            pause = _pause(failures, settings, asked)
            if not again or failures > retries or now + pause > deadline:
                if failure is None:
                    return answer
                try:
                    raise failure
                finally:
                    failure = None  # an exception that its own frame holds is freed late
            if pause >= 1:
                from mlflow.utils.logging_utils import get_logger

                get_logger(__name__).warning(
                    "%s: %s. Trying again in %.0f s.", self.url, told, pause
                )
            time.sleep(pause)

    def _failure(self, target: str, problem: NotSent | Broken) -> MlflowException:
        failure = MlflowException(
            f"API request to {self._place(target)} failed with exception {problem}"
        )
        # A break in the middle of a stream shows as what it was: see `_unless_broken` of the HTTP
        # artifact repository.
        cause = problem.__cause__ if isinstance(problem, Broken) else None
        failure.__cause__ = cause or problem
        return failure

    def _headers(
        self, method: str, target: str, body: bytes | None, extra: dict[str, str] | None
    ) -> dict[str, str]:
        from mlflow.tracking.request_header.registry import resolve_request_headers

        if self._foreign:
            from mlflow.tracking.request_header.default_request_header_provider import (
                DefaultRequestHeaderProvider,
            )

            headers = DefaultRequestHeaderProvider().request_headers()
        else:
            headers = resolve_request_headers()
        creds = self.creds
        if creds.auth:
            url = f"{self._scheme}://{self._authority}{target}"
            headers.update(_plugin_headers(creds.auth, method, url, body, headers))
        elif creds.username and creds.password:
            headers["Authorization"] = _basic(creds.username, creds.password)
        elif creds.token:
            headers["Authorization"] = f"Bearer {creds.token}"
        elif self._own_auth:
            headers["Authorization"] = self._own_auth
        if extra:
            headers.update(extra)
        return headers

    def _redirected(
        self, method: str, target: str, status: int, location: str | None, redirects: int
    ) -> tuple[Transport, str]:
        """Where the server said to go instead, and which path to ask for there."""
        here = f"{self._scheme}://{self._authority}"
        place = urljoin(here + target, location or "")
        url = urlsplit(place)
        there = f"{url.scheme}://{url.netloc.rpartition('@')[2]}"
        keeps_method = status in (307, 308) or method in ("GET", "HEAD")
        if not location or not self._settings.follows_redirects or not keeps_method:
            # Others would turn a POST into a GET here, and lose what it says.
            raise MlflowException(
                f"{self._place(target)} answered {status}: what is asked for is at {there}. "
                "Set the tracking URI to where the server is."
            )
        if redirects <= 0:
            raise MlflowException(f"{self._place(target)} redirects in circles.")
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        if there == here:
            return self, target
        creds = self.creds
        if there == f"https://{self._host}" and here == f"http://{self._host}":
            return Transport.of(_moved(creds, there)), target
        bare = MlflowHostCreds(
            there,
            ignore_tls_verification=creds.ignore_tls_verification,
            server_cert_path=creds.server_cert_path,
        )
        return Transport.of(bare, foreign=True), target

    def _place(self, target: str) -> str:
        """The URL of a request, for messages: without what was asked."""
        return f"{self._scheme}://{self._authority}{target.partition('?')[0]}"

    def _tls(self) -> dict[str, Any]:
        creds = self.creds
        options: dict[str, Any] = {"cert_reqs": "CERT_REQUIRED"}
        authorities = creds.server_cert_path
        if creds.ignore_tls_verification:
            options = {"cert_reqs": "CERT_NONE", "assert_hostname": False}
        elif not authorities:  # the names that the `requests` library knows
            authorities = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
        if authorities:
            kind = "ca_cert_dir" if os.path.isdir(authorities) else "ca_certs"
            options[kind] = _readable(authorities, "certificate authorities")
        if creds.client_cert_path:
            options["cert_file"] = _readable(creds.client_cert_path, "the client certificate")
        return options

    @property
    def _forwards(self) -> bool:
        """Whether a proxy reads the requests, instead of making a tunnel for them."""
        return self._proxy is not None and self._scheme == "http"

    def _proxy_headers(self) -> dict[str, str]:
        url = urlsplit(self._proxy or "")
        if not url.username:
            return {}
        auth = _basic(unquote(url.username), unquote(url.password or ""))
        return {"Proxy-Authorization": auth}

    def _after_fork(self) -> None:
        self._idle = deque()
        self._manager = None


class _Body:
    """The body of a request, which may have to be sent again."""

    def __init__(self, content: Any):
        self.content = content
        self._is_read = False
        self._start = None
        if content is not None and hasattr(content, "seek"):
            self._start = content.tell()

    def from_start(self) -> Any:
        """The content, wound back if it was read before; Hopeless if it cannot be."""
        if self._is_read and self.content is not None and not isinstance(self.content, bytes):
            if self._start is None:
                raise Hopeless("what was sent cannot be read a second time")
            self.content.seek(self._start)
        self._is_read = True
        return self.content


def _what_there_is(response: urllib3.BaseHTTPResponse) -> bytes:
    """The body of an answer that says no; empty if the connection breaks."""
    from urllib3.exceptions import HTTPError

    try:
        data = response.data
        response.release_conn()
    except HTTPError:
        response.close()
        return b""
    return data


def _pause(failures: int, settings: Settings, asked: float | None) -> float:
    """Seconds before the next attempt: 0.1, 0.3, 0.9, … up to twice that by chance, or what the
    server asked for."""
    pause = settings.factor * 3 ** (failures - 1) / 20
    chance = random.uniform(0, min(settings.jitter, pause))
    return (pause if asked is None else asked) + chance


def _retry_after(answer: Any) -> float | None:
    """Seconds that the server asks to wait; None if it does not say."""
    if isinstance(answer, Answer):
        text = answer.header("retry-after")
    else:
        text = answer.headers.get("retry-after")
    if not text:
        return None
    if text.strip().isdecimal():
        return float(text)
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def _ascii(host: str) -> str:
    """A host's name as it stands in a request."""
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        raise MlflowException.invalid_parameter_value(
            f"'{host}' is not the name of a host."
        ) from None


def _moved(creds: MlflowHostCreds, host: str) -> MlflowHostCreds:
    from dataclasses import replace

    return replace(creds, host=host)


def _readable(path: str, what: str) -> str:
    if not os.path.exists(path):
        raise MlflowException.invalid_parameter_value(
            f"There is no '{path}', where {what} should be."
        )
    return path


def _unfit(lines: list[str], character: str) -> MlflowException:
    """The error for a character that cannot stand in a header. It does not show the value, which
    may be a secret."""
    line = next(line for line in lines if character in line)
    name = line.partition(":")[0]
    return MlflowException.invalid_parameter_value(
        f"The value of the header '{name}' has the character {character!r}, which no header may "
        "have. A token or password that was read from a file may end in a line break."
    )


def _plugin_headers(
    name: str, method: str, url: str, body: bytes | None, headers: dict[str, str]
) -> dict[str, str]:
    """Headers that a request-auth plug-in adds. It speaks the protocol of the `requests` library:
    (user, password), or a callable that changes a request."""
    from types import SimpleNamespace

    from mlflow.tracking.request_auth.registry import fetch_auth

    auth = fetch_auth(name)
    if auth is None:
        return {}
    if isinstance(auth, tuple):
        return {"Authorization": _basic(*auth)}
    request = SimpleNamespace(headers=dict(headers), url=url, method=method, body=body)
    return dict((auth(request) or request).headers)


def _basic(username: str, password: str) -> str:
    return "Basic " + base64.standard_b64encode(f"{username}:{password}".encode()).decode()


def _after_fork() -> None:
    for transport in list(Transport._live):
        transport._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
