"""HTTP to one server: keep-alive connections, credentials, retries, and errors turned back into
exceptions."""

from __future__ import annotations

import base64
import os
import weakref
from collections.abc import Iterable
from typing import IO, Any

import msgspec
import urllib3
from urllib3.util import Retry, Timeout, parse_url

from mlflow.environment_variables import (
    MLFLOW_HTTP_POOL_MAXSIZE,
    MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR,
    MLFLOW_HTTP_REQUEST_BACKOFF_JITTER,
    MLFLOW_HTTP_REQUEST_MAX_RETRIES,
    MLFLOW_HTTP_REQUEST_TIMEOUT,
    MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER,
)
from mlflow.error_codes import CODE_OF_STATUS, CODES
from mlflow.exceptions import MlflowException, RestException
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import MlflowHostCreds

# A 500 is not among them: it would be answered the same way again, and the caller waits for
# nothing.
_RETRIED_STATUSES = frozenset({408, 429, 502, 503, 504})


class Transport:
    """A pool of connections to one server; any thread may use it.

    A forked child gets connections of its own: sharing a socket with the parent would mix up
    answers.
    """

    _by_host: dict[str, Transport] = {}
    _live: weakref.WeakSet[Transport] = weakref.WeakSet()

    def __init__(self, creds: MlflowHostCreds):
        self.creds = creds
        self._host = creds.host.rstrip("/")
        url = parse_url(creds.host)
        if url.scheme not in ("http", "https") or not url.host:
            raise MlflowException.invalid_parameter_value(
                f"'{creds.host}' is not the URL of a server; 'http://host:port' is needed."
            )
        self._prefix = (url.path or "").rstrip("/")
        self._timeout = Timeout(MLFLOW_HTTP_REQUEST_TIMEOUT.get())
        self._pool = self._open_pool()
        self._retries_safe = self._retries(idempotent=True)
        self._retries_careful = self._retries(idempotent=False)
        Transport._live.add(self)

    @classmethod
    def for_uri(cls, uri: str) -> Transport:
        """The process's transport for the server at `uri`, with the credentials now in the
        environment."""
        return cls.of(get_default_host_creds(uri))

    @classmethod
    def of(cls, creds: MlflowHostCreds) -> Transport:
        """The process's transport for this server and these credentials."""
        transport = cls._by_host.get(creds.host)
        if transport is None or transport.creds != creds:  # tokens expire and are replaced
            transport = cls._by_host[creds.host] = cls(creds)
        return transport

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
        """The server's answer, its status below 400.

        Args:
            method: HTTP method.
            path: Begins with "/"; already percent-encoded.
            query: Pairs, to be encoded; a key may repeat.
            body: Bytes, or a file or iterator that is read once and so never sent twice.
            headers: In addition to the credentials' own.
            stream: Leave the body unread; the caller reads it and calls `.release_conn()`.
            timeout: Seconds to wait for the connection and for each read; None for
                MLFLOW_HTTP_REQUEST_TIMEOUT.
            idempotent: Sending it twice does no harm, so a broken connection is retried. None: when
                the method is GET, HEAD, PUT or DELETE.

        Raises:
            MlflowException: The code and message of the server's answer, or INTERNAL_ERROR when the
                server cannot be reached after all retries.
        """
        if idempotent is None:
            idempotent = method in ("GET", "HEAD", "PUT", "DELETE")
        if body is not None and not isinstance(body, bytes):
            idempotent = False
        target = self._prefix + path
        if query:
            from urllib.parse import urlencode

            target = f"{target}?{urlencode(list(query))}"
        try:
            response = self._pool.urlopen(
                method,
                target,
                body=body,
                headers=self._headers(headers),
                retries=self._retries_safe if idempotent else self._retries_careful,
                redirect=False,
                timeout=self._timeout if timeout is None else Timeout(timeout),
                preload_content=not stream,
            )
        except urllib3.exceptions.HTTPError as e:
            reason = getattr(e, "reason", None) or e
            raise MlflowException(
                f"API request to {self._host}{path} failed with exception {reason}"
            ) from e
        if response.status >= 400:
            raise _error(response, method, f"{self._host}{path}")
        return response

    def json(self, method: str, path: str, **kwargs: Any) -> Any:
        """The decoded JSON body of the answer to `request(method, path, ...)`."""
        response = self.request(method, path, **kwargs)
        try:
            return msgspec.json.decode(response.data) if response.data else {}
        except msgspec.DecodeError:
            raise MlflowException(
                f"{self._host}{path} answered something that is not JSON: {response.data[:200]!r}. "
                "Is it a tracking server?"
            ) from None

    def _headers(self, extra: dict[str, str] | None) -> dict[str, str]:
        from mlflow.tracking.request_header.registry import resolve_request_headers

        headers = resolve_request_headers()
        creds = self.creds
        if creds.auth:
            headers.update(_plugin_headers(creds))
        elif creds.username and creds.password:
            headers.update(_basic(creds.username, creds.password))
        elif creds.token:
            headers["Authorization"] = f"Bearer {creds.token}"
        if extra:
            headers.update(extra)
        return headers

    def _open_pool(self) -> urllib3.HTTPConnectionPool:
        url = parse_url(self.creds.host)
        size = MLFLOW_HTTP_POOL_MAXSIZE.get() or 10
        tls: dict[str, Any] = {}
        if url.scheme == "https":
            tls["cert_reqs"] = (
                "CERT_NONE" if self.creds.ignore_tls_verification else "CERT_REQUIRED"
            )
            if self.creds.server_cert_path:
                tls["ca_certs"] = self.creds.server_cert_path
            if self.creds.client_cert_path:
                tls["cert_file"] = self.creds.client_cert_path
        manager: urllib3.PoolManager
        proxy = _proxy_for(url)
        if proxy:
            manager = urllib3.ProxyManager(proxy, maxsize=size, **tls)
        else:
            manager = urllib3.PoolManager(maxsize=size, **tls)
        return manager.connection_from_url(self.creds.host)

    def _retries(self, *, idempotent: bool) -> Retry:
        total = MLFLOW_HTTP_REQUEST_MAX_RETRIES.get()
        return Retry(
            total=total,
            connect=min(total, 3),  # nothing listens: say so soon
            read=total if idempotent else 0,
            other=0,
            status=total,
            redirect=0,
            allowed_methods=None,
            status_forcelist=_RETRIED_STATUSES if idempotent else frozenset({429, 503}),
            backoff_factor=MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR.get() / 10,
            backoff_jitter=MLFLOW_HTTP_REQUEST_BACKOFF_JITTER.get() / 10,
            backoff_max=20,
            respect_retry_after_header=MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER.get(),
            raise_on_status=False,
        )


