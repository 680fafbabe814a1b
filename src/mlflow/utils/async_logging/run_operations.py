from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mlflow.exceptions import MlflowException


class RunOperations:
    """Asynchronous log calls that may not be stored yet.

    Args:
        operation_futures: Objects whose `.result()` blocks until the call is stored, and raises
            why it is not.
    """

    __slots__ = ("_operation_futures",)

    def __init__(self, operation_futures: Iterable[Any] | None):
        self._operation_futures = list(operation_futures or ())

    def wait(self) -> None:
        """Return once everything is stored.

        Raises:
            MlflowException: INTERNAL_ERROR naming every call that failed; the others are stored.
        """
        failures = []
        for future in self._operation_futures:
            try:
                future.result()
            except Exception as error:
                failures.append(error)
        if failures:
            raise MlflowException(
                "The following failures occurred while performing one or more async logging "
                f"operations: {failures}"
            )


def get_combined_run_operations(run_operations_list: list[RunOperations]) -> RunOperations:
    """One object that waits for all of them."""
    return RunOperations(f for one in run_operations_list for f in one._operation_futures)
