"""The files of the web UI over HTTP: how they are sent, to whom, and what is not."""

from __future__ import annotations

import functools
import gzip
import http.server
import re
import shutil
import threading
from pathlib import Path

import pytest
from tests.optional import optional
from tests.ui.browser import launched

from mlflow.server import ui
from mlflow.server.app import create_app
from mlflow.server.config import ServerConfig

INDEX = """<!doctype html><html><head><title>UI</title>
<link rel="icon" href="./icon.svg"><script type="module" src="./static/index-AbC_12-x.js"></script>
</head><body><div id="app"></div></body></html>
"""
SCRIPT = "document.title = 'runs';\n" * 100
FRAMED = "/static-files/lib/notebook-trace-renderer/index.html"


@pytest.fixture
def build(tmp_path, monkeypatch) -> Path:
    """The folder of a small build, in the place of the real one."""
    folder = tmp_path / "static"
    (folder / "static").mkdir(parents=True)
    (folder / "index.html").write_text(INDEX)
    (folder / "icon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "licenses.md").write_text("# Licenses\n")
    (folder / ".stamp").write_text("digest")
    (folder / "notes.py").write_text("secret = 1")
    script = folder / "static" / "index-AbC_12-x.js"
    script.write_text(SCRIPT)
    script.with_name(f"{script.name}.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    (tmp_path / "outside.css").write_text("secret")
    (folder / "link.css").symlink_to(tmp_path / "outside.css")
    monkeypatch.setattr(ui, "STATIC", folder)
    return folder


@pytest.fixture
def client(tmp_path):
    """A function that starts an app and gives a client of it."""
    testclient = optional("starlette.testclient")

    def start(**settings):
        config = ServerConfig(
            backend_store_uri=f"sqlite:///{tmp_path / 'store.db'}",
            artifacts_destination=str(tmp_path / "artifacts"),
            **settings,
        )
        return testclient.TestClient(
            create_app(config), base_url="http://127.0.0.1", follow_redirects=False
        )

    return start


def policy(answer) -> dict[str, str]:
    """The directives of a page's Content-Security-Policy."""
    parts = answer.headers["content-security-policy"].split("; ")
    return dict(part.split(" ", 1) for part in parts)


# -- what is sent --------------------------------------------------------------------------------


def test_page(build, client):
    answer = client().get("/")
    assert (answer.status_code, answer.text) == (200, INDEX)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert policy(answer) == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' data: blob:",
        "media-src": "'self' blob:",
        "frame-src": "'self' blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'self'",
    }
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in answer.headers["permissions-policy"]


def test_browser_that_has_it_is_told_so(build, client):
    app = client()
    tag = app.get("/").headers["etag"]
    for known in (tag, f'"other", {tag}', "*", tag.removeprefix("W/")):
        answer = app.get("/", headers={"If-None-Match": known})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == tag
    assert app.get("/", headers={"If-None-Match": '"other"'}).status_code == 200
    assert app.get("/icon.svg").headers["etag"] != tag


def test_files_whose_names_change_with_their_content_are_kept_for_good(build, client):
    answer = client().get("/static/index-AbC_12-x.js")
    assert answer.text == SCRIPT
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    for path, kind in (("/icon.svg", "image/svg+xml"), ("/licenses.md", "text/plain")):
        other = client().get(path)
        assert other.headers["content-type"].startswith(kind)
        assert other.headers["cache-control"] == "no-cache"
    assert client().get("/favicon.ico").content == (build / "icon.svg").read_bytes()


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [("gzip, deflate, br", True), ("*", True), ("identity", False), ("gzip;q=0", False)],
)
def test_packed_for_who_takes_it(build, client, accepted, packed):
    app = client()
    answer = app.get("/static/index-AbC_12-x.js", headers={"Accept-Encoding": accepted})
    assert answer.text == SCRIPT
    assert (answer.headers.get("content-encoding") == "gzip") == packed
    assert (int(answer.headers["content-length"]) < len(SCRIPT)) == packed
    assert "Accept-Encoding" in answer.headers["vary"]
    # there is no twin of this one
    assert "content-encoding" not in app.get("/licenses.md").headers


def test_head(build, client):
    answer = client().head("/")
    assert answer.headers["content-length"] == str(len(INDEX))


@pytest.mark.parametrize(
    "path",
    [
        "/.stamp",
        "/notes.py",
        "/link.css",
        "/static",
        "/static/",
        "/index.html/",
        "/static/index-AbC_12-x.js.gz",
        "/static/../notes.py",
        "/static/..%2f..%2foutside.css",
        "/static/%2e%2e/%2e%2e/outside.css",
        "/..%5coutside.css",
        "/static/index-AbC_12-x.js%00",
        "/experiments/0",
        "/runs/x",
    ],
)
def test_nothing_else_is_served(build, client, path):
    answer = client().get(path)
    assert answer.status_code == 404
    assert answer.json()["error_code"] == "ENDPOINT_NOT_FOUND"


def test_file_that_came_later_is_not_served_and_one_that_went_is(build, client):
    app = client()
    (build / "later.js").write_text("1")
    shutil.rmtree(build / "static")
    assert app.get("/later.js").status_code == 404
    assert app.get("/static/index-AbC_12-x.js").text == SCRIPT


def test_pages_cannot_be_written_to(build, client):
    assert client().post("/").status_code == 405
    assert client().put("/icon.svg", content=b"x").status_code == 405


