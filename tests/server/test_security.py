"""The checks of Host and Origin, against what the reference answers to the same headers."""

from __future__ import annotations

from types import SimpleNamespace

import anyio
import pytest

from mlflow.server.security import AllowedHosts, AllowedOrigins, SecurityMiddleware


def config(**changes):
    given = {
        "host": "127.0.0.1",
        "static_prefix": "",
        "allowed_hosts": None,
        "cors_allowed_origins": None,
        "disable_security_middleware": False,
        "x_frame_options": "SAMEORIGIN",
    }
    return SimpleNamespace(**{**given, **changes})


async def inner(scope, receive, send):
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/x")]}
    )
    await send({"type": "http.response.body", "body": b"inner"})


class Answer:
    def __init__(self, messages):
        self.messages = messages
        self.status = messages[0].get("status")
        self.headers = {k.decode(): v.decode() for k, v in messages[0].get("headers", ())}
        self.body = messages[-1].get("body")


def ask(
    middleware, method="GET", path="/api/2.0/mlflow/experiments/get", kind="http", **headers
) -> Answer:
    headers = {"host": "localhost:5000", **headers}
    given = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
    pairs = [(name.encode(), value.encode()) for name, value in given.items()]
    scope = {"type": kind, "method": method, "path": path, "headers": pairs}
    messages = []

    async def send(message):
        messages.append(message)

    anyio.run(middleware, scope, None, send)
    return Answer(messages)


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "localhost:9", "LOCALHOST", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:5",
        "0.0.0.0", "0.0.0.0:5000", "10.1.2.3", "10.1.2.3:5000", "192.168.1.1:99", "172.16.0.1",
        "172.31.255.255", "[fd00::1]:5000",
    ],
)  # fmt: skip
def test_default_hosts_are_this_machine_and_private_addresses(host):
    assert host.encode() in AllowedHosts(None)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "172.32.0.1", "172.15.0.1", "8.8.8.8", "a.localhost", "localhost.evil.com",
        "localhost:5000.evil.com", "192.168.evil.com", "10.evil.com", "", "localhost:", ":80",
        "localhost:123456", "user@localhost", "localhost/x", "local\nhost", "[::1", "::1", "[evil]",
    ],
)  # fmt: skip
def test_other_hosts_are_refused(host):
    assert host.encode() not in AllowedHosts(None)


def test_interface_that_the_server_listens_on_is_a_host():
    assert b"box.lan:5000" in AllowedHosts(None, bound_to="box.lan")
    assert b"[2001:db8::7]:5000" in AllowedHosts(None, bound_to="2001:db8::7")
    assert b"box.lan" not in AllowedHosts(["other"], bound_to="box.lan")


def test_listed_hosts_replace_the_default():
    hosts = AllowedHosts(["ml.example.com", "*.corp.example:5000", "Foo.org", "10.*"])
    for host in (b"ml.example.com", b"ml.example.com:443", b"a.corp.example:5000", b"foo.ORG",
                 b"10.1.1.1:9"):  # fmt: skip
        assert host in hosts
    for host in (b"localhost", b"x.ml.example.com", b"a.corp.example:80", b"corp.example:5000",
                 b"10.evil.com"):  # fmt: skip
        assert host not in hosts


def test_star_lets_every_host_in():
    assert b"anything" in AllowedHosts(["*"])


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost",
        "https://localhost:1",
        "http://127.0.0.1:5",
        "http://[::1]:5",
        "http://LOCALHOST",
    ],
)
def test_pages_of_this_machine_are_allowed_origins(origin):
    assert origin.encode() in AllowedOrigins(None)
    assert origin.encode() in AllowedOrigins(["https://app.example.com"])


@pytest.mark.parametrize(
    "origin",
    [
        "null", "", "https://evil", "http://localhost.evil.com", "http://a.localhost", "localhost",
        "http://192.168.1.1", "http://0.0.0.0:5000", "chrome-extension://x", "http://localhost/x",
        "http://localhost@evil.com", "http://evil.com#://localhost",
    ],
)  # fmt: skip
def test_other_origins_are_not(origin):
    assert origin.encode() not in AllowedOrigins(None)


def test_listed_origins():
    origins = AllowedOrigins(
        ["https://app.example.com", "http://*.foo.org", "http://bar:80", "http://baz:*"]
    )
    for origin in (b"https://app.example.com", b"https://app.example.com:443", b"http://a.foo.org",
                   b"http://bar", b"http://baz:7"):  # fmt: skip
        assert origin in origins
    for origin in (b"http://app.example.com", b"http://foo.org", b"https://app.example.com:8",
                   b"http://evil.com/.foo.org", b"https://a.foo.org"):  # fmt: skip
        assert origin not in origins


def test_foreign_host_is_refused_as_the_reference_does():
    answer = ask(SecurityMiddleware(inner, config()), host="evil.example")
    assert answer.status == 403
    assert answer.headers["content-type"] == "text/plain"
    assert answer.body == b"Invalid Host header - possible DNS rebinding attack detected"


