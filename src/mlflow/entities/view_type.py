from __future__ import annotations

from mlflow.entities._named_numbers import name_of, number_of


class ViewType:
    """Which experiments or runs a search sees, by their lifecycle stage."""

    ACTIVE_ONLY = 1
    DELETED_ONLY = 2
    ALL = 3

    _NUMBERS = {
        "active_only": ACTIVE_ONLY,
        "deleted_only": DELETED_ONLY,
        "all": ALL,
    }

    @classmethod
    def from_string(cls, view_str: str) -> int:
        """The number, from its lower-case name.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if there is no such name.
        """
        return number_of(view_str, cls._NUMBERS, "view type")

    @classmethod
    def to_string(cls, view_type: int) -> str:
        """The lower-case name.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if there is no such number.
        """
        return name_of(view_type, cls._NUMBERS, "view type")
