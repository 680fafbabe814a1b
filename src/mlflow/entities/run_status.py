from __future__ import annotations

from mlflow.entities._named_numbers import name_of, number_of


class RunStatus:
    """What a run is doing, or how it ended."""

    RUNNING = 1
    SCHEDULED = 2
    FINISHED = 3
    FAILED = 4
    KILLED = 5

    _NUMBERS = {
        "RUNNING": RUNNING,
        "SCHEDULED": SCHEDULED,
        "FINISHED": FINISHED,
        "FAILED": FAILED,
        "KILLED": KILLED,
    }

    @staticmethod
    def from_string(status_str: str) -> int:
        """The number, from its name.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if there is no such name.
        """
        return number_of(status_str, RunStatus._NUMBERS, "run status")

    @staticmethod
    def to_string(status: int) -> str:
        """The name.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if there is no such number.
        """
        return name_of(status, RunStatus._NUMBERS, "run status")

    @staticmethod
    def all_status() -> list[int]:
        """All of them."""
        return list(RunStatus._NUMBERS.values())

    @staticmethod
    def is_terminated(status: int) -> bool:
        """Whether a run with this status has ended, well or not."""
        return status in (RunStatus.FINISHED, RunStatus.FAILED, RunStatus.KILLED)
