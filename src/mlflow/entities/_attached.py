"""Files in the inputs and outputs of spans: taken out of them, and kept beside their trace.

A span has a URI instead of each. Besides `mlflow.tracing.attachments.Attachment`, whatever holds a
file as base64 is one: `data:` URIs, and the ways in which requests to language models have pictures
and sounds.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from typing import Any
from urllib.parse import urlencode

from mlflow.environment_variables import (
    MLFLOW_TRACE_EXTRACT_ATTACHMENTS,
    MLFLOW_TRACE_MAX_ATTACHMENT_SIZE,
)

SCHEME = "mlflow-attachment"
#: In the text of an `Attachment`, by which one is found in JSON.
MARK = "mlflow-attachment-content:"
_HINTS = (";base64,", '"data": "', '"b64_json": "')
_DATA_URI = re.compile(r"data:([\w.+-]+/[\w.+-]+)(?:;[\w=.+-]+)*;base64,([A-Za-z0-9+/=\s]+)")
_DEEPEST = 50


def may_have_files(text: str) -> bool:
    """Whether it is worth looking for files in the value that has this JSON text."""
    return MARK in text or (
        any(hint in text for hint in _HINTS) and MLFLOW_TRACE_EXTRACT_ATTACHMENTS.get()
    )


def ref(attachment_id: str, content_type: str, trace_id: str, size: int) -> str:
    """The URI that stands for a file in a trace."""
    about = {"content_type": content_type, "trace_id": trace_id, "size": size}
    return f"{SCHEME}://{attachment_id}?{urlencode(about)}"


def taken_out(value: Any, trace_id: str, files: dict[str, bytes]) -> Any:
    """The value with URIs instead of files; these are added to `files` by their ids."""
    return _Taking(trace_id, files).walk(value, 0)


class _Taking:
    def __init__(self, trace_id: str, files: dict[str, bytes]):
        self._trace_id, self._files = trace_id, files
        self._most = MLFLOW_TRACE_MAX_ATTACHMENT_SIZE.get()
        self._extracts = MLFLOW_TRACE_EXTRACT_ATTACHMENTS.get()

    def walk(self, value: Any, depth: int) -> Any:
        if depth > _DEEPEST:
            return value
        if isinstance(value, str):
            match = _DATA_URI.fullmatch(value) if self._extracts and value[:5] == "data:" else None
            return self._decoded(value, match[1], match[2]) if match else value
        if isinstance(value, dict):
            kind = _kind_of(value) if self._extracts else None
            return {
                key: self._decoded(part, kind[1], part)
                if kind and key == kind[0]
                else self.walk(part, depth + 1)
                for key, part in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.walk(part, depth + 1) for part in value]
        if str(getattr(type(value), "mark", "")) == MARK:
            return self._kept(value.id, value.content_type, value.content_bytes)
        return value

    def _decoded(self, text: str, content_type: str, encoded: str) -> str:
        try:
            content = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error):
            return text
        return self._kept(str(uuid.uuid4()), content_type, content)

    def _kept(self, attachment_id: str, content_type: str, content: bytes) -> str:
        size = len(content)
        if self._most is not None and size > self._most:
            return f"[Attachment too large: {size} bytes exceeds {self._most} bytes limit]"
        self._files[attachment_id] = content
        return ref(attachment_id, content_type, self._trace_id, size)


def _kind_of(value: dict[Any, Any]) -> tuple[str, str] | None:
    """The key under which a part of a request has base64, and of which type; None if none does."""
    data = value.get("data")
    if isinstance(data, str) and data[:18] != f"{SCHEME}:":
        for key in ("media_type", "mime_type"):
            if isinstance(value.get(key), str):
                return "data", value[key]
        if isinstance(value.get("format"), str):
            return "data", f"audio/{value['format']}"
    if isinstance(value.get("b64_json"), str):
        return "b64_json", "image/png"
    return None
