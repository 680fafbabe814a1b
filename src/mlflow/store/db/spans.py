"""Spans as one value: the content of a segment.

A segment is the records of its spans (`entities/span.py`) as a JSON list, compressed with zstd
behind a byte that says the layout and a checksum. Attributes repeat themselves from span to span,
so the compressed list is about as small as columns would be, and it is read by one call.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException

#: First byte of a segment: how the rest is laid out.
_FORMAT = b"\x01"
#: A segment that says it is larger than this is damaged.
_MOST_BYTES = 1 << 31

_of_thread = threading.local()


def pack_spans(records: Sequence[dict[str, Any]]) -> bytes:
    """The segment of some spans; what has no JSON form is kept as its `str`.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if a text in them is none.
    """
    import msgspec

    try:
        text = msgspec.json.encode(records, enc_hook=str)
    except UnicodeEncodeError as error:
        raise MlflowException.invalid_parameter_value(
            f"A span has {error.object[error.start : error.end]!r} in it, which is no character."
        ) from None
    return _FORMAT + zlib.crc32(text).to_bytes(4, "big") + _codec().compressor.compress(text)


def unpack_spans(content: bytes) -> list[dict[str, Any]]:
    """The records of a segment's spans.

    Raises:
        MlflowException: DATA_LOSS if the segment is damaged.
    """
    import msgspec

    try:
        return msgspec.json.decode(_text_of(content))
    except (ValueError, msgspec.MsgspecError) as error:
        raise _damaged(error) from error


def spans_may_have(content: bytes, text: str, ignore_case: bool) -> bool:
    """Whether a segment's JSON has a text in it: then its spans are worth reading."""
    found = _text_of(content)
    if not ignore_case:
        return text.encode() in found
    return text.lower() in found.decode().lower()


def _text_of(content: bytes) -> bytes:
    import zstandard

    content = bytes(content)
    try:
        if content[:1] != _FORMAT:
            raise ValueError("unknown layout")
        text = _codec().decompressor.decompress(content[5:], max_output_size=_MOST_BYTES)
        if zlib.crc32(text).to_bytes(4, "big") != content[1:5]:
            raise ValueError("wrong checksum")
        return text
    except (ValueError, zstandard.ZstdError) as error:
        raise _damaged(error) from error


def _damaged(error: Exception) -> MlflowException:
    return MlflowException(
        f"The spans of a trace cannot be read, the database is damaged: {error}. Restore it "
        "from a backup, or delete the trace.",
        error_code=CODES["DATA_LOSS"],
    )


def merged(segments: Iterable[Iterable[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The spans of several segments: roots first, then in the order in which they began. Of those
    with one id the last one counts."""
    by_id = {record["span_id"]: record for segment in segments for record in segment}
    return sorted(by_id.values(), key=_place)


def _place(record: dict[str, Any]) -> tuple[bool, int]:
    return bool(record.get("parent_span_id")), record["start_time_unix_nano"]


class _Codec:
    """zstd's two sides; neither may be used by two threads at once."""

    def __init__(self) -> None:
        import zstandard

        self.compressor = zstandard.ZstdCompressor(level=3)
        self.decompressor = zstandard.ZstdDecompressor()


def _codec() -> _Codec:
    if not hasattr(_of_thread, "codec"):
        _of_thread.codec = _Codec()
    return _of_thread.codec
