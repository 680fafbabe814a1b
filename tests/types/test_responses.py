"""Between the Responses API and chat completions."""

from __future__ import annotations

import json

import pytest
from tests.optional import optional
from tests.types.recorded import check, recorded

optional("pydantic")

from mlflow.types import responses, responses_helpers  # noqa: E402
from mlflow.types.responses import output_to_responses_items_stream  # noqa: E402


def _call(number):
    return {"type": "function_call", "arguments": "{}", "call_id": str(number), "name": "f"}


def _output(number):
    return {"type": "function_call_output", "call_id": str(number), "output": "x"}


def _message(*content, **more):
    return {"type": "message", "id": "1", "role": "assistant", "content": list(content), **more}


def _user(*content):
    return {"role": "user", "content": list(content)}


_TEXT = {"type": "output_text", "text": "x"}
_IMAGE = {"type": "input_image", "image_url": "u"}

# The expressions pick from this list by position.
INPUTS = [
    {"role": "user", "content": "hi"},
    {"type": "message", "role": "system", "content": "s"},
    _user({"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}),
    _user({"type": "input_text", "text": "a"}, _IMAGE),
    _user({**_IMAGE, "detail": "high"}),
    _user({"type": "input_file", "file_id": "u"}),
    _user({"type": "input_file", "filename": "f", "file_data": "u"}),
    _user({"type": "input_audio", "input_audio": {"data": "d", "format": "wav"}}),
    _user({"type": "zzz"}),
    _user(),
    {"role": "user", "content": None},
    {"role": "user"},
    {"role": "assistant", "content": [_TEXT]},
    _message({**_TEXT, "annotations": []}, {"type": "output_text", "text": "y"}),
    {"type": "message", "id": "1", "content": [_TEXT]},
    _message({"type": "refusal", "refusal": "x"}),
    _message(_TEXT, {"type": "refusal", "refusal": "r"}),
    {"type": "message", "id": "1", "role": "assistant", "content": "plain"},
    _call(1),
    {**_call(1), "id": "fc", "status": "completed"},
    _output(1),
    {**_output(1), "output": [{"type": "input_text", "text": "x"}, {"a": 1}]},
    {**_output(1), "output": {"a": 1}},
    {"type": "reasoning", "id": "1", "summary": [{"type": "summary_text", "text": "t"}]},
    {"type": "reasoning", "id": "1", "summary": []},
    {"type": "reasoning", "id": "1", "summary": [{"text": "t"}, {"text": "u"}]},
    {
        "type": "mcp_approval_request",
        "id": "1",
        "arguments": "{}",
        "name": "n",
        "server_label": "s",
    },
    {
        "type": "mcp_approval_response",
        "approval_request_id": "1",
        "approve": True,
        "reason": "r",
    },
    {
        "type": "mcp_approval_response",
        "approval_request_id": "1",
        "approve": False,
        "id": "q",
    },
    {"type": "web_search_call", "id": "1"},
    {"type": "foo"},
    {},
]


def _chunk(delta=None, id="c1", finish=None, **more):
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    kind = "chat.completion.chunk"
    return {"id": id, "choices": [choice], "object": kind, "created": 1, "model": "m", **more}


def _stream(chunks, aggregator=None):
    events = output_to_responses_items_stream(iter(chunks), aggregator)
    return json.dumps([event.model_dump(exclude_none=True) for event in events]), aggregator


NAMES = {
    **vars(responses),
    "R": responses,
    "H": responses_helpers,
    "IN": INPUTS,
    "fc": _call,
    "fo": _output,
    "chunk": _chunk,
    "S": _stream,
    "tcd": lambda index, **call: {"tool_calls": [{"index": index, **call}]},
}


@recorded("responses")
def test_answer_is_the_recorded_one(expression, answer):
    check(expression, answer, dict(NAMES))


def test_chunks_without_id_get_one_for_all():
    text = [{"choices": [{"delta": {"content": part}}]} for part in ("a", "b")]
    first, second, done = output_to_responses_items_stream(iter(text))
    assert first.item_id == second.item_id == done.item["id"]
    assert done.item["content"][0]["text"] == "ab"


def test_thoughts_without_an_answer_are_not_lost():
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}
    items = []
    list(output_to_responses_items_stream(iter([_chunk({"content": [thought]})]), items))
    assert items == [responses.create_reasoning_item("c1", "hm")]


@pytest.mark.parametrize("name", responses.__all__)
def test_models_have_the_schema_of_their_fields(name):
    model = getattr(responses, name)
    assert model.model_fields.keys() >= {"custom_outputs"} or "custom_inputs" in model.model_fields


def test_text_of_an_answer():
    answer = responses.ResponsesAgentResponse(
        output=[_message(_TEXT, {"type": "refusal", "refusal": "r"}), _call(1), _message(_TEXT)]
    )
    assert answer.output_text == "xx"


@pytest.mark.parametrize(
    ("model", "field", "value"),
    [
        ("Tool", "type", "new"),
        ("ToolChoice", "tool_choice", "new"),
        ("Truncation", "truncation", "new"),
        ("IncompleteDetails", "reason", "new"),
        ("ReasoningParams", "effort", "new"),
        ("ReasoningParams", "generate_summary", "new"),
    ],
)
def test_what_the_api_may_have_added_is_let_through_with_a_warning(model, field, value):
    with pytest.warns(UserWarning, match="new"):
        made = getattr(responses_helpers, model)(**{field: value})
    assert getattr(made, field) == value
