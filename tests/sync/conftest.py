"""Empty stores of every kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests import databases
from tests.optional import missing

DATABASES = {
    "postgresql": (databases.create_postgresql, databases.drop_postgresql),
    "mysql": (databases.create_mysql, databases.drop_mysql),
}


@pytest.fixture
def place(tmp_path: Path, make_server) -> Iterator[Callable[[str], str]]:
    """A function that makes an empty store of a kind: "sqlite", "postgresql", "mysql", "file" or
    "server". It gives the tracking URI."""
    made: list[str] = []
    to_drop: list[tuple[Callable[[str], None], str]] = []

    def make(kind: str) -> str:
        made.append(kind)
        if kind == "sqlite":
            return f"sqlite:///{tmp_path}/{len(made)}/store.db"
        if kind == "file":
            return (tmp_path / str(len(made)) / "mlruns").as_uri()
        if kind == "server":
            return make_server().uri
        create, drop = DATABASES[kind]
        try:
            uri = create()
        except databases.Unavailable as e:
            missing(kind, str(e))
        to_drop.append((drop, uri))
        return uri

    yield make
    for drop, uri in to_drop:
        drop(uri)
