"""What each integration was told: the arguments of its last `autolog()` call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from typing import Any

from mlflow.utils.autologging_utils.versioning import (
    FLAVOR_TO_MODULE_NAME,
    is_flavor_supported_for_associated_package_versions,
)

#: Integration to the arguments of its last `autolog()` call; empty until there was one.
AUTOLOGGING_INTEGRATIONS: dict[str, dict[str, Any]] = {}

#: Key of a configuration that came from `mlflow.autolog()`, not from the integration's own.
AUTOLOGGING_CONF_KEY_IS_GLOBALLY_CONFIGURED = "globally_configured"

_configuring = threading.RLock()
_off_everywhere = 0
_counting = threading.Lock()


def autologging_conf_lock(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Let one thread at a time change configurations."""

    @wraps(fn)
    def locked(*args: Any, **kwargs: Any) -> Any:
        with _configuring:
            return fn(*args, **kwargs)

    return locked


def get_autologging_config(flavor_name: str, config_key: str, default_value: Any = None) -> Any:
    """One argument of the last `autolog()` call; the default if there was none or it had no such
    argument."""
    return AUTOLOGGING_INTEGRATIONS.get(flavor_name, {}).get(config_key, default_value)


def autologging_is_disabled(integration_name: str) -> bool:
    """Whether patches of this integration only call what they replace."""
    if _off_everywhere:
        return True
    config = AUTOLOGGING_INTEGRATIONS.get(integration_name)
    if not config or config.get("disable", False):
        return True
    return (
        bool(config.get("disable_for_unsupported_versions"))
        and integration_name in FLAVOR_TO_MODULE_NAME
        and not is_flavor_supported_for_associated_package_versions(integration_name)
    )


@contextmanager
def disable_autologging() -> Iterator[None]:
    """No integration logs anything within the block, in any thread."""
    global _off_everywhere
    with _counting:
        _off_everywhere += 1
    try:
        yield
    finally:
        with _counting:
            _off_everywhere -= 1


@contextmanager
def disable_discrete_autologging(flavors_to_disable: list[str]) -> Iterator[None]:
    """These integrations log nothing within the block; afterwards those that were on are on again,
    as they were configured."""
    before = {}
    for flavor in flavors_to_disable:
        config = dict(AUTOLOGGING_INTEGRATIONS.get(flavor) or {})
        if config and not config.get("disable", False):
            before[flavor] = config
            import_module(f"mlflow.{flavor}").autolog(disable=True)
    try:
        yield
    finally:
        for flavor, config in before.items():
            was_global = config.pop(AUTOLOGGING_CONF_KEY_IS_GLOBALLY_CONFIGURED, None)
            import_module(f"mlflow.{flavor}").autolog(**config)
            if was_global:
                key = AUTOLOGGING_CONF_KEY_IS_GLOBALLY_CONFIGURED
                AUTOLOGGING_INTEGRATIONS[flavor][key] = was_global


@dataclass
class AutoLoggingConfig:
    """The settings that integrations of model libraries share."""

    log_input_examples: bool
    log_model_signatures: bool
    log_traces: bool
    extra_tags: dict[str, Any] | None = None
    log_models: bool = True

    @classmethod
    def init(cls, flavor_name: str) -> AutoLoggingConfig:
        """As configured now; an integration that does not have a setting counts as False there."""
        config = AUTOLOGGING_INTEGRATIONS.get(flavor_name) or {}
        return cls(
            log_input_examples=config.get("log_input_examples", False),
            log_model_signatures=config.get("log_model_signatures", False),
            log_traces=config.get("log_traces", True),
            extra_tags=config.get("extra_tags"),
            log_models=config.get("log_models", True),
        )
