from __future__ import annotations

from enum import Enum

from mlflow.exceptions import MlflowException


class LoggedModelStatus(str, Enum):
    """Whether a logged model can be used."""

    UNSPECIFIED = "UNSPECIFIED"
    PENDING = "PENDING"
    READY = "READY"
    FAILED = "FAILED"

    def __str__(self) -> str:
        return self.value

    @staticmethod
    def is_finalized(status: LoggedModelStatus) -> bool:
        """Whether a model with this status will not change any more."""
        return status in (LoggedModelStatus.READY, LoggedModelStatus.FAILED)

    @classmethod
    def from_int(cls, status_int: int) -> LoggedModelStatus:
        """The status with this number.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if there is none.
        """
        for status in cls:
            if status.to_int() == status_int:
                return status
        raise MlflowException.invalid_parameter_value(f"Unknown model status: {status_int}")

    def to_int(self) -> int:
        """The number that stands for the status on the wire and in databases."""
        return list(LoggedModelStatus).index(self)
