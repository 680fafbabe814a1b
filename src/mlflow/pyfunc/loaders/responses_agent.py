"""Models that are a `ResponsesAgent`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlflow.pyfunc.loaders.requests import as_request, checked
from mlflow.pyfunc.model import PythonModelContext, ResponsesAgent
from mlflow.pyfunc.python_model import read_python_model


class ResponsesAgentInContext:
    """An agent of the Responses API with its context, in the form that pyfunc asks."""

    def __init__(self, python_model: ResponsesAgent, context: PythonModelContext) -> None:
        self.python_model = python_model
        self.context = context

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer to a request, as a dictionary."""
        from mlflow.types.responses import ResponsesAgentResponse

        return checked(self.python_model.predict(_request(model_input)), ResponsesAgentResponse)

    def predict_stream(
        self, model_input: Any, params: dict[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """The same, as events."""
        from mlflow.types.responses import ResponsesAgentStreamEvent

        for event in self.python_model.predict_stream(_request(model_input)):
            yield checked(event, ResponsesAgentStreamEvent)


def _request(data: Any) -> Any:
    from mlflow.types.responses import ResponsesAgentRequest

    return ResponsesAgentRequest(**as_request(data))


def _load_pyfunc(
    model_path: str, model_config: dict[str, Any] | None = None
) -> ResponsesAgentInContext:
    return ResponsesAgentInContext(*read_python_model(model_path, model_config))
