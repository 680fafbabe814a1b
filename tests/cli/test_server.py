"""`mlflow server`: what its options mean, and that it serves."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from mlflow.server import launch


@pytest.fixture
def configured(run, monkeypatch):
    """A function that gives the settings that a command line leads to, and what it printed."""

    def configure(*options):
        seen = []
        monkeypatch.setattr(launch, "serve", seen.append)
        result = run("server", *options)
        return seen[0], result.stderr

    return configure


def test_defaults(configured, tmp_path):
    config, printed = configured()
    assert config.backend_store_uri == f"sqlite:///{tmp_path.as_posix()}/mlflow.db"
    assert (config.host, config.port, config.workers) == ("127.0.0.1", 5000, 1)
    assert config.artifact_root == "mlflow-artifacts:/"
    assert config.artifacts_destination == "./mlartifacts"
    assert config.static_prefix == ""
    assert config.allowed_hosts is config.cors_allowed_origins is None
    assert config.x_frame_options == "SAMEORIGIN"
    assert not config.disable_security_middleware
    assert printed == f"Backend store URI not provided. Using {config.backend_store_uri}\n"


def test_tracking_uri_of_clients_is_not_the_servers_store(configured, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert configured()[0].backend_store_uri.endswith("/mlflow.db")


def test_options_reach_the_server(configured):
    config, printed = configured(
        "--backend-store-uri", "sqlite:///x.db", "-h", "localhost", "-p", "7000",
        "--no-serve-artifacts", "--static-prefix", "/pre", "--x-frame-options", "DENY",
        "--allowed-hosts", "a.example, *.b.example:80", "--cors-allowed-origins", "https://c.example",
        "--uvicorn-opts", "--log-level info",
    )  # fmt: skip
    assert config.backend_store_uri == "sqlite:///x.db"
    assert (config.host, config.port, config.static_prefix) == ("localhost", 7000, "/pre")
    assert config.artifact_root == "./mlruns"
    assert config.allowed_hosts == ("a.example", "*.b.example:80")
    assert config.cors_allowed_origins == ("https://c.example",)
    assert config.uvicorn_opts == "--log-level info"
    assert printed == ""


def test_options_from_the_environment(configured, monkeypatch):
    monkeypatch.setenv("MLFLOW_BACKEND_STORE_URI", "sqlite:///x.db")
    monkeypatch.setenv("MLFLOW_PORT", "7001")
    monkeypatch.setenv("MLFLOW_SERVE_ARTIFACTS", "false")
    monkeypatch.setenv("MLFLOW_SERVER_ALLOWED_HOSTS", "a.example")
    config, _ = configured()
    assert (config.backend_store_uri, config.port) == ("sqlite:///x.db", 7001)
    assert not config.serve_artifacts
    assert config.allowed_hosts == ("a.example",)


def test_workers(configured):
    sqlite = ["--backend-store-uri", "sqlite:///x.db"]
    postgresql = ["--backend-store-uri", "postgresql://h/d"]
    assert configured(*sqlite, "--workers", "1")[1] == ""
    config, printed = configured(*sqlite, "--workers", "4")
    assert config.workers == 1
    assert "--workers 4: SQLite is served by one process" in printed
    assert configured(*postgresql, "--workers", "3")[0].workers == 3
    assert 1 <= configured(*postgresql)[0].workers <= 4


@pytest.mark.parametrize(
    ("options", "warning"),
    [
        (["--host", "0.0.0.0"], "WARNING: listening on 0.0.0.0 without accounts"),
        (["--disable-security-middleware"], "WARNING: the security middleware is off"),
        (["--cors-allowed-origins", "*"], "WARNING: --cors-allowed-origins '*': any site"),
        (["--read-replica-backend-store-uri", "postgresql://h/d"], "is not used yet"),
    ],
)
def test_what_the_user_is_told(configured, options, warning):
    config, printed = configured("--backend-store-uri", "sqlite:///x.db", *options)
    assert warning in printed
    assert len(printed.splitlines()) == 1


@pytest.mark.parametrize(
    "options",
    [
        ["--secrets-cache-ttl", "100", "--secrets-cache-max-size", "5"],
        ["--workspace-store-uri", "x://y"],
        ["--disable-workspaces"],
        ["--dev"],
        ["--registry-store-uri", "sqlite:///x.db"],
    ],
)
def test_options_without_effect_on_results_are_taken(configured, options):
    configured(*options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--static-prefix", "foo"], "--static-prefix must begin with a '/'."),
        (["--static-prefix", "/foo/"], "--static-prefix should not end with a '/'."),
        (["--workers", "0"], "--workers is '0'; a number from 1 on is needed."),
        (["--workers", "x"], "--workers is 'x'; a number from 1 on is needed."),
        (["--gunicorn-opts", "--x"], "--gunicorn-opts is not supported"),
        (["--waitress-opts", "--x"], "--waitress-opts is not supported"),
        (
            ["--gunicorn-opts", "--x", "--uvicorn-opts", "--y"],
            "Cannot specify multiple server options. Choose one of: '--gunicorn-opts', "
            "'--waitress-opts', or '--uvicorn-opts'.",
        ),
        (["--dev", "--uvicorn-opts", "--y"], "--dev cannot be used with --uvicorn-opts."),
        (["--app-name", "nope"], "'nope' is not 'basic-auth'"),
        (["--app-name", "basic-auth"], "--app-name basic-auth is not supported by Headrace yet."),
        (["--enable-workspaces"], "--enable-workspaces is not supported by Headrace yet."),
        (["--trace-archival-config", __file__], "--trace-archival-config is not supported"),
        (["--artifacts-only", "--no-serve-artifacts"], "leave nothing to serve"),
        (["--secrets-cache-ttl", "5"], "5 is not in the range 10<=x<=300"),
    ],
)
def test_what_is_refused(run, monkeypatch, options, message):
    monkeypatch.setattr(launch, "serve", lambda config: pytest.fail("was started"))
    assert message in " ".join(run("server", *options, status=2).stderr.split())


def test_ui_is_the_same(run, monkeypatch):
    seen = []
    monkeypatch.setattr(launch, "serve", seen.append)
    run("ui", "--port", "7002")
    assert seen[0].port == 7002


def test_store_that_cannot_be_opened(run):
    result = run("server", "--backend-store-uri", "bogus://x", status=1)
    assert "bogus://x" in result.stderr
    assert "Traceback" not in result.stderr


def test_serves_below_a_prefix(make_server):
    server = make_server("--static-prefix", "/pre")
    with urllib.request.urlopen(f"{server.uri}/pre/") as answer:
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    query = f"{server.uri}/pre/api/2.0/mlflow/experiments/get?experiment_id=0"
    with urllib.request.urlopen(query) as answer:
        assert json.load(answer)["experiment"]["name"] == "Default"


def test_refuses_foreign_pages(make_server):
    server = make_server("--allowed-hosts", "a.example,127.0.0.1")

    def status(**headers):
        url = f"{server.uri}/api/2.0/mlflow/experiments/create"
        headers = {"Content-Type": "application/json", **headers}
        request = urllib.request.Request(url, b'{"name": "x"}', headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.headers

    assert status(Host="evil.example")[0] == 403
    assert status(Origin="http://evil.example")[0] == 403
    assert status(Origin="http://a.example", Host="a.example")[0] == 200
    answer, headers = status()
    assert answer == 400  # the name is taken
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.skipif(sys.platform == "win32", reason="signals are other there")
def test_ctrl_c_ends_it_quietly(make_server):
    server = make_server()
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(60) == 0
    assert "Aborted" not in server.log.read_text()
    assert "Traceback" not in server.log.read_text()


def test_port_that_is_taken(make_server, tmp_path):
    server = make_server()
    words = [sys.executable, "-m", "mlflow", "server", "--port", str(server.port)]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    assert "address already in use" in done.stderr.lower()
