import getpass
import json
import subprocess
import sys
import threading
import types
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mlflow.exceptions import MlflowException
from mlflow.tracking.context import jupyter_notebook_context
from mlflow.tracking.context.databricks_cluster_context import DatabricksClusterRunContext
from mlflow.tracking.context.databricks_command_context import DatabricksCommandRunContext
from mlflow.tracking.context.databricks_job_context import DatabricksJobRunContext
from mlflow.tracking.context.databricks_notebook_context import DatabricksNotebookRunContext
from mlflow.tracking.context.databricks_repo_context import DatabricksRepoRunContext
from mlflow.tracking.context.default_context import DefaultRunContext
from mlflow.tracking.context.git_context import GitRunContext
from mlflow.tracking.context.jupyter_notebook_context import JupyterNotebookRunContext
from mlflow.tracking.context.system_environment_context import SystemEnvironmentContext


@pytest.fixture(autouse=True)
def _no_saved_credentials(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))


def started_as(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", list(arguments))


@pytest.mark.parametrize(
    ("arguments", "name"),
    [(["train.py", "3"], "train.py"), (["-c"], "-c"), ([""], "<console>"), ([], "<console>")],
)
def test_source_is_what_was_started(monkeypatch, arguments, name):
    started_as(monkeypatch, *arguments)
    tags = DefaultRunContext().tags()
    assert tags["mlflow.source.name"] == name
    assert tags["mlflow.source.type"] == "LOCAL"


def test_user_is_the_system_s(monkeypatch):
    monkeypatch.setenv("LOGNAME", "ann")
    assert DefaultRunContext().tags()["mlflow.user"] == "ann"


def test_user_of_the_server_wins(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "bob")
    assert DefaultRunContext().tags()["mlflow.user"] == "bob"


@pytest.mark.parametrize("error", [KeyError, OSError, ImportError])
def test_user_without_a_name_is_unknown(monkeypatch, error):
    def fail():
        raise error

    monkeypatch.setattr(getpass, "getuser", fail)
    assert DefaultRunContext().tags()["mlflow.user"] == "unknown"


@pytest.fixture
def script(tmp_path, monkeypatch):
    folder = tmp_path / "repository"
    folder.mkdir()
    for arguments in (
        ["init", "-q", "-b", "main"],
        ["remote", "add", "origin", "https://u:p@example.com/x"],
        ["-c", "user.name=a", "-c", "user.email=a", "commit", "-q", "--allow-empty", "-m", "x"],
    ):
        subprocess.run(["git", "-C", str(folder), *arguments], check=True)
    path = folder / "train.py"
    path.write_text("")
    started_as(monkeypatch, str(path))
    return path


def test_git_tags_of_a_script(script):
    context = GitRunContext()
    assert context.in_context()
    tags = context.tags()
    assert len(tags.pop("mlflow.source.git.commit")) == 40
    assert tags == {
        "mlflow.source.git.branch": "main",
        "mlflow.source.git.repoURL": "https://example.com/x",
    }


def test_git_tags_stay_what_they_were_at_first(script):
    context = GitRunContext()
    before = context.tags()
    subprocess.run(["git", "-C", str(script.parent), "checkout", "-q", "-b", "other"], check=True)
    assert context.tags() == before
    assert GitRunContext().tags()["mlflow.source.git.branch"] == "other"


@pytest.mark.parametrize("arguments", [["-c"], [""], []])
def test_no_git_tags_without_a_script(script, monkeypatch, arguments):
    started_as(monkeypatch, *arguments)
    assert not GitRunContext().in_context()


def test_tags_from_the_environment(monkeypatch):
    monkeypatch.setenv("MLFLOW_RUN_CONTEXT", '{"team": "vision", "n": 1}')
    context = SystemEnvironmentContext()
    assert context.in_context()
    assert context.tags() == {"team": "vision", "n": 1}


def test_no_tags_from_an_unset_variable(monkeypatch):
    monkeypatch.delenv("MLFLOW_RUN_CONTEXT", raising=False)
    assert not SystemEnvironmentContext().in_context()


@pytest.mark.parametrize("text", ["", '{"a":', "[1]", "3"])
def test_what_is_no_object_is_refused(monkeypatch, text):
    monkeypatch.setenv("MLFLOW_RUN_CONTEXT", text)
    with pytest.raises(MlflowException, match="a JSON object of tags is needed") as error:
        SystemEnvironmentContext().tags()
    assert repr(text) in error.value.message


@pytest.mark.parametrize(
    "context",
    [
        DatabricksClusterRunContext,
        DatabricksCommandRunContext,
        DatabricksJobRunContext,
        DatabricksNotebookRunContext,
        DatabricksRepoRunContext,
    ],
)
def test_hosted_product_is_never_claimed(context, monkeypatch):
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "15.4")
    assert not context().in_context()


