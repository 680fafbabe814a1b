"""What the classes share whose constants are numbers with names."""

from __future__ import annotations

from mlflow.exceptions import MlflowException


def number_of(name: str, numbers: dict[str, int], what: str) -> int:
    """The number with this name; `what` says in an error what the numbers stand for.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if there is none.
    """
    try:
        return numbers[name]
    except KeyError:
        raise MlflowException.invalid_parameter_value(
            f"Could not get {what} corresponding to string {name}. "
            f"Valid {what} strings: {list(numbers)}"
        ) from None


def name_of(number: int, numbers: dict[str, int], what: str) -> str:
    """The name of this number.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it has none.
    """
    for name, own in numbers.items():
        if own == number:
            return name
    plural = f"{what}es" if what.endswith("s") else f"{what}s"
    raise MlflowException.invalid_parameter_value(
        f"Could not get string corresponding to {what} {number}. "
        f"Valid {plural}: {list(numbers.values())}"
    )
