"""Data checked against the type hint of `predict`, before it is called."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, get_type_hints

from mlflow.exceptions import MlflowException
from mlflow.types.type_hints import (
    InvalidTypeHintException,
    _convert_data_to_type_hint,
    _infer_schema_from_list_type_hint,
    _is_type_hint_from_example,
    _signature_cannot_be_inferred_from_type_hint,
    _validate_data_against_type_hint,
    model_validate,
)

if TYPE_CHECKING:
    import pydantic


class FuncInfo(NamedTuple):
    """The input of a function that is checked."""

    input_type_hint: type[Any] | None
    input_param_name: str


def pyfunc(func: Callable) -> Callable:
    """Decorator: check the input against its type hint on each call.

    Dictionaries become pydantic models where the hint has such, and a table becomes the list that
    the hint asks for. Without a hint, or with one that cannot be checked, the function stays as it
    is, with a warning.

        @pyfunc
        def predict(model_input: list[Message]) -> list[str]: ...

    Raises:
        MlflowException: If the hint lacks something, such as `list` without a type.
    """
    return _wrap_predict_with_pyfunc(func, _get_func_info_if_type_hint_supported(func))


def _wrap_predict_with_pyfunc(func: Callable, func_info: FuncInfo | None) -> Callable:
    """The function with its input checked; itself, marked, if nothing is known of the input."""
    if func_info is None:
        func._is_pyfunc = True
        return func
    index = _model_input_index_in_function_signature(func)

    @wraps(func)
    def checked(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = _validate_model_input(
            args, kwargs, index, func_info.input_type_hint, func_info.input_param_name
        )
        return func(*args, **kwargs)

    checked._is_pyfunc = True
    return checked


def wrap_non_list_predict_pydantic(
    func: Callable,
    input_pydantic_model: pydantic.BaseModel,
    validation_error_msg: str,
    unpack: bool = False,
) -> Callable:
    """A method that may be called with a dictionary in place of its pydantic model.

    Args:
        func: Takes the model; with `unpack`, an argument for each of its fields, by their names.
        input_pydantic_model: What a dictionary is made, after its values are checked strictly.
        validation_error_msg: Begins the error.
        unpack: Whether `func` takes the fields rather than the model.

    Raises:
        MlflowException: On the call: INTERNAL_ERROR if the dictionary does not fit.
    """
    names = [name for name in inspect.signature(func).parameters if name != "self"]

    @wraps(func)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        if len(args) != 1 or kwargs or not isinstance(args[0], dict):
            return func(self, *args, **kwargs)
        # Not by a helper of ours: models are pickled with this function, for any implementation.
        import pydantic

        try:
            model_validate(input_pydantic_model, args[0])
            request = input_pydantic_model(**args[0])
        except pydantic.ValidationError as error:
            raise MlflowException(
                f"{validation_error_msg} Pydantic validation error: {error}"
            ) from error
        if unpack:
            return func(self, *(getattr(request, name) for name in names))
        return func(self, request)

    return wrapper


def _get_func_info_if_type_hint_supported(func: Callable) -> FuncInfo | None:
    """What to check of the function's input; None, with a warning, if nothing can be.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if the function takes no input.
    """
    _check_func_signature(func, "predict")
    index = _model_input_index_in_function_signature(func)
    hints = _extract_type_hints(func, index)
    name = list(inspect.signature(func).parameters)[index]
    hint = hints.get(name)
    if hint is None:
        warnings.warn(
            "Add type hints to the `predict` method to enable data validation and automatic "
            "signature inference during model logging.",
            stacklevel=3,
        )
        return None
    if _signature_cannot_be_inferred_from_type_hint(hint) or _is_type_hint_from_example(hint):
        return None
    try:
        _infer_schema_from_list_type_hint(hint)
    except InvalidTypeHintException as error:
        raise MlflowException(
            f"{error.message} To disable data validation, remove the type hint from the predict "
            "function. Otherwise, fix the type hint."
        ) from error
    except MlflowException as error:
        warnings.warn(
            "Type hint used in the model's predict function is not supported for MLflow's schema "
            f"validation. {error.message} Remove the type hint to disable this warning. To enable "
            "validation for the input data, specify input example or model signature when logging "
            "the model.",
            stacklevel=3,
        )
        return None
    return FuncInfo(input_type_hint=hint, input_param_name=name)


def _extract_type_hints(f: Callable, input_arg_index: int) -> dict[str, Any]:
    """Hints by name; those that cannot be looked up, such as classes of other files, are left out.

    Args:
        input_arg_index: Which parameter is the input.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if there is no such parameter.
    """
    count = len(inspect.signature(f).parameters)
    if input_arg_index >= count:
        raise MlflowException.invalid_parameter_value(
            f"The input is parameter {input_arg_index + 1}, but the function takes only {count}."
        )
    try:
        return get_type_hints(f)
    except Exception:  # a hint in quotes may raise anything
        found = getattr(f, "__annotations__", {})
        return {name: hint for name, hint in found.items() if not isinstance(hint, str)}


def _check_func_signature(func: Callable, func_name: str) -> list[str]:
    """Names of the parameters without `self`; a warning names those that models do not have."""
    names = [name for name in inspect.signature(func).parameters if name != "self"]
    unknown = set(names) - {"context", "model_input", "params"}
    if unknown:
        warnings.warn(
            f"Model's `{func_name}` method contains invalid parameters: {unknown}. Only the "
            "following parameter names are allowed: context, model_input, and params. Note that "
            "invalid parameters will no longer be permitted in future versions.",
            FutureWarning,
            stacklevel=4,
        )
    return names


def _is_context_in_predict_function_signature(
    *, func: Callable | None = None, parameters: Mapping[str, inspect.Parameter] | None = None
) -> bool:
    """True when there is a parameter `context`."""
    return "context" in (inspect.signature(func).parameters if parameters is None else parameters)


def _model_input_index_in_function_signature(func: Callable) -> int:
    """Which of the parameters is the input: the first that is neither `self` nor `context`."""
    names = list(inspect.signature(func).parameters)
    return next((i for i, name in enumerate(names) if name not in ("self", "context")), len(names))


def _validate_model_input(
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    model_input_index_in_sig: int,
    type_hint: type[Any],
    model_input_param_name: str,
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call with the input checked and converted.

    A call without input goes through: Python says what is missing.
    """
    index = model_input_index_in_sig
    if model_input_param_name in kwargs:
        data = kwargs[model_input_param_name]
    elif len(args) > index:
        data = args[index]
    else:
        return args, kwargs
    data = _validate_data_against_type_hint(_convert_data_to_type_hint(data, type_hint), type_hint)
    if model_input_param_name in kwargs:
        return args, {**kwargs, model_input_param_name: data}
    return (*args[:index], data, *args[index + 1 :]), kwargs