@pytest.fixture
def kernel(monkeypatch, tmp_path):
    """A running kernel, as far as IPython shows it; its id is k-1."""
    monkeypatch.delenv("IPYNB_FILE", raising=False)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    application = types.SimpleNamespace(connection_file=str(tmp_path / "kernel-k-1.json"))
    shell = types.SimpleNamespace(kernel=types.SimpleNamespace(parent=application))
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: shell
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    return shell


def test_script_is_no_notebook(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert not JupyterNotebookRunContext().in_context()


def test_ipython_at_a_terminal_is_no_notebook(kernel):
    del kernel.kernel
    assert not JupyterNotebookRunContext().in_context()


def test_notebook_of_unknown_name(kernel):
    context = JupyterNotebookRunContext()
    assert context.in_context()
    assert context.tags() == {"mlflow.source.type": "NOTEBOOK"}


@pytest.mark.parametrize("variable", ["IPYNB_FILE", "JPY_SESSION_NAME"])
def test_notebook_named_in_the_environment(kernel, monkeypatch, variable):
    monkeypatch.setenv(variable, "/a/b/my.ipynb")
    assert JupyterNotebookRunContext().tags()["mlflow.source.name"] == "my.ipynb"


def test_session_name_that_is_no_file_is_not_taken(kernel, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "4f1c-uuid")
    assert "mlflow.source.name" not in JupyterNotebookRunContext().tags()


def test_notebook_in_vs_code(kernel, monkeypatch):
    monkeypatch.setenv("IPYNB_FILE", "/a/other.ipynb")
    monkeypatch.setattr(sys.modules["__main__"], "__vsc_ipynb_file__", "/v/e.ipynb", raising=False)
    assert JupyterNotebookRunContext().tags()["mlflow.source.name"] == "e.ipynb"


@pytest.fixture
def serve_session():
    """A function that starts a Jupyter server with one session, on the loopback address."""
    servers = []

    def serve(session):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Sessions)
        server.session, server.asked = session, []
        server.url = f"http://127.0.0.1:{server.server_port}/base/"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return server

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


class Sessions(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.path, self.headers["Authorization"]))
        body = json.dumps([self.server.session]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    """The folder where Jupyter servers leave their addresses."""
    folder = tmp_path / "runtime"
    folder.mkdir()
    paths = types.ModuleType("jupyter_core.paths")
    paths.jupyter_runtime_dir = lambda: str(folder)
    monkeypatch.setitem(sys.modules, "jupyter_core", types.ModuleType("jupyter_core"))
    monkeypatch.setitem(sys.modules, "jupyter_core.paths", paths)
    return folder


@pytest.mark.parametrize(
    ("file", "session"),
    [
        ("jpserver-7.json", {"kernel": {"id": "k-1"}, "path": "d/nb one.ipynb"}),
        ("nbserver-7.json", {"kernel": {"id": "k-1"}, "notebook": {"path": "d/nb one.ipynb"}}),
    ],
)
def test_notebook_named_by_its_server(kernel, runtime, serve_session, file, session):
    server = serve_session(session)
    (runtime / "jpserver-1.json").write_text('{"url": "http://127.0.0.1:9/", "token": ""}')
    (runtime / "jpserver-2.json").write_text("{")
    (runtime / file).write_text(f'{{"url": "{server.url}", "token": "secret"}}')
    assert JupyterNotebookRunContext().tags()["mlflow.source.name"] == "nb one.ipynb"
    assert server.asked == [("/base/api/sessions", "token secret")]


def test_token_of_the_hub_is_used(kernel, runtime, serve_session, monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "hub")
    server = serve_session({"kernel": {"id": "another"}, "path": "x.ipynb"})
    (runtime / "jpserver-1.json").write_text(f'{{"url": "{server.url}", "token": ""}}')
    assert "mlflow.source.name" not in JupyterNotebookRunContext().tags()
    assert server.asked == [("/base/api/sessions", "token hub")]


def test_name_is_looked_up_once(kernel, monkeypatch):
    asked = []
    monkeypatch.setattr(
        jupyter_notebook_context, "_path_from_server", lambda: asked.append(1) or "a/b.ipynb"
    )
    context = JupyterNotebookRunContext()
    assert context.tags() == context.tags()
    assert asked == [1]
