"""The private parts of OpenTelemetry that we lean on; `tests/tracing/test_opentelemetry.py` names
them."""

from __future__ import annotations

from typing import Any


def attributes_of(span: Any) -> dict[str, Any]:
    """The dict that OpenTelemetry keeps a span's attributes in, to read and to write.

    Ours are all texts. To let OpenTelemetry look at each of them, under its lock, and to copy them
    through its mapping, costs about as much as all the rest of a span; and a span that has just
    ended takes no more of them in any other way.
    """
    return span._attributes._dict
