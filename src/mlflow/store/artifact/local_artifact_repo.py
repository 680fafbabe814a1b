"""Artifacts in a folder of this machine."""

from __future__ import annotations

import os
import posixpath
import shutil
from collections.abc import AsyncIterable
from typing import Any, BinaryIO

from mlflow.entities.file_info import FileInfo
from mlflow.store.artifact.artifact_repo import (
    TRACE_DATA_FILE_NAME,
    ArtifactRepository,
    StreamUploadMixin,
    folder_steps,
    try_read_trace_data,
)
from mlflow.store.artifact.location import Location, Steps, steps
from mlflow.store.artifact.resolver import PathRoot, no_such_artifact
from mlflow.store.artifact.serving import listing
from mlflow.store.artifact.transfer import pieces


class LocalArtifactRepository(ArtifactRepository, StreamUploadMixin):
    """Artifacts in a folder of this machine, which the caller may also read and write by other
    means.

    Args:
        artifact_uri: Path or `file:` URI of the folder; it is made when something is stored.
    """

    def __init__(
        self, artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None
    ):
        super().__init__(artifact_uri, tracking_uri, registry_uri)
        self._artifact_dir = Location.parse(artifact_uri).path
        self._root = PathRoot(self._artifact_dir)

    @property
    def artifact_dir(self) -> str:
        """Path of the folder."""
        return self._artifact_dir

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        """Permissions and time of the file are kept too."""
        name = os.path.basename(os.path.normpath(local_file))
        self._copy_in(os.fspath(local_file), (*folder_steps(artifact_path), name))

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:
        above = folder_steps(artifact_path)
        self._root.make_folder(above)
        self._make_folders(local_dir, above)
        self._upload_folder(local_dir, above, self._copy_in)

    def _make_folders(self, local_dir: str, above: Steps) -> None:
        for folder, folders, _ in os.walk(local_dir):
            relative = os.path.relpath(folder, local_dir)
            here = above if relative == "." else (*above, *relative.split(os.sep))
            for name in folders:
                self._root.make_folder((*here, name))

    def _copy_in(self, path: str, below: Steps) -> None:
        below = steps("/".join(below))
        with open(path, "rb", buffering=0) as source, self._root.write(below) as target:
            for piece in pieces(source):
                target.write(piece)
            _copy_attributes(path, target)

    def log_artifact_from_stream(
        self, stream: BinaryIO, artifact_file_name: str, artifact_path: str | None = None
    ) -> None:
        with self._root.write(_named(artifact_file_name, artifact_path)) as target:
            for piece in pieces(stream):
                target.write(piece)

    async def log_artifact_from_async_stream(
        self,
        chunks: AsyncIterable[bytes],
        artifact_file_name: str,
        artifact_path: str | None = None,
    ) -> None:
        from asyncio import to_thread

        writing = self._root.write(_named(artifact_file_name, artifact_path))
        target = await to_thread(writing.__enter__)
        try:
            async for chunk in chunks:
                await to_thread(target.write, chunk)
        except BaseException as e:
            if not await to_thread(writing.__exit__, type(e), e, e.__traceback__):
                raise
        else:
            await to_thread(writing.__exit__, None, None, None)

    def list_artifacts(self, path: str | None = None) -> list[FileInfo]:
        return listing(self._root, steps(path))

    def get_local_path(self, artifact_path: str) -> str:
        """The path of an artifact.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if there is no such artifact.
        """
        below = steps(artifact_path)
        path = os.path.abspath(self._root.locate(below))
        if below and not os.path.exists(path):
            raise no_such_artifact(below)
        return path

    def modified_time(self, artifact_path: str) -> float | None:
        return os.stat(self.get_local_path(artifact_path)).st_mtime

    def download_artifacts(self, artifact_path: str, dst_path: str | None = None) -> str:
        """Without `dst_path` nothing is copied: the answer is the path of the artifact itself."""
        if dst_path is None:
            return self.get_local_path(artifact_path)
        return super().download_artifacts(artifact_path, dst_path)

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        with self._root.open(steps(remote_file_path)) as source, open(local_path, "wb") as target:
            for piece in pieces(source):
                target.write(piece)
            _copy_attributes(self._root.locate(steps(remote_file_path)), target)

    def _is_directory(self, artifact_path: str) -> bool:
        return os.path.isdir(self._root.locate(steps(artifact_path)))

    def delete_artifacts(self, artifact_path: str | None = None) -> None:
        self._root.remove(steps(artifact_path))

    def download_trace_data(self) -> dict[str, Any]:
        return try_read_trace_data(self._root.locate((TRACE_DATA_FILE_NAME,)))


def _named(name: str, artifact_path: str | None) -> Steps:
    return (*folder_steps(artifact_path), *steps(posixpath.basename(name)))


def _copy_attributes(path: str, target: BinaryIO) -> None:
    """Permissions and time, as far as the file system has them."""
    target.flush()
    shutil.copystat(path, target.fileno() if os.utime in os.supports_fd else target.name)
