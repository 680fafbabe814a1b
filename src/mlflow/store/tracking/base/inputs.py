"""Contract: what runs read and made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from mlflow.entities import DatasetInput, LoggedModelInput, LoggedModelOutput
from mlflow.exceptions import MlflowNotImplementedException


class Inputs(ABC):
    """Datasets and logged models that a run used, and models that it made."""

    @abstractmethod
    def log_inputs(
        self,
        run_id: str,
        datasets: Sequence[DatasetInput] | None = None,
        models: Sequence[LoggedModelInput] | None = None,
    ) -> None:
        """Note that the run read these. One dataset noted twice stays once, with the tags of both
        times."""

    def log_outputs(self, run_id: str, models: Sequence[LoggedModelOutput]) -> None:
        """Note that the run made these."""
        raise MlflowNotImplementedException(f"A {type(self).__name__} keeps no run outputs.")

    def record_logged_model(self, run_id: str, mlflow_model: Any) -> None:
        """Add a model's description to the run's tag `mlflow.log-model.history`."""
        raise MlflowNotImplementedException(f"A {type(self).__name__} keeps no model history.")
