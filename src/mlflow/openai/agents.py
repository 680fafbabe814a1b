"""Traces of OpenAI's Agents SDK: runs, agents, tools, handoffs, guardrails, answers of models."""

from __future__ import annotations

import importlib.metadata
import json
import logging
from contextvars import copy_context
from typing import Any

from mlflow.entities.span import SpanType
from mlflow.entities.span_event import SpanEvent
from mlflow.entities.span_status import SpanStatus, SpanStatusCode
from mlflow.tracing import spans
from mlflow.tracing.constant import SpanAttributeKey
from mlflow.tracing.provider import get_current_otel_span
from mlflow.tracing.utils.model_calls import set_usage
from mlflow.utils.autologging_utils import (
    autologging_is_disabled,
    get_autologging_config,
    safe_patch,
)

_logger = logging.getLogger(__name__)

_FLAVOR = "openai"
_RUN_ROOT = "mlflow.openai.agent_run_root"
_TYPES = {
    "agent": SpanType.AGENT,
    "function": SpanType.TOOL,
    "generation": SpanType.CHAT_MODEL,
    "guardrail": SpanType.GUARDRAIL,
    "response": SpanType.CHAT_MODEL,
}
#: What the SDK calls its spans that have no names of their own.
_NAMES = {"generation": "Generation", "handoff": "Handoff", "response": "Response"}
#: Arguments of a run that are worth telling: texts and numbers.
_PLAIN = (str, int, float, bool)


def trace_agents(*, instead: bool) -> None:
    """Trace the SDK from now on, if it is installed.

    Args:
        instead: Whether the SDK's own tracer, which sends traces to OpenAI, is taken off.
    """
    try:
        importlib.metadata.version("openai-agents")
        from agents import add_trace_processor, set_trace_processors
        from agents.run import AgentRunner
    except ImportError:
        return
    global _processor
    if _processor is None:
        _processor = _made()
        if instead:
            set_trace_processors([_processor])
        else:
            add_trace_processor(_processor)
    safe_patch(_FLAVOR, AgentRunner, "run", _run)
    safe_patch(_FLAVOR, AgentRunner, "run_streamed", _run_streamed)


_processor: Any = None


def _wanted() -> bool:
    return not autologging_is_disabled(_FLAVOR) and bool(
        get_autologging_config(_FLAVOR, "log_traces", True)
    )


# -- a run ----------------------------------------------------------------------------------------


