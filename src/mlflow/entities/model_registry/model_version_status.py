from __future__ import annotations

from mlflow.entities._named_numbers import name_of, number_of


class ModelVersionStatus:
    """Whether a model version can be used."""

    PENDING_REGISTRATION = 1
    FAILED_REGISTRATION = 2
    READY = 3

    _NUMBERS = {
        "PENDING_REGISTRATION": PENDING_REGISTRATION,
        "FAILED_REGISTRATION": FAILED_REGISTRATION,
        "READY": READY,
    }

    @staticmethod
    def from_string(status_str: str) -> int:
        """The number, from its name.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if there is no such name.
        """
        return number_of(status_str, ModelVersionStatus._NUMBERS, "model version status")

    @staticmethod
    def to_string(status: int) -> str:
        """The name.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if there is no such number.
        """
        return name_of(status, ModelVersionStatus._NUMBERS, "model version status")

    @staticmethod
    def all_status() -> list[int]:
        """All of them."""
        return list(ModelVersionStatus._NUMBERS.values())
