"""Requests that no honest client sends: the answers say what is wrong, in JSON of one shape."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import Server
from tests.server.replay import Answer, send

from mlflow.exceptions import MlflowException
from mlflow.rpc import all_rpcs
from mlflow.server.openapi import document
from mlflow.server.rpc_routes import RpcRoutes

TABLE = json.loads((Path(__file__).parents[1] / "data/rest-api-tracking.json").read_text())

CREATE = "/api/2.0/mlflow/experiments/create"
LOG_METRIC = "/api/2.0/mlflow/runs/log-metric"
GET = "/api/2.0/mlflow/experiments/get"
JSON = {"Content-Type": "application/json"}
ARTIFACT_REQUESTS = [
    f"{prefix}/2.0/{path}"
    for prefix in ("/api", "/ajax-api")
    for path in (
        "mlflow-artifacts/mpu/create/a",
        "mlflow-artifacts/mpu/complete/a",
        "mlflow-artifacts/mpu/abort/a",
        "mlflow/artifacts/presigned-upload-url",
        "mlflow/artifacts/presigned-download-url",
    )
]


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("odd")).start()
    yield server
    server.stop()
    log = server.log.read_text()
    assert "Traceback" not in log, log


def post(server: Server, body: bytes, path: str = CREATE, headers: dict | None = None) -> Answer:
    return send(server.port, "POST", path, body=body, headers=JSON if headers is None else headers)


def refused(answer: Answer, status: int, error_code: str, *words: str) -> None:
    """It is an error of the one shape, with these words in its message."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    error = answer.json()
    assert (answer.status, error["error_code"]) == (status, error_code)
    assert error.keys() <= {"error_code", "message", "sqlstate", "error_class"}
    assert len(answer.body) < 3000
    for word in ("Traceback", 'File "', "site-packages", "sqlite"):
        assert word not in error["message"]
    for word in words:
        assert word in error["message"]


# -- bodies ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body, kind",
    [("[1]", "array"), ('"x"', "string"), ("5", "number"), ("true", "boolean"), ("null", "null")],
)
def test_body_that_is_no_object(server, body, kind):
    refused(post(server, body.encode()), 400, "INVALID_PARAMETER_VALUE", f"JSON {kind}", "object")


DEEP = 10_000


@pytest.mark.parametrize(
    "body",
    [
        b"[" * DEEP,
        b"[" * DEEP + b"]" * DEEP,
        b'{"name":' * DEEP + b"1" + b"}" * DEEP,
        b'{"name": "deep", "tags": ' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"name": "deep", "unknown": ' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}",
    ],
    ids=["open", "array", "object", "in a field", "in an unknown field"],
)
def test_deep_nesting(server, body):
    refused(post(server, body), 400, "INVALID_PARAMETER_VALUE", "nested too deeply")


@pytest.mark.parametrize("body", [b"[" * DEEP, b"[1]", b'"x"', b"5", b"null", b"\xff"])
def test_body_of_an_artifact_request_that_is_no_object(server, body):
    for path in ARTIFACT_REQUESTS:
        refused(post(server, body, path), 400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    "body", [b'{"name": "\xff\xfe"}', b"\xff", b"\x00", b'{"name": "\xc0\xae"}']
)
def test_body_that_is_not_utf8(server, body):
    refused(post(server, body), 400, "INVALID_PARAMETER_VALUE", "'name'")


def test_lone_surrogate_cannot_be_stored(server):
    refused(post(server, rb'{"name": "\ud800"}'), 400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    "value, words",
    [("1" + "0" * 400, "'value'"), ("9" * 5000, ""), ("[]", "'value'"), ('"1,5"', "'value'")],
    ids=["400 digits", "5000 digits", "list", "comma"],
)
def test_metric_value_that_is_no_double(server, value, words):
    body = f'{{"run_id": "a", "key": "k", "timestamp": 1, "value": {value}}}'.encode()
    refused(post(server, body, LOG_METRIC), 400, "INVALID_PARAMETER_VALUE", words)


@pytest.mark.parametrize("value", ["1.5", "true", str(1 << 63), "1e30", "NaN"])
def test_needed_integer_that_cannot_be_one_is_named(server, value):
    """The reference takes these for 0, and logs the metric's value as 0, too."""
    body = f'{{"run_id": "a", "key": "k", "value": 1, "timestamp": {value}}}'.encode()
    answer = post(server, body, LOG_METRIC)
    refused(answer, 400, "INVALID_PARAMETER_VALUE", "Invalid value", "'timestamp'")


