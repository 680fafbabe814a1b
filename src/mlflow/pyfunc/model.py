"""What one writes to have a model of one's own: `PythonModel` and its kinds, or a function.

Pickled models name the classes of this file, so they stay here under these names.
"""

from __future__ import annotations

import inspect
import logging
import typing
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mlflow.models.signature import _TypeHints
from mlflow.utils.annotations import deprecated

if TYPE_CHECKING:
    import pandas as pd

    from mlflow.types.agent import (
        ChatAgentChunk,
        ChatAgentMessage,
        ChatAgentResponse,
        ChatContext,
    )
    from mlflow.types.llm import (
        ChatCompletionChunk,
        ChatCompletionResponse,
        ChatMessage,
        ChatParams,
    )
    from mlflow.types.responses import (
        ResponsesAgentRequest,
        ResponsesAgentResponse,
        ResponsesAgentStreamEvent,
    )
    from mlflow.types.responses_helpers import Message, OutputItem

CONFIG_KEY_ARTIFACTS = "artifacts"
CONFIG_KEY_ARTIFACT_RELATIVE_PATH = "path"
CONFIG_KEY_ARTIFACT_URI = "uri"
CONFIG_KEY_PYTHON_MODEL = "python_model"
CONFIG_KEY_CLOUDPICKLE_VERSION = "cloudpickle_version"
CONFIG_KEY_COMPRESSION = "python_model_compression"

_logger = logging.getLogger(__name__)


def get_default_pip_requirements() -> list[str]:
    """What every pickled model requires."""
    from importlib.metadata import version

    return [f"cloudpickle=={version('cloudpickle')}"]


def get_default_conda_env() -> dict[str, Any]:
    """A conda environment for pickled models."""
    from mlflow.utils.environment import _mlflow_conda_env

    return _mlflow_conda_env(additional_pip_deps=get_default_pip_requirements())


class PythonModelContext:
    """What a model is given beside the data.

    Args:
        artifacts: Name to path on this machine.
        model_config: Settings given when it was saved or loaded.
    """

    def __init__(self, artifacts: dict[str, str], model_config: dict[str, Any]):
        self._artifacts = artifacts
        self._model_config = model_config

    @property
    def artifacts(self) -> dict[str, str]:
        """Paths of the files and folders that were saved with it, by name."""
        return self._artifacts

    @property
    def model_config(self) -> dict[str, Any]:
        """Settings given when it was saved, or in their place when it was loaded."""
        return self._model_config


class PythonModel:
    """A model of one's own: at least `predict`.

    `predict` may have a parameter `context`, and one called `params`. With a type hint such as
    `list[str]` the data is validated, and the signature is known without an example.

        class Upper(mlflow.pyfunc.PythonModel):
            def predict(self, model_input: list[str]) -> list[str]:
                return [text.upper() for text in model_input]
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__ == __name__:
            return
        # Only what the class itself defines: what is inherited is wrapped already.
        predict = cls.__dict__.get("predict")
        if inspect.isfunction(predict):
            from mlflow.pyfunc.utils.data_validation import (
                _get_func_info_if_type_hint_supported,
                _wrap_predict_with_pyfunc,
            )

            # As the decorator `pyfunc` does, but warnings point at the class.
            info = _get_func_info_if_type_hint_supported(predict)
            cls.predict = _wrap_predict_with_pyfunc(predict, info)

    def load_context(self, context: PythonModelContext) -> None:
        """Called once, when the model is loaded: the place to read artifacts."""

    @property
    def predict_type_hints(self) -> _TypeHints:
        """The annotations of what `predict` takes and gives."""
        hints = self.__dict__.get("_predict_type_hints")
        if hints is None:
            hints = self._predict_type_hints = type_hints_of(type(self).predict)
        return hints

    @abstractmethod
    def predict(
        self,
        context: PythonModelContext,
        model_input: Any,
        params: dict[str, Any] | None = None,
    ) -> Any:
        """What the model says about the data.

        Args:
            context: Artifacts and settings; the parameter may be left out.
            model_input: As the signature says; without one, as the caller gave it.
            params: Parameters of the signature; the parameter may be left out.
        """

    def predict_stream(
        self,
        context: PythonModelContext,
        model_input: Any,
        params: dict[str, Any] | None = None,
    ) -> Iterator[Any]:
        """The same, in parts. A model that has this can be asked by `predict_stream`."""
        raise NotImplementedError(_NO_STREAM)


_NO_STREAM = (
    "Streaming implementation not provided. Please override the `predict_stream` method on your "
    "model to generate streaming predictions"
)


class _FunctionPythonModel(PythonModel):
    """A function of one argument as a model."""

    def __init__(self, func: Callable[[Any], Any], signature: Any = None):
        self.signature = signature
        self.func = func
        self._predict_type_hints = type_hints_of(func)

    @property
    def predict_type_hints(self) -> _TypeHints:
        hints = self.__dict__.get("_predict_type_hints")
        if hints is None:
            hints = self._predict_type_hints = type_hints_of(self.func)
        return hints

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """What the function gives, after validating what it gets if that has a type hint."""
        return self._validated(model_input)

    @property
    def _validated(self) -> Callable[[Any], Any]:
        found = self.__dict__.get("_wrapped_func")
        if found is None:
            from mlflow.pyfunc.utils.data_validation import pyfunc

            known = getattr(self.func, "_is_pyfunc", False) or self.predict_type_hints.input is None
            found = self.func if known else pyfunc(_as_function(self.func))
            self._wrapped_func = found
        return found

    def __getstate__(self) -> dict[str, Any]:
        # The signature is in the MLmodel file, and its parts differ between implementations.
        kept = {name: value for name, value in vars(self).items() if name != "_wrapped_func"}
        return {**kept, "signature": None}


def argument_of(function: Callable[..., Any]) -> str | None:
    """The name of the parameter for the data: `model_input`, else the first one that is not
    `self`, `context` or `params`."""
    names = [
        one.name
        for one in inspect.signature(function).parameters.values()
        if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD, one.KEYWORD_ONLY)
    ]
    if "model_input" in names:
        return "model_input"
    return next((name for name in names if name not in ("self", "context", "params")), None)


def _as_function(given: Callable[..., Any]) -> Callable[..., Any]:
    """A function; of an object that can be called, its method."""
    return given if inspect.isroutine(given) else given.__call__


def type_hints_of(function: Callable[..., Any]) -> _TypeHints:
    """The annotations of a function's data and of what it gives; None for what has none."""
    function = _as_function(inspect.unwrap(function))
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError, AttributeError):
        # Names that are known to type checkers only.
        hints = getattr(function, "__annotations__", {})
        hints = {name: hint for name, hint in hints.items() if not isinstance(hint, str)}
    name = argument_of(function) if hints else None
    return _TypeHints(hints.get(name), hints.get("return"))


