"""Requests that plug-ins make to stores in a cloud, against a server here."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.optional import optional

requests = optional("requests")

from mlflow.utils.request_utils import (  # noqa: E402
    augmented_raise_for_status,
    cloud_storage_http_request,
    download_chunk,
)

CONTENT = b"0123456789" * 10


@pytest.fixture
def server():
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.path)
            status, body = 200, CONTENT
            if self.path == "/flaky" and len(seen) < 3:
                status = 503
            if self.path.lstrip("/").isdigit():
                status = int(self.path[1:])
            if "Range" in self.headers:
                first, last = self.headers["Range"].removeprefix("bytes=").split("-")
                status, body = 206, CONTENT[int(first) : int(last) + 1]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}", seen
    listening.shutdown()
    listening.server_close()


QUICK = {"backoff_factor": 0.001, "backoff_jitter": 0.001}


def test_what_passes_is_tried_again(server):
    url, seen = server
    assert cloud_storage_http_request("GET", f"{url}/flaky", **QUICK).content == CONTENT
    assert len(seen) == 3
    seen.clear()
    with pytest.raises(requests.exceptions.RetryError):
        cloud_storage_http_request("get", f"{url}/503", max_retries=2, **QUICK)
    assert len(seen) == 3


def test_errors_are_answers(server):
    url, seen = server
    answer = cloud_storage_http_request("get", f"{url}/404")
    assert (answer.status_code, len(seen)) == (404, 1)
    with pytest.raises(requests.HTTPError, match="404 .* Response text: 0123456789") as e:
        augmented_raise_for_status(answer)
    assert e.value.response is answer
    augmented_raise_for_status(cloud_storage_http_request("get", url))


def test_other_methods_are_refused(server):
    with pytest.raises(ValueError, match="Illegal http method: post"):
        cloud_storage_http_request("post", server[0])


def test_chunk_is_written_where_it_belongs(server, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"." * 20)
    download_chunk(
        range_start=5, range_end=9, headers={}, download_path=path, http_uri=f"{server[0]}/x"
    )
    assert path.read_bytes() == b"....." + b"56789" + b"." * 10
