"""Spans of other libraries are found, shown and counted like MLflow's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.server.foreign import CASES, made_of

from mlflow.entities._span_sums import total

RECORDED = json.loads((Path(__file__).parent.parent / "data" / "foreign-spans.json").read_text())


def test_every_case_is_recorded():
    assert RECORDED.keys() == CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_span_becomes_what_the_reference_makes_of_it(shared_server, name):
    assert made_of(shared_server.port, CASES[name]) == RECORDED[name]


MESSAGES = [{"role": "system", "content": "be"}, {"role": "user", "content": "hi"}]
REPLY = [{"role": "assistant", "content": "yo"}]


def numbered(prefix, messages, part=""):
    return {
        f"{prefix}.{n}.{part}{key}": value
        for n, message in enumerate(messages)
        for key, value in message.items()
    }


@pytest.mark.parametrize(
    ("attributes", "events", "found"),
    [
        (
            numbered("gen_ai.prompt", MESSAGES) | numbered("gen_ai.completion", REPLY),
            [],
            {"mlflow.spanInputs": {"messages": MESSAGES}, "mlflow.spanOutputs": "yo"},
        ),
        (
            numbered("llm.input_messages", MESSAGES, "message.")
            | numbered("llm.output_messages", REPLY, "message."),
            [],
            {
                "mlflow.spanInputs": {"messages": MESSAGES},
                "mlflow.spanOutputs": {"messages": REPLY},
            },
        ),
        (
            {},
            [
                ("gen_ai.system.message", {"content": "be"}),
                ("gen_ai.user.message", {"content": "hi"}),
                ("gen_ai.choice", {"index": 0, "message": json.dumps(REPLY[0])}),
            ],
            {"mlflow.spanInputs": MESSAGES, "mlflow.spanOutputs": REPLY},
        ),
        (
            {},
            [
                (
                    "gen_ai.client.inference.operation.details",
                    {"gen_ai.input.messages": json.dumps(MESSAGES)},
                )
            ],
            {"mlflow.spanInputs": MESSAGES},
        ),
        (
            {"gen_ai.usage.input_tokens": 3.0, "gen_ai.usage.cache_read_input_tokens": "2"},
            [],
            {"mlflow.chat.tokenUsage": {"input_tokens": 3, "cache_read_input_tokens": 2}},
        ),
        ({"gen_ai.usage.input_tokens": -3, "gen_ai.usage.output_tokens": "x"}, [], {}),
        ({"llm.token_count.prompt": True, "gen_ai.input.messages": "[]"}, [], {}),
    ],
    ids=["openllmetry", "openinference", "events", "details", "numbers", "no-numbers", "nothing"],
)  # fmt: skip
def test_more_is_understood(shared_server, attributes, events, found):
    """Where the reference leaves such spans without inputs, outputs or numbers."""
    made = made_of(shared_server.port, attributes, events)["attributes"]
    assert {key: value for key, value in made.items() if key.startswith("mlflow.")} == found


def test_costs_that_spans_say_are_added_up(shared_server):
    said = {"llm.cost.prompt": 0.5, "llm.cost.completion": 0.25}
    found = {"input_cost": 0.5, "output_cost": 0.25, "total_cost": 0.75}
    made = made_of(shared_server.port, said)
    assert made["attributes"] == {"mlflow.llm.cost": found}
    assert made["metadata"]["mlflow.trace.cost"] == found


@pytest.mark.parametrize(
    "text",
    ["[" * 900 + "]" * 900, "[" * 100_000, '{"a":' * 60 + "1" + "}" * 60, '["\\ud800"]', "[NaN]"],
    ids=["deep", "open", "objects", "surrogate", "nan"],
)  # fmt: skip
def test_hostile_json_in_texts_can_be_read_back(shared_server, text):
    """It stays a text where reading it back would fail."""
    keys = ("input.value", "mlflow.chat.tokenUsage", "session.id", "gen_ai.tool.definitions")
    made = made_of(shared_server.port, dict.fromkeys(keys, text))
    assert made["attributes"]["mlflow.spanInputs"] == (["NaN"] if text == "[NaN]" else text)


def test_many_spans_below_one_another_are_added_up():
    """Each span is looked at once, however deep they are."""
    parents = {str(n): str(n - 1) for n in range(1, 50_000)} | {"0": "1"}
    said = {str(n): {"input_tokens": 1} for n in range(25_000, 50_000)}
    assert total(said, parents, ("input_tokens",)) == {"input_tokens": 1}
