"""Downloads over HTTP, from a server that is not to be trusted."""

from __future__ import annotations

import gzip
import http.server
import os
import threading

import pytest

from mlflow.data import http_dataset_source
from mlflow.data.http_dataset_source import HTTPDatasetSource
from mlflow.exceptions import MlflowException

SILENCE = object()


@pytest.fixture
def server():
    """A server that answers as `answers[path]` says: status, headers, body."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.seen.append((self.path, self.headers))
            path = self.path.partition("?")[0]
            status, headers, body = self.server.answers.get(path, (200, {}, b"hello"))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if body is SILENCE:
                self.server.closing.wait(10)
            else:
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        made.answers, made.seen, made.closing = {}, [], threading.Event()
        made.url = f"http://127.0.0.1:{made.server_port}"
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        yield made
        made.closing.set()
        made.shutdown()


def load(server, path="/data.csv", **kwargs):
    return HTTPDatasetSource(server.url + path).load(**kwargs)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/data.csv", "data.csv"),
        ("/a/b/data.csv?x=/y", "data.csv"),
        ("/", "dataset_source"),
        ("", "dataset_source"),
        ("/folder/", "dataset_source"),
        ("/a%2Fb.csv", "a%2Fb.csv"),
        ("/a%20b.csv", "a%20b.csv"),
        ("/x/..", "dataset_source"),
        ("/c:x", "dataset_source"),
        (r"/a\b", "dataset_source"),
    ],
)
def test_name_comes_from_the_path(server, tmp_path, path, name):
    server.answers[path] = (200, {}, b"hello")
    file = load(server, path, dst_path=tmp_path)
    assert file == str(tmp_path / name)
    assert (tmp_path / name).read_bytes() == b"hello"
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="x.csv"', "x.csv"),
        ("attachment; filename=y.csv", "y.csv"),
        ("attachment; filename='z.csv'", "z.csv"),
        ('inline; filename="i.csv"', "i.csv"),
        ("attachment; filename*=UTF-8''%e2%82%ac.txt", "€.txt"),
        ("attachment", "data.csv"),
        ('attachment; filename=""', "dataset_source"),
    ],
)
def test_name_comes_from_the_header(server, tmp_path, disposition, name):
    server.answers["/data.csv"] = (200, {"Content-Disposition": disposition}, b"hello")
    assert load(server, dst_path=tmp_path) == str(tmp_path / name)


@pytest.mark.parametrize(
    "name",
    [
        "../p",
        "../../etc/passwd",
        "a/b.csv",
        "/abs.csv",
        "..",
        ".",
        r"..\..\w.txt",
        r"C:\w.txt",
        "c:w.txt",
        "stream:$DATA",
        "a\x01b",
        ".bashrc",
        "%2e%2e/x",
    ],
)
def test_name_in_the_header_cannot_leave_the_folder(server, tmp_path, name):
    quoted = name.replace("\\", "\\\\")
    header = {"Content-Disposition": f'attachment; filename="{quoted}"'}
    server.answers["/data.csv"] = (200, header, b"hello")
    inside = tmp_path / "inside"
    inside.mkdir()
    with pytest.raises(MlflowException, match="Invalid filename in Content-Disposition") as caught:
        load(server, dst_path=inside)
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"
    assert os.listdir(inside) == []
    assert os.listdir(tmp_path) == ["inside"]


def test_escaped_name_in_the_header_cannot_leave_the_folder(server, tmp_path):
    header = {"Content-Disposition": "attachment; filename*=UTF-8''..%2F..%2Fp"}
    server.answers["/data.csv"] = (200, header, b"hello")
    with pytest.raises(MlflowException, match="Invalid filename"):
        load(server, dst_path=tmp_path)


def test_folder_is_made(server, tmp_path):
    assert load(server, dst_path=str(tmp_path / "a" / "b")) == str(tmp_path / "a/b/data.csv")


def test_folder_is_a_new_one_by_default(server):
    one, other = load(server), load(server)
    assert os.path.dirname(one) != os.path.dirname(other)
    for file in (one, other):
        os.unlink(file)
        os.rmdir(os.path.dirname(file))


def test_existing_file_is_replaced(server, tmp_path):
    (tmp_path / "data.csv").write_text("old")
    load(server, dst_path=tmp_path)
    assert (tmp_path / "data.csv").read_text() == "hello"


def test_compressed_answer_is_unpacked(server, tmp_path):
    body = gzip.compress(b"hello" * 1000)
    server.answers["/data.csv"] = (200, {"Content-Encoding": "gzip"}, body)
    with open(load(server, dst_path=tmp_path), "rb") as file:
        assert file.read() == b"hello" * 1000


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "file:///etc/passwd", "data.csv", "http:"])
def test_other_schemes_are_refused(url, tmp_path):
    with pytest.raises(MlflowException) as caught:
        HTTPDatasetSource(url).load(tmp_path)
    assert os.listdir(tmp_path) == []
    assert caught.value.error_code in ("INVALID_PARAMETER_VALUE", "INTERNAL_ERROR")


def test_redirects_are_followed(server, tmp_path):
    server.answers["/old.csv"] = (302, {"Location": "/new.csv"}, b"")
    assert load(server, "/old.csv", dst_path=tmp_path) == str(tmp_path / "old.csv")
    assert [path for path, _ in server.seen] == ["/old.csv", "/new.csv"]


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x"])
def test_redirect_to_another_scheme_is_refused(server, tmp_path, target):
    server.answers["/data.csv"] = (302, {"Location": target}, b"")
    with pytest.raises(MlflowException, match="only http and https are allowed"):
        load(server, dst_path=tmp_path)
    assert os.listdir(tmp_path) == []


def test_redirect_from_https_to_http_is_refused():
    with pytest.raises(MlflowException, match="must not lead to plain http"):
        http_dataset_source._check_scheme("http://example.org", first="https")


def test_redirects_without_end_are_given_up(server, tmp_path):
    server.answers["/data.csv"] = (302, {"Location": "/data.csv"}, b"")
    with pytest.raises(MlflowException, match="Too many redirects"):
        load(server, dst_path=tmp_path)


def test_password_stays_with_its_host(server, tmp_path):
    server.answers["/data.csv"] = (302, {"Location": server.url + "/other.csv"}, b"")
    url = server.url.replace("http://", "http://user:secret@")
    HTTPDatasetSource(url + "/data.csv").load(tmp_path)
    first, second = (headers.get("Authorization") for _, headers in server.seen)
    assert first.startswith("Basic ")
    assert second is None


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "ENDPOINT_NOT_FOUND"), (403, "PERMISSION_DENIED"), (500, "INTERNAL_ERROR")],
)
def test_error_status_is_an_error(server, tmp_path, status, code):
    server.answers["/data.csv"] = (status, {}, b"the body is not shown")
    with pytest.raises(MlflowException, match=f"HTTP {status}") as caught:
        load(server, "/data.csv?token=secret", dst_path=tmp_path)
    assert caught.value.error_code == code
    assert "secret" not in str(caught.value)
    assert "body" not in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_answer_that_is_cut_short_leaves_nothing(server, tmp_path):
    server.answers["/data.csv"] = (200, {"Content-Length": "1000"}, b"hello")
    with pytest.raises(MlflowException, match="given up") as caught:
        load(server, dst_path=tmp_path)
    assert caught.value.error_code == "DATA_LOSS"
    assert os.listdir(tmp_path) == []


def test_answer_that_is_too_large_leaves_nothing(server, tmp_path, monkeypatch):
    monkeypatch.setattr(http_dataset_source, "MAX_BYTES", 100)
    server.answers["/data.csv"] = (200, {}, b"x" * 101)
    with pytest.raises(MlflowException, match="larger than 100 bytes"):
        load(server, dst_path=tmp_path)
    server.answers["/data.csv"] = (200, {}, b"x" * 100)
    load(server, dst_path=tmp_path)
    assert os.listdir(tmp_path) == ["data.csv"]


def test_compressed_answer_that_is_too_large_leaves_nothing(server, tmp_path, monkeypatch):
    monkeypatch.setattr(http_dataset_source, "MAX_BYTES", 10_000)
    body = gzip.compress(b"x" * 10_000_000)
    server.answers["/data.csv"] = (200, {"Content-Encoding": "gzip"}, body)
    with pytest.raises(MlflowException, match="larger than 10000 bytes"):
        load(server, dst_path=tmp_path)
    assert os.listdir(tmp_path) == []


def test_answer_that_takes_too_long_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(http_dataset_source, "MAX_SECONDS", -1)
    with pytest.raises(MlflowException, match="takes longer than"):
        load(server, dst_path=tmp_path)


def test_server_that_is_silent_is_given_up(server, tmp_path, monkeypatch):
    from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_TIMEOUT

    monkeypatch.setenv(MLFLOW_HTTP_REQUEST_TIMEOUT.name, "1")
    server.answers["/data.csv"] = (200, {"Content-Length": "10"}, SILENCE)
    with pytest.raises(MlflowException, match="given up.*timed out"):
        load(server, dst_path=tmp_path)
    assert os.listdir(tmp_path) == []
