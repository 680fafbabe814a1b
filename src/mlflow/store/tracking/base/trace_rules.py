"""What follows for a trace from its spans: when it was, how it ended, what it used."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlflow.entities import Span, TraceInfo, TraceLocation, TraceState, _span_sums
from mlflow.entities._previews import preview
from mlflow.entities._span_sums import total
from mlflow.entities.trace_info_v2 import TraceInfoV2

TRACE_NAME = "mlflow.traceName"
SOURCE_RUN = "mlflow.sourceRun"
MODEL_ID = "mlflow.modelId"
SESSION = "mlflow.trace.session"
USER = "mlflow.trace.user"
TOKEN_USAGE = "mlflow.trace.tokenUsage"
COST = "mlflow.trace.cost"
INFO_FINALIZED = "mlflow.trace.infoFinalized"
SPANS_LOCATION = "mlflow.trace.spansLocation"
IN_TRACKING_STORE = "TRACKING_STORE"
ARTIFACT_LOCATION = "mlflow.artifactLocation"

#: Longer values of metadata are cut.
MAX_METADATA_VALUE = 250
_INPUTS = "mlflow.spanInputs"
_OUTPUTS = "mlflow.spanOutputs"
_TAG_PREFIX = "mlflow.traceTag."
#: Attributes that name the session and the user; of several the first one that a span has counts.
_FROM_SPANS = {"session.id": SESSION, "gen_ai.conversation.id": SESSION, "user.id": USER}
#: What is added up over spans, the metadata that has the sum, and what the sum always says.
SUMS = {
    "mlflow.chat.tokenUsage": (TOKEN_USAGE, _span_sums.USAGE),
    "mlflow.llm.cost": (COST, _span_sums.COST),
}
#: The metadata that has sums.
SUMMED = tuple(key for key, _ in SUMS.values())

Record = dict[str, Any]


@dataclass
class Learnt:
    """What spans say about their trace."""

    start_ms: int
    end_ms: int | None
    """None if no span has ended."""
    state: TraceState | None
    """That of the root; None if the root is not among the spans."""
    request_preview: str | None = None
    response_preview: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    """The session and the user."""
    has_sums: bool = False
    """Whether a span says what it used, so that the sums change."""


def learn(records: Sequence[Record]) -> Learnt:
    """What these spans say; they are of one trace, and not necessarily all of it."""
    ends = [r["end_time_unix_nano"] for r in records if r.get("end_time_unix_nano")]
    learnt = Learnt(
        min(r["start_time_unix_nano"] for r in records) // 1_000_000,
        max(ends) // 1_000_000 if ends else None,
        None,
    )
    for record in records:
        attributes = record.get("attributes") or {}
        for key, name in _FROM_SPANS.items():
            if attributes.get(key) is not None:
                learnt.metadata.setdefault(name, _plain_text(attributes[key]))
        for key, value in attributes.items():
            if key.startswith(_TAG_PREFIX):
                learnt.tags[key[len(_TAG_PREFIX) :]] = _plain_text(value)
        learnt.has_sums = learnt.has_sums or any(key in attributes for key in SUMS)
        if not record.get("parent_span_id"):
            failed = record["status"]["code"] == "STATUS_CODE_ERROR"
            learnt.state = TraceState.ERROR if failed else TraceState.OK
            learnt.request_preview = _preview(attributes.get(_INPUTS), "user")
            learnt.response_preview = _preview(attributes.get(_OUTPUTS), "assistant")
    return learnt


def learn_all(spans: Iterable[Span], by_trace: Mapping[str, Sequence[Record]]) -> dict[str, Learnt]:
    """What spans say, by trace.

    Args:
        by_trace: Their records.
    """
    learnt = {trace_id: learn(records) for trace_id, records in by_trace.items()}
    for span in spans:
        if tags := getattr(span, "resource_tags", None):
            of_trace = learnt[span.trace_id]
            of_trace.tags = {**tags, **of_trace.tags}
    return learnt


def extend(info: TraceInfo, learnt: Learnt) -> None:
    """Let a trace include new spans: it grows, and what is known of it stays."""
    start = min(info.request_time, learnt.start_ms)
    ends = [] if learnt.end_ms is None else [learnt.end_ms]
    if info.execution_duration is not None:
        ends.append(info.request_time + info.execution_duration)
    info.request_time = start
    info.execution_duration = max(ends) - start if ends else None
    if info.state is TraceState.IN_PROGRESS and learnt.state is not None:
        info.state = learnt.state
    if info.request_preview is None:
        info.request_preview = learnt.request_preview
    if info.response_preview is None:
        info.response_preview = learnt.response_preview


def sums(records: Iterable[Record]) -> dict[str, str]:
    """What all spans of a trace used, as metadata. A span that says so speaks for its children,
    too."""
    by_id = {record["span_id"]: record for record in records}
    parents = {span_id: record.get("parent_span_id") for span_id, record in by_id.items()}
    found = {}
    for attribute, (key, always) in SUMS.items():
        said = {
            span_id: used
            for span_id, record in by_id.items()
            if (used := _numbers((record.get("attributes") or {}).get(attribute)))
        }
        if said:
            summed = total(said, parents, always)
            text = json.dumps(summed)
            if len(text) > MAX_METADATA_VALUE:  # names that somebody made up
                text = json.dumps({name: summed[name] for name in always})
            found[key] = text
    return found


def _numbers(text: Any) -> dict[str, float]:
    try:
        used = json.loads(text) if isinstance(text, (str, bytes)) else text
    except (ValueError, RecursionError):
        return {}
    if not isinstance(used, dict):
        return {}
    return {
        key: number
        for key, number in used.items()
        if isinstance(number, (int, float)) and not isinstance(number, bool)
        if abs(number) < 1 << 63  # nor NaN
    }


def _plain_text(value: Any) -> str:
    """An attribute as text: what its JSON says if that is a text, else the JSON."""
    try:
        said = json.loads(value)
    except (TypeError, ValueError, RecursionError):
        return str(value)
    return said if isinstance(said, str) else str(value)


def _preview(text: Any, role: str) -> str | None:
    if text is None:
        return None
    return preview(text if isinstance(text, str) else json.dumps(text), role)


def type_of(record: Record) -> str:
    """A span's type; "" if it has none."""
    value = (record.get("attributes") or {}).get("mlflow.spanType")
    return "" if value is None else _plain_text(value)


def begun_in_version_2(
    experiment_id: str, timestamp_ms: int, metadata: dict[str, str], tags: dict[str, str]
) -> TraceInfo:
    """A trace that is in progress, as clients of version 2 begin one."""
    return TraceInfo(
        trace_id=uuid.uuid4().hex,
        trace_location=TraceLocation.from_experiment_id(experiment_id),
        request_time=timestamp_ms,
        state=TraceState.IN_PROGRESS,
        trace_metadata=dict(metadata),
        tags=dict(tags),
    )


def in_version_2(info: TraceInfo) -> TraceInfoV2:
    """A stored trace as clients of version 2 see it."""
    made = TraceInfoV2.from_v3(info)
    made.request_metadata.pop(INFO_FINALIZED, None)
    return made
