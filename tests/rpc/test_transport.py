"""What a call survives, and what it says when it does not."""

from __future__ import annotations

import email.utils
import gc
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

import mlflow
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from mlflow.rpc.transport import Transport
from mlflow.store.tracking.rest.store import RestStore
from tests.conftest import free_port
from tests.rpc.servers import OK, answer, hang_up, reset, then_hang_up


def post(server, *, idempotent: bool = False, body: bytes = b"{}", path: str = "/x") -> bytes:
    transport = Transport.for_uri(server.uri)
    return transport.call("POST", path, body=body, idempotent=idempotent)


# -- answers in all their shapes


@pytest.mark.parametrize(
    "content",
    [
        OK,
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    ],
    ids=["length", "interim answer", "chunks", "HTTP/1.0"],
)
def test_answer_that_comes_byte_by_byte(serve, content):
    def drip(connection):
        for i in range(len(content)):
            connection.sendall(content[i : i + 1])

    server = serve(drip)
    assert [post(server) for _ in range(2)] == [b"{}", b"{}"]


def test_answer_that_ends_with_the_connection(serve):
    server = serve(then_hang_up(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000))
    assert post(server) == b"x" * 100_000
    assert post(server) == b"x" * 100_000
    assert server.connections == 2


def test_answer_without_a_body(serve):
    server = serve(b"HTTP/1.1 204 No Content\r\n\r\n", OK)
    assert [post(server), post(server)] == [b"", b"{}"]
    assert server.connections == 1


def test_long_answer_and_long_request(serve):
    body = os.urandom(3_000_000)
    server = serve(lambda connection: connection.sendall(answer(200, body)))
    assert post(server, body=body) == body
    assert server.requests[0].body == body


def test_connection_is_used_again(serve):
    server = serve()
    for _ in range(5):
        post(server)
    assert [r.connection for r in server.requests] == [0] * 5


def test_connection_that_the_server_wants_closed(serve):
    server = serve(answer(200, Connection="close"))
    post(server)
    post(server)
    assert [r.connection for r in server.requests] == [0, 1]


@pytest.mark.parametrize("more", [OK, OK[:20], b"\x00garbage"])
def test_connection_that_says_more_than_asked_is_not_used_again(serve, more):
    server = serve(answer(200, b"[1]") + more, OK)
    assert post(server) == b"[1]"
    assert post(server) == b"{}"
    assert [r.connection for r in server.requests] == [0, 1]


@pytest.mark.parametrize(
    "step, words",
    [
        (then_hang_up(b"\x16\x03\x01 no HTTP"), "is not HTTP"),
        (then_hang_up(OK[:-1]), "in the middle of the answer"),
        (then_hang_up(OK[:10]), "without an answer"),
        (then_hang_up(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 100_000), "has no end"),
        (then_hang_up(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), "is not HTTP"),
        (
            then_hang_up(b"HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n?"),
            "is not HTTP",
        ),
        (hang_up, "without an answer"),
        (reset, "reset"),
    ],
)
def test_answer_that_is_none(serve, step, words):
    server = serve(step, OK)
    with pytest.raises(MlflowException, match=words) as error:
        post(server)
    assert f"API request to {server.uri}/x failed" in error.value.message
    assert error.value.error_code == "INTERNAL_ERROR"
    assert len(server.requests) == 1, "the server may have acted on it"
    assert post(server) == b"{}"


@pytest.mark.parametrize("step", [hang_up, reset, then_hang_up(OK[:-1]), then_hang_up(b"?")])
def test_idempotent_call_is_sent_again(serve, step):
    server = serve(step, step, OK)
    assert post(server, idempotent=True) == b"{}"
    assert len(server.requests) == 3


def test_something_else_than_a_tracking_server(serve):
    server = serve(answer(200, b"<html>"))
    with pytest.raises(MlflowException, match="something else than a tracking server"):
        RestStore.for_uri(server.uri).get_run("0" * 32)
    with pytest.raises(MlflowException, match="not JSON"):
        Transport.for_uri(server.uri).json("GET", "/x")


# -- connections that end between two calls


