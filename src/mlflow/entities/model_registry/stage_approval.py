"""What it takes for a version to enter a stage."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StagePolicy:
    """What versions of a model need before they may enter a stage."""

    stage: str
    """Staging or Production."""
    reviewers: int
    """How many others have to approve; 0 for none."""
    requirement: str | None = None
    """A filter as for `search_runs` that the version's run has to fit, with the metrics of its
    logged model in the place of the run's own: `metrics.accuracy >= 0.9`."""


@dataclass(frozen=True)
class StageReview:
    """What one reviewer said of a request."""

    user: str
    approved: bool
    comment: str | None
    timestamp: int
    """Milliseconds since the Unix epoch."""


@dataclass(frozen=True)
class StageRequest:
    """That somebody wants a version to enter a stage, and what reviewers say of it."""

    request_id: int
    name: str
    """The registered model's."""
    version: int
    stage: str
    archive_existing_versions: bool
    """Whether the versions that are in the stage leave it for Archived."""
    status: str
    """PENDING; APPROVED, the version having entered the stage; or REJECTED."""
    user: str
    """Who asks."""
    comment: str | None
    creation_timestamp: int
    last_updated_timestamp: int
    reviews: list[StageReview]
