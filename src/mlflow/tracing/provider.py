"""Where live spans come from: an OpenTelemetry tracer provider of our own, which nobody else sees
or disturbs, and the context that says which span is current.

With MLFLOW_USE_DEFAULT_TRACER_PROVIDER=false the process's own provider and context are used
instead, so that spans of other instrumentation nest with ours.
"""

from __future__ import annotations

import functools
import inspect
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from mlflow.entities.trace_location import TraceLocationBase
from mlflow.environment_variables import (
    MLFLOW_TRACE_PROPAGATE_TO_OTEL_CONTEXT,
    MLFLOW_USE_DEFAULT_TRACER_PROVIDER,
)
from mlflow.exceptions import MlflowException
from mlflow.tracing.destination import TraceDestination, user_destination

if TYPE_CHECKING:
    from opentelemetry.context.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace.span import Span

P = ParamSpec("P")
R = TypeVar("R")

SpanContextToken = Token | tuple[Token, Token | None]

_logger = logging.getLogger(__name__)

_disabled = False
#: Whether tracing is on in this context; None where nobody said.
_enabled_here: ContextVar[bool | None] = ContextVar("mlflow_tracing_enabled", default=None)


class _TracerProviderWrapper:
    """The tracer in use, made when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.tracer: Any = None
        self.isolated: bool | None = None
        self._own: TracerProvider | None = None
        self.context_api: Any = None
        """What has `attach`, `detach` and `get_current` for the context of our spans."""
        self.propagates = False
        """Whether OpenTelemetry's own context is told of our spans, too."""
        self._joined: Any = None  # the process's provider that our processors were added to

    def get_tracer(self) -> Any:
        """The tracer that makes our spans."""
        return self.tracer or self._init()

    def get(self) -> Any:
        """The tracer provider in use, which is made if there is none."""
        self.get_tracer()
        return self._own if self.isolated else self._joined

    def is_isolated(self) -> bool:
        """Whether our spans have a context of their own."""
        if self.isolated is None:
            self._init()
        return bool(self.isolated)

    def _init(self) -> Any:
        from mlflow.tracing.processor import make_processors
        from mlflow.tracing.sampling import IdGenerator, RatioSampler

        with self._lock:
            if self.tracer is not None:
                return self.tracer
            isolated = MLFLOW_USE_DEFAULT_TRACER_PROVIDER.get()
            if isolated:
                from opentelemetry.sdk.trace import SpanLimits, TracerProvider

                unset = SpanLimits.UNSET
                limits = SpanLimits(
                    max_attributes=unset, max_span_attributes=unset, max_events=unset
                )
                provider = TracerProvider(
                    resource=_resource(),
                    sampler=RatioSampler(),
                    id_generator=IdGenerator(),
                    shutdown_on_exit=False,
                    span_limits=limits,
                )
                for processor in make_processors():
                    provider.add_span_processor(processor)
                self._own = provider
            else:
                provider = self._join()
            self.context_api = _context_api(isolated)
            self.isolated = isolated
            self.propagates = isolated and MLFLOW_TRACE_PROPAGATE_TO_OTEL_CONTEXT.get()
            self.tracer = provider.get_tracer("mlflow")
            return self.tracer

    def _join(self) -> Any:
        """Let the process's provider tell us of its spans; one is made if there is none yet."""
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider

        from mlflow.tracing.processor import make_processors
        from mlflow.tracing.sampling import IdGenerator, RatioSampler

        provider = trace.get_tracer_provider()
        if not isinstance(provider, TracerProvider):
            provider = TracerProvider(
                resource=_resource(), sampler=RatioSampler(), id_generator=IdGenerator()
            )
            trace.set_tracer_provider(provider)
        if self._joined is not provider:
            for processor in make_processors():
                provider.add_span_processor(processor)
            self._joined = provider
        return provider

    def reset(self) -> None:
        """Make another one for the next span, by the settings of then."""
        with self._lock:
            self.tracer, self.isolated = None, None
            own, self._own = self._own, None
            if own is not None:
                own.shutdown()


