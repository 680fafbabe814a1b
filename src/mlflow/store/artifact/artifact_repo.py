"""The contract of a place for artifacts, and the abilities that only some places have.

Paths are relative to the repository's root, with "/". Any thread may call any method. A file
appears in a listing when it is complete, never before. An adapter writes three methods
(`log_artifact`, `log_artifacts`, `list_artifacts`) and `_download_file`; everything else follows
from them.
"""

from __future__ import annotations

import json
import os
import posixpath
import shutil
import tempfile
import threading
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from mlflow.entities.file_info import FileInfo
from mlflow.entities.multipart_upload import CreateMultipartUploadResponse, MultipartUploadPart
from mlflow.entities.presigned_download import PresignedDownloadUrlResponse
from mlflow.entities.presigned_upload import CreatePresignedUploadResponse
from mlflow.error_codes import CODES
from mlflow.exceptions import (
    MlflowException,
    MlflowNotImplementedException,
    MlflowTraceDataCorrupted,
    MlflowTraceDataNotFound,
)
from mlflow.store.artifact.location import Steps, invalid_path, steps
from mlflow.store.artifact.resolver import part_name
from mlflow.store.artifact.serving import ReceivedFile, StoredFile
from mlflow.store.artifact.transfer import MAX_WORKERS, PIECE, Job, run_all

ARTIFACT_STREAM_CHUNK_SIZE = PIECE
"""Bytes in which streams are read and written."""
TRACE_DATA_FILE_NAME = "traces.json"

_ATTACHMENTS = "attachments"


