"""Requests and answers of chat agents (pydantic models), and the schemas that agents have."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from mlflow.types.chat import ChatUsage, ToolCall
from mlflow.types.llm import (
    _TOOL_CALL,
    _custom_inputs_col_spec,
    _custom_outputs_col_spec,
    _token_usage_stats_col_spec,
)
from mlflow.types.schema import Array, ColSpec, DataType, Map, Object, Property, Schema

_FRESH_ID = "You can use `str(uuid.uuid4())` to generate a unique ID."


class ChatAgentMessage(BaseModel):
    """One message of a conversation; it has content or tool calls."""

    role: str
    content: str | None = None
    name: str | None = None
    id: str | None = None
    """Demanded in what an agent gives back."""
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    """Which call this is the result of; demanded of the role "tool", as is `name`."""
    attachments: dict[str, str] | None = None

    @model_validator(mode="after")
    def check_content_and_tool_calls(self) -> ChatAgentMessage:
        if self.content is None and self.tool_calls is None:
            raise ValueError("Either 'content' or 'tool_calls' must be provided.")
        return self

    @model_validator(mode="after")
    def check_tool_messages(self) -> ChatAgentMessage:
        if self.role == "tool" and not (self.name and self.tool_call_id):
            raise ValueError("Both 'name' and 'tool_call_id' must be provided for tool messages.")
        return self


class ChatContext(BaseModel):
    """Whose conversation it is."""

    conversation_id: str | None = None
    user_id: str | None = None


class ChatAgentRequest(BaseModel):
    """A conversation that an agent is to go on with."""

    messages: list[ChatAgentMessage]
    context: ChatContext | None = None
    custom_inputs: dict[str, Any] | None = None
    stream: bool | None = False


class ChatAgentResponse(BaseModel):
    """What an agent answers; its messages have ids, no two the same."""

    model_config = ConfigDict(validate_assignment=True)

    messages: list[ChatAgentMessage]
    finish_reason: str | None = None
    custom_outputs: dict[str, Any] | None = None
    usage: ChatUsage | None = None

    @model_validator(mode="after")
    def check_message_ids(self) -> ChatAgentResponse:
        ids = [message.id for message in self.messages]
        field = "All ChatAgentMessage objects in field `messages` must have"
        if None in ids:
            raise ValueError(f"{field} an ID. {_FRESH_ID}")
        if len(set(ids)) < len(ids):
            raise ValueError(f"{field} unique IDs. {_FRESH_ID}")
        return self


class ChatAgentChunk(BaseModel):
    """A piece of a stream; pieces of one message have its id."""

    model_config = ConfigDict(validate_assignment=True)

    delta: ChatAgentMessage
    finish_reason: str | None = None
    custom_outputs: dict[str, Any] | None = None
    usage: ChatUsage | None = None

    @model_validator(mode="after")
    def check_message_id(self) -> ChatAgentChunk:
        if self.delta.id is None:
            raise ValueError(
                "The field `delta` of ChatAgentChunk must contain a ChatAgentMessage object with "
                "an ID. Chunks that are parts of one message must have the same ID. " + _FRESH_ID
            )
        return self


_MESSAGES = ColSpec(
    Array(
        Object(
            [
                Property("role", DataType.string),
                Property("content", DataType.string, required=False),
                Property("name", DataType.string, required=False),
                Property("id", DataType.string, required=False),
                Property("tool_calls", Array(_TOOL_CALL), required=False),
                Property("tool_call_id", DataType.string, required=False),
                Property("attachments", Map(DataType.string), required=False),
            ]
        )
    ),
    "messages",
)
_CONTEXT = Object(
    [
        Property("conversation_id", DataType.string, required=False),
        Property("user_id", DataType.string, required=False),
    ]
)

CHAT_AGENT_INPUT_SCHEMA = Schema(
    [
        _MESSAGES,
        ColSpec(_CONTEXT, "context", required=False),
        _custom_inputs_col_spec,
        ColSpec(DataType.boolean, "stream", required=False),
    ]
)
CHAT_AGENT_OUTPUT_SCHEMA = Schema(
    [
        _MESSAGES,
        ColSpec(DataType.string, "finish_reason", required=False),
        _custom_outputs_col_spec,
        _token_usage_stats_col_spec,
    ]
)
CHAT_AGENT_INPUT_EXAMPLE = {"messages": [{"role": "user", "content": "Hello!"}]}