def _context_api(isolated: bool) -> Any:
    if isolated:
        return globals().get("mlflow_runtime_context") or __getattr__("mlflow_runtime_context")
    from opentelemetry import context

    return context


provider = _TracerProviderWrapper()


def _resource() -> Any:
    """What OpenTelemetry is told of this process: OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES."""
    from opentelemetry.sdk.resources import Resource

    from mlflow.version import VERSION

    about = {
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "mlflow",
        "telemetry.sdk.version": VERSION,
    }
    return Resource.create().merge(Resource(about))


def __getattr__(name: str) -> Any:
    if name == "mlflow_runtime_context":  # ours; made late, since OpenTelemetry is loaded late
        from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext

        made = globals().setdefault(name, ContextVarsRuntimeContext())
        return made
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# -- the current span -----------------------------------------------------------------------


def get_context_api() -> Any:
    """What has `attach`, `detach` and `get_current` for the context of our spans."""
    if provider.isolated is None:
        provider.get_tracer()
    return provider.context_api


def get_current_context() -> Context | None:
    """OpenTelemetry's context of our spans."""
    return get_context_api().get_current()


def get_current_otel_span() -> Span | None:
    """The current span as OpenTelemetry has it; None if there is none."""
    if provider.tracer is None and MLFLOW_USE_DEFAULT_TRACER_PROVIDER.get():
        return None
    from opentelemetry.trace import INVALID_SPAN, get_current_span

    span = get_current_span(get_current_context())
    return None if span is INVALID_SPAN else span


def set_span_in_context(span: Any) -> SpanContextToken:
    """Make a span the current one.

    Args:
        span: A `LiveSpan`.

    Returns:
        What `detach_span_from_context` takes.
    """
    return attach(span._span)


_with_span: Any = None
"""OpenTelemetry's `set_span_in_context`, once it is loaded."""


def attach(otel_span: Any) -> SpanContextToken:
    """Make an OpenTelemetry span the current one."""
    global _with_span
    if _with_span is None:
        from opentelemetry.trace import set_span_in_context as _with_span
    with_span = _with_span
    api = get_context_api()
    token = api.attach(with_span(otel_span, api.get_current()))
    if provider.propagates:
        from opentelemetry import context

        return token, context.attach(with_span(otel_span))
    return token


def detach_span_from_context(token: SpanContextToken) -> None:
    """Make the span current that was before."""
    if isinstance(token, tuple):
        token, outside = token
        if outside is not None:
            from opentelemetry import context

            context.detach(outside)
    api = get_context_api()
    try:
        api.detach(token)
    except ValueError:  # another context: a generator that is closed elsewhere
        _logger.debug("A span ended in another context than it began in.")


@contextmanager
def safe_set_span_in_context(span: Any) -> Iterator[None]:
    """Let a `LiveSpan` be the current one inside the block. Nothing that goes wrong with that is
    raised."""
    try:
        token = set_span_in_context(span) if getattr(span, "_span", None) is not None else None
    except Exception as error:
        _logger.warning("Failed to make a span the current one: %s", error)
        token = None
    try:
        yield
    finally:
        if token is not None:
            detach_span_from_context(token)


@contextmanager
def with_active_span(span: Any) -> Iterator[None]:
    """Let a `LiveSpan` be the current one inside the block."""
    with safe_set_span_in_context(span):
        yield


def start_span_in_context(name: str, experiment_id: str | None = None) -> Span:
    """A new OpenTelemetry span below the current one; it does not become current itself."""
    return _start(name, get_current_context(), experiment_id, None)


