"""Requests and answers of chat models, as dataclasses, and the schemas that such models have.

Every dataclass here checks and converts its values when it is made: dictionaries become the
dataclasses that the fields ask for. What a field may hold is said by its type alone.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from mlflow.types.schema import AnyType, Array, ColSpec, DataType, Map, Object, Property, Schema

JSON_SCHEMA_TYPES = ["string", "number", "integer", "object", "array", "boolean", "null"]


class _BaseDataclass:
    """Checks the fields by their types when an object is made.

    Raises:
        ValueError: On making an object, if a value is not of its field's type.
    """

    def __post_init__(self) -> None:
        for name, hint in _hints(type(self)).items():
            setattr(self, name, _convert(name, getattr(self, name), hint))

    def to_dict(self) -> dict[str, Any]:
        """As plain dictionaries and lists, without the fields that are None."""
        return asdict(self, dict_factory=lambda items: {k: v for k, v in items if v is not None})

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Any:
        """The object that `to_dict` wrote; unknown keys are ignored."""
        known = {one.name for one in fields(cls)}
        return cls(**{name: value for name, value in data.items() if name in known})


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _convert(name: str, value: Any, hint: Any) -> Any:
    """`value` as a field of that type holds it."""
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    if value is None:
        if type(None) in options:
            return None
        raise ValueError(f"`{name}` is required")
    hint = options[0]
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        if value not in parts:
            raise ValueError(f"`{name}` must be one of {list(parts)}, got {value}")
    elif origin is list:
        return _convert_list(name, value, parts[0])
    elif origin is dict and _is_ours(parts[1]):
        return _convert_map(name, value, parts[1])
    elif _is_ours(hint):
        return _convert_one(name, value, hint)
    elif isinstance(hint, type) and not isinstance(value, hint):
        raise ValueError(f"`{name}` must be of type {hint.__name__}, got {type(value).__name__}")
    return value


def _is_ours(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, _BaseDataclass)


def _convert_one(name: str, value: Any, cls: type) -> Any:
    if isinstance(value, cls):
        return value
    if not isinstance(value, dict):
        raise ValueError(
            f"Expected `{name}` to be either an instance of `{cls.__name__}` or a dict matching "
            f"the schema. Received `{type(value).__name__}`"
        )
    try:
        return cls.from_dict(value)
    except TypeError as error:
        raise ValueError(f"Error when coercing {value} to {cls.__name__}: {error}") from error


def _convert_list(name: str, value: Any, cls: type) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"`{name}` must be a list, got {type(value).__name__}")
    if not _is_ours(cls):
        if not all(isinstance(item, cls) for item in value):
            raise ValueError(f"All items in `{name}` must be of type {cls.__name__}")
        return value
    if not any(all(isinstance(item, kind) for item in value) for kind in (cls, dict)):
        raise ValueError(f"Items in `{name}` must all have the same type: {cls.__name__} or dict")
    return [_convert_one(name, item, cls) for item in value]


def _convert_map(name: str, value: Any, cls: type) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"`{name}` must be a dict")
    return {key: _convert_one(f"{name}[{key!r}]", item, cls) for key, item in value.items()}


@dataclass
class FunctionToolCallArguments(_BaseDataclass):
    """Which function a model wants called, and with what."""

    name: str
    arguments: str
    """A JSON object as text."""

    def to_tool_call(self, id: str | None = None) -> ToolCall:
        """The call of this function; a fresh id unless one is given."""
        return ToolCall(function=self) if id is None else ToolCall(function=self, id=id)


@dataclass
class ToolCall(_BaseDataclass):
    """A model wants a tool called."""

    function: FunctionToolCallArguments
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    type: str = "function"


def _check_refusal(content: Any, refusal: str | None) -> None:
    if content and refusal:
        raise ValueError("Both `content` and `refusal` cannot be set")


@dataclass
class ChatMessage(_BaseDataclass):
    """One message of a conversation.

    It has content, a refusal or tool calls; not both content and a refusal.
    """

    role: str
    content: str | list[dict[str, Any]] | None = None
    """Text, or parts as OpenAI's API has them."""
    refusal: str | None = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    """Which call this is the result of."""

    def __post_init__(self) -> None:
        if isinstance(self.content, list):
            if not all(isinstance(part, dict) for part in self.content):
                raise ValueError("`content` list items must all be dicts (content parts)")
            parts, self.content = self.content, None
            super().__post_init__()
            self.content = parts
        else:
            super().__post_init__()
        _check_refusal(self.content, self.refusal)
        if self.content is None and not self.refusal and not self.tool_calls:
            raise ValueError("`content` is required")


