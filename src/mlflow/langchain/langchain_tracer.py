"""What LangChain calls when something begins and ends, and makes spans of it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from langchain_core.callbacks.base import BaseCallbackHandler
from langchain_core.load import dumps

from mlflow.entities.span import SpanType
from mlflow.entities.span_event import SpanEvent
from mlflow.langchain.messages import choices_of, conversation_of, usage_of
from mlflow.tracing.constant import SpanAttributeKey, TraceMetadataKey
from mlflow.tracing.spans import _current, begin, end, enter, keep, leave
from mlflow.tracing.utils import set_span_chat_tools

_logger = logging.getLogger(__name__)

#: What LangChain tells that is no attribute.
_LEFT_OUT = ("name", "run_type", "inputs")


class _Running:
    """A span, and what makes the one current again that was before."""

    __slots__ = ("span", "token")

    def __init__(self, span: Any, token: Any):
        self.span = span
        self.token = token


class MlflowLangchainTracer(BaseCallbackHandler):
    """Makes a span of each run of LangChain: `autolog` gives it to all, `callbacks=[...]` to one.
    LangChain logs what it raises, and goes on.

    Args:
        prediction_context: Not used.
        run_inline: Whether asynchronous code calls it in the task itself, not in another thread.
    """

    def __init__(self, prediction_context: Any = None, run_inline: bool = False):
        super().__init__()
        self.run_inline = run_inline
        self._running: dict[UUID, _Running] = {}

    # Beginnings and endings of all kinds

    def _begin(
        self,
        name: str,
        span_type: str,
        run_id: UUID,
        parent_run_id: UUID | None,
        inputs: Any,
        metadata: dict[str, Any] | None,
        more: dict[str, Any],
    ) -> Any:
        attributes = {k: v for k, v in more.items() if k not in _LEFT_OUT}
        if metadata:
            attributes["metadata"] = metadata
        above = self._running.get(parent_run_id) if parent_run_id is not None else None
        parent: Any = _current
        if above is not None and above.span._span is not None:
            parent = above.span._span
        span = begin(name, span_type, attributes, parent=parent)
        if span._span is not None:
            keep(span.set_inputs, inputs)
            if parent_run_id is None and metadata and metadata.get("thread_id") is not None:
                _set_session(span, str(metadata["thread_id"]))
        self._running[run_id] = _Running(span, enter(span))
        return span

    def _end(self, run_id: UUID, outputs: Any) -> None:
        running = self._running.pop(run_id, None)
        if running is not None:
            leave(running.token)
            end(running.span, outputs=outputs)

    def _fail(self, run_id: UUID, error: BaseException) -> None:
        running = self._running.pop(run_id, None)
        if running is not None:
            leave(running.token)
            span = running.span
            if span._span is not None:
                from mlflow.entities.span_status import SpanStatus, SpanStatusCode

                span.set_status(SpanStatus(SpanStatusCode.ERROR, str(error)))
                span.add_event(SpanEvent.from_exception(error))  # type: ignore[arg-type]
            end(span)

    def _span(self, run_id: UUID) -> Any:
        running = self._running.get(run_id)
        if running is None or running.span._span is None:
            return None
        return running.span

    def flush(self) -> None:
        """End what is still open, such as the spans of a stream that nobody read to its end."""
        for run_id in reversed(list(self._running)):
            self._end(run_id, None)

    # Models

    def on_chat_model_start(
        self,
        serialized: dict[str, Any] | None,
        messages: list[list[Any]],
        *,
        run_id: UUID,
        tags: list[str] | None = None,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        """A chat model is asked."""
        inputs: Any = [conversation_of(each) for each in messages]
        span = self._begin(
            _name(name, serialized, "chat model"),
            SpanType.CHAT_MODEL,
            run_id,
            parent_run_id,
            inputs[0] if len(inputs) == 1 else inputs,
            metadata,
            kwargs,
        )
        _describe_model(span, kwargs, metadata)

    def on_llm_start(
        self,
        serialized: dict[str, Any] | None,
        prompts: list[str],
        *,
        run_id: UUID,
        tags: list[str] | None = None,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        """A model that completes text is asked."""
        span = self._begin(
            _name(name, serialized, "llm"),
            SpanType.LLM,
            run_id,
            parent_run_id,
            prompts,
            metadata,
            kwargs,
        )
        _describe_model(span, kwargs, metadata)

    def on_llm_new_token(
        self,
        token: str,
        *,
        chunk: Any = None,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> None:
        """A part of the answer has come."""
        span = self._span(run_id)
        if span is not None:
            about: dict[str, Any] = {"token": token if isinstance(token, str) else str(token)}
            if chunk is not None:
                about["chunk"] = dumps(chunk)
            span.add_event(SpanEvent("new_token", attributes=about))

    def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """The model has answered."""
        span = self._span(run_id)
        if span is not None:
            usage = usage_of(response)
            if usage:
                span.set_attribute(SpanAttributeKey.CHAT_USAGE, usage)
        self._end(run_id, choices_of(response))

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """The model has failed."""
        self._fail(run_id, error)

    def on_retry(self, retry_state: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """It is tried again."""
        span = self._span(run_id)
        if span is not None:
            about = {"attempt": retry_state.attempt_number, "slept": retry_state.idle_for}
            span.add_event(SpanEvent("retry", attributes=about))

    # Chains, graphs and their nodes

    def on_chain_start(
        self,
        serialized: dict[str, Any] | None,
        inputs: Any,
        *,
        run_id: UUID,
        tags: list[str] | None = None,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        run_type: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        """A chain begins."""
        self._begin(
            _name(name, serialized, "chain"),
            SpanType.CHAIN,
            run_id,
            parent_run_id,
            inputs,
            metadata,
            kwargs,
        )

    def on_chain_end(
        self, outputs: Any, *, run_id: UUID, inputs: Any | None = None, **kwargs: Any
    ) -> None:
        """A chain has ended."""
        span = self._span(run_id)
        if span is not None and inputs is not None:  # of a stream, only known now
            keep(span.set_inputs, inputs)
        self._end(run_id, outputs)

    def on_chain_error(
        self, error: BaseException, *, inputs: Any | None = None, run_id: UUID, **kwargs: Any
    ) -> None:
        """A chain has failed."""
        span = self._span(run_id)
        if span is not None and inputs is not None:
            keep(span.set_inputs, inputs)
        self._fail(run_id, error)

    def on_agent_action(self, action: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """An agent has decided what to do."""
        self._event(run_id, "agent_action", action)

    def on_agent_finish(self, finish: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """An agent has come to an end."""
        self._event(run_id, "agent_finish", finish)

    def on_text(
        self, text: str, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        """A chain says something."""
        self._event(run_id, "text", text)

    def _event(self, run_id: UUID, name: str, value: Any) -> None:
        span = self._span(run_id)
        if span is not None:
            span.add_event(SpanEvent(name, attributes={name: str(value)}))

    # Tools and retrievers

    def on_tool_start(
        self,
        serialized: dict[str, Any] | None,
        input_str: str,
        *,
        run_id: UUID,
        tags: list[str] | None = None,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        name: str | None = None,
        inputs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """A tool is used."""
        self._begin(
            _name(name, serialized, "tool"),
            SpanType.TOOL,
            run_id,
            parent_run_id,
            inputs if inputs is not None else input_str,
            metadata,
            kwargs,
        )

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """A tool has given something."""
        self._end(run_id, output)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """A tool has failed."""
        self._fail(run_id, error)

    def on_retriever_start(
        self,
        serialized: dict[str, Any] | None,
        query: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Documents are looked for."""
        self._begin(
            _name(name, serialized, "retriever"),
            SpanType.RETRIEVER,
            run_id,
            parent_run_id,
            query,
            metadata,
            kwargs,
        )

    def on_retriever_end(self, documents: Sequence[Any], *, run_id: UUID, **kwargs: Any) -> None:
        """Documents were found."""
        found = [
            {
                "page_content": document.page_content,
                "metadata": document.metadata,
                "id": getattr(document, "id", None),
            }
            for document in documents
        ]
        self._end(run_id, found)

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Looking for documents has failed."""
        self._fail(run_id, error)


def _name(name: str | None, serialized: dict[str, Any] | None, otherwise: str) -> str:
    if name:
        return name
    said = (serialized or {}).get("name") or ((serialized or {}).get("id") or [None])[-1]
    return said or otherwise


def _set_session(span: Any, session_id: str) -> None:
    from mlflow.tracing.trace_manager import InMemoryTraceManager

    trace = InMemoryTraceManager.get_instance().named(span.trace_id)
    if trace is not None:
        trace.info.trace_metadata.setdefault(TraceMetadataKey.TRACE_SESSION, session_id)


def _describe_model(span: Any, kwargs: dict[str, Any], metadata: dict[str, Any] | None) -> None:
    """Note the model that is asked, and the tools that it is offered."""
    if span is None or span._span is None:
        return
    span.set_attribute(SpanAttributeKey.MESSAGE_FORMAT, "langchain")
    params = kwargs.get("invocation_params") or {}
    about = metadata or {}
    model = about.get("ls_model_name") or params.get("model") or params.get("model_name")
    if model:
        span.set_attribute(SpanAttributeKey.MODEL, model)
    if about.get("ls_provider"):
        span.set_attribute(SpanAttributeKey.MODEL_PROVIDER, about["ls_provider"])
    if params.get("tools"):
        try:
            set_span_chat_tools(span, list(params["tools"]))
        except Exception as error:
            _logger.debug("Tools of another form: %s", error)
