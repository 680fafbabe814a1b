from __future__ import annotations

from typing import Any

from mlflow.entities._mlflow_object import _MlflowObject
from mlflow.exceptions import MlflowException


class Metric(_MlflowObject):
    """One value of one metric at one step."""

    __slots__ = (
        "_key",
        "_value",
        "_timestamp",
        "_step",
        "_model_id",
        "_dataset_name",
        "_dataset_digest",
        "_run_id",
    )

    key: str
    value: float
    timestamp: int
    """Milliseconds since the Unix epoch."""
    step: int
    """x-coordinate; any 64-bit integer, may repeat."""
    model_id: str | None
    """The logged model that was measured."""
    dataset_name: str | None
    """The dataset it was measured on; with `dataset_digest`."""
    dataset_digest: str | None
    run_id: str | None
    """The run it was logged under, where that is known."""

    def __init__(
        self,
        key: str,
        value: float,
        timestamp: int,
        step: int,
        model_id: str | None = None,
        dataset_name: str | None = None,
        dataset_digest: str | None = None,
        run_id: str | None = None,
    ):
        self._key = key
        self._value = value
        self._timestamp = timestamp
        self._step = step
        self._model_id = model_id
        self._dataset_name = dataset_name
        self._dataset_digest = dataset_digest
        self._run_id = run_id

    def to_dictionary(self) -> dict[str, Any]:
        """The parts by name, in the constructor's order."""
        return {
            "key": self._key,
            "value": self._value,
            "timestamp": self._timestamp,
            "step": self._step,
            "model_id": self._model_id,
            "dataset_name": self._dataset_name,
            "dataset_digest": self._dataset_digest,
            "run_id": self._run_id,
        }

    @classmethod
    def from_dictionary(cls, metric_dict: dict[str, Any]) -> Metric:
        """The metric with these parts.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if `key`, `value`, `timestamp` or `step` is
                absent.
        """
        needed = ("key", "value", "timestamp", "step")
        if missing := [name for name in needed if name not in metric_dict]:
            raise MlflowException.invalid_parameter_value(
                f"Missing required keys {missing} in metric dictionary"
            )
        return cls(**metric_dict)

    def _everything(self) -> tuple[Any, ...]:
        return (
            self._key,
            self._value,
            self._timestamp,
            self._step,
            self._model_id,
            self._dataset_name,
            self._dataset_digest,
            self._run_id,
        )

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._everything() == other._everything()

    def __hash__(self) -> int:
        return hash(self._everything())


class MetricWithRunId(Metric):
    """A metric as one of many runs' answers holds it: key, value, time, step, and whose it is."""

    __slots__ = ()

    def __init__(self, metric: Metric, run_id: str):
        super().__init__(metric.key, metric.value, metric.timestamp, metric.step, run_id=run_id)

    def to_dict(self) -> dict[str, Any]:
        """Key, value, timestamp, step and run_id."""
        return {
            "key": self._key,
            "value": self._value,
            "timestamp": self._timestamp,
            "step": self._step,
            "run_id": self._run_id,
        }
