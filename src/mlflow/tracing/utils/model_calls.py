"""Calls of language models as spans, for autologging."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from mlflow.entities.span_event import SpanEvent
from mlflow.tracing.constant import (
    STREAM_CHUNK_EVENT_NAME_FORMAT,
    STREAM_CHUNK_EVENT_VALUE_KEY,
    SpanAttributeKey,
    TokenUsageKey,
)
from mlflow.tracing.spans import begin, end, enter, keep, leave
from mlflow.tracing.utils import set_span_chat_tools

_logger = logging.getLogger(__name__)


class ModelCall:
    """A span around one call of a library. What goes wrong here never reaches the caller.

    Args:
        finish: Called with the call and what came back, before the span ends: sets what only the
            integration knows, such as tokens.
        describe_errors: Whether an error is the status's description, too.
    """

    def __init__(
        self,
        name: str,
        span_type: str,
        inputs: Any,
        attributes: dict[str, Any],
        finish: Callable[[ModelCall, Any], None],
        *,
        describe_errors: bool,
    ):
        self.span = begin(name, span_type, attributes)
        self._finish = finish
        self._describe_errors = describe_errors
        self._chunks: list[Any] = []
        self._ended = False
        self._token: Any = None
        if self.span._span is not None:
            keep(self.span.set_inputs, inputs)

    def __enter__(self) -> ModelCall:
        self._token = enter(self.span)
        return self

    def __exit__(self, *error: Any) -> None:
        leave(self._token)

    def succeed(self, result: Any) -> None:
        """It came back with this."""
        if self._ended:
            return
        self._ended = True
        if self.span._span is not None:
            keep(self.span.set_outputs, result)
            try:
                self._finish(self, result)
            except Exception as error:
                _logger.debug("Could not read what a model returned: %s", error)
        end(self.span)

    def fail(self, error: BaseException) -> None:
        """It raised this."""
        if self._ended:
            return
        self._ended = True
        try:
            if self._describe_errors and isinstance(error, Exception):
                self.span.record_exception(error)
            else:
                self.span.set_status("ERROR")
                self.span.add_event(SpanEvent.from_exception(error))  # type: ignore[arg-type]
        except Exception as trouble:
            _logger.debug("Could not note an error: %s", trouble)
        end(self.span)

    # Streams

    def _note(self, chunk: Any) -> None:
        name = STREAM_CHUNK_EVENT_NAME_FORMAT.format(index=len(self._chunks))
        self._chunks.append(chunk)
        try:
            from mlflow.entities.span_event import json_of

            value = {STREAM_CHUNK_EVENT_VALUE_KEY: json_of(chunk)}
            self.span.add_event(SpanEvent(name, attributes=value))
        except Exception as error:
            _logger.debug("Could not note a part of an answer: %s", error)

    def _conclude(self, whole: Callable[[list[Any]], Any]) -> None:
        try:
            result = whole(self._chunks)
        except Exception as error:
            _logger.debug("Could not put an answer together: %s", error)
            result = None
        self.succeed(result)

    def follow(self, stream: Iterator[Any], whole: Callable[[list[Any]], Any]) -> Iterator[Any]:
        """The same stream; the call ends with it.

        Args:
            whole: Makes one answer of all its parts.
        """
        try:
            for chunk in stream:
                self._note(chunk)
                yield chunk
        except GeneratorExit:
            self._conclude(whole)
            raise
        except BaseException as error:
            self.fail(error)
            raise
        self._conclude(whole)

    async def follow_async(
        self, stream: AsyncIterator[Any], whole: Callable[[list[Any]], Any]
    ) -> AsyncIterator[Any]:
        """The same for asyncio."""
        try:
            async for chunk in stream:
                self._note(chunk)
                yield chunk
        except GeneratorExit:
            self._conclude(whole)
            raise
        except BaseException as error:
            self.fail(error)
            raise
        self._conclude(whole)


def set_usage(
    call: Any, input_tokens: Any, output_tokens: Any, total: Any = None, **cache: Any
) -> None:
    """Note how many tokens a call took.

    Args:
        call: A ModelCall, or another value with a `span`.
        cache: `cache_read_input_tokens` and `cache_creation_input_tokens`, where they are known.
    """
    if not isinstance(input_tokens, int) or not isinstance(output_tokens, int):
        return
    usage = {
        TokenUsageKey.INPUT_TOKENS: input_tokens,
        TokenUsageKey.OUTPUT_TOKENS: output_tokens,
        TokenUsageKey.TOTAL_TOKENS: total if total is not None else input_tokens + output_tokens,
        **{key: value for key, value in cache.items() if value is not None},
    }
    call.span.set_attribute(SpanAttributeKey.CHAT_USAGE, usage)


def set_tools(call: ModelCall, tools: Any) -> None:
    """Note the tools that a model was offered, if they are of a known form."""
    if call.span._span is None or not tools:
        return
    try:
        set_span_chat_tools(call.span, list(tools))  # type: ignore[arg-type]
    except Exception as error:
        _logger.debug("Tools of another form: %s", error)
