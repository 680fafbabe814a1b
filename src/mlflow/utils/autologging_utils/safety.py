"""Patches that cannot break what they patch.

A patched function runs a patch function, which is given the original to call. Whatever goes wrong
in the patch itself becomes a warning in the log, and the original is called once all the same;
what the original returns or raises is what the user sees. Wrappers hold nothing but their patch, so
that classes and functions with patches can be pickled, by reference and by value.
"""

from __future__ import annotations

import abc
import functools
import inspect
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType, MethodType
from typing import Any

from mlflow.environment_variables import _MLFLOW_AUTOLOGGING_TESTING
from mlflow.utils.autologging_utils.config import autologging_is_disabled, get_autologging_config
from mlflow.utils.autologging_utils.events import AutologgingEventLoggerWrapper
from mlflow.utils.autologging_utils.logging_and_warnings import (
    MlflowEventsAndWarningsBehaviorGlobally,
    NonMlflowWarningsBehaviorForCurrentThread,
)
from mlflow.utils.autologging_utils.sessions import AutologgingSession, _AutologgingSessionManager
from mlflow.utils.autologging_utils.testing import check_arguments, check_run
from mlflow.utils.mlflow_tags import MLFLOW_AUTOLOGGING

_logger = logging.getLogger("mlflow.utils.autologging_utils")

_FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodDescriptorType)
_ATTRIBUTE_EXCEPTION_SAFE = "exception_safe"
_ERROR_MSG = "Encountered unexpected error during %s autologging: %s"


def is_testing() -> bool:
    """Whether errors of patches are raised, and what they do is checked: in tests of them."""
    return _MLFLOW_AUTOLOGGING_TESTING.get()


# Functions that never raise


