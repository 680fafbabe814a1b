"""Models that are a `ChatModel`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.pyfunc.loaders.requests import as_request
from mlflow.pyfunc.model import ChatModel, PythonModelContext
from mlflow.pyfunc.python_model import read_python_model


class ChatModelInContext:
    """A chat model with its context, in the form that pyfunc asks."""

    def __init__(self, python_model: ChatModel, context: PythonModelContext) -> None:
        self.python_model = python_model
        self.context = context

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer to a chat, as a dictionary."""
        from mlflow.types.llm import ChatCompletionResponse

        answer = self.python_model.predict(self.context, *_parts(model_input, params))
        return _as_dict(answer, ChatCompletionResponse)

    def predict_stream(
        self, model_input: Any, params: dict[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """The same, in parts."""
        from mlflow.types.llm import ChatCompletionChunk

        for chunk in self.python_model.predict_stream(self.context, *_parts(model_input, params)):
            yield _as_dict(chunk, ChatCompletionChunk)


def _parts(data: Any, params: dict[str, Any] | None) -> tuple[list[Any], Any]:
    """Messages and parameters of a request."""
    from mlflow.types.llm import ChatMessage, ChatParams

    request = {**as_request(data), **(params or {})}
    messages = [ChatMessage.from_dict(one) for one in request.pop("messages")]
    return messages, ChatParams.from_dict(request)


def _as_dict(answer: Any, kind: type) -> dict[str, Any]:
    if not isinstance(answer, kind):
        raise MlflowException(
            f"Model returned an invalid response. Expected a {kind.__name__}, but got "
            f"{type(answer).__name__} instead."
        )
    return answer.to_dict()


def _load_pyfunc(model_path: str, model_config: dict[str, Any] | None = None) -> ChatModelInContext:
    return ChatModelInContext(*read_python_model(model_path, model_config))
