"""Answers that browsers ask for again and again: compressed, and not sent when they have them."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Sequence
from typing import NamedTuple

Headers = Sequence[tuple[bytes, bytes]]

_WORTH_IT = 1024
"""Bytes; what is shorter fits into a packet or two anyway."""
_LEVEL = 1
"""Half the time of level 6 or less, for answers a tenth longer."""
_GZIP = 31
"""`wbits` for a gzip header without time and name: equal answers are equal bytes."""
_NO_WEIGHT = re.compile(r"q=0(\.0*)?")


class Packed(NamedTuple):
    """An answer as it is sent."""

    status: int
    headers: list[tuple[bytes, bytes]]
    """Besides type and length."""
    body: bytes


def packed(body: bytes, asked: Headers, tagged: bool) -> Packed:
    """The answer `body`, gzip'd if that is worth it and the client takes it.

    Args:
        asked: The headers of the request.
        tagged: Give it an ETag, and answer 304 to a client that names it.
    """
    headers = [(b"vary", b"Accept-Encoding")]
    if tagged:
        # Weak: the same one whether the answer is gzip'd or not
        tag = b'W/"%s"' % hashlib.blake2b(body, digest_size=12).hexdigest().encode()
        headers += [(b"etag", tag), (b"cache-control", b"private, no-cache")]
        if is_known(tag, _header(asked, b"if-none-match")):
            return Packed(304, headers, b"")
    if len(body) >= _WORTH_IT and takes_gzip(_header(asked, b"accept-encoding")):
        packer = zlib.compressobj(_LEVEL, wbits=_GZIP)
        body = packer.compress(body) + packer.flush()
        headers.append((b"content-encoding", b"gzip"))
    return Packed(200, headers, body)


def is_known(tag: bytes, if_none_match: str) -> bool:
    """Whether the header has the ETag, or stands for every one."""
    known = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return "*" in known or tag.decode().removeprefix("W/") in known


def takes_gzip(accept_encoding: str) -> bool:
    """Whether the header lets an answer be gzip'd."""
    weights = {}
    for part in accept_encoding.lower().split(","):
        coding, _, weight = part.partition(";")
        weights[coding.strip()] = not _NO_WEIGHT.fullmatch(weight.strip())
    return weights.get("gzip", weights.get("*", False))


def _header(headers: Headers, wanted: bytes) -> str:
    return ",".join(value.decode("latin-1") for name, value in headers if name == wanted)
