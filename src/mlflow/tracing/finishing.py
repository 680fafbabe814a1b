"""What is said of a trace once it has ended: previews, sizes, tokens and costs of all its spans.

It needs the whole trace, so whoever sends it does this, and not the program that is traced.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from mlflow.tracing.constant import (
    MAX_CHARS_IN_TRACE_INFO_METADATA,
    MAX_CHARS_IN_TRACE_INFO_TAGS_KEY,
    MAX_CHARS_IN_TRACE_INFO_TAGS_VALUE,
    TRACE_REQUEST_RESPONSE_PREVIEW_MAX_LENGTH_OSS,
    TRUNCATION_SUFFIX,
    CostKey,
    SpanAttributeKey,
    TokenUsageKey,
    TraceMetadataKey,
    TraceSizeStatsKey,
)

if TYPE_CHECKING:
    from mlflow.entities.span import Span
    from mlflow.entities.trace_info import TraceInfo


def finish(info: TraceInfo, spans: list[Span]) -> None:
    """Complete the info of a trace by what its spans say."""
    root = next((span for span in spans if span.parent_id is None), None)
    metadata = info.trace_metadata
    raw = root._raw_attributes() if root is not None else {}
    inputs, outputs = raw.get(SpanAttributeKey.INPUTS), raw.get(SpanAttributeKey.OUTPUTS)
    if info.request_preview is None and inputs is not None:
        info.request_preview = preview(inputs, "user")
    if info.response_preview is None and outputs is not None:
        info.response_preview = preview(outputs, "assistant")
    metadata.setdefault(TraceMetadataKey.INPUTS, cut(inputs or ""))
    metadata.setdefault(TraceMetadataKey.OUTPUTS, cut(outputs or ""))
    usage = _total(spans, SpanAttributeKey.CHAT_USAGE, _USAGE)
    if usage:
        metadata.setdefault(TraceMetadataKey.TOKEN_USAGE, json.dumps(usage))
    cost = _total(spans, SpanAttributeKey.LLM_COST, _COST)
    if cost:
        metadata.setdefault(TraceMetadataKey.COST, json.dumps(cost))
    info.trace_metadata = {k: cut(v) for k, v in metadata.items()}
    info.tags = {
        str(k)[:MAX_CHARS_IN_TRACE_INFO_TAGS_KEY]: _storable(v)[:MAX_CHARS_IN_TRACE_INFO_TAGS_VALUE]
        for k, v in info.tags.items()
    }
    _measure(info, spans)


def _storable(value: Any) -> str:
    """Text that every store takes: half of a surrogate pair is replaced."""
    text = value if isinstance(value, str) else str(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def cut(value: Any, most: int = MAX_CHARS_IN_TRACE_INFO_METADATA) -> str:
    """Text of at most so many characters; dots show that something is missing."""
    text = _storable(value)
    if len(text) <= most:
        return text
    return text[: most - len(TRUNCATION_SUFFIX)] + TRUNCATION_SUFFIX


# -- previews -------------------------------------------------------------------------------


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
        except ValueError:
            pass
    return cut(content or text, TRACE_REQUEST_RESPONSE_PREVIEW_MAX_LENGTH_OSS)


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


# -- sums -----------------------------------------------------------------------------------

_USAGE = (TokenUsageKey.INPUT_TOKENS, TokenUsageKey.OUTPUT_TOKENS, TokenUsageKey.TOTAL_TOKENS)
_COST = (CostKey.INPUT_COST, CostKey.OUTPUT_COST, CostKey.TOTAL_COST)


def _total(spans: Iterable[Span], key: str, always: Iterable[str]) -> dict[str, Any]:
    """The sum over spans of an attribute that holds numbers by name. What a span says includes what
    those below it say, so these are passed over."""
    told = {}
    for span in spans:
        text = span._raw_attributes().get(key)
        if text is not None:
            said = span.get_attribute(key)
            if isinstance(said, dict):
                told[span.span_id] = said
    if not told:
        return {}
    parents = {span.span_id: span.parent_id for span in spans}
    sums: dict[str, Any] = dict.fromkeys(always, 0)
    for span_id, said in told.items():
        if not _below(span_id, parents, told.__contains__):
            for name, number in said.items():
                if isinstance(number, (int, float)) and not isinstance(number, bool):
                    sums[name] = sums.get(name, 0) + number
    return sums


def _below(span_id: str, parents: dict[str, Any], is_one: Callable[[str], bool]) -> bool:
    seen = set()
    parent = parents.get(span_id)
    while parent is not None and parent not in seen:
        if is_one(parent):
            return True
        seen.add(parent)
        parent = parents.get(parent)
    return False


def _measure(info: TraceInfo, spans: list[Span]) -> None:
    """Bytes of the trace and of its spans, as JSON."""
    sizes = sorted(len(json.dumps(span.to_dict(), default=str)) for span in spans)
    data = sum(sizes) + 2 * max(0, len(sizes) - 1)
    total = (
        data
        + len(json.dumps(info.to_dict(), default=str))
        + len('{"info": , "data": {"spans": []}}')
    )
    stats = {
        TraceSizeStatsKey.TOTAL_SIZE_BYTES: total,
        TraceSizeStatsKey.NUM_SPANS: len(sizes),
        TraceSizeStatsKey.MAX_SPAN_SIZE_BYTES: sizes[-1] if sizes else 0,
    }
    for key, part in (
        (TraceSizeStatsKey.P25_SPAN_SIZE_BYTES, 0.25),
        (TraceSizeStatsKey.P50_SPAN_SIZE_BYTES, 0.5),
        (TraceSizeStatsKey.P75_SPAN_SIZE_BYTES, 0.75),
    ):
        stats[key] = _quantile(sizes, part)
    info.trace_metadata[TraceMetadataKey.SIZE_STATS] = json.dumps(stats)
    info.trace_metadata[TraceMetadataKey.SIZE_BYTES] = str(total)


def _quantile(ordered: list[int], part: float) -> int:
    if not ordered:
        return 0
    place = part * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return int(ordered[low] + (ordered[high] - ordered[low]) * (place - low))
