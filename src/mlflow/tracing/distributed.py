"""Traces that go through several processes: W3C's `traceparent` header carries them on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from mlflow.tracing.provider import get_context_api, get_current_context, get_current_otel_span

P = ParamSpec("P")
R = TypeVar("R")

_logger = logging.getLogger(__name__)


def get_tracing_context_headers_for_http_request() -> dict[str, str]:
    """Headers for a request to another service, so that its spans go below the current one.

    ```python
    with mlflow.start_span("ask"):
        httpx.post(url, headers=get_tracing_context_headers_for_http_request())
    ```

    Returns:
        `traceparent`; nothing, with a warning, if there is no current span.
    """
    if get_current_otel_span() is None:
        _logger.warning(
            "No active span found for fetching the trace context from. Returning an empty header."
        )
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    headers: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(headers, context=get_current_context())
    return headers


@contextmanager
def set_tracing_context_from_http_request_headers(headers: dict[str, str]) -> Iterator[None]:
    """Let spans inside the block go below the span that the headers of a request name.

    Args:
        headers: Names may be written in any case. Without `traceparent` nothing changes, but for a
            warning.
    """
    named = {str(name).lower(): value for name, value in dict(headers).items()}
    if "traceparent" not in named:
        _logger.warning("The request has no `traceparent` header; its spans begin a new trace.")
        yield
        return
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    api = get_context_api()
    context = TraceContextTextMapPropagator().extract(named, context=Context())
    token = api.attach(context)
    try:
        yield
    finally:
        api.detach(token)


# -- names that go along --------------------------------------------------------------------------


class TracingContextPropagation:
    """What MLflow's telemetry calls the functions above. Headrace sends no telemetry."""

    name: str = "tracing_context_propagation"


def record_usage_event(event: type) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator that leaves functions as they are: Headrace sends no telemetry."""
    return lambda function: function


def __getattr__(name: str) -> Any:
    if name == "LiveSpan":  # which loads OpenTelemetry
        from mlflow.entities.span import LiveSpan

        return LiveSpan
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
