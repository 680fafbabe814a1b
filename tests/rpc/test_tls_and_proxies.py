"""Secure connections, and those through a proxy."""

from __future__ import annotations

import ssl
import time

import pytest
import trustme

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.rpc.transport import Transport
from tests.rpc.servers import OK, Proxy, answer


def post(server) -> bytes:
    return Transport.for_uri(server.uri).call("POST", "/x", body=b"{}", idempotent=False)


def stream(server) -> bytes:
    response = Transport.for_uri(server.uri).request("GET", "/f", stream=True)
    data = response.read()
    response.release_conn()
    return data


both = pytest.mark.parametrize("ask", [post, stream])


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def authority_file(authority, tmp_path) -> str:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return str(tmp_path / "ca.pem")


@pytest.fixture
def tls(authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


# -- TLS


@both
def test_own_authority(serve, tls, authority_file, monkeypatch, ask):
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", authority_file)
    server = serve(tls=tls)
    assert [ask(server) for _ in range(5)] == [b"{}"] * 5
    assert server.connections == 1


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_authority_that_the_requests_library_would_trust(
    serve, tls, authority_file, monkeypatch, name
):
    monkeypatch.setenv(name, authority_file)
    assert post(serve(tls=tls)) == b"{}"


@both
def test_authority_that_nobody_trusts(serve, tls, ask):
    server = serve(tls=tls)
    with pytest.raises(MlflowException, match="MLFLOW_TRACKING_SERVER_CERT_PATH"):
        ask(server)
    assert server.requests == []
    assert server.connections == 1, "it would not be trusted the second time either"


@both
def test_certificate_of_another_host(serve, authority, authority_file, monkeypatch, ask):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("other.example.com").configure_cert(context)
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", authority_file)
    server = serve(tls=context)
    with pytest.raises(MlflowException, match="not trusted.*localhost"):
        ask(server)
    assert server.requests == []


@both
@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_no_verification(serve, tls, monkeypatch, ask):
    monkeypatch.setenv("MLFLOW_TRACKING_INSECURE_TLS", "true")
    assert ask(serve(tls=tls)) == b"{}"


def test_authority_that_is_not_there(serve, tls, monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(tmp_path / "none.pem"))
    with pytest.raises(MlflowException, match="There is no '.*none.pem'") as error:
        post(serve(tls=tls))
    assert error.value.error_code == "INVALID_PARAMETER_VALUE"


@both
def test_client_certificate(serve, authority, tls, authority_file, monkeypatch, tmp_path, ask):
    tls.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(tls)
    tls.maximum_version = ssl.TLSVersion.TLSv1_2  # 1.3 tells the client only after the request
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", authority_file)
    server = serve(tls=tls)
    with pytest.raises(MlflowException, match="no secure connection"):
        ask(server)
    mine = authority.issue_cert("ann@example.com")
    mine.private_key_and_cert_chain_pem.write_to_path(tmp_path / "ann.pem")
    monkeypatch.setenv("MLFLOW_TRACKING_CLIENT_CERT_PATH", str(tmp_path / "ann.pem"))
    assert ask(server) == b"{}"


def test_tls_to_a_server_that_does_not_speak_it(shared_server):
    transport = Transport.for_uri(shared_server.uri.replace("http:", "https:"))
    with pytest.raises(MlflowException, match="no secure connection"):
        transport.call("POST", "/x", body=b"{}")


def test_idle_tls_connection_that_was_closed(serve, tls, authority_file, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", authority_file)
    server = serve(answer(200, Connection="keep-alive"), tls=tls)
    post(server)
    server.drop_connections()
    connection = Transport.for_uri(server.uri)._idle[-1]
    while not connection.is_stale():
        time.sleep(0.001)
    assert post(server) == b"{}"
    assert [r.connection for r in server.requests] == [0, 1]


def test_our_server_with_tls(make_server, authority, authority_file, monkeypatch, tmp_path):
    mine = authority.issue_cert("127.0.0.1")
    mine.private_key_pem.write_to_path(tmp_path / "key.pem")
    mine.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    options = f"--ssl-keyfile {tmp_path}/key.pem --ssl-certfile {tmp_path}/cert.pem"
    server = make_server("--uvicorn-opts", options, authority=authority_file)
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", authority_file)
    monkeypatch.setenv("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    client = mlflow.MlflowClient(server.uri)
    run_id = client.create_run("0").info.run_id
    for step in range(20):
        client.log_metric(run_id, "m", step, step=step)
    client.log_text(run_id, "hello", "a.txt")
    assert len(client.get_metric_history(run_id, "m")) == 20
    assert client.download_artifacts(run_id, "a.txt", str(tmp_path)).endswith("a.txt")


# -- proxies


@pytest.fixture
def proxy():
    one = Proxy()
    yield one
    one.close()


@both
def test_forwarding_proxy(serve, proxy, monkeypatch, ask):
    monkeypatch.setenv("HTTP_PROXY" if ask is stream else "http_proxy", proxy.uri)
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t1")
    server = serve()
    assert [ask(server), ask(server)] == [b"{}", b"{}"]
    assert [r.target.partition("?")[0][:7] for r in proxy.seen] == ["http://"] * 2
    for request in server.requests:
        assert request.target in ("/x", "/f")
        assert request.headers["host"] == server.uri.removeprefix("http://")
        assert request.headers["authorization"] == "Bearer t1"


@both
def test_tunnel_through_a_proxy(serve, proxy, tls, authority_file, monkeypatch, ask):
    monkeypatch.setenv("https_proxy", proxy.uri)
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", authority_file)
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t1")
    server = serve(tls=tls)
    assert [ask(server) for _ in range(3)] == [b"{}"] * 3
    assert [(r.method, r.target) for r in proxy.seen] == [("CONNECT", f"localhost:{server.port}")]
    assert "authorization" not in proxy.seen[0].headers, "the proxy gets no credentials of ours"
    assert server.requests[0].headers["authorization"] == "Bearer t1"


@both
@pytest.mark.parametrize("secure", [False, True])
def test_proxy_that_asks_for_a_password(serve, tls, authority_file, monkeypatch, ask, secure):
    proxy = Proxy(needs_auth="Basic YW5uOnMvdA==")
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", authority_file)
    server = serve(tls=tls if secure else None)
    try:
        monkeypatch.setenv("ALL_PROXY", proxy.uri)
        with pytest.raises(MlflowException, match="407"):
            ask(server)
        assert server.requests == []
        monkeypatch.setenv("ALL_PROXY", proxy.uri.replace("://", "://ann:s%2Ft@"))
        Transport._by_server.clear()
        assert ask(server) == b"{}"
        assert "proxy-authorization" not in server.requests[0].headers
    finally:
        proxy.close()


@pytest.mark.parametrize(
    "exceptions", ["*", "localhost", "a.com, localhost", "127.0.0.1", "127.0.0.0/8", "127.0.0.1:{}"]
)
def test_server_that_the_proxy_is_not_for(serve, proxy, monkeypatch, exceptions):
    server = serve()
    monkeypatch.setenv("http_proxy", proxy.uri)
    monkeypatch.setenv("no_proxy", exceptions.format(server.port))
    if "127" in exceptions:
        server.uri = server.uri.replace("localhost", "127.0.0.1")
    assert post(server) == b"{}"
    assert proxy.seen == []


@pytest.mark.parametrize("exceptions", ["host", "10.0.0.0/8", "127.0.0.1:1", "/", ""])
def test_server_that_the_proxy_is_for(serve, proxy, monkeypatch, exceptions):
    server = serve()
    server.uri = server.uri.replace("localhost", "127.0.0.1")
    monkeypatch.setenv("http_proxy", proxy.uri)
    monkeypatch.setenv("no_proxy", exceptions)
    assert post(server) == b"{}"
    assert len(proxy.seen) == 1


def test_proxy_that_is_down(serve, proxy, monkeypatch):
    monkeypatch.setenv("http_proxy", proxy.uri)
    proxy.close()
    server = serve()
    for ask in (post, stream):
        with pytest.raises(MlflowException, match="refused"):
            ask(server)


def test_proxy_of_another_kind(serve, monkeypatch):
    monkeypatch.setenv("all_proxy", "socks5://ann:secret@127.0.0.1:1080")
    with pytest.raises(MlflowException, match="'socks5://127.0.0.1:1080'; only http://"):
        post(serve())


def test_artifacts_through_a_proxy(shared_server, proxy, monkeypatch, tmp_path):
    monkeypatch.setenv("http_proxy", proxy.uri)
    client = mlflow.MlflowClient(shared_server.uri)
    run_id = client.create_run("0").info.run_id
    (tmp_path / "big.bin").write_bytes(b"x" * 5_000_000)
    client.log_artifact(run_id, str(tmp_path / "big.bin"))
    assert [f.path for f in client.list_artifacts(run_id)] == ["big.bin"]
    path = client.download_artifacts(run_id, "big.bin", str(tmp_path))
    with open(path, "rb") as file:
        assert file.read() == b"x" * 5_000_000
    assert {r.method for r in proxy.seen} >= {"POST", "PUT", "GET"}


def test_proxy_that_speaks_tls(serve, authority, tls, authority_file, monkeypatch):
    """TLS within TLS."""
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", authority_file)
    monkeypatch.setenv("SSL_CERT_FILE", authority_file)  # the proxy is none of the server's
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    proxy = Proxy(tls=context)
    monkeypatch.setenv("https_proxy", proxy.uri)
    server = serve(OK, tls=tls)
    try:
        assert [post(server), stream(server), post(server)] == [b"{}"] * 3
        assert {r.method for r in proxy.seen} == {"CONNECT"}
    finally:
        proxy.close()