class ArtifactRepository:
    """Artifacts below one root.

    Args:
        artifact_uri: The root.
        tracking_uri: Store or server that the artifacts belong to; None for the current one.
        registry_uri: The same for registered models.
    """

    def __init__(
        self, artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None
    ):
        self.artifact_uri = artifact_uri
        self.tracking_uri = tracking_uri
        self.registry_uri = registry_uri
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(artifact_uri={self.artifact_uri!r}, "
            f"tracking_uri={self.tracking_uri!r}, registry_uri={self.registry_uri!r})"
        )

    @property
    def max_workers(self) -> int:
        """How many files are sent or fetched at the same time."""
        return MAX_WORKERS

    @property
    def thread_pool(self) -> ThreadPoolExecutor:
        """Threads for an adapter's own use; started when first asked for."""
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.max_workers, "artifact-repository")
            return self._pool

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        """Store a copy of a file.

        Args:
            local_file: Path of the file; it keeps its name.
            artifact_path: Folder in the repository to put it in; None for the root.

        Raises:
            FileNotFoundError: There is no such file.
            MlflowException: `artifact_path` does not name a folder below the root.
        """
        raise NotImplementedError

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:
        """Store copies of all files of a folder, at any depth.

        Args:
            local_dir: The folder; its own name is not kept.
            artifact_path: Folder in the repository to put its contents in; None for the root.
        """
        raise NotImplementedError

    def list_artifacts(self, path: str | None = None) -> list[FileInfo]:
        """What is in a folder, sorted by path; [] if `path` is a file or nothing.

        Args:
            path: The folder; None for the root.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if `path` does not stay below the root.
        """
        raise NotImplementedError

    def delete_artifacts(self, artifact_path: str | None = None) -> None:
        """Delete a file, or a folder with all that is in it; nothing happens if it is absent.

        Args:
            artifact_path: What to delete; None for everything.
        """
        raise MlflowNotImplementedException(f"{type(self).__name__} cannot delete artifacts.")

    def get_local_path(self, artifact_path: str) -> str | None:
        """The path of an artifact on this machine; None if it would have to be fetched first."""
        return None

    def modified_time(self, artifact_path: str) -> float | None:
        """When a file that is there was stored or changed, in seconds since the Unix epoch by the
        clock of this machine; None if that cannot be told without fetching it."""
        return None

    def download_artifacts(self, artifact_path: str, dst_path: str | None = None) -> str:
        """Fetch a file, or a folder with all that is in it.

        Args:
            artifact_path: What to fetch; "" for everything.
            dst_path: An existing folder of this machine, below which it is put at the same path;
                None for a new temporary folder, which the caller should remove.

        Returns:
            The path of the file or folder on this machine.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if there is no such artifact or no folder
                `dst_path`.
        """
        wanted = steps(artifact_path)
        folder = tempfile.mkdtemp() if dst_path is None else existing_folder(dst_path)
        try:
            self._download_below(wanted, folder)
        except BaseException:
            if dst_path is None:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        return os.path.join(folder, *wanted)

    def _upload_folder(
        self, local_dir: str, above: Steps, upload: Callable[[str, Steps], object]
    ) -> None:
        """Upload every file below a folder, several at a time.

        Args:
            above: Where the folder's content goes.
            upload: Uploads one file: its path here, and the names that lead to it there.
        """

        def job(path: str, below: Steps) -> Job:
            name = "/".join(below)
            return name, lambda: upload(path, above + steps(name))

        jobs = [job(path, below) for path, below in files_below(os.path.abspath(local_dir))]
        run_all(jobs, "uploading", self.artifact_uri, self.max_workers)

    def _download_below(self, wanted: Steps, folder: str) -> None:
        if not self._is_directory("/".join(wanted)):
            if not wanted:
                return  # nothing has been stored at all
            os.makedirs(os.path.join(folder, *wanted[:-1]), exist_ok=True)
            jobs = [self._download_job(wanted, folder)]
        else:
            # All names first: what is downloaded may be the folder above the one it goes to.
            infos = list(self._iter_artifacts_recursive("/".join(wanted)))
            os.makedirs(os.path.join(folder, *wanted), exist_ok=True)
            jobs = []
            for info in infos:
                below = _listed(info, wanted)
                if info.is_dir:  # and so comes before what is in it
                    os.makedirs(os.path.join(folder, *below), exist_ok=True)
                else:
                    jobs.append(self._download_job(below, folder))
        run_all(jobs, "downloading", self.artifact_uri, self.max_workers)

    def _download_job(self, below: Steps, folder: str) -> Job:
        path = "/".join(below)
        return path, lambda: self._download_complete(path, os.path.join(folder, *below))

    def _download_complete(self, path: str, target: str) -> None:
        """Fetch one file into an existing folder; `target` changes when all of it has arrived."""
        part = os.path.join(os.path.dirname(target), part_name())
        try:
            self._download_file(path, part)
            os.replace(part, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(part)
            raise

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        """Fetch one file to a path that does not exist yet; its folder does."""
        raise NotImplementedError

    def _is_directory(self, artifact_path: str) -> bool:
        return bool(self.list_artifacts(artifact_path or None))

    def _iter_artifacts_recursive(self, path: str) -> Iterator[FileInfo]:
        """Every file and folder below `path`; a folder comes before what is in it."""
        for info in self.list_artifacts(path or None):
            yield info
            if info.is_dir:
                yield from self._iter_artifacts_recursive(info.path)

    def _open_artifact(self, path: str) -> StoredFile:
        """A file for a server to send. Adapters that can read a part of it do better than this."""
        folder = tempfile.mkdtemp()
        try:
            wanted = steps(path)
            if self._is_directory(path):
                raise MlflowException.invalid_parameter_value(
                    f"Artifact path refers to a directory, not a file: '{path}'"
                )
            local = self.download_artifacts("/".join(wanted), folder)
            return StoredFile.of_file(
                open(local, "rb", buffering=0), wanted[-1], lambda: shutil.rmtree(folder)
            )
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _receive_artifact(self, below: Steps) -> ReceivedFile:
        """A file for a server to fill."""
        return ReceivedFile.by_way_of_a_folder(
            below[-1], lambda local: self.log_artifact(local, "/".join(below[:-1]) or None)
        )

    def flush_async_logging(self) -> None:
        """Wait for nothing: an artifact is stored when the call that stores it returns."""

    def upload_trace_data(self, trace_data: str) -> None:
        """Store the spans of a trace, given as JSON, below this root."""
        with write_local_temp_trace_data_file(trace_data) as local:
            self.log_artifact(local)

    def download_trace_data(self) -> dict[str, Any]:
        """The spans of the trace that is stored below this root.

        Raises:
            MlflowTraceDataNotFound: None are stored.
            MlflowTraceDataCorrupted: They are not JSON.
        """
        with tempfile.TemporaryDirectory() as folder:
            return try_read_trace_data(self.download_trace_data_to_file(Path(folder) / "data"))

    def download_trace_data_to_file(self, dst_path: Path) -> Path:
        """Fetch the JSON of the spans to `dst_path`, and return that."""
        try:
            self._download_complete(TRACE_DATA_FILE_NAME, os.path.abspath(dst_path))
        except (MlflowException, OSError) as e:
            raise MlflowTraceDataNotFound(artifact_path=str(dst_path)) from e
        return dst_path

    def upload_archived_trace_data(self, trace_data: Any) -> None:
        """Not available yet."""
        raise _no_archive()

    def upload_archived_trace_data_bytes(self, data: bytes) -> None:
        """Not available yet."""
        raise _no_archive()

    def download_archived_trace_data(self) -> Any:
        """Not available yet."""
        raise _no_archive()

    def upload_attachment(self, attachment_id: str, content_bytes: bytes) -> None:
        """Keep a file of a span; the repository is that of its trace.

        Args:
            attachment_id: A UUID, under which it is found.
        """
        _check_attachment(attachment_id)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, attachment_id)
            with open(path, "wb") as file:
                file.write(content_bytes)
            self.log_artifact(path, _ATTACHMENTS)

    def download_trace_attachment(self, path: str) -> bytes:
        """The content of a file of a span.

        Args:
            path: Its id.
        """
        with tempfile.TemporaryDirectory() as folder:
            return self.download_trace_attachment_to_file(
                path, Path(folder, "content")
            ).read_bytes()

    def download_trace_attachment_to_file(self, path: str, dst_path: Path) -> Path:
        """Write a file of a span to a local one, whose path is returned."""
        _check_attachment(path)
        self._download_file(f"{_ATTACHMENTS}/{path}", str(dst_path))
        return Path(dst_path)


