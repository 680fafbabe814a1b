from __future__ import annotations

from mlflow.entities._named_numbers import name_of, number_of


class SourceType:
    """What kind of thing started a run: the tag `mlflow.source.type`."""

    NOTEBOOK = 1
    JOB = 2
    PROJECT = 3
    LOCAL = 4
    UNKNOWN = 5

    _NUMBERS = {
        "NOTEBOOK": NOTEBOOK,
        "JOB": JOB,
        "PROJECT": PROJECT,
        "LOCAL": LOCAL,
        "UNKNOWN": UNKNOWN,
    }
    SOURCETYPE_TO_STRING = {number: name for name, number in _NUMBERS.items()}

    @staticmethod
    def from_string(status_str: str) -> int:
        """The number, from its name.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if there is no such name.
        """
        return number_of(status_str, SourceType._NUMBERS, "source type")

    @staticmethod
    def to_string(status: int) -> str:
        """The name.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if there is no such number.
        """
        return name_of(status, SourceType._NUMBERS, "source type")