@deprecated("ResponsesAgent", "3.0.0")
class ChatModel(PythonModel, metaclass=ABCMeta):
    """A model that answers a chat, in the form of chat completions."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super(PythonModel, cls).__init_subclass__(**kwargs)  # hints are not for validation here

    @abstractmethod
    def predict(
        self,
        context: PythonModelContext,
        messages: list[ChatMessage],
        params: ChatParams,
    ) -> ChatCompletionResponse:
        """The answer to a chat.

        Args:
            context: Artifacts and settings.
            messages: The chat so far.
            params: Everything else that the request has, such as `temperature`.
        """

    def predict_stream(
        self,
        context: PythonModelContext,
        messages: list[ChatMessage],
        params: ChatParams,
    ) -> Generator[ChatCompletionChunk, None, None]:
        """The same, in parts."""
        raise NotImplementedError(_NO_STREAM)


class ChatAgent(PythonModel, metaclass=ABCMeta):
    """An agent that answers a chat with one or more messages."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super(PythonModel, cls).__init_subclass__(**kwargs)
        if _defines(cls, "predict", "predict_stream"):
            from mlflow.types.agent import ChatAgentRequest

            _take_dictionaries(cls, ChatAgentRequest, "ChatAgentRequest", unpack=True)

    @abstractmethod
    def predict(
        self,
        messages: list[ChatAgentMessage],
        context: ChatContext | None = None,
        custom_inputs: dict[str, Any] | None = None,
    ) -> ChatAgentResponse:
        """The answer to a chat.

        Args:
            messages: The chat so far.
            context: Which conversation and user it is.
            custom_inputs: Whatever else the caller and the agent agree on.
        """

    def predict_stream(
        self,
        messages: list[ChatAgentMessage],
        context: ChatContext | None = None,
        custom_inputs: dict[str, Any] | None = None,
    ) -> Generator[ChatAgentChunk, None, None]:
        """The same, in parts."""
        raise NotImplementedError(_NO_STREAM)


