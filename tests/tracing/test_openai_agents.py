"""Traces of OpenAI's Agents SDK, with a model's endpoint on this machine. The trees are those that
the reference leaves, but for a turn, which it calls Unknown."""

from __future__ import annotations

import asyncio

import pytest

import mlflow
from tests.optional import optional
from tests.tracing import llm_endpoint

agents = optional("agents")

USAGE = {"input_tokens": 9, "output_tokens": 12, "total_tokens": 21, "cache_read_input_tokens": 4}


@pytest.fixture(autouse=True)
def endpoint():
    from openai import AsyncOpenAI

    with llm_endpoint.serve() as url:
        client = AsyncOpenAI(api_key="x", base_url=f"{url}/v1", max_retries=0)
        agents.set_default_openai_client(client, use_for_tracing=False)
        mlflow.openai.autolog()
        yield
    mlflow.openai.autolog(disable=True)


def agent(name="Main", model="agent-1", **parts):
    return agents.Agent(name=name, instructions="help", model=model, **parts)


@agents.function_tool
def add(a: int, b: int) -> int:
    """Their sum."""
    with mlflow.start_span("inside"):
        return a + b


def run(of, given="What?"):
    return asyncio.run(agents.Runner.run(of, given))


def only_trace():
    mlflow.flush_trace_async_logging()
    (trace,) = mlflow.search_traces(return_type="list")
    return trace


def tree(trace):
    """(name, type, name of the parent) of each span, in the order in which they began; without the
    two that a newer version of the SDK adds."""
    spans = {span.span_id: span for span in trace.data.spans}

    def parent(span):
        above = spans.get(span.parent_id)
        return parent(above) if above is not None and above.name == "turn" else above

    found = sorted(spans.values(), key=lambda span: span.start_time_ns)
    return [
        (s.name, s.span_type, getattr(parent(s), "name", None)) for s in found if s.name != "turn"
    ]


def by_name(trace):
    return {span.name: span for span in trace.data.spans}


def test_agent_that_uses_a_tool():
    assert run(agent(tools=[add])).final_output == "Hello there"
    trace = only_trace()
    answer = [("Response", "CHAT_MODEL", "Main"), ("AsyncResponses", "CHAT_MODEL", "Response")]
    assert tree(trace) == [
        ("AgentRunner.run", "AGENT", None),
        ("Agent workflow", "CHAIN", "AgentRunner.run"),
        ("Main", "AGENT", "Agent workflow"),
        *answer,
        ("add", "TOOL", "Main"),
        ("inside", "UNKNOWN", "add"),
        *answer,
    ]
    spans = by_name(trace)
    root, main, tool = (spans[name] for name in ("AgentRunner.run", "Main", "add"))
    assert (root.inputs, root.outputs) == ("What?", "Hello there")
    assert root.get_attribute("mlflow.openai.agent_run_root") is True
    assert main.get_attribute("tools") == ["add"]
    assert main.outputs == {"output_type": "str"}
    assert (tool.inputs, tool.outputs) == ({"a": 1, "b": 2}, 3)
    first = next(s for s in trace.data.spans if s.name == "Response")
    assert first.inputs == [{"content": "What?", "role": "user"}]
    assert first.outputs[0]["type"] == "function_call"
    assert first.get_attribute("mlflow.chat.tokenUsage") == USAGE
    assert first.get_attribute("mlflow.message.format") == "openai-agent"
    assert first.model_name == "agent-1"
    # Each answer counts once, though two spans tell of it
    assert trace.info.token_usage == {name: 2 * number for name, number in USAGE.items()}
    assert (trace.info.request_preview, trace.info.response_preview) == (
        '"What?"',
        '"Hello there"',
    )


def test_handoff():
    run(agent(handoffs=[agent("Other")]))
    trace = only_trace()
    assert [step for step in tree(trace) if step[0] in ("Handoff", "Main", "Other")] == [
        ("Main", "AGENT", "Agent workflow"),
        ("Handoff", "CHAIN", "Main"),
        ("Other", "AGENT", "Agent workflow"),
    ]
    handoff = by_name(trace)["Handoff"]
    assert (handoff.inputs, handoff.outputs) == ({"from_agent": "Main"}, {"to_agent": "Other"})


def test_guardrail():
    @agents.input_guardrail
    async def polite(context, who, given):
        return agents.GuardrailFunctionOutput(output_info=None, tripwire_triggered=False)

    run(agent(input_guardrails=[polite]))
    span = by_name(only_trace())["polite"]
    assert (span.span_type, span.outputs) == ("GUARDRAIL", {"triggered": False})


def test_error_of_the_model_is_raised_as_it_was():
    from openai import BadRequestError

    with pytest.raises(BadRequestError):
        run(agent(model="fail"))
    trace = only_trace()
    assert trace.info.state == "ERROR"
    failed = by_name(trace)["Response"]
    assert (failed.status.status_code, failed.status.description) == (
        "ERROR",
        "Error getting response",
    )
    (event,) = failed.events
    assert "no such model" in event.attributes["exception.stacktrace"]


def test_runs_inside_of_a_trace_of_the_program():
    async def program():
        with agents.trace("My flow", metadata={"a": "b"}), agents.custom_span("step", {"z": 1}):
            await asyncio.gather(*(agents.Runner.run(agent(name), "x") for name in ("One", "Two")))

    asyncio.run(program())
    trace = only_trace()
    steps = tree(trace)
    assert steps[:2] == [("My flow", "AGENT", None), ("step", "CHAIN", "My flow")]
    assert [step for step in steps if step[2] == "step"] == [
        ("AgentRunner.run", "AGENT", "step")
    ] * 2
    assert {"One", "Two"} <= {name for name, *_ in steps}
    spans = by_name(trace)
    assert spans["My flow"].get_attribute("a") == "b"
    assert spans["step"].outputs == {"z": 1}


def test_stream_leaves_nothing_current():
    async def program():
        result = agents.Runner.run_streamed(agent(), "x")
        assert mlflow.get_current_active_span() is None
        async for _ in result.stream_events():
            pass
        assert mlflow.get_current_active_span() is None

    asyncio.run(program())
    names = [name for name, *_ in tree(only_trace())]
    assert {"Main", "Response"} <= set(names)


def test_nothing_is_traced_once_it_is_disabled():
    async def program():
        mlflow.openai.autolog(disable=True)
        first = await agents.Runner.run(agent(), "x")
        mlflow.openai.autolog(log_traces=False)
        second = await agents.Runner.run(agent(), "x")
        return first.final_output, second.final_output

    assert asyncio.run(program()) == ("Hello there", "Hello there")
    mlflow.flush_trace_async_logging()
    assert mlflow.search_traces(return_type="list") == []


def test_nothing_goes_to_the_tracer_of_the_sdk():
    from agents.tracing import get_trace_provider

    from mlflow.openai import agents as ours

    processors = get_trace_provider()._multi_processor._processors
    assert list(processors) == [ours._processor]
