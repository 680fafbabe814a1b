"""Spans as other libraries send them, and what a server makes of them.

    python -m tests.server.foreign PORT > tests/data/foreign-spans.json

records what the reference makes of them, on a server of it at that port.
"""

from __future__ import annotations

import json
import sys
import uuid
from typing import Any

from tests.server.replay import send


def _openinference(kind: str, **more: Any) -> dict[str, Any]:
    return {"openinference.span.kind": kind, **more}


_MESSAGES = [{"role": "system", "content": "be"}, {"role": "user", "content": "hi"}]
_PARTS = [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]
_TOOL = {"type": "function", "name": "f"}

#: Attributes of a span, by what they show.
CASES: dict[str, dict[str, Any]] = {
    "no convention": {"foo": "bar", "json": '{"a": 1}', "quoted": '"x"', "number": "5", "n": 1},
    "texts that are no JSON": {"a": "{bad", "b": "", "c": '"', "d": "[1] x", "e": "null"},
    "mlflow's own as text": {
        "mlflow.spanType": "LLM",
        "mlflow.spanInputs": json.dumps({"messages": _MESSAGES}),
        "mlflow.spanOutputs": "plain",
        "mlflow.chat.tokenUsage": '{"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}',
    },
    "mlflow's own count first": {
        "mlflow.spanType": "AGENT",
        "gen_ai.operation.name": "chat",
        "mlflow.spanInputs": "mine",
        "gen_ai.input.messages": "theirs",
        "mlflow.chat.tokenUsage": '{"input_tokens": 1}',
        "gen_ai.usage.input_tokens": 5,
        "mlflow.llm.model": "mine",
        "gen_ai.request.model": "theirs",
    },
    "gen_ai chat": {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.system": "other",
        "gen_ai.request.model": "m",
        "gen_ai.response.model": "m-1",
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 4,
        "gen_ai.usage.cache_read.input_tokens": 1,
        "gen_ai.usage.cache_creation.input_tokens": 2,
        "gen_ai.input.messages": json.dumps(_PARTS),
        "gen_ai.output.messages": json.dumps(_PARTS),
        "gen_ai.conversation.id": "c1",
        "gen_ai.tool.definitions": json.dumps([_TOOL]),
    },
    "gen_ai tool": {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "f",
        "gen_ai.tool.call.arguments": '{"a": 1}',
        "gen_ai.tool.call.result": '{"r": 1}',
    },
    "gen_ai messages that are texts": {"gen_ai.input.messages": "q", "gen_ai.output.messages": "a"},
    "gen_ai without operation": {"gen_ai.request.model": "m", "gen_ai.system": "s"},
    "gen_ai half of the tokens": {"gen_ai.usage.output_tokens": 3},
    "session counts before conversation": {"gen_ai.conversation.id": "c", "session.id": "s"},
    "openinference llm": _openinference(
        "LLM",
        **{
            "input.value": json.dumps({"messages": _MESSAGES}),
            "input.mime_type": "application/json",
            "output.value": json.dumps(
                {"choices": [{"message": {"role": "assistant", "content": "yo"}}]}
            ),
            "llm.model_name": "m",
            "llm.provider": "azure",
            "llm.system": "openai",
            "llm.token_count.prompt": 3,
            "llm.token_count.completion": 4,
            "llm.token_count.total": 9,
            "llm.token_count.prompt_details.cache_read": 1,
            "llm.token_count.prompt_details.cache_write": 2,
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.content": "hi",
            "session.id": "s",
            "user.id": "u",
            "metadata": '{"a": 1}',
            "tag.tags": ["x"],
        },
    ),
    "openinference chain of texts": _openinference("CHAIN", **{"input.value": "q"}),
    "openinference embedding": _openinference("EMBEDDING", **{"embedding.model_name": "e"}),
    "openinference total only": {"llm.token_count.total": 4},
    "openllmetry workflow": {
        "traceloop.span.kind": "workflow",
        "traceloop.entity.input": '{"args": [1]}',
        "traceloop.entity.output": '"out"',
    },
    "openllmetry call": {
        "llm.request.type": "chat",
        "gen_ai.system": "OpenAI",
        "gen_ai.request.model": "m",
        "gen_ai.response.model": "m-1",
        "gen_ai.prompt.0.role": "user",
        "gen_ai.prompt.0.content": "hi",
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.content": "yo",
        "gen_ai.usage.prompt_tokens": 3,
        "gen_ai.usage.completion_tokens": 4,
        "llm.usage.total_tokens": 9,
    },
    "vercel call": {
        "ai.operationId": "ai.generateText.doGenerate",
        "ai.prompt.messages": json.dumps(_MESSAGES),
        "ai.prompt.tools": [json.dumps(_TOOL)],
        "ai.prompt.toolChoice": '{"type": "auto"}',
        "ai.response.text": "yo",
        "ai.response.toolCalls": '[{"a": 1}]',
        "ai.usage.promptTokens": 3,
        "gen_ai.request.model": "m",
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 4,
    },
    "vercel around calls": {
        "ai.operationId": "ai.streamText",
        "ai.prompt": '{"prompt": "hi"}',
        "ai.response.text": "yo",
        "ai.model.id": "m",
        "ai.usage.promptTokens": 3,
    },
    "vercel tool": {
        "ai.operationId": "ai.toolCall",
        "ai.toolCall.args": '{"a": 1}',
        "ai.toolCall.result": '{"r": 2}',
    },
    "vercel many embeddings": {
        "ai.operationId": "ai.embedMany",
        "ai.values": ['"a"'],
        "ai.embeddings": ["[1]"],
    },
    "langfuse": {
        "langfuse.observation.type": "generation",
        "langfuse.observation.input": "q",
        "langfuse.observation.output": "a",
    },
    "google's agents": {
        "gcp.vertex.agent.llm_request": '{"a": 1}',
        "gcp.vertex.agent.llm_response": '{"b": 1}',
    },
    "several at once": {
        "openinference.span.kind": "TOOL",
        "gen_ai.operation.name": "chat",
        "traceloop.span.kind": "workflow",
        "ai.operationId": "ai.embed",
        "input.value": "1",
        "gen_ai.input.messages": "2",
        "traceloop.entity.input": "3",
        "gen_ai.output.messages": "2",
        "traceloop.entity.output": "3",
        "ai.response.text": "4",
        "llm.token_count.prompt": 1,
        "gen_ai.usage.input_tokens": 2,
        "llm.model_name": "1",
        "gen_ai.response.model": "2",
    },
    **{
        f"{key} {kind}": {key: kind}
        for key, kinds in {
            "gen_ai.operation.name": "chat text_completion generate_content embeddings execute_tool"
            " create_agent invoke_agent CHAT other",
            "openinference.span.kind": "LLM CHAIN AGENT TOOL RETRIEVER EMBEDDING RERANKER GUARDRAIL"
            " EVALUATOR UNKNOWN PROMPT llm",
            "traceloop.span.kind": "workflow task agent tool unknown Workflow",
            "ai.operationId": "ai.generateObject ai.generateObject.doGenerate ai.streamObject"
            " ai.embed ai.embed.doEmbed ai.other",
        }.items()
        for kind in kinds.split()
    },
}


