from __future__ import annotations

import os

import pytest

from mlflow.rpc.transport import Transport
from tests.rpc.servers import Scripted

_TRUST = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch, tmp_path):
    """No proxies, authorities and credentials of the machine's, and pauses that nobody notices."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in _TRUST:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    # nor shall a slow machine show
    monkeypatch.setattr("mlflow.rpc.transport._TRUSTED_IDLE", 1000.0)
    monkeypatch.setattr(Transport, "_by_server", {})
    yield
    for transport in list(Transport._live):
        transport.close()


@pytest.fixture
def serve():
    """A function that starts a server with a script; see `Scripted`."""
    servers = []

    def start(*script, **options) -> Scripted:
        servers.append(Scripted(*script, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
