"""Spans from OpenTelemetry exporters: OTLP over HTTP, as protobuf or JSON."""

from __future__ import annotations

import json
import zlib
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mlflow.entities import Span
from mlflow.entities._otel_values import attributes_of
from mlflow.entities.span import LazySpan
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.rpc.span_json import attributes_of_json, span_of
from mlflow.server.foreign_spans import translate
from mlflow.server.json_body import read_body
from mlflow.store.tracking.abstract_store import AbstractStore

#: What a caller must be allowed to do, and to what: the header names the experiment.
NEEDS = ("experiment", "edit")
EXPERIMENT = "x-mlflow-experiment-id"
RUN = "x-mlflow-run-id"
#: Bytes of a body, before and after it is decompressed.
MAX_BODY = 64 << 20
MAX_SPANS = 100_000

#: Attributes of a resource that are no tags: what is said of the exporter, and MLflow's own names.
_NO_TAGS = ("telemetry.", "mlflow.")
_PROTOBUF = "application/x-protobuf"
_JSON = "application/json"
_ENCODINGS = {"": None, "identity": None, "gzip": 31, "deflate": 15}


def routes(store: AbstractStore) -> list[BaseRoute]:
    """The route that exporters send to."""

    async def export(request: Request) -> Response:
        experiment = request.headers.get(EXPERIMENT)
        if experiment is None:
            missing = {
                "type": "missing",
                "loc": ["header", EXPERIMENT],
                "msg": "Field required",
                "input": None,
            }
            return _refusal(422, [missing])
        given = request.headers.get("content-type")
        kind = (given or "").split(";", 1)[0].strip().lower()
        if kind not in (_PROTOBUF, _JSON):
            expected = f"Invalid Content-Type: {given}. Expected: {_PROTOBUF} or {_JSON}"
            return _refusal(400, expected)
        body = await read_body(request.receive, MAX_BODY)
        encoding = request.headers.get("content-encoding", "").strip().lower()
        run = request.headers.get(RUN)
        try:
            await run_in_threadpool(_keep, store, experiment, run, body, kind, encoding)
        except _Malformed as error:
            return _refusal(400, str(error))
        return Response(b"" if kind == _PROTOBUF else b"{}", media_type=kind)

    return [Route("/v1/traces", export, methods=["POST"])]


class _Malformed(Exception):
    """A body that is no export of spans; the text is what the exporter is told."""


def _refusal(status: int, detail: Any) -> Response:
    return Response(json.dumps({"detail": detail}), status, media_type=_JSON)


def _keep(
    store: AbstractStore,
    experiment: str,
    run: str | None,
    body: bytes,
    kind: str,
    encoding: str,
) -> None:
    """Store the spans of a body."""
    plain = _decompressed(body, encoding)
    read = _of_protobuf if kind == _PROTOBUF else _of_json
    try:
        spans = read(plain)
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        raise _Malformed(_told(error)) from error
    store.log_spans(experiment, spans)
    if run and spans:
        traces = sorted({span.trace_id for span in spans})
        for i in range(0, len(traces), 100):
            store.link_traces_to_run(traces[i : i + 100], run)


def _told(error: Exception) -> str:
    why = str(error)
    return f"Invalid OpenTelemetry format: {why[:200]}" if why else "Invalid OpenTelemetry format"


def _decompressed(body: bytes, encoding: str) -> bytes:
    """The body as it was; never more than MAX_BODY of it is made."""
    if encoding not in _ENCODINGS:
        raise _Malformed(
            f"Content-Encoding {encoding[:50]!r} is not supported; one of 'gzip', 'deflate' and "
            "'identity' is."
        )
    bits = _ENCODINGS[encoding]
    if bits is None:
        return body
    reader = zlib.decompressobj(bits)
    try:
        plain = reader.decompress(body, MAX_BODY)
    except zlib.error:
        raise _Malformed(f"The body is not what Content-Encoding {encoding} says.") from None
    if reader.unconsumed_tail:
        raise MlflowException(
            f"The request's body is longer than {MAX_BODY >> 20} MiB when it is decompressed; "
            "split it up.",
            error_code=CODES["REQUEST_LIMIT_EXCEEDED"],
        )
    if not reader.eof:
        raise _Malformed("The compressed body breaks off.")
    if reader.unused_data:
        raise _Malformed(
            f"{len(reader.unused_data)} bytes follow the compressed body; one piece is needed."
        )
    return plain


def _of_protobuf(body: bytes) -> list[Span]:
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    try:
        request.ParseFromString(body)
    except DecodeError:
        raise ValueError from None
    groups = [
        (resource.resource, [span for scope in resource.scope_spans for span in scope.spans])
        for resource in request.resource_spans
    ]
    _check_number(groups)
    return [
        span
        for resource, spans in groups
        for span in _of_resource(
            [Span.from_otel_proto(span, resource=resource) for span in spans],
            attributes_of(resource.attributes),
        )
    ]


def _of_json(body: bytes) -> list[Span]:
    import msgspec

    try:
        request = msgspec.json.decode(body)
    except msgspec.MsgspecError:
        raise ValueError from None
    groups = [
        (
            resource.get("resource") or {},
            [
                span
                for scope in _part(resource, "scopeSpans", "scope_spans")
                for span in _part(scope, "spans", "spans")
            ],
        )
        for resource in _part(request, "resourceSpans", "resource_spans", of=dict)
    ]
    _check_number(groups)
    return [
        span
        for resource, spans in groups
        for span in _of_resource(
            [span_of(m, preserve_request_id=False, hex_ids=True) for m in spans],
            attributes_of_json(_part(resource, "attributes", "attributes")),
        )
    ]


def _of_resource(spans: list[LazySpan], attributes: dict[str, Any]) -> list[LazySpan]:
    """The spans of one resource, in MLflow's words; what they come from becomes their traces'
    tags."""
    tags = {
        key: value if isinstance(value, str) else json.dumps(value, default=str)
        for key, value in attributes.items()
        if not key.startswith(_NO_TAGS)
    }
    for span in spans:
        translate(span.to_dict())
        span.resource_tags = tags
    return spans


def _part(message: Any, *names: str, of: type = object) -> list[Any]:
    """A list in a JSON object, under one of its names, of such things; empty if it is absent."""
    if not isinstance(message, dict):
        raise ValueError(f"{str(message)[:100]!r}; an object is needed")
    found = next((message[name] for name in names if message.get(name) is not None), [])
    if not isinstance(found, list):
        raise ValueError(f"{names[0]} is no list")
    if not all(isinstance(each, of) for each in found):
        raise ValueError(f"{names[0]} is no list of objects")
    return found


def _check_number(groups: list[tuple[Any, list[Any]]]) -> None:
    spans = sum(len(spans) for _, spans in groups)
    if spans > MAX_SPANS:
        raise MlflowException(
            f"The request has {spans} spans; {MAX_SPANS} are allowed. Split it up.",
            error_code=CODES["REQUEST_LIMIT_EXCEEDED"],
        )
