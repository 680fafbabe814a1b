import pytest

from mlflow.tracking.request_header import registry as module
from mlflow.tracking.request_header.abstract_request_header_provider import RequestHeaderProvider
from mlflow.tracking.request_header.databricks_request_header_provider import (
    DatabricksRequestHeaderProvider,
)
from mlflow.tracking.request_header.default_request_header_provider import (
    DefaultRequestHeaderProvider,
)
from mlflow.tracking.request_header.registry import (
    RequestHeaderProviderRegistry,
    resolve_request_headers,
)
from mlflow.version import VERSION


class Plug(RequestHeaderProvider):
    def in_context(self):
        return True

    def request_headers(self):
        return {"User-Agent": "plug/1", "X-Team": "vision"}


class Broken(Plug):
    def in_context(self):
        raise ValueError("out of order")


@pytest.fixture
def registry(monkeypatch):
    made = RequestHeaderProviderRegistry()
    made.register(DefaultRequestHeaderProvider)
    monkeypatch.setattr(module, "_request_header_provider_registry", made)
    return made


def test_client_tells_its_name_and_version():
    assert resolve_request_headers() == {
        "User-Agent": f"mlflow-python-client/{VERSION}",
        "X-MLflow-Client-Version": VERSION,
    }


def test_values_of_several_providers_are_joined(registry):
    registry.register(Plug)
    headers = resolve_request_headers()
    assert headers["User-Agent"] == f"mlflow-python-client/{VERSION} plug/1"
    assert headers["X-Team"] == "vision"


def test_own_headers_win(registry):
    registry.register(Plug)
    assert resolve_request_headers({"User-Agent": "mine"})["User-Agent"] == "mine"


def test_broken_provider_is_told_and_left_out(registry, capsys):
    registry.register(Broken)
    assert resolve_request_headers({"a": "b"})["a"] == "b"
    assert "resolving request headers: out of order" in capsys.readouterr().err


def test_hosted_product_is_never_claimed():
    assert not DatabricksRequestHeaderProvider().in_context()
