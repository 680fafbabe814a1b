"""Requests and answers of chat completions, as OpenAI's API has them (pydantic models)."""

from __future__ import annotations

import warnings
from typing import Annotated, Any, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, model_serializer


class TextContentPart(BaseModel):
    """Text within a message."""

    type: Literal["text"]
    text: str


class ImageUrl(BaseModel):
    """Where an image is, or the image itself as a `data:` URL."""

    url: str
    detail: Literal["auto", "low", "high"] | None = None
    """How closely the model should look."""


class ImageContentPart(BaseModel):
    """An image within a message."""

    type: Literal["image_url"]
    image_url: ImageUrl


class InputAudio(BaseModel):
    """A recording."""

    data: str
    """In base64."""
    format: Literal["wav", "mp3"]


class AudioContentPart(BaseModel):
    """A recording within a message."""

    type: Literal["input_audio"]
    input_audio: InputAudio


class ReasoningSummaryPart(BaseModel):
    """A paragraph of what a model thought."""

    type: Literal["summary_text"]
    text: str


class ReasoningContentPart(BaseModel):
    """What a model thought, within a message."""

    model_config = ConfigDict(extra="allow")

    type: Literal["reasoning"]
    summary: list[ReasoningSummaryPart] = Field(default_factory=list)


ContentPartsList = list[
    Annotated[
        TextContentPart | ImageContentPart | AudioContentPart | ReasoningContentPart,
        Field(discriminator="type"),
    ]
]
ContentType = Annotated[str | ContentPartsList, Field(union_mode="left_to_right")]


class _WithoutUnset(BaseModel):
    """Written without the fields that many clients do not know, unless they are set."""

    @model_serializer(mode="wrap")
    def _serialize(self, handler: Any) -> dict[str, Any]:
        form = handler(self)
        unset = {"thought_signature", "prompt_tokens_details"}
        return {k: v for k, v in form.items() if v is not None or k not in unset}


class Function(BaseModel):
    """Which function a model wants called, and with what."""

    name: str | None = None
    arguments: str | None = None
    """A JSON object as text."""

    def to_tool_call(self, id: str | None = None) -> ToolCall:
        """The call of this function; a fresh id unless one is given."""
        return ToolCall(id=id or str(uuid4()), function=self)


class ToolCall(_WithoutUnset):
    """A model wants a tool called."""

    id: str
    type: str = "function"
    function: Function
    thought_signature: str | None = None
    """To be sent back as it came; some models need it to go on thinking."""


class ChatMessage(BaseModel):
    """One message of a conversation."""

    role: str
    content: ContentType | None = None
    tool_calls: list[ToolCall] | None = None
    refusal: str | None = None
    tool_call_id: str | None = None
    """Which call this is the result of."""


AllowedType = Literal["string", "number", "integer", "object", "array", "boolean", "null"]


class ParamType(BaseModel):
    """The type, or types, of a value in JSON schema."""

    type: AllowedType | list[AllowedType] | None = None


class ParamProperty(ParamType):
    """One parameter of a function."""

    description: str | None = None
    enum: list[str | int | float | bool] | None = None
    items: ParamProperty | None = None
    """The items' type, if it is an array."""


class FunctionParams(BaseModel):
    """All parameters of a function."""

    properties: dict[str, ParamProperty]
    type: Literal["object"] = "object"
    required: list[str] | None = None
    additionalProperties: bool | None = None


class FunctionToolDefinition(BaseModel):
    """A function that a model may have called."""

    name: str
    description: str | None = None
    parameters: FunctionParams | None = None
    strict: bool | None = None


class ChatTool(BaseModel):
    """A tool that a model may use."""

    type: Literal["function"]
    function: FunctionToolDefinition | None = None


with warnings.catch_warnings():
    # `schema` hides a method that pydantic deprecated; the name is the protocol's.
    warnings.simplefilter("ignore", UserWarning)

    class JsonSchemaSpec(BaseModel):
        """The form that an answer must have."""

        model_config = ConfigDict(extra="allow")

        name: str
        schema: dict[str, Any]
        strict: bool = True


class ResponseFormat(BaseModel):
    """Text, any JSON, or JSON of a given form."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchemaSpec | None = None


class ToolChoiceFunction(BaseModel):
    """The name of a function."""

    name: str


class ToolChoice(BaseModel):
    """The one tool to use."""

    type: Literal["function"]
    function: ToolChoiceFunction


class BaseRequestPayload(BaseModel):
    """What completions of every kind can be asked with."""

    n: int = Field(1, ge=1)
    """How many answers."""
    stop: list[str] | None = Field(None, min_length=1)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    model: str | None = None
    response_format: ResponseFormat | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    top_k: int | None = Field(None, ge=1)


class ChatChoice(BaseModel):
    """One of the answers."""

    index: int
    message: ChatMessage
    finish_reason: str | None = None


class PromptTokensDetails(BaseModel):
    """What the tokens of a prompt were."""

    model_config = ConfigDict(extra="allow")

    cached_tokens: int | None = None


class ChatUsage(_WithoutUnset):
    """How many tokens were used."""

    model_config = ConfigDict(extra="allow")

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: PromptTokensDetails | None = None


class ToolCallDelta(_WithoutUnset):
    """A piece of a tool call in a stream."""

    index: int
    """Which of the calls it belongs to."""
    id: str | None = None
    type: str | None = None
    function: Function
    thought_signature: str | None = None


class ChatChoiceDelta(BaseModel):
    """A piece of a message in a stream."""

    role: str | None = None
    content: str | None = None
    tool_calls: list[ToolCallDelta] | None = None


class ChatChunkChoice(BaseModel):
    """A piece of one of the answers in a stream."""

    index: int
    finish_reason: str | None = None
    delta: ChatChoiceDelta


class ChatCompletionChunk(BaseModel):
    """A piece of a stream."""

    id: str | None = None
    object: str = "chat.completion.chunk"
    created: int
    """Seconds since the Unix epoch."""
    model: str
    choices: list[ChatChunkChoice]
    usage: ChatUsage | None = None


class ChatCompletionRequest(BaseRequestPayload):
    """A conversation that a model is to go on with."""

    messages: list[ChatMessage] = Field(..., min_length=1)
    tools: list[ChatTool] | None = Field(None, min_length=1)
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None


class ChatCompletionResponse(BaseModel):
    """The answers of a model."""

    id: str | None = None
    object: str = "chat.completion"
    created: int
    """Seconds since the Unix epoch."""
    model: str
    choices: list[ChatChoice]
    usage: ChatUsage