def start_detached_span(
    name: str,
    parent: Span | None = None,
    experiment_id: str | None = None,
    start_time_ns: int | None = None,
) -> tuple[str, Span] | None:
    """A new OpenTelemetry span below `parent`, or the root of a new trace.

    Returns:
        The id of its trace and the span.
    """
    from opentelemetry.context import Context
    from opentelemetry.trace import set_span_in_context as with_span

    context = with_span(parent, Context()) if parent is not None else Context()
    span = _start(name, context, experiment_id, start_time_ns)
    return f"tr-{span.get_span_context().trace_id:032x}", span


def _start(name: str, context: Any, experiment_id: str | None, start_time_ns: int | None) -> Any:
    from mlflow.tracing.constant import SpanAttributeKey

    attributes = {SpanAttributeKey.SPAN_TYPE: '"UNKNOWN"'}
    if experiment_id is not None:
        attributes[SpanAttributeKey.EXPERIMENT_ID] = f'"{experiment_id}"'
    return provider.get_tracer().start_span(
        name, context=context, attributes=attributes, start_time=start_time_ns
    )


def get_bridged_tracer_provider() -> TracerProvider:
    """A tracer provider for other instrumentation: spans that it makes nest with ours.

    ```python
    SomeInstrumentor().instrument(tracer_provider=mlflow.tracing.get_bridged_tracer_provider())
    ```
    """
    from mlflow.tracing.processor.bridge import bridged_provider

    return bridged_provider(provider)


# -- where traces go, and whether -----------------------------------------------------------


def set_destination(destination: TraceLocationBase, *, context_local: bool = False) -> None:
    """Let new traces go there.

    Args:
        destination: Such as `MlflowExperimentLocation("1")`.
        context_local: Only those of this thread or asyncio task.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is no destination; NOT_IMPLEMENTED for one
            in Unity Catalog, which belongs to a hosted product.
    """
    if isinstance(destination, TraceDestination):
        destination = destination.to_location()
    user_destination.set(_checked(destination), context_local=context_local)


def _checked(destination: Any) -> TraceLocationBase:
    if not isinstance(destination, TraceLocationBase):
        raise MlflowException.invalid_parameter_value(
            f"Invalid destination type: {type(destination)}. The destination must be an instance "
            "of TraceLocation."
        )
    if not hasattr(destination, "experiment_id"):
        from mlflow.exceptions import MlflowNotImplementedException

        raise MlflowNotImplementedException(
            f"Traces cannot go to {destination}: Unity Catalog and inference tables belong to "
            "Databricks. Use `MlflowExperimentLocation`."
        )
    return destination


def is_tracing_enabled() -> bool:
    """Whether functions are traced here and now."""
    here = _enabled_here.get()
    return not _disabled if here is None else here and not _disabled


def enable() -> None:
    """Trace again, after `disable`."""
    global _disabled
    _disabled = False


def disable() -> None:
    """Trace nothing, in the whole process: functions run as if they were not decorated."""
    global _disabled
    _disabled = True


def reset() -> None:
    """Forget what was set: destination, processors, whether tracing is disabled."""
    from mlflow.tracing.config import reset_config
    from mlflow.tracing.trace_manager import InMemoryTraceManager

    enable()
    user_destination.reset()
    reset_config()
    provider.reset()
    InMemoryTraceManager.reset()


@contextmanager
def enabled_here(enabled: bool) -> Iterator[None]:
    """Trace, or do not, inside the block."""
    token = _enabled_here.set(enabled)
    try:
        yield
    finally:
        _enabled_here.reset(token)


def trace_disabled(f: Callable[P, R]) -> Callable[P, R]:
    """`f`, without traces of what it does."""
    if inspect.iscoroutinefunction(f):

        @functools.wraps(f)
        async def without_traces(*args: Any, **kwargs: Any) -> Any:
            with enabled_here(False):
                return await f(*args, **kwargs)

        return without_traces  # type: ignore[return-value]

    @functools.wraps(f)
    def untraced(*args: P.args, **kwargs: P.kwargs) -> R:
        with enabled_here(False):
            return f(*args, **kwargs)

    return untraced