# -- below a prefix ------------------------------------------------------------------------------


def test_below_a_prefix(build, client):
    app = client(static_prefix="/a/mlflow")
    assert app.get("/a/mlflow/").text == INDEX
    assert app.get("/a/mlflow/static/index-AbC_12-x.js").text == SCRIPT
    assert app.get("/").status_code == app.get("/icon.svg").status_code == 404
    assert app.get("/a/mlflow/a/mlflow").status_code == 404


def test_prefix_without_its_slash(build, client):
    app = client(static_prefix="/a/mlflow")
    answer = app.get("/a/mlflow")
    # relative, so that it holds behind a proxy that puts something in front
    assert (answer.status_code, answer.headers["location"]) == (307, "./mlflow/")
    answer = app.get("/a/mlflow?theme=dark", follow_redirects=True)
    assert answer.url.path == "/a/mlflow/" and answer.url.query == b"theme=dark"
    assert answer.text == INDEX


# -- frames --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "ancestors", "header"),
    [("SAMEORIGIN", "'self'", "SAMEORIGIN"), ("deny", "'none'", "DENY"), ("NONE", "*", None)],
)
def test_who_may_frame_the_pages(build, client, option, ancestors, header):
    app = client(x_frame_options=option)
    answer = app.get("/")
    assert policy(answer)["frame-ancestors"] == ancestors
    assert answer.headers.get("x-frame-options") == header
    framed = app.get(FRAMED)
    assert policy(framed)["frame-ancestors"] == "*"
    assert "x-frame-options" not in framed.headers


def test_without_the_middleware_anyone_may(build, client):
    answer = client(disable_security_middleware=True).get("/")
    assert policy(answer)["frame-ancestors"] == "*"


@pytest.mark.parametrize("prefix", ["", "/pre"])
def test_page_for_notebooks_finds_its_files(build, client, prefix):
    app = client(static_prefix=prefix)
    page = app.get(f"{prefix}{FRAMED}?trace_id=tr-1&experiment_id=1")
    paths = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(paths) == 2
    for path in paths:
        assert app.get(str(page.url.join(path))).status_code == 200
    assert app.get(f"{prefix}/icon.svg").headers["x-frame-options"] == "SAMEORIGIN"
    assert app.get(f"{prefix}{FRAMED}x").status_code == 404


# -- without a build -----------------------------------------------------------------------------


@pytest.fixture
def no_build(tmp_path, monkeypatch):
    monkeypatch.setattr(ui, "STATIC", tmp_path / "none")


def test_without_a_build_a_page_says_so(no_build, client):
    app = client()
    answer = app.get("/")
    assert answer.status_code == 200
    assert "The API works; the web UI is not built" in answer.text
    assert "HEADRACE_UI=required pip install ." in answer.text
    assert policy(answer)["style-src"].startswith("'sha256-")
    assert app.get("/api/2.0/mlflow/experiments/get?experiment_id=0").status_code == 200
    assert app.get("/icon.svg").status_code == 404


def test_only_artifacts_no_page(build, client):
    assert client(artifacts_only=True).get("/").status_code == 404


def test_start_tells_that_there_is_no_build(no_build, monkeypatch):
    from mlflow.server import launch

    said = []
    monkeypatch.setattr(launch._logger, "warning", said.append)
    monkeypatch.setattr("mlflow.server.app.create_app", lambda *_, **__: 1 / 0)
    for config, told in ((ServerConfig(artifacts_only=True), []), (ServerConfig(), [ui.NOT_BUILT])):
        with pytest.raises(ZeroDivisionError):
            launch.serve(config)
        assert said == told


# -- in a browser --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser():
    with launched() as browser:
        yield browser


@pytest.fixture
def elsewhere(tmp_path):
    """A function that serves a page at another origin and gives its URL."""
    servers = []

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    def serve(text: str) -> str:
        folder = tmp_path / f"elsewhere{len(servers)}"
        folder.mkdir()
        (folder / "index.html").write_text(text)
        handler = functools.partial(Quiet, directory=folder)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://localhost:{server.server_port}/"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_browser_has_nothing_to_say_about_the_page(browser, shared_server):
    """Built or not, there is nothing in it that its own policy refuses."""
    page = browser.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(shared_server.uri)
    page.wait_for_function("document.body.innerText.trim()")
    assert said == []
    font = page.evaluate("getComputedStyle(document.body).fontFamily")
    assert "system-ui" in font, "the style was refused"


def test_other_sites_frame_only_the_page_for_notebooks(browser, shared_server, elsewhere):
    hidden = f"{FRAMED}?trace_id=tr-1#/experiments/0"  # somebody looks for buttons to be pressed
    uri, frames = shared_server.uri, {"home": "/", "trace": hidden}
    site = elsewhere(
        "".join(f'<iframe name="{k}" src="{uri}{path}"></iframe>' for k, path in frames.items())
    )
    page = browser.new_page()
    refused = []
    page.on("console", lambda m: refused.append(m.text) if "frame-ancestors" in m.text else None)
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.goto(site)
    framed = page.frame(name="trace")
    framed.wait_for_function("document.body.innerText.trim()")
    assert framed.url.startswith(f"{uri}{FRAMED}?trace_id=tr-1")
    assert len(refused) == 1 and f"'{uri}/'" in refused[0]
    for role in ("button", "textbox", "menu", "navigation"):
        assert framed.get_by_role(role).count() == 0
