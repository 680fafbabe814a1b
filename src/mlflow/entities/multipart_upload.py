from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass
class MultipartUploadPart:
    """A part that has been sent."""

    part_number: int
    """From 1."""
    etag: str | None
    """What the store answered; it wants it back when the upload is completed."""
    url: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


@dataclass
class MultipartUploadCredential:
    """Where one part is to be sent."""

    url: str
    part_number: int
    """From 1."""
    headers: dict[str, Any]
    """To be sent with it."""

    @classmethod
    def from_dict(cls, dict_: dict[str, Any]) -> MultipartUploadCredential:
        """From its JSON form; absent headers are none."""
        return cls(dict_["url"], dict_["part_number"], dict_.get("headers", {}))


@dataclass
class CreateMultipartUploadResponse:
    """An upload in parts that has begun."""

    upload_id: str | None
    credentials: list[MultipartUploadCredential]
    """One for each part, in order."""

    @classmethod
    def from_dict(cls, dict_: dict[str, Any]) -> CreateMultipartUploadResponse:
        """From its JSON form."""
        credentials = [MultipartUploadCredential.from_dict(part) for part in dict_["credentials"]]
        return cls(dict_.get("upload_id"), credentials)
