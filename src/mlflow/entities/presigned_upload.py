from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class CreatePresignedUploadResponse:
    """Where a file can be sent for a while without further permission."""

    presigned_url: str
    headers: dict[str, str] = field(default_factory=dict)
    """To be sent with it."""

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> CreatePresignedUploadResponse:
        """From its JSON form; absent headers are none."""
        return cls(d["presigned_url"], d.get("headers", {}))

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return asdict(self)
