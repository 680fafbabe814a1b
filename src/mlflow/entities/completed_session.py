"""A session of which some time has passed since the last trace."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class CompletedSession:
    """A session, and when its traces began."""

    session_id: str
    first_trace_timestamp_ms: int
    """Milliseconds since the Unix epoch, as the next one."""
    last_trace_timestamp_ms: int
