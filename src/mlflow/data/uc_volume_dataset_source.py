"""A volume of Databricks' Unity catalog, as recorded by other clients."""

from __future__ import annotations

from typing import Any

from mlflow.data.dataset_source import DatasetSource
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException


class UCVolumeDatasetSource(DatasetSource):
    """A path in a volume. It is kept and shown; reading it needs the vendor's own client.

    Args:
        path: Such as "/Volumes/catalog/schema/volume/file".
    """

    def __init__(self, path: str) -> None:
        self.path = path

    @staticmethod
    def _get_source_type() -> str:
        return "uc_volume"

    def load(self) -> Any:
        raise MlflowException(
            f"Loading from a Unity catalog volume is not supported: {self.path}",
            error_code=CODES["NOT_IMPLEMENTED"],
        )

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return False

    @classmethod
    def _resolve(cls, raw_source: Any) -> UCVolumeDatasetSource:
        raise NotImplementedError("Make a UCVolumeDatasetSource; a path alone looks local")

    def to_dict(self) -> dict[Any, Any]:
        return {"path": self.path}

    @classmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> UCVolumeDatasetSource:
        return cls(path=source_dict.get("path"))
