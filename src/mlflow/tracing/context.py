"""What all traces made inside a block have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import NamedTuple

from mlflow.tracing.constant import TraceMetadataKey
from mlflow.tracing.provider import enabled_here


class _Configured(NamedTuple):
    metadata: dict[str, str]
    tags: dict[str, str]


_configured: ContextVar[_Configured | None] = ContextVar("mlflow_trace_context", default=None)


@contextmanager
def context(
    metadata: dict[str, str] | None = None,
    tags: dict[str, str] | None = None,
    enabled: bool | None = None,
    session_id: str | None = None,
    user: str | None = None,
) -> Iterator[None]:
    """Let traces that begin inside the block have these metadata and tags; blocks nest, and the
    inner one wins.

    Args:
        enabled: False: nothing is traced inside. None: as outside.
        session_id: The conversation that the traces belong to.
        user: Who asked.
    """
    outer = _configured.get() or _Configured({}, {})
    named = {TraceMetadataKey.TRACE_SESSION: session_id, TraceMetadataKey.TRACE_USER: user}
    inner = _Configured(
        {
            **outer.metadata,
            **(metadata or {}),
            **{k: v for k, v in named.items() if v is not None},
        },
        {**outer.tags, **(tags or {})},
    )
    token = _configured.set(inner)
    try:
        with nullcontext() if enabled is None else enabled_here(enabled):
            yield
    finally:
        _configured.reset(token)


def get_configured_trace_metadata() -> dict[str, str] | None:
    """Metadata for traces that begin here; None outside of any block."""
    configured = _configured.get()
    return None if configured is None else configured.metadata


def get_configured_trace_tags() -> dict[str, str] | None:
    """Tags for traces that begin here; None outside of any block."""
    configured = _configured.get()
    return None if configured is None else configured.tags
