"""What `meta.yaml` says of a registered model or a version."""

from __future__ import annotations

from typing import Any, NamedTuple

from mlflow.entities.model_registry.model_version_stages import (
    ALL_STAGES,
    STAGE_DELETED_INTERNAL,
)
from mlflow.store.tracking.file.meta import BrokenMeta

#: What MLflow writes there besides, for a product that we do not have.
UNUSED = {"deployment_job_state": None, "workspace": "default"}


class VersionParts(NamedTuple):
    """A version but for its tags."""

    version: int
    current_stage: str
    """That of deleted ones, too."""
    creation_timestamp: int
    last_updated_timestamp: int
    description: str | None
    user_id: str | None
    source: str | None
    storage_location: str | None
    run_id: str | None
    run_link: str | None
    model_id: str | None
    status: str
    status_message: str | None


def version_parts(meta: dict[str, Any], path: str) -> VersionParts:
    """The parts that a mapping has.

    Args:
        path: Of the file, for messages.

    Raises:
        BrokenMeta: If something is missing.
    """
    stage = meta.get("current_stage") or "None"
    if stage not in (*ALL_STAGES, STAGE_DELETED_INTERNAL):
        raise BrokenMeta(path, f"has the stage {stage!r}; one of {ALL_STAGES} is needed")
    created = number(meta, path, "creation_timestamp")
    version = number(meta, path, "version")
    updated = meta.get("last_updated_timestamp")
    texts = {
        name: None if meta.get(name) is None else str(meta[name])
        for name in VersionParts._fields
        if name not in ("version", "current_stage", "status") and not name.endswith("timestamp")
    }
    return VersionParts(
        version=version,
        current_stage=stage,
        creation_timestamp=created,
        last_updated_timestamp=created if updated is None else updated,
        status=meta.get("status") or "READY",
        **texts,
    )


def number(meta: dict[str, Any], path: str, key: str) -> int:
    """A number that has to be there."""
    value = meta.get(key)
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if type(value) is not int:
        raise BrokenMeta(path, f"has the {key} {value!r}; a number is needed")
    return value
