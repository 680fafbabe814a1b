"""Requests to stores in a cloud, over `requests`, as plug-ins make them."""

from __future__ import annotations

import os
import random
import socket
from functools import lru_cache
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.util import Retry

_TRANSIENT_FAILURE_RESPONSE_CODES = frozenset({408, 429, 500, 502, 503, 504})
_METHODS = ("put", "get", "patch", "delete")


class JitteredRetry(Retry):
    """Retries that wait up to `backoff_jitter` seconds longer, each by chance, so that many clients
    do not come back at once."""

    def __init__(self, *args: Any, backoff_jitter: float = 0.0, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.backoff_jitter = backoff_jitter

    def new(self, **kwargs: Any) -> JitteredRetry:
        return super().new(backoff_jitter=self.backoff_jitter, **kwargs)

    def get_backoff_time(self) -> float:
        """Seconds to wait now."""
        wait = super().get_backoff_time()
        return wait + random.uniform(0, self.backoff_jitter) if self.backoff_jitter else wait


class TCPKeepAliveHTTPAdapter(HTTPAdapter):
    """Connections that notice when nobody is at the other end any more."""

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
    ) -> None:
        pool_kwargs["socket_options"] = _socket_options()
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        proxy_kwargs["socket_options"] = _socket_options()
        return super().proxy_manager_for(proxy, **proxy_kwargs)


def _socket_options() -> list[tuple[int, int, int]]:
    return [*HTTPConnection.default_socket_options, (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]


def cloud_storage_http_request(
    method: str,
    url: str,
    max_retries: int = 5,
    backoff_factor: float = 2,
    backoff_jitter: float = 1.0,
    retry_codes: Any = _TRANSIENT_FAILURE_RESPONSE_CODES,
    timeout: float | None = None,
    **kwargs: Any,
) -> requests.Response:
    """The answer, whatever its status.

    Args:
        method: "put", "get", "patch" or "delete".
        max_retries: How often a request is made again that failed or got one of `retry_codes`.
        backoff_factor: Each wait is twice the one before; the first is this many seconds.
        backoff_jitter: Most seconds that are added to each wait by chance.
        timeout: Seconds.
        kwargs: For `requests.Session.request`.

    Raises:
        ValueError: For another method.
        requests.exceptions.RetryError: If the last retry, too, got one of `retry_codes`.
    """
    if method.lower() not in _METHODS:
        raise ValueError(f"Illegal http method: {method}")
    # A forked process must not share connections with its parent.
    session = _session(
        os.getpid(), max_retries, backoff_factor, backoff_jitter, frozenset(retry_codes)
    )
    return session.request(method, url, timeout=timeout, **kwargs)


@lru_cache(maxsize=64)
def _session(
    process: int, total: int, factor: float, jitter: float, statuses: frozenset[int]
) -> requests.Session:
    retry = JitteredRetry(
        total=total,
        backoff_factor=factor,
        backoff_jitter=jitter,
        status_forcelist=statuses,
        allowed_methods=None,
    )
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, TCPKeepAliveHTTPAdapter(max_retries=retry))
    return session


def augmented_raise_for_status(response: requests.Response) -> None:
    """`response.raise_for_status()`, with the text of the answer in the error."""
    try:
        response.raise_for_status()
    except requests.HTTPError as error:
        if not response.text:
            raise
        raise requests.HTTPError(
            f"{error}. Response text: {response.text}", request=error.request, response=response
        ) from error


def download_chunk(
    *,
    range_start: int,
    range_end: int,
    headers: dict[str, str],
    download_path: str,
    http_uri: str,
    verify: bool | str | None = None,
) -> None:
    """Fetch bytes of a file and write them into one that is there, at the same place.

    Args:
        range_start: The first byte.
        range_end: The last byte.
        headers: To be sent besides.
        verify: Whether to check the server's certificate, or the bundle to check it with.

    Raises:
        requests.HTTPError: If the server refuses.
    """
    headers = {**headers, "Range": f"bytes={range_start}-{range_end}"}
    with cloud_storage_http_request(
        "get", http_uri, stream=True, headers=headers, verify=verify
    ) as response:
        augmented_raise_for_status(response)
        with open(download_path, "r+b") as file:
            file.seek(range_start)
            for part in response.iter_content(1 << 20):
                file.write(part)
