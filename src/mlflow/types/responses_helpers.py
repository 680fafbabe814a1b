"""Parts of requests and answers of OpenAI's Responses API (pydantic models).

Where the API grows quickly, unknown values are let through with a warning.
"""

from __future__ import annotations

import warnings
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator


def _warn_unless(value: Any, allowed: tuple[str, ...], message: str) -> None:
    if value is not None and value not in allowed:
        warnings.warn(message, stacklevel=2)


def _check_by_type(value: BaseModel, complaint: str, forms: dict[str, Any]) -> None:
    """Check an object of several possible forms against the one that its `type` names.

    Args:
        complaint: Of a type that is not among them.
        forms: Model of each type; None for types whose form is not known here.
    """
    if value.type not in forms:
        raise ValueError(complaint)
    if forms[value.type] is not None:
        forms[value.type](**value.model_dump())


class Status(BaseModel):
    """Whether an item is complete."""

    status: str | None = None

    @model_validator(mode="after")
    def check_status(self) -> Status:
        if self.status not in (None, "in_progress", "completed", "incomplete"):
            raise ValueError(
                f"Invalid status: {self.status} for {type(self).__name__}. "
                "Must be 'in_progress', 'completed', or 'incomplete'."
            )
        return self


class ResponseError(BaseModel):
    """Why there is no answer."""

    code: str | None = None
    message: str


class AnnotationFileCitation(BaseModel):
    """A text cites a file."""

    file_id: str
    index: int
    type: str = "file_citation"


class AnnotationURLCitation(BaseModel):
    """A text cites a page."""

    end_index: int | None = None
    start_index: int | None = None
    title: str
    type: str = "url_citation"
    url: str


class AnnotationFilePath(BaseModel):
    """A text mentions a file that was made."""

    file_id: str
    index: int
    type: str = "file_path"


class Annotation(BaseModel):
    """Something about a part of a text; its `type` says which of the forms above it has."""

    model_config = ConfigDict(extra="allow")

    type: str

    @model_validator(mode="after")
    def check_type(self) -> Annotation:
        forms = {
            "file_citation": AnnotationFileCitation,
            "url_citation": AnnotationURLCitation,
            "file_path": AnnotationFilePath,
        }
        _check_by_type(self, f"Invalid annotation type: {self.type}", forms)
        return self


class ResponseOutputText(BaseModel):
    """Text of an answer."""

    annotations: list[Annotation] = Field(default_factory=list)
    text: str
    type: str = "output_text"


class ResponseOutputRefusal(BaseModel):
    """The model does not want to answer."""

    refusal: str
    type: str = "refusal"


class Content(BaseModel):
    """A part of an answer's message: text or a refusal."""

    model_config = ConfigDict(extra="allow")

    type: str

    @model_validator(mode="after")
    def check_type(self) -> Content:
        forms = {"output_text": ResponseOutputText, "refusal": ResponseOutputRefusal}
        complaint = f"Invalid content type: {self.type} for {type(self).__name__}"
        _check_by_type(self, complaint, forms)
        return self


class ResponseOutputMessage(Status):
    """A message of an answer."""

    id: str
    content: list[Content]
    role: str = "assistant"
    type: str = "message"

    @model_validator(mode="after")
    def check_role(self) -> ResponseOutputMessage:
        if self.role != "assistant":
            raise ValueError(f"Invalid role: {self.role}. Must be 'assistant'.")
        return self

    @model_validator(mode="after")
    def check_content(self) -> ResponseOutputMessage:
        if not self.content:
            raise ValueError("content must not be an empty list")
        return self


class ResponseFunctionToolCall(Status):
    """The model wants a function called."""

    arguments: str
    """A JSON object as text."""
    call_id: str
    name: str
    type: str = "function_call"
    id: str | None = None


class Summary(BaseModel):
    """A paragraph of what the model thought."""

    text: str
    type: str = "summary_text"


class ResponseReasoningItem(Status):
    """What the model thought."""

    id: str
    summary: list[Summary]
    type: str = "reasoning"


