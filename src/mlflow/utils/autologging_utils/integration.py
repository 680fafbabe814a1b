"""What makes a function an `autolog()`."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from importlib import import_module
from typing import Any

from mlflow.utils.autologging_utils import safety
from mlflow.utils.autologging_utils.config import (
    AUTOLOGGING_INTEGRATIONS,
    autologging_conf_lock,
    autologging_is_disabled,
)
from mlflow.utils.autologging_utils.events import AutologgingEventLogger
from mlflow.utils.autologging_utils.logging_and_warnings import (
    MlflowEventsAndWarningsBehaviorGlobally,
    NonMlflowWarningsBehaviorForCurrentThread,
)
from mlflow.utils.autologging_utils.versioning import (
    FLAVOR_TO_MODULE_NAME,
    get_min_max_version_and_pip_release,
    is_flavor_supported_for_associated_package_versions,
)

_logger = logging.getLogger("mlflow.utils.autologging_utils")


def autologging_integration(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator for the function `autolog()` of the integration `name`.

    A call notes its arguments as the configuration, takes off the patches of the call before and,
    unless it has `disable=True`, runs the function, which puts patches on. The function must have
    `disable=False` and `silent=False` among its parameters.
    """

    def make(function: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(function)
        for needed in ("disable", "silent"):
            parameter = signature.parameters.get(needed)
            if parameter is None or parameter.default is not False:
                raise Exception(
                    f"Invalid `autolog()` function for integration '{name}'. `autolog()` functions "
                    f"must specify a '{needed}' argument with default value 'False'"
                )
        AUTOLOGGING_INTEGRATIONS.setdefault(name, {})

        @functools.wraps(function)
        @autologging_conf_lock
        def autolog(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            return _configure(name, function, bound, args, kwargs)

        autolog.__signature__ = signature
        autolog.integration_name = name
        return autolog

    return make


def _configure(
    name: str,
    function: Callable[..., Any],
    bound: inspect.BoundArguments,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    config = dict(bound.arguments)
    safety.revert_patches(name)
    # In place: others may hold the dictionary
    kept = AUTOLOGGING_INTEGRATIONS.setdefault(name, {})
    kept.clear()
    kept.update(config)
    silent = config["silent"]
    with (
        MlflowEventsAndWarningsBehaviorGlobally(
            disable_event_logs=silent, disable_warnings=silent, reroute_warnings=True
        ),
        NonMlflowWarningsBehaviorForCurrentThread(disable_warnings=silent, reroute_warnings=False),
    ):
        _tell(name, args, kwargs)
        # `mlflow.autolog` runs for `disable=True`, too: it passes it on to the others.
        if autologging_is_disabled(name) and name != "mlflow":
            return None
        _warn_of_untested_version(name)
        return function(*args, **kwargs)


def _tell(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    try:
        AutologgingEventLogger.get_logger().log_autolog_called(name, args, kwargs)
    except Exception as error:
        _logger.debug("Failed to log autologging event: %s", error)


def _warn_of_untested_version(name: str) -> None:
    if is_flavor_supported_for_associated_package_versions(name, check_max_version=False):
        return
    oldest, _, package = get_min_max_version_and_pip_release(name)
    module = import_module(FLAVOR_TO_MODULE_NAME[name])
    _logger.warning(
        "MLflow %s autologging is known to work with %s <= %s, but the installed version is %s. "
        "If it fails, change to such a version.",
        name,
        oldest,
        package,
        getattr(module, "__version__", "unknown"),
    )


def get_autolog_function(integration_name: str) -> Callable[..., Any] | None:
    """`mlflow.<integration_name>.autolog`; None if that module has none."""
    return getattr(import_module(f"mlflow.{integration_name}"), "autolog", None)


def is_autolog_supported(integration_name: str) -> bool:
    """Whether there is an `autolog()` for this integration."""
    try:
        return get_autolog_function(integration_name) is not None
    except ImportError:
        return False


def gen_autologging_package_version_requirements_doc(integration_name: str) -> str:
    """A note for documentation: which versions the integration is known to work with."""
    oldest, newest, package = get_min_max_version_and_pip_release(integration_name)
    return (
        f"    .. Note:: Autologging is known to work with ``{oldest}`` <= ``{package}`` <= "
        f"``{newest}``. It may fail with other versions.\n\n"
    )
