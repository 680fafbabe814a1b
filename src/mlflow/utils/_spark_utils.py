"""What starting Spark needs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping


@contextlib.contextmanager
def modified_environ(update: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for the time of a `with` block."""
    before = {name: os.environ.get(name) for name in update}
    try:
        os.environ.update(update)
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
