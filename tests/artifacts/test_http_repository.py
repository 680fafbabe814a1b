"""Artifacts behind a server: what only happens on the way there."""

from __future__ import annotations

import json
import os
import socketserver
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mlflow.exceptions import MlflowException
from mlflow.store.artifact import http_artifact_repo
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository

from .conftest import files_in, listed

ROOT = "/api/2.0/mlflow-artifacts/artifacts"


class Scripted:
    """A server that answers as it is told and remembers what it was asked."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.answers: dict[str, list] = {}
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(length)
                owner.requests.append((self.command, self.path, headers, body))
                script = owner.answers.get(self.command)
                step = (script.pop(0) if len(script) > 1 else script[0]) if script else None
                if callable(step):
                    step(self)
                    return
                status, sent, extra = step or (200, b"{}", {})
                self.send_response(status)
                for name, value in {"Content-Length": str(len(sent)), **extra}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(sent)

            do_GET = do_PUT = do_POST = do_DELETE = answer

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.uri = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def scripted(monkeypatch):
    monkeypatch.setattr(http_artifact_repo, "_PAUSE", 0.01)
    server = Scripted()
    yield server
    server.close()


def cut_after(count: int, total: int, content: bytes, etag: str = '"1"'):
    """An answer whose connection breaks after `count` bytes."""

    def answer(handler: socketserver.BaseRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(total))
        handler.send_header("ETag", etag)
        handler.end_headers()
        handler.wfile.write(content[:count])
        handler.wfile.flush()
        handler.close_connection = True

    return answer


@pytest.mark.parametrize(
    ("tracking", "uri", "resolved"),
    [
        ("http://t:5000", "mlflow-artifacts:/", "http://t:5000" + ROOT),
        ("http://t:5000", "mlflow-artifacts:", "http://t:5000" + ROOT),
        ("http://t:5000", "mlflow-artifacts:/a/b", f"http://t:5000{ROOT}/a/b"),
        ("http://t:5000", "mlflow-artifacts:///a", f"http://t:5000{ROOT}/a"),
        ("http://t:5000", "mlflow-artifacts:a", f"http://t:5000{ROOT}/a"),
        ("https://t/", "mlflow-artifacts://h:80/a", f"https://h:80{ROOT}/a"),
        ("http://t/pre/fix", "mlflow-artifacts:/a", f"http://t/pre/fix{ROOT}/a"),
        ("http://t/pre/fix", "mlflow-artifacts:/", f"http://t/pre/fix{ROOT}"),
        ("http://u:p@t", "mlflow-artifacts:/a", f"http://u:p@t{ROOT}/a"),
    ],
)
def test_resolve_uri(tracking, uri, resolved):
    assert MlflowArtifactsRepository.resolve_uri(uri, tracking) == resolved


def test_mlflow_artifacts_needs_a_server():
    with pytest.raises(MlflowException, match="must be a valid http or https URI") as e:
        get_artifact_repository("mlflow-artifacts:/a", "postgresql://me:secret@db/x")
    assert "secret" not in str(e.value)


def test_requests_are_those_that_servers_know(scripted, write):
    repository = get_artifact_repository("mlflow-artifacts:/1/run/artifacts", scripted.uri)
    repository.log_artifact(write("a b#%41?.txt", "hello"), "p q")
    repository.log_artifact(write("x.unknown", ""))
    repository.list_artifacts("d x")
    repository.delete_artifacts("d")
    seen = [
        (method, path, headers.get("content-type"), body)
        for method, path, headers, body in scripted.requests
    ]
    root = f"{ROOT}/1/run/artifacts"
    assert seen == [
        ("PUT", f"{root}/p%20q/a%20b%23%2541%3F.txt", "text/plain", b"hello"),
        ("PUT", f"{root}/x.unknown", "application/octet-stream", b""),
        ("GET", f"{ROOT}?path=1%2Frun%2Fartifacts%2Fd+x", None, b""),
        ("DELETE", f"{root}/d", None, b""),
    ]


def test_server_that_lists_names_from_elsewhere_cannot_make_us_write_there(scripted, tmp_path):
    names = ["../../evil", "/etc/evil", "a/b", "..", "", "fine"]
    files = [{"path": name, "is_dir": False, "file_size": 2} for name in names]
    scripted.answers["GET"] = [(200, json.dumps({"files": files}).encode(), {}), (200, b"{}", {})]
    repository = get_artifact_repository("mlflow-artifacts:/1", scripted.uri)
    (tmp_path / "out").mkdir()
    scripted.answers["GET"].insert(0, scripted.answers["GET"][0])
    repository.download_artifacts("", tmp_path / "out")
    assert files_in(tmp_path) == {"out/fine": "{}"}


def test_broken_download_goes_on_where_it_was(scripted, tmp_path):
    content = os.urandom(3 << 20)

    def rest(handler):
        start = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        assert handler.headers["If-Range"] == '"1"'
        handler.send_response(206)
        handler.send_header("Content-Length", str(len(content) - start))
        handler.end_headers()
        handler.wfile.write(content[start:])

    scripted.answers["GET"] = [
        (200, b"{}", {}),
        cut_after(2 << 20, len(content), content),
        rest,
    ]
    repository = get_artifact_repository("mlflow-artifacts:/1", scripted.uri)
    path = repository.download_artifacts("big", tmp_path)
    assert Path(path).read_bytes() == content
    assert len(scripted.requests) == 3


def test_file_that_changed_after_a_break_is_fetched_anew(scripted, tmp_path):
    old, new = b"o" * (2 << 20), b"n" * (1 << 20)
    scripted.answers["GET"] = [
        (200, b"{}", {}),
        cut_after(1 << 20, len(old), old),
        (200, new, {"ETag": '"2"'}),
    ]
    repository = get_artifact_repository("mlflow-artifacts:/1", scripted.uri)
    assert Path(repository.download_artifacts("f", tmp_path)).read_bytes() == new


def test_download_that_always_breaks_fails_and_leaves_nothing(scripted, tmp_path):
    scripted.answers["GET"] = [(200, b"{}", {}), cut_after(10, 1000, b"x" * 1000)]
    repository = get_artifact_repository("mlflow-artifacts:/1", scripted.uri)
    with pytest.raises(MlflowException, match="connection broke"):
        repository.download_artifacts("f", tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(scripted.requests) == 1 + 4


def test_broken_upload_is_sent_again_whole(scripted, write):
    content = os.urandom(2 << 20)

    def hang_up(handler):
        handler.close_connection = True
        handler.connection.close()

    scripted.answers["PUT"] = [hang_up, (200, b"", {})]
    repository = get_artifact_repository("mlflow-artifacts:/1", scripted.uri)
    repository.log_artifact(write("big", content))
    assert [body for _, _, _, body in scripted.requests] == [content, content]


def test_refusal_of_the_server_is_not_tried_again(scripted, write):
    error = b'{"error_code": "PERMISSION_DENIED", "message": "no"}'
    scripted.answers["PUT"] = [(403, error, {"Content-Type": "application/json"})]
    repository = get_artifact_repository("mlflow-artifacts:/1", scripted.uri)
    with pytest.raises(MlflowException, match="no") as e:
        repository.log_artifact(write("big", b"x" * (2 << 20)))
    assert e.value.error_code == "PERMISSION_DENIED"
    assert len(scripted.requests) == 1


def test_single_files_at_any_url(scripted, write, tmp_path):
    repository = get_artifact_repository(scripted.uri + "/some/where%20else")
    repository.log_artifact(write("a.txt", "hello"), "d")
    scripted.answers["GET"] = [(200, b"content", {})]
    assert Path(repository.download_artifacts("x y.csv", tmp_path)).read_bytes() == b"content"
    paths = [(method, path) for method, path, _, _ in scripted.requests]
    assert paths == [("PUT", "/some/where%20else/d/a.txt"), ("GET", "/some/where%20else/x%20y.csv")]
    with pytest.raises(MlflowException, match="Nothing can be listed") as e:
        repository.list_artifacts()
    assert e.value.error_code == "NOT_IMPLEMENTED"


@pytest.fixture
def in_parts(monkeypatch):
    """Everything larger than 5 MiB goes in parts, if the server can do that."""
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "true")
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD", "true")
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", str(5 << 20))
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", str(5 << 20))
    monkeypatch.setenv("MLFLOW_MULTIPART_DOWNLOAD_MINIMUM_FILE_SIZE", str(5 << 20))
    monkeypatch.setenv("MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE", str(3 << 20))


def test_server_that_takes_no_parts_gets_the_file_whole(shared_server, write, tmp_path, in_parts):
    uri = f"mlflow-artifacts:/t/{uuid.uuid4().hex}"
    repository = get_artifact_repository(uri, shared_server.uri)
    content = os.urandom(6 << 20)
    repository.log_artifact(write("big.bin", content))
    path = repository.download_artifacts("big.bin", tmp_path)
    assert Path(path).read_bytes() == content


@pytest.fixture
def server_on_s3(s3_endpoint, s3_uri, make_server):
    return make_server("--artifacts-destination", s3_uri)


def test_parts_go_straight_to_the_bucket(
    server_on_s3, s3_uri, write, tmp_path, in_parts, monkeypatch
):
    direct = []
    monkeypatch.setattr(
        http_artifact_repo,
        "_direct",
        lambda method, url, original=http_artifact_repo._direct, **kwargs: (
            direct.append((method, kwargs["headers"].get("Range")))
            or original(method, url, **kwargs)
        ),
    )
    repository = get_artifact_repository("mlflow-artifacts:/a", server_on_s3.uri)
    content = os.urandom(12 << 20)
    repository.log_artifact(write("big file.bin", content), "d e")
    assert sorted(direct) == [("PUT", None)] * 3
    assert listed(repository, "d e") == [("d e/big file.bin", False, len(content))]
    assert listed(get_artifact_repository(s3_uri), "a/d e")[0][0] == "a/d e/big file.bin"
    path = repository.download_artifacts("d e/big file.bin", tmp_path)
    assert Path(path).read_bytes() == content
    assert [method for method, _ in direct[3:]] == ["GET"] * 4
    assert ("GET", f"bytes={9 << 20}-{(12 << 20) - 1}") in direct


def test_upload_in_parts_that_fails_is_given_up(
    server_on_s3, s3_endpoint, write, in_parts, monkeypatch
):
    def fail(*_: object, **__: object):
        raise MlflowException("no")

    monkeypatch.setattr(http_artifact_repo, "_direct", fail)
    repository = get_artifact_repository("mlflow-artifacts:/a", server_on_s3.uri)
    with pytest.raises(MlflowException, match="part 1"):
        repository.log_artifact(write("big", os.urandom(6 << 20)))
    from .conftest import s3_client

    assert "Uploads" not in s3_client(s3_endpoint).list_multipart_uploads(Bucket="bucket")
    assert listed(repository) == []
