"""Dataclasses of chat models, and the schemas of such models."""

from __future__ import annotations

import json

import pytest
from tests.types.recorded import check, recorded

from mlflow.types import llm
from mlflow.types.llm import (
    ChatCompletionRequest,
    ChatCompletionResponse,
    ChatMessage,
    ChatParams,
    FunctionToolCallArguments,
)
from mlflow.types.schema import Schema

NAMES = {
    **vars(llm),
    "L": llm,
    "json": json,
    "tc": FunctionToolCallArguments("f", "{}").to_tool_call,
}


@recorded("llm")
def test_answer_is_the_recorded_one(expression, answer):
    check(expression, answer, dict(NAMES))


def test_request_and_answer_survive_being_written():
    request = ChatCompletionRequest(
        messages=[ChatMessage("user", [{"type": "text", "text": "hi"}])], stop=["."], top_k=3
    )
    assert ChatCompletionRequest.from_dict(json.loads(json.dumps(request.to_dict()))) == request
    answer = ChatCompletionResponse(
        choices=[{"message": {"role": "assistant", "content": "hello"}}],
        usage={"prompt_tokens": 1},
        custom_outputs={"a": None},
    )
    assert ChatCompletionResponse.from_dict(json.loads(json.dumps(answer.to_dict()))) == answer


def test_parameters_are_the_columns_of_the_schema():
    columns = set(llm.CHAT_MODEL_INPUT_SCHEMA.input_names())
    assert columns == ChatParams.keys() | {"messages"}


def test_schemas_survive_being_written():
    for name in [name for name in vars(llm) if name.endswith("_SCHEMA")]:
        schema = getattr(llm, name)
        assert Schema.from_json(schema.to_json()) == schema


def test_value_of_the_wrong_type_is_named():
    with pytest.raises(ValueError, match=r"properties\['a'\]"):
        llm.ToolParamsSchema({"a": 1})
