"""What traced programs do, on this library or on the reference: each function is one program, and
`main` writes down the traces that it left. Run it with the reference to make the golden file:

    python tests/tracing/scenarios.py tests/data/tracing-golden.json
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import mlflow
from mlflow.entities import Link, SpanEvent, SpanType


def decorated():
    @mlflow.trace
    def add(x, y=2, *rest, **more):
        return x + y

    @mlflow.trace(name="outer", span_type=SpanType.AGENT, attributes={"a": 1, "b": [1, {"c": 2}]})
    def outer(q):
        return add(q, 3, 4, z=5) + add(1)

    outer(10)


def nested_function_names():
    @mlflow.trace
    def same(n):
        return n and same(n - 1)

    same(3)


def methods():
    class Thing:
        @mlflow.trace
        def plain(self, x):
            return x

        @mlflow.trace
        @classmethod
        def inner_class(cls, x):
            return x

        @classmethod
        @mlflow.trace
        def outer_class(cls, x):
            return x

        @mlflow.trace
        @staticmethod
        def inner_static(x):
            return x

        @staticmethod
        @mlflow.trace
        def outer_static(x):
            return x

    thing = Thing()
    thing.plain(1)
    thing.inner_class(2)
    thing.outer_class(3)
    thing.inner_static(4)
    thing.outer_static(5)
    Thing.inner_class(6)
    Thing.inner_static(7)


def asynchronous():
    @mlflow.trace
    async def leaf(i):
        await asyncio.sleep(0)
        return i * 2

    @mlflow.trace
    async def root():
        return await asyncio.gather(*[leaf(i) for i in range(3)])

    asyncio.run(root())


def generators():
    @mlflow.trace
    def numbers(n):
        for i in range(n):
            with mlflow.start_span(f"step_{i}"):
                yield i
        return "end"

    @mlflow.trace(output_reducer=sum)
    def reduced(n):
        yield from range(n)

    @mlflow.trace(output_reducer=lambda chunks: 1 / 0)
    def badly_reduced(n):
        yield from range(n)

    @mlflow.trace
    def failing():
        yield 1
        raise ValueError("no more")

    @mlflow.trace
    async def asynchronous(n):
        for i in range(n):
            yield {"i": i}

    @mlflow.trace
    def never_consumed():
        yield 1

    async def consume():
        return [x async for x in asynchronous(3)]

    list(numbers(3))
    list(reduced(4))
    list(badly_reduced(2))
    try:
        list(failing())
    except ValueError:
        pass
    asyncio.run(consume())
    never_consumed()


def generator_inside():
    @mlflow.trace
    def stream():
        yield "a"
        yield "b"

    @mlflow.trace
    def outer():
        return "".join(stream())

    outer()


def errors():
    @mlflow.trace
    def inner():
        raise KeyError("k")

    @mlflow.trace
    def outer():
        inner()

    @mlflow.trace
    def handled():
        try:
            inner()
        except KeyError:
            return "fine"

    for function in (outer, handled):
        try:
            function()
        except KeyError:
            pass
    try:
        with mlflow.start_span("block") as span:
            span.set_inputs({"x": 1})
            raise ValueError("in the block")
    except ValueError:
        pass


def spans_by_hand():
    with mlflow.start_span() as unnamed:
        unnamed.set_outputs(1)
    with mlflow.start_span(
        "root",
        span_type="CUSTOM",
        attributes={"k": "v"},
        log_level="WARNING",
        description="says what it is",
    ) as root:
        root.set_inputs({"messages": [{"role": "user", "content": "hi"}]})
        root.set_attribute("set", ["a", 1, None])
        root.set_attributes({"more": {"deep": (1, 2)}, "int": 3, "none": None, "float": 1.5})
        root.add_event(SpanEvent("happened", attributes={"a": 1}))
        with mlflow.start_span("root") as child:
            child.set_status("ERROR")
            child.record_exception(ValueError("recorded"))
            child.set_span_type(SpanType.TOOL)
        with mlflow.start_span("other", links=[Link("tr-" + "1" * 32, "2" * 16, {"why": "x"})]):
            pass
        root.set_outputs({"answer": [1.5, None, "é"]})
        root.set_status("OK")


def spans_without_context():
    root = mlflow.start_span_no_context(
        "root", inputs={"q": 1}, attributes={"x": "y"}, tags={"t": "1"}, metadata={"m": "2"}
    )
    child = mlflow.start_span_no_context("child", "LLM", root, inputs="text")
    child.end(outputs={"o": 1}, attributes={"late": True}, status="ERROR")
    with mlflow.start_span("apart"):
        pass
    root.set_outputs("done")
    root.end()
    root.end()
    at = mlflow.start_span_no_context("timed", start_time_ns=1_700_000_000_000_000_000)
    at.end(end_time_ns=1_700_000_001_500_000_000)


def client_spans():
    client = mlflow.MlflowClient()
    root = client.start_trace("root", inputs={"a": 1}, attributes={"x": 1}, tags={"tag": "v"})
    child = client.start_span("child", root.request_id, root.span_id, inputs={"b": 2})
    client.end_span(root.request_id, child.span_id, outputs=3, attributes={"y": 2})
    client.set_trace_tag(root.trace_id, "while", "open")
    client.end_trace(root.trace_id, outputs={"c": 4}, status="OK")
    client.set_trace_tag(root.trace_id, "after", "closed")
    client.delete_trace_tag(root.trace_id, "tag")


def updates():
    @mlflow.trace
    def f(x):
        mlflow.update_current_trace(
            tags={"t": "1", "n": 5},
            metadata={"mlflow.trace.user": "ann", "mlflow.trace.session": "s-1", "m": 2},
            client_request_id="req-1",
        )
        return x

    @mlflow.trace
    def previews(x):
        mlflow.update_current_trace(
            request_preview="in",
            response_preview="out",
            state="ERROR",
            session_id="s-2",
            user="bob",
        )
        return x

    f(1)
    previews(2)
    with mlflow.tracing.context(metadata={"cm": "1"}, tags={"ct": "2"}, session_id="s3", user="u3"):
        f(3)
        with mlflow.start_span("second"):
            mlflow.update_current_trace(tags={"ct": "over"})
    with mlflow.tracing.context(enabled=False):
        f(4)


@dataclass
class Point:
    x: int
    y: Any


def odd_values():
    class Custom:
        def __repr__(self):
            return "<custom>"

    @mlflow.trace
    def f(value):
        return value

    for value in (
        None,
        1,
        1.5,
        float("nan"),
        "text",
        "",
        b"bytes",
        {1: 2},
        {"a": {3, 1}},
        (1, 2),
        Custom(),
        [Custom()],
        Point(1, Point(2, None)),
        datetime(2026, 1, 2, 3, 4, 5),
        Exception("e"),
        f,
        int,
        10**30,
        {"k": Custom()},
        True,
    ):
        f(value)


def frames():
    import numpy as np
    import pandas as pd
    import pydantic

    class Model(pydantic.BaseModel):
        a: int
        b: list[float]

    @mlflow.trace
    def f(value):
        return value

    f(np.array([[1.5, 2], [3, 4]]))
    f(np.float32(2.5))
    f(np.int64(7))
    f(pd.DataFrame({"a": [1, 2]}))
    f(pd.Series([1, 2]))
    f(Model(a=1, b=[2]))
    f([Model(a=1, b=[2])])


def previews():
    @mlflow.trace
    def f(value):
        return value

    @mlflow.trace
    def chat(messages, model="m"):
        return {"choices": [{"message": {"role": "assistant", "content": "the answer"}}]}

    @mlflow.trace
    def two(a, b):
        return {
            "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "last"}]
        }

    def single(inputs, outputs):
        with mlflow.start_span("single") as span:
            span.set_inputs(inputs)
            span.set_outputs(outputs)

    f("x" * 2000)
    f({"k": "v" * 2000})
    two(1, "b")
    chat(
        [
            {"role": "system", "content": "sys"},
            {"role": "user", "content": "first"},
            {"role": "assistant", "content": "mid"},
            {"role": "user", "content": "second"},
        ]
    )
    chat(
        [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "part 1"},
                    {"type": "image_url", "image_url": {"url": "u"}},
                    {"type": "text", "text": "part 2"},
                ],
            }
        ]
    )
    chat([{"role": "system", "content": "only system"}])
    chat([{"role": "user", "content": "y" * 1500}])
    single({"messages": [{"role": "user", "content": "m1"}], "temperature": 0}, "plain")
    single([{"role": "user", "content": "list"}], [{"role": "assistant", "content": "listed"}])
    single(
        {"input": [{"role": "user", "content": "responses in"}]},
        {
            "output": [
                {
                    "type": "message",
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": "responses out"}],
                }
            ]
        },
    )
    single({"input": "text in"}, {"output": [{"type": "function_call", "name": "f"}]})
    single(
        {"request": {"messages": [{"role": "user", "content": "wrapped"}]}}, {"output_text": "o"}
    )
    single("text", {"choices": []})
    single({"messages": "no list"}, {"choices": [{"message": {"content": None}}]})
    single({"a": {"messages": [{"role": "user", "content": "deep"}]}, "b": 1}, {"content": "c"})
    single(
        {"messages": [{"role": "user", "content": "c1"}]},
        {
            "choices": [
                {"message": {"role": "assistant", "content": [{"type": "text", "text": "t"}]}}
            ]
        },
    )
    single({"messages": []}, {"messages": []})
    single({"messages": [{"content": "no role"}]}, {"role": "assistant", "content": "one message"})
    single({"query": "é" * 700}, "é" * 1200)
    single({"contents": "gemini"}, {"candidates": [{"content": {"parts": [{"text": "gem"}]}}]})
    single(
        {"messages": [{"role": "user", "content": "a"}, {"role": "tool", "content": "t"}]},
        {"content": [{"type": "text", "text": "anthropic"}], "role": "assistant"},
    )
    single({"messages": [[{"type": "human", "content": "lc"}]]}, {"generations": [[{"text": "g"}]]})
    single(
        {"history": [{"role": "user", "content": "x"}]},
        {"response": {"role": "assistant", "content": "x"}},
    )
    single(None, None)
    single({}, {})
    single(
        {"messages": [{"type": "human", "content": "lc2"}]},
        {"messages": [{"type": "ai", "content": "lc3"}]},
    )
    single(
        {"messages": [{"role": "user", "content": {"a": 1}}]}, {"choices": [{"text": "completion"}]}
    )


def token_usage():
    with mlflow.start_span("root") as root:
        with mlflow.start_span("llm1", span_type="CHAT_MODEL") as a:
            a.set_attribute(
                "mlflow.chat.tokenUsage",
                {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15},
            )
            a.set_attribute("mlflow.llm.model", "my-model")
            a.set_attribute("mlflow.llm.provider", "openai")
            with mlflow.start_span("inner") as b:
                b.set_attribute(
                    "mlflow.chat.tokenUsage",
                    {"input_tokens": 100, "output_tokens": 50, "total_tokens": 150},
                )
        with mlflow.start_span("llm2") as c:
            c.set_attribute(
                "mlflow.chat.tokenUsage",
                {
                    "input_tokens": 1,
                    "output_tokens": 2,
                    "total_tokens": 3,
                    "cache_read_input_tokens": 4,
                },
            )
            c.set_attribute(
                "mlflow.llm.cost", {"input_cost": 0.5, "output_cost": 0.25, "total_cost": 0.75}
            )
        with mlflow.start_span("llm3") as d:
            d.set_attribute(
                "mlflow.llm.cost", {"input_cost": 1.0, "output_cost": 2.0, "total_cost": 3.0}
            )
        root.set_outputs(1)
    with mlflow.start_span("model only") as span:
        span.set_attribute("model", "my-model")


def chat_tools():
    from mlflow.tracing import set_span_chat_tools

    with mlflow.start_span("t") as span:
        set_span_chat_tools(
            span,
            [
                {
                    "type": "function",
                    "function": {
                        "name": "add",
                        "description": "adds",
                        "parameters": {
                            "type": "object",
                            "properties": {"a": {"type": "number"}},
                            "required": ["a"],
                        },
                    },
                }
            ],
        )


def runs():
    @mlflow.trace
    def f(x):
        return x

    with mlflow.start_run():
        f(1)
    with mlflow.start_span("before"), mlflow.start_run():
        f(2)


def models():
    @mlflow.trace
    def f(x):
        return x

    model = mlflow.create_external_model("chatbot_agent", model_type="agent", tags={"a": "b"})
    mlflow.set_active_model(model_id=model.model_id)
    f(1)
    mlflow.clear_active_model()
    f(2)

    @mlflow.trace
    def g():
        mlflow.update_current_trace(model_id=model.model_id)

    g()


def disabled():
    @mlflow.trace
    def f(x):
        return x

    mlflow.tracing.disable()
    f(1)
    with mlflow.start_span("none") as span:
        span.set_inputs(1)
        print("noop", type(span).__name__, span.trace_id, span.span_id)
    mlflow.tracing.enable()
    f(2)


def sampling():
    @mlflow.trace(sampling_ratio_override=0.0)
    def never():
        return inside()

    @mlflow.trace
    def inside():
        return 1

    @mlflow.trace(sampling_ratio_override=1.0)
    def always():
        return inside()

    never()
    always()


def threads():
    @mlflow.trace
    def leaf(i):
        return i

    @mlflow.trace
    def root():
        with ThreadPoolExecutor(2) as pool:
            futures = [pool.submit(copy_context().run, leaf, i) for i in range(2)]
            return [f.result() for f in futures]

    root()
    thread = threading.Thread(target=leaf, args=(9,))
    thread.start()
    thread.join()


def headers():
    from mlflow.tracing import (
        get_tracing_context_headers_for_http_request,
        set_tracing_context_from_http_request_headers,
    )

    with mlflow.start_span("client") as span:
        found = get_tracing_context_headers_for_http_request()
        ids = span.trace_id[3:] in found["traceparent"], span.span_id in found["traceparent"]
        print(sorted(found), found["traceparent"][:3], found["traceparent"][-3:], ids)

        def serve():
            with (
                set_tracing_context_from_http_request_headers(found),
                mlflow.start_span("server"),
            ):
                pass

        thread = threading.Thread(target=serve)
        thread.start()
        thread.join()


def log_trace():
    mlflow.log_trace(
        name="logged",
        request="req",
        response={"r": 1},
        intermediate_outputs={"step": [1, 2]},
        tags={"t": "v"},
        start_time_ms=1_700_000_000_000,
        execution_time_ms=1234,
    )


def add_trace():
    with mlflow.start_span("remote") as remote:
        with mlflow.start_span("remote child"):
            remote.set_inputs({"x": 1})
        remote.set_outputs({"y": 2})
    other = mlflow.get_trace(remote.trace_id, flush=True)
    with mlflow.start_span("local"):
        mlflow.add_trace(other.to_dict())


def processors():
    def redact(span):
        span.set_outputs("hidden")

    def broken(span):
        raise ValueError("broken")

    @mlflow.trace
    def f(x):
        return x

    mlflow.tracing.configure(span_processors=[redact])
    f(1)
    with mlflow.tracing.configure(span_processors=[broken]):
        f(2)
    f(3)
    mlflow.tracing.configure(span_processors=[])
    f(4)


def ids():
    @mlflow.trace
    def f():
        print(mlflow.get_active_trace_id() == mlflow.get_current_active_span().trace_id)
        print(re.sub("[0-9a-f]", "x", mlflow.get_active_trace_id()))
        return 1

    print(mlflow.get_active_trace_id(), mlflow.get_current_active_span())
    f()
    print(mlflow.get_last_active_trace_id() == mlflow.get_last_active_trace_id(thread_local=True))


def destination():
    from mlflow.entities.trace_location import MlflowExperimentLocation

    there = mlflow.create_experiment("elsewhere")
    decor = mlflow.create_experiment("decorated")

    @mlflow.trace
    def f(x):
        return x

    @mlflow.trace(trace_destination=MlflowExperimentLocation(decor))
    def g(x):
        return f(x)

    mlflow.tracing.set_destination(MlflowExperimentLocation(there))
    f(1)
    g(2)
    mlflow.tracing.reset()
    f(3)
    with mlflow.start_span("s", trace_destination=MlflowExperimentLocation(decor)):
        pass


SCENARIOS = [
    decorated,
    nested_function_names,
    methods,
    asynchronous,
    generators,
    generator_inside,
    errors,
    spans_by_hand,
    spans_without_context,
    client_spans,
    updates,
    odd_values,
    frames,
    previews,
    token_usage,
    chat_tools,
    runs,
    models,
    disabled,
    sampling,
    threads,
    headers,
    log_trace,
    add_trace,
    processors,
    ids,
    destination,
]


# -- writing down ---------------------------------------------------------------------------


def _plain(value: Any, names: dict[str, str]) -> Any:
    """The value, with ids, times and places replaced by what they are."""
    if isinstance(value, dict):
        return {_plain(k, names): _plain(v, names) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v, names) for v in value]
    if isinstance(value, str):
        for text, name in names.items():
            value = value.replace(text, name)
        value = re.sub(r" at 0x[0-9a-f]+", " at ADDRESS", value)
        value = re.sub(r"m-[0-9a-f]{32}", "MODEL", value)
        value = re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID", value)
        return re.sub(r"\btr-[0-9a-f]{32}\b", "TRACE-ID", value)
    return value


_LEFT_OUT = (
    "mlflow.trace.spansLocation",
    "mlflow.trace.infoFinalized",
    "mlflow.source.",
    "mlflow.user",
    "mlflow.artifactLocation",
    "mlflow.trace.sizeStats",
    "mlflow.trace.sizeBytes",
    "mlflow.sourceRun",
)


def describe(trace: Any) -> dict[str, Any]:
    """What is the same each time, and in every implementation."""
    whole = trace.to_dict()
    info = whole["info"]
    names = {info["trace_id"]: "TRACE"}
    names[trace.info.trace_id[3:]] = "HEX"
    spans = sorted(trace.data.spans, key=lambda s: (s.start_time_ns, s.name))
    for n, span in enumerate(spans):
        names[span.span_id] = f"SPAN{n}"
    known = {s.span_id: n for n, s in enumerate(spans)}
    metadata = dict(info.get("trace_metadata") or {})
    kept = {k: _plain(v, names) for k, v in metadata.items() if not k.startswith(_LEFT_OUT)}
    tags = {k: _plain(v, names) for k, v in info["tags"].items() if not k.startswith(_LEFT_OUT)}
    return {
        "experiment": info["trace_location"]["mlflow_experiment"]["experiment_id"],
        "state": info["state"],
        "request_preview": _plain(info.get("request_preview"), names),
        "response_preview": _plain(info.get("response_preview"), names),
        "client_request_id": info.get("client_request_id"),
        "metadata": kept,
        "metadata_left_out": sorted(k for k in metadata if k.startswith(_LEFT_OUT[2:])),
        "tags": tags,
        "tags_left_out": sorted(k for k in info["tags"] if k.startswith(_LEFT_OUT[2:])),
        "spans": [_span(s, known, names) for s in spans],
    }


def _span(span: Any, known: dict[str, int], names: dict[str, str]) -> dict[str, Any]:
    events = []
    for event in span.events:
        attributes = dict(event.attributes)
        trace = attributes.pop("exception.stacktrace", None)
        if trace is not None:
            attributes["exception.stacktrace"] = trace.strip().splitlines()[-1]
        events.append({"name": event.name, "attributes": attributes})
    parent = span.parent_id
    return _plain(
        {
            "name": span.name,
            "parent": known.get(parent, "unknown") if parent else None,
            "type": span.span_type,
            "status": span.status.status_code.value,
            "description": span.status.description,
            "inputs": span.inputs,
            "outputs": span.outputs,
            "attributes": {
                k: v
                for k, v in sorted(span.attributes.items())
                if k not in ("mlflow.spanInputs", "mlflow.spanOutputs", "mlflow.spanStartTimeNs")
            },
            "events": events,
            "links": [link.to_dict() for link in getattr(span, "links", [])],
        },
        names,
    )


def _order(trace: Any) -> Any:
    return min(s.start_time_ns for s in trace.data.spans), trace.info.tags["mlflow.traceName"]


def run(function: Any, folder: str) -> list[dict[str, Any]]:
    """The traces of one scenario, in a store of its own."""
    mlflow.set_tracking_uri(f"sqlite:///{folder}/{function.__name__}.db")
    mlflow.set_experiment(experiment_id="0")
    function()
    mlflow.flush_trace_async_logging()
    experiments = [e.experiment_id for e in mlflow.search_experiments()]
    traces = mlflow.search_traces(locations=experiments, return_type="list", max_results=1000)
    ordered = sorted(traces, key=_order)
    return [describe(t) for t in ordered]


def run_all(names: list[str], scenarios: list[Any] = SCENARIOS) -> dict[str, Any]:
    """The traces of the scenarios with these names, of all if there are none."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for function in scenarios:
            if not names or function.__name__ in names:
                found[function.__name__] = run(function, folder)
        os.chdir("/")
    return found


if __name__ == "__main__":
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        json.dump(run_all(sys.argv[2:]), out, indent=1, sort_keys=True)
        out.write("\n")
