"""Files that belong to a span, such as pictures: kept among the artifacts of its trace."""

from __future__ import annotations

import mimetypes
import uuid
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from mlflow.entities import _attached


class Attachment:
    """Bytes and what they are. In the inputs or outputs of a span they are kept among the artifacts
    of its trace, and the span has a URI instead.

    Args:
        content_type: Such as `image/png`.
        content_bytes: The content.
    """

    #: By this, spans know it without this module.
    mark = _attached.MARK

    def __init__(self, *, content_type: str, content_bytes: bytes):
        self._id = str(uuid.uuid4())
        self._content_type = content_type
        self._content_bytes = content_bytes

    def __str__(self) -> str:
        return f"{self.mark}{self._id}"

    @property
    def id(self) -> str:
        """A name that nothing else has."""
        return self._id

    @property
    def content_type(self) -> str:
        """Such as `image/png`."""
        return self._content_type

    @property
    def content_bytes(self) -> bytes:
        """The content."""
        return self._content_bytes

    @classmethod
    def from_file(cls, path: str | Path, content_type: str | None = None) -> Attachment:
        """The content of a file.

        Args:
            content_type: None for what the name of the file says.
        """
        content = Path(path).read_bytes()
        found = content_type or mimetypes.guess_type(str(path))[0] or "application/octet-stream"
        return cls(content_type=found, content_bytes=content)

    def ref(self, trace_id: str) -> str:
        """The URI that stands for it in a trace."""
        return _attached.ref(self._id, self._content_type, trace_id, len(self._content_bytes))

    @staticmethod
    def parse_ref(ref_uri: str) -> dict[str, str | int | None] | None:
        """What such a URI says: `attachment_id`, `content_type`, `trace_id` and `size`, in bytes;
        None if it is another URI."""
        parts = urlsplit(ref_uri)
        about = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if parts.scheme != _attached.SCHEME or not parts.netloc or "trace_id" not in about:
            return None
        size = about.get("size")
        return {
            "attachment_id": parts.netloc,
            "content_type": about.get("content_type"),
            "trace_id": about["trace_id"],
            "size": int(size) if size is not None and size.isdigit() else None,
        }
