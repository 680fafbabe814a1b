"""Requests, answers and streams of agents in the form of OpenAI's Responses API."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Sequence
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, model_validator

from mlflow.types.agent import ChatContext
from mlflow.types.responses_helpers import (
    BaseRequestPayload,
    Message,
    OutputItem,
    Response,
    ResponseCompletedEvent,
    ResponseErrorEvent,
    ResponseOutputItemDoneEvent,
    ResponseTextAnnotationDeltaEvent,
    ResponseTextDeltaEvent,
)
from mlflow.types.schema import Schema
from mlflow.types.type_hints import _infer_schema_from_type_hint

__all__ = ["ResponsesAgentRequest", "ResponsesAgentResponse", "ResponsesAgentStreamEvent"]


class ResponsesAgentRequest(BaseRequestPayload):
    """What an agent is asked.

    Args:
        input: Messages and items of earlier answers.
        custom_inputs: Whatever else the agent wants.
        context: Whose conversation it is.
    """

    input: list[Message | OutputItem]
    custom_inputs: dict[str, Any] | None = None
    context: ChatContext | None = None


class ResponsesAgentResponse(Response):
    """What an agent answers.

    Args:
        output: Messages, tool calls and other items, as the `create_…` functions make them.
        custom_outputs: Whatever else it has to say.
    """

    custom_outputs: dict[str, Any] | None = None


class ResponsesAgentStreamEvent(BaseModel):
    """A piece of an answer that is streamed; events of unknown types are let through."""

    model_config = ConfigDict(extra="allow")

    type: str
    custom_outputs: dict[str, Any] | None = None

    @model_validator(mode="after")
    def check_type(self) -> ResponsesAgentStreamEvent:
        form = {
            "response.output_item.done": ResponseOutputItemDoneEvent,
            "response.output_text.delta": ResponseTextDeltaEvent,
            "response.output_text.annotation.added": ResponseTextAnnotationDeltaEvent,
            "error": ResponseErrorEvent,
            "response.completed": ResponseCompletedEvent,
        }.get(self.type)
        if form is not None:
            form(**self.model_dump())
        return self


properties = _infer_schema_from_type_hint(ResponsesAgentRequest).to_dict()[0]["properties"]
formatted_properties = [{**form, "name": name} for name, form in properties.items()]
RESPONSES_AGENT_INPUT_SCHEMA = Schema.from_json(json.dumps(formatted_properties))
RESPONSES_AGENT_OUTPUT_SCHEMA = _infer_schema_from_type_hint(ResponsesAgentResponse)
RESPONSES_AGENT_INPUT_EXAMPLE = {"input": [{"role": "user", "content": "Hello!"}]}


def create_text_delta(delta: str, item_id: str) -> dict[str, Any]:
    """A piece of text in a stream.

    Args:
        delta: The text.
        item_id: The message's id, which it has in all its pieces.
    """
    return {"type": "response.output_text.delta", "item_id": item_id, "delta": delta}


def create_annotation_added(
    item_id: str, annotation: dict[str, Any], annotation_index: int | None = 0
) -> dict[str, Any]:
    """An annotation in a stream.

    Args:
        item_id: The message's id.
        annotation: As `responses_helpers.Annotation` has it.
        annotation_index: Which of the message's annotations it is.
    """
    return {
        "type": "response.output_text.annotation.added",
        "item_id": item_id,
        "annotation_index": annotation_index,
        "annotation": annotation,
    }


def create_text_output_item(
    text: str, id: str, annotations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """A message of an answer."""
    return {
        "id": id,
        "content": [{"text": text, "type": "output_text", "annotations": annotations or []}],
        "role": "assistant",
        "type": "message",
    }


def create_reasoning_item(id: str, reasoning_text: str) -> dict[str, Any]:
    """What the agent thought."""
    summary = [{"type": "summary_text", "text": reasoning_text}]
    return {"type": "reasoning", "summary": summary, "id": id}


def create_function_call_item(id: str, call_id: str, name: str, arguments: str) -> dict[str, Any]:
    """The agent calls a function.

    Args:
        id: The item's id.
        call_id: What the result will refer to.
        name: The function's.
        arguments: A JSON object as text.
    """
    return {
        "type": "function_call",
        "id": id,
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
    }


def create_function_call_output_item(call_id: str, output: str) -> dict[str, Any]:
    """What a function gave back."""
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def create_mcp_approval_request_item(
    id: str, arguments: str, name: str, server_label: str
) -> dict[str, Any]:
    """The agent asks whether it may call a tool of an MCP server."""
    return {
        "type": "mcp_approval_request",
        "id": id,
        "arguments": arguments,
        "name": name,
        "server_label": server_label,
    }


def create_mcp_approval_response_item(
    id: str, approval_request_id: str, approve: bool, reason: str | None = None
) -> dict[str, Any]:
    """Whether the agent may call the tool it asked for."""
    return {
        "type": "mcp_approval_response",
        "id": id,
        "approval_request_id": approval_request_id,
        "approve": approve,
        "reason": reason,
    }


def responses_agent_output_reducer(
    chunks: list[ResponsesAgentStreamEvent | dict[str, Any]],
) -> dict[str, Any]:
    """The whole answer of a stream: all items that were completed."""
    events = [
        chunk.model_dump(exclude_none=True) if isinstance(chunk, BaseModel) else chunk
        for chunk in chunks
    ]
    items = [
        event["item"]
        for event in events
        if isinstance(event, dict) and event.get("type") == "response.output_item.done"
    ]
    return ResponsesAgentResponse(output=items).model_dump(exclude_none=True)


def to_chat_completions_input(
    responses_input: Sequence[dict[str, Any] | Message | OutputItem],
) -> list[dict[str, Any]]:
    """The input of a request as messages of a chat completion."""
    plain = [
        item.model_dump(exclude_none=True) if isinstance(item, BaseModel) else item
        for item in responses_input
    ]
    return [message for item in plain for message in responses_to_cc(item)]


def responses_to_cc(message: dict[str, Any]) -> list[dict[str, Any]]:
    """One message or item as messages of a chat completion; [] if it has no counterpart there."""
    kind = message.get("type")
    if kind == "function_call":
        return [_tool_call("tool call", message["call_id"], message)]
    if kind == "mcp_approval_request":
        return [_tool_call("mcp approval request", message["id"], message)]
    if kind == "function_call_output":
        output = message["output"]
        text = output if isinstance(output, str) else json.dumps(output)
        return [{"role": "tool", "content": text, "tool_call_id": message["call_id"]}]
    if kind == "mcp_approval_response":
        answer = str(message["approve"])
        call = message["approval_request_id"]
        return [{"role": "tool", "content": answer, "tool_call_id": call}]
    if kind == "reasoning":
        return [{"role": "assistant", "content": json.dumps(message["summary"])}]
    if kind == "message" and isinstance(message.get("content"), list):
        role = message["role"]
        return [{"role": role, "content": part["text"]} for part in message["content"]]
    known = ("role", "content", "name", "tool_calls", "tool_call_id")
    plain = {key: value for key, value in message.items() if key in known}
    return [plain] if plain.keys() & {"role", "content"} else []


def _tool_call(content: str, call_id: str, item: dict[str, Any]) -> dict[str, Any]:
    function = {"arguments": item["arguments"], "name": item["name"]}
    return {
        "role": "assistant",
        "content": content,
        "tool_calls": [{"id": call_id, "type": "function", "function": function}],
    }


def output_to_responses_items_stream(
    chunks: Iterator[dict[str, Any]], aggregator: list[dict[str, Any]] | None = None
) -> Generator[ResponsesAgentStreamEvent, None, None]:
    """The events that a stream of chat completion chunks stands for.

    Text comes as it is there; thoughts when text begins; the message and then the tool calls when
    the stream ends.

    Args:
        chunks: As OpenAI's client gives them, as dictionaries.
        aggregator: Completed items are appended to it.
    """
    item_id, text, thoughts = "", "", ""
    calls: dict[int, dict[str, Any]] = {}

    def done(item: dict[str, Any]) -> ResponsesAgentStreamEvent:
        if aggregator is not None:
            aggregator.append(item)
        return ResponsesAgentStreamEvent(type="response.output_item.done", item=item)

    for chunk in chunks:
        if not chunk.get("choices"):
            continue  # of usage only
        item_id = chunk.get("id") or item_id or str(uuid4())
        delta = chunk["choices"][0].get("delta") or {}
        for call in delta.get("tool_calls") or ():
            _add_call(calls, call)
        for piece in _pieces(delta.get("content")):
            if piece.get("type") == "reasoning":
                thoughts += "".join(part["text"] for part in piece.get("summary", ())[:1])
            elif piece.get("type") == "text":
                if thoughts:
                    yield done(create_reasoning_item(item_id, thoughts))
                    thoughts = ""
                text += piece["text"]
                yield ResponsesAgentStreamEvent(**create_text_delta(piece["text"], item_id))
    if thoughts:
        yield done(create_reasoning_item(item_id, thoughts))
    if text:
        yield done(create_text_output_item(text, item_id))
    for call in calls.values():
        yield done(create_function_call_item(item_id, **call))


def _pieces(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        return []
    return [piece for piece in content if isinstance(piece, dict)]


def _add_call(calls: dict[int, dict[str, Any]], piece: dict[str, Any]) -> None:
    """Put a piece of a tool call to the others; its name and id come with the first."""
    function = piece.get("function") or {}
    arguments = function.get("arguments") or ""
    index = piece.get("index", 0)
    if index in calls:
        calls[index]["arguments"] += arguments
    else:
        name = function.get("name")
        calls[index] = {"call_id": piece.get("id"), "name": name, "arguments": arguments}
