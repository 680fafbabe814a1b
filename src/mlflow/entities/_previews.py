"""The beginning of what a trace was asked and answered, as lists show it."""

from __future__ import annotations

import json
from typing import Any

#: Characters of a preview.
LENGTH = 1000
_DOTS = "..."


def storable(value: Any) -> str:
    """Text that every store takes: half of a surrogate pair is replaced."""
    text = value if isinstance(value, str) else str(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def cut(value: Any, most: int) -> str:
    """Text of at most so many characters; dots show that something is missing."""
    text = storable(value)
    return text if len(text) <= most else text[: most - len(_DOTS)] + _DOTS


def preview(text: str, role: str) -> str:
    """What people are shown of inputs or outputs: the last message of this role if they are a
    conversation, else the beginning of the JSON itself.

    Args:
        text: Of an attribute: JSON.
        role: `user` or `assistant`.
    """
    content = None
    if '"role"' in text or '"content"' in text:
        try:
            content = _text_of_conversation(json.loads(text), role)
        except (ValueError, RecursionError):
            pass
    return cut(content or text, LENGTH)


def _text_of_conversation(value: Any, role: str) -> str | None:
    if not isinstance(value, dict):
        return None
    messages = _messages_of(value)
    if not messages:
        return None
    for message in reversed(messages):
        if message.get("role") == role:
            return _text_of(message.get("content"))
    return _text_of(messages[-1].get("content"))


def _messages_of(value: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages of a request or a response of a chat."""
    for key in ("messages", "input"):
        if _is_conversation(value.get(key)):
            return value[key]
    request = value.get("request")
    if isinstance(request, dict):
        return _messages_of(request)
    choices = value.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        message = choices[0].get("message")
        if _is_conversation([message]):
            return [message]
    output = value.get("output")
    if isinstance(output, list):
        return [part for part in output if _is_message(part)]
    return []


def _is_conversation(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_message, value))


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and "role" in value and "content" in value


def _text_of(content: Any) -> str | None:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        for part in content:
            if isinstance(part, dict) and part.get("type") in ("text", "output_text"):
                return part.get("text")
    return None
