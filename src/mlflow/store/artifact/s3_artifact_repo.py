"""Artifacts in a bucket of Amazon S3, or of a service that speaks its language."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mlflow.entities.file_info import FileInfo
from mlflow.entities.multipart_upload import (
    CreateMultipartUploadResponse,
    MultipartUploadCredential,
    MultipartUploadPart,
)
from mlflow.entities.presigned_download import PresignedDownloadUrlResponse
from mlflow.entities.presigned_upload import CreatePresignedUploadResponse
from mlflow.environment_variables import (
    MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE,
    MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE,
    MLFLOW_S3_ENDPOINT_URL,
    MLFLOW_S3_EXPECTED_BUCKET_OWNER,
    MLFLOW_S3_IGNORE_TLS,
    MLFLOW_S3_UPLOAD_EXTRA_ARGS,
)
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repo import (
    ArtifactRepository,
    MultipartDownloadMixin,
    MultipartUploadMixin,
    PresignedUploadMixin,
)
from mlflow.store.artifact.location import Location, Steps, steps
from mlflow.store.artifact.media_type import attachment, guessed
from mlflow.store.artifact.resolver import is_a_directory, no_such_artifact
from mlflow.store.artifact.serving import StoredFile
from mlflow.store.artifact.transfer import PIECE, interruption_check
from mlflow.utils.optional import require
from mlflow.utils.progress import Progress

BOTO_TO_MLFLOW_ERROR = {
    "AccessDenied": CODES["PERMISSION_DENIED"],
    "NoSuchBucket": CODES["RESOURCE_DOES_NOT_EXIST"],
    "NoSuchKey": CODES["RESOURCE_DOES_NOT_EXIST"],
    "InvalidAccessKeyId": CODES["UNAUTHENTICATED"],
    "SignatureDoesNotMatch": CODES["UNAUTHENTICATED"],
    "403": CODES["PERMISSION_DENIED"],
    "404": CODES["RESOURCE_DOES_NOT_EXIST"],
}

_MAX_PARTS = 10_000  # of one upload, by S3's rules
_MIN_PART = 5 << 20
_DELETED_AT_ONCE = 1000
_PART_SECONDS = 3600
"""How long the parts of an upload may take."""
_STREAMS_PER_FILE = 4


class S3ArtifactRepository(
    ArtifactRepository, MultipartUploadMixin, MultipartDownloadMixin, PresignedUploadMixin
):
    """Artifacts in a bucket. Credentials and region come from where boto3 finds them, unless given
    here.

    Args:
        artifact_uri: `s3://bucket/path`; the path is taken as it is, without decoding.
        access_key_id: Instead of what boto3 finds.
        secret_access_key: Instead of what boto3 finds.
        session_token: Instead of what boto3 finds.
    """

    def __init__(
        self,
        artifact_uri: str,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        session_token: str | None = None,
        tracking_uri: str | None = None,
        registry_uri: str | None = None,
    ):
        super().__init__(artifact_uri, tracking_uri, registry_uri)
        Location.parse(artifact_uri).steps  # noqa: B018  (refuses a path that goes up)
        self._bucket, path = self.parse_s3_compliant_uri(artifact_uri)
        self._prefix = path.rstrip("/")
        self._keys = (access_key_id, secret_access_key, session_token)

    def parse_s3_compliant_uri(self, uri: str) -> tuple[str, str]:
        """Bucket and path of an S3 URI."""
        location = Location.parse(uri)
        if location.scheme != "s3":
            raise MlflowException.invalid_parameter_value(f"Not an S3 URI: {uri}")
        return location.authority or "", location.path.removeprefix("/")

    @staticmethod
    def get_s3_file_upload_extra_args() -> dict[str, Any] | None:
        """Further arguments of uploads, from MLFLOW_S3_UPLOAD_EXTRA_ARGS.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if the variable is not a JSON object.
        """
        text = MLFLOW_S3_UPLOAD_EXTRA_ARGS.get()
        if not text:
            return None
        try:
            arguments = json.loads(text)
        except ValueError:
            arguments = None
        if not isinstance(arguments, dict):
            raise MlflowException.invalid_parameter_value(
                f"{MLFLOW_S3_UPLOAD_EXTRA_ARGS} is {text!r}; a JSON object is needed, such as "
                '\'{"ServerSideEncryption": "aws:kms"}\'.'
            )
        return arguments

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        name = os.path.basename(os.path.normpath(local_file))
        self._upload(os.fspath(local_file), (*steps(artifact_path), *steps(name)))

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:
        self._upload_folder(local_dir, steps(artifact_path), self._upload)

    def _upload(self, path: str, below: Steps) -> None:
        with open(path, "rb"):  # a missing file is not S3's fault
            size = os.path.getsize(path)
        with (
            _s3_errors(f"Failed to upload to {self._named(below)}"),
            Progress(f"Uploading {below[-1]}", size, unit="B") as progress,
        ):
            self._client.upload_file(
                path,
                self._bucket,
                self._key(below),
                ExtraArgs=self._upload_arguments(below[-1]),
                Config=_transfer_config(size),
                Callback=_ticker(progress),
            )

    def list_artifacts(self, path: str | None = None) -> list[FileInfo]:
        below = steps(path)
        folder = self._key(below)
        prefix = f"{folder}/" if folder else ""
        infos = []
        with _s3_errors(f"Failed to list artifacts in {self._named(below)}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix, Delimiter="/", **self._owner
            )
            for page in pages:
                for one in page.get("CommonPrefixes", ()):
                    infos.append((one["Prefix"][len(prefix) : -1], True, None))
                for one in page.get("Contents", ()):
                    infos.append((one["Key"][len(prefix) :], False, one["Size"]))
        above = "".join(f"{name}/" for name in below)
        # Names such as ".." may be keys of other programs' objects; nobody can reach them by a
        # path.
        found = [
            FileInfo(above + name, is_dir, size) for name, is_dir, size in infos if _is_name(name)
        ]
        return sorted(found, key=lambda info: info.path)

    def delete_artifacts(self, artifact_path: str | None = None) -> None:
        below = steps(artifact_path)
        key = self._key(below)
        with _s3_errors(f"Failed to delete artifacts in {self._named(below)}"):
            doomed = [found for found in self._keys_at(key) if _is_at_or_below(found, key)]
            for start in range(0, len(doomed), _DELETED_AT_ONCE):
                some = [{"Key": one} for one in doomed[start : start + _DELETED_AT_ONCE]]
                answer = self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": some, "Quiet": True}, **self._owner
                )
                for error in answer.get("Errors", ()):
                    raise MlflowException(
                        f"Failed to delete s3://{self._bucket}/{error['Key']}: "
                        f"{error.get('Message')}",
                        error_code=BOTO_TO_MLFLOW_ERROR.get(
                            error.get("Code"), CODES["INTERNAL_ERROR"]
                        ),
                    )

    def _keys_at(self, prefix: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, **self._owner
        )
        for page in pages:
            for one in page.get("Contents", ()):
                yield one["Key"]

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        below = steps(remote_file_path)
        size = self._head(below)["ContentLength"]
        with (
            _s3_errors(f"Failed to download {self._named(below)}"),
            Progress(f"Downloading {below[-1]}", size, unit="B") as progress,
        ):
            self._client.download_file(
                self._bucket,
                self._key(below),
                local_path,
                ExtraArgs=self._owner or None,
                Config=_transfer_config(size),
                Callback=_ticker(progress),
            )

    def modified_time(self, artifact_path: str) -> float | None:
        return self._head(steps(artifact_path))["LastModified"].timestamp()

    def _open_artifact(self, path: str) -> StoredFile:
        below = steps(path)
        try:
            found = self._head(below)
        except MlflowException as e:
            if e.error_code == "RESOURCE_DOES_NOT_EXIST" and self._is_directory(path):
                raise is_a_directory(below) from None
            raise
        etag = found["ETag"]

        def read(start: int, end: int) -> Iterator[bytes]:
            if start >= end:
                return
            with _s3_errors(f"Failed to read {self._named(below)}"):
                body = self._client.get_object(
                    Bucket=self._bucket,
                    Key=self._key(below),
                    Range=f"bytes={start}-{end - 1}",
                    IfMatch=etag,
                    **self._owner,
                )["Body"]
                try:
                    yield from body.iter_chunks(PIECE)
                finally:
                    body.close()

        modified = found["LastModified"].timestamp()
        return StoredFile(
            below[-1], found["ContentLength"], modified, etag, read, close=lambda: None
        )

    def _head(self, below: Steps) -> dict[str, Any]:
        """Size, type and so on of a file."""
        if not below:
            raise is_a_directory(below)
        with _s3_errors(f"Failed to read {self._named(below)}"):
            try:
                return self._client.head_object(
                    Bucket=self._bucket, Key=self._key(below), **self._owner
                )
            except require("botocore.exceptions").ClientError as e:
                if e.response.get("Error", {}).get("Code") in ("404", "NoSuchKey"):
                    raise no_such_artifact(below) from e
                raise

    def create_multipart_upload(
        self, local_file: str, num_parts: int = 1, artifact_path: str | None = None
    ) -> CreateMultipartUploadResponse:
        if num_parts > _MAX_PARTS:
            raise MlflowException.invalid_parameter_value(
                f"An upload cannot have {num_parts} parts; {_MAX_PARTS} is the most."
            )
        below = self._uploaded(local_file, artifact_path)
        place = {"Bucket": self._bucket, "Key": self._key(below)}
        with _s3_errors(f"Failed to upload to {self._named(below)}"):
            upload_id = self._client.create_multipart_upload(
                **place, **self._upload_arguments(below[-1])
            )["UploadId"]
            urls = [
                self._client.generate_presigned_url(
                    "upload_part",
                    Params={**place, "PartNumber": number, "UploadId": upload_id},
                    ExpiresIn=_PART_SECONDS,
                )
                for number in range(1, num_parts + 1)
            ]
        return CreateMultipartUploadResponse(
            upload_id, [MultipartUploadCredential(url, n, {}) for n, url in enumerate(urls, 1)]
        )

    def complete_multipart_upload(
        self,
        local_file: str,
        upload_id: str,
        parts: list[MultipartUploadPart] | None = None,
        artifact_path: str | None = None,
    ) -> None:
        below = self._uploaded(local_file, artifact_path)
        sent = [{"PartNumber": part.part_number, "ETag": part.etag} for part in parts or []]
        with _s3_errors(f"Failed to upload to {self._named(below)}"):
            self._client.complete_multipart_upload(
                Bucket=self._bucket,
                Key=self._key(below),
                UploadId=upload_id,
                MultipartUpload={"Parts": sent},
                **self._owner,
            )

    def abort_multipart_upload(
        self, local_file: str, upload_id: str, artifact_path: str | None = None
    ) -> None:
        below = self._uploaded(local_file, artifact_path)
        with _s3_errors(f"Failed to give up the upload to {self._named(below)}"):
            self._client.abort_multipart_upload(
                Bucket=self._bucket, Key=self._key(below), UploadId=upload_id, **self._owner
            )

    def create_presigned_upload_url(
        self, artifact_path: str, expiration: int = 900
    ) -> CreatePresignedUploadResponse:
        below = steps(artifact_path)
        if not below:
            raise is_a_directory(below)
        content_type = guessed(below[-1])[0] or "application/octet-stream"
        with _s3_errors(f"Failed to sign an upload to {self._named(below)}"):
            url = self._client.generate_presigned_url(
                "put_object",
                Params={
                    "Bucket": self._bucket,
                    "Key": self._key(below),
                    "ContentType": content_type,
                },
                ExpiresIn=expiration,
            )
        return CreatePresignedUploadResponse(url, {"Content-Type": content_type})

    def get_download_presigned_url(
        self, artifact_path: str, expiration: int = 300
    ) -> PresignedDownloadUrlResponse:
        below = steps(artifact_path)
        size = self._head(below)["ContentLength"]
        url = self._client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": self._key(below),
                "ResponseContentDisposition": attachment(below[-1]),
            },
            ExpiresIn=expiration,
        )
        return PresignedDownloadUrlResponse(url, {}, size)

    def _uploaded(self, local_file: str, artifact_path: str | None) -> Steps:
        # The sender may be on another system, where "\\" separates names.
        name = os.path.basename(str(local_file).replace("\\", "/"))
        below = (*steps(artifact_path), *steps(name))
        if not name:
            raise MlflowException.invalid_parameter_value(
                f"'{local_file}' is not the path of a file."
            )
        return below

    def _upload_arguments(self, name: str) -> dict[str, Any]:
        content_type, encoding = guessed(name)
        arguments = dict(self._owner)
        if content_type:
            arguments["ContentType"] = content_type
        if encoding:
            arguments["ContentEncoding"] = encoding
        return {**arguments, **(self.get_s3_file_upload_extra_args() or {})}

    def _key(self, below: Steps) -> str:
        return "/".join((self._prefix, *below)) if self._prefix else "/".join(below)

    def _named(self, below: Steps) -> str:
        return "/".join((self.artifact_uri.rstrip("/"), *below))

    @property
    def _owner(self) -> dict[str, str]:
        owner = MLFLOW_S3_EXPECTED_BUCKET_OWNER.get()
        return {"ExpectedBucketOwner": owner} if owner else {}

    @property
    def _client(self) -> Any:
        return _client(self._keys)


_clients: dict[tuple[Any, ...], Any] = {}
_clients_lock = threading.Lock()


def _client(keys: tuple[str | None, str | None, str | None]) -> Any:
    """boto3's client for what the environment says now; shared by all threads of this process."""
    settings = (
        MLFLOW_S3_ENDPOINT_URL.get(),
        MLFLOW_S3_IGNORE_TLS.get(),
        os.environ.get("MLFLOW_EXPERIMENTAL_S3_SIGNATURE_VERSION", "s3v4"),
        MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE.get(),
        os.environ.get("AWS_ACCESS_KEY_ID"),
        os.environ.get("AWS_PROFILE"),
        os.environ.get("AWS_DEFAULT_REGION"),
    )
    identity = (os.getpid(), keys, settings)
    with _clients_lock:
        client = _clients.get(identity)
        if client is None:
            client = _clients[identity] = _open_client(keys, *settings[:4])
        return client