def _check_attachment(attachment_id: str) -> None:
    """Refuse what is no UUID: ids come from spans, which anybody may have written."""
    try:
        uuid.UUID(attachment_id)
    except (ValueError, AttributeError, TypeError):
        raise MlflowException.invalid_parameter_value(
            f"Invalid attachment path: '{str(attachment_id)[:200]}'. Attachment path must be a "
            "valid UUID."
        ) from None


class StreamUploadMixin(ABC):
    """Can store what is read from a stream, without a file in between."""

    @abstractmethod
    def log_artifact_from_stream(
        self, stream: BinaryIO, artifact_file_name: str, artifact_path: str | None = None
    ) -> None:
        """Store what `stream` gives, as `artifact_file_name` in the folder `artifact_path`."""

    @abstractmethod
    async def log_artifact_from_async_stream(
        self,
        chunks: AsyncIterable[bytes],
        artifact_file_name: str,
        artifact_path: str | None = None,
    ) -> None:
        """The same for an asynchronous stream; the event loop is not held up by the disk."""


class MultipartUploadMixin(ABC):
    """Can give out addresses to which the parts of a file are sent, all at the same time."""

    @abstractmethod
    def create_multipart_upload(
        self, local_file: str, num_parts: int, artifact_path: str | None = None
    ) -> CreateMultipartUploadResponse:
        """Begin: where to send each part of the file that will have the name of `local_file`."""

    @abstractmethod
    def complete_multipart_upload(
        self,
        local_file: str,
        upload_id: str,
        parts: list[MultipartUploadPart],
        artifact_path: str | None = None,
    ) -> None:
        """End: the file appears, made of `parts`."""

    @abstractmethod
    def abort_multipart_upload(
        self, local_file: str, upload_id: str, artifact_path: str | None = None
    ) -> None:
        """Give up: parts that were sent are thrown away."""


