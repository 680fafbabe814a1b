"""Pydantic models: what they take, refuse, and write."""

from __future__ import annotations

import json

from tests.optional import optional
from tests.types.recorded import check, recorded

pydantic = optional("pydantic")

from mlflow.types import agent, chat, responses, responses_helpers  # noqa: E402


def _make(model, /, **fields):
    """The object, or what is wrong with the fields."""
    try:
        return model(**fields)
    except pydantic.ValidationError as error:
        return [(one["type"], one["loc"], one["msg"]) for one in error.errors()]


NAMES = {"C": chat, "R": responses, "H": responses_helpers, "A": agent, "P": _make, "json": json}


@recorded("models")
def test_answer_is_the_recorded_one(expression, answer):
    check(expression, answer, dict(NAMES))


def test_fields_that_many_clients_do_not_know_are_written_only_if_set():
    call = chat.ToolCall(id="1", function=chat.Function(name="f"))
    assert "thought_signature" not in call.model_dump()
    signed = call.model_copy(update={"thought_signature": "s"})
    assert json.loads(signed.model_dump_json())["thought_signature"] == "s"
    assert "prompt_tokens_details" not in chat.ChatUsage(prompt_tokens=1).model_dump()


def test_schema_of_a_format_makes_no_noise(recwarn):
    spec = chat.JsonSchemaSpec(name="x", schema={"type": "object"}, more=1)
    assert spec.model_dump() == {
        "name": "x",
        "schema": {"type": "object"},
        "strict": True,
        "more": 1,
    }
    assert not recwarn.list
