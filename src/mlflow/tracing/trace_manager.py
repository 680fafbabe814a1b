"""The traces that are being made in this process."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlflow.entities.trace import Trace
from mlflow.entities.trace_data import TraceData
from mlflow.environment_variables import (
    MLFLOW_TRACE_BUFFER_MAX_SIZE,
    MLFLOW_TRACE_BUFFER_TTL_SECONDS,
)

if TYPE_CHECKING:
    from mlflow.entities.model_registry.prompt_version import PromptVersion
    from mlflow.entities.span import LiveSpan
    from mlflow.entities.trace_info import TraceInfo
    from mlflow.entities.trace_state import TraceState


@dataclass
class ManagerTrace:
    """A trace that has ended."""

    trace: Trace
    prompts: Sequence[PromptVersion]
    is_remote_trace: bool = False
    """Whether it began in another process, which makes its `info`."""
    workspace: str | None = None


class _Trace:
    """A trace that is being made."""

    __slots__ = (
        "info",
        "is_remote_trace",
        "span_dict",
        "ended",
        "open",
        "prompts",
        "since",
        "chosen_state",
    )

    def __init__(self, info: TraceInfo, is_remote_trace: bool):
        self.info = info
        self.is_remote_trace = is_remote_trace
        self.span_dict: dict[int, LiveSpan] = {}
        """All its spans in the order in which they began, by OpenTelemetry's number."""
        self.ended: dict[int, Any] = {}
        """Those that have ended and were not sent yet, as OpenTelemetry has them then."""
        self.open = 0
        self.chosen_state: TraceState | None = None
        """What the program says about how it went, whatever its spans say."""
        self.prompts: list[PromptVersion] = []
        self.since = time.monotonic()

    def get_root_span(self) -> LiveSpan | None:
        """The span that began first."""
        return next(iter(self.span_dict.values()), None)

    def to_mlflow_trace(self) -> Trace:
        """What there is of it by now."""
        spans = [span.to_immutable_span() for span in self.span_dict.values()]
        return Trace(info=self.info, data=TraceData(spans=spans))


#: With fewer than this there is no need to look how many there may be.
_FEW = 10


@dataclass
class _Traces:
    by_otel_id: dict[int, _Trace] = field(default_factory=dict)
    otel_id_of: dict[str, int] = field(default_factory=dict)


class InMemoryTraceManager:
    """All of them; any thread may use it.

    What changes is one dict entry at a time, so that no lock is needed on the way of a span. A
    trace that is never finished is forgotten after MLFLOW_TRACE_BUFFER_TTL_SECONDS, or when there
    are more than MLFLOW_TRACE_BUFFER_MAX_SIZE.
    """

    _instance: InMemoryTraceManager | None = None
    _instance_lock = threading.Lock()

    def __init__(self) -> None:
        self._traces = _Traces()

    @classmethod
    def get_instance(cls) -> InMemoryTraceManager:
        """The one of this process."""
        found = cls._instance
        if found is None:
            with cls._instance_lock:
                found = cls._instance = cls._instance or cls()
        return found

    @classmethod
    def reset(cls) -> None:
        """Forget all traces that have not ended."""
        if cls._instance is not None:
            cls._instance._traces = _Traces()

    def register_trace(
        self, otel_trace_id: int, trace_info: TraceInfo, is_remote_trace: bool = False
    ) -> _Trace:
        """Begin a trace."""
        traces = self._traces
        if len(traces.by_otel_id) >= _FEW and len(traces.by_otel_id) >= _most():
            self._evict(traces)
        made = traces.by_otel_id[otel_trace_id] = _Trace(trace_info, is_remote_trace)
        traces.otel_id_of[trace_info.trace_id] = otel_trace_id
        return made

    def _evict(self, traces: _Traces) -> None:
        """Forget what is too old, and at least the oldest one."""
        before = time.monotonic() - MLFLOW_TRACE_BUFFER_TTL_SECONDS.get()
        for n, (otel_id, trace) in enumerate(list(traces.by_otel_id.items())):
            if n and trace.since >= before:
                break
            self._forget(traces, otel_id)

    @staticmethod
    def _forget(traces: _Traces, otel_trace_id: int) -> _Trace | None:
        trace = traces.by_otel_id.pop(otel_trace_id, None)
        if trace is not None:
            traces.otel_id_of.pop(trace.info.trace_id, None)
        return trace

    def find(self, otel_trace_id: int) -> _Trace | None:
        """The trace with this number of OpenTelemetry."""
        return self._traces.by_otel_id.get(otel_trace_id)

    def named(self, trace_id: str) -> _Trace | None:
        """The trace with this id."""
        otel_id = self._traces.otel_id_of.get(trace_id)
        return None if otel_id is None else self.find(otel_id)

    def register_span(self, span: LiveSpan) -> None:
        """Add a span to its trace."""
        context = span._span.get_span_context()
        trace = self.find(context.trace_id)
        if trace is not None:
            trace.span_dict[context.span_id] = span
            trace.open += 1

    def register_prompt(self, trace_id: str, prompt: PromptVersion) -> None:
        """Note that a prompt was used in a trace."""
        trace = self.named(trace_id)
        if trace is not None and prompt not in trace.prompts:
            trace.prompts.append(prompt)

    @contextmanager
    def get_trace(self, trace_id: str) -> Iterator[_Trace | None]:
        """The trace with this id, to look at or change; None if it has ended."""
        yield self.named(trace_id)

    def get_span_from_id(self, trace_id: str, span_id: str) -> LiveSpan | None:
        """A span of a trace that has not ended."""
        trace = self.named(trace_id)
        return None if trace is None else trace.span_dict.get(_number(span_id))

    def get_root_span_id(self, trace_id: str) -> str | None:
        """The id of the span that the trace began with."""
        trace = self.named(trace_id)
        root = trace.get_root_span() if trace is not None else None
        return None if root is None else root.span_id

    def get_mlflow_trace_id_from_otel_id(self, otel_trace_id: int) -> str | None:
        """The id of the trace with this number of OpenTelemetry."""
        trace = self.find(otel_trace_id)
        return None if trace is None else trace.info.trace_id

    def has_open_spans(self, otel_trace_id: int) -> bool:
        """Whether a span of it is still running."""
        trace = self.find(otel_trace_id)
        return trace is not None and trace.open > 0

    def set_trace_metadata(self, trace_id: str, key: str, value: str) -> None:
        """Set metadata of a trace that has not ended."""
        trace = self.named(trace_id)
        if trace is not None:
            trace.info.trace_metadata[key] = value

    def pop_trace(self, otel_trace_id: int) -> ManagerTrace | None:
        """The trace, which is no longer kept here."""
        trace = self._forget(self._traces, otel_trace_id)
        if trace is None:
            return None
        return ManagerTrace(trace.to_mlflow_trace(), trace.prompts, trace.is_remote_trace)


def _number(span_id: Any) -> int:
    try:
        return int(span_id, 16)
    except (TypeError, ValueError):
        return 0


def _most() -> int:
    try:
        return max(_FEW, MLFLOW_TRACE_BUFFER_MAX_SIZE.get())
    except ValueError:
        return MLFLOW_TRACE_BUFFER_MAX_SIZE.default


if hasattr(os, "register_at_fork"):  # the parent finishes its own traces
    os.register_at_fork(after_in_child=InMemoryTraceManager.reset)