class MultipartDownloadMixin(ABC):
    """Can give out an address where a file can be read in parts."""

    @abstractmethod
    def get_download_presigned_url(
        self, artifact_path: str, expiration: int = 300
    ) -> PresignedDownloadUrlResponse:
        """Where the file can be read for `expiration` seconds."""


class PresignedUploadMixin(ABC):
    """Can give out an address to which a file can be sent."""

    @abstractmethod
    def create_presigned_upload_url(
        self, artifact_path: str, expiration: int = 900
    ) -> CreatePresignedUploadResponse:
        """Where the file can be sent to for `expiration` seconds."""


def verify_artifact_path(artifact_path: str | None) -> None:
    """Refuse a folder that is not written in its only form, or that is not below the root.

    Raises:
        MlflowException: INTERNAL_ERROR, as callers expect.
    """
    if not artifact_path:
        return
    path = str(artifact_path)
    normal = posixpath.normpath(path)
    if path != normal or normal == "." or normal.startswith(("/", "..")):
        raise MlflowException(
            f"Invalid artifact path: '{path}'. Names may be treated as files in certain cases, "
            "and must not resolve to other names when treated as such. "
            f"This name would resolve to '{normal}'"
        )


def folder_steps(artifact_path: str | None) -> Steps:
    """The names in the path of a folder to write to."""
    verify_artifact_path(artifact_path)
    return steps(artifact_path)


def files_below(local_dir: str) -> Iterator[tuple[str, Steps]]:
    """Every file below a folder: its path and the names that lead there. No link is followed."""
    for folder, folders, names in os.walk(local_dir):
        folders.sort()
        relative = os.path.relpath(folder, local_dir)
        above = () if relative == "." else tuple(relative.split(os.sep))
        for name in sorted(names):
            yield os.path.join(folder, name), (*above, name)


def existing_folder(path: str | os.PathLike[str]) -> str:
    """The absolute path of a folder for downloads.

    Raises:
        MlflowException: RESOURCE_DOES_NOT_EXIST if it is absent, INVALID_PARAMETER_VALUE if it is a
            file.
    """
    folder = os.path.abspath(path)
    if not os.path.exists(folder):
        raise MlflowException(
            "The destination path for downloaded artifacts does not exist! "
            f"Destination path: {folder}",
            error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
        )
    if not os.path.isdir(folder):
        raise MlflowException.invalid_parameter_value(
            "The destination path for downloaded artifacts must be a directory! "
            f"Destination path: {folder}"
        )
    return folder


def try_read_trace_data(trace_data_path: str | os.PathLike[str]) -> dict[str, Any]:
    """The JSON object in a file of spans.

    Raises:
        MlflowTraceDataNotFound: There is no such file, or nothing in it.
        MlflowTraceDataCorrupted: It is not JSON.
    """
    path = Path(trace_data_path)
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if not text:
        raise MlflowTraceDataNotFound(artifact_path=str(path))
    try:
        return json.loads(text)
    except ValueError as e:
        raise MlflowTraceDataCorrupted(artifact_path=str(path)) from e


@contextmanager
def write_local_temp_trace_data_file(trace_data: str) -> Iterator[Path]:
    """A file that has the JSON of spans and the right name, while the block runs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / TRACE_DATA_FILE_NAME
        path.write_text(trace_data, encoding="utf-8")
        yield path


def _listed(info: FileInfo, wanted: Steps) -> Steps:
    """The names in the path of a listed artifact.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is not below the folder that was listed: a
            server that lies must not make us write elsewhere.
    """
    below = steps(info.path)
    if below[: len(wanted)] != wanted or len(below) <= len(wanted):
        raise invalid_path(f"Invalid path: '{info.path}' is not in '{'/'.join(wanted)}'")
    return below


def _no_archive() -> MlflowException:
    return MlflowNotImplementedException(
        "Archives and attachments of traces are not available in Headrace yet."
    )
