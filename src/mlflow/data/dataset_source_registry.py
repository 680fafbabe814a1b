"""The kinds of dataset sources: ours, those of plug-ins, and those registered by hand."""

from __future__ import annotations

import threading
import warnings
from typing import Any

from mlflow.data.dataset_source import DatasetSource
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException


class DatasetSourceRegistry:
    """Source classes, in the order in which they were registered."""

    def __init__(self) -> None:
        self.sources: list[Any] = []

    def register(self, source: DatasetSource) -> None:
        """Add a source class; a class that is there stays where it is."""
        if source not in self.sources:
            self.sources.append(source)

    def register_entrypoints(self) -> None:
        """Add what plug-ins declare in the group `mlflow.dataset_source`.

        A plug-in that cannot be loaded is left out, with a warning.
        """
        from mlflow.utils.plugins import get_entry_points

        for entry_point in get_entry_points("mlflow.dataset_source"):
            try:
                self.register(entry_point.load())
            except Exception as error:  # any code of a stranger may run here
                warnings.warn(
                    f'Failure attempting to register dataset source "{entry_point.name}": {error}.',
                    stacklevel=2,
                )

    def resolve(
        self, raw_source: Any, candidate_sources: list[DatasetSource] | None = None
    ) -> DatasetSource:
        """The source that `raw_source` stands for.

        When several kinds accept it, the one that was registered last is taken, with a warning.

        Args:
            raw_source: Usually a path or URI.
            candidate_sources: Classes; only they and their subclasses are considered. None or
                empty for all.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if no kind accepts it.
        """
        able = [
            source
            for source in self.sources
            if _is_candidate(source, candidate_sources) and _can_resolve(source, raw_source)
        ]
        if len(able) > 1:
            names = ", ".join(source.__name__ for source in able)
            warnings.warn(
                f"The specified dataset source can be interpreted in multiple ways: {names}. "
                f"MLflow will assume that this is a {able[-1].__name__} source.",
                stacklevel=2,
            )
        for source in reversed(able):
            try:
                return source._resolve(raw_source)
            except Exception as error:  # the next one may do better
                warnings.warn(
                    f"Encountered an unexpected error while using {source.__name__} to resolve "
                    f"source information for '{raw_source}'. Exception: {error}",
                    stacklevel=2,
                )
        raise MlflowException(
            "Could not find a source information resolver for the specified dataset source: "
            f"{raw_source}.",
            error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
        )

    def get_source_from_json(self, source_json: str, source_type: str) -> DatasetSource:
        """The source that was stored.

        Args:
            source_json: What `DatasetSource.to_json` wrote.
            source_type: Name of its kind, such as "s3".

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if no registered kind has that name.
        """
        for source in reversed(self.sources):
            if source._get_source_type() == source_type:
                return source.from_json(source_json)
        raise MlflowException(
            "Could not parse dataset source from JSON due to unrecognized source type: "
            f"{source_type}.",
            error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
        )


def _is_candidate(source: Any, candidates: list[Any] | None) -> bool:
    return not candidates or any(issubclass(source, one) for one in candidates)


def _can_resolve(source: Any, raw_source: Any) -> bool:
    try:
        return source._can_resolve(raw_source)
    except Exception as error:  # one bad plug-in must not hide the others
        warnings.warn(
            f"Failed to determine whether {source.__name__} can resolve source information for "
            f"'{raw_source}'. Exception: {error}",
            stacklevel=3,
        )
        return False


_known = DatasetSourceRegistry()
_lock = threading.RLock()  # a plug-in may register more sources while it is loaded
_filled = False


def _registry() -> DatasetSourceRegistry:
    """The registry of this process, filled at first use."""
    global _filled
    with _lock:
        if not _filled:
            _filled = True
            for source in _own_sources():
                _known.register(source)
            # Last, so that a plug-in may take over a scheme.
            _known.register_entrypoints()
    return _known


def _own_sources() -> list[Any]:
    from mlflow.data.artifact_dataset_sources import ARTIFACT_SOURCES
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.delta_dataset_source import DeltaDatasetSource
    from mlflow.data.evaluation_dataset_source import EvaluationDatasetSource
    from mlflow.data.http_dataset_source import HTTPDatasetSource
    from mlflow.data.huggingface_dataset_source import HuggingFaceDatasetSource
    from mlflow.data.spark_dataset_source import SparkDatasetSource
    from mlflow.data.uc_volume_dataset_source import UCVolumeDatasetSource

    return [
        *ARTIFACT_SOURCES,
        HTTPDatasetSource,
        HuggingFaceDatasetSource,
        SparkDatasetSource,
        DeltaDatasetSource,
        CodeDatasetSource,
        UCVolumeDatasetSource,
        EvaluationDatasetSource,
    ]


def register_dataset_source(source: DatasetSource) -> None:
    """Make a source class known: it takes part in resolving and in reading stored sources."""
    _registry().register(source)


def resolve_dataset_source(
    raw_source: Any, candidate_sources: list[DatasetSource] | None = None
) -> DatasetSource:
    """The source that `raw_source` stands for; see `DatasetSourceRegistry.resolve`."""
    return _registry().resolve(raw_source, candidate_sources)


def get_dataset_source_from_json(source_json: str, source_type: str) -> DatasetSource:
    """The source that was stored; see `DatasetSourceRegistry.get_source_from_json`."""
    return _registry().get_source_from_json(source_json, source_type)


def get_registered_sources() -> list[DatasetSource]:
    """All known source classes."""
    return _registry().sources
