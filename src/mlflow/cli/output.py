"""What commands print."""

from __future__ import annotations

import datetime
from collections.abc import Sequence


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns under their headers and a line of dashes; as wide as the widest cell."""
    widths = [
        max(len(header) + 2, *(len(row[i]) for row in rows)) if rows else len(header) + 2
        for i, header in enumerate(headers)
    ]
    lines = [headers, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    )


def utc(milliseconds: int) -> datetime.datetime:
    """A time in UTC from milliseconds since the Unix epoch."""
    return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.timezone.utc)
