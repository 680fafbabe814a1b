"""Artifacts behind a server's `mlflow-artifacts` endpoints, or single files at any URL."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO

import urllib3

from mlflow.entities.file_info import FileInfo
from mlflow.entities.multipart_upload import CreateMultipartUploadResponse, MultipartUploadPart
from mlflow.entities.presigned_download import PresignedDownloadUrlResponse
from mlflow.environment_variables import (
    MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT,
    MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD,
    MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD,
    MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE,
    MLFLOW_MULTIPART_DOWNLOAD_MINIMUM_FILE_SIZE,
    MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE,
    MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE,
)
from mlflow.exceptions import MlflowException, MlflowNotImplementedException
from mlflow.rpc.transport import Transport
from mlflow.store.artifact.artifact_repo import (
    ArtifactRepository,
    MultipartUploadMixin,
    folder_steps,
)
from mlflow.store.artifact.location import Location, Steps, quoted, steps
from mlflow.store.artifact.media_type import media_type
from mlflow.store.artifact.transfer import PIECE, check_interrupted, interruption_check, run_all
from mlflow.utils.progress import Progress

_SERVICE = re.compile(r"(?P<service>/(?:ajax-)?api/2\.0/mlflow-artifacts)/artifacts(?=/|$)")
_ATTEMPTS = 4
"""How often a transfer is tried when the connection breaks in the middle."""
_PAUSE = 0.5
"""Seconds before the second attempt; doubled before each further one."""


class HttpArtifactRepository(ArtifactRepository, MultipartUploadMixin):
    """Artifacts that a server keeps.

    Args:
        artifact_uri: URL below `.../api/2.0/mlflow-artifacts/artifacts`. At any other URL single
            files can be fetched, stored and deleted, but nothing can be listed.
    """

    def __init__(
        self,
        artifact_uri: str,
        tracking_uri: str | None = None,
        registry_uri: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(artifact_uri, tracking_uri, registry_uri)
        location = Location.parse(artifact_uri)
        found = _SERVICE.search(location.path)
        self._service = found["service"] if found else None
        prefix = location.path[: found.start()] if found else ""
        self._server = str(Location(location.scheme, location.authority, prefix)).rstrip("/")
        self._below = steps(location.path[found.end() if found else 0 :].lstrip("/"))

    @property
    def chunk_thread_pool(self) -> ThreadPoolExecutor:
        """Threads for the parts of a file."""
        return self.thread_pool

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        name = os.path.basename(os.path.normpath(local_file))
        self._upload(os.fspath(local_file), (*folder_steps(artifact_path), *steps(name)))

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:
        self._upload_folder(local_dir, folder_steps(artifact_path), self._upload)

    def _upload(self, path: str, below: Steps) -> None:
        with open(path, "rb", buffering=0) as stream:
            size = os.fstat(stream.fileno()).st_size
            if self._wants_parts(size) and self._upload_in_parts(path, size, below):
                return
            headers = {"Content-Type": media_type(below[-1]), "Content-Length": str(size)}
            if size <= PIECE:
                self._request("PUT", self._at(below), body=stream.read(), headers=headers)
                return
            with Progress(f"Uploading {below[-1]}", size, unit="B") as progress:
                for last in _attempts():
                    with _unless_broken(last):
                        body = _Slice(stream, 0, size, progress)
                        self._request("PUT", self._at(below), body=body, headers=headers)
                        return

    def list_artifacts(self, path: str | None = None) -> list[FileInfo]:
        if self._service is None:
            raise MlflowNotImplementedException(
                f"Nothing can be listed at '{self.artifact_uri}': it is not an address of a "
                "server's artifacts."
            )
        below = steps(path)
        query = [("path", "/".join(self._below + below))]
        answer = self._transport.json("GET", f"{self._service}/artifacts", query=query)
        infos = [_info(one, below) for one in answer.get("files", ()) if _is_name(one.get("path"))]
        return sorted(infos, key=lambda info: info.path)

    def _is_directory(self, artifact_path: str) -> bool:
        return self._service is not None and super()._is_directory(artifact_path)

    def modified_time(self, artifact_path: str) -> float | None:
        try:
            answer = self._request("HEAD", self._at(steps(artifact_path)))
            modified = parsedate_to_datetime(answer.headers["Last-Modified"]).timestamp()
            now = parsedate_to_datetime(answer.headers["Date"]).timestamp()
        except (MlflowException, KeyError, ValueError):
            return None
        return modified + time.time() - now  # its clock may be another one

    def delete_artifacts(self, artifact_path: str | None = None) -> None:
        self._request("DELETE", self._at(steps(artifact_path)))

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        below = steps(remote_file_path)
        if MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD.get() and self._download_in_parts(
            below, local_path
        ):
            return
        with open(local_path, "wb") as target:
            incoming = _Incoming(target, below[-1])
            for last in _attempts():
                with _unless_broken(last):
                    headers = incoming.request_headers()
                    incoming.take(
                        self._request("GET", self._at(below), headers=headers, stream=True)
                    )
                    return

    def create_multipart_upload(
        self, local_file: str, num_parts: int = 1, artifact_path: str | None = None
    ) -> CreateMultipartUploadResponse:
        answer = self._parts_call("create", local_file, artifact_path, num_parts=num_parts)
        return CreateMultipartUploadResponse.from_dict({"credentials": [], **answer})

    def complete_multipart_upload(
        self,
        local_file: str,
        upload_id: str,
        parts: list[MultipartUploadPart] | None = None,
        artifact_path: str | None = None,
    ) -> None:
        sent = [part.to_dict() for part in parts or []]
        self._parts_call("complete", local_file, artifact_path, upload_id=upload_id, parts=sent)

    def abort_multipart_upload(
        self, local_file: str, upload_id: str, artifact_path: str | None = None
    ) -> None:
        self._parts_call("abort", local_file, artifact_path, upload_id=upload_id)

    def _parts_call(
        self, action: str, local_file: str, artifact_path: str | None, **fields: Any
    ) -> dict[str, Any]:
        if self._service is None:
            raise MlflowNotImplementedException(
                f"Files cannot be sent in parts to '{self.artifact_uri}'."
            )
        import json

        folder = quoted(self._below + folder_steps(artifact_path))
        return self._transport.json(
            "POST",
            f"{self._service}/mpu/{action}/{folder}",
            body=json.dumps({"path": os.path.basename(local_file), **fields}).encode(),
            headers={"Content-Type": "application/json"},
        )

    def _wants_parts(self, size: int) -> bool:
        return (
            self._service is not None
            and MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD.get()
            and size >= max(MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE.get(), 1)
        )

    def _upload_in_parts(self, path: str, size: int, below: Steps) -> bool:
        """Send the parts straight to where the server keeps them; False if it cannot do that."""
        name, folder = below[-1], "/".join(below[:-1])
        spans = _spans(size, MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE.get())
        try:
            upload = self.create_multipart_upload(name, len(spans), folder)
        except MlflowException as e:
            if e.error_code == "NOT_IMPLEMENTED":
                return False
            raise
        sent: list[MultipartUploadPart] = []
        with Progress(f"Uploading {name}", size, unit="B") as progress:

            def send(number: int, url: str, headers: dict[str, str]) -> None:
                with open(path, "rb", buffering=0) as stream:
                    start, end = spans[number - 1]
                    body = _Slice(stream, start, end, progress)
                    headers = {**headers, "Content-Length": str(end - start)}
                    answer = _direct("PUT", url, body=body, headers=headers)
                sent.append(MultipartUploadPart(number, answer.headers.get("ETag"), url))

            try:
                run_all(
                    [
                        (
                            f"{name}, part {one.part_number}",
                            lambda one=one: send(one.part_number, one.url, one.headers),
                        )
                        for one in upload.credentials
                    ],
                    "uploading",
                    self.artifact_uri,
                    self.max_workers,
                )
                sent.sort(key=lambda part: part.part_number)
                self.complete_multipart_upload(name, upload.upload_id or "", sent, folder)
            except BaseException:
                with suppress(MlflowException):
                    self.abort_multipart_upload(name, upload.upload_id or "", folder)
                raise
        return True

    def _download_in_parts(self, below: Steps, local_path: str) -> bool:
        """Fetch a large file from where the server keeps it; False if that cannot be."""
        if self._service is None:
            return False
        path = f"{self._service}/presigned/{quoted(self._below + below)}"
        try:
            signed = PresignedDownloadUrlResponse.from_dict(self._transport.json("GET", path))
        except MlflowException as e:
            if e.error_code in ("NOT_IMPLEMENTED", "ENDPOINT_NOT_FOUND"):
                return False
            raise
        size = signed.file_size
        if size is None or size < max(MLFLOW_MULTIPART_DOWNLOAD_MINIMUM_FILE_SIZE.get(), 1):
            return False
        with (
            open(local_path, "wb") as target,
            Progress(f"Downloading {below[-1]}", size, unit="B") as progress,
        ):
            target.truncate(size)
            run_all(
                [
                    (
                        f"{below[-1]}, from byte {start}",
                        lambda span=(start, end): _fetch_span(signed, local_path, span, progress),
                    )
                    for start, end in _spans(size, MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE.get())
                ],
                "downloading",
                self.artifact_uri,
                self.max_workers,
            )
        return True

    @property
    def _transport(self) -> Transport:
        return Transport.for_uri(self._server)

    def _at(self, below: Steps) -> str:
        """Path and encoded names of the URL of an artifact."""
        root = f"{self._service}/artifacts" if self._service else ""
        return f"{root}/{quoted(self._below + below)}"

    def _request(self, method: str, path: str, **kwargs: Any) -> urllib3.BaseHTTPResponse:
        timeout = MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT.get()
        return self._transport.request(method, path, timeout=timeout, **kwargs)


class _Incoming:
    """A file that is arriving. After a break it goes on where it was, unless it has changed."""

    def __init__(self, target: BinaryIO, name: str):
        self._target, self._name = target, name
        self._etag: str | None = None

    def request_headers(self) -> dict[str, str]:
        """What to ask for: all, or what is missing."""
        headers = {"Accept-Encoding": "identity"}
        if self._etag and self._target.tell():
            headers["Range"] = f"bytes={self._target.tell()}-"
            headers["If-Range"] = self._etag
        return headers

    def take(self, response: urllib3.BaseHTTPResponse) -> None:
        """Write what the response has."""
        try:
            if response.status != 206:
                self._target.seek(0)
                self._target.truncate()
                self._etag = response.headers.get("ETag")
            size = int(response.headers.get("Content-Length") or 0) or None
            with Progress(f"Downloading {self._name}", size, unit="B") as progress:
                for piece in response.stream(PIECE):
                    self._target.write(piece)
                    progress.update(len(piece))
                    check_interrupted()
            response.release_conn()
        except BaseException:
            response.close()
            raise


class _Slice:
    """A part of an open file as the body of a request; it can be read again from the start."""

    def __init__(self, stream: BinaryIO, start: int, end: int, progress: Progress):
        self._stream, self._start, self._end, self._at = stream, start, end, start
        self._progress = progress
        self._check = interruption_check()

    def tell(self) -> int:
        return self._at - self._start

    def seek(self, offset: int) -> int:
        self._at = self._start + offset
        return offset

    def read(self, size: int = -1) -> bytes:
        # urllib3 asks for 16 KiB at a time, which costs more than the transfer itself; it takes
        # what it gets.
        self._check()
        self._stream.seek(self._at)
        piece = self._stream.read(min(PIECE, self._end - self._at))
        self._at += len(piece)
        self._progress.update(len(piece))
        return piece


def _spans(size: int, part: int) -> list[tuple[int, int]]:
    """Starts and ends of the parts of a file."""
    return [(start, min(start + part, size)) for start in range(0, size, max(part, 1))]


def _fetch_span(
    signed: PresignedDownloadUrlResponse, path: str, span: tuple[int, int], progress: Progress
) -> None:
    start, end = span
    headers = {**signed.headers, "Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
    with open(path, "r+b", buffering=0) as target:
        for last in _attempts():
            with _unless_broken(last):
                target.seek(start)
                response = _direct("GET", signed.url, headers=headers, preload_content=False)
                try:
                    if response.status != 206:
                        raise MlflowException(
                            f"The store sent all of a file where bytes {start} to {end} were "
                            "asked for."
                        )
                    for piece in response.stream(PIECE):
                        target.write(piece)
                        progress.update(len(piece))
                        check_interrupted()
                finally:
                    response.close()
                return


def _direct(method: str, url: str, **kwargs: Any) -> urllib3.BaseHTTPResponse:
    """A store's answer to a signed request. The URL itself is a secret and not for messages."""
    response = _signed_pool().request(method, url, redirect=False, **kwargs)
    if response.status >= 300:
        raise MlflowException(
            f"The store that the server pointed to answered {response.status} "
            f"{response.reason or ''}".rstrip()
        )
    return response