def _safe_function(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What `function` returns; None, and a warning in the log, if it raises."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        if is_testing():
            raise
        _logger.warning("Encountered unexpected error during autologging: %s", error)


def picklable_exception_safe_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, except that errors become warnings in the log. Pickles if `function` does."""
    return _marked(update_wrapper_extended(functools.partial(_safe_function, function), function))


def exception_safe_function_for_class(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a method in the body of a class."""

    @functools.wraps(function)
    def safe(*args: Any, **kwargs: Any) -> Any:
        return _safe_function(function, *args, **kwargs)

    return _marked(safe)


def _marked(function: Any) -> Any:
    setattr(function, _ATTRIBUTE_EXCEPTION_SAFE, True)
    return function


def _exception_safe_class_factory(base_class: type) -> type:
    """A metaclass on `base_class`: methods of its classes never raise, except in tests."""

    class _ExceptionSafeClass(base_class):
        def __new__(cls: Any, name: str, bases: tuple[type, ...], dct: dict[str, Any]) -> Any:
            for key, value in dct.items():
                if inspect.isfunction(value):
                    dct[key] = exception_safe_function_for_class(value)
            return base_class.__new__(cls, name, bases, dct)

    return _ExceptionSafeClass


ExceptionSafeClass = _exception_safe_class_factory(type)
ExceptionSafeAbstractClass = _exception_safe_class_factory(abc.ABCMeta)


def update_wrapper_extended(wrapper: Any, wrapped: Any) -> Any:
    """`functools.update_wrapper` that also gives the wrapper its own copy of the signature."""
    functools.update_wrapper(wrapper, wrapped)
    try:
        wrapper.__signature__ = inspect.signature(wrapped)
    except (TypeError, ValueError):  # functions in C may tell none
        pass
    return wrapper


# Runs


@contextmanager
def _managed_run(integration: str, tags: dict[str, Any] | None) -> Iterator[None]:
    """Have an active run in the block; one that is made for it ends with it."""
    from mlflow.tracking import fluent

    if fluent.active_run() is not None:
        yield
        return
    run = fluent.start_run(tags={**(tags or {}), MLFLOW_AUTOLOGGING: integration})
    run_id = run.info.run_id
    _logger.info(
        "Created MLflow autologging run with ID '%s', which will track hyperparameters, "
        "performance metrics, model artifacts, and lineage information for the current %s workflow",
        run_id,
        integration,
    )
    try:
        yield
    except BaseException:
        try:
            _end_if_active(run_id, "FAILED")
        except Exception as error:  # must not hide what went wrong first
            _logger.warning(_ERROR_MSG, integration, error)
        raise
    _end_if_active(run_id, "FINISHED")
    if is_testing():
        check_run(integration, run_id)


def _end_if_active(run_id: str, status: str) -> None:
    from mlflow.tracking import fluent

    active = fluent.active_run()
    if active is not None and active.info.run_id == run_id:
        fluent.end_run(status)


def with_managed_run(
    autologging_integration: str, patch_function: Callable[..., Any], tags: Any = None
) -> Callable[..., Any]:
    """A patch function that runs `patch_function` in an active run: the one there is, else a new
    one that ends with it, as FAILED if it raises.

    Args:
        tags: Of the new run.
    """
    if inspect.iscoroutinefunction(patch_function):

        async def managed_async(original: Any, *args: Any, **kwargs: Any) -> Any:
            with _managed_run(autologging_integration, tags):
                return await patch_function(original, *args, **kwargs)

        return update_wrapper_extended(managed_async, patch_function)

    def managed(original: Any, *args: Any, **kwargs: Any) -> Any:
        with _managed_run(autologging_integration, tags):
            return patch_function(original, *args, **kwargs)

    return update_wrapper_extended(managed, patch_function)


def own_tags(extra_tags: dict[str, Any] | None) -> dict[str, Any]:
    """The tags a user wants on runs, without those that are not theirs to set."""
    tags = dict(extra_tags or {})
    if tags.pop(MLFLOW_AUTOLOGGING, None) is not None:
        _logger.warning(
            "Tag `%s` is set by autologging itself; the value in `extra_tags` is ignored.",
            MLFLOW_AUTOLOGGING,
        )
    return tags


# Patches


class _Patch:
    """An attribute of a class or module that calls a patch function instead."""

    def __init__(self, integration: str, destination: Any, name: str, function: Any):
        self.integration = integration
        self.destination = destination
        self.name = name
        self.function = function
        self.on = False
        self._replaced: Any = None
        self._own = False
        self._wrapper: Any = None

    def put_on(self) -> None:
        """Replace the attribute.

        Raises:
            AttributeError: There is none.
            RuntimeError: It is of a kind that cannot be patched.
        """
        self._replaced = inspect.getattr_static(self.destination, self.name)
        self._own = self.name in vars(self.destination)
        self._wrapper = self._wrap(self._replaced)
        self.on = True
        setattr(self.destination, self.name, self._wrapper)

    def take_off(self) -> None:
        """Put back what was there. Where someone else has patched on top of it, only stop."""
        self.on = False
        if vars(self.destination).get(self.name) is not self._wrapper:
            return
        if self._own:
            setattr(self.destination, self.name, self._replaced)
        else:
            delattr(self.destination, self.name)

    def _wrap(self, replaced: Any) -> Any:
        if isinstance(replaced, (classmethod, staticmethod)):
            raise RuntimeError(f"Unsupported patch on {self.destination}.{self.name}")
        if isinstance(replaced, property):
            return property(
                functools.partial(_get_property, self, replaced),
                replaced.fset,
                replaced.fdel,
                replaced.__doc__,
            )
        is_function = not inspect.isclass(self.destination) or isinstance(replaced, _FUNCTIONS)
        if not is_function and hasattr(replaced, "__get__"):
            return _PatchedDescriptor(self, replaced)
        if not callable(replaced):
            raise RuntimeError(f"Unsupported patch on {self.destination}.{self.name}")
        wrapper = _wrapper(self, replaced)
        if inspect.ismodule(self.destination):
            # Where it can be found, for pickles: what it replaces may have another home
            wrapper.__module__, wrapper.__qualname__ = self.destination.__name__, self.name
        return wrapper


def _wrapper(patch: _Patch, original: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(patch.function):

        async def patched_async(*args: Any, **kwargs: Any) -> Any:
            return await _call_async(patch, original, args, kwargs)

        return functools.update_wrapper(patched_async, original)

    def patched(*args: Any, **kwargs: Any) -> Any:
        return _call(patch, original, args, kwargs)

    return functools.update_wrapper(patched, original)


def _wrapped_member(patch: _Patch, instance: Any, value: Any) -> Any:
    """What an instance's attribute is, patched if it can be called: a bound method, which pickles
    by its name."""
    if not callable(value):
        return value
    if getattr(value, "__self__", None) is instance:
        return MethodType(_wrapper(patch, value.__func__), instance)

    def without_self(_: Any, *args: Any, **kwargs: Any) -> Any:
        return value(*args, **kwargs)

    bound = MethodType(_wrapper(patch, without_self), instance)
    bound.__func__.__name__ = patch.name
    return bound


def _get_property(patch: _Patch, replaced: property, instance: Any) -> Any:
    return _wrapped_member(patch, instance, replaced.__get__(instance, type(instance)))


class _PatchedDescriptor:
    """In place of a descriptor that gives a method, or says that there is none, such as
    scikit-learn's `available_if`."""

    def __init__(self, patch: _Patch, replaced: Any):
        self.patch = patch
        self.replaced = replaced
        functools.update_wrapper(self, replaced)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        value = self.replaced.__get__(instance, owner)
        if instance is None:
            return _wrapper(self.patch, value) if callable(value) else value
        return _wrapped_member(self.patch, instance, value)


#: Integration to its patches, oldest first.
_AUTOLOGGING_PATCHES: dict[str, list[_Patch]] = {}
#: Integration to what is called when its patches go.
_AUTOLOGGING_CLEANUP_CALLBACKS: dict[str, list[Callable[[], None]]] = {}


def safe_patch(
    autologging_integration: str,
    destination: Any,
    function_name: str,
    patch_function: Callable[..., Any],
    manage_run: bool = False,
    extra_tags: dict[str, str] | None = None,
) -> None:
    """Let `destination.function_name` call `patch_function(original, *args, **kwargs)` instead.

    Args:
        destination: A class or a module.
        function_name: Of a function, a method, or a property or descriptor that gives one.
        patch_function: Calls `original` once and does what is to be done around it. What it returns
            is ignored. A coroutine function where the original is one.
        manage_run: Have an active run, see `with_managed_run`.
        extra_tags: Of a run that is made for it.
    """
    if manage_run:
        tags = own_tags(extra_tags)
        patch_function = with_managed_run(autologging_integration, patch_function, tags)
    patch = _Patch(autologging_integration, destination, function_name, patch_function)
    patch.put_on()
    _AUTOLOGGING_PATCHES.setdefault(autologging_integration, []).append(patch)


def revert_patches(autologging_integration: str) -> None:
    """Take off all patches of an integration, and call its cleanup callbacks."""
    for patch in reversed(_AUTOLOGGING_PATCHES.pop(autologging_integration, [])):
        patch.take_off()
    for callback in _AUTOLOGGING_CLEANUP_CALLBACKS.pop(autologging_integration, []):
        callback()


def on_revert(autologging_integration: str, callback: Callable[[], None]) -> None:
    """Call this when the integration's patches are taken off."""
    _AUTOLOGGING_CLEANUP_CALLBACKS.setdefault(autologging_integration, []).append(callback)


# A patched call


def _is_kept_out(integration: str) -> bool:
    """Whether the user's run is active, and the integration leaves such runs alone."""
    if not get_autologging_config(integration, "exclusive", False):
        return False
    fluent = sys.modules.get("mlflow.tracking.fluent")
    return (
        fluent is not None
        and fluent.active_run() is not None
        and _AutologgingSessionManager.active_session() is None
    )


def _passes_through(patch: _Patch) -> bool:
    return (
        not patch.on
        or autologging_is_disabled(patch.integration)
        or _is_kept_out(patch.integration)
    )


class _Call:
    """One call of a patched function: what became of the original."""

    def __init__(self, patch: _Patch, session: AutologgingSession, args: Any, kwargs: Any):
        self.patch = patch
        self.events = AutologgingEventLoggerWrapper(session, patch.destination, patch.name)
        self.given = (args, kwargs)
        self.called = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.events.log_patch_function_start(args, kwargs)

    def before(self, args: Any, kwargs: Any) -> None:
        """The original is about to be called with these."""
        if is_testing():
            check_arguments(self.patch.integration, self.patch.name, *self.given, args, kwargs)
        self.called = True
        self.events.log_original_function_start(args, kwargs)

    def returned(self, result: Any, args: Any, kwargs: Any) -> Any:
        self.result, self.error = result, None
        self.events.log_original_function_success(args, kwargs)
        return result

    def raised(self, error: BaseException, args: Any, kwargs: Any) -> None:
        self.error = error
        self.events.log_original_function_error(args, kwargs, error)

    def patch_raised(self, error: Exception) -> None:
        """What the patch raised; not the user's matter, except in tests."""
        if self.error is not None:
            return
        self.events.log_patch_function_error(*self.given, error)
        if is_testing():
            raise error
        _logger.warning(_ERROR_MSG, self.patch.integration, error)

    def patch_returned(self) -> None:
        self.events.log_patch_function_success(*self.given)


@contextmanager
def _quiet(integration: str) -> Iterator[None]:
    """Warnings that patches cause go to the log; in silent mode nowhere."""
    silent = bool(get_autologging_config(integration, "silent", False))
    with (
        MlflowEventsAndWarningsBehaviorGlobally(
            disable_event_logs=silent, disable_warnings=silent, reroute_warnings=True
        ),
        NonMlflowWarningsBehaviorForCurrentThread(disable_warnings=silent, reroute_warnings=True),
    ):
        yield


def _loud() -> NonMlflowWarningsBehaviorForCurrentThread:
    """Warnings of the user's own training are shown as ever."""
    return NonMlflowWarningsBehaviorForCurrentThread(disable_warnings=False, reroute_warnings=False)


def _call(patch: _Patch, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    if _passes_through(patch):
        return original(*args, **kwargs)
    with _AutologgingSessionManager.start_session(patch.integration) as session:
        call = _Call(patch, session, args, kwargs)

        def call_original(*og_args: Any, **og_kwargs: Any) -> Any:
            call.before(og_args, og_kwargs)
            try:
                with _loud():
                    result = original(*og_args, **og_kwargs)
            except BaseException as error:
                call.raised(error, og_args, og_kwargs)
                raise
            return call.returned(result, og_args, og_kwargs)

        functools.update_wrapper(call_original, original)
        with _quiet(patch.integration):
            try:
                patch.function(call_original, *args, **kwargs)
                call.patch_returned()
            except Exception as error:
                call.patch_raised(error)
        if call.error is not None:
            raise call.error
        return call.result if call.called else original(*args, **kwargs)


async def _call_async(patch: _Patch, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    if _passes_through(patch):
        return await original(*args, **kwargs)
    with _AutologgingSessionManager.start_session(patch.integration) as session:
        call = _Call(patch, session, args, kwargs)

        async def call_original(*og_args: Any, **og_kwargs: Any) -> Any:
            call.before(og_args, og_kwargs)
            try:
                result = await original(*og_args, **og_kwargs)
            except BaseException as error:
                call.raised(error, og_args, og_kwargs)
                raise
            return call.returned(result, og_args, og_kwargs)

        functools.update_wrapper(call_original, original)
        # No change of warnings here: the thread is shared with other tasks
        try:
            await patch.function(call_original, *args, **kwargs)
            call.patch_returned()
        except Exception as error:
            call.patch_raised(error)
        if call.error is not None:
            raise call.error
        return call.result if call.called else await original(*args, **kwargs)
