"""Models that are a `ChatAgent`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlflow.pyfunc.loaders.requests import as_request, checked
from mlflow.pyfunc.model import ChatAgent, PythonModelContext
from mlflow.pyfunc.python_model import read_python_model


class ChatAgentInContext:
    """A chat agent with its context, in the form that pyfunc asks."""

    def __init__(self, python_model: ChatAgent, context: PythonModelContext) -> None:
        self.python_model = python_model
        self.context = context

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer to a chat, as a dictionary."""
        from mlflow.types.agent import ChatAgentResponse

        return checked(self.python_model.predict(*_parts(model_input)), ChatAgentResponse)

    def predict_stream(
        self, model_input: Any, params: dict[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """The same, in parts."""
        from mlflow.types.agent import ChatAgentChunk

        for chunk in self.python_model.predict_stream(*_parts(model_input)):
            yield checked(chunk, ChatAgentChunk)


def _parts(data: Any) -> tuple[Any, Any, Any]:
    from mlflow.types.agent import ChatAgentRequest

    request = ChatAgentRequest(**as_request(data))
    return request.messages, request.context, request.custom_inputs


def _load_pyfunc(model_path: str, model_config: dict[str, Any] | None = None) -> ChatAgentInContext:
    return ChatAgentInContext(*read_python_model(model_path, model_config))
