"""A bucket: what only it does."""

from __future__ import annotations

import subprocess
import sys
import urllib.request

import pytest

from mlflow.entities.multipart_upload import MultipartUploadPart
from mlflow.exceptions import MlflowException
from mlflow.store.artifact import s3_artifact_repo
from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository

from .conftest import listed, s3_client


@pytest.fixture
def bucket(s3_uri) -> S3ArtifactRepository:
    return S3ArtifactRepository(s3_uri)


@pytest.fixture
def client(s3_endpoint):
    return s3_client(s3_endpoint)


def key(repository: S3ArtifactRepository, name: str) -> dict[str, str]:
    return {"Bucket": "bucket", "Key": f"{repository._prefix}/{name}"}


@pytest.mark.parametrize(
    ("uri", "bucket_and_path"),
    [
        ("s3://b", ("b", "")),
        ("s3://b/", ("b", "")),
        ("s3://b/k/", ("b", "k/")),
        ("s3://b//k", ("b", "/k")),
        ("s3://b/k%20x;p", ("b", "k%20x;p")),
    ],
)
def test_parse_s3_compliant_uri(uri, bucket_and_path):
    assert S3ArtifactRepository("s3://x/y").parse_s3_compliant_uri(uri) == bucket_and_path


def test_other_uris_are_refused():
    with pytest.raises(MlflowException, match="Not an S3 URI: gs://b/k"):
        S3ArtifactRepository("s3://x/y").parse_s3_compliant_uri("gs://b/k")
    with pytest.raises(MlflowException, match="Invalid path"):
        S3ArtifactRepository("s3://x/../y")


@pytest.mark.parametrize(
    ("name", "content_type", "encoding"),
    [
        ("a.json", "application/json", None),
        ("b.html", "text/html", None),
        ("c.csv.gz", "text/csv", "gzip"),
        ("unknown", "binary/octet-stream", None),
    ],
)
def test_objects_say_what_they_are(bucket, client, write, name, content_type, encoding):
    bucket.log_artifact(write(name))
    head = client.head_object(**key(bucket, name))
    assert (head["ContentType"], head.get("ContentEncoding")) == (content_type, encoding)


def test_extra_upload_arguments(bucket, client, write, monkeypatch):
    assert bucket.get_s3_file_upload_extra_args() is None
    monkeypatch.setenv("MLFLOW_S3_UPLOAD_EXTRA_ARGS", '{"Metadata": {"by": "me"}}')
    bucket.log_artifact(write("a.txt"))
    assert client.head_object(**key(bucket, "a.txt"))["Metadata"] == {"by": "me"}
    for wrong in ("no json", "[1]"):
        monkeypatch.setenv("MLFLOW_S3_UPLOAD_EXTRA_ARGS", wrong)
        with pytest.raises(MlflowException, match="a JSON object is needed") as e:
            bucket.log_artifact(write("a.txt"))
        assert e.value.error_code == "INVALID_PARAMETER_VALUE"


def test_keys_of_others_that_no_path_reaches_are_not_listed(bucket, client):
    for name in ("../x", "./y", "/z", "fine", "a//b"):
        client.put_object(**key(bucket, name), Body=b"1")
    assert listed(bucket) == [("a", True, None), ("fine", False, 1)]


def test_many_files_are_listed_and_deleted_over_all_pages(s3_uri, client, monkeypatch):
    monkeypatch.setattr(s3_artifact_repo, "_DELETED_AT_ONCE", 3)
    bucket = S3ArtifactRepository(s3_uri, "key", "secret", "pages")  # has a client of its own
    requests = []

    def three_a_page(params, **_):
        params["MaxKeys"] = 3
        requests.append(params.get("ContinuationToken"))

    bucket._client.meta.events.register("before-parameter-build.s3.ListObjectsV2", three_a_page)
    for number in range(10):
        client.put_object(**key(bucket, f"d/{number}"), Body=b"")
    assert [one.path for one in bucket.list_artifacts("d")] == [f"d/{n}" for n in range(10)]
    assert len(requests) == 4
    bucket.delete_artifacts("d")
    assert bucket.list_artifacts() == []


