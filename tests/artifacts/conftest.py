"""Places for artifacts, all of them real: a folder, a server, and a bucket of an S3 server."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from tests.optional import optional


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """URL of an S3 server with a bucket named "bucket"."""
    optional("boto3")
    server = optional("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    with s3_environment(endpoint):
        s3_client(endpoint).create_bucket(Bucket="bucket")
        yield endpoint
    server.stop()


def s3_environment(endpoint: str) -> pytest.MonkeyPatch:
    """The settings that lead to an S3 server, inside a `with` block."""
    patch = pytest.MonkeyPatch()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "MLFLOW_S3_ENDPOINT_URL": endpoint,
    }.items():
        patch.setenv(name, value)
    return _Undone(patch)


class _Undone:
    def __init__(self, patch: pytest.MonkeyPatch):
        self._patch = patch

    def __enter__(self) -> pytest.MonkeyPatch:
        return self._patch

    def __exit__(self, *error: object) -> None:
        self._patch.undo()


def s3_client(endpoint: str):
    """boto3's own client, to see what is really there."""
    return optional("boto3").session.Session().client("s3", endpoint_url=endpoint)


@pytest.fixture
def s3_uri(s3_endpoint: str) -> str:
    """A root in the bucket that nothing else uses."""
    return f"s3://bucket/{uuid.uuid4().hex}/root"


PLACES = ("local", "mlflow-artifacts", "s3")


@pytest.fixture(params=PLACES)
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactRepository:
    """An empty repository of each kind."""
    if request.param == "local":
        return get_artifact_repository(str(tmp_path / "store"))
    if request.param == "s3":
        return get_artifact_repository(request.getfixturevalue("s3_uri"))
    server = request.getfixturevalue("shared_server")
    return get_artifact_repository(f"mlflow-artifacts:/t/{uuid.uuid4().hex}", server.uri)


TREE = {
    "a.txt": "aaa",
    "empty": "",
    "sub/b.json": "{}",
    "sub/deep/c d.txt": "c",
    "sub/100%.txt": "percent",
    "sub/%41#1?x=y&z.txt": "odd",
    "sub/é ü 漢字.txt": "unicode",
    "sub/a;b@c+d=e:f.txt": "marks",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with files of many names."""
    folder = tmp_path / "tree"
    for name, content in TREE.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return folder


def files_in(folder: str | os.PathLike[str]) -> dict[str, str]:
    """Relative path and content of every file below a folder."""
    root = Path(folder)
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def listed(repository: ArtifactRepository, path: str | None = None) -> list[tuple]:
    """A listing as plain values."""
    return [(one.path, one.is_dir, one.file_size) for one in repository.list_artifacts(path)]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """A function that writes a file and returns its path."""

    def write(name: str, content: str | bytes = "content") -> str:
        path = tmp_path / "written" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write
