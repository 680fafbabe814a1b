from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class PresignedDownloadUrlResponse:
    """Where a file can be had for a while without further permission."""

    url: str
    headers: dict[str, str]
    """To be sent with the request."""
    file_size: int | None = None
    """Bytes."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, without an unknown size."""
        answer: dict[str, Any] = {"url": self.url, "headers": self.headers}
        if self.file_size is not None:
            answer["file_size"] = self.file_size
        return answer

    @classmethod
    def from_dict(cls, dict_: dict[str, Any]) -> PresignedDownloadUrlResponse:
        """From its JSON form; absent headers are none."""
        return cls(dict_["url"], dict_.get("headers", {}), dict_.get("file_size"))
