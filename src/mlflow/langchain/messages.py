"""Messages, answers and counts of LangChain, in the form of spans."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

_ROLES = {
    "human": "user",
    "HumanMessageChunk": "user",
    "ai": "assistant",
    "AIMessageChunk": "assistant",
    "system": "system",
    "tool": "tool",
    "function": "function",
}


def message_of(message: Any) -> dict[str, Any]:
    """A message with `role`, `content`, `refusal`, `tool_calls` and `tool_call_id`."""
    kind = getattr(message, "type", "")
    calls = [_tool_call(call) for call in getattr(message, "tool_calls", None) or ()]
    content = message.content
    return {
        "role": _ROLES.get(kind) or getattr(message, "role", kind),
        "content": None if calls and not content else content,
        "tool_calls": calls or None,
        "refusal": None,
        "tool_call_id": getattr(message, "tool_call_id", None),
    }


def _tool_call(call: dict[str, Any]) -> dict[str, Any]:
    arguments = json.dumps(call.get("args"))
    function = {"name": call.get("name"), "arguments": arguments}
    return {"id": call.get("id"), "type": "function", "function": function}


def conversation_of(messages: Sequence[Any]) -> dict[str, Any]:
    """What a chat model is asked."""
    return {"messages": [message_of(message) for message in messages]}


def choices_of(response: Any) -> Any:
    """What a model answered: choices of a chat, or the answer as it is."""
    answers = [answer for of_prompt in response.generations for answer in of_prompt]
    if answers and all(hasattr(answer, "message") for answer in answers):
        return {
            "choices": [
                {"message": message_of(answer.message), "finish_reason": None} for answer in answers
            ]
        }
    return response


def usage_of(response: Any) -> dict[str, int] | None:
    """How many tokens a model says it took; None if it does not say."""
    for of_prompt in response.generations:
        for answer in of_prompt:
            usage = getattr(getattr(answer, "message", None), "usage_metadata", None)
            if usage:
                return _usage(usage, usage.get("input_token_details") or {})
    said = (response.llm_output or {}).get("token_usage") if response.llm_output else None
    if said and said.get("prompt_tokens") is not None:
        return {
            "input_tokens": said["prompt_tokens"],
            "output_tokens": said.get("completion_tokens") or 0,
            "total_tokens": said.get("total_tokens") or 0,
        }
    return None


def _usage(usage: dict[str, Any], details: dict[str, Any]) -> dict[str, int]:
    found = {key: usage[key] for key in ("input_tokens", "output_tokens", "total_tokens")}
    cached = {
        "cache_read_input_tokens": details.get("cache_read"),
        "cache_creation_input_tokens": details.get("cache_creation"),
    }
    return {**found, **{key: value for key, value in cached.items() if value is not None}}
