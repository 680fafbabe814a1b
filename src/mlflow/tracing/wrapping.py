"""`mlflow.trace`: functions of every kind, with a span around each call."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from mlflow.entities._otel import attributes_of
from mlflow.entities.span_event import SpanEvent
from mlflow.exceptions import MlflowException
from mlflow.tracing import provider
from mlflow.tracing.constant import (
    STREAM_CHUNK_EVENT_NAME_FORMAT,
    STREAM_CHUNK_EVENT_VALUE_KEY,
    SpanAttributeKey,
)
from mlflow.tracing.spans import begin, end, enter, fail, is_running, keep, leave

_logger = logging.getLogger(__name__)

_FUNCTION_NAME = SpanAttributeKey.FUNCTION_NAME
_KINDS = inspect.Parameter


class Options(NamedTuple):
    """What `mlflow.trace` was given for a function."""

    name: str | None
    begin: dict[str, Any]
    """For `spans.begin`."""
    output_reducer: Callable[[list[Any]], Any] | None


def wrap(function: Any, options: Options) -> Any:
    """The function with a span around each call; what is no function, as it is."""
    if isinstance(function, (classmethod, staticmethod)):
        return type(function)(wrap(function.__func__, options))
    if not callable(function):
        return function
    generates = inspect.isgeneratorfunction(function)
    generates_async = inspect.isasyncgenfunction(function)
    if options.output_reducer is not None and not (generates or generates_async):
        raise MlflowException.invalid_parameter_value(
            "The output_reducer argument is only supported for generator functions."
        )
    if generates:
        wrapped = _generator(function, options)
    elif generates_async:
        wrapped = _async_generator(function, options)
    elif inspect.iscoroutinefunction(function):
        wrapped = _coroutine(function, options)
    else:
        wrapped = _plain(function, options)
    wrapped.__mlflow_traced__ = True
    return wrapped


def _name(function: Any, options: Options) -> str:
    return options.name or getattr(function, "__name__", type(function).__name__)


def _plain(function: Any, options: Options) -> Any:
    name, arguments = _name(function, options), Arguments(function)
    about, function_name = options.begin, _json_name(function)

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        span = begin(name, **about)
        token = enter(span)
        recorded = span._span is not None
        try:
            if recorded:
                _describe(span, function_name, arguments, args, kwargs)
            result = function(*args, **kwargs)
        except BaseException as error:
            fail(span, error)
            raise
        else:
            if recorded and is_running(span):
                keep(span.set_outputs, result)
            return result
        finally:
            leave(token)
            end(span)

    return wrapper


def _coroutine(function: Any, options: Options) -> Any:
    name, arguments = _name(function, options), Arguments(function)
    about, function_name = options.begin, _json_name(function)

    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        span = begin(name, **about)
        token = enter(span)
        recorded = span._span is not None
        try:
            if recorded:
                _describe(span, function_name, arguments, args, kwargs)
            result = await function(*args, **kwargs)
        except BaseException as error:
            fail(span, error)
            raise
        else:
            if recorded and is_running(span):
                keep(span.set_outputs, result)
            return result
        finally:
            leave(token)
            end(span)

    return wrapper


def _json_name(function: Any) -> str | None:
    import json

    name = getattr(function, "__name__", None)
    return None if name is None else json.dumps(name, ensure_ascii=False)


def _describe(span: Any, name: str | None, arguments: Arguments, args: Any, kwargs: Any) -> None:
    try:
        if name is not None:
            attributes_of(span._span)[_FUNCTION_NAME] = name
        span.set_inputs(arguments.named(args, kwargs))
    except Exception as error:
        _logger.warning("Failed to capture the arguments of %s: %s", name, error)


class Arguments:
    """Names the arguments of calls of a function."""

    def __init__(self, function: Any):
        try:
            self._signature = inspect.signature(function)
        except (TypeError, ValueError):  # of a compiled function
            self._signature = None
        named = list(self._signature.parameters.values()) if self._signature else []
        self._simple = bool(self._signature) and all(
            p.kind is _KINDS.POSITIONAL_OR_KEYWORD for p in named
        )
        self._names = tuple(p.name for p in named)
        self._defaults = tuple((p.name, p.default) for p in named if p.default is not p.empty)
        self._first = self._names[0] if self._names and self._names[0] in ("self", "cls") else None

    def named(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """What every parameter gets, defaults too, without `self` and `cls`; as it was given, if
        the function does not take that."""
        if self._signature is None:
            return _as_given(args, kwargs)
        if not self._simple:
            try:
                bound = self._signature.bind(*args, **kwargs)
            except TypeError:  # the function will say so itself
                return _as_given(args, kwargs)
            bound.apply_defaults()
            found = dict(bound.arguments)
        else:
            if len(args) > len(self._names):
                return _as_given(args, kwargs)
            found = dict(zip(self._names, args))
            for name, default in self._defaults:
                if name not in found and name not in kwargs:
                    found[name] = default
            if kwargs:
                found.update(kwargs)
                found = {name: found[name] for name in self._names if name in found}
        if self._first is not None:
            found.pop(self._first, None)
        return found


def _as_given(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    return {"args": args, **kwargs} if args else dict(kwargs)


# -- generators -----------------------------------------------------------------------------


class _Stream:
    """The span of a generator: it is current only while the generator runs, and ends with it."""

    def __init__(self, function: Any, options: Options, args: Any, kwargs: Any):
        self._reducer = options.output_reducer
        self._chunks: list[Any] = []
        self.span = begin(_name(function, options), **options.begin)
        if self.span._span is not None:
            _describe(self.span, None, Arguments(function), args, kwargs)

    def note(self, chunk: Any) -> None:
        """Keep what was yielded."""
        if not is_running(self.span):
            return
        try:
            value = {STREAM_CHUNK_EVENT_VALUE_KEY: _text(chunk)}
            name = STREAM_CHUNK_EVENT_NAME_FORMAT.format(index=len(self._chunks))
            self.span.add_event(SpanEvent(name, attributes=value))
        except Exception as error:
            _logger.debug("Failed to note a chunk: %s", error)
        self._chunks.append(chunk)

    def fail(self, error: BaseException) -> None:
        """It ends with an error."""
        if is_running(self.span):
            try:
                self.span.set_status("ERROR")
                self.span.add_event(SpanEvent.from_exception(error))
            except Exception as trouble:
                _logger.warning("Failed to note an error: %s", trouble)
        end(self.span)

    def end(self) -> None:
        """It ends; what it yielded becomes the outputs."""
        if is_running(self.span):
            outputs: Any = self._chunks
            if self._reducer is not None:
                try:
                    outputs = self._reducer(self._chunks)
                except Exception as error:
                    _logger.debug("The output reducer failed: %s", error)
            keep(self.span.set_outputs, outputs)
        end(self.span)


def _text(chunk: Any) -> str:
    import json

    from mlflow.entities.span_event import CustomEncoder

    return json.dumps(chunk, cls=CustomEncoder)


def _generator(function: Any, options: Options) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not provider.is_tracing_enabled():
            return (yield from function(*args, **kwargs))
        stream = _Stream(function, options, args, kwargs)
        generator = function(*args, **kwargs)
        step, given = generator.send, None
        while True:
            token = enter(stream.span)
            try:
                chunk = step(given)
            except StopIteration as stop:
                leave(token)
                stream.end()
                return stop.value
            except BaseException as error:
                leave(token)
                stream.fail(error)
                raise
            leave(token)
            stream.note(chunk)
            try:
                given = yield chunk
                step = generator.send
            except GeneratorExit:
                generator.close()
                stream.end()
                raise
            except BaseException as error:
                step, given = generator.throw, error

    return wrapper


def _async_generator(function: Any, options: Options) -> Any:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        stream = _Stream(function, options, args, kwargs)
        generator = function(*args, **kwargs)
        step, given = generator.asend, None
        while True:
            token = enter(stream.span)
            try:
                chunk = await step(given)
            except StopAsyncIteration:
                leave(token)
                stream.end()
                return
            except BaseException as error:
                leave(token)
                stream.fail(error)
                raise
            leave(token)
            stream.note(chunk)
            try:
                given = yield chunk
                step = generator.asend
            except GeneratorExit:
                await generator.aclose()
                stream.end()
                raise
            except BaseException as error:
                step, given = generator.athrow, error

    return wrapper