class McpApprovalRequest(Status):
    """The model asks whether it may call a tool of an MCP server."""

    id: str
    arguments: str
    name: str
    server_label: str
    type: str = "mcp_approval_request"


class McpApprovalResponse(Status):
    """Whether the model may call the tool it asked for."""

    approval_request_id: str
    approve: bool
    type: str = "mcp_approval_response"
    id: str | None = None
    reason: str | None = None


class OutputItem(BaseModel):
    """An item of an answer, or of what is sent back with the next request."""

    model_config = ConfigDict(extra="allow")

    type: str

    @model_validator(mode="after")
    def check_type(self) -> OutputItem:
        forms = {
            "message": ResponseOutputMessage,
            "function_call": ResponseFunctionToolCall,
            "reasoning": ResponseReasoningItem,
            "function_call_output": FunctionCallOutput,
            "mcp_approval_request": McpApprovalRequest,
            "mcp_approval_response": McpApprovalResponse,
            "file_search_call": None,
            "web_search_call": None,
            "computer_call": None,
        }
        complaint = f"Invalid type: {self.type} for {type(self).__name__}"
        _check_by_type(self, complaint, forms)
        return self


class IncompleteDetails(BaseModel):
    """Why an answer is not complete."""

    reason: str | None = None

    @model_validator(mode="after")
    def check_reason(self) -> IncompleteDetails:
        known = ("max_output_tokens", "content_filter")
        _warn_unless(self.reason, known, f"Invalid reason: {self.reason}")
        return self


class ToolChoiceFunction(BaseModel):
    """The one function to call."""

    name: str
    type: str = "function"


class FunctionTool(BaseModel):
    """A function that the model may have called."""

    name: str
    parameters: dict[str, Any]
    """In JSON schema."""
    strict: bool | None = None
    type: str = "function"
    description: str | None = None


class Tool(BaseModel):
    """A tool that the model may use."""

    model_config = ConfigDict(extra="allow")

    type: str

    @model_validator(mode="after")
    def check_type(self) -> Tool:
        if self.type == "function":
            FunctionTool(**self.model_dump())
        known = ("function", "file_search", "computer_use", "web_search")
        _warn_unless(self.type, known, f"Invalid tool type: {self.type}")
        return self


class ToolChoice(BaseModel):
    """Whether the model may, must or must not use tools, or which one it must."""

    tool_choice: str | ToolChoiceFunction | None = None

    @model_validator(mode="after")
    def check_tool_choice(self) -> ToolChoice:
        if isinstance(self.tool_choice, str):
            known = ("none", "auto", "required")
            _warn_unless(self.tool_choice, known, f"Invalid tool choice: {self.tool_choice}")
        return self


class ReasoningParams(BaseModel):
    """How much the model is to think, and to tell of it."""

    effort: str | None = None
    generate_summary: str | None = None

    @model_validator(mode="after")
    def check_generate_summary(self) -> ReasoningParams:
        summary = self.generate_summary
        _warn_unless(summary, ("concise", "detailed"), f"Invalid generate_summary: {summary}")
        return self

    @model_validator(mode="after")
    def check_effort(self) -> ReasoningParams:
        _warn_unless(self.effort, ("low", "medium", "high"), f"Invalid effort: {self.effort}")
        return self


class InputTokensDetails(BaseModel):
    """What the tokens of a request were."""

    cached_tokens: int


class OutputTokensDetails(BaseModel):
    """What the tokens of an answer were."""

    reasoning_tokens: int


class ResponseUsage(BaseModel):
    """How many tokens were used."""

    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails
    total_tokens: int


class Truncation(BaseModel):
    """Whether a conversation that is too long may be cut."""

    truncation: str | None = None

    @model_validator(mode="after")
    def check_truncation(self) -> Truncation:
        known = ("auto", "disabled")
        message = f"Invalid truncation: {self.truncation}. Must be 'auto' or 'disabled'."
        _warn_unless(self.truncation, known, message)
        return self


