"""Signatures of chat models, as dataclasses. `mlflow.types.llm` has richer ones; use those."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlflow.models.signature import ModelSignature
from mlflow.types.schema import Array, ColSpec, DataType, Object, Property, Schema

_QUESTION = "What is mlflow?"
_ANSWER = "MLflow is an open source platform for the machine learning lifecycle."


@dataclass
class Message:
    """One message of a conversation."""

    role: str = "user"
    content: str = _QUESTION


@dataclass
class ChatCompletionRequest:
    """A conversation that a model is to go on with."""

    messages: list[Message] = field(default_factory=lambda: [Message()])


@dataclass
class SplitChatMessagesRequest:
    """A question, with what was said before."""

    query: str = _QUESTION
    history: list[Message] | None = field(default_factory=list)


@dataclass
class MultiturnChatRequest:
    """A question, with what was said before."""

    query: str = _QUESTION
    history: list[Message] | None = field(default_factory=list)


@dataclass
class ChainCompletionChoice:
    """One of the answers."""

    index: int = 0
    message: Message = field(default_factory=lambda: Message("assistant", _ANSWER))
    finish_reason: str = "stop"


@dataclass
class ChainCompletionChunk:
    """A piece of one of the answers in a stream."""

    index: int = 0
    delta: Message = field(default_factory=lambda: Message("assistant", _ANSWER))
    finish_reason: str = "stop"


@dataclass
class ChatCompletionResponse:
    """The answers of a model."""

    choices: list[ChainCompletionChoice] = field(default_factory=lambda: [ChainCompletionChoice()])
    object: str = "chat.completion"


@dataclass
class StringResponse:
    """An answer that is only text."""

    content: str = _ANSWER


_MESSAGE = Object([Property("role", DataType.string), Property("content", DataType.string)])
_CHOICE = Object(
    [
        Property("index", DataType.long),
        Property("message", _MESSAGE),
        Property("finish_reason", DataType.string),
    ]
)

CHAT_COMPLETION_REQUEST_SCHEMA = Schema([ColSpec(Array(_MESSAGE), "messages")])
CHAT_COMPLETION_RESPONSE_SCHEMA = Schema([ColSpec(Array(_CHOICE), "choices")])

SIGNATURE_FOR_LLM_INFERENCE_TASK = {
    "llm/v1/chat": ModelSignature(
        inputs=CHAT_COMPLETION_REQUEST_SCHEMA, outputs=CHAT_COMPLETION_RESPONSE_SCHEMA
    )
}