def test_large_files_go_in_parts(bucket, client, write, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", "1")  # S3 wants 5 MiB at least
    content = b"0123456789abcdef" * (11 << 16)
    bucket.log_artifact(write("big", content))
    assert client.head_object(**key(bucket, "big"))["ETag"].endswith('-3"')
    with open(bucket.download_artifacts("big", tmp_path), "rb") as file:
        assert file.read() == content


def test_absent_bucket():
    nowhere = S3ArtifactRepository("s3://no-such-bucket/x")
    for attempt in (
        nowhere.list_artifacts,
        lambda: nowhere.delete_artifacts("a"),
        lambda: nowhere.get_download_presigned_url("a"),
        lambda: nowhere.create_multipart_upload("a", 1),
    ):
        with pytest.raises(MlflowException) as e:
            attempt()
        assert e.value.error_code == "RESOURCE_DOES_NOT_EXIST"


@pytest.fixture(autouse=True)
def _environment(s3_endpoint):
    """The endpoint's variables are set."""


def test_absent_bucket_on_upload(write):
    with pytest.raises(MlflowException, match="The specified bucket does not exist"):
        S3ArtifactRepository("s3://no-such-bucket/x").log_artifact(write("a.txt"))


def test_owner_of_the_bucket_is_named_in_every_request(s3_uri, write, monkeypatch):
    bucket = S3ArtifactRepository(s3_uri, "key", "secret", "owner")  # has a client of its own
    seen = []
    bucket._client.meta.events.register(
        "before-parameter-build.s3", lambda params, **_: seen.append(params)
    )
    monkeypatch.setenv("MLFLOW_S3_EXPECTED_BUCKET_OWNER", "123456789012")
    bucket.log_artifact(write("a.txt"))
    bucket.list_artifacts()
    bucket.delete_artifacts("a.txt")
    assert len(seen) >= 3
    assert all(params["ExpectedBucketOwner"] == "123456789012" for params in seen)


def test_addressing_style(bucket, monkeypatch):
    before = bucket._client
    assert before is S3ArtifactRepository("s3://bucket/other")._client
    monkeypatch.setenv("MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE", "virtual")
    assert bucket._client is not before
    assert bucket._client.meta.config.s3["addressing_style"] == "virtual"


def test_credentials_that_were_given(s3_uri):
    repository = S3ArtifactRepository(s3_uri, "id", "secret", "token")
    credentials = repository._client._request_signer._credentials
    assert (credentials.access_key, credentials.token) == ("id", "token")


def http(method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None):
    headers = {"Content-Type": "application/octet-stream", **(headers or {})}
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    with urllib.request.urlopen(request) as response:
        return response.headers, response.read()


def test_presigned_urls(bucket, write):
    upload = bucket.create_presigned_upload_url("d/a b.json", expiration=60)
    assert upload.headers == {"Content-Type": "application/json"}
    assert "X-Amz-Expires=60&" in upload.presigned_url
    http("PUT", upload.presigned_url, b"{}", upload.headers)
    assert listed(bucket, "d") == [("d/a b.json", False, 2)]
    download = bucket.get_download_presigned_url("d/a b.json")
    assert (download.headers, download.file_size) == ({}, 2)
    assert http("GET", download.url)[1] == b"{}"
    with pytest.raises(MlflowException, match="No such artifact: 'd/nope'") as e:
        bucket.get_download_presigned_url("d/nope")
    assert e.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_multipart_upload(bucket):
    upload = bucket.create_multipart_upload("/home/me/a b.bin", 2, "d")
    assert [one.part_number for one in upload.credentials] == [1, 2]
    bodies = [b"x" * (5 << 20), b"y"]
    parts = [
        MultipartUploadPart(one.part_number, http("PUT", one.url, body)[0]["ETag"])
        for one, body in zip(upload.credentials, bodies)
    ]
    assert bucket.list_artifacts() == []
    bucket.complete_multipart_upload("a b.bin", upload.upload_id, parts, "d")
    assert listed(bucket, "d") == [("d/a b.bin", False, (5 << 20) + 1)]


def test_multipart_upload_that_is_given_up(bucket, client):
    upload = bucket.create_multipart_upload("a.bin", 1)
    bucket.abort_multipart_upload("a.bin", upload.upload_id)
    assert "Uploads" not in client.list_multipart_uploads(Bucket="bucket", Prefix=bucket._prefix)
    with pytest.raises(MlflowException) as e:
        bucket.abort_multipart_upload("a.bin", "no such upload")
    assert e.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    with pytest.raises(MlflowException, match="10000 is the most"):
        bucket.create_multipart_upload("a.bin", 10_001)


@pytest.mark.parametrize("name", ["", "..", "d/"])
def test_multipart_upload_of_no_file_is_refused(bucket, name):
    with pytest.raises(MlflowException) as e:
        bucket.create_multipart_upload(name, 1)
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


def test_without_boto3_the_message_says_what_to_install(tmp_path):
    code = (
        "import sys; sys.modules['boto3'] = None; sys.modules['botocore'] = None\n"
        "from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository\n"
        "try: S3ArtifactRepository('s3://b/k').list_artifacts()\n"
        "except Exception as e: print(type(e).__name__, e)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'headrace[s3]'" in done.stdout, done.stderr
