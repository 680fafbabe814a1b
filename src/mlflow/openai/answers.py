"""What OpenAI's library returns: parts of a stream put together, and tokens."""

from __future__ import annotations

from typing import Any

from mlflow.tracing.utils.model_calls import ModelCall, set_usage


def finish(call: ModelCall, answer: Any) -> None:
    """Note the tokens that an answer says it took; not those of embeddings."""
    usage = getattr(answer, "usage", None)
    if usage is None or getattr(answer, "object", None) == "list":
        return
    chat = getattr(usage, "completion_tokens", None) is not None
    details = getattr(usage, "prompt_tokens_details" if chat else "input_tokens_details", None)
    set_usage(
        call,
        usage.prompt_tokens if chat else getattr(usage, "input_tokens", None),
        usage.completion_tokens if chat else getattr(usage, "output_tokens", None),
        getattr(usage, "total_tokens", None),
        cache_read_input_tokens=getattr(details, "cached_tokens", None),
    )


def completion_of(chunks: list[Any]) -> Any:
    """The answer that the parts of a stream are of: a ChatCompletion, or a Response."""
    if not chunks:
        return None
    if getattr(chunks[0], "object", None) == "chat.completion.chunk":
        return _chat_completion(chunks)
    for event in reversed(chunks):
        response = getattr(event, "response", None)
        if response is not None and getattr(event, "type", "") != "response.created":
            return response
    return chunks


def _chat_completion(chunks: list[Any]) -> Any:
    from openai.types.chat import ChatCompletion

    last, choices = chunks[-1], {}
    for chunk in chunks:
        for choice in chunk.choices:
            merged = choices.setdefault(choice.index, _Choice(choice.index))
            merged.add(choice)
    usage = next((c.usage for c in reversed(chunks) if getattr(c, "usage", None)), None)
    return ChatCompletion.model_validate(
        {
            "id": last.id,
            "object": "chat.completion",
            "created": last.created,
            "model": last.model,
            "choices": [choices[index].as_dict() for index in sorted(choices)],
            "usage": usage.model_dump() if usage is not None else None,
            "system_fingerprint": getattr(last, "system_fingerprint", None),
        }
    )


class _Choice:
    """One answer of several to the same question, as it comes in."""

    def __init__(self, index: int):
        self._index = index
        self._role = "assistant"
        self._texts: dict[str, str] = {}
        self._tools: dict[int, dict[str, Any]] = {}
        self._reason: str | None = None

    def add(self, choice: Any) -> None:
        delta = choice.delta
        self._role = delta.role or self._role
        self._reason = choice.finish_reason or self._reason
        for part in ("content", "refusal"):
            text = getattr(delta, part, None)
            if text is not None:
                self._texts[part] = self._texts.get(part, "") + text
        for call in delta.tool_calls or ():
            known = self._tools.setdefault(
                call.index, {"id": "", "type": "function", "name": "", "arguments": ""}
            )
            known["id"] = call.id or known["id"]
            function = call.function
            if function is not None:
                known["name"] += function.name or ""
                known["arguments"] += function.arguments or ""

    def as_dict(self) -> dict[str, Any]:
        tools = [
            {
                "id": call["id"],
                "type": call["type"],
                "function": {"name": call["name"], "arguments": call["arguments"]},
            }
            for _, call in sorted(self._tools.items())
        ]
        return {
            "index": self._index,
            "finish_reason": self._reason or "stop",
            "message": {
                "role": self._role,
                "content": self._texts.get("content"),
                "refusal": self._texts.get("refusal"),
                "tool_calls": tools or None,
            },
        }


def text_completion_of(chunks: list[Any]) -> Any:
    """The text that the parts of a stream of the old API make."""
    return "".join(choice.text or "" for chunk in chunks for choice in chunk.choices)
