"""What users set about tracing, beside environment variables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

from mlflow.exceptions import MlflowException

if TYPE_CHECKING:
    from mlflow.entities.span import LiveSpan


@dataclass
class TracingConfig:
    """Settings of tracing."""

    span_processors: list[Callable[[LiveSpan], None]] = field(default_factory=list)
    """Called with each span when it ends, in order; they may change it."""


_config = TracingConfig()


class TracingConfigContext:
    """Settings that were just made. As a context manager it takes them back at the end.

    Args:
        config_updates: Names of settings, and what they are now.
    """

    def __init__(self, config_updates: dict[str, Any]):
        global _config
        self.config_updates = config_updates
        self.previous_config = _config
        _config = replace(_config, **config_updates)

    def __enter__(self) -> TracingConfigContext:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        global _config
        _config = self.previous_config


def get_config() -> TracingConfig:
    """The settings of now."""
    return _config


def reset_config() -> None:
    """Back to what the settings were at first."""
    global _config
    _config = TracingConfig()


def configure(
    span_processors: list[Callable[[LiveSpan], None]] | None = None,
) -> TracingConfigContext:
    """Change settings of tracing, for good or, as a context manager, for a while.

    ```python
    def hide(span):
        if "password" in (span.inputs or {}):
            span.set_inputs({**span.inputs, "password": "***"})

    mlflow.tracing.configure(span_processors=[hide])
    ```

    Args:
        span_processors: Called with each span when it ends, before it is sent anywhere. None
            leaves them as they are.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if one cannot be called.
    """
    updates: dict[str, Any] = {}
    if span_processors is not None:
        processors = list(span_processors)
        for processor in processors:
            if not callable(processor):
                raise MlflowException.invalid_parameter_value(
                    f"Span processor must be a callable function, but got {processor!r}."
                )
        updates["span_processors"] = processors
    return TracingConfigContext(updates)