def test_missing_and_doubled_host_are_refused():
    middleware = SecurityMiddleware(inner, config())
    assert ask(middleware, host=None).status == 403
    messages = []

    async def send(message):
        messages.append(message)

    twice = [(b"host", b"localhost"), (b"host", b"localhost")]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": twice}
    anyio.run(middleware, scope, None, send)
    assert messages[0]["status"] == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "QUERY"])
def test_foreign_page_cannot_change_anything(method):
    answer = ask(SecurityMiddleware(inner, config()), method, origin="http://evil.example")
    assert (answer.status, answer.body) == (403, b"Cross-origin request blocked")
    assert answer.headers["content-type"] == "text/plain"


@pytest.mark.parametrize("path", ["/graphql", "/v1/traces", "/anything", "/ajax-api/2.0/mlflow/x"])
def test_no_path_takes_changes_from_a_foreign_page(path):
    answer = ask(SecurityMiddleware(inner, config()), "POST", path, origin="http://evil.example")
    assert answer.status == 403


def test_foreign_page_can_ask_but_its_scripts_cannot_read_the_answer():
    answer = ask(SecurityMiddleware(inner, config()), origin="http://evil.example")
    assert answer.status == 200
    assert "access-control-allow-origin" not in answer.headers


def test_local_page_may_change_and_read():
    answer = ask(SecurityMiddleware(inner, config()), "POST", origin="http://localhost:3000")
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["vary"] == "Origin"


def test_own_page_may_change_when_the_host_is_checked():
    page = {"host": "192.168.1.5:5000", "origin": "http://192.168.1.5:5000"}
    assert ask(SecurityMiddleware(inner, config()), "POST", **page).status == 200
    anything = SecurityMiddleware(inner, config(allowed_hosts=["*"]))
    assert ask(anything, "POST", **page).status == 403  # a name that was made to point here?
    other_port = {**page, "origin": "http://192.168.1.5:5001"}
    assert ask(SecurityMiddleware(inner, config()), "POST", **other_port).status == 403


def test_request_without_origin_may_change():
    assert ask(SecurityMiddleware(inner, config()), "POST").status == 200
    assert ask(SecurityMiddleware(inner, config()), "POST", origin="").status == 200


def test_probes_are_answered_for_any_host():
    middleware = SecurityMiddleware(inner, config(static_prefix="/pre"))
    assert ask(middleware, path="/pre/health", host="evil.example").status == 200
    assert ask(middleware, path="/version", host="evil.example").status == 200
    for path in ("/pre/healthx", "/pre/metrics", "/pre"):
        assert ask(middleware, path=path, host="evil.example").status == 403


@pytest.mark.parametrize(
    ("option", "header"),
    [("SAMEORIGIN", "SAMEORIGIN"), ("deny", "DENY"), ("NONE", None), ("none", None), (None, None)],
)
def test_frame_options(option, header):
    answer = ask(SecurityMiddleware(inner, config(x_frame_options=option)))
    assert answer.headers.get("x-frame-options") == header
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] == "text/x"


def test_preflight():
    middleware = SecurityMiddleware(inner, config())
    asked = {
        "access_control_request_method": "POST",
        "access_control_request_headers": "content-type, x-y",
    }
    answer = ask(middleware, "OPTIONS", origin="http://localhost:3000", **asked)
    assert (answer.status, answer.body) == (200, b"OK")
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    methods = answer.headers["access-control-allow-methods"]
    assert methods == "GET, POST, PUT, DELETE, OPTIONS, PATCH"
    assert answer.headers["access-control-allow-headers"] == "content-type, x-y"
    assert answer.headers["access-control-max-age"] == "600"
    refused = ask(middleware, "OPTIONS", origin="http://evil.example", **asked)
    assert (refused.status, refused.body) == (400, b"Disallowed CORS origin")
    assert "access-control-allow-origin" not in refused.headers
    plain = ask(middleware, "OPTIONS", origin="http://localhost:3000")
    assert plain.body == b"inner"


def test_all_origins_get_no_credentials():
    middleware = SecurityMiddleware(inner, config(cors_allowed_origins=["*"]))
    answer = ask(middleware, "POST", origin="http://evil.example")
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


def test_websocket_from_a_foreign_page_is_closed():
    middleware = SecurityMiddleware(inner, config())
    for headers in ({"origin": "http://evil.example"}, {"host": "evil.example"}):
        assert ask(middleware, kind="websocket", **headers).messages == [
            {"type": "websocket.close", "code": 1008}
        ]
    accepted = ask(middleware, kind="websocket", origin="http://localhost")
    assert accepted.messages == [{"type": "websocket.accept"}]


def test_switched_off():
    middleware = SecurityMiddleware(inner, config(disable_security_middleware=True))
    answer = ask(middleware, "POST", host="evil.example", origin="http://evil.example")
    assert answer.status == 200
    assert answer.headers == {"content-type": "text/x"}


def test_many_different_hosts_take_no_memory():
    hosts = AllowedHosts(None)
    for n in range(5000):
        assert b"evil%d" % n not in hosts
    assert len(hosts._known) <= 1024
