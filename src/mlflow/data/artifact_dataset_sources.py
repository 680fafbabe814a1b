"""Sources that the artifact repositories can read: local files and object stores."""

from __future__ import annotations

import os
import re
from typing import Any

from mlflow.data.dataset_source import required_key
from mlflow.data.filesystem_dataset_source import FileSystemDatasetSource


class _ArtifactDatasetSource(FileSystemDatasetSource):
    """A URI of one of `_schemes`.

    Args:
        uri: Where the file or folder is.
    """

    _schemes: tuple[str, ...]
    """In lower case; the first is the source type, unless `_source_type` says otherwise."""
    _source_type: str

    def __init_subclass__(cls) -> None:
        if "_source_type" not in vars(cls):
            cls._source_type = cls._schemes[0]
        # Plug-ins and callers ask the class, so both are plain functions of the class.
        kind, schemes = cls._source_type, cls._schemes
        cls._get_source_type = staticmethod(lambda: kind)
        cls._can_resolve = staticmethod(lambda raw_source: _scheme_of(raw_source) in schemes)

    def __init__(self, uri: str) -> None:
        self._uri = uri

    @property
    def uri(self) -> str:
        return self._uri

    def load(self, dst_path: str | None = None) -> str:
        from mlflow.artifacts import download_artifacts

        return download_artifacts(artifact_uri=self.uri, dst_path=dst_path)

    @classmethod
    def _resolve(cls, raw_source: Any) -> _ArtifactDatasetSource:
        return cls(str(raw_source))

    def to_dict(self) -> dict[Any, Any]:
        return {"uri": self.uri}

    @classmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> _ArtifactDatasetSource:
        return cls(required_key(cls, source_dict, "uri"))


class LocalArtifactDatasetSource(_ArtifactDatasetSource):
    """A path on this machine, or a `file:` URI."""

    _schemes = ("", "file")
    _source_type = "local"


class S3ArtifactDatasetSource(_ArtifactDatasetSource):
    """Amazon S3, or what speaks its protocol."""

    _schemes = ("s3",)


class R2ArtifactDatasetSource(_ArtifactDatasetSource):
    """Cloudflare R2."""

    _schemes = ("r2",)


class B2ArtifactDatasetSource(_ArtifactDatasetSource):
    """Backblaze B2."""

    _schemes = ("b2",)


class GCSArtifactDatasetSource(_ArtifactDatasetSource):
    """Google Cloud Storage."""

    _schemes = ("gs",)


class AzureBlobArtifactDatasetSource(_ArtifactDatasetSource):
    """Azure Blob Storage."""

    _schemes = ("wasbs",)


class FTPArtifactDatasetSource(_ArtifactDatasetSource):
    """An FTP server."""

    _schemes = ("ftp",)


class SFTPArtifactDatasetSource(_ArtifactDatasetSource):
    """A server reached over SSH."""

    _schemes = ("sftp",)


class HdfsArtifactDatasetSource(_ArtifactDatasetSource):
    """Hadoop's file system."""

    _schemes = ("hdfs",)


class ViewFsArtifactDatasetSource(_ArtifactDatasetSource):
    """Hadoop's federated file system."""

    _schemes = ("viewfs",)


class AzureDataLakeArtifactDatasetSource(_ArtifactDatasetSource):
    """Azure Data Lake Storage, second generation."""

    _schemes = ("abfss",)


#: All of them, in the order in which they are registered.
ARTIFACT_SOURCES: list[type[FileSystemDatasetSource]] = [
    LocalArtifactDatasetSource,
    S3ArtifactDatasetSource,
    R2ArtifactDatasetSource,
    B2ArtifactDatasetSource,
    GCSArtifactDatasetSource,
    AzureBlobArtifactDatasetSource,
    FTPArtifactDatasetSource,
    SFTPArtifactDatasetSource,
    HdfsArtifactDatasetSource,
    ViewFsArtifactDatasetSource,
    AzureDataLakeArtifactDatasetSource,
]


def register_artifact_dataset_sources() -> None:
    """Register them all; those that are registered stay where they are."""
    from mlflow.data.dataset_source_registry import register_dataset_source

    for source in ARTIFACT_SOURCES:
        register_dataset_source(source)


def _scheme_of(raw_source: Any) -> str | None:
    """The URI scheme in lower case; "" for a path; None for what is neither string nor path."""
    if not isinstance(raw_source, (str, os.PathLike)):
        return None
    text = os.fspath(raw_source)
    if not isinstance(text, str):
        return None
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):", text)  # one letter is a drive: C:\data
    return found[1].lower() if found else ""
