"""Spans to a collector of OpenTelemetry, where the usual variables name one."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)

from mlflow.environment_variables import (
    MLFLOW_ENABLE_OTEL_GENAI_SEMCONV,
    MLFLOW_ENABLE_OTLP_EXPORTER,
    MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT,
    MLFLOW_USE_BATCH_SPAN_PROCESSOR,
)
from mlflow.exceptions import MlflowException

_logger = logging.getLogger(__name__)

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


def _first(names: Sequence[str]) -> str | None:
    return next((os.environ[n] for n in names if os.environ.get(n)), None)


def should_use_otlp_exporter() -> bool:
    """Whether spans go to a collector."""
    return bool(_first(_ENDPOINTS)) and MLFLOW_ENABLE_OTLP_EXPORTER.get()


def exports_to_store() -> bool:
    """Whether traces go to the tracking store: unless there is a collector, or both are wanted."""
    return not should_use_otlp_exporter() or MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT.get()


def otlp_processors() -> list[Any]:
    """What sends spans to the collector; nothing if there is none."""
    if not should_use_otlp_exporter():
        return []
    if MLFLOW_ENABLE_OTEL_GENAI_SEMCONV.get():
        _logger.warning(
            "%s is not supported yet: spans go to the collector with MLflow's attributes.",
            MLFLOW_ENABLE_OTEL_GENAI_SEMCONV.name,
        )
    exporter = _Plain(_exporter())
    if MLFLOW_USE_BATCH_SPAN_PROCESSOR.get():
        return [BatchSpanProcessor(exporter)]
    return [SimpleSpanProcessor(exporter)]


def _exporter() -> SpanExporter:
    protocol = (_first(_PROTOCOLS) or "http/protobuf").lower()
    try:
        if protocol == "grpc":
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
                OTLPSpanExporter as Grpc,
            )

            return Grpc()
        if protocol == "http/protobuf":
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            return OTLPSpanExporter()
    except ImportError as error:
        kind = "grpc" if protocol == "grpc" else "http"
        package = f"opentelemetry-exporter-otlp-proto-{kind}"
        raise MlflowException(
            f"{_ENDPOINTS[0]} is set, and sending spans there needs {package}: "
            f"pip install {package}. MLFLOW_ENABLE_OTLP_EXPORTER=false sends none.",
            error_code="RESOURCE_DOES_NOT_EXIST",
        ) from error
    raise MlflowException.invalid_parameter_value(
        f"{_PROTOCOLS[0]} is '{protocol}'; 'http/protobuf' or 'grpc' is needed."
    )


class _Plain(SpanExporter):
    """Gives another exporter spans whose attributes are values, and not JSON text of them."""

    def __init__(self, exporter: SpanExporter):
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([_plain(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _plain(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={k: _value(v) for k, v in (span.attributes or {}).items()},
        events=span.events,
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _value(text: Any) -> Any:
    """A text, number or truth that JSON says; anything else stays JSON text."""
    if not isinstance(text, str):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, (str, int, float, bool)) else text