class Response(Truncation, ToolChoice):
    """An answer."""

    id: str | None = None
    created_at: float | None = None
    """Seconds since the Unix epoch."""
    error: ResponseError | None = None
    incomplete_details: IncompleteDetails | None = None
    instructions: str | None = None
    metadata: dict[str, str] | None = None
    model: str | None = None
    object: str = "response"
    output: list[OutputItem]
    parallel_tool_calls: bool | None = None
    temperature: float | None = None
    tools: list[Tool] | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    previous_response_id: str | None = None
    reasoning: ReasoningParams | None = None
    status: str | None = None
    text: Any | None = None
    usage: ResponseUsage | None = None
    user: str | None = None

    @property
    def output_text(self) -> str:
        """The text of all messages, joined."""
        parts = [
            part
            for item in self.output
            if item.type == "message"
            for part in item.model_dump()["content"]
        ]
        return "".join(part["text"] for part in parts if part["type"] == "output_text")

    @model_validator(mode="after")
    def check_status(self) -> Response:
        known = ("completed", "failed", "in_progress", "incomplete")
        message = (
            f"Invalid status: {self.status}. Must be 'completed', 'failed', 'in_progress', "
            "or 'incomplete'."
        )
        _warn_unless(self.status, known, message)
        return self


class ResponseInputTextParam(BaseModel):
    """Text of a request."""

    text: str
    type: str = "input_text"


class Message(Status):
    """A message of a request."""

    content: str | list[ResponseInputTextParam | dict[str, Any]]
    role: str
    type: str = "message"

    @model_validator(mode="after")
    def check_content(self) -> Message:
        for part in self.content if isinstance(self.content, list) else ():
            if not isinstance(part, dict):
                continue
            if "type" not in part:
                raise ValueError("dictionary type content field values must have key 'type'")
            if part["type"] == "input_text":
                ResponseInputTextParam(**part)
            elif part["type"] not in ("input_image", "input_file"):
                raise ValueError(f"Invalid type: {part['type']}.")
        return self

    @model_validator(mode="after")
    def check_role(self) -> Message:
        if self.role not in ("user", "assistant", "system", "developer"):
            raise ValueError(
                f"Invalid role: {self.role}. Must be 'user', 'assistant', 'system', or 'developer'."
            )
        return self


class FunctionCallOutput(Status):
    """What a function that the model wanted called gave back."""

    call_id: str
    output: str | list[dict[str, Any]]
    type: str = "function_call_output"


class BaseRequestPayload(Truncation, ToolChoice):
    """What an answer can be asked for with."""

    max_output_tokens: int | None = None
    metadata: dict[str, str] | None = None
    parallel_tool_calls: bool | None = None
    tools: list[Tool] | None = None
    reasoning: ReasoningParams | None = None
    store: bool | None = None
    stream: bool | None = None
    temperature: float | None = None
    text: Any | None = None
    top_p: float | None = None
    user: str | None = None
    background: bool | None = None


class ResponseTextDeltaEvent(BaseModel):
    """A piece of text in a stream."""

    content_index: int | None = None
    delta: str
    item_id: str
    output_index: int | None = None
    type: str = "response.output_text.delta"


class ResponseTextAnnotationDeltaEvent(BaseModel):
    """An annotation in a stream."""

    annotation: Annotation
    annotation_index: int
    content_index: int | None = None
    item_id: str
    output_index: int | None = None
    type: str = "response.output_text.annotation.added"


class ResponseOutputItemDoneEvent(BaseModel):
    """An item of the answer is complete."""

    item: OutputItem
    output_index: int | None = None
    type: str = "response.output_item.done"


class ResponseErrorEvent(BaseModel):
    """The stream ends with an error."""

    code: str | None = None
    message: str
    param: str | None = None
    type: str = "error"


class ResponseCompletedEvent(BaseModel):
    """The answer is complete."""

    response: Response
    type: str = "response.completed"
