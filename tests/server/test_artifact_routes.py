"""Artifacts over HTTP: statuses, headers, parts of files, broken uploads, and every odd path."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import os
import posixpath
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.artifacts.conftest import s3_endpoint, s3_uri  # noqa: F401  (fixtures)

from mlflow.server import artifact_places
from mlflow.server.app import create_app
from mlflow.server.config import ServerConfig

ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
PARTS = "/api/2.0/mlflow-artifacts/mpu"
JSON = {"Content-Type": "application/json"}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str, str]:
        return self.status, self.json["error_code"], self.json["message"]


@dataclass
class Served:
    """A server in this process, with a folder of its own."""

    folder: Path
    config: ServerConfig
    port: int = 0
    run_ids: list[str] = field(default_factory=list)

    def ask(self, method: str, path: str, body=None, headers=None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def raw(self, request: bytes) -> int:
        """The status that answers the bytes of a request."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(request)
            line = connection.makefile("rb").readline()
        return int(line.split()[1])

    def rpc(self, path: str, **body) -> dict:
        return self.ask("POST", f"/api/2.0/mlflow/{path}", json.dumps(body), JSON).json

    def new_run(self, location: str | None = None) -> str:
        experiment = self.rpc(
            "experiments/create",
            name=f"e{time.monotonic_ns()}",
            **({"artifact_location": location} if location else {}),
        )["experiment_id"]
        return self.rpc("runs/create", experiment_id=experiment)["run"]["info"]["run_id"]

    def root_uri(self, run_id: str) -> str:
        return self.ask("GET", f"/api/2.0/mlflow/artifacts/list?run_id={run_id}").json["root_uri"]


