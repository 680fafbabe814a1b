"""Empty stores of every kind."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests import databases


@pytest.fixture
def place(tmp_path: Path, make_server) -> Iterator[Callable[[str], str]]:
    """A function that makes an empty store of a kind: "sqlite", "postgresql", "mysql", "file" or
    "server". It gives the tracking URI."""
    made: list[str] = []
    databases_made = contextlib.ExitStack()

    def make(kind: str) -> str:
        made.append(kind)
        if kind == "sqlite":
            return f"sqlite:///{tmp_path}/{len(made)}/store.db"
        if kind == "file":
            return (tmp_path / str(len(made)) / "mlruns").as_uri()
        if kind == "server":
            return make_server().uri
        return databases_made.enter_context(databases.new_database(kind, tmp_path))

    with databases_made:
        yield make
