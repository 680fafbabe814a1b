"""Which traces are kept, and how they are numbered."""

from __future__ import annotations

import os
import random
from contextvars import ContextVar
from typing import Any

from opentelemetry.sdk.trace.id_generator import IdGenerator as OtelIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import get_current_span

from mlflow.environment_variables import MLFLOW_TRACE_SAMPLING_RATIO
from mlflow.exceptions import MlflowException

#: The ratio that a decorated function asks for.
ratio_override: ContextVar[float | None] = ContextVar("mlflow_sampling_ratio", default=None)

_DROPPED = SamplingResult(Decision.DROP)


class RatioSampler(Sampler):
    """Keeps this part of all traces, whole: spans do as their parents."""

    def __init__(self) -> None:
        self._ratio = MLFLOW_TRACE_SAMPLING_RATIO.get()
        if not 0 <= self._ratio <= 1:
            raise MlflowException.invalid_parameter_value(
                f"MLFLOW_TRACE_SAMPLING_RATIO is {self._ratio}; a number from 0.0 to 1.0 is needed."
            )
        self._random = _fresh_random()

    def should_sample(
        self,
        parent_context: Any,
        trace_id: int,
        name: str,
        kind: Any = None,
        attributes: Any = None,
        links: Any = None,
        trace_state: Any = None,
    ) -> SamplingResult:
        parent = get_current_span(parent_context).get_span_context()
        if parent is not None and parent.is_valid:
            if parent.trace_flags.sampled:
                return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, parent.trace_state)
            return _DROPPED
        ratio = ratio_override.get()
        if ratio is None:
            ratio = self._ratio
        if ratio >= 1 or (ratio > 0 and self._random.random() < ratio):
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)
        return _DROPPED

    def get_description(self) -> str:
        return f"RatioSampler{{{self._ratio}}}"


#: The id of the next span, where it is not to be a new one.
next_span_id: ContextVar[int | None] = ContextVar("mlflow_next_span_id", default=None)


class IdGenerator(OtelIdGenerator):
    """Random ids, whatever the program does with `random.seed`."""

    def __init__(self) -> None:
        self._random = _fresh_random()

    def generate_trace_id(self) -> int:
        return self._random.getrandbits(128) or 1

    def generate_span_id(self) -> int:
        return next_span_id.get() or self._random.getrandbits(64) or 1

    def is_trace_id_random(self) -> bool:
        return True


def _fresh_random() -> random.Random:
    """Numbers that a forked process does not repeat."""
    made = random.Random()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=made.seed)
    return made
