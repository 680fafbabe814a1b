"""A traced program runs as it would without traces."""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import random
import subprocess
import sys
import threading
import time

import pytest

import mlflow
from mlflow.entities import LiveSpan, NoOpSpan, SpanEvent, SpanStatusCode
from mlflow.exceptions import MlflowException
from mlflow.tracing import provider


def traces(**query):
    mlflow.flush_trace_async_logging()
    return mlflow.search_traces(return_type="list", order_by=["timestamp_ms ASC"], **query)


def only_trace():
    (found,) = traces()
    return found


def test_error_is_raised_as_it_was():
    class Own(Exception):
        pass

    error = Own("x")

    @mlflow.trace
    def fails():
        raise error

    with pytest.raises(Own) as caught:
        fails()
    assert caught.value is error
    assert error.__cause__ is error.__context__ is None


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), asyncio.CancelledError()])
def test_interrupted_call_is_an_error(error):
    @mlflow.trace
    def stopped():
        raise error

    with pytest.raises(type(error)) as caught:
        stopped()
    assert caught.value is error
    (span,) = only_trace().data.spans
    assert span.status.status_code == SpanStatusCode.ERROR
    assert span.events[0].attributes["exception.type"] == type(error).__name__


def test_values_that_cannot_be_written_down_do_no_harm():
    class NoText:
        def __repr__(self):
            raise RuntimeError("no text")

    circle: list = []
    circle.append(circle)

    @mlflow.trace
    def same(value):
        return value

    for value in (NoText(), circle, {(1, 2): 3}, "\ud800", {"a": NoText()}):
        assert same(value) is value
    inputs = [t.data.spans[0].inputs for t in traces()]
    assert len(inputs) == 5
    assert "NoText" in json.dumps(inputs[0])


