"""What kind of model one of the user's own is, and what its MLmodel file says because of that."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.models.signature import ModelSignature
from mlflow.pyfunc.model import (
    ChatAgent,
    ChatModel,
    PythonModel,
    PythonModelContext,
    ResponsesAgent,
)
from mlflow.utils.warnings_utils import level_of_caller

_logger = logging.getLogger("mlflow.pyfunc")


@dataclass(frozen=True)
class Described:
    """What follows from the kind of a model."""

    loader_module: str
    signature: ModelSignature | bool | None
    """None: what the input example shows; False: none."""
    input_example: Any
    task: str | None = None
    """What the file says that it is good for."""
    always_streams: bool = False


def describe(
    model: PythonModel,
    signature: ModelSignature | bool | None,
    input_example: Any,
    make_context: Callable[[], PythonModelContext],
) -> Described:
    """What follows from the kind of a model, after checking that it keeps what that promises.

    Args:
        signature: As the user gave it.
        input_example: As the user gave it.
        make_context: Makes the context, which is only needed if the model is asked.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if a signature is given and the kind has its own;
            INTERNAL_ERROR if the model or the example is not of the form that the kind has.
    """
    for kind, of_kind in _KINDS.items():
        if isinstance(model, kind):
            if signature:
                raise MlflowException.invalid_parameter_value(
                    f"{kind.__name__} subclasses have a standard signature that is set "
                    "automatically. Please remove the `signature` parameter from the call to "
                    "log_model() or save_model()."
                )
            return of_kind(model, input_example, make_context)
    signature, input_example = _of_hints(model, signature, input_example, make_context)
    return Described("mlflow.pyfunc.model", signature, input_example)


def _chat_model(
    model: ChatModel, example: Any, make_context: Callable[[], PythonModelContext]
) -> Described:
    from mlflow.types import llm

    if example is None:
        example = llm.CHAT_MODEL_INPUT_EXAMPLE
        _logger.warning(
            "The input example has values for temperature, n and stream, which requests without "
            "them will not have in future. Pass an input example to say what you expect."
        )
    elif isinstance(example, list):
        example = {"messages": [_as_dict(message) for message in example]}
    elif isinstance(example, tuple):
        messages, params = example
        example = {"messages": [_as_dict(message) for message in messages], **_as_dict(params)}
    request = _valid(llm.ChatCompletionRequest.from_dict, example, "ChatModel")
    params = {name: value for name, value in request.to_dict().items() if name != "messages"}
    context = make_context()
    model.load_context(context)
    _logger.info("Predicting on input example to validate output")
    answer = model.predict(context, request.messages, llm.ChatParams.from_dict(params))
    if not isinstance(answer, llm.ChatCompletionResponse):
        raise MlflowException(
            "Failed to save ChatModel. Please ensure that the model's predict() method returns a "
            f"ChatCompletionResponse object, not {type(answer).__name__}. If it returns a "
            "dictionary, use `ChatCompletionResponse.from_dict(output)`."
        )
    return Described(
        "mlflow.pyfunc.loaders.chat_model",
        ModelSignature(llm.CHAT_MODEL_INPUT_SCHEMA, llm.CHAT_MODEL_OUTPUT_SCHEMA),
        example,
        "agent/v1/chat",
        always_streams=True,
    )


def _chat_agent(
    model: ChatAgent, example: Any, make_context: Callable[[], PythonModelContext]
) -> Described:
    from mlflow.types import agent

    example = _as_dict(agent.CHAT_AGENT_INPUT_EXAMPLE if example is None else example)
    request = _valid(lambda data: agent.ChatAgentRequest(**data), example, "ChatAgent")
    model.load_context(make_context())
    _logger.info("Predicting on input example to validate output")
    answer = model.predict(request.messages, request.context, request.custom_inputs)
    _check_answer(answer, agent.ChatAgentResponse, "ChatAgent")
    return Described(
        "mlflow.pyfunc.loaders.chat_agent",
        ModelSignature(agent.CHAT_AGENT_INPUT_SCHEMA, agent.CHAT_AGENT_OUTPUT_SCHEMA),
        example,
        "agent/v2/chat",
        always_streams=True,
    )


def _responses_agent(
    model: ResponsesAgent, example: Any, make_context: Callable[[], PythonModelContext]
) -> Described:
    from mlflow.types import responses

    example = _as_dict(responses.RESPONSES_AGENT_INPUT_EXAMPLE if example is None else example)
    request = _valid(
        lambda data: responses.ResponsesAgentRequest(**data), example, "ResponsesAgent"
    )
    model.load_context(make_context())
    _logger.info("Predicting on input example to validate output")
    _check_answer(model.predict(request), responses.ResponsesAgentResponse, "ResponsesAgent")
    return Described(
        "mlflow.pyfunc.loaders.responses_agent",
        ModelSignature(
            responses.RESPONSES_AGENT_INPUT_SCHEMA, responses.RESPONSES_AGENT_OUTPUT_SCHEMA
        ),
        example,
        "agent/v1/responses",
        always_streams=True,
    )


_KINDS: dict[type, Callable[..., Described]] = {
    ChatModel: _chat_model,
    ChatAgent: _chat_agent,
    ResponsesAgent: _responses_agent,
}


def _as_dict(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(exclude_none=True)
    return value.to_dict() if hasattr(value, "to_dict") else value


def _valid(read: Callable[[Any], Any], example: Any, kind: str) -> Any:
    try:
        return read(example)
    except Exception as error:
        raise MlflowException(
            f"Invalid input example for a {kind}: {example!r}. Expected the fields of its "
            f"request. {error}"
        ) from error


def _check_answer(answer: Any, form: type, kind: str) -> None:
    try:
        form(**_as_dict(answer))
    except Exception as error:
        raise MlflowException(
            f"Failed to save {kind}. Ensure your model's predict() method returns a "
            f"{form.__name__} object or a dict with the same schema. {error}"
        ) from error


def _of_hints(
    model: PythonModel,
    signature: ModelSignature | bool | None,
    example: Any,
    make_context: Callable[[], PythonModelContext],
) -> tuple[ModelSignature | bool | None, Any]:
    """Signature and example of a model whose `predict` may have type hints."""
    from mlflow.types import type_hints

    if type(model).predict is PythonModel.predict:  # not a model yet; its hints say nothing
        return signature, example
    hint = model.predict_type_hints.input
    if hint is None or type_hints._signature_cannot_be_inferred_from_type_hint(hint):
        return signature, example
    if type_hints._is_type_hint_from_example(hint):
        return _from_example(model, signature, example, make_context), example
    inferred = _signature_of_hints(model, example)
    if inferred is None:
        return signature, example
    if signature and signature != inferred:
        _logger.warning(
            "Provided signature does not match the signature inferred from the Python model's "
            "`predict` function type hint. Signature inferred from type hint will be used:\n%s",
            inferred,
        )
    if example is not None:
        _try_example(model, example, make_context)
    return inferred, example


def _signature_of_hints(model: PythonModel, example: Any) -> ModelSignature | None:
    from mlflow.types.nested import AnyType
    from mlflow.types.schema import ColSpec, Schema
    from mlflow.types.type_hints import _infer_schema_from_list_type_hint
    from mlflow.types.utils import _infer_param_schema

    hints = model.predict_type_hints
    try:
        inputs = _infer_schema_from_list_type_hint(hints.input)
    except Exception as error:
        message = getattr(error, "message", error)
        warnings.warn(
            f"Failed to infer signature from type hint: {message}", stacklevel=level_of_caller()
        )
        return None
    outputs = Schema([ColSpec(AnyType())])
    if hints.output is not None:
        try:
            outputs = _infer_schema_from_list_type_hint(hints.output)
        except Exception as error:
            _logger.info(
                "Failed to infer output type hint, setting output schema to AnyType. %s", error
            )
    _, params = _split(example)
    signature = ModelSignature(
        inputs, outputs, params=_infer_param_schema(params) if params else None
    )
    signature._is_signature_from_type_hint = True
    return signature


def _split(example: Any) -> tuple[Any, dict[str, Any] | None]:
    """Data and parameters of an input example."""
    if isinstance(example, tuple) and len(example) == 2 and isinstance(example[1], dict):
        return example
    return example, None


def _try_example(
    model: PythonModel, example: Any, make_context: Callable[[], PythonModelContext]
) -> None:
    from mlflow.pyfunc.python_model import ModelInContext

    data, params = _split(example)
    try:
        context = make_context()
        model.load_context(context)
        ModelInContext(model, context).predict(data, params)
    except Exception as error:
        _logger.warning(
            "The model cannot be asked with its input example: %r. Set the log level to DEBUG to "
            "see where.",
            error,
        )
        _logger.debug("Where:", exc_info=True)


def _from_example(
    model: PythonModel,
    signature: ModelSignature | bool | None,
    example: Any,
    make_context: Callable[[], PythonModelContext],
) -> ModelSignature | bool | None:
    """The signature of a model whose hint is `TypeFromExample`."""
    if example is None:
        _logger.warning(
            "Input example must be provided when using TypeFromExample as type hint. "
            "Fix this by passing `input_example` when logging your model."
        )
        return signature
    from mlflow.models.signature import infer_signature
    from mlflow.pyfunc.python_model import ModelInContext

    data, params = _split(example)
    if signature is None:
        output = None
        try:
            context = make_context()
            model.load_context(context)
            output = ModelInContext(model, context).predict(data, params)
        except Exception as error:
            _logger.warning("The model cannot be asked with its input example: %r.", error)
        signature = infer_signature(data, output, params)
    if signature:
        update_signature_for_type_hint_from_example(data, signature)
    return signature


def update_signature_for_type_hint_from_example(
    input_example: Any, signature: ModelSignature
) -> None:
    """Note in a signature that data is to be brought into the form of the example.

    Args:
        input_example: A list, a table or a series.
        signature: Is changed.
    """
    from mlflow.types.type_hints import _is_example_valid_for_type_from_example

    if _is_example_valid_for_type_from_example(input_example):
        signature._is_type_hint_from_example = True
    else:
        _logger.warning(
            "Input example must be one of pandas.DataFrame, pandas.Series or list when using "
            "TypeFromExample as type hint, got %s. Data is not brought into its form.",
            type(input_example).__name__,
        )
