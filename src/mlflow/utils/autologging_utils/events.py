"""What happens inside patched functions, told to a logger that tests and tools may replace."""

from __future__ import annotations

import logging
from functools import wraps
from typing import Any

_logger = logging.getLogger("mlflow.utils.autologging_utils")


class AutologgingEventLogger:
    """Hears of each step of each patched call; this one writes it to the log at level DEBUG.

    Args of the methods:
        session: The `AutologgingSession` of the call.
        patch_obj: The class or module whose attribute is patched.
        function_name: The attribute.
        call_args, call_kwargs: What the function in question was given.
    """

    _event_logger: AutologgingEventLogger | None = None

    @staticmethod
    def get_logger() -> AutologgingEventLogger:
        """The logger in use."""
        return AutologgingEventLogger._event_logger or _default

    @staticmethod
    def set_logger(logger: AutologgingEventLogger | None) -> None:
        """Use another one; None for the usual one."""
        AutologgingEventLogger._event_logger = logger

    def log_autolog_called(self, integration: str, call_args: Any, call_kwargs: Any) -> None:
        """`autolog()` of an integration was called."""
        _logger.debug(
            "Called autolog() method for %s autologging with args '%s' and kwargs '%s'",
            integration,
            call_args,
            call_kwargs,
        )

    def log_patch_function_start(
        self, session: Any, patch_obj: Any, function_name: str, call_args: Any, call_kwargs: Any
    ) -> None:
        """The patch is about to run."""
        _say("Invoked patched API", session, patch_obj, function_name)

    def log_patch_function_success(
        self, session: Any, patch_obj: Any, function_name: str, call_args: Any, call_kwargs: Any
    ) -> None:
        """The patch ran to its end."""
        _say("Patched API call completed", session, patch_obj, function_name)

    def log_patch_function_error(
        self,
        session: Any,
        patch_obj: Any,
        function_name: str,
        call_args: Any,
        call_kwargs: Any,
        exception: BaseException,
    ) -> None:
        """The patch failed; the user's call goes on without it."""
        _say(f"Patched API call threw {exception!r}", session, patch_obj, function_name)

    def log_original_function_start(
        self, session: Any, patch_obj: Any, function_name: str, call_args: Any, call_kwargs: Any
    ) -> None:
        """The patch calls what it replaces."""
        _say("Original function called", session, patch_obj, function_name)

    def log_original_function_success(
        self, session: Any, patch_obj: Any, function_name: str, call_args: Any, call_kwargs: Any
    ) -> None:
        """What the patch replaces returned."""
        _say("Original function call completed", session, patch_obj, function_name)

    def log_original_function_error(
        self,
        session: Any,
        patch_obj: Any,
        function_name: str,
        call_args: Any,
        call_kwargs: Any,
        exception: BaseException,
    ) -> None:
        """What the patch replaces raised; the user's call raises the same."""
        _say(f"Original function threw {exception!r}", session, patch_obj, function_name)


def _say(what: str, session: Any, patch_obj: Any, function_name: str) -> None:
    if _logger.isEnabledFor(logging.DEBUG):
        name = f"{getattr(patch_obj, '__name__', patch_obj)}.{function_name}"
        _logger.debug("%s: '%s', %s autologging", what, name, session.integration)


_default = AutologgingEventLogger()


def _catch_exception(fn: Any) -> Any:
    """What a logger raises must not reach a training loop."""

    @wraps(fn)
    def caught(*args: Any, **kwargs: Any) -> None:
        try:
            fn(*args, **kwargs)
        except Exception as error:
            _logger.debug("Failed to log autologging event via '%s'. Exception: %s", fn, error)

    return caught


class AutologgingEventLoggerWrapper:
    """The events of one patched call: the logger in use with `session`, `destination` and
    `function_name` filled in."""

    def __init__(self, session: Any, destination: Any, function_name: str):
        self._call = (session, destination, function_name)
        self._logger = AutologgingEventLogger.get_logger()

    @_catch_exception
    def log_patch_function_start(self, args: Any, kwargs: Any) -> None:
        self._logger.log_patch_function_start(*self._call, args, kwargs)

    @_catch_exception
    def log_patch_function_success(self, args: Any, kwargs: Any) -> None:
        self._logger.log_patch_function_success(*self._call, args, kwargs)

    @_catch_exception
    def log_patch_function_error(self, args: Any, kwargs: Any, exception: BaseException) -> None:
        self._logger.log_patch_function_error(*self._call, args, kwargs, exception)

    @_catch_exception
    def log_original_function_start(self, args: Any, kwargs: Any) -> None:
        self._logger.log_original_function_start(*self._call, args, kwargs)

    @_catch_exception
    def log_original_function_success(self, args: Any, kwargs: Any) -> None:
        self._logger.log_original_function_success(*self._call, args, kwargs)

    @_catch_exception
    def log_original_function_error(self, args: Any, kwargs: Any, exception: BaseException) -> None:
        self._logger.log_original_function_error(*self._call, args, kwargs, exception)
