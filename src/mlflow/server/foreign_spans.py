"""Spans of other conventions, said again in MLflow's own words.

Type, inputs, outputs, tokens, model, provider and tools of a span are known to searches and pages
under MLflow's names. Spans of OpenTelemetry's own conventions, OpenInference, OpenLLMetry, the
Vercel AI SDK and a few more get these beside the attributes that they have. What a span says in
MLflow's names already counts first, then the conventions in the order of the table.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlflow.entities._span_sums import COST, USAGE
from mlflow.entities.span import _decoded

Record = dict[str, Any]


@dataclass(frozen=True)
class Convention:
    """Under which names others say what MLflow knows; of several names the first counts."""

    kind: str = ""
    """The attribute that says what a span is."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """MLflow's types by what it says."""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    usage: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The attributes of each count of tokens."""
    cost: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Those of each cost, in US dollars."""
    models: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()


def _same(*kinds: str) -> dict[str, str]:
    return {kind: kind for kind in kinds}


OPENINFERENCE = Convention(
    "openinference.span.kind",
    _same("LLM", "CHAIN", "AGENT", "TOOL", "RETRIEVER", "EMBEDDING", "RERANKER", "GUARDRAIL")
    | _same("EVALUATOR", "UNKNOWN"),
    ("input.value",),
    ("output.value",),
    {
        "input_tokens": ("llm.token_count.prompt",),
        "output_tokens": ("llm.token_count.completion",),
        "total_tokens": ("llm.token_count.total",),
        "cache_read_input_tokens": ("llm.token_count.prompt_details.cache_read",),
        "cache_creation_input_tokens": ("llm.token_count.prompt_details.cache_write",),
    },
    {
        "input_cost": ("llm.cost.prompt",),
        "output_cost": ("llm.cost.completion",),
        "total_cost": ("llm.cost.total",),
    },
    ("llm.model_name", "embedding.model_name"),
    ("llm.provider",),
)
GEN_AI = Convention(
    "gen_ai.operation.name",
    {
        "chat": "CHAT_MODEL",
        "text_completion": "LLM",
        "generate_content": "LLM",
        "embeddings": "EMBEDDING",
        "execute_tool": "TOOL",
        "create_agent": "AGENT",
        "invoke_agent": "AGENT",
    },
    ("gen_ai.input.messages", "gen_ai.tool.call.arguments"),
    ("gen_ai.output.messages", "gen_ai.tool.call.result"),
    {
        "input_tokens": ("gen_ai.usage.input_tokens",),
        "output_tokens": ("gen_ai.usage.output_tokens",),
        "cache_read_input_tokens": (
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
        ),
        "cache_creation_input_tokens": (
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
        ),
    },
    models=("gen_ai.response.model", "gen_ai.request.model"),
    providers=("gen_ai.provider.name", "gen_ai.system"),
)
OPENLLMETRY = Convention(
    "traceloop.span.kind",
    {kind.lower(): kind for kind in ("WORKFLOW", "TASK", "AGENT", "TOOL", "UNKNOWN")},
    ("traceloop.entity.input",),
    ("traceloop.entity.output",),
    {
        "input_tokens": ("gen_ai.usage.prompt_tokens",),
        "output_tokens": ("gen_ai.usage.completion_tokens",),
        "total_tokens": ("llm.usage.total_tokens",),
    },
)
VERCEL = Convention(
    "ai.operationId",
    {
        f"ai.{name}{step}": kind
        for name, steps, kind in (
            ("generateText", ("", ".doGenerate"), "LLM"),
            ("streamText", ("", ".doStream"), "LLM"),
            ("generateObject", ("", ".doGenerate"), "LLM"),
            ("streamObject", ("", ".doStream"), "LLM"),
            ("embed", ("", ".doEmbed"), "EMBEDDING"),
            ("embedMany", ("", ".doEmbed"), "EMBEDDING"),
            ("toolCall", ("",), "TOOL"),
        )
        for step in steps
    },
    ("ai.prompt", "ai.toolCall.args", "ai.value", "ai.values"),
    (
        "ai.response.text",
        "ai.toolCall.result",
        "ai.response.object",
        "ai.embedding",
        "ai.embeddings",
    ),
)
LANGFUSE = Convention(
    "langfuse.observation.type",
    {"generation": "LLM"},
    ("langfuse.observation.input",),
    ("langfuse.observation.output",),
)
GOOGLE_ADK = Convention(
    inputs=("gcp.vertex.agent.llm_request", "gcp.vertex.agent.tool_call_args"),
    outputs=("gcp.vertex.agent.llm_response", "gcp.vertex.agent.tool_response"),
)
CONVENTIONS = (OPENINFERENCE, GEN_AI, OPENLLMETRY, VERCEL, LANGFUSE, GOOGLE_ADK)

#: The spans of the Vercel AI SDK that are one call of a model: their parts are put together.
_VERCEL_CALLS = ("ai.generateText.doGenerate", "ai.streamText.doStream")
_VERCEL_INPUTS = {
    "format": "ai.prompt.format",
    "messages": "ai.prompt.messages",
    "tools": "ai.prompt.tools",
    "toolChoice": "ai.prompt.toolChoice",
}
_VERCEL_OUTPUTS = {
    "text": "ai.response.text",
    "toolCalls": "ai.response.toolCalls",
    "reasoning": "ai.response.reasoning",
}
#: Messages of which each has attributes with its number: of OpenLLMetry and of OpenInference.
_NUMBERED = re.compile(
    r"(gen_ai\.prompt|gen_ai\.completion|llm\.input_messages|llm\.output_messages)"
    r"\.(\d{1,6})\.(?:message\.)?(role|content)"
)
_NUMBERED_INPUTS = ("gen_ai.prompt", "llm.input_messages")
_NUMBERED_OUTPUTS = ("gen_ai.completion", "llm.output_messages")
_MESSAGE_EVENT = re.compile(r"gen_ai\.(system|user|assistant|tool)\.message")
_CHOICE_EVENT = "gen_ai.choice"
#: How JSON texts begin that may have JSON in them.
_MAY_BE_JSON = ('"{', '"[', '"\\', '" ')
#: Nested more deeply, JSON in a text stays a text.
_DEEPEST = 50


def translate(record: Record) -> None:
    """Add to a span's record what its attributes say in other words than MLflow's."""
    attributes = record["attributes"]
    for key, text in attributes.items():
        if text[:2] in _MAY_BE_JSON and (json_text := _json_in(text)) is not None:
            attributes[key] = json_text
    said = {key: _decoded(text) for key, text in attributes.items()}
    events = [event for event in record["events"] if event["name"].startswith("gen_ai.")]
    for event in events:  # where the contents of a span may be instead
        for key, value in event["attributes"].items():
            if key.startswith("gen_ai."):
                said.setdefault(key, _parsed(value))
    found = {
        "mlflow.spanType": _kind(said),
        "mlflow.llm.model": _first(said, "models"),
        "mlflow.llm.provider": _first(said, "providers"),
        "mlflow.chat.tokenUsage": _usage(said),
        "mlflow.llm.cost": _with_total(_numbers(said, OPENINFERENCE.cost, float), COST),
        "mlflow.chat.tools": said.get("gen_ai.tool.definitions"),
    }
    numbered = _numbered(said)
    inputs, outputs = _first(said, "inputs"), _first(said, "outputs")
    if said.get(VERCEL.kind) in _VERCEL_CALLS:
        found["mlflow.message.format"] = "vercel_ai"
        if inputs is None or inputs == said.get("ai.prompt"):
            inputs = _together(said, _VERCEL_INPUTS)
        if outputs is None or outputs == said.get("ai.response.text"):
            outputs = _together(said, _VERCEL_OUTPUTS)
    if inputs is None:
        inputs = _of_messages(numbered, _NUMBERED_INPUTS, said.get("gen_ai.prompt"))
    if outputs is None:
        outputs = _of_messages(numbered, _NUMBERED_OUTPUTS, said.get("gen_ai.completion"))
    of_events = _of_events(events)
    found["mlflow.spanInputs"] = of_events[0] if inputs is None else inputs
    found["mlflow.spanOutputs"] = of_events[1] if outputs is None else outputs
    for key, value in found.items():
        if value is not None and key not in attributes:
            attributes[key] = json.dumps(value, ensure_ascii=False)


def _kind(said: Mapping[str, Any]) -> str | None:
    for convention in CONVENTIONS:
        kind = said.get(convention.kind)
        if isinstance(kind, str):
            known = kind.lower() if convention is GEN_AI else kind
            if known in convention.kinds:
                return convention.kinds[known]
    return "LLM" if "gen_ai.request.model" in said else None


def _first(said: Mapping[str, Any], what: str) -> Any:
    for convention in CONVENTIONS:
        for key in getattr(convention, what):
            if said.get(key) not in (None, "", [], {}):
                return said[key]
    return None


def _usage(said: Mapping[str, Any]) -> dict[str, int] | None:
    for convention in CONVENTIONS:
        found = _with_total(_numbers(said, convention.usage, int), USAGE)
        if found:
            return found
    return None


def _with_total(found: dict[str, Any], names: tuple[str, str, str]) -> dict[str, Any] | None:
    """Numbers with their total, which not everybody says; None without any of the three."""
    first, second, total = names
    if total not in found and first in found and second in found:
        found[total] = found[first] + found[second]
    if not any(name in found for name in names):
        return None
    return {name: found[name] for name in (*names, *found) if name in found}


def _numbers(
    said: Mapping[str, Any], names: Mapping[str, tuple[str, ...]], kind: type
) -> dict[str, Any]:
    """The numbers that are said and can be: none is negative, or not finite."""
    found = {}
    for name, keys in names.items():
        value = next((said[key] for key in keys if said.get(key) is not None), None)
        try:
            number = None if isinstance(value, bool) or value is None else kind(value)
        except (TypeError, ValueError, OverflowError):
            continue
        if number is not None and 0 <= number < 1 << 53:
            found[name] = number
    return found


def _together(said: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any] | None:
    found = {}
    for name, key in names.items():
        value = said.get(key)
        if value is not None:
            found[name] = list(map(_parsed, value)) if isinstance(value, list) else value
    return found or None


def _numbered(said: Mapping[str, Any]) -> dict[str, dict[int, dict[str, Any]]]:
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for key, value in said.items():
        if match := _NUMBERED.fullmatch(key):
            found.setdefault(match[1], {}).setdefault(int(match[2]), {})[match[3]] = value
    return found


def _of_messages(numbered: Mapping[str, Any], names: tuple[str, str], text: Any) -> Any:
    """The content of the only message, or all messages."""
    if text is not None:
        return text
    for name in names:
        messages = [m for _, m in sorted(numbered.get(name, {}).items()) if "content" in m]
        if len(messages) == 1 and name.startswith("gen_ai."):
            return messages[0]["content"]
        if messages:
            return {"messages": messages}
    return None


def _of_events(events: list[Record]) -> tuple[Any, Any]:
    """Inputs and outputs of spans whose messages are events."""
    inputs, outputs = [], []
    for event in events:
        attributes = event["attributes"]
        if match := _MESSAGE_EVENT.fullmatch(event["name"]):
            content = attributes.get("content")
            calls = _parsed(attributes.get("tool_calls"))
            message = {"role": match[1], "content": content, "tool_calls": calls}
            if content or calls:
                inputs.append({key: value for key, value in message.items() if value is not None})
        elif event["name"] == _CHOICE_EVENT and attributes.get("message") is not None:
            outputs.append(_parsed(attributes["message"]))
    return inputs or None, outputs or None


def _parsed(value: Any) -> Any:
    """What the JSON in a text says; other values as they are."""
    if not isinstance(value, str):
        return value
    text = _json_in(json.dumps(value))
    return value if text is None else json.loads(text)


def _json_in(quoted: str) -> str | None:
    """The text that a JSON string holds, if that is JSON itself, of an object, a list or a text.

    Exporters that have only texts for attributes put JSON into them.
    """
    text = json.loads(quoted)
    if text.lstrip()[:1] not in ("{", "[", '"'):
        return None
    if text.count("{") + text.count("[") > _DEEPEST and _depth(text) > _DEEPEST:
        return None
    try:
        value = json.loads(text)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair
    except (ValueError, RecursionError):
        return None
    return text if isinstance(value, (dict, list, str)) else None


def _depth(text: str) -> int:
    """How deeply JSON is nested, counted without following it."""
    deepest = depth = 0
    for mark in re.findall(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', text):
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "]}":
            depth -= 1
    return deepest