async def _run(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
    if not _wanted():
        await original(self, *args, **kwargs)
        return
    span = spans.begin("AgentRunner.run", SpanType.AGENT, {_RUN_ROOT: True})
    given = args[1] if len(args) > 1 else kwargs.get("input")
    about = {k: v for k, v in kwargs.items() if isinstance(v, _PLAIN) and k != "input"}
    spans.keep(span.set_inputs, given)
    span.set_attribute("kwargs", about)
    token = spans.enter(span)
    try:
        result = await original(self, *args, **kwargs)
    except BaseException as error:
        spans.fail(span, error)
        raise
    else:
        spans.keep(span.set_outputs, getattr(result, "final_output", None))
    finally:
        spans.leave(token)
        spans.end(span)


def _run_streamed(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
    # What it begins ends in a task of its own, and must not stay current for the caller
    copy_context().run(original, self, *args, **kwargs)


# -- what the SDK tells ---------------------------------------------------------------------------


class _Open:
    """A span of ours that has not ended, for one of the SDK's."""

    def __init__(self, span: Any, otel: Any, token: Any):
        self.span = span
        """None for a trace of the SDK within a span of ours."""
        self.otel = otel
        self.token = token
        self.inputs: Any = None
        self.outputs: Any = None


def _made() -> Any:
    from agents.tracing import TracingProcessor

    class Processor(TracingProcessor):
        """Makes a span of ours of each of the SDK's. Nothing that goes wrong reaches the agent."""

        def __init__(self) -> None:
            self._open: dict[str, _Open] = {}

        def on_trace_start(self, trace: Any) -> None:
            self._safely(self._begin_trace, trace)

        def on_trace_end(self, trace: Any) -> None:
            self._safely(self._end_trace, trace)

        def on_span_start(self, span: Any) -> None:
            self._safely(self._begin, span)

        def on_span_end(self, span: Any) -> None:
            self._safely(self._end, span)

        def shutdown(self) -> None:
            self._open.clear()

        def force_flush(self) -> None: ...

        def _safely(self, what: Any, about: Any) -> None:
            try:
                what(about)
            except Exception as error:
                _logger.warning("A step of an agent could not be traced: %s", error)

        def _begin_trace(self, trace: Any) -> None:
            if not _wanted():
                return
            current = get_current_otel_span()
            if current is not None:
                self._open[trace.trace_id] = _Open(None, current, None)
                return
            told = getattr(trace, "metadata", None) or {}
            span = spans.begin(trace.name, SpanType.AGENT, dict(told))
            self._open[trace.trace_id] = _Open(span, span._span, spans.enter(span))

        def _end_trace(self, trace: Any) -> None:
            there = self._open.pop(trace.trace_id, None)
            if there is None or there.span is None:
                return
            if there.inputs is not None:
                spans.keep(there.span.set_inputs, there.inputs)
            if there.outputs is not None:
                spans.keep(there.span.set_outputs, there.outputs)
            spans.leave(there.token)
            spans.end(there.span)

        def _begin(self, told: Any) -> None:
            above = self._open.get(told.parent_id or told.trace_id)
            if above is None or above.otel is None:
                return
            # The current span, of the program or of its run, may be further below
            current = get_current_otel_span()
            known = above.otel.get_span_context().trace_id
            if current is None or current.get_span_context().trace_id != known:
                current = above.otel
            data = told.span_data
            name = getattr(data, "name", None) or _NAMES.get(data.type, data.type)
            kind = _TYPES.get(data.type, SpanType.CHAIN)
            span = spans.begin(name, kind, parent=current)
            self._open[told.span_id] = _Open(span, span._span, spans.enter(span))

        def _end(self, told: Any) -> None:
            there = self._open.pop(told.span_id, None)
            if there is None:
                return
            try:
                inputs, outputs = _describe(there, told.span_data)
                root = self._open.get(told.trace_id)
                if root is not None and told.span_data.type in ("response", "generation"):
                    root.inputs = inputs if root.inputs is None else root.inputs
                    root.outputs = outputs if outputs is not None else root.outputs
                if told.error:
                    _note_error(there.span, told.error)
            finally:
                spans.leave(there.token)
                spans.end(there.span)

    return Processor()


def _describe(there: _Open, data: Any) -> tuple[Any, Any]:
    """Set what the SDK says of a step; its inputs and outputs."""
    span = there.span
    inputs, outputs, attributes = _content(data)
    if inputs is not None:
        spans.keep(span.set_inputs, inputs)
    if outputs is not None:
        spans.keep(span.set_outputs, outputs)
    span.set_attributes(attributes)
    answer = getattr(data, "response", None)
    used = getattr(answer, "usage", None) or getattr(data, "usage", None)
    if data.type in ("response", "generation"):
        span.set_attribute(SpanAttributeKey.MESSAGE_FORMAT, "openai-agent")
        model = getattr(answer, "model", None) or getattr(data, "model", None)
        if model:
            span.set_attribute(SpanAttributeKey.MODEL, str(model))
        if used is not None:
            _set_usage(there, used)
    return inputs, outputs


def _content(data: Any) -> tuple[Any, Any, dict[str, Any]]:
    """Inputs, outputs and attributes."""
    kind = data.type
    if kind == "agent":
        about = {name: getattr(data, name, None) for name in ("handoffs", "tools", "output_type")}
        return None, {"output_type": about["output_type"]}, about
    if kind == "function":
        return _parsed(data.input), data.output, {}
    if kind == "handoff":
        return {"from_agent": data.from_agent}, {"to_agent": data.to_agent}, {}
    if kind == "guardrail":
        return None, {"triggered": data.triggered}, {}
    if kind == "custom":
        return None, data.data, {}
    if kind == "generation":
        return data.input, data.output, data.model_config or {}
    if kind == "response":
        answer = data.response
        told = answer.model_dump(exclude_none=True, warnings=False) if answer is not None else {}
        return data.input, told.pop("output", None), told
    return None, None, {}


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def _set_usage(there: _Open, used: Any) -> None:
    def number(*names: str) -> Any:
        values = used if isinstance(used, dict) else vars(used)
        return next((values[n] for n in names if values.get(n) is not None), None)

    details = number("input_tokens_details", "prompt_tokens_details")
    set_usage(
        there,
        number("input_tokens", "prompt_tokens"),
        number("output_tokens", "completion_tokens"),
        number("total_tokens"),
        cache_read_input_tokens=getattr(details, "cached_tokens", None),
    )


def _note_error(span: Any, error: Any) -> None:
    """The SDK gives a message, and perhaps data."""
    message = str(error.get("message") or "")
    span.set_status(SpanStatus(SpanStatusCode.ERROR, message))
    told = {
        "exception.message": message,
        "exception.type": "",
        "exception.stacktrace": json.dumps(error.get("data"), default=str),
    }
    span.add_event(SpanEvent("exception", attributes=told))
