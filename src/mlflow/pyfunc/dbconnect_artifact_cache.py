"""Folders of models as archives, as workers of a Spark cluster are given them."""

from __future__ import annotations

import os
from typing import Any

from mlflow.exceptions import MlflowNotImplementedException
from mlflow.utils.archives import extract_tar, make_tar


def archive_directory(input_dir: str, archive_file_path: str) -> str:
    """Put what is in a folder in a new tar.gz; its path."""
    archive_file_path = os.path.abspath(archive_file_path)
    make_tar(input_dir, archive_file_path)
    return archive_file_path


def extract_archive_to_dir(archive_path: str, dest_dir: str) -> str:
    """Unpack a tar.gz into a folder; its path.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if the archive has anything that would get out of
            the folder, or far more than it seems.
    """
    extract_tar(archive_path, dest_dir)
    return dest_dir


class DBConnectArtifactCache:
    """Not available: files for workers that only Databricks Connect reaches."""

    def __init__(self, spark: Any):
        raise MlflowNotImplementedException(
            "DBConnectArtifactCache needs Databricks Connect, which Headrace does not speak to. "
            "On other Spark clusters `mlflow.pyfunc.spark_udf` works without it."
        )

    @staticmethod
    def get_or_create(spark: Any) -> DBConnectArtifactCache:
        return DBConnectArtifactCache(spark)

    def has_cache_key(self, cache_key: str) -> bool:
        raise NotImplementedError

    def add_artifact_archive(self, cache_key: str, artifact_archive_path: str) -> None:
        raise NotImplementedError

    def get_unpacked_artifact_dir(self, cache_key: str) -> str:
        raise NotImplementedError
