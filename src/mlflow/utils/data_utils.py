"""What a value of data is."""

from __future__ import annotations

import sys
from typing import Any


def is_polars_dataframe(data: Any) -> bool:
    """Whether it is a table of polars. Does not import polars: without it there is none."""
    polars = sys.modules.get("polars")
    return polars is not None and isinstance(data, polars.DataFrame)


def is_uri(string: str) -> bool:
    """Whether this has the scheme of a URI."""
    from urllib.parse import urlsplit

    return bool(urlsplit(string).scheme)


def parse_s3_uri(uri: str) -> tuple[str, str]:
    """The bucket and the path in it.

    Raises:
        ValueError: If it is not the URI of something in S3.
    """
    from urllib.parse import urlsplit

    parts = urlsplit(uri)
    if parts.scheme != "s3":
        raise ValueError(f"Not an S3 URI: {uri}")
    return parts.netloc, parts.path.removeprefix("/")
