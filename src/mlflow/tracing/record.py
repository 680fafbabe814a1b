"""A trace that has ended, as bytes: what the journal keeps until it is stored.

    [info or null, experiment, [record of a span, …], [[name, version] of a prompt, …],
     {id of a file of the spans: base64}]

JSON. `info` is null if only spans are added to a trace that is there; the files are left out if
there are none. A span's record is what
`Span.to_dict` gives.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from mlflow.entities._otel import attributes_of
from mlflow.entities.span import LazySpan
from mlflow.entities.span_event import CustomEncoder
from mlflow.entities.trace_info import TraceInfo
from mlflow.entities.trace_location import TraceLocation
from mlflow.entities.trace_state import TraceState

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from mlflow.entities.span import Span

_encode = msgspec.json.Encoder().encode


class Ended(NamedTuple):
    """What is to be stored."""

    info: TraceInfo | None
    """None if only spans are added to a trace that is there."""
    experiment_id: str
    spans: list[Span]
    prompts: list[tuple[str, str]]
    attachments: dict[str, bytes]
    """Files of the spans, by their ids."""


def encoded(
    info: TraceInfo,
    spans: Iterable[ReadableSpan],
    *,
    with_info: bool,
    prompts: Iterable[Any] = (),
    attachments: Mapping[str, bytes] | None = None,
) -> bytes:
    """The bytes of a trace that has ended.

    Args:
        spans: OpenTelemetry's.
        with_info: Whether the trace itself is to be stored, and not only spans of it.
    """
    place = info.trace_location.mlflow_experiment
    content = [
        _parts(info) if with_info else None,
        place.experiment_id if place else None,
        [span_record(span) for span in spans],
        [(p.name, str(p.version)) for p in prompts],
    ]
    if attachments:
        content.append({name: b64encode(data).decode() for name, data in attachments.items()})
    try:
        return _encode(content)
    except (TypeError, ValueError):  # half of a surrogate pair, a value of some type of its own
        return json.dumps(content, cls=CustomEncoder).encode()


def _parts(info: TraceInfo) -> list[Any]:
    return [
        info.trace_id,
        info.request_time,
        info.execution_duration,
        info.state.value,
        info.client_request_id,
        info.request_preview,
        info.response_preview,
        info.trace_metadata,
        info.tags,
    ]


def span_record(span: ReadableSpan) -> dict[str, Any]:
    """The same as `Span(span).to_dict()`, in less time."""
    context, parent, status = span.context, span.parent, span.status
    return {
        "trace_id": b64encode(context.trace_id.to_bytes(16, "big")).decode(),
        "span_id": b64encode(context.span_id.to_bytes(8, "big")).decode(),
        "parent_span_id": b64encode(parent.span_id.to_bytes(8, "big")).decode() if parent else None,
        "name": span._name,
        "start_time_unix_nano": span._start_time,
        "end_time_unix_nano": span._end_time,
        "events": [
            {
                "name": event.name,
                "time_unix_nano": event.timestamp,
                "attributes": dict(event.attributes or ()),
            }
            for event in span.events
        ]
        if span._events
        else [],
        "status": {
            "code": f"STATUS_CODE_{status.status_code.name}",
            "message": status.description or "",
        },
        "attributes": attributes_of(span),
        "links": [
            {
                "trace_id": f"tr-{link.context.trace_id:032x}",
                "span_id": f"{link.context.span_id:016x}",
                "attributes": dict(link.attributes or ()) or None,
            }
            for link in span.links
        ]
        if span._links
        else [],
    }


def decoded(data: bytes) -> Ended:
    """What `encoded` was given; ValueError if it is something else."""
    parts, experiment_id, records, prompts, *files = json.loads(data)
    info = None
    if parts is not None:
        trace_id, began, duration, state, client_id, request, response, metadata, tags = parts
        info = TraceInfo(
            trace_id=trace_id,
            trace_location=TraceLocation.from_experiment_id(experiment_id),
            request_time=began,
            execution_duration=duration,
            state=TraceState(state),
            client_request_id=client_id,
            request_preview=request,
            response_preview=response,
            trace_metadata=metadata,
            tags=tags,
        )
    spans = [LazySpan(record) for record in records]
    attachments = {name: b64decode(text) for name, text in files[0].items()} if files else {}
    return Ended(info, experiment_id, spans, [tuple(p) for p in prompts], attachments)
