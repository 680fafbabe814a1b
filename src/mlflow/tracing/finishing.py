"""What is said of a trace once it has ended: previews, sizes, tokens and costs of all its spans.

It needs the whole trace, so whoever sends it does this, and not the program that is traced.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mlflow.entities import _previews, _span_sums
from mlflow.entities._span_sums import total
from mlflow.tracing.constant import (
    MAX_CHARS_IN_TRACE_INFO_METADATA,
    MAX_CHARS_IN_TRACE_INFO_TAGS_KEY,
    MAX_CHARS_IN_TRACE_INFO_TAGS_VALUE,
    SpanAttributeKey,
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
        info.request_preview = _previews.preview(inputs, "user")
    if info.response_preview is None and outputs is not None:
        info.response_preview = _previews.preview(outputs, "assistant")
    metadata.setdefault(TraceMetadataKey.INPUTS, cut(inputs or ""))
    metadata.setdefault(TraceMetadataKey.OUTPUTS, cut(outputs or ""))
    usage = _total(spans, SpanAttributeKey.CHAT_USAGE, _span_sums.USAGE)
    if usage:
        metadata.setdefault(TraceMetadataKey.TOKEN_USAGE, json.dumps(usage))
    cost = _total(spans, SpanAttributeKey.LLM_COST, _span_sums.COST)
    if cost:
        metadata.setdefault(TraceMetadataKey.COST, json.dumps(cost))
    info.trace_metadata = {k: cut(v) for k, v in metadata.items()}
    info.tags = {
        str(k)[:MAX_CHARS_IN_TRACE_INFO_TAGS_KEY]: _previews.storable(v)[
            :MAX_CHARS_IN_TRACE_INFO_TAGS_VALUE
        ]
        for k, v in info.tags.items()
    }
    _measure(info, spans)


def cut(value: Any) -> str:
    """A value of metadata: text of at most as many characters as these have."""
    return _previews.cut(value, MAX_CHARS_IN_TRACE_INFO_METADATA)


def _total(spans: Iterable[Span], key: str, always: Iterable[str]) -> dict[str, Any]:
    """The sum over spans of an attribute that holds numbers by name."""
    told = {}
    for span in spans:
        if span._raw_attributes().get(key) is not None:
            said = span.get_attribute(key)
            if isinstance(said, dict):
                told[span.span_id] = {
                    name: number
                    for name, number in said.items()
                    if isinstance(number, (int, float)) and not isinstance(number, bool)
                }
    if not told:
        return {}
    return total(told, {span.span_id: span.parent_id for span in spans}, always)


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
