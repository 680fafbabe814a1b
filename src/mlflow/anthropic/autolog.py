"""Traces of what Anthropic's library is asked."""

from __future__ import annotations

import inspect
from typing import Any

from mlflow.entities.span import SpanType
from mlflow.tracing.constant import SpanAttributeKey
from mlflow.tracing.utils.model_calls import ModelCall, set_tools, set_usage
from mlflow.utils.autologging_utils import (
    autologging_integration,
    get_autologging_config,
    safe_patch,
)

_FLAVOR = "anthropic"
_SECRET = ("extra_headers",)


@autologging_integration(_FLAVOR)
def autolog(log_traces: bool = True, disable: bool = False, silent: bool = False) -> None:
    """Trace messages from now on: sync, async and streams, with tokens and tools.

    Args:
        log_traces: Whether to trace.
        disable: Trace nothing from now on.
        silent: Show no messages and warnings of autologging.
    """
    from anthropic.lib import streaming
    from anthropic.resources import messages

    safe_patch(_FLAVOR, messages.Messages, "create", _create)
    safe_patch(_FLAVOR, messages.AsyncMessages, "create", _create_async)
    safe_patch(_FLAVOR, messages.Messages, "stream", _stream)
    safe_patch(_FLAVOR, messages.AsyncMessages, "stream", _stream)
    safe_patch(_FLAVOR, streaming.MessageStreamManager, "__enter__", _enter)
    safe_patch(_FLAVOR, streaming.AsyncMessageStreamManager, "__aenter__", _enter_async)


def _traces() -> bool:
    return bool(get_autologging_config(_FLAVOR, "log_traces", True))


def _call(name: str, method: Any, kwargs: dict[str, Any]) -> ModelCall:
    given = {
        k: kwargs[k]
        for k in _in_order(method, kwargs)
        if k not in _SECRET and type(kwargs[k]).__name__ not in ("NotGiven", "Omit")
    }
    attributes = {
        SpanAttributeKey.MESSAGE_FORMAT: _FLAVOR,
        SpanAttributeKey.MODEL_PROVIDER: _FLAVOR,
    }
    call = ModelCall(name, SpanType.CHAT_MODEL, given, attributes, _finish, describe_errors=True)
    set_tools(call, [_tool(tool) for tool in given.get("tools") or ()])
    return call


def _in_order(method: Any, kwargs: dict[str, Any]) -> list[str]:
    """The names of arguments in the order in which the method lists them."""
    try:
        known = [name for name in inspect.signature(method).parameters if name in kwargs]
    except (TypeError, ValueError):
        known = []
    return [*known, *(name for name in kwargs if name not in known)]


def _tool(tool: Any) -> dict[str, Any]:
    """A tool in the form that OpenAI gave it, which is that of spans."""
    function = {
        "name": tool["name"],
        "description": tool.get("description"),
        "parameters": tool.get("input_schema"),
    }
    return {"type": "function", "function": {k: v for k, v in function.items() if v is not None}}


def _finish(call: ModelCall, message: Any) -> None:
    usage = getattr(message, "usage", None)
    if usage is None:
        return
    read = getattr(usage, "cache_read_input_tokens", None)
    created = getattr(usage, "cache_creation_input_tokens", None)
    set_usage(
        call,
        usage.input_tokens + (read or 0) + (created or 0),
        usage.output_tokens,
        cache_read_input_tokens=read,
        cache_creation_input_tokens=created,
    )


def _create(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
    if not _traces():
        original(self, *args, **kwargs)
        return
    call = _call(f"{type(self).__name__}.create", original, kwargs)
    with call:
        try:
            result = original(self, *args, **kwargs)
        except BaseException as error:
            call.fail(error)
            raise
    _took(call, result)


async def _create_async(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
    if not _traces():
        await original(self, *args, **kwargs)
        return
    call = _call(f"{type(self).__name__}.create", original, kwargs)
    with call:
        try:
            result = await original(self, *args, **kwargs)
        except BaseException as error:
            call.fail(error)
            raise
    _took(call, result)


def _took(call: ModelCall, result: Any) -> None:
    """End the call, or let it end with the stream that came back."""
    from anthropic import AsyncStream, Stream

    if hasattr(result, "http_response") and hasattr(result, "parse"):
        result = result.parse()  # `with_raw_response`: it keeps what it has parsed
    if isinstance(result, Stream):
        result._iterator = call.follow(result._iterator, _message_of)
    elif isinstance(result, AsyncStream):
        result._iterator = call.follow_async(result._iterator, _message_of)
    else:
        call.succeed(result)


def _message_of(events: list[Any]) -> Any:
    """The message that the events of a stream tell of."""
    snapshot: Any = None
    for event in events:
        if event.type == "message_start":
            snapshot = event.message.model_copy(deep=True)
        elif event.type == "content_block_start":
            snapshot.content.append(event.content_block.model_copy(deep=True))
        elif event.type == "content_block_delta":
            _grow(snapshot.content[event.index], event.delta)
        elif event.type == "content_block_stop":
            _complete(snapshot.content[event.index])
        elif event.type == "message_delta":
            snapshot.stop_reason = event.delta.stop_reason
            snapshot.stop_sequence = event.delta.stop_sequence
            snapshot.usage.output_tokens = event.usage.output_tokens
    return snapshot


_GROWS = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("signature", "signature"),
}


def _grow(block: Any, delta: Any) -> None:
    if delta.type in _GROWS:
        whole, part = _GROWS[delta.type]
        setattr(block, whole, (getattr(block, whole, None) or "") + getattr(delta, part))
    elif delta.type == "input_json_delta":
        block.__dict__["_json"] = block.__dict__.get("_json", "") + delta.partial_json


def _complete(block: Any) -> None:
    import json

    text = block.__dict__.pop("_json", None)
    if text:
        block.input = json.loads(text)


# `messages.stream(…)`: a context manager that gives a stream


def _stream(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
    manager = original(self, *args, **kwargs)
    if _traces():
        manager._mlflow_call = (f"{type(self).__name__}.stream", original, kwargs)


def _begin(manager: Any) -> ModelCall | None:
    about = manager.__dict__.pop("_mlflow_call", None)
    return None if about is None else _call(*about)


def _enter(original: Any, self: Any) -> None:
    call = _begin(self)
    try:
        stream = original(self)
    except BaseException as error:
        if call is not None:
            call.fail(error)
        raise
    if call is not None:
        stream._iterator = call.follow(
            stream._iterator, lambda events: stream.current_message_snapshot
        )


async def _enter_async(original: Any, self: Any) -> None:
    call = _begin(self)
    try:
        stream = await original(self)
    except BaseException as error:
        if call is not None:
            call.fail(error)
        raise
    if call is not None:
        stream._iterator = call.follow_async(
            stream._iterator, lambda events: stream.current_message_snapshot
        )
