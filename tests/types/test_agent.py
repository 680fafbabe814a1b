"""Chat agents: ids of messages, and the schemas."""

from __future__ import annotations

import pytest
from tests.optional import optional

pydantic = optional("pydantic")

from mlflow.types.agent import (  # noqa: E402
    CHAT_AGENT_INPUT_EXAMPLE,
    CHAT_AGENT_INPUT_SCHEMA,
    CHAT_AGENT_OUTPUT_SCHEMA,
    ChatAgentChunk,
    ChatAgentMessage,
    ChatAgentRequest,
    ChatAgentResponse,
)


def test_answers_are_checked_when_they_are_changed():
    answer = ChatAgentResponse(messages=[{"role": "assistant", "content": "x", "id": "1"}])
    with pytest.raises(pydantic.ValidationError, match="must have an ID"):
        answer.messages = [ChatAgentMessage(role="assistant", content="x")]
    chunk = ChatAgentChunk(delta={"role": "assistant", "content": "x", "id": "1"})
    with pytest.raises(pydantic.ValidationError, match="with an ID"):
        chunk.delta = ChatAgentMessage(role="assistant", content="x")


def test_fields_are_the_columns_of_the_schemas():
    assert set(CHAT_AGENT_INPUT_SCHEMA.input_names()) == ChatAgentRequest.model_fields.keys()
    assert set(CHAT_AGENT_OUTPUT_SCHEMA.input_names()) == ChatAgentResponse.model_fields.keys()


def test_example_is_a_request():
    assert ChatAgentRequest(**CHAT_AGENT_INPUT_EXAMPLE).messages[0].content == "Hello!"
