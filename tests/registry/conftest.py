"""Every model registry, one after the other."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

STORES = ("sqlite", "postgresql", "mysql", "file", "rest")


@pytest.fixture(scope="session", params=STORES)
def stores(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """A registry and the tracking store beside it. Tests share them: each works with models of its
    own."""
    from mlflow.store.model_registry.resolve import registry_store
    from mlflow.store.tracking.resolve import tracking_store

    if request.param == "rest":
        uri, root = request.getfixturevalue("shared_server").uri, None
    else:
        folder = tmp_path_factory.mktemp(f"registry-{request.param}")
        uri, root = f"sqlite:///{folder}/store.db", str(folder / "artifacts")
        if request.param == "file":
            uri = (folder / "mlruns").as_uri()
        if request.param in ("postgresql", "mysql"):
            uri = request.getfixturevalue(f"{request.param}_uri")
    tracking = tracking_store(uri, root)
    yield SimpleNamespace(
        kind=request.param, uri=uri, tracking=tracking, registry=registry_store(uri)
    )


@pytest.fixture
def registry(stores):
    return stores.registry


@pytest.fixture
def keeping(stores):
    """A registry that keeps history and policies."""
    if stores.kind == "file":
        pytest.skip("a registry in a folder keeps no history")
    return stores.registry


@pytest.fixture
def name() -> str:
    """The name of a model that nobody else has."""
    return f"model-{uuid.uuid4().hex}"


@pytest.fixture
def model(registry, name: str) -> str:
    """A model with four versions."""
    registry.create_registered_model(name)
    for number in range(1, 5):
        registry.create_model_version(name, f"s3://bucket/{number}")
    return name