@contextlib.contextmanager
def serving(folder: Path, **options) -> Iterator[Served]:
    options.setdefault("artifacts_destination", str(folder / "store"))
    config = ServerConfig(backend_store_uri=f"sqlite:///{folder}/t.db", **options)
    settings_ = uvicorn.Config(
        create_app(config), host="127.0.0.1", port=0, log_level="error", access_log=False
    )
    server = uvicorn.Server(settings_)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield Served(folder, config, server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as server:
        yield server


@pytest.fixture(scope="module")
def run_id(served) -> str:
    return served.new_run()


def files_in(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


# --- the proxy ---


def test_file_goes_there_and_back(served):
    put = served.ask("PUT", f"{ARTIFACTS}/1/r/a%20b.txt", b"hello")
    assert (put.status, put.body, put.headers.get("content-type")) == (200, b"", None)
    got = served.ask("GET", f"{ARTIFACTS}/1/r/a%20b.txt")
    assert (got.status, got.body) == (200, b"hello")
    assert got.headers["content-type"] == "text/plain"
    assert got.headers["content-disposition"] == 'attachment; filename="a b.txt"'
    assert got.headers["content-length"] == "5"
    again = served.ask("GET", f"/ajax-api{ARTIFACTS[4:]}/1/r/a%20b.txt")
    assert (again.status, again.body) == (200, b"hello")


def test_listing(served):
    for name in ("b/c.txt", "a.txt", "empty"):
        served.ask("PUT", f"{ARTIFACTS}/list/{name}", b"" if name == "empty" else b"123")
    root = served.ask("GET", f"{ARTIFACTS}?path=list")
    assert root.json == {
        "files": [
            {"path": "a.txt", "is_dir": False, "file_size": 3},
            {"path": "b", "is_dir": True},
            {"path": "empty", "is_dir": False},
        ]
    }
    assert {"path": "list", "is_dir": True} in served.ask("GET", ARTIFACTS).json["files"]
    for nothing in ("list/a.txt", "nope"):
        assert served.ask("GET", f"{ARTIFACTS}?path={nothing}").json == {}


def test_delete(served):
    for name in ("d/a.txt", "d/e/b.txt", "dd/c.txt"):
        served.ask("PUT", f"{ARTIFACTS}/del/{name}", b"1")
    for path in ("del/d/a.txt", "del/nope", "del/d"):
        answer = served.ask("DELETE", f"{ARTIFACTS}/{path}")
        assert (answer.status, answer.json) == (200, {})
    assert files_in(served.folder / "store" / "del") == ["dd/c.txt"]
    assert served.ask("DELETE", f"{ARTIFACTS}/del/").json == {}
    assert not (served.folder / "store" / "del").exists()
    assert served.ask("DELETE", f"{ARTIFACTS}/").status == 404
    assert served.ask("DELETE", f"{ARTIFACTS}/list/.").status == 400


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "message"),
    [
        ("GET", "nope/x.txt", 404, "RESOURCE_DOES_NOT_EXIST", "No such artifact: 'nope/x.txt'"),
        ("GET", "..%2f..%2fetc%2fpasswd", 400, "INVALID_PARAMETER_VALUE", "Invalid path"),
        ("PUT", "a/%2e%2e/%2e%2e/b", 400, "INVALID_PARAMETER_VALUE", "Invalid path"),
        ("PUT", "%252e%252e/b", 400, "INVALID_PARAMETER_VALUE", "Invalid path"),
        ("GET", "/etc/x", 400, "INVALID_PARAMETER_VALUE", "Invalid path"),
        ("PUT", "%ff/b", 400, "INVALID_PARAMETER_VALUE", "Invalid path"),
        (
            "PUT",
            "a/",
            400,
            "INVALID_PARAMETER_VALUE",
            "Artifact path must include a filename (cannot end with '/').",
        ),
        (
            "GET",
            "f",
            400,
            "INVALID_PARAMETER_VALUE",
            "Artifact path refers to a directory, not a file: 'f'",
        ),
        (
            "PUT",
            "f",
            400,
            "INVALID_PARAMETER_VALUE",
            "Artifact path refers to a directory, not a file: 'f'",
        ),
        (
            "GET",
            "f/",
            400,
            "INVALID_PARAMETER_VALUE",
            "Artifact path refers to a directory, not a file: 'f/'",
        ),
        (
            "PUT",
            "f/g/h",
            400,
            "INVALID_PARAMETER_VALUE",
            "Artifact 'f/g/h' cannot be written: a part of its path is a file, not a directory.",
        ),
    ],
)
def test_refusals_of_the_proxy(served, method, path, status, code, message):
    served.ask("PUT", f"{ARTIFACTS}/f/g", b"1")
    assert served.ask(method, f"{ARTIFACTS}/{path}", b"x").error == (status, code, message)


def test_parts_and_links_need_a_bucket(served):
    body = json.dumps({"path": "b.bin", "num_parts": 1, "upload_id": "1", "parts": [{}]})
    message = "Multipart upload is not supported for the current artifact repository"
    parts = json.dumps({"path": "b", "upload_id": "1", "parts": [{"part_number": 1, "etag": "e"}]})
    for action, sent in (("create", body), ("complete", parts), ("abort", body)):
        answer = served.ask("POST", f"{PARTS}/{action}/a", sent, JSON)
        assert answer.error == (501, "NOT_IMPLEMENTED", message)
    answer = served.ask("GET", "/api/2.0/mlflow-artifacts/presigned/a/b.bin")
    assert answer.error[::2] == (
        501,
        "Multipart download is not supported for the current artifact repository",
    )


