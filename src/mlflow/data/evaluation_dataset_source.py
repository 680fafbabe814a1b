"""A dataset for evaluations that the tracking server keeps."""

from __future__ import annotations

from typing import Any

from mlflow.data.dataset_source import DatasetSource, required_key
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException


class EvaluationDatasetSource(DatasetSource):
    """A dataset for evaluations that the tracking server keeps.

    Args:
        dataset_id: Its identifier there.
    """

    def __init__(self, dataset_id: str) -> None:
        self._dataset_id = dataset_id

    @staticmethod
    def _get_source_type() -> str:
        return "mlflow_evaluation_dataset"

    def load(self) -> Any:
        """Get the dataset from the tracking server.

        Raises:
            MlflowException: NOT_IMPLEMENTED: such datasets do not exist yet.
        """
        raise MlflowException(
            f"Cannot load evaluation dataset '{self._dataset_id}': evaluation datasets on the "
            "tracking server are not implemented yet.",
            error_code=CODES["NOT_IMPLEMENTED"],
        )

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return False

    @classmethod
    def _resolve(cls, raw_source: Any) -> EvaluationDatasetSource:
        raise ValueError(f"Cannot resolve {raw_source} as an evaluation dataset ID")

    def to_dict(self) -> dict[str, Any]:
        return {"dataset_id": self._dataset_id}

    @classmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> EvaluationDatasetSource:
        return cls(dataset_id=required_key(cls, source_dict, "dataset_id"))
