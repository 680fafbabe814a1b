"""Whoever names a URL does not get the server to ask what only the server can reach."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time

import pytest

from mlflow.entities import WebhookEvent
from mlflow.rpc import egress
from mlflow.rpc.egress import EgressRefused, is_public, post
from mlflow.webhooks.ssrf import SSRFProtectionError

CREATED = WebhookEvent.from_str("registered_model.created")

#: Forms of addresses that lead to the machine itself, its network, or the cloud's metadata.
INNER = [
    "127.0.0.1",
    "127.1",
    "127.255.255.254",
    "0.0.0.0",
    "0",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "localhost",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
]


@pytest.fixture
def nobody(monkeypatch):
    """Connections fail the test."""

    def connect(*args):
        raise AssertionError(f"connected to {args}")

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.mark.parametrize("host", INNER)
@pytest.mark.parametrize("suffix", ["", ":8443"])
def test_inner_addresses_are_refused_in_every_form(nobody, host, suffix):
    try:
        socket.getaddrinfo(host.strip("[]"), 443)
    except OSError:
        pytest.skip("this system's resolver does not take it for an address")
    with pytest.raises(EgressRefused, match="private or reserved"):
        post(f"https://{host}{suffix}/h", b"{}", {}, timeout=5)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_of_the_internet_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize("address", [one.strip("[]") for one in INNER if one[0] == "["])
def test_inner_addresses_are_not_public(address):
    assert not is_public(address)


def _resolver(*answers):
    """A resolver that gives other addresses each time."""
    asked = []

    def resolve(host, port, *args, **kwargs):
        asked.append(host)
        addresses = answers[min(len(asked), len(answers)) - 1]
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses
        ]

    return resolve, asked


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["8.8.8.8", "10.0.0.1"]])
def test_names_that_stand_for_inner_addresses_are_refused(nobody, monkeypatch, addresses):
    resolve, _ = _resolver(addresses)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(EgressRefused) as caught:
        post("https://inner.example/h", b"{}", {}, timeout=5)
    assert "10.0.0.1" not in str(caught.value)  # what the name stands for is not told


def test_name_is_resolved_once_and_that_address_is_asked(monkeypatch):
    """A name that changes between the check and the connection (DNS rebinding)."""
    resolve, asked = _resolver(["8.8.8.8"], ["127.0.0.1"])
    connected = []

    def connect(self, place):
        connected.append(place)
        raise ConnectionRefusedError("not in a test")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(ConnectionRefusedError):
        post("https://flips.example/h", b"{}", {}, timeout=5)
    assert (asked, connected) == (["flips.example"], [("8.8.8.8", 443)])


def test_peer_is_looked_at(monkeypatch, receiver):
    monkeypatch.setattr(socket.socket, "getpeername", lambda self: ("10.0.0.1", 443))
    with pytest.raises(EgressRefused, match="another address"):
        post(f"{receiver.url}/h", b"{}", {}, timeout=5, allow_private=True)
    assert receiver.messages == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "//example.com/",
        "https://",
        "https:///path",
        "https://[::1",
        "https://example.com:99999/",
        "https://example..com/",
        f"https://{'x' * 64}.com/",
        "",
    ],
)
def test_other_urls_are_refused(nobody, url):
    with pytest.raises(EgressRefused):
        post(url, b"{}", {}, timeout=5, allow_private=True)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["https://169.254.169.254/", "/elsewhere", "file:///etc/passwd"])
def test_redirects_are_not_followed(trusting, receiver, status, target):
    receiver.answer("/h", (status, {"Location": target}))
    answer = post(f"{receiver.url}/h", b"{}", {}, timeout=5, allow_private=True)
    assert answer.status == status
    assert [one.path for one in receiver.messages] == ["/h"]


def test_certificate_is_checked(receiver, monkeypatch, authority):
    with pytest.raises(ssl.SSLCertVerificationError):
        post(f"{receiver.url}/h", b"{}", {}, timeout=5, allow_private=True)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority[0])
    by_name = receiver.url.replace("127.0.0.1", "localhost")
    assert post(f"{by_name}/h", b"{}", {}, timeout=5, allow_private=True).status == 200
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, port, **_: [(2, 1, 6, "", ("127.0.0.1", port))]
    )
    with pytest.raises(ssl.SSLCertVerificationError):  # the certificate is of another name
        post(f"https://other.example:{receiver.port}/", b"", {}, timeout=5, allow_private=True)


def test_login_in_the_url_and_its_query_are_sent(trusting, receiver):
    url = receiver.url.replace("://", "://me:p%40ss@")
    post(f"{url}/h?a=1#part", b"{}", {"X-One": "1"}, timeout=5, allow_private=True)
    [message] = receiver.messages
    assert message.path == "/h?a=1"
    assert message.headers["Authorization"] == "Basic bWU6cEBzcw=="
    assert message.headers["Host"] == f"127.0.0.1:{receiver.port}"
    assert (message.headers["X-One"], message.body) == ("1", "{}")


def test_path_that_is_not_ascii(trusting, receiver):
    post(f"{receiver.url}/é x?ü=%20", b"{}", {}, timeout=5, allow_private=True)
    assert [one.path for one in receiver.messages] == ["/%C3%A9%20x?%C3%BC=%20"]


def test_proxies_of_the_environment_are_not_used(trusting, receiver, monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert post(f"{receiver.url}/h", b"{}", {}, timeout=5, allow_private=True).status == 200


def test_answers_are_bounded_in_size(trusting, receiver):
    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(1000):
                handler.wfile.write(b"x" * 10_000)
        except OSError:
            pass

    receiver.answer("/h", endless)
    answer = post(f"{receiver.url}/h", b"{}", {}, timeout=5, allow_private=True)
    assert len(answer.body) == egress.MOST_READ


def _speak(listener, sent, pause):
    """Say the same again and again."""
    connection, _ = listener.accept()
    with connection:
        try:
            while True:
                connection.sendall(sent)
                time.sleep(pause)
        except OSError:
            pass


@pytest.mark.parametrize(
    ("sent", "pause"), [(b"", 0.05), (b"x", 0.05), (b"HTTP/1.1 200 OK\r\nX: y\r\n", 0.05)]
)
def test_answers_are_bounded_in_time(sent, pause):
    """Also when something comes all the time."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        speaker = threading.Thread(target=_speak, args=(listener, sent, pause), daemon=True)
        speaker.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            post(url, b"", {}, timeout=0.3, schemes=["http"], allow_private=True)
        assert time.monotonic() - began < 20


def test_what_is_no_http_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        arguments = (listener, b"SSH-2.0-OpenSSH_9.6\r\n", 0.01)
        threading.Thread(target=_speak, args=arguments, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises((http.client.HTTPException, OSError)):
            post(url, b"", {}, timeout=2, schemes=["http"], allow_private=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254", "localhost"])
def test_webhooks_to_inner_addresses_tell_nobody(registry, nobody, host):
    """They may be made, since names may change, but nothing is sent."""
    hook = registry.create_webhook("hook", f"https://{host}/h", [CREATED])
    result = registry.test_webhook(hook.webhook_id)
    assert (result.success, result.response_status, result.response_body) == (False, None, None)
    assert "private or reserved" in result.error_message


def test_refusal_has_the_public_name():
    assert SSRFProtectionError is EgressRefused
