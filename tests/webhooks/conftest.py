"""A receiver with a certificate, and servers that may send to it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.optional import optional
from tests.webhooks.receiver import Receiver

optional("cryptography")
trustme = optional("trustme")

from cryptography.fernet import Fernet  # noqa: E402


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ssl.SSLContext]:
    """A file with an authority, and TLS of a server that it vouches for."""
    made = trustme.CA()
    file = tmp_path_factory.mktemp("authority") / "authority.pem"
    made.cert_pem.write_to_path(str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return str(file), context


@pytest.fixture
def receiver(authority: tuple[str, ssl.SSLContext]) -> Iterator[Receiver]:
    """Somebody at https://127.0.0.1 who receives messages."""
    made = Receiver(authority[1])
    yield made
    made.close()


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch, authority: tuple[str, ssl.SSLContext]) -> None:
    """This process, and those it starts, may send to the receiver."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority[0])
    monkeypatch.setenv("MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS", "true")
    monkeypatch.setenv("MLFLOW_WEBHOOK_REQUEST_TIMEOUT", "5")
    monkeypatch.setenv("MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY", Fernet.generate_key().decode())


@pytest.fixture
def registry(tmp_path: Path):
    """A registry of this test's own."""
    from mlflow.store.model_registry.resolve import registry_store

    return registry_store(f"sqlite:///{tmp_path}/store.db")