@pytest.mark.parametrize(
    ("action", "body", "message"),
    [
        ("create", {}, "Missing value for required parameter 'path'"),
        ("create", {"path": 5}, "Invalid value 5 for parameter 'path'"),
        ("complete", {"path": "b"}, "Missing value for required parameter 'parts'"),
        ("complete", {"path": "b", "parts": [7]}, "Invalid value 7 in parameter 'parts'"),
        ("complete", {"path": "b", "parts": "x"}, "Invalid value 'x' for parameter 'parts'"),
        ("create", [1], "an object is needed"),
    ],
)
def test_refusals_of_parts(served, action, body, message):
    answer = served.ask("POST", f"{PARTS}/{action}/a", json.dumps(body), JSON)
    assert (answer.status, answer.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert message in answer.json["message"]


def test_posts_must_be_json(served):
    for headers in ({}, {"Content-Type": "text/plain"}):
        answer = served.ask("POST", f"{PARTS}/create/a", '{"path": "b"}', headers)
        assert answer.status == 400
        assert answer.json["message"].startswith("Bad Request. Content-Type")


# --- what a browser makes of it ---


@pytest.mark.parametrize("name", ["x.html", "x.svg", "x.xhtml", "x.js", "x.pdf", "x", "x.png"])
def test_stored_content_is_never_rendered(served, run_id, name):
    served.ask("PUT", f"{ARTIFACTS}/xss/{name}", b"<script>alert(1)</script>")
    path = quote(f"xss/{name}")
    served.ask(
        "POST", f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run_id}&path={path}", b"<b>"
    )
    for url in (f"{ARTIFACTS}/xss/{name}", f"/get-artifact?run_id={run_id}&path={path}"):
        headers = served.ask("GET", url).headers
        assert headers["content-disposition"].startswith("attachment;")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "sandbox; default-src 'none'"


@pytest.mark.parametrize(
    ("name", "disposition"),
    [
        ("a.txt", "attachment; filename=a.txt"),
        ("é.txt", "attachment; filename=e.txt; filename*=UTF-8''%C3%A9.txt"),
        ("漢字", "attachment; filename=download; filename*=UTF-8''%E6%BC%A2%E5%AD%97"),
        ('q"\\x;y', 'attachment; filename="q\\"\\\\x;y"'),
        ("tab\tx", "attachment; filename=tabx"),
    ],
)
def test_name_of_a_download(served, name, disposition):
    path = f"{ARTIFACTS}/names/{quote(name)}"
    assert served.ask("PUT", path, b"1").status == 200
    assert served.ask("GET", path).headers["content-disposition"] == disposition


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("MLmodel", "text/plain"),
        ("x.json", "text/plain"),
        ("x.yaml", "text/plain"),
        ("x.ipynb", "text/plain"),
        ("x.png", "image/png"),
        ("x.html", "text/html"),
        ("x.bin", "application/octet-stream"),
        ("noext", "application/octet-stream"),
    ],
)
def test_media_type(served, name, media_type):
    served.ask("PUT", f"{ARTIFACTS}/types/{name}", b"1")
    assert served.ask("GET", f"{ARTIFACTS}/types/{name}").headers["content-type"] == media_type


# --- parts of files ---


@pytest.fixture(scope="module")
def digits(served) -> str:
    served.ask("PUT", f"{ARTIFACTS}/digits", b"0123456789")
    return f"{ARTIFACTS}/digits"