def test_server_that_closed_an_idle_connection(serve):
    server = serve(then_hang_up(OK), OK)
    post(server)
    connection = Transport.for_uri(server.uri)._idle[-1]
    while not connection.is_stale():
        time.sleep(0.001)
    assert post(server) == b"{}"
    assert [r.connection for r in server.requests] == [0, 1]


def test_old_connection_is_not_trusted_with_what_must_not_be_sent_twice(serve, monkeypatch):
    server = serve()
    post(server)
    monkeypatch.setattr("mlflow.rpc.transport._TRUSTED_IDLE", -1)
    post(server, idempotent=True)
    post(server)
    assert [r.connection for r in server.requests] == [0, 0, 1]


def test_request_that_did_not_go_out_whole_is_sent_again(serve):
    taken = threading.Event()

    def refuse_the_first(connection, number):
        if number == 0:
            connection.recv(1000)
            taken.set()
            reset(connection)

    server = serve(greet=refuse_the_first)
    body = b"x" * 50_000_000  # more than any buffer between the two
    assert post(server, body=body) == b"{}"
    assert taken.is_set()
    assert [len(r.body) for r in server.requests] == [len(body)]


def test_answer_that_comes_before_all_was_sent(serve):
    def refuse(connection, number):
        connection.recv(1000)
        connection.sendall(answer(413, b'{"error_code": "REQUEST_LIMIT_EXCEEDED"}'))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 20):
            pass
        connection.close()

    server = serve(greet=refuse)
    with pytest.raises(MlflowException) as error:
        post(server, body=b"x" * 20_000_000)
    assert error.value.error_code == "REQUEST_LIMIT_EXCEEDED"


def test_nothing_listens(monkeypatch):
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR")
    before = time.monotonic()
    with pytest.raises(MlflowException, match="no connection could be made.*refused"):
        Transport.for_uri(f"http://127.0.0.1:{free_port()}").call("POST", "/x", body=b"{}")
    assert time.monotonic() - before < 30, "the two minutes are for a server that was there before"


def test_name_that_nobody_has():
    with pytest.raises(MlflowException, match="name is not known"):
        Transport.for_uri("http://nobody.invalid:5000").call("GET", "/x")


