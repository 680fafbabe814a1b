from __future__ import annotations

from mlflow.entities._named_numbers import name_of, number_of


class ModelVersionDeploymentJobRunState:
    """How far a model version's deployment job is."""

    NO_VALID_DEPLOYMENT_JOB_FOUND = 1
    RUNNING = 2
    SUCCEEDED = 3
    FAILED = 4
    PENDING = 5

    _NUMBERS = {
        "DEPLOYMENT_JOB_RUN_STATE_UNSPECIFIED": 0,
        "NO_VALID_DEPLOYMENT_JOB_FOUND": NO_VALID_DEPLOYMENT_JOB_FOUND,
        "RUNNING": RUNNING,
        "SUCCEEDED": SUCCEEDED,
        "FAILED": FAILED,
        "PENDING": PENDING,
        "APPROVAL": 6,
    }

    @staticmethod
    def from_string(state_str: str) -> int:
        """The number, from its name.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if there is no such name.
        """
        return number_of(
            state_str, ModelVersionDeploymentJobRunState._NUMBERS, "deployment job run state"
        )

    @staticmethod
    def to_string(state: int) -> str:
        """The name.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if there is no such number.
        """
        return name_of(
            state, ModelVersionDeploymentJobRunState._NUMBERS, "deployment job run state"
        )

    @staticmethod
    def all_states() -> list[int]:
        """All of them."""
        return list(ModelVersionDeploymentJobRunState._NUMBERS.values())
