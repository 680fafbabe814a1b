"""Making very many objects at once."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

_MANY = 10_000


@contextlib.contextmanager
def no_collection(size: int) -> Iterator[None]:
    """Keep the garbage collector from walking over new objects again and again while so many of
    them are made: that takes three times as long as making them."""
    if size < _MANY or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
