"""Traces, all in `nlp/assistant` (its own experiment), newest last in this list.

* 190 of `support_agent`, `rag` and `summarise`, one each 37 minutes: sessions `chat-00` … `chat-29`
  (of 4 traces each, those of the other 70 have none), users ann, bo, Zoë; 21 ERROR, 3 IN_PROGRESS;
  tokens and cost; tag `env` (prod, test); feedback `relevance` (by a judge), `score` (by code), and
  the expectation `answer` (by ann) on some. An agent calls a model and tools, in messages as OpenAI
  writes them; every third has a retriever with documents.
* `waterfall`: spans of 100, 40, 20, 30 and 10 ms, of which `tool` failed with a stack
  (`Seed.traces["waterfall"]`; in `WATERFALL` are their names, starts and lengths)
* `anthropic`, `langchain`, `gemini`: messages as these write them, with tool calls
* `hostile`: names, messages, attributes, tags, sessions and assessments that are markup, scripts,
  addresses of scripts and bidirectional text
* `empty`: no spans. `deep`: 300 spans, each in the one before. `links`: of a run and a logged model
  (`baseline` and `classifier` of `vision/churn` are in another experiment, so these are dangling)
* `in-run`: five more in `vision/churn`, of the run `baseline` and its model `classifier`
* `big`: 10 000 spans
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlflow.entities import (
    AssessmentSource,
    Expectation,
    Feedback,
    Span,
    TraceInfo,
    TraceLocation,
    TraceState,
)

if TYPE_CHECKING:
    from tests.ui.seed import Seed

BIG = 10_000
"""Spans of the trace `big`."""
WATERFALL = (
    ("agent", 0, 100),
    ("plan", 0, 40),
    ("model", 10, 20),
    ("tool", 45, 30),
    ("end", 90, 10),
)
"""Name, start and length in milliseconds of the spans of `waterfall`."""
HOSTILE = "<img src=x onerror=\"window.pwned='trace'\"><script>window.pwned='trace'</script>"
SCRIPT = "javascript:window.pwned='link'"

_MINUTE = 60_000
_QUESTIONS = (
    "What is the capital of France?",
    "How do I reset my password?",
    "Summarise this contract in three bullet points.",
    "Which trains leave Zürich after 18:00?",
    "Is my order 4711 on its way?",
)


@dataclass
class _Span:
    """A span to be made; times in milliseconds since the trace began."""

    name: str
    start: float
    end: float | None
    type: str = "UNKNOWN"
    parent: int | None = None
    """The place of its parent in the list."""
    inputs: Any = None
    outputs: Any = None
    error: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)


class _Writer:
    """Writes traces into the store; times go up, so that ids are in order."""

    def __init__(self, seed: Seed, store: Any, experiment: str):
        self._seed, self._store, self.experiment = seed, store, experiment
        self._rng = random.Random(7)

    def write(
        self,
        name: str,
        start: int,
        spans: list[_Span],
        *,
        state: TraceState | None = None,
        metadata: dict[str, str] | None = None,
        tags: dict[str, str] | None = None,
        request: Any = None,
        response: Any = None,
        assessments: Iterable[Any] = (),
    ) -> str:
        number = self._rng.getrandbits(128)
        trace_id = f"tr-{number:032x}"
        ended = [span.end for span in spans if span.end is not None]
        failed = any(span.error for span in spans[:1])
        root = spans[0] if spans else None
        request = request if root is None else root.inputs
        response = response if root is None else root.outputs
        state = state or (TraceState.ERROR if failed else TraceState.OK)
        running = state == TraceState.IN_PROGRESS
        if spans:
            made = [self._span(trace_id, number, start, i, span) for i, span in enumerate(spans)]
            self._store.log_spans(self.experiment, made)
        self._store.start_trace(
            TraceInfo(
                trace_id=trace_id,
                trace_location=TraceLocation.from_experiment_id(self.experiment),
                request_time=start,
                execution_duration=None if running else round(max(ended, default=0)),
                state=state,
                request_preview=None if request is None else json.dumps(request)[:1000],
                response_preview=None if response is None else json.dumps(response)[:1000],
                trace_metadata={"mlflow.trace_schema.version": "3", **(metadata or {})},
                tags={"mlflow.traceName": name, **(tags or {})},
            )
        )
        for assessment in assessments:
            assessment.trace_id = trace_id
            self._store.create_assessment(assessment)
        return trace_id

    def _span(self, trace_id: str, number: int, start: int, i: int, span: _Span) -> Span:
        begin = start * 1_000_000
        attributes = {"mlflow.traceRequestId": trace_id, "mlflow.spanType": span.type}
        if span.inputs is not None:
            attributes["mlflow.spanInputs"] = span.inputs
        if span.outputs is not None:
            attributes["mlflow.spanOutputs"] = span.outputs
        attributes |= span.attributes
        events = list(span.events)
        if span.error:
            kind, _, message = span.error.partition(": ")
            stack = f'Traceback (most recent call last):\n  File "app.py", line 7\n{span.error}'
            events.append(
                {
                    "name": "exception",
                    "time_unix_nano": begin + round((span.end or 0) * 1e6),
                    "attributes": {
                        "exception.type": kind,
                        "exception.message": message,
                        "exception.stacktrace": stack,
                    },
                }
            )
        code = "ERROR" if span.error else "UNSET" if span.end is None else "OK"
        return Span.from_dict(
            {
                "trace_id": base64.b64encode(number.to_bytes(16, "big")).decode(),
                "span_id": _span_id(number, i),
                "parent_span_id": None if span.parent is None else _span_id(number, span.parent),
                "name": span.name,
                "start_time_unix_nano": begin + round(span.start * 1e6),
                "end_time_unix_nano": None if span.end is None else begin + round(span.end * 1e6),
                "events": events,
                "status": {"code": f"STATUS_CODE_{code}", "message": span.error},
                "attributes": {key: json.dumps(value) for key, value in attributes.items()},
                "links": [],
            }
        )


def _span_id(number: int, i: int) -> str:
    """Different in each trace, and never 0."""
    return base64.b64encode((((number >> 64) + i) % (1 << 63) + 1).to_bytes(8, "big")).decode()


def log(store: Any, seed: Seed) -> None:
    """All of it, into a tracking store."""
    writer = _Writer(seed, store, seed.experiments["nlp/assistant"])
    rng = random.Random(8)
    first = seed.now - 200 * 37 * _MINUTE
    for i in range(190):
        _one_of_many(writer, rng, i, first + i * 37 * _MINUTE)
    start = first + 190 * 37 * _MINUTE
    special = {
        "waterfall": _waterfall(),
        "anthropic": _anthropic(),
        "langchain": _langchain(),
        "gemini": _gemini(),
        "deep": _deep(),
        "big": _big(),
    }
    for i, (name, spans) in enumerate(special.items()):
        seed.traces[name] = writer.write(name, start + i * _MINUTE, spans)
    seed.traces["empty"] = writer.write("empty", start + 7 * _MINUTE, [], request="nothing")
    seed.traces["hostile"] = _hostile(writer, start + 8 * _MINUTE)
    in_run = _Writer(seed, store, seed.experiments["vision/churn"])
    in_run._rng.seed(9)
    for i in range(5):
        seed.traces[f"in-run-{i}"] = in_run.write(
            "predict",
            seed.now - (50 - i) * _MINUTE,
            [_Span("predict", 0, 12 + i, "TOOL", inputs={"rows": i}, outputs=[0.1, 0.9])],
            metadata={
                "mlflow.sourceRun": seed.runs["baseline"],
                "mlflow.modelId": seed.models["classifier"],
            },
        )


def _one_of_many(writer: _Writer, rng: random.Random, i: int, start: int) -> None:
    question = _QUESTIONS[i % len(_QUESTIONS)]
    name = ("support_agent", "rag", "summarise")[i % 3]
    length = 10 ** rng.uniform(1.8, 4.2)
    failed, running = i % 9 == 4, i in (60, 120, 189)
    tokens = {"input_tokens": rng.randint(40, 900), "output_tokens": rng.randint(10, 400)}
    tokens["total_tokens"] = sum(tokens.values())
    metadata = {"mlflow.trace.user": ("ann", "bo", "Zoë")[i % 3]}
    if not running:
        metadata["mlflow.trace.tokenUsage"] = json.dumps(tokens)
        metadata["mlflow.trace.cost"] = json.dumps({"total_cost": tokens["total_tokens"] * 4e-6})
    if i < 120:
        metadata["mlflow.trace.session"] = f"chat-{i // 4:02}"
    spans = _agent(rng, name, question, length, failed and not running, tokens, i % 3 == 1)
    if running:
        spans[0].end, spans[0].outputs = None, None
    writer.write(
        name,
        start,
        spans,
        state=TraceState.IN_PROGRESS if running else None,
        metadata=metadata,
        tags={"env": "prod" if i % 4 else "test"},
        assessments=_said(rng, i),
    )


def _agent(rng, name, question, length, failed, tokens, retrieves) -> list[_Span]:
    messages = [
        {"role": "system", "content": "You answer questions of customers, and are kind."},
        {"role": "user", "content": question},
    ]
    called = {"id": "call_1", "type": "function"}
    called["function"] = {"name": "look_up", "arguments": json.dumps({"query": question})}
    asked = {"role": "assistant", "content": None, "tool_calls": [called]}
    answer = f"Here is what I found about “{question}”\n\nIt is all in the manual."
    used = {"mlflow.chat.tokenUsage": tokens, "mlflow.llm.model": "gpt-4o"}
    end = length
    spans = [
        _Span(name, 0, end, "AGENT", None, {"question": question}, None if failed else answer),
        _Span("think", end * 0.02, end * 0.3, "CHAT_MODEL", 0, {"messages": messages}),
        _Span("look_up", end * 0.32, end * 0.6, "TOOL", 0, {"query": question}),
    ]
    spans[1].outputs = {"choices": [{"index": 0, "message": asked, "finish_reason": "tool_calls"}]}
    spans[1].attributes = used
    if failed:
        spans[0].error = spans[2].error = "TimeoutError: the manual did not answer"
        spans[0].end = end * 0.61
        return spans
    spans[2].outputs = {"found": rng.randint(1, 9)}
    if retrieves:
        pages = [{"page_content": f"Page {n}: {question}", "metadata": {"page": n}} for n in (1, 2)]
        spans.append(_Span("retrieve", end * 0.35, end * 0.55, "RETRIEVER", 2, {"k": 2}, pages))
    told = {"role": "tool", "tool_call_id": "call_1", "content": '{"found": 3}'}
    spans.append(
        _Span(
            "answer",
            end * 0.62,
            end * 0.98,
            "CHAT_MODEL",
            0,
            {"model": "gpt-4o", "messages": [*messages, asked, told]},
            {"choices": [{"message": {"role": "assistant", "content": answer}}]},
        )
    )
    return spans


def _said(rng: random.Random, i: int) -> list[Any]:
    said: list[Any] = []
    if i % 2 == 0:
        judge = AssessmentSource("LLM_JUDGE", "gpt-4o")
        good = rng.random() < 0.8
        why = "It answers the question." if good else "It is about something else."
        said.append(Feedback("relevance", good, source=judge, rationale=why))
    if i % 5 == 0:
        said.append(
            Feedback("score", round(rng.random(), 2), source=AssessmentSource("CODE", "f1"))
        )
    if i % 10 == 0:
        said.append(
            Expectation("answer", {"text": "Paris"}, source=AssessmentSource("HUMAN", "ann"))
        )
    return said


def _waterfall() -> list[_Span]:
    parents = {"plan": 0, "model": 1, "tool": 0, "end": 0}
    types = {"agent": "AGENT", "plan": "CHAIN", "model": "LLM", "tool": "TOOL", "end": "PARSER"}
    return [
        _Span(
            name,
            start,
            start + length,
            types[name],
            parents.get(name),
            {"step": name},
            f"{name} is done",
            "ValueError: no such city" if name == "tool" else "",
        )
        for name, start, length in WATERFALL
    ]


def _anthropic() -> list[_Span]:
    use = {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Bern"}}
    result = [{"type": "tool_result", "tool_use_id": "t1", "content": "3 °C, rain"}]
    messages = [
        {"role": "user", "content": "How is the weather in Bern?"},
        {"role": "assistant", "content": [{"type": "text", "text": "I look it up."}, use]},
        {"role": "user", "content": result},
    ]
    said = {"role": "assistant", "content": [{"type": "text", "text": "It rains, at 3 °C."}]}
    given = {"system": "You are a weather service.", "messages": messages, "max_tokens": 100}
    return [_Span("anthropic", 0, 840, "CHAT_MODEL", None, given, said)]


def _langchain() -> list[_Span]:
    human = {"type": "human", "content": "Translate: good morning"}
    ai = {"type": "ai", "content": "Guten Morgen"}
    found = {"generations": [[{"text": "Guten Morgen", "message": ai}]]}
    return [
        _Span("langchain", 0, 420, "CHAIN", None, {"text": "good morning"}, "Guten Morgen"),
        _Span("ChatOpenAI", 10, 400, "CHAT_MODEL", 0, [[human]], found),
    ]


def _gemini() -> list[_Span]:
    said = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Seven."}]}}]}
    asked = {"contents": [{"role": "user", "parts": [{"text": "How many dwarfs?"}]}]}
    return [_Span("gemini", 0, 333, "CHAT_MODEL", None, asked, said)]


def _deep() -> list[_Span]:
    return [_Span(f"level {i}", i, 600 - i, "CHAIN", i - 1 if i else None) for i in range(300)]


def _big() -> list[_Span]:
    """A root, 99 questions, and 9900 calls: 100 below each question."""
    spans = [_Span("evaluate", 0, 99_000, "EVALUATOR", None, {"questions": 99}, {"score": 0.8})]
    for q in range(99):
        at = len(spans)
        spans.append(_Span(f"question {q}", q * 1000, q * 1000 + 990, "CHAIN", 0))
        for c in range(100):
            start = q * 1000 + c * 9.9
            kind = ("LLM", "TOOL", "RETRIEVER", "PARSER")[c % 4]
            error = "ValueError: not a number" if (q, c) in ((50, 50), (98, 99)) else ""
            spans.append(_Span(f"call {q}.{c}", start, start + 8, kind, at, c, c * c, error))
    assert len(spans) == BIG
    return spans


def _hostile(writer: _Writer, start: int) -> str:
    messages = [
        {"role": "user", "content": HOSTILE},
        {"role": HOSTILE, "content": [{"type": "image_url", "image_url": {"url": SCRIPT}}]},
        {"role": "assistant", "content": f"[press]({SCRIPT}) \u202etxet", "name": HOSTILE},
    ]
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/spy.png"}}
    spans = [
        _Span(HOSTILE, 0, 10, HOSTILE, None, {"messages": messages}, {"html": HOSTILE}),
        _Span("picture", 1, 9, "LLM", 0, [{"role": "user", "content": [picture]}], SCRIPT),
    ]
    spans[0].attributes = {HOSTILE: HOSTILE, "__proto__": {"polluted": True}}
    spans[0].events = [
        {"name": HOSTILE, "time_unix_nano": start * 1_000_000, "attributes": {"url": SCRIPT}}
    ]
    return writer.write(
        HOSTILE[:100],
        start,
        spans,
        metadata={"mlflow.trace.session": "<b>&\"' #?%/s", "mlflow.trace.user": HOSTILE[:100]},
        tags={"<b>tag</b>": HOSTILE},
        assessments=[
            Feedback(
                "<b>f</b>", HOSTILE, source=AssessmentSource("HUMAN", HOSTILE), rationale=HOSTILE
            )
        ],
    )
