"""Which store a tracking URI means."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mlflow.exceptions import MlflowException
from mlflow.store.tracking.resolve import tracking_store
from mlflow.store.tracking.rest.store import RestStore

PLUGIN = """
from mlflow.store.tracking.sql.store import SqlStore

class Store(SqlStore):
    def __init__(self, store_uri=None, artifact_uri=None):
        super().__init__("sqlite://", artifact_uri)
        self.given = store_uri
"""


def test_url_of_a_server():
    assert isinstance(tracking_store("http://127.0.0.1:5999"), RestStore)


def test_scheme_of_a_plugin(tmp_path, monkeypatch):
    (tmp_path / "made_up_store.py").write_text(PLUGIN)
    info = tmp_path / "made_up-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: made-up\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[mlflow.tracking_store]\nmade-up = made_up_store:Store\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    store = tracking_store("made-up://anywhere")
    assert store.given == "made-up://anywhere"
    assert store.get_experiment("0").name == "Default"


@pytest.mark.parametrize(
    ("uri", "error_code", "words"),
    [
        ("nonsense://x", "INVALID_PARAMETER_VALUE", "Nothing takes the tracking URI"),
        ("mssql://u@h/d", "NOT_IMPLEMENTED", "'mssql' is not available"),
        ("file://elsewhere/mlruns", "INVALID_PARAMETER_VALUE", "names the machine 'elsewhere'"),
        ("postgresql://u@h:port/d", "INVALID_PARAMETER_VALUE", "no valid port"),
        ("http://", "INVALID_PARAMETER_VALUE", "not the URL of a server"),
    ],
)
def test_uri_that_no_store_takes(uri, error_code, words):
    with pytest.raises(MlflowException, match=words) as e:
        tracking_store(uri).get_experiment("0")
    assert e.value.error_code == error_code


def test_server_that_is_not_there_is_a_clear_error(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(MlflowException, match="API request to http://127.0.0.1:1/.* failed"):
        tracking_store("http://127.0.0.1:1").get_experiment("0")


def test_something_else_than_a_tracking_server_is_a_clear_error():
    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        uri = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(MlflowException, match="something else than a tracking server"):
            tracking_store(uri).get_experiment("0")
        server.shutdown()
