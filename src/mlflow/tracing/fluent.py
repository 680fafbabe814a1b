"""Tracing, by name: `mlflow.trace`, `mlflow.start_span` and what goes with them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, overload

from mlflow.entities.span import NoOpSpan, SpanType
from mlflow.entities.span_log_level import SpanLogLevel
from mlflow.entities.trace_state import TraceState
from mlflow.exceptions import MlflowException
from mlflow.tracing import provider
from mlflow.tracing.constant import SpanAttributeKey, TraceMetadataKey
from mlflow.tracing.reading import (  # noqa: F401  (their public place)
    delete_trace_tag,
    get_trace,
    search_sessions,
    search_traces,
    set_trace_tag,
)
from mlflow.tracing.spans import begin, end, enter, fail, keep, leave
from mlflow.tracing.trace_manager import InMemoryTraceManager, _Trace
from mlflow.tracing.wrapping import Options, wrap

if TYPE_CHECKING:
    from mlflow.entities.link import Link
    from mlflow.entities.span import LiveSpan
    from mlflow.entities.trace import Trace
    from mlflow.entities.trace_location import TraceLocationBase

_logger = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])


@overload
def trace(func: F) -> F: ...
@overload
def trace(func: None = None, name: str | None = None, **more: Any) -> Callable[[F], F]: ...
def trace(
    func: Callable[..., Any] | None = None,
    name: str | None = None,
    span_type: str = SpanType.UNKNOWN,
    attributes: dict[str, Any] | None = None,
    output_reducer: Callable[[list[Any]], Any] | None = None,
    trace_destination: TraceLocationBase | None = None,
    sampling_ratio_override: float | None = None,
    log_level: SpanLogLevel | str | None = None,
    links: list[Link] | None = None,
    description: str | None = None,
) -> Callable[..., Any]:
    """Trace a function: each call is a span with its arguments and what it returns.

    ```python
    @mlflow.trace
    def answer(question): ...

    @mlflow.trace(span_type="TOOL")
    async def search(text): ...
    ```

    What is called inside becomes spans below it. An error is noted and raised as it was. The span
    of a generator ends with it, and what it yielded is its output.

    Args:
        func: A function of any kind, a class method or a static method.
        name: What the span is called; None for the name of the function.
        span_type: Such as `SpanType.TOOL`.
        attributes: For every span.
        output_reducer: Of a generator: makes one output of the list of what it yielded.
        trace_destination: Where the trace goes, if one begins with the call.
        sampling_ratio_override: Part of the traces that begin with a call that is kept, from 0.0
            to 1.0; None for MLFLOW_TRACE_SAMPLING_RATIO.
        log_level: How much the spans matter; None for what their type says.
        links: Spans elsewhere that they point to.
        description: What they are for.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE for an `output_reducer` of what is no generator,
            a ratio out of bounds, or no such log level.
    """
    ratio = sampling_ratio_override
    if ratio is not None and not 0.0 <= ratio <= 1.0:
        raise MlflowException.invalid_parameter_value(
            f"sampling_ratio_override must be between 0.0 and 1.0, got {ratio}"
        )
    about = {
        "span_type": span_type,
        "attributes": attributes,
        "destination": trace_destination,
        "ratio": ratio,
        "log_level": None if log_level is None else SpanLogLevel.from_value(log_level),
        "links": links,
        "description": description,
    }
    # What was not given costs nothing at each call
    given = {key: value for key, value in about.items() if value is not None}
    options = Options(name, given, output_reducer)
    if func is None:
        return lambda function: wrap(function, options)
    return wrap(func, options)


@contextmanager
def start_span(
    name: str = "span",
    span_type: str | None = SpanType.UNKNOWN,
    attributes: dict[str, Any] | None = None,
    trace_destination: TraceLocationBase | None = None,
    log_level: SpanLogLevel | str | None = None,
    run_id: str | None = None,
    links: list[Link] | None = None,
    description: str | None = None,
) -> Iterator[LiveSpan]:
    """Let a span be current inside the block, below the one that is current outside.

    ```python
    with mlflow.start_span("retrieve", span_type="RETRIEVER") as span:
        span.set_inputs({"query": query})
        span.set_outputs(find(query))
    ```

    Args:
        run_id: The run that the trace belongs to, if one begins; None for the active run.

    The others are those of `trace`.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if there is no such log level.
    """
    span = begin(
        name,
        span_type,
        attributes,
        destination=trace_destination,
        log_level=log_level,
        run_id=run_id,
        links=links,
        description=description,
    )
    token = enter(span)
    try:
        yield span  # type: ignore[misc]
    except GeneratorExit:
        raise
    except BaseException as error:
        fail(span, error)
        raise
    finally:
        leave(token)
        end(span)


def start_span_no_context(
    name: str,
    span_type: str = SpanType.UNKNOWN,
    parent_span: LiveSpan | None = None,
    inputs: Any | None = None,
    attributes: dict[str, str] | None = None,
    tags: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
    experiment_id: str | None = None,
    start_time_ns: int | None = None,
    log_level: SpanLogLevel | str | None = None,
    links: list[Link] | None = None,
    description: str | None = None,
) -> LiveSpan:
    """A span that does not become current; `.end()` ends it.

    Args:
        parent_span: The span that it is part of; None for a new trace.
        tags: Of the trace, if one begins; `metadata` and `experiment_id` too.
        start_time_ns: When it began, in nanoseconds since the Unix epoch; None for now.

    The others are those of `trace`.
    """
    if isinstance(parent_span, NoOpSpan):
        return NoOpSpan()  # type: ignore[return-value]
    if parent_span is not None and getattr(parent_span, "_span", None) is None:
        raise MlflowException.invalid_parameter_value(
            f"parent_span is {parent_span!r}; a span that `start_span` or "
            "`start_span_no_context` gave is needed."
        )
    span = begin(
        name,
        span_type,
        attributes,
        parent=None if parent_span is None else parent_span._span,
        experiment_id=experiment_id,
        start_time_ns=start_time_ns,
        log_level=log_level,
        links=links,
        description=description,
        tags=tags,
        metadata=metadata,
    )
    if inputs is not None:
        keep(span.set_inputs, inputs)
    return span  # type: ignore[return-value]


def get_current_active_span() -> LiveSpan | None:
    """The current span; None if there is none."""
    found = provider.get_current_otel_span()
    return getattr(found, "_mlflow_span", None)


def get_active_trace_id() -> str | None:
    """The id of the trace of the current span; None if there is none."""
    span = get_current_active_span()
    return None if span is None else span.trace_id


def get_last_active_trace_id(thread_local: bool = False) -> str | None:
    """The id of the trace that ended last in this process; None if none did.

    Args:
        thread_local: In this thread.
    """
    import sys

    module = sys.modules.get("mlflow.tracing.processor.mlflow")
    if module is None:
        return None
    return module.last_trace_id_of_thread() if thread_local else module.last_trace_id


def update_current_trace(
    tags: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
    client_request_id: str | None = None,
    request_preview: str | None = None,
    response_preview: str | None = None,
    state: TraceState | str | None = None,
    model_id: str | None = None,
    session_id: str | None = None,
    user: str | None = None,
) -> None:
    """Say something about the trace that the current span belongs to; what is None stays.

    Args:
        client_request_id: What the application calls the request.
        request_preview: What people are shown of the request, instead of its beginning.
        state: `OK` or `ERROR`, whatever the spans say.
        model_id: The logged model that the trace belongs to.
        session_id: The conversation that it is part of.
        user: Who asked.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE for another state, or a preview that is no text.
    """
    chosen = _checked_state(state)
    for what, text in (("request", request_preview), ("response", response_preview)):
        if text is not None and not isinstance(text, str):
            raise MlflowException.invalid_parameter_value(
                f"The `{what}_preview` parameter must be a string."
            )
    trace = _current_trace()
    if trace is None:
        return
    named = {
        TraceMetadataKey.MODEL_ID: model_id,
        TraceMetadataKey.TRACE_SESSION: session_id,
        TraceMetadataKey.TRACE_USER: user,
    }
    said = {**(metadata or {}), **{k: v for k, v in named.items() if v is not None}}
    _warn_of_non_strings("tags", tags or {})
    _warn_of_non_strings("metadata", said)
    info = trace.info
    info.tags.update(tags or {})
    info.trace_metadata.update(said)
    if client_request_id is not None:
        info.client_request_id = str(client_request_id)
    if request_preview is not None:
        info.request_preview = request_preview
    if response_preview is not None:
        info.response_preview = response_preview
    if chosen is not None:
        trace.chosen_state = chosen


def _checked_state(state: TraceState | str | None) -> TraceState | None:
    if state is None:
        return None
    if str(getattr(state, "value", state)) not in ("OK", "ERROR"):
        raise MlflowException.invalid_parameter_value(
            f"State must be either 'OK' or 'ERROR', but got '{state}'."
        )
    return TraceState(state)


def _current_trace() -> _Trace | None:
    if not provider.is_tracing_enabled():
        return None
    span = get_current_active_span()
    if span is None:
        if provider.get_current_otel_span() is None:
            _logger.warning(
                "No active trace found. Please create a span using `mlflow.start_span` or "
                "`@mlflow.trace` before calling `mlflow.update_current_trace`."
            )
        return None
    return InMemoryTraceManager.get_instance().find(span._span.get_span_context().trace_id)


def _warn_of_non_strings(what: str, values: dict[str, Any]) -> None:
    others = {k: v for k, v in values.items() if not isinstance(v, str)}
    if others:
        _logger.warning(
            "Found non-string values in %s. Non-string values in %s will automatically be "
            "stringified when the trace is logged. Non-string items: %s",
            what,
            what,
            others,
        )


def log_trace(
    name: str = "Task",
    request: Any | None = None,
    response: Any | None = None,
    intermediate_outputs: dict[str, Any] | None = None,
    attributes: dict[str, Any] | None = None,
    tags: dict[str, str] | None = None,
    start_time_ms: int | None = None,
    execution_time_ms: int | None = None,
) -> str:
    """Log a trace of one span that has happened already. Deprecated: use `start_span_no_context`.

    Args:
        start_time_ms: Milliseconds since the Unix epoch; None for now.

    Returns:
        The id of the trace.
    """
    more = dict(attributes or {})
    if intermediate_outputs:
        more[SpanAttributeKey.INTERMEDIATE_OUTPUTS] = intermediate_outputs
    began = None if start_time_ms is None else start_time_ms * 1_000_000
    span = start_span_no_context(
        name, inputs=request, attributes=more, tags=tags, start_time_ns=began
    )
    ended = None
    if execution_time_ms is not None and isinstance(span.start_time_ns, int):
        ended = span.start_time_ns + execution_time_ms * 1_000_000
    span.end(outputs=response, end_time_ns=ended)
    return span.trace_id


def add_trace(trace: Trace | dict[str, Any], target: LiveSpan | None = None) -> None:
    """Add the spans of another trace to the current one, such as those a service answered with.

    Args:
        trace: A trace, or its `to_dict()`.
        target: The span that they go below; None for the current one. If there is none, the spans
            become a trace of their own.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is no trace.
    """
    from mlflow.tracing.adding import add_spans

    add_spans(trace, target)
