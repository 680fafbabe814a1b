"""Traces of what OpenAI's library is asked."""

from __future__ import annotations

from typing import Any

from mlflow.entities.span import SpanType
from mlflow.openai.agents import trace_agents
from mlflow.openai.answers import completion_of, finish, text_completion_of
from mlflow.tracing.constant import SpanAttributeKey
from mlflow.tracing.utils.model_calls import ModelCall, set_tools
from mlflow.utils.autologging_utils import (
    autologging_integration,
    get_autologging_config,
    safe_patch,
)

_FLAVOR = "openai"
#: What a span's attributes leave out: its inputs have it, or it is a secret.
_NOT_ATTRIBUTES = ("messages", "input", "prompt")
_SECRET = ("extra_headers",)


@autologging_integration(_FLAVOR)
def autolog(
    disable: bool = False,
    exclusive: bool = False,
    disable_for_unsupported_versions: bool = False,
    silent: bool = False,
    log_traces: bool = True,
    disable_openai_agent_tracer: bool = True,
) -> None:
    """Trace chat completions, completions, responses and embeddings from now on: sync, async and
    streams, with tokens and tools. With the Agents SDK (`openai-agents`), also runs of agents,
    their tools, handoffs and guardrails.

    Args:
        disable: Trace nothing from now on.
        exclusive: Not used.
        disable_for_unsupported_versions: Leave versions alone that were not tested.
        silent: Show no messages and warnings of autologging.
        log_traces: Whether to trace.
        disable_openai_agent_tracer: Whether the Agents SDK's own tracer, which sends traces to
            OpenAI, is taken off when ours is put on.
    """
    if not disable:
        trace_agents(instead=disable_openai_agent_tracer)
    for owner, methods, span_type in _patched():
        for name in methods:
            if hasattr(owner, name):
                patch = _async_patch if owner.__name__.startswith("Async") else _patch
                safe_patch(_FLAVOR, owner, name, patch(span_type))


def _patched() -> list[tuple[Any, tuple[str, ...], str]]:
    from openai.resources import chat, completions, embeddings

    found: list[tuple[Any, tuple[str, ...], str]] = [
        (chat.completions.Completions, ("create", "parse"), SpanType.CHAT_MODEL),
        (chat.completions.AsyncCompletions, ("create", "parse"), SpanType.CHAT_MODEL),
        (completions.Completions, ("create",), SpanType.LLM),
        (completions.AsyncCompletions, ("create",), SpanType.LLM),
        (embeddings.Embeddings, ("create",), SpanType.EMBEDDING),
        (embeddings.AsyncEmbeddings, ("create",), SpanType.EMBEDDING),
    ]
    try:
        from openai.resources import responses
    except ImportError:  # older than the Responses API
        return found
    return [
        *found,
        (responses.Responses, ("create", "parse"), SpanType.CHAT_MODEL),
        (responses.AsyncResponses, ("create", "parse"), SpanType.CHAT_MODEL),
    ]


def _call(owner: Any, span_type: str, kwargs: dict[str, Any]) -> ModelCall:
    given = {k: v for k, v in kwargs.items() if k not in _SECRET and _is_given(v)}
    attributes = {k: v for k, v in given.items() if k not in _NOT_ATTRIBUTES}
    if span_type in (SpanType.CHAT_MODEL, SpanType.LLM):
        attributes[SpanAttributeKey.MESSAGE_FORMAT] = _FLAVOR
    call = ModelCall(
        type(owner).__name__, span_type, given, attributes, finish, describe_errors=False
    )
    set_tools(call, given.get("tools"))
    return call


def _is_given(value: Any) -> bool:
    return type(value).__name__ not in ("NotGiven", "Omit")


def _traces() -> bool:
    return bool(get_autologging_config(_FLAVOR, "log_traces", True))


def _patch(span_type: str) -> Any:
    def patched(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        if not _traces():
            original(self, *args, **kwargs)
            return
        call = _call(self, span_type, kwargs)
        with call:
            try:
                result = original(self, *args, **kwargs)
            except BaseException as error:
                call.fail(error)
                raise
        _took(call, result, span_type)

    return patched


def _async_patch(span_type: str) -> Any:
    async def patched(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        if not _traces():
            await original(self, *args, **kwargs)
            return
        call = _call(self, span_type, kwargs)
        with call:
            try:
                result = await original(self, *args, **kwargs)
            except BaseException as error:
                call.fail(error)
                raise
        _took(call, result, span_type)

    return patched


def _took(call: ModelCall, result: Any, span_type: str) -> None:
    """End the call, or let it end with the stream that came back."""
    from openai import AsyncStream, Stream

    answer = result
    if hasattr(result, "http_response") and hasattr(result, "parse"):
        answer = result.parse()  # `with_raw_response`: it keeps what it has parsed
        if hasattr(answer, "__await__"):
            call.succeed(None)
            answer.close()
            return
    whole = text_completion_of if span_type == SpanType.LLM else completion_of
    if isinstance(answer, Stream):
        answer._iterator = call.follow(answer._iterator, whole)
    elif isinstance(answer, AsyncStream):
        answer._iterator = call.follow_async(answer._iterator, whole)  # type: ignore[assignment]
    else:
        call.succeed(answer)
