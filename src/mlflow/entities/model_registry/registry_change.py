from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RegistryChange:
    """One change of a registered model or of one of its versions, as the audit trail has it."""

    id: int
    """Later changes of the same model have greater ones."""
    timestamp: int
    """Milliseconds since the Unix epoch."""
    user: str | None
    """Who made it, as far as the registry knows; "unknown" for a client that gave no name."""
    action: str
    """`create`, `update`, `rename`, `delete`, `set_tag`, `delete_tag`, `set_alias`,
    `delete_alias`, `transition`, `rollback`, `set_policy`, `delete_policy`, `request`, `approve`,
    `reject` or `import`."""
    version: int | None
    """The version that it is about; None if it is about the model itself."""
    before: dict[str, Any] | None
    """What was there and is no more, by name."""
    after: dict[str, Any] | None
    """What has been there since, by name."""
    comment: str | None
    """Why, if a reason was given."""