def test_tag_and_param_without_a_value_have_an_empty_one(server):
    run_body = {"experiment_id": "0", "tags": [{"key": "a"}, {"key": "b", "value": None}]}
    answer = post(server, json.dumps(run_body).encode(), "/api/2.0/mlflow/runs/create")
    run = answer.json()["run"]
    assert {"key": "a", "value": ""} in run["data"]["tags"]
    assert {"key": "b", "value": ""} in run["data"]["tags"]
    run_id = run["info"]["run_id"]
    batch = {"run_id": run_id, "params": [{"key": "p"}], "tags": [{"key": "t"}]}
    assert post(server, json.dumps(batch).encode(), "/api/2.0/mlflow/runs/log-batch").status == 200
    answer = send(server.port, "GET", "/api/2.0/mlflow/runs/get", query={"run_id": run_id})
    data = answer.json()["run"]["data"]
    assert data["params"] == [{"key": "p", "value": ""}]
    assert {"key": "t", "value": ""} in data["tags"]


def test_choice_by_number(server):
    answer = post(server, b'{"experiment_id": "0"}', "/api/2.0/mlflow/runs/create")
    run_id = answer.json()["run"]["info"]["run_id"]

    def status(value):
        body = json.dumps({"run_id": run_id, "status": value}).encode()
        return post(server, body, "/api/2.0/mlflow/runs/update")

    for value, name in (
        *((1, "RUNNING"), (2, "SCHEDULED"), (3, "FINISHED"), (4, "FAILED"), (5, "KILLED")),
        *(("3", "FINISHED"), (2.0, "SCHEDULED"), ("NEWER", "SCHEDULED"), (None, "SCHEDULED")),
    ):
        assert status(value).json()["run_info"]["status"] == name
    for value in (0, 6, -1, [], {}):
        refused(status(value), 400, "INVALID_PARAMETER_VALUE", "'status'")


def test_words_for_what_is_no_number(server):
    answer = post(server, b'{"experiment_id": "0"}', "/api/2.0/mlflow/runs/create")
    run_id = answer.json()["run"]["info"]["run_id"]
    for value in (b"NaN", b'"NaN"', b'"nan"'):
        body = b'{"run_id": "%s", "key": "k", "timestamp": 1, "value": %s}'
        assert post(server, body % (run_id.encode(), value), LOG_METRIC).status == 200
    answer = send(server.port, "GET", "/api/2.0/mlflow/runs/get", query={"run_id": run_id})
    assert answer.json()["run"]["data"]["metrics"][0]["value"] == "NaN"


def test_last_of_two_equal_keys_counts(server):
    assert post(server, b'{"name": "first", "name": "second"}').status == 200
    found = send(server.port, "GET", GET + "-by-name", query={"experiment_name": "second"})
    assert found.status == 200


def test_nul_in_a_string_is_kept(server):
    name = "a\0b"
    assert post(server, json.dumps({"name": name}).encode()).status == 200
    found = send(server.port, "GET", GET + "-by-name", query={"experiment_name": name})
    assert found.json()["experiment"]["name"] == name