def _proxy_for(url: Any) -> str | None:
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    if not proxies or proxy_bypass(url.host):
        return None
    return proxies.get(url.scheme) or proxies.get("all")


def _plugin_headers(creds: MlflowHostCreds) -> dict[str, str]:
    """Headers that a request-auth plug-in adds. It speaks the protocol of the `requests` library:
    (user, password), or a callable that changes a request."""
    from types import SimpleNamespace

    from mlflow.tracking.request_auth.registry import fetch_auth

    auth = fetch_auth(creds.auth)
    if auth is None:
        return {}
    if isinstance(auth, tuple):
        return _basic(*auth)
    request = SimpleNamespace(headers={}, url=creds.host, method="GET", body=None)
    return dict((auth(request) or request).headers)


def _basic(username: str, password: str) -> dict[str, str]:
    pair = base64.standard_b64encode(f"{username}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _error(response: urllib3.BaseHTTPResponse, method: str, url: str) -> MlflowException:
    """The exception that an answer with an error status stands for."""
    data = response.data
    response.release_conn()
    try:
        body = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        body = None
    if isinstance(body, dict) and "error_code" in body:
        return RestException(body)
    text = data.decode("utf-8", "replace").strip()[:1000]
    return MlflowException(
        f"API request to {url} ({method}) failed with error code {response.status} != 200. "
        f"Response body: '{text}'",
        error_code=CODES[CODE_OF_STATUS.get(response.status, "INTERNAL_ERROR")],
    )


def _after_fork() -> None:
    for transport in list(Transport._live):
        transport._pool = transport._open_pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