def test_store_that_fails_is_not_noticed(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    mlflow.set_tracking_uri("http://127.0.0.1:9")  # nobody listens there

    @mlflow.trace
    def answer():
        return 42

    assert answer() == 42


def test_wrong_call_raises_what_the_function_raises():
    @mlflow.trace
    def one(x):
        return x

    with pytest.raises(TypeError, match="one()"):
        one(1, 2)


def test_decorated_function_looks_like_itself():
    async def asynchronous(): ...
    def generator():
        yield

    async def both():
        yield

    assert inspect.iscoroutinefunction(mlflow.trace(asynchronous))
    assert inspect.isgeneratorfunction(mlflow.trace(generator))
    assert inspect.isasyncgenfunction(mlflow.trace(both))

    @mlflow.trace
    def documented(a: int, b: str = "x") -> None:
        """What it does."""

    assert documented.__doc__ == "What it does."
    assert str(inspect.signature(documented)) == "(a: 'int', b: 'str' = 'x') -> 'None'"


def test_generator_keeps_send_throw_and_return_value():
    @mlflow.trace
    def talk():
        heard = []
        try:
            while len(heard) < 2:
                heard.append((yield len(heard)))
        except KeyError:
            heard.append("key")
        return heard

    def outer():
        return (yield from talk())

    running = outer()
    assert next(running) == 0
    assert running.send("a") == 1
    with pytest.raises(StopIteration) as stop:
        running.throw(KeyError("k"))
    assert stop.value.value == ["a", "key"]
    assert only_trace().data.spans[0].outputs == [0, 1]


def test_generator_that_is_left_early_is_logged():
    closed = []

    @mlflow.trace
    def numbers():
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    for _ in numbers():
        break
    gc.collect()
    assert closed == [True]
    (span,) = only_trace().data.spans
    assert (span.outputs, span.status.status_code) == ([1], SpanStatusCode.OK)


def test_consumer_of_a_generator_is_not_inside_its_span():
    @mlflow.trace
    def numbers():
        yield 1

    for _ in numbers():
        assert mlflow.get_current_active_span() is None


def test_asynchronous_generator_is_closed_with_its_consumer():
    closed = []

    @mlflow.trace
    async def numbers():
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    async def consume():
        stream = numbers()
        async for _ in stream:
            break
        await stream.aclose()

    asyncio.run(consume())
    assert closed == [True]
    assert only_trace().data.spans[0].outputs == [1]


def test_tasks_and_threads_do_not_mix():
    @mlflow.trace
    async def leaf(name):
        await asyncio.sleep(0)
        assert mlflow.get_current_active_span().name == "leaf"
        return name

    @mlflow.trace
    async def root(name):
        await asyncio.gather(leaf(name + "1"), leaf(name + "2"))

    async def both():
        await asyncio.gather(root("a"), root("b"))

    thread = threading.Thread(target=lambda: asyncio.run(root("c")))
    thread.start()
    asyncio.run(both())
    thread.join()
    found = [sorted(s.inputs["name"] for s in t.data.spans) for t in traces()]
    assert sorted(found) == [["a", "a1", "a2"], ["b", "b1", "b2"], ["c", "c1", "c2"]]


def test_seeded_programs_have_ids_of_their_own():
    @mlflow.trace
    def f():
        return random.random()

    random.seed(1)
    first = f()
    random.seed(1)
    assert f() == first  # tracing takes nothing from the program's random numbers
    assert len({t.info.trace_id for t in traces()}) == 2


def test_sampling_ratio(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACE_SAMPLING_RATIO", "0.0")
    provider.reset()

    @mlflow.trace
    def plain():
        return mlflow.get_current_active_span()

    @mlflow.trace(sampling_ratio_override=1.0)
    def kept():
        return plain()

    assert plain() is None
    assert kept().name == "plain"
    assert [len(t.data.spans) for t in traces()] == [2]


@pytest.mark.parametrize("ratio", [-0.1, 1.5])
def test_ratio_out_of_bounds_is_refused(ratio):
    with pytest.raises(MlflowException, match=f"between 0.0 and 1.0, got {ratio}"):
        mlflow.trace(sampling_ratio_override=ratio)


def test_nothing_is_traced_while_disabled():
    @mlflow.trace
    def plain():
        return mlflow.get_current_active_span()

    @provider.trace_disabled
    def without():
        return plain()

    mlflow.tracing.disable()
    assert plain() is None
    with mlflow.start_span() as span:
        assert isinstance(span, NoOpSpan)
    mlflow.tracing.enable()
    assert without() is None
    with mlflow.tracing.context(enabled=False):
        assert plain() is None
    assert traces() == []


def test_open_trace_is_tagged_and_ended_by_the_client():
    client = mlflow.MlflowClient()
    root = client.start_trace("root")
    client.set_trace_tag(root.trace_id, "a", "1")
    with pytest.raises(MlflowException, match="No tag with name: b"):
        client.delete_trace_tag(root.trace_id, "b")
    client.end_trace(root.trace_id, outputs="done", status="ERROR")
    with pytest.raises(MlflowException, match="already finished"):
        client.end_trace(root.trace_id)
    info = only_trace().info
    assert (info.tags["a"], info.state.value) == ("1", "ERROR")


def test_span_that_ends_after_its_root_is_kept():
    root = mlflow.start_span_no_context("root")
    late = mlflow.start_span_no_context("late", parent_span=root)
    root.end()
    late.end(outputs=1)
    assert sorted(s.name for s in only_trace().data.spans) == ["late", "root"]


def test_importing_mlflow_and_decorating_loads_no_opentelemetry():
    code = """
import sys, mlflow
@mlflow.trace
def f(): return 1
mlflow.update_current_trace, mlflow.get_active_trace_id()
assert not [m for m in sys.modules if m.startswith("opentelemetry")], "loaded too early"
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_attached_run_and_model_find_their_traces():
    @mlflow.trace
    def chat(x):
        return x

    model = mlflow.create_external_model("chatbot_agent", model_type="agent", tags={"a": "b"})
    mlflow.log_model_params({"temperature": "0"}, model_id=model.model_id)
    mlflow.set_active_model(model_id=model.model_id)
    with mlflow.start_run() as run:
        chat(1)
    mlflow.clear_active_model()
    chat(2)
    assert [t.data.spans[0].inputs for t in traces(model_id=model.model_id)] == [{"x": 1}]
    assert [t.data.spans[0].inputs for t in traces(run_id=run.info.run_id)] == [{"x": 1}]
    frame = mlflow.search_traces(model_id=model.model_id)
    assert list(frame["request"]) == [{"x": 1}]


def test_traces_are_linked_to_a_run_later():
    @mlflow.trace
    def f():
        return 1

    f()
    trace_id = mlflow.get_last_active_trace_id()
    with mlflow.start_run() as run:
        pass
    client = mlflow.MlflowClient()
    client.link_traces_to_run([trace_id], run.info.run_id)
    assert [t.info.trace_id for t in traces(run_id=run.info.run_id)] == [trace_id]
    with pytest.raises(MlflowException, match="more than 100 traces"):
        client.link_traces_to_run(["tr-1"] * 101, run.info.run_id)


def test_trace_is_found_at_once_without_a_flush():
    @mlflow.trace
    def f():
        return 1

    f()
    trace_id = mlflow.get_last_active_trace_id()
    assert mlflow.get_trace(trace_id).info.trace_id == trace_id
    f()
    mlflow.set_trace_tag(mlflow.get_last_active_trace_id(), "k", "v")
    assert [t.info.tags.get("k") for t in traces()] == [None, "v"]
    assert mlflow.get_trace("tr-nothing", silent=True) is None


def test_sessions_are_conversations():
    @mlflow.trace
    def say(text, session):
        mlflow.update_current_trace(session_id=session)
        return text

    for text, session in (("1", "a"), ("2", "b"), ("3", "a")):
        say(text, session)
    mlflow.flush_trace_async_logging()
    found = {s.id: [t.data.spans[0].outputs for t in s] for s in mlflow.search_sessions()}
    assert found == {"a": ["1", "3"], "b": ["2"]}


def test_feedback_is_logged_overridden_and_deleted():
    with mlflow.start_span():
        pass
    trace_id = mlflow.get_last_active_trace_id()
    first = mlflow.log_feedback(trace_id=trace_id, name="good", value=True, rationale="r")
    second = mlflow.override_feedback(
        trace_id=trace_id, assessment_id=first.assessment_id, value=False
    )
    expected = mlflow.log_expectation(trace_id=trace_id, name="answer", value={"a": [1]})
    assert mlflow.get_assessment(trace_id, first.assessment_id).valid is False
    found = mlflow.get_trace(trace_id).search_assessments(name="good")
    assert [(a.value, a.overrides) for a in found] == [(False, first.assessment_id)]
    mlflow.delete_assessment(trace_id, second.assessment_id)
    assert mlflow.get_assessment(trace_id, first.assessment_id).valid is True
    assert mlflow.get_assessment(trace_id, expected.assessment_id).value == {"a": [1]}
    with pytest.raises(MlflowException, match="not a feedback"):
        mlflow.override_feedback(trace_id=trace_id, assessment_id=expected.assessment_id, value=1)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: mlflow.tracing.set_destination("x"), "Invalid destination type"),
        (lambda: mlflow.tracing.configure(span_processors=[5]), "Span processor must be"),
        (lambda: mlflow.add_trace("x"), "Invalid trace object"),
        (lambda: mlflow.add_trace({"a": 1}), "Expected keys: 'info' and 'data'"),
        (lambda: mlflow.search_traces(return_type="x"), "Invalid return type: x"),
        (lambda: mlflow.search_traces(locations="0"), "locations must be a list, got str"),
        (lambda: mlflow.search_traces(extract_fields=["a.b"]), "Invalid field type: 'b'"),
        (lambda: mlflow.update_current_trace(state="NOPE"), "got 'NOPE'"),
        (lambda: mlflow.update_current_trace(request_preview=5), "must be a string"),
        (lambda: mlflow.trace(output_reducer=len)(len), "only supported for generator"),
        (lambda: mlflow.log_expectation(trace_id="t", name="n", value=None), "must be specified"),
        (lambda: mlflow.start_span_no_context("x", parent_span="z"), "parent_span is 'z'"),
    ],
)
def test_wrong_arguments_are_refused(call, told):
    with pytest.raises(MlflowException, match=told):
        call()


def test_extracted_fields_are_columns():
    with mlflow.start_span("a.b") as span:
        span.set_inputs({"x": {"y": 1}})
    mlflow.flush_trace_async_logging()
    frame = mlflow.search_traces(extract_fields=["`a.b`.inputs.x", "`a.b`.outputs"])
    assert frame["`a.b`.inputs.x"].tolist() == [{"y": 1}]
    assert frame["`a.b`.outputs"].tolist() == [None]


def test_trace_that_takes_too_long_is_ended(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACE_TIMEOUT_SECONDS", "1")
    monkeypatch.setenv("MLFLOW_TRACE_TIMEOUT_CHECK_INTERVAL_SECONDS", "0")
    ended = threading.Event()

    @mlflow.trace
    def slow():
        with mlflow.start_span("child") as span:
            for _ in range(600):
                if not span._span.is_recording() or ended.wait(0.05):
                    break
        return 42

    assert slow() == 42
    deadline = time.monotonic() + 60
    while not traces() and time.monotonic() < deadline:
        time.sleep(0.05)  # whoever ended the root is about to send it
    found = only_trace()
    assert found.info.state == "ERROR"
    assert [s.events[0].attributes["exception.type"] for s in found.data.spans] == [
        "TimeoutError",
        "TimeoutError",
    ]


# -- spans that run again ---------------------------------------------------------------------


@pytest.fixture
def ended():
    """A span that has ended, as it is read back."""
    with mlflow.start_span("ended", span_type="TOOL", attributes={"k": [1]}) as span:
        span.set_inputs({"a": 1})
        span.add_event(SpanEvent("event", attributes={"z": 1}))
        span.set_status("ERROR")
    mlflow.flush_trace_async_logging()
    return mlflow.get_trace(span.trace_id).data.spans[0]


def test_span_runs_again_in_a_trace_of_its_own(ended):
    span = LiveSpan.from_immutable_span(ended)
    assert (span.span_id, span.parent_id, span.name) == (ended.span_id, None, "ended")
    assert (span.start_time_ns, span.end_time_ns) == (ended.start_time_ns, None)
    assert (span.span_type, span.inputs, span.get_attribute("k")) == ("TOOL", {"a": 1}, [1])
    assert (span.status, span.events) == (ended.status, ended.events)
    assert span.trace_id != ended.trace_id
    span.set_outputs(5)
    span.end()
    mlflow.flush_trace_async_logging()
    (found,) = mlflow.get_trace(span.trace_id).data.spans
    assert (found.span_id, found.outputs, found.status) == (ended.span_id, 5, ended.status)


def test_span_runs_again_below_another(ended):
    with mlflow.start_span("outer") as outer:
        first = LiveSpan.from_immutable_span(
            ended, parent_span_id=outer.span_id, trace_id=outer.trace_id
        )
        first.end(end_time_ns=ended.end_time_ns)
        with mlflow.start_span("new") as new:
            pass
        below_root = LiveSpan.from_immutable_span(new.to_immutable_span(), trace_id=outer.trace_id)
        assert below_root.parent_id == outer.span_id
        below_root.end()
    mlflow.flush_trace_async_logging()
    spans = {s.name: s for s in mlflow.get_trace(outer.trace_id).data.spans}
    assert spans["ended"].parent_id == spans["outer"].span_id
    assert spans["ended"].span_id == ended.span_id
    assert spans["ended"].end_time_ns == ended.end_time_ns
    with pytest.raises(MlflowException, match="has ended"):
        LiveSpan.from_immutable_span(ended, trace_id=outer.trace_id)
