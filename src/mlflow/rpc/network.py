"""What the environment says about requests: how long and how often, by which way."""

from __future__ import annotations

import os
import socket
import sys
from typing import NamedTuple

from mlflow.environment_variables import (
    MLFLOW_ALLOW_HTTP_REDIRECTS,
    MLFLOW_HTTP_POOL_MAXSIZE,
    MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR,
    MLFLOW_HTTP_REQUEST_BACKOFF_JITTER,
    MLFLOW_HTTP_REQUEST_MAX_RETRIES,
    MLFLOW_HTTP_REQUEST_TIMEOUT,
    MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER,
    MLFLOW_HTTP_TCP_KEEPALIVE,
    MLFLOW_HTTP_TCP_KEEPALIVE_COUNT,
    MLFLOW_HTTP_TCP_KEEPALIVE_IDLE,
    MLFLOW_HTTP_TCP_KEEPALIVE_INTERVAL,
)
from mlflow.exceptions import MlflowException

_FIRST_CONTACT_RETRIES = 3
"""Further attempts to reach a server that has never answered this process: a wrong address or a
server that was not started should be told soon."""


class Settings(NamedTuple):
    """What the environment says about requests."""

    timeout: float
    retries: int
    first_retries: int
    factor: float
    jitter: float
    heeds_retry_after: bool
    follows_redirects: bool
    kept: int
    socket_options: tuple[tuple[int, int, int], ...]

    @classmethod
    def now(cls) -> Settings:
        retries = MLFLOW_HTTP_REQUEST_MAX_RETRIES.get()
        asked = MLFLOW_HTTP_REQUEST_MAX_RETRIES.defined
        return cls(
            timeout=MLFLOW_HTTP_REQUEST_TIMEOUT.get(),
            retries=retries,
            first_retries=retries if asked else min(retries, _FIRST_CONTACT_RETRIES),
            factor=MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR.get(),
            jitter=MLFLOW_HTTP_REQUEST_BACKOFF_JITTER.get(),
            heeds_retry_after=MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER.get(),
            follows_redirects=MLFLOW_ALLOW_HTTP_REDIRECTS.get(),
            kept=MLFLOW_HTTP_POOL_MAXSIZE.get(),
            socket_options=_socket_options(),
        )


def proxy_for(scheme: str, host: str, port: int) -> str | None:
    """The URL of the proxy that the environment or the system names for this server."""
    if sys.platform not in ("darwin", "win32") and not any(
        name.lower().endswith("_proxy") for name in os.environ
    ):
        return None  # the module below costs as much to import as all of ours
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(f"{host}:{port}") or proxy_bypass(host):
        return None
    if _is_in_networks(host, proxies.get("no", "")):
        return None
    if "://" not in proxy:
        return f"http://{proxy}"
    if not proxy.lower().startswith(("http://", "https://")):
        raise MlflowException.invalid_parameter_value(
            f"The environment names the proxy '{without_password(proxy)}'; only http:// and "
            "https:// proxies are supported. NO_PROXY can except this server from it."
        )
    return proxy


def _is_in_networks(host: str, no_proxy: str) -> bool:
    """Whether the host is an address in one of the networks of NO_PROXY, such as 10.0.0.0/8."""
    import ipaddress

    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    for entry in no_proxy.split(","):
        if "/" in entry:
            try:
                if address in ipaddress.ip_network(entry.strip(), strict=False):
                    return True
            except ValueError:
                continue
    return False


def _socket_options() -> tuple[tuple[int, int, int], ...]:
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    if MLFLOW_HTTP_TCP_KEEPALIVE.get():
        options.append((socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1))
        # macOS has the first under another name, and Windows has them since 2018
        for names, variable in (
            (("TCP_KEEPIDLE", "TCP_KEEPALIVE"), MLFLOW_HTTP_TCP_KEEPALIVE_IDLE),
            (("TCP_KEEPINTVL",), MLFLOW_HTTP_TCP_KEEPALIVE_INTERVAL),
            (("TCP_KEEPCNT",), MLFLOW_HTTP_TCP_KEEPALIVE_COUNT),
        ):
            for name in names:
                if hasattr(socket, name):
                    options.append((socket.IPPROTO_TCP, getattr(socket, name), variable.get()))
                    break
    return tuple(options)


def without_password(url: str) -> str:
    """A URL without the user and password that it may name, for messages."""
    scheme, mark, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{mark}{authority.rpartition('@')[2]}{slash}{path}"
