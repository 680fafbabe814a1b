"""A dataset of the Hugging Face hub, or what else `datasets.load_dataset` reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlflow.data.dataset_source import DatasetSource
from mlflow.utils.optional import require

if TYPE_CHECKING:
    import datasets


class HuggingFaceDatasetSource(DatasetSource):
    """The arguments that load a Hugging Face dataset.

    Args:
        path: Name on the hub, or of a builder such as "csv".
        config_name: Which of the dataset's configurations.
        data_dir: Folder of the dataset's repository.
        data_files: Files of it: one, several, or several by split.
        split: Which split; None for all of them.
        revision: Commit, branch or tag.
        trust_remote_code: Whether the dataset may bring its own code. It is not stored: whoever
            loads the data decides again.
    """

    def __init__(
        self,
        path: str,
        config_name: str | None = None,
        data_dir: str | None = None,
        data_files: str | Sequence[str] | Mapping[str, str | Sequence[str]] | None = None,
        split: str | datasets.Split | None = None,
        revision: str | datasets.Version | None = None,
        trust_remote_code: bool | None = None,
    ) -> None:
        self.path = path
        self.config_name = config_name
        self.data_dir = data_dir
        self.data_files = data_files
        self.split = split
        self.revision = revision
        self.trust_remote_code = trust_remote_code

    @staticmethod
    def _get_source_type() -> str:
        return "hugging_face"

    def load(self, **kwargs: Any) -> Any:
        """Load the dataset.

        Args:
            kwargs: Further arguments of `datasets.load_dataset`; they win over those of the
                source.

        Returns:
            A `datasets.Dataset`, or a `datasets.DatasetDict` when there is no one split.
        """
        arguments = {
            "path": self.path,
            "name": self.config_name,
            "data_dir": self.data_dir,
            "data_files": self.data_files,
            "split": self.split,
            "revision": self.revision,
        }
        if self.trust_remote_code is not None:
            arguments["trust_remote_code"] = self.trust_remote_code
        return require("datasets").load_dataset(**{**arguments, **kwargs})

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return False  # a name on the hub looks like a relative path

    @classmethod
    def _resolve(cls, raw_source: Any) -> HuggingFaceDatasetSource:
        raise NotImplementedError("Make a HuggingFaceDatasetSource; its name alone says too little")

    def to_dict(self) -> dict[Any, Any]:
        return {
            "path": self.path,
            "config_name": self.config_name,
            "data_dir": self.data_dir,
            "data_files": self.data_files,
            "split": str(self.split),  # "None" too: that is how it has always been stored
            "revision": None if self.revision is None else str(self.revision),
        }

    @classmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> HuggingFaceDatasetSource:
        split = source_dict.get("split")
        return cls(
            path=source_dict.get("path"),
            config_name=source_dict.get("config_name"),
            data_dir=source_dict.get("data_dir"),
            data_files=source_dict.get("data_files"),
            split=None if split == "None" else split,
            revision=source_dict.get("revision"),
        )