def test_server_that_is_away_for_a_moment(serve, monkeypatch):
    """One that has answered before is waited for."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")
    server = serve()
    post(server)
    server.close()
    later = []

    def come_back():
        later.append(socket.create_server(("127.0.0.1", server.port)))
        with later[0].accept()[0] as connection:
            connection.recv(1000)
            connection.sendall(OK)

    timer = threading.Timer(0.7, come_back)
    timer.start()
    try:
        assert post(server) == b"{}"
    finally:
        timer.join()
        later[0].close()


# -- servers that ask for patience


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("wait", [None, "0", email.utils.formatdate(0, usegmt=True), "soon"])
def test_request_that_was_turned_away_is_sent_again(serve, status, wait):
    busy = answer(status, **({"Retry_After": wait} if wait else {}))
    server = serve(busy, busy, OK)
    assert post(server) == b"{}"
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [408, 502, 504])
def test_request_that_may_have_been_answered(serve, status):
    server = serve(answer(status), OK)
    with pytest.raises(MlflowException, match=f"error code {status}"):
        post(server)
    assert len(server.requests) == 1
    server = serve(answer(status), OK)
    assert post(server, idempotent=True) == b"{}"


@pytest.mark.parametrize("status", [400, 401, 404, 500, 501])
def test_answer_that_would_be_the_same_again(serve, status):
    server = serve(answer(status, b'{"error_code": "BAD_REQUEST", "message": "no"}'))
    with pytest.raises(MlflowException, match="no"):
        post(server, idempotent=True)
    assert len(server.requests) == 1


def test_server_that_asks_to_come_back_tomorrow(serve):
    tired = answer(503, b'{"error_code": "TEMPORARILY_UNAVAILABLE", "message": "tomorrow"}')
    server = serve(tired.replace(b"\r\n", b"\r\nRetry-After: 86400\r\n", 1))
    with pytest.raises(MlflowException, match="tomorrow"):
        post(server)
    assert len(server.requests) == 1


def test_server_whose_wish_is_not_heeded(serve, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER", "false")
    server = serve(answer(503, Retry_After="86400"), OK)
    assert post(server) == b"{}"


def test_number_of_attempts(serve, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    server = serve(answer(503, b"full"))
    with pytest.raises(MlflowException, match="full") as error:
        post(server)
    assert error.value.error_code == "TEMPORARILY_UNAVAILABLE"
    assert len(server.requests) == 3


def test_patience_ends(serve, monkeypatch):
    monkeypatch.setattr("mlflow.rpc.transport._PATIENCE", -1.0)
    server = serve(answer(503))
    with pytest.raises(MlflowException, match="503"):
        post(server)
    assert len(server.requests) == 1


def test_pauses_grow_and_differ():
    from mlflow.rpc.network import Settings
    from mlflow.rpc.transport import _pause

    settings = Settings.now()._replace(factor=2, jitter=1.0)
    for failures, least in enumerate((0.1, 0.3, 0.9, 2.7, 8.1, 24.3, 72.9), 1):
        pauses = {_pause(failures, settings, None) for _ in range(50)}
        assert len(pauses) > 40
        assert min(pauses) >= least * 0.999
        assert max(pauses) <= least + min(least, 1) + 1e-9
    assert 7 <= _pause(1, settings, 7.0) <= 7.1


def test_slow_server(serve, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    waiting = threading.Event()

    def never(connection):
        waiting.wait(20)

    server = serve(never, OK)
    with pytest.raises(MlflowException, match="no answer came within 1 s"):
        post(server)
    assert len(server.requests) == 1
    server = serve(never, OK)
    assert post(server, idempotent=True) == b"{}"
    waiting.set()
    assert [r.connection for r in server.requests] == [0, 1]


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="this system has no such signals")
def test_interrupted_call_leaves_no_half_answer_behind(serve):
    """The rest of the answer must not be taken for the answer to the next request."""
    interrupted = threading.Event()

    def interrupt(connection):
        connection.sendall(OK[:20])
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        interrupted.wait(20)
        connection.sendall(OK[20:])

    server = serve(interrupt, answer(200, b"[2]"))
    with pytest.raises(KeyboardInterrupt):
        post(server)
    interrupted.set()
    assert post(server) == b"[2]"


# -- redirects


def test_redirect_within_the_server(serve, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t1")
    server = serve(answer(308, Location="/y?a=1"), OK)
    assert post(server, body=b"[1]") == b"{}"
    second = server.requests[1]
    assert (second.method, second.target, second.body) == ("POST", "/y?a=1", b"[1]")
    assert second.headers["authorization"] == "Bearer t1"


@pytest.mark.parametrize("stream", [False, True])
def test_no_credentials_follow_a_redirect_to_another_server(serve, monkeypatch, stream, plug_in):
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret")
    other = serve(answer(200, b'"there"'))
    server = serve(answer(307, Location=f"{other.uri}/elsewhere"))
    transport = Transport.for_uri(server.uri)
    if stream:
        response = transport.request("GET", "/x", stream=True)
        assert response.read() == b'"there"'
        response.release_conn()
    else:
        assert transport.json("GET", "/x") == "there"
    assert server.requests[0].headers["authorization"].startswith("Basic ")
    assert server.requests[0].headers["x-plug"] == "secret"
    assert other.requests[0].target == "/elsewhere"
    assert not {"authorization", "x-plug"} & other.requests[0].headers.keys()
    assert other.requests[0].headers["user-agent"].startswith("mlflow-python-client/")


@pytest.mark.parametrize("status", [301, 302, 303])
def test_redirect_that_would_lose_the_body(serve, status):
    server = serve(answer(status, Location="https://new.example.com/x?secret=1"))
    with pytest.raises(MlflowException, match="https://new.example.com. Set the tracking URI") as e:
        post(server)
    assert "secret" not in e.value.message
    assert len(server.requests) == 1


def test_redirects_that_are_not_wanted(serve, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_HTTP_REDIRECTS", "false")
    server = serve(answer(308, Location="/y"), OK)
    with pytest.raises(MlflowException, match="answered 308"):
        post(server)
    assert len(server.requests) == 1


def test_redirects_in_circles(serve):
    server = serve(answer(308, Location="/x"))
    with pytest.raises(MlflowException, match="in circles"):
        post(server)


# -- who the caller is


@pytest.fixture
def plug_in(monkeypatch):
    from mlflow.tracking.request_header import registry as module
    from mlflow.tracking.request_header.abstract_request_header_provider import (
        RequestHeaderProvider,
    )

    class Plug(RequestHeaderProvider):
        def in_context(self):
            return True

        def request_headers(self):
            return {"X-Plug": "secret", "User-Agent": "plug/1"}

    registry = module.RequestHeaderProviderRegistry()
    registry.register(module.DefaultRequestHeaderProvider)
    registry.register(Plug)
    monkeypatch.setattr(module, "_request_header_provider_registry", registry)


def headers_of_a_call(server) -> dict[str, str]:
    post(server)
    return server.requests[-1].headers


def test_headers_of_a_plug_in(serve, plug_in):
    headers = headers_of_a_call(serve())
    assert headers["x-plug"] == "secret"
    assert headers["user-agent"].endswith(" plug/1")


def test_password(serve, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "änn")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "p:w")
    assert headers_of_a_call(serve())["authorization"] == "Basic w6RubjpwOnc="


def test_token(serve, monkeypatch):
    server = serve()
    assert "authorization" not in headers_of_a_call(server)
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t1")
    assert headers_of_a_call(server)["authorization"] == "Bearer t1"
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t2")
    assert headers_of_a_call(server)["authorization"] == "Bearer t2"


def test_password_in_the_address(serve):
    server = serve(OK, hang_up)
    server.uri = server.uri.replace("://", "://ann:s%2Ft@")
    assert headers_of_a_call(server)["authorization"] == "Basic YW5uOnMvdA=="
    with pytest.raises(MlflowException) as error:
        post(server)
    assert "s%2Ft" not in error.value.message


def test_plug_in_that_signs_requests(serve, monkeypatch):
    from mlflow.tracking.request_auth import registry as module
    from mlflow.tracking.request_auth.abstract_request_auth_provider import RequestAuthProvider

    class Signs(RequestAuthProvider):
        def get_name(self):
            return "signs"

        def get_auth(self):
            def sign(request):
                what = f"{request.method} {request.url} {request.body.decode()}"
                request.headers["X-Signature"] = what
                return request

            return sign

    registry = module.RequestAuthProviderRegistry()
    registry.register(Signs)
    monkeypatch.setattr(module, "_request_auth_provider_registry", registry)
    monkeypatch.setenv("MLFLOW_TRACKING_AUTH", "signs")
    server = serve()
    assert headers_of_a_call(server)["x-signature"] == f"POST {server.uri}/x {{}}"


@pytest.mark.parametrize("token", ["abc\n", "a\r\nX: y", "a\0", "\u20ac"])
def test_header_that_cannot_be_sent_is_refused_and_not_shown(serve, monkeypatch, token):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token.replace("\0", "\x0b\n"))
    server = serve()
    with pytest.raises(MlflowException, match="'Authorization'") as error:
        post(server)
    assert error.value.error_code == "INVALID_PARAMETER_VALUE"
    assert "abc" not in error.value.message
    assert server.requests == []


@pytest.mark.parametrize("uri", ["http://", "http://host:port", "ftp://host", "http://[::1"])
def test_address_of_no_server(uri):
    with pytest.raises(MlflowException, match="not the URL of a server") as error:
        Transport.for_uri(uri)
    assert error.value.error_code == "INVALID_PARAMETER_VALUE"


def test_server_below_a_path(serve):
    server = serve()
    server.uri += "/team a/"
    post(server)
    assert server.requests[0].target == "/team%20a/x"


# -- streams


def test_file_is_wound_back_and_sent_again(serve):
    server = serve(answer(503), OK)
    content = io.BytesIO(b"head" + b"x" * 100_000)
    content.seek(4)
    response = Transport.for_uri(server.uri).request("PUT", "/f", body=content)
    assert response.status == 200
    assert [r.body for r in server.requests] == [b"x" * 100_000] * 2


def test_iterator_is_sent_once(serve):
    server = serve(answer(503, b"full"), OK)
    with pytest.raises(MlflowException, match="full|second time"):
        Transport.for_uri(server.uri).request("PUT", "/f", body=iter([b"a", b"b"]))
    assert [r.body for r in server.requests] == [b"ab"]


def test_stream_from_a_server_that_is_busy_first(serve):
    server = serve(answer(503), hang_up, answer(200, b"x" * 100_000))
    response = Transport.for_uri(server.uri).request("GET", "/f", stream=True)
    assert b"".join(response.stream(1000)) == b"x" * 100_000
    response.release_conn()


def test_stream_that_is_refused_says_why(serve):
    server = serve(answer(404, b'{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "gone"}'))
    with pytest.raises(MlflowException, match="gone"):
        Transport.for_uri(server.uri).request("GET", "/f", stream=True)
    server = serve(answer(503, b"full"))
    with pytest.raises(MlflowException, match="full"):
        Transport.for_uri(server.uri).request("GET", "/f", stream=True)


# -- many at once


def test_threads(shared_server):
    run_id = mlflow.MlflowClient(shared_server.uri).create_run("0").info.run_id
    store = RestStore.for_uri(shared_server.uri)
    failed = []

    def log(worker):
        try:
            for i in range(25):
                store.log_metric(run_id, Metric(f"m{worker}", i, i, i))
        except Exception as e:
            failed.append(e)

    threads = [threading.Thread(target=log, args=(i,)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    for i in range(16):
        history = store.get_metric_history(run_id, f"m{i}")
        assert [m.value for m in history] == list(range(25))


def test_no_more_connections_are_kept_than_asked(serve, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_POOL_MAXSIZE", "2")
    together = threading.Barrier(6)

    def meet(connection):
        together.wait(20)
        connection.sendall(OK)

    server = serve(meet)
    transport = Transport.for_uri(server.uri)
    threads = [threading.Thread(target=post, args=(server,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.connections == 6
    assert len(transport._idle) == 2


def test_plain_call_imports_no_library_for_it(serve):
    """The first metric of a process should not wait for what only TLS and streams need."""
    server = serve(answer(200, b'{"experiment": {"experiment_id": "0"}}'))
    code = f"""