def made_of(port: int, attributes: dict[str, Any], events: list[Any] = ()) -> dict[str, Any]:
    """What a server makes of a span: its attributes that are MLflow's or have changed, and what the
    trace says.

    Args:
        events: Pairs of a name and attributes.
    """
    trace_id = uuid.uuid4().hex
    span = {
        "traceId": trace_id,
        "spanId": "0000000000000001",
        "name": "s",
        "startTimeUnixNano": "1700000000000000000",
        "endTimeUnixNano": "1700000000010000000",
        "attributes": _pairs(attributes),
        "events": [
            {"timeUnixNano": "1700000000000000001", "name": name, "attributes": _pairs(said)}
            for name, said in events
        ],
    }
    resource = {"attributes": _pairs({"service.name": "shop", "telemetry.sdk.name": "x"})}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}
    headers = {"x-mlflow-experiment-id": "0", "Content-Type": "application/json"}
    answer = send(port, "POST", "/v1/traces", headers=headers, body=json.dumps(body).encode())
    assert answer.status == 200, answer.body
    path = f"/api/3.0/mlflow/traces/get?trace_id=tr-{trace_id}"
    trace = send(port, "GET", path).json()["trace"]
    kept = {pair["key"]: _value(pair.get("value")) for pair in trace["spans"][0]["attributes"]}
    assert kept.keys() >= attributes.keys()
    info = trace["trace_info"]
    own = ("mlflow.artifactLocation", "mlflow.trace.spansLocation")
    return {
        "attributes": {
            key: value
            for key, value in kept.items()
            if (key not in attributes or attributes[key] != value)
            and key != "mlflow.traceRequestId"
        },
        "previews": [info.get("request_preview"), info.get("response_preview")],
        "metadata": {
            k: json.loads(v) if k.endswith((".tokenUsage", ".cost")) else v
            for k, v in info.get("trace_metadata", {}).items()
        },
        "tags": {k: v for k, v in info["tags"].items() if k not in own},
    }


def _pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _message(value)} for key, value in attributes.items()]


def _message(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {"arrayValue": {"values": [_message(part) for part in value]}}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}


def _value(message: dict[str, Any] | None) -> Any:
    if not message:
        return None
    ((kind, value),) = message.items()
    if kind == "array_value":
        return [_value(part) for part in value.get("values", ())]
    if kind == "kvlist_value":
        return {pair["key"]: _value(pair.get("value")) for pair in value.get("values", ())}
    return int(value) if kind == "int_value" else value


if __name__ == "__main__":
    found = {name: made_of(int(sys.argv[1]), case) for name, case in CASES.items()}
    for made in found.values():  # by a table of prices that is its own
        made["attributes"].pop("mlflow.llm.cost", None)
        made["metadata"].pop("mlflow.trace.cost", None)
    print(json.dumps(found, indent=1, sort_keys=True))