def _open_client(
    keys: tuple[str | None, str | None, str | None],
    endpoint: str | None,
    ignore_tls: bool,
    signature: str,
    addressing: str,
) -> Any:
    boto3 = require("boto3", extra="s3", purpose="artifacts on S3")
    config = require("botocore.config").Config(
        signature_version="unsigned" if signature.lower() == "unsigned" else signature,
        s3={"addressing_style": addressing},
        max_pool_connections=32,
    )
    access_key, secret_key, token = keys
    # A session of its own: boto3's default one may not be used by two threads at a time.
    return boto3.session.Session().client(
        "s3",
        config=config,
        endpoint_url=endpoint,
        verify=False if ignore_tls else None,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        aws_session_token=token,
    )


def _transfer_config(size: int) -> Any:
    """Part sizes that keep memory small and stay within S3's number of parts."""
    part = max(MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE.get(), _MIN_PART, -(-size // _MAX_PARTS))
    return require("boto3.s3.transfer").TransferConfig(
        multipart_threshold=2 * part,
        multipart_chunksize=part,
        max_concurrency=_STREAMS_PER_FILE,
        io_chunksize=PIECE,
    )


def _ticker(progress: Progress) -> Callable[[int], None]:
    """boto3 calls it from its own threads as bytes go by."""
    check = interruption_check()

    def tick(amount: int) -> None:
        check()
        progress.update(amount)

    return tick


@contextmanager
def _s3_errors(doing: str) -> Iterator[None]:
    """Turn boto3's errors into ours."""
    boto_errors = require("botocore.exceptions", extra="s3", purpose="artifacts on S3")
    transfer_errors = require("boto3.exceptions")
    try:
        yield
    except boto_errors.ClientError as e:
        error = e.response.get("Error", {})
        code = BOTO_TO_MLFLOW_ERROR.get(error.get("Code", ""))
        if code is None:
            status = e.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            code = BOTO_TO_MLFLOW_ERROR.get(str(status), CODES["INTERNAL_ERROR"])
        raise MlflowException(f"{doing}: {error.get('Message') or e}", error_code=code) from e
    except (boto_errors.BotoCoreError, transfer_errors.Boto3Error) as e:
        raise MlflowException(f"{doing}: {e}") from e


def _is_at_or_below(found: str, key: str) -> bool:
    return not key or found == key or found.startswith(f"{key}/")


def _is_name(name: str) -> bool:
    try:
        return len(steps(name)) == 1
    except MlflowException:
        return False
