"""What a call was given, by the names of its parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any


def get_mlflow_run_params_for_fn_args(
    fn: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    unlogged: Sequence[str] | None = None,
) -> dict[str, Any]:
    """The arguments of a call by name, with the defaults of those not given.

    Args:
        unlogged: Names to leave out.
    """
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = [p for p in inspect.signature(fn).parameters.values() if p.kind not in variadic]
    named = {p.name: p.default for p in parameters if p.default is not p.empty}
    positional = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
    named |= dict(zip(positional, args, strict=False))
    named |= kwargs
    for name in unlogged or ():
        named.pop(name, None)
    return named


def log_fn_args_as_params(
    fn: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    unlogged: Sequence[str] | None = None,
) -> None:
    """Log the arguments of a call as params of the active run."""
    from mlflow.tracking.fluent import log_params

    log_params(get_mlflow_run_params_for_fn_args(fn, args, kwargs, unlogged))


def get_method_call_arg_value(
    arg_index: int,
    arg_name: str | None,
    default_value: Any,
    call_pos_args: Sequence[Any],
    call_kwargs: dict[str, Any],
) -> Any:
    """One argument of a call.

    Args:
        arg_index: Its position, counted without `self`.
        arg_name: Its name; None if it can only be given by position.
        default_value: If it was not given.
    """
    if arg_name is not None and arg_name in call_kwargs:
        return call_kwargs[arg_name]
    return call_pos_args[arg_index] if arg_index < len(call_pos_args) else default_value


def get_instance_method_first_arg_value(
    method: Callable[..., Any], call_pos_args: Sequence[Any], call_kwargs: dict[str, Any]
) -> Any:
    """The first argument after `self` of a call, by position or by name; None if not given."""
    if call_pos_args:
        return call_pos_args[0]
    names = [
        parameter.name
        for parameter in inspect.signature(method).parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    return call_kwargs.get(names[1]) if len(names) > 1 else None
