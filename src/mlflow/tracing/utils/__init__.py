"""Small things that traced programs and autologging need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlflow.exceptions import MlflowException
from mlflow.tracing.constant import SpanAttributeKey

if TYPE_CHECKING:
    from mlflow.entities.span import LiveSpan
    from mlflow.types.chat import ChatTool


def set_span_chat_tools(span: LiveSpan, tools: list[ChatTool]) -> None:
    """Note the tools that a chat model was offered.

    Args:
        tools: `ChatTool`s, or dicts of the same form.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if they are no list of tools.
    """
    if not isinstance(tools, list):
        raise MlflowException.invalid_parameter_value(
            f"Invalid type for tools: {type(tools)}; a list of ChatTool is needed."
        )
    span.set_attribute(SpanAttributeKey.CHAT_TOOLS, [_tool(tool) for tool in tools])


def _tool(tool: Any) -> dict[str, Any]:
    from mlflow.types.chat import ChatTool

    if isinstance(tool, dict):
        try:
            tool = ChatTool(**tool)
        except Exception as error:
            raise MlflowException.invalid_parameter_value(
                f"Tool {tool!r} is not of the form of ChatTool: {error}"
            ) from error
    if not hasattr(tool, "model_dump"):
        raise MlflowException.invalid_parameter_value(f"Tool {tool!r}; a ChatTool is needed.")
    return tool.model_dump(exclude_unset=True)
