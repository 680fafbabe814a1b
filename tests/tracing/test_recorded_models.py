"""Autologging of language models leaves the traces of the reference, on the same endpoint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import mlflow
from tests.optional import optional
from tests.tracing import llm_endpoint, llm_scenarios, scenarios

for library in ("openai", "anthropic", "langchain_openai", "langgraph"):
    optional(library)

GOLDEN = json.loads((Path(__file__).parent.parent / "data/tracing-llm-golden.json").read_text())


@pytest.fixture(autouse=True)
def endpoint():
    with llm_endpoint.serve() as llm_scenarios.URL:
        yield llm_scenarios.URL
    for flavor in (mlflow.openai, mlflow.anthropic, mlflow.langchain):
        flavor.autolog(disable=True)


def _versions_left_out(trace):
    for span in trace["spans"]:
        span["attributes"].get("metadata", {}).pop("lc_versions", None)
    return trace


@pytest.mark.parametrize("scenario", llm_scenarios.SCENARIOS, ids=lambda s: s.__name__)
def test_scenario_leaves_the_traces_of_the_reference(scenario, tmp_path, capsys):
    found = [_versions_left_out(t) for t in scenarios.run(scenario, str(tmp_path))]
    expected = [_versions_left_out(t) for t in GOLDEN[scenario.__name__]]
    assert len(found) == len(expected)
    for mine, theirs in zip(found, expected, strict=True):
        assert json.dumps(mine, sort_keys=True, indent=1) == json.dumps(
            theirs, sort_keys=True, indent=1
        )


def test_every_scenario_is_recorded():
    assert sorted(GOLDEN) == sorted(s.__name__ for s in llm_scenarios.SCENARIOS)


def _traces():
    mlflow.flush_trace_async_logging()
    found = mlflow.search_traces(return_type="list", order_by=["timestamp_ms ASC"])
    return [trace.data.spans for trace in found]


def test_tool_calls_of_an_openai_stream_are_put_together(endpoint):
    client = llm_scenarios._openai()
    asked = {"model": "m", "messages": llm_scenarios.ASKED, "tools": llm_scenarios.TOOLS}
    list(client.chat.completions.create(stream=True, **asked))
    ((span,),) = _traces()
    (call,) = span.outputs["choices"][0]["message"]["tool_calls"]
    assert call["function"] == {"name": "add", "arguments": '{"a": 1, "b": 2}'}


def test_raw_responses_are_traced_and_unchanged(endpoint):
    client = llm_scenarios._openai()
    raw = client.chat.completions.with_raw_response.create(
        model="m", messages=llm_scenarios.ASKED, extra_headers={"X-Secret": "s"}
    )
    assert raw.parse().choices[0].message.content == "Hello there"
    ((span,),) = _traces()
    assert span.outputs["choices"][0]["message"]["content"] == "Hello there"
    assert "X-Secret" not in json.dumps(span.to_dict())


def test_anthropic_streams_are_put_together(endpoint):
    client = llm_scenarios._anthropic()
    asked = {"model": "m", "max_tokens": 10, "messages": llm_scenarios.ASKED}
    list(client.messages.create(stream=True, **asked))
    with client.messages.stream(**asked) as stream:
        assert "".join(stream.text_stream) == "Hello there"
    for (span,), name in zip(_traces(), ("Messages.create", "Messages.stream"), strict=True):
        assert span.name == name
        assert span.outputs["content"][0]["text"] == "Hello there"
        assert span.get_attribute("mlflow.chat.tokenUsage")["total_tokens"] == 20


def test_stream_that_is_left_early_is_logged(endpoint):
    client = llm_scenarios._openai()
    stream = client.chat.completions.create(model="m", messages=llm_scenarios.ASKED, stream=True)
    for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    stream._iterator.close()
    ((span,),) = _traces()
    assert span.outputs["choices"][0]["message"]["content"] == "Hello"


def test_streamed_chain_is_a_tree(endpoint):
    from langchain_core.output_parsers import StrOutputParser

    chain = llm_scenarios._chat_model() | StrOutputParser()
    assert "".join(chain.stream("Hi")) == "Hello there"
    (spans,) = _traces()
    root = next(s for s in spans if s.parent_id is None)
    assert (root.name, root.outputs) == ("RunnableSequence", "Hello there")
    assert {s.name: s.parent_id for s in spans if s is not root} == {
        "ChatOpenAI": root.span_id,
        "StrOutputParser": root.span_id,
    }


def test_langchain_tool_holds_what_is_traced_inside(endpoint):
    from langchain_core.tools import tool

    @mlflow.trace
    def inner(a):
        return a + 1

    @tool
    def outer(a: int) -> int:
        """Adds one"""
        return inner(a)

    mlflow.langchain.autolog()
    assert outer.invoke({"a": 1}) == 2
    (spans,) = _traces()
    assert [(s.name, s.parent_id is None) for s in spans] == [("outer", True), ("inner", False)]


def test_langchain_after_disable_is_not_traced(endpoint):
    model = llm_scenarios._chat_model()
    mlflow.langchain.autolog(disable=True)
    model.invoke("Hi")
    assert _traces() == []


def test_langchain_tracer_of_ones_own_needs_no_autologging(endpoint):
    from langchain_core.runnables import RunnableLambda

    from mlflow.langchain.langchain_tracer import MlflowLangchainTracer

    chain = RunnableLambda(lambda x: x + 1, name="plus")
    assert chain.invoke(1, config={"callbacks": [MlflowLangchainTracer()]}) == 2
    chain.invoke(2)
    (spans,) = _traces()
    assert [(s.name, s.inputs, s.outputs) for s in spans] == [("plus", 1, 2)]


def test_flush_ends_what_langchain_left_open(endpoint):
    from uuid import uuid4

    from mlflow.langchain.langchain_tracer import MlflowLangchainTracer

    tracer, chain = MlflowLangchainTracer(), uuid4()
    tracer.on_chain_start({}, {"q": 1}, run_id=chain, name="outer")
    tracer.on_chain_start({}, {"q": 2}, run_id=uuid4(), parent_run_id=chain, name="inner")
    assert _traces() == []
    tracer.flush()
    (spans,) = _traces()
    assert [(s.name, s.parent_id is None) for s in spans] == [("outer", True), ("inner", False)]
    assert mlflow.get_current_active_span() is None


@pytest.mark.parametrize("flavor", ["openai", "langchain"])
def test_what_is_not_there_yet_says_so(flavor):
    with pytest.raises(mlflow.MlflowException, match="log_model' is not available"):
        getattr(mlflow, flavor).log_model(None)
