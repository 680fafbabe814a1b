"""Datasets: the data a run used, where it came from and what it looks like.

    dataset = mlflow.data.from_pandas(df, source="s3://bucket/train.parquet", targets="label")
    mlflow.log_input(dataset, context="training")

The constructors, `from_pandas` and others, are found when they are first asked for, since each
belongs to a library that may be absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.data.dataset import Dataset
    from mlflow.data.dataset_source import DatasetSource
    from mlflow.entities.dataset import Dataset as DatasetEntity
    from mlflow.entities.dataset_input import DatasetInput

__all__ = ["get_source"]

#: Names of this module that live elsewhere: name to "module:name".
_ELSEWHERE = {
    "Dataset": "mlflow.data.dataset:Dataset",
    "DatasetEntity": "mlflow.entities.dataset:Dataset",
    "DatasetInput": "mlflow.entities.dataset_input:DatasetInput",
    "DatasetSource": "mlflow.data.dataset_source:DatasetSource",
    "INVALID_PARAMETER_VALUE": "mlflow.protos.databricks_pb2:INVALID_PARAMETER_VALUE",
    "MlflowException": "mlflow.exceptions:MlflowException",
    "get_dataset_source_from_json": (
        "mlflow.data.dataset_source_registry:get_dataset_source_from_json"
    ),
    "get_registered_sources": "mlflow.data.dataset_source_registry:get_registered_sources",
}


def get_source(dataset: DatasetEntity | DatasetInput | Dataset) -> DatasetSource:
    """Where a dataset came from.

    Args:
        dataset: A dataset made here, or one that a run returned, with or without its tags.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is none of these; RESOURCE_DOES_NOT_EXIST
            if its kind of source is not known here.
    """
    from mlflow.data.dataset import Dataset
    from mlflow.data.dataset_source_registry import get_dataset_source_from_json
    from mlflow.entities.dataset import Dataset as DatasetEntity
    from mlflow.entities.dataset_input import DatasetInput
    from mlflow.exceptions import MlflowException

    if isinstance(dataset, DatasetInput):
        dataset = dataset.dataset
    if isinstance(dataset, Dataset):
        return dataset.source
    if isinstance(dataset, DatasetEntity):
        return get_dataset_source_from_json(dataset.source, dataset.source_type)
    raise MlflowException.invalid_parameter_value(
        f"Unrecognized dataset type {type(dataset)}. Expected one of: "
        "`mlflow.data.dataset.Dataset`, `mlflow.entities.Dataset`, "
        "`mlflow.entities.DatasetInput`."
    )


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _ELSEWHERE:
        module, _, attribute = _ELSEWHERE[name].partition(":")
        return getattr(import_module(module), attribute)
    if name.startswith(("from_", "load_")):
        from mlflow.data.dataset_registry import find_constructor

        constructor = find_constructor(name)
        if constructor is not None:
            return constructor
    elif name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    from mlflow.data.dataset_registry import get_registered_constructors

    return sorted({*globals(), *_ELSEWHERE, *_SUBMODULES, *get_registered_constructors()})


#: Reachable as attributes without an import of their own.
_SUBMODULES = frozenset(
    (
        "artifact_dataset_sources",
        "code_dataset_source",
        "dataset",
        "dataset_registry",
        "dataset_source",
        "dataset_source_registry",
        "delta_dataset_source",
        "digest_utils",
        "evaluation_dataset",
        "evaluation_dataset_source",
        "filesystem_dataset_source",
        "http_dataset_source",
        "huggingface_dataset",
        "huggingface_dataset_source",
        "meta_dataset",
        "numpy_dataset",
        "pandas_dataset",
        "polars_dataset",
        "pyfunc_dataset_mixin",
        "schema",
        "sources",
        "spark_dataset",
        "spark_dataset_source",
        "tensorflow_dataset",
        "uc_volume_dataset_source",
    )
)
