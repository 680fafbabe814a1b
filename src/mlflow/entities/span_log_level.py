from __future__ import annotations

from enum import IntEnum

from mlflow.exceptions import MlflowException


class SpanLogLevel(IntEnum):
    """How much a span matters, in the numbers of `logging`."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40
    CRITICAL = 50

    @classmethod
    def from_value(cls, value: SpanLogLevel | str) -> SpanLogLevel:
        """The level with this name, in any case, or the level itself.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if there is none.
        """
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise MlflowException.invalid_parameter_value(
                f"SpanLogLevel must be a SpanLogLevel or str, got {type(value).__name__}."
            )
        try:
            return cls[value.upper()]
        except KeyError:
            raise MlflowException.invalid_parameter_value(
                f"Invalid SpanLogLevel name {value!r}. Expected one of {[v.name for v in cls]}."
            ) from None
