"""What patches must keep to, checked where `MLFLOW_AUTOLOGGING_TESTING` is set."""

from __future__ import annotations

import inspect
from typing import Any


def check_arguments(
    integration: str,
    function_name: str,
    given: tuple[Any, ...],
    given_kwargs: dict[str, Any],
    passed: tuple[Any, ...],
    passed_kwargs: dict[str, Any],
) -> None:
    """That the original gets what the user gave; more only in lists and keywords, and only what
    cannot raise (see `ExceptionSafeClass`).

    Raises:
        AssertionError: It gets something else.
    """
    where = f"{function_name}, {integration} autologging"
    if len(passed) < len(given):
        raise AssertionError(f"{where}: {len(given)} arguments became {len(passed)}")
    for mine, theirs in zip(given, passed, strict=False):
        _check_value(where, mine, theirs)
    for extra in passed[len(given) :]:
        _check_safe(where, extra)
    for key, mine in given_kwargs.items():
        if key not in passed_kwargs:
            raise AssertionError(f"{where}: argument '{key}' was dropped")
        _check_value(where, mine, passed_kwargs[key])
    for key in passed_kwargs.keys() - given_kwargs.keys():
        _check_safe(where, passed_kwargs[key])


def _check_value(where: str, given: Any, passed: Any) -> None:
    if given is passed:
        return
    if given is None:
        _check_safe(where, passed)
    elif isinstance(given, (list, tuple)) and type(given) is type(passed):
        for mine, theirs in zip(given, passed, strict=False):
            _check_value(where, mine, theirs)
        if len(passed) < len(given):
            raise AssertionError(f"{where}: {len(given)} items became {len(passed)}")
        for extra in passed[len(given) :]:
            _check_safe(where, extra)
    elif isinstance(given, dict) and isinstance(passed, dict):
        for key, value in given.items():
            if key not in passed:
                raise AssertionError(f"{where}: key '{key}' was dropped")
            _check_value(where, value, passed[key])
        for key in passed.keys() - given.keys():
            _check_safe(where, passed[key])
    elif type(given) is not type(passed) or _differ(given, passed):
        raise AssertionError(f"{where}: the original was given {passed!r} in place of {given!r}")


def _differ(given: Any, passed: Any) -> bool:
    try:
        return not bool(given == passed)
    except Exception:  # arrays and frames have no single answer, and patches may not copy them
        return True


def _check_safe(where: str, extra: Any) -> None:
    if isinstance(extra, (list, tuple)):
        for item in extra:
            _check_safe(where, item)
    elif isinstance(extra, dict):
        for item in extra.values():
            _check_safe(where, item)
    elif not isinstance(extra, (str, bytes, int, float, bool, type(None))):
        is_function = inspect.isfunction(extra) or hasattr(extra, "func")
        safe = getattr(extra, "exception_safe", False) if is_function else _has_safe_class(extra)
        if not safe:
            raise AssertionError(f"{where}: the added {extra!r} is not exception safe")


def _has_safe_class(value: Any) -> bool:
    return any(base.__name__ == "_ExceptionSafeClass" for base in type(type(value)).__mro__)


def check_run(integration: str, run_id: str) -> None:
    """That a run which autologging made is marked as such and has ended.

    Raises:
        AssertionError: It is not.
    """
    from mlflow.entities import RunStatus
    from mlflow.tracking.fluent import get_run
    from mlflow.utils.mlflow_tags import MLFLOW_AUTOLOGGING

    run = get_run(run_id)
    if run.data.tags.get(MLFLOW_AUTOLOGGING) != integration:
        raise AssertionError(f"Run {run_id} has no tag that says it is of {integration}")
    if not RunStatus.is_terminated(RunStatus.from_string(run.info.status)):
        raise AssertionError(f"Run {run_id} of {integration} autologging has not ended")