_pool: tuple[int, urllib3.PoolManager] | None = None


def _signed_pool() -> urllib3.PoolManager:
    """Connections to stores; a forked child opens its own."""
    global _pool
    if _pool is None or _pool[0] != os.getpid():
        _pool = (os.getpid(), urllib3.PoolManager(maxsize=10))
    return _pool[1]


def _attempts() -> Iterable[bool]:
    """For each attempt whether it is the last one, after a pause before all but the first."""
    for number in range(_ATTEMPTS):
        if number:
            time.sleep(_PAUSE * 2 ** (number - 1))
            check_interrupted()
        yield number == _ATTEMPTS - 1


@contextmanager
def _unless_broken(last: bool) -> Iterator[None]:
    """Swallow a broken connection, unless this was the last attempt."""
    try:
        yield
    except urllib3.exceptions.HTTPError as e:
        if last:
            raise MlflowException(f"The connection broke during a transfer: {e}") from e
    except MlflowException as e:
        if last or not isinstance(e.__cause__, urllib3.exceptions.HTTPError):
            raise


def _is_name(path: object) -> bool:
    try:
        return isinstance(path, str) and len(steps(path)) == 1
    except MlflowException:
        return False


def _info(listed: dict[str, Any], below: Steps) -> FileInfo:
    path = "/".join((*below, *steps(listed["path"])))
    if listed.get("is_dir"):
        return FileInfo(path, True, None)
    return FileInfo(path, False, int(listed.get("file_size") or 0))