@pytest.mark.parametrize("chunked", [False, True], ids=["length told", "chunked"])
def test_body_of_100_mb_is_refused_and_the_connection_lives(server, chunked):
    size = 100 << 20
    piece = b" " * (1 << 16)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = JSON if chunked else {**JSON, "Content-Length": str(size)}
    pieces = (piece for _ in range(size // len(piece)))
    connection.request("POST", CREATE, body=pieces, headers=headers, encode_chunked=chunked)
    response = connection.getresponse()
    headers = {k.lower(): v for k, v in response.getheaders()}
    answer = Answer(response.status, headers, response.read())
    refused(answer, 429, "REQUEST_LIMIT_EXCEEDED", "64 MiB")
    connection.request("GET", "/health")
    assert connection.getresponse().read() == b"OK"
    connection.close()


# -- content types -----------------------------------------------------------------------------

CHANGES = [
    (endpoint.method, url)
    for cls in all_rpcs()
    for endpoint in cls.endpoints
    if endpoint.method != "GET"
    for url in endpoint.urls()
] + [("POST", path) for path in ARTIFACT_REQUESTS]


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json", ""],
)
def test_only_json_is_read(server, content_type):
    """A page of another site can make a browser send the others without asking."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    for method, url in CHANGES:
        if method == "DELETE" and content_type is None:
            continue  # of which browsers ask before they send one
        answer = send(server.port, method, url, body=b'{"name": "forged"}', headers=headers)
        refused(answer, 400, "INVALID_PARAMETER_VALUE", "Content-Type")


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"]
)
def test_json_is_read(server, content_type):
    answer = post(server, b"{}", headers={"Content-Type": content_type})
    refused(answer, 400, "INVALID_PARAMETER_VALUE", "'name'")


# -- methods and paths -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"]
)
def test_wrong_method(server, method):
    answer = send(server.port, method, CREATE)
    refused(answer, 405, "BAD_REQUEST", method, CREATE)
    assert answer.headers["allow"] == "POST"


def test_head_answers_as_get_without_the_body(server):
    got = send(server.port, "GET", GET, query={"experiment_id": "0"})
    head = send(server.port, "HEAD", GET, query={"experiment_id": "0"})
    assert head.body == b""
    assert (head.status, head.headers["content-length"]) == (200, str(len(got.body)))


@pytest.mark.parametrize(
    "path", ["/nope", "/nope%00", GET + "%00", "//x" + GET, "/%ff%fe", "/a" * 999]
)
def test_unknown_path(server, path):
    refused(send(server.port, "GET", path), 404, "ENDPOINT_NOT_FOUND", "Nothing is served at")


@pytest.mark.parametrize(
    "experiment_id", ["%00", "%ff", "%F0%9F%98%80", "%C0%AE", "9" * 5000, "1%26x"]
)
def test_odd_query(server, experiment_id):
    answer = send(server.port, "GET", f"{GET}?experiment_id={experiment_id[:2000]}")
    refused(answer, 400, "INVALID_PARAMETER_VALUE", "Invalid experiment ID")


def test_what_is_no_http_is_refused_too(server):
    for line in (
        b"get /health HTTP/1.1",
        b"FOO /health HTTP/1.1",
        b"\x16\x03\x01",
        b"GET / " + b"a" * 70000,
    ):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
            raw.sendall(line + b"\r\nHost: localhost\r\n\r\n")
            assert raw.recv(1000).startswith(b"HTTP/1.1 400 ")


ROUTES = sorted(
    {
        (endpoint["method"], url.replace("<path:artifact_path>", "folder/file"))
        for group in ("rpcs", "artifacts")
        for name, rpc in TABLE[group].items()
        if name != "searchDatasets"  # whose path lacks a slash in the reference's descriptors
        for endpoint in rpc["endpoints"]
        for url in endpoint["served"]
    }
    | {(route["method"], route["path"]) for route in TABLE["other_routes"]}
)


@pytest.mark.parametrize("method, path", ROUTES)
def test_route_of_the_reference_is_served(server, method, path):
    answer = send(server.port, method, path, headers=JSON, body=b"" if method == "GET" else b"{}")
    if answer.status >= 400:
        assert answer.status in (400, 404, 501)
        assert answer.json()["error_code"] not in ("ENDPOINT_NOT_FOUND", "INTERNAL_ERROR")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_openapi_is_served(server):
    answer = send(server.port, "GET", "/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == document()


# -- unexpected errors -------------------------------------------------------------------------


class BrokenStore:
    """Fails in ways that nobody foresaw."""

    def get_experiment(self, experiment_id):
        raise ZeroDivisionError("the secret of /home/ann")

    def get_experiment_by_name(self, experiment_name):
        raise MlflowException("Told to the client.")


def test_unexpected_error_goes_to_the_log_and_not_to_the_client(caplog):
    with caplog.at_level(logging.ERROR, logger="mlflow.server"):
        answer = ask(BrokenStore(), GET, b"experiment_id=1")
    assert answer.status == 500
    error = answer.json()
    assert error["error_code"] == "INTERNAL_ERROR"
    assert "secret" not in str(error) and "its log" in error["message"]
    (record,) = caplog.records
    assert record.getMessage() == "Unexpected error"
    assert "the secret of /home/ann" in caplog.text


def test_foreseen_error_goes_to_the_client_and_not_to_the_log(caplog):
    answer = ask(BrokenStore(), GET + "-by-name", b"experiment_name=a")
    assert answer.json()["message"] == "Told to the client."
    assert caplog.records == []


def ask(store, path: str, query: bytes) -> Answer:
    """What the RPC routes answer in front of `store`."""
    routes = RpcRoutes({"tracking": store}, app=None)
    sent = []

    async def send_message(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "query_string": query, "headers": []}
    asyncio.run(routes(scope, None, send_message))
    routes.close()
    return Answer(sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"])
