from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.entities.trace import Trace

_SESSION = "mlflow.trace.session"


class Session:
    """The traces of one conversation.

    Args:
        traces: Oldest first.
    """

    def __init__(self, traces: list[Trace]):
        self._traces = list(traces)

    @property
    def id(self) -> str | None:
        """What the traces say is their session; None if there are none."""
        return self._traces[0].info.trace_metadata.get(_SESSION) if self._traces else None

    @property
    def traces(self) -> list[Trace]:
        """The traces."""
        return self._traces

    def __len__(self) -> int:
        return len(self._traces)

    def __iter__(self) -> Iterator[Trace]:
        return iter(self._traces)

    def __getitem__(self, index: int) -> Trace:
        return self._traces[index]

    def __repr__(self) -> str:
        return f"Session(id={self.id!r})"