import sys
from mlflow.store.tracking.resolve import tracking_store
tracking_store({server.uri!r}).get_experiment("0")
print(sorted({{"urllib3", "http.client", "ssl", "email", "numpy"}} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_fork(serve):
    """Parent and child go on with connections of their own, and one's end is not the other's."""

    def echo(connection):  # the body comes back, so that mixed-up answers show
        connection.sendall(answer(200, server.requests[-1].body))

    server = serve(echo)

    def call(body):
        return post(server, body=body, idempotent=True)

    assert call(b"[0]") == b"[0]"
    child = os.fork()
    if child == 0:
        try:
            fine = all(call(b"[1]") == b"[1]" for _ in range(20))
            gc.collect()
            os._exit(0 if fine else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    assert status == 0
    assert call(b"[2]") == b"[2]"
    connections = {r.body: r.connection for r in server.requests}
    assert connections == {b"[0]": 0, b"[1]": 1, b"[2]": 0}


def test_server_that_is_killed_and_comes_back(make_server, monkeypatch):
    """Calls go on through two restarts; each point is there once."""
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR")
    server = make_server()
    run_id = mlflow.MlflowClient(server.uri).create_run("0").info.run_id
    store = RestStore.for_uri(server.uri)
    done = 0
    stop = threading.Event()
    failed = []

    def log():
        nonlocal done
        try:
            while not stop.is_set():
                store.log_metric(run_id, Metric("m", done, done, done))
                done += 1
        except Exception as e:
            failed.append(e)

    thread = threading.Thread(target=log)
    thread.start()
    for end in (server.kill, server.stop):
        before = done
        while done < before + 50 and not failed:
            time.sleep(0.01)
        end()
        server.start()
    before = done
    while done < before + 50 and not failed:
        time.sleep(0.01)
    stop.set()
    thread.join()
    assert failed == []
    assert [m.value for m in store.get_metric_history(run_id, "m")] == list(range(done))
