from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from mlflow.entities._mlflow_object import _MlflowObject


@dataclass
class AssessmentError(_MlflowObject, fields=True):
    """Why there is no value."""

    error_code: str
    error_message: str | None = None
    stack_trace: str | None = None

    def to_dictionary(self) -> dict[str, Any]:
        """Its parts by name, also those that are None."""
        return asdict(self)

    @classmethod
    def from_dictionary(cls, error_dict: dict[str, Any]) -> AssessmentError:
        """The error with these parts."""
        return cls(**error_dict)