class ResponsesAgent(PythonModel, metaclass=ABCMeta):
    """An agent that takes and gives what OpenAI's Responses API does."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super(PythonModel, cls).__init_subclass__(**kwargs)
        if _defines(cls, "predict", "predict_stream"):
            from mlflow.types.responses import ResponsesAgentRequest

            _take_dictionaries(cls, ResponsesAgentRequest, "ResponsesAgentRequest", unpack=False)

    @staticmethod
    def responses_agent_output_reducer(
        chunks: list[ResponsesAgentStreamEvent | dict[str, Any]],
    ) -> ResponsesAgentResponse | dict[str, Any]:
        """The whole answer that the parts of a stream make."""
        from mlflow.types.responses import responses_agent_output_reducer

        return responses_agent_output_reducer(chunks)

    @abstractmethod
    def predict(self, request: ResponsesAgentRequest) -> ResponsesAgentResponse:
        """The answer to a request."""

    def predict_stream(
        self, request: ResponsesAgentRequest
    ) -> Generator[ResponsesAgentStreamEvent, None, None]:
        """The same, as events."""
        raise NotImplementedError(_NO_STREAM)

    @staticmethod
    def create_text_delta(delta: str, item_id: str) -> dict[str, Any]:
        """An event: more text of an item."""
        from mlflow.types.responses import create_text_delta

        return create_text_delta(delta, item_id)

    @staticmethod
    def create_annotation_added(
        item_id: str, annotation: dict[str, Any], annotation_index: int | None = 0
    ) -> dict[str, Any]:
        """An event: an annotation of an item."""
        from mlflow.types.responses import create_annotation_added

        return create_annotation_added(item_id, annotation, annotation_index)

    @staticmethod
    def create_text_output_item(
        text: str, id: str, annotations: list[dict[str, Any]] | None = None
    ) -> dict[str, Any]:
        """An item of the answer: a message of text."""
        from mlflow.types.responses import create_text_output_item

        return create_text_output_item(text, id, annotations)

    @staticmethod
    def create_reasoning_item(id: str, reasoning_text: str) -> dict[str, Any]:
        """An item of the answer: reasoning."""
        from mlflow.types.responses import create_reasoning_item

        return create_reasoning_item(id, reasoning_text)

    @staticmethod
    def create_function_call_item(
        id: str, call_id: str, name: str, arguments: str
    ) -> dict[str, Any]:
        """An item of the answer: a function that shall be called, with arguments as JSON."""
        from mlflow.types.responses import create_function_call_item

        return create_function_call_item(id, call_id, name, arguments)

    @staticmethod
    def create_function_call_output_item(call_id: str, output: str) -> dict[str, Any]:
        """An item of the answer: what that function gave."""
        from mlflow.types.responses import create_function_call_output_item

        return create_function_call_output_item(call_id, output)

    @staticmethod
    def prep_msgs_for_cc_llm(
        responses_input: Sequence[dict[str, Any] | Message | OutputItem],
    ) -> list[dict[str, Any]]:
        """The items of a request as messages of chat completions."""
        from mlflow.types.responses import to_chat_completions_input

        return to_chat_completions_input(responses_input)

    @staticmethod
    def output_to_responses_items_stream(
        chunks: Iterator[dict[str, Any]], aggregator: list[dict[str, Any]] | None = None
    ) -> Generator[ResponsesAgentStreamEvent, None, None]:
        """Chunks of chat completions as events.

        Args:
            chunks: As a chat completion streams them.
            aggregator: Gets the items that are complete.
        """
        from mlflow.types.responses import output_to_responses_items_stream

        yield from output_to_responses_items_stream(chunks, aggregator)


def _defines(cls: type, *names: str) -> bool:
    return any(name in cls.__dict__ for name in names)


def _take_dictionaries(cls: type, request: type, name: str, *, unpack: bool) -> None:
    """Let the methods of a class take a dictionary in place of what they have hints for."""
    from mlflow.pyfunc.utils.data_validation import wrap_non_list_predict_pydantic

    message = f"Invalid dictionary input for a {cls.__name__}. Expected the fields of {name}."
    for method in ("predict", "predict_stream"):
        if method in cls.__dict__:
            wrapped = wrap_non_list_predict_pydantic(
                cls.__dict__[method], request, message, unpack=unpack
            )
            setattr(cls, method, wrapped)


class ModelFromDeploymentEndpoint(PythonModel):
    """A deployment endpoint as a model.

    Args:
        endpoint: Its name.
        params: Parameters of every request.
    """

    def __init__(self, endpoint: str, params: dict[str, Any] | None):
        self.endpoint = endpoint
        self.params = params

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame | dict[str, Any] | list[dict[str, Any]],
    ) -> Any:
        """Not available yet: it needs deployments."""
        from mlflow._later import NotAvailableYet

        raise NotAvailableYet("mlflow.deployments")


def _load_pyfunc(model_path: str, model_config: dict[str, Any] | None = None) -> Any:
    """The pickled model in a folder, ready to be asked."""
    from mlflow.pyfunc.python_model import ModelInContext, read_python_model

    return ModelInContext(*read_python_model(model_path, model_config))
