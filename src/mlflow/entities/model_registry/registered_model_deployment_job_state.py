from __future__ import annotations

from mlflow.entities._named_numbers import name_of, number_of


class RegisteredModelDeploymentJobState:
    """Whether a registered model's deployment job is connected."""

    NOT_SET_UP = 1
    CONNECTED = 2
    NOT_FOUND = 3
    REQUIRED_PARAMETERS_CHANGED = 4

    _NUMBERS = {
        "DEPLOYMENT_JOB_CONNECTION_STATE_UNSPECIFIED": 0,
        "NOT_SET_UP": NOT_SET_UP,
        "CONNECTED": CONNECTED,
        "NOT_FOUND": NOT_FOUND,
        "REQUIRED_PARAMETERS_CHANGED": REQUIRED_PARAMETERS_CHANGED,
    }

    @staticmethod
    def from_string(state_str: str) -> int:
        """The number, from its name.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if there is no such name.
        """
        return number_of(
            state_str, RegisteredModelDeploymentJobState._NUMBERS, "deployment job connection state"
        )

    @staticmethod
    def to_string(state: int) -> str:
        """The name.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if there is no such number.
        """
        return name_of(
            state, RegisteredModelDeploymentJobState._NUMBERS, "deployment job connection state"
        )

    @staticmethod
    def all_states() -> list[int]:
        """All of them."""
        return list(RegisteredModelDeploymentJobState._NUMBERS.values())