@dataclass
class ChatChoiceDelta(_BaseDataclass):
    """A piece of a message in a stream."""

    role: str | None = "assistant"
    content: str | None = None
    refusal: str | None = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_refusal(self.content, self.refusal)


@dataclass
class ParamType(_BaseDataclass):
    """The type of a value in JSON schema."""

    type: Literal["string", "number", "integer", "object", "array", "boolean", "null"]


@dataclass
class ParamProperty(ParamType):
    """One parameter of a function."""

    description: str | None = None
    enum: list[str] | None = None
    items: ParamProperty | None = None
    """The items' type, if it is an array."""


@dataclass
class ToolParamsSchema(_BaseDataclass):
    """All parameters of a function."""

    properties: dict[str, ParamProperty]
    type: Literal["object"] = "object"
    required: list[str] | None = None
    additionalProperties: bool | None = None


@dataclass
class FunctionToolDefinition(_BaseDataclass):
    """A function that a model may have called."""

    name: str
    description: str | None = None
    parameters: ToolParamsSchema | None = None
    strict: bool = False

    def to_tool_definition(self) -> ToolDefinition:
        """The tool that is this function."""
        return ToolDefinition(function=self)


@dataclass
class ToolDefinition(_BaseDataclass):
    """A tool that a model may use."""

    function: FunctionToolDefinition
    type: Literal["function"] = "function"


@dataclass
class ChatParams(_BaseDataclass):
    """How a chat model is to answer."""

    temperature: float = 1.0
    max_tokens: int | None = None
    stop: list[str] | None = None
    n: int = 1
    """How many answers."""
    stream: bool = False
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    custom_inputs: dict[str, Any] | None = None
    tools: list[ToolDefinition] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.custom_inputs is None:
            return
        if not isinstance(self.custom_inputs, dict):
            raise ValueError(
                "Expected `custom_inputs` to be a dictionary, received "
                f"`{type(self.custom_inputs).__name__}`"
            )
        for key in self.custom_inputs:
            if not isinstance(key, str):
                raise ValueError(
                    "Expected `custom_inputs` to be of type `Dict[str, Any]`, received key of "
                    f"type `{type(key).__name__}` (key: {key})"
                )

    @classmethod
    def keys(cls) -> set[str]:
        """Names of the fields."""
        return {one.name for one in fields(cls)}


@dataclass
class ChatCompletionRequest(ChatParams):
    """A conversation that a model is to go on with."""

    messages: list[ChatMessage] = field(default_factory=list)


@dataclass
class TopTokenLogProb(_BaseDataclass):
    """A token that might have come, and how probable it was."""

    token: str
    logprob: float
    bytes: list[int] | None = None
    """The token's text in UTF-8."""


@dataclass
class TokenLogProb(_BaseDataclass):
    """A token that came, how probable it was, and what else might have come."""

    token: str
    logprob: float
    top_logprobs: list[TopTokenLogProb]
    bytes: list[int] | None = None
    """The token's text in UTF-8."""


@dataclass
class ChatChoiceLogProbs(_BaseDataclass):
    """How probable the tokens of an answer were."""

    content: list[TokenLogProb] | None = None


@dataclass
class ChatChoice(_BaseDataclass):
    """One of the answers."""

    message: ChatMessage
    index: int = 0
    finish_reason: str = "stop"
    logprobs: ChatChoiceLogProbs | None = None


@dataclass
class ChatChunkChoice(_BaseDataclass):
    """A piece of one of the answers in a stream."""

    delta: ChatChoiceDelta
    index: int = 0
    finish_reason: str | None = None
    logprobs: ChatChoiceLogProbs | None = None


