"""A tracer provider for instrumentation of others, whose spans nest with ours."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.trace import Tracer, TracerProvider
from opentelemetry.trace import INVALID_SPAN, get_current_span, set_span_in_context
from opentelemetry.trace import use_span as use_in_global_context

from mlflow.tracing.provider import attach, detach_span_from_context, get_context_api


class _BridgedTracer(Tracer):
    """Starts spans below the current one of ours, unless OpenTelemetry's own context has one."""

    def __init__(self, tracer: Any):
        self.__dict__.update(tracer.__dict__)

    def start_span(self, name: str, context: Any = None, *args: Any, **kwargs: Any) -> Any:
        current = get_current_span(context)
        if current is INVALID_SPAN or not hasattr(current, "_mlflow_span"):
            ours = get_current_span(get_context_api().get_current())
            if ours is not INVALID_SPAN:
                context = set_span_in_context(ours, context)
        return super().start_span(name, context, *args, **kwargs)

    def start_as_current_span(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return _current_in_both(self, name, args, kwargs)


class _current_in_both:
    """A context manager, and a decorator: the span is current for OpenTelemetry and for us."""

    def __init__(self, tracer: Any, name: str, args: Any, kwargs: Any):
        self._tracer, self._name, self._args = tracer, name, args
        self._end_on_exit = kwargs.pop("end_on_exit", True)
        self._kwargs = kwargs

    def __call__(self, function: Any) -> Any:
        import functools

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with type(self)(self._tracer, self._name, self._args, dict(self._kwargs)):
                return function(*args, **kwargs)

        return wrapper

    def __enter__(self) -> Any:
        span = self._tracer.start_span(self._name, *self._args, **self._kwargs)
        self._outside = use_in_global_context(span, end_on_exit=self._end_on_exit)
        self._token = attach(span)
        return self._outside.__enter__()

    def __exit__(self, *error: Any) -> Any:
        detach_span_from_context(self._token)
        return self._outside.__exit__(*error)


class _BridgedProvider(TracerProvider):
    def __init__(self, wrapper: Any):
        self._wrapper = wrapper

    @property
    def resource(self) -> Any:
        return self._wrapper.get().resource

    def get_tracer(self, *args: Any, **kwargs: Any) -> Any:
        return _BridgedTracer(self._wrapper.get().get_tracer(*args, **kwargs))

    def add_span_processor(self, span_processor: Any) -> None:
        self._wrapper.get().add_span_processor(span_processor)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._wrapper.get().force_flush(timeout_millis)

    def shutdown(self) -> None:
        """Nothing: it is not theirs to end."""


def bridged_provider(wrapper: Any) -> TracerProvider:
    """See `mlflow.tracing.get_bridged_tracer_provider`."""
    return _BridgedProvider(wrapper)
