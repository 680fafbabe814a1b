"""The schema of datasets that are tensors: features, and perhaps targets."""

from __future__ import annotations

from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.types.schema import Schema

_KEY = "mlflow_tensorspec"


class TensorDatasetSchema:
    """The schemas of features and targets.

    Args:
        features: Made of tensors.
        targets: Made of tensors; None without targets.
    """

    def __init__(self, features: Schema, targets: Schema | None = None) -> None:
        if not isinstance(features, Schema):
            raise MlflowException.invalid_parameter_value(
                f"features must be mlflow.types.Schema, got '{type(features)}'"
            )
        if targets is not None and not isinstance(targets, Schema):
            raise MlflowException.invalid_parameter_value(
                f"targets must be either None or mlflow.types.Schema, got '{type(targets)}'"
            )
        self.features = features
        self.targets = targets

    def to_dict(self) -> dict[str, Any]:
        """What is stored; the two schemas are JSON texts in it."""
        targets = None if self.targets is None else self.targets.to_json()
        return {_KEY: {"features": self.features.to_json(), "targets": targets}}

    @classmethod
    def from_dict(cls, schema_dict: dict[str, Any]) -> TensorDatasetSchema:
        """The schema that `to_dict` wrote.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if a key is missing.
        """
        if _KEY not in schema_dict:
            raise MlflowException.invalid_parameter_value(
                f"TensorDatasetSchema dictionary is missing expected key '{_KEY}'"
            )
        parts = schema_dict[_KEY]
        if "features" not in parts:
            raise MlflowException.invalid_parameter_value(
                "TensorDatasetSchema dictionary is missing expected key 'features'"
            )
        targets = parts.get("targets")
        return cls(
            Schema.from_json(parts["features"]),
            None if targets is None else Schema.from_json(targets),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorDatasetSchema) and (
            (self.features, self.targets) == (other.features, other.targets)
        )

    def __repr__(self) -> str:
        return f"features:\n  {self.features!r}\ntargets:\n  {self.targets!r}\n"