@dataclass
class TokenUsageStats(_BaseDataclass):
    """How many tokens were used."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None


@dataclass
class ChatCompletionResponse(_BaseDataclass):
    """The answers of a chat model."""

    choices: list[ChatChoice]
    usage: TokenUsageStats | None = None
    id: str | None = None
    model: str | None = None
    object: str = "chat.completion"
    created: int = field(default_factory=lambda: int(time.time()))
    """Seconds since the Unix epoch."""
    custom_outputs: dict[str, Any] | None = None


@dataclass
class ChatCompletionChunk(_BaseDataclass):
    """A piece of a stream."""

    choices: list[ChatChunkChoice]
    usage: TokenUsageStats | None = None
    id: str | None = None
    model: str | None = None
    object: str = "chat.completion.chunk"
    created: int = field(default_factory=lambda: int(time.time()))
    """Seconds since the Unix epoch."""
    custom_outputs: dict[str, Any] | None = None


_STRING, _LONG, _DOUBLE, _BOOLEAN = (
    DataType.string,
    DataType.long,
    DataType.double,
    DataType.boolean,
)


def _object(_optional: tuple[str, ...] = (), **types: Any) -> Object:
    return Object([Property(n, t, required=n not in _optional) for n, t in types.items()])


def _columns(_optional: tuple[str, ...] = (), **types: Any) -> list[ColSpec]:
    return [ColSpec(t, n, required=n not in _optional) for n, t in types.items()]


_TOOL_CALL = _object(id=_STRING, type=_STRING, function=_object(name=_STRING, arguments=_STRING))
_MESSAGE = _object(
    ("content", "name", "refusal", "tool_calls", "tool_call_id"),
    role=_STRING,
    content=_STRING,
    name=_STRING,
    refusal=_STRING,
    tool_calls=Array(_TOOL_CALL),
    tool_call_id=_STRING,
)
_PARAMETER = _object(
    ("description", "enum", "items"),
    type=_STRING,
    description=_STRING,
    enum=Array(_STRING),
    items=_object(type=_STRING),
)
_TOOL = _object(
    ("function",),
    type=_STRING,
    function=_object(
        ("description", "strict"),
        name=_STRING,
        description=_STRING,
        parameters=_object(
            ("type", "required", "additionalProperties"),
            properties=Map(_PARAMETER),
            type=_STRING,
            required=Array(_STRING),
            additionalProperties=_BOOLEAN,
        ),
        strict=_BOOLEAN,
    ),
)
_USAGE = _object(prompt_tokens=_LONG, completion_tokens=_LONG, total_tokens=_LONG)

[_token_usage_stats_col_spec] = _columns(("usage",), usage=_USAGE)
[_custom_inputs_col_spec] = _columns(("custom_inputs",), custom_inputs=Map(AnyType()))
[_custom_outputs_col_spec] = _columns(("custom_outputs",), custom_outputs=Map(AnyType()))

CHAT_MODEL_INPUT_SCHEMA = Schema(
    [
        *_columns(messages=Array(_MESSAGE)),
        *_columns(
            (
                *("temperature", "max_tokens", "stop", "n", "stream", "top_p", "top_k"),
                *("frequency_penalty", "presence_penalty", "tools"),
            ),
            temperature=_DOUBLE,
            max_tokens=_LONG,
            stop=Array(_STRING),
            n=_LONG,
            stream=_BOOLEAN,
            top_p=_DOUBLE,
            top_k=_LONG,
            frequency_penalty=_DOUBLE,
            presence_penalty=_DOUBLE,
            tools=Array(_TOOL),
        ),
        _custom_inputs_col_spec,
    ]
)
CHAT_MODEL_OUTPUT_SCHEMA = Schema(
    [
        *_columns(
            id=_STRING,
            object=_STRING,
            created=_LONG,
            model=_STRING,
            choices=Array(_object(index=_LONG, message=_MESSAGE, finish_reason=_STRING)),
        ),
        _token_usage_stats_col_spec,
        _custom_outputs_col_spec,
    ]
)
CHAT_MODEL_INPUT_EXAMPLE = {
    "messages": [{"role": "user", "content": "Hello!"}],
    "temperature": 1.0,
    "max_tokens": 10,
    "stop": ["\n"],
    "n": 1,
    "stream": False,
}

COMPLETIONS_MODEL_INPUT_SCHEMA = Schema(
    _columns(
        ("temperature", "max_tokens", "stop", "n", "stream"),
        prompt=_STRING,
        temperature=_DOUBLE,
        max_tokens=_LONG,
        stop=Array(_STRING),
        n=_LONG,
        stream=_BOOLEAN,
    )
)
COMPLETIONS_MODEL_OUTPUT_SCHEMA = Schema(
    _columns(
        id=_STRING,
        object=_STRING,
        created=_LONG,
        model=_STRING,
        choices=Array(_object(index=_LONG, text=_STRING, finish_reason=_STRING)),
        usage=_USAGE,
    )
)

EMBEDDING_MODEL_INPUT_SCHEMA = Schema(_columns(input=_STRING))
EMBEDDING_MODEL_OUTPUT_SCHEMA = Schema(
    _columns(
        object=_STRING,
        data=Array(_object(index=_LONG, object=_STRING, embedding=Array(_DOUBLE))),
        usage=_object(prompt_tokens=_LONG, total_tokens=_LONG),
    )
)
