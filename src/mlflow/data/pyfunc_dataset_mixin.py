"""Datasets that can be given to a model."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.data.evaluation_dataset import EvaluationDataset


@dataclass
class PyFuncInputsOutputs:
    """What goes into a model, and what should come out."""

    inputs: list[Any]
    """Tables or arrays, without the targets."""
    outputs: list[Any] | None = None
    """The targets; None without targets."""


class PyFuncConvertibleDatasetMixin:
    """Base of datasets that can be given to a model."""

    @abstractmethod
    def to_pyfunc(self) -> PyFuncInputsOutputs:
        """The data, split into what a model takes and what it should give."""
        raise NotImplementedError

    @abstractmethod
    def to_evaluation_dataset(
        self, path: str | None = None, feature_names: list[str] | None = None
    ) -> EvaluationDataset:
        """The data in the form that evaluations take.

        Args:
            path: Where it lies; only shown.
            feature_names: Columns that are features; None for all that are neither targets nor
                predictions.
        """
        raise NotImplementedError


def split_columns(frame: Any, targets: str | None) -> PyFuncInputsOutputs:
    """A pandas table without its target column, and that column."""
    if targets is None:
        return PyFuncInputsOutputs(frame)
    return PyFuncInputsOutputs(frame.drop(columns=targets), frame[targets])