@pytest.mark.parametrize(
    ("wanted", "status", "body", "content_range"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=8-", 206, b"89", "bytes 8-9/10"),
        ("bytes=0-100", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=20-30", 416, b"", "bytes */10"),
        ("bytes=-0", 416, b"", "bytes */10"),
        ("bytes=5-2", 200, b"0123456789", None),
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("items=0-1", 200, b"0123456789", None),
        ("bytes=abc", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
    ],
)
def test_range(served, digits, wanted, status, body, content_range):
    answer = served.ask("GET", digits, headers={"Range": wanted})
    assert (answer.status, answer.body) == (status, body)
    assert answer.headers.get("content-range") == content_range
    assert answer.headers["content-length"] == str(len(body))


def test_range_of_an_empty_file(served):
    served.ask("PUT", f"{ARTIFACTS}/empty", b"")
    assert served.ask("GET", f"{ARTIFACTS}/empty").body == b""
    assert served.ask("GET", f"{ARTIFACTS}/empty", headers={"Range": "bytes=0-1"}).status == 416


def test_conditions(served, digits):
    headers = served.ask("GET", digits).headers
    etag, modified = headers["etag"], headers["last-modified"]
    old = "Sat, 01 Jan 2000 00:00:00 GMT"
    for name, value, status in (
        ("If-None-Match", etag, 304),
        ("If-None-Match", f'"x", W/{etag}', 304),
        ("If-None-Match", "*", 304),
        ("If-None-Match", '"x"', 200),
        ("If-Modified-Since", modified, 304),
        ("If-Modified-Since", old, 200),
        ("If-Modified-Since", "nonsense", 200),
    ):
        answer = served.ask("GET", digits, headers={name: value})
        assert (answer.status, answer.headers["etag"]) == (status, etag)
        assert answer.body == (b"" if status == 304 else b"0123456789")
    for value, status in ((etag, 206), (modified, 206), ('"x"', 200), (old, 200)):
        wanted = {"If-Range": value, "Range": "bytes=0-1"}
        assert served.ask("GET", digits, headers=wanted).status == status


def test_etag_changes_with_the_content_alone(served):
    path = f"{ARTIFACTS}/etag"
    etags = []
    for content in (b"1", b"2"):
        served.ask("PUT", path, content)
        etags += [served.ask("GET", path).headers["etag"] for _ in range(2)]
    assert etags[0] == etags[1] != etags[2] == etags[3]


def test_head(served, digits):
    answer = served.ask("HEAD", digits)
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "10")
    assert served.ask("HEAD", f"{ARTIFACTS}/nope").status == 404


def test_large_file_and_a_large_part_of_it(served):
    content = os.urandom(1 << 12) * 800
    path = f"{ARTIFACTS}/large"
    assert served.ask("PUT", path, content).status == 200
    assert served.ask("GET", path).body == content
    answer = served.ask("GET", path, headers={"Range": "bytes=5-2000000"})
    assert answer.body == content[5:2000001]


def test_body_without_a_length(served):
    pieces = [os.urandom(100_000) for _ in range(30)]
    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    connection.request("PUT", f"{ARTIFACTS}/chunked", iter(pieces), encode_chunked=True,
                       headers={"Transfer-Encoding": "chunked"})  # fmt: skip
    assert connection.getresponse().status == 200
    connection.close()
    assert (served.folder / "store" / "chunked").read_bytes() == b"".join(pieces)


@pytest.mark.parametrize("sent", [10, 3 << 20])
def test_upload_that_breaks_off_leaves_nothing(served, sent):
    folder = served.folder / "store" / "broken"
    served.ask("PUT", f"{ARTIFACTS}/broken/old", b"old")
    for name in ("new", "old"):
        with socket.create_connection(("127.0.0.1", served.port)) as connection:
            head = f"PUT {ARTIFACTS}/broken/{name} HTTP/1.1\r\nHost: localhost\r\n"
            connection.sendall(f"{head}Content-Length: {8 << 20}\r\n\r\n".encode() + b"x" * sent)
            time.sleep(0.1)
            listing = served.ask("GET", f"{ARTIFACTS}?path=broken").json
            assert listing == {"files": [{"path": "old", "is_dir": False, "file_size": 3}]}
    deadline = time.monotonic() + 60
    while os.listdir(folder) != ["old"] and time.monotonic() < deadline:
        time.sleep(0.02)
    assert os.listdir(folder) == ["old"]
    assert (folder / "old").read_bytes() == b"old"


def test_full_disk_is_told(served, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        answer = served.ask("PUT", f"{ARTIFACTS}/full/a.txt", b"1")
    assert answer.error[::2] == (
        500,
        "Artifact 'full/a.txt' cannot be written: No space left on device.",
    )
    assert files_in(served.folder / "store" / "full") == []


def test_last_of_many_uploads_wins_whole(served):
    contents = [bytes([number]) * (1 << 20) for number in range(8)]
    threads = [
        threading.Thread(target=served.ask, args=("PUT", f"{ARTIFACTS}/same/file", content))
        for content in contents
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert served.ask("GET", f"{ARTIFACTS}/same/file").body in contents
    assert files_in(served.folder / "store" / "same") == ["file"]


# --- the artifacts of runs ---


def upload(served, run_id: str, path: str, content: bytes = b"content") -> Answer:
    query = f"run_uuid={run_id}&path={quote(path)}"
    return served.ask("POST", f"/ajax-api/2.0/mlflow/upload-artifact?{query}", content)


def test_artifacts_of_a_run(served, run_id):
    answer = upload(served, run_id, "up/b.txt")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-type"] == "application/json"
    for id_name in ("run_id", "run_uuid"):
        got = served.ask("GET", f"/get-artifact?{id_name}={run_id}&path=up/b.txt")
        assert (got.status, got.body) == (200, b"content")
        listed = served.ask("GET", f"/api/2.0/mlflow/artifacts/list?{id_name}={run_id}&path=up")
        assert listed.json == {
            "root_uri": served.root_uri(run_id),
            "files": [{"path": "up/b.txt", "is_dir": False, "file_size": 7}],
        }
    assert served.root_uri(run_id).startswith("mlflow-artifacts:/")


@pytest.mark.parametrize(
    ("path", "status", "code", "message"),
    [
        ("/get-artifact?run_uuid={r}&path=nope.txt", 404, "RESOURCE_DOES_NOT_EXIST",
         "No such artifact: '{root}/nope.txt'"),
        ("/get-artifact?run_uuid={r}&path=../../x", 400, "INVALID_PARAMETER_VALUE", "Invalid path"),
        ("/get-artifact?run_uuid={r}", 400, "BAD_REQUEST", "Request must specify path."),
        ("/get-artifact?run_uuid={zero}&path=a", 404, "RESOURCE_DOES_NOT_EXIST",
         "Run with id={zero} not found"),
        ("/get-artifact?path=a", 404, "RESOURCE_DOES_NOT_EXIST", "Run with id=None not found"),
        ("/get-artifact?run_id={r}&path=", 400, "INVALID_PARAMETER_VALUE",
         "Artifact path refers to a directory, not a file: '{root}/'"),
        ("/api/2.0/mlflow/artifacts/list?run_id={r}&path=../..", 400, "INVALID_PARAMETER_VALUE",
         "Invalid path"),
        ("/api/2.0/mlflow/artifacts/list?run_id={r}&path=/etc", 400, "INVALID_PARAMETER_VALUE",
         "Invalid path"),
        ("/api/2.0/mlflow/artifacts/list?run_id={zero}", 404, "RESOURCE_DOES_NOT_EXIST",
         "Run with id={zero} not found"),
        ("/api/2.0/mlflow/artifacts/list", 400, "INVALID_PARAMETER_VALUE",
         "Missing value for required parameter 'run_id'. "
         "See the API docs for more information about request parameters."),
    ],
)  # fmt: skip
def test_refusals_of_runs(served, run_id, path, status, code, message):
    root = served.root_uri(run_id).removeprefix("mlflow-artifacts:/")
    names = {"r": run_id, "zero": "0" * 32, "root": root}
    answer = served.ask("GET", path.format(**names))
    assert answer.error == (status, code, message.format(**names))


@pytest.mark.parametrize(
    ("query", "body", "message"),
    [
        ("path=a.txt", b"x", "Request must specify run_uuid."),
        ("run_uuid={r}", b"x", "Request must specify path."),
        ("run_uuid={r}&path=a.txt", b"", "Request must specify data."),
        ("run_uuid={r}&path=../a.txt", b"x", "Invalid path"),
        ("run_uuid={r}&path=a/", b"x", "Invalid path"),
        ("run_uuid={r}&path=big", b"x" * (10 << 20) + b"y",
         "Artifact size is too large. Max size is 10MB."),
    ],
)  # fmt: skip
def test_refusals_of_upload(served, run_id, query, body, message):
    path = f"/ajax-api/2.0/mlflow/upload-artifact?{query.format(r=run_id)}"
    assert served.ask("POST", path, body).error == (400, "INVALID_PARAMETER_VALUE", message)


def presign(served, kind: str, **body) -> Answer:
    path = f"/api/2.0/mlflow/artifacts/presigned-{kind}-url"
    return served.ask("POST", path, json.dumps(body), JSON)


def test_presigned_urls_need_a_bucket(served, run_id):
    for kind in ("upload", "download"):
        assert (
            "is not supported for" in presign(served, kind, run_id=run_id, path="a").json["message"]
        )
        answer = presign(served, kind, run_id=run_id, path="../a")
        assert answer.error == (400, "INVALID_PARAMETER_VALUE", "Invalid path")
        assert presign(served, kind, run_id="0" * 32, path="a").status == 404
        assert "'path'" in presign(served, kind, run_id=run_id).json["message"]
    assert presign(served, "upload", path="a").error[2] == (
        "Exactly one of run_id and model_id must be provided."
    )
    assert presign(served, "download", run_id=run_id, path="a", expiration="0").error[2] == (
        "expiration must be between 1 and 604800 seconds (got 0)."
    )


# --- where runs may be ---


def test_run_in_a_folder_that_a_client_chose(served, tmp_path, caplog, monkeypatch):
    caplog.set_level(logging.WARNING, "mlflow.server")
    for number in range(2):
        run_id = served.new_run(str(tmp_path / f"mine{number}"))
        assert upload(served, run_id, "d/a.txt").status == 200
        got = served.ask("GET", f"/get-artifact?run_id={run_id}&path=d/a.txt")
        assert got.body == b"content"
        missing = served.ask("GET", f"/get-artifact?run_id={run_id}&path=nope")
        assert missing.json["message"] == "No such artifact: 'nope'"
    warnings = [r.getMessage() for r in caplog.records if "artifact roots" in r.getMessage()]
    assert len(warnings) == 1
    assert artifact_places.CONFINE in warnings[0]
    monkeypatch.setenv(artifact_places.CONFINE, "true")
    answer = served.ask("GET", f"/get-artifact?run_id={run_id}&path=d/a.txt")
    assert (answer.status, answer.json["error_code"]) == (403, "PERMISSION_DENIED")


def test_local_root_of_the_server_is_its_own(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv(artifact_places.CONFINE, "true")
    root = tmp_path / "roots"
    with serving(tmp_path, default_artifact_root=str(root), serve_artifacts=False) as server:
        run_id = server.new_run()
        assert upload(server, run_id, "a.txt").status == 200
        assert server.root_uri(run_id) == str(root / "1" / run_id / "artifacts")
        got = server.ask("GET", f"/get-artifact?run_id={run_id}&path=a.txt")
        assert got.body == b"content"
        for kind in ("upload", "download"):
            assert presign(server, kind, run_id=run_id, path="a").error == (
                501,
                "NOT_IMPLEMENTED",
                f"Presigned {kind} is not supported for the current artifact repository",
            )
        folder = root / "1" / run_id / "artifacts"
        os.symlink("/etc", folder / "etc")
        os.symlink(folder / "a.txt", folder / "link")
        for path in ("etc", "etc/passwd", "link"):
            answer = server.ask("GET", f"/get-artifact?run_id={run_id}&path={path}")
            assert answer.error == (400, "INVALID_PARAMETER_VALUE", "Invalid path")
        assert upload(server, run_id, "etc/x").status == 400
        listed = server.ask("GET", f"/api/2.0/mlflow/artifacts/list?run_id={run_id}").json
        assert [one["path"] for one in listed["files"]] == ["a.txt"]
        shutil.rmtree(root / "1")
        os.symlink("/etc", root / "1")
        answer = server.ask("GET", f"/get-artifact?run_id={run_id}&path=a.txt")
        assert answer.error == (400, "INVALID_PARAMETER_VALUE", "Invalid path")
    assert caplog.records == []


@pytest.mark.parametrize("path", ["", "/a/b", "/a/b?x=y"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_proxy_that_is_switched_off(tmp_path, method, path):
    with serving(tmp_path, serve_artifacts=False) as server:
        if path == "" and method != "GET":
            assert server.ask(method, ARTIFACTS).status == 405
            return
        answer = server.ask(method, ARTIFACTS + path)
        assert answer.status == 503
        assert "running with `--no-serve-artifacts`" in answer.json["message"]
        assert files_in(tmp_path / "store") == []


def test_server_of_artifacts_only(tmp_path):
    with serving(tmp_path, artifacts_only=True) as server:
        assert server.ask("PUT", f"{ARTIFACTS}/a/b.txt", b"1").status == 200
        assert server.ask("GET", f"{ARTIFACTS}/a/b.txt").body == b"1"
        for method, path in (
            ("GET", "/get-artifact?run_id=x&path=y"),
            ("POST", "/ajax-api/2.0/mlflow/upload-artifact?run_uuid=x&path=y"),
            ("GET", "/api/2.0/mlflow/artifacts/list?run_id=x"),
            ("POST", "/api/2.0/mlflow/artifacts/presigned-upload-url"),
        ):
            answer = server.ask(method, path)
            assert answer.status == 503
            assert "running in `--artifacts-only` mode" in answer.json["message"]


def test_static_prefix(tmp_path):
    with serving(tmp_path, static_prefix="/pre") as server:
        assert server.ask("PUT", f"/pre{ARTIFACTS}/a%2541/b", b"1").status == 200
        assert files_in(tmp_path / "store") == ["a%41/b"]


def test_everything_on_s3(tmp_path, s3_uri):  # noqa: F811
    with serving(tmp_path, artifacts_destination=s3_uri) as server:
        run_id = server.new_run()
        assert upload(server, run_id, "d/a %41#?.txt").status == 200
        root = server.root_uri(run_id).removeprefix("mlflow-artifacts:/")
        url = f"{ARTIFACTS}/{root}/{quote('d/a %41#?.txt')}"
        got = server.ask("GET", url)
        assert (got.body, got.headers["content-type"]) == (b"content", "text/plain")
        part = server.ask("GET", url, headers={"Range": "bytes=1-3"})
        assert (part.status, part.body) == (206, b"ont")
        unchanged = server.ask("GET", url, headers={"If-None-Match": got.headers["etag"]})
        assert unchanged.status == 304
        assert server.ask("GET", f"{ARTIFACTS}/{root}/d").status == 400
        assert server.ask("GET", f"{ARTIFACTS}/{root}/nope").status == 404
        listed = server.ask("GET", f"{ARTIFACTS}?path={root}/d").json
        assert listed == {"files": [{"path": "a %41#?.txt", "is_dir": False, "file_size": 7}]}
        signed = server.ask("GET", url.replace("/artifacts/", "/presigned/", 1))
        assert signed.json["file_size"] == 7
        large = os.urandom(1 << 10) * 3000
        assert server.ask("PUT", f"{ARTIFACTS}/{root}/large", large).status == 200
        assert server.ask("GET", f"{ARTIFACTS}/{root}/large").body == large
        assert server.ask("DELETE", f"{ARTIFACTS}/{root}/d").json == {}
        assert server.ask("GET", f"{ARTIFACTS}?path={root}/d").json == {}
        direct = server.new_run(s3_uri + "/direct")
        signed = presign(server, "upload", run_id=direct, path="a.txt", expiration=60).json
        assert signed["headers"] == {"Content-Type": "text/plain"}
        assert upload(server, direct, "a.txt").status == 200
        signed = presign(server, "download", run_id=direct, path="a.txt").json
        assert signed["file_size"] == 7


# --- every odd path ---

# Each as it stands in a URL, so without spaces in it.
UP = [
    "..",
    "%2e%2e",
    "%2E%2e",
    ".%2e",
    "%252e%252e",
    "%25252e%25252e",
    "%c0%ae%c0%ae",
    "%e0%80%ae%e0%80%ae",
    "．．",
    "%EF%BC%8E%EF%BC%8E",
    "...",
    "..%00",
    "..;",
    "..%20",
    ".%20.",
]
NAMES = [
    "",
    *[
        "a",
        "store",
        "secret",
        ".",
        "~",
        "%00",
        "a%00b",
        "%0a",
        "%0d%0a",
        "%09",
        "C:",
        "c|",
        "NUL",
        "con.txt",
        "a.",
        "a%20",
        "file:",
        "file:%2f%2f",
        "s3:",
        "user@host",
        "%23",
        "%3f",
        ";x=y",
        "*",
        "%ff",
        "%80",
        "%",
        "%%",
        "%2",
        "%u002e%u002e",
        "-rf",
        "$HOME",
        "`id`",
    ],
]
SLASHES = ["/", "//", "\\", "%2f", "%2F", "%5c", "%252f", "/./", "/%2e/", "%5C%5c", "/..;/"]

odd_paths = st.builds(
    lambda start, pieces, end: start + "".join(pieces) + end,
    st.sampled_from(["", "/", "//", "\\\\", "%2f", "C:/", "C:%5c", "file:///", "//host/share/"]),
    st.lists(st.sampled_from(UP * 2 + NAMES + SLASHES * 3), min_size=1, max_size=9),
    st.sampled_from(["", "/", ".", "%20", "%00", "::$DATA"]),
)

VERBS = [
    ("GET", ARTIFACTS + "/{}"),
    ("PUT", ARTIFACTS + "/{}"),
    ("DELETE", ARTIFACTS + "/x/{}"),
    ("PUT", ARTIFACTS + "/x/{}/y"),
    ("GET", ARTIFACTS + "?path={}"),
    ("GET", "/get-artifact?run_id={run}&path={}"),
    ("GET", "/api/2.0/mlflow/artifacts/list?run_id={run}&path={}"),
    ("POST", "/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path={}"),
    ("POST", PARTS + "/create/{}"),
    ("POST", PARTS + "/complete/{}"),
    ("POST", PARTS + "/abort/{}"),
    ("GET", "/api/2.0/mlflow-artifacts/presigned/{}"),
]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A server that has secrets beside its store, and a run of it."""
    folder = tmp_path_factory.mktemp("guarded")
    for secret in ("secret", "a", "x", "store2/a", "outer/secret"):
        (folder / secret).parent.mkdir(parents=True, exist_ok=True)
        (folder / secret).write_text("SECRET")
    with serving(folder, artifacts_destination=str(folder / "outer" / "store")) as server:
        run_id = server.new_run()
        upload(server, run_id, "a", b"own")
        yield server, run_id


def outside(folder: Path) -> dict[str, str]:
    store = folder / "outer" / "store"
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and store not in path.parents and not path.name.startswith("t.db")
    }


def send(server: Served, method: str, target: str) -> tuple[int, bytes]:
    """Status and body of a request that no client library has had a chance to repair."""
    body = b"BODY" if method in ("PUT", "POST") else b""
    kind = "application/json" if "/mpu/" in target else "text/plain"
    if "/mpu/" in target:
        body = b'{"path": "b", "upload_id": "u", "parts": [{"part_number": 1, "etag": "e"}]}'
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(head.encode() + body)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return int(answer.split(b" ", 2)[1]), answer.partition(b"\r\n\r\n")[2]


@settings(
    max_examples=int(os.environ.get("HEADRACE_PATH_EXAMPLES", 150)),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(path=odd_paths)
def test_no_path_leads_out_of_the_store(guarded, path):
    server, run_id = guarded
    before = outside(server.folder)
    for method, form in VERBS:
        target = form.replace("{run}", run_id).replace("{}", path).replace(" ", "%20")
        target = re.sub(r"[^\x21-\x7e]", lambda m: quote(m[0]), target)
        status, body = send(server, method, target)
        assert status < 500 or status == 501, (method, target, status, body)
        assert b"SECRET" not in body, (method, target)
    assert outside(server.folder) == before


def test_names_in_the_store_are_as_clients_wrote_them(guarded):
    server, _ = guarded
    store = server.folder / "outer" / "store"
    for name in (
        "100%.txt",
        "%41",
        "a#b",
        "a?b",
        "a b",
        "é",
        "a+b",
        "a&b=c",
        "a;b",
        "~",
        "...",
        "a\\b",
    ):
        assert server.ask("PUT", f"{ARTIFACTS}/as-is/{quote(name)}", name.encode()).status == 200
        assert (store / "as-is" / name).read_bytes() == name.encode()
        assert server.ask("GET", f"{ARTIFACTS}/as-is/{quote(name)}").body == name.encode()
        assert posixpath.basename(name) == name
