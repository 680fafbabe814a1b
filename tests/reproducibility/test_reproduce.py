"""Running runs again: the code, the environment and the result are what they were."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mlflow
from mlflow.exceptions import ExecutionException, MlflowException
from mlflow.reproducibility import replay
from mlflow.reproducibility.capture import CODE_HASH, ENVIRONMENT_HASH, FOLDER, REPRODUCES
from mlflow.reproducibility.replay import reproduce
from mlflow.utils import uv_utils, virtualenv
from tests.optional import EVERYTHING, missing

TRAIN = """
import pathlib, sys
import mlflow
from helper import FACTOR
with mlflow.start_run():
    mlflow.log_param("given", sys.argv[1])
    data = float(pathlib.Path("data.txt").read_text())
    mlflow.log_metric("result", data * FACTOR)
"""


@pytest.fixture
def work(tmp_path, git) -> Path:
    """A repository with changes that no commit has."""
    folder = tmp_path / "code"
    (folder / "sub").mkdir(parents=True)
    (folder / "train.py").write_text(TRAIN)
    (folder / "helper.py").write_text("FACTOR = 2\n")
    (folder / "gone.py").write_text("")
    (folder / "binary").write_bytes(bytes(range(256)))
    (folder / "sub" / "data.txt").write_text("1")
    (folder / ".gitignore").write_text("ignored.txt\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    make_dirty(folder)
    return folder


def make_dirty(folder: Path) -> None:
    (folder / "helper.py").write_text("from extra import FACTOR\n")
    (folder / "extra.py").write_text("FACTOR = 21\n")
    (folder / "binary").write_bytes(bytes(range(255, -1, -1)))
    (folder / "gone.py").unlink()
    (folder / "sub" / "data.txt").write_text("2")
    (folder / "ignored.txt").write_text("x")
    (folder / ".env").write_text("PASSWORD=x")
    (folder / "notes.txt").write_text("api_" + "key=abcdef1234")
    (folder / "large.bin").write_bytes(bytes(2 << 20))


def run_script(folder: Path, *words: str, client, python: str = sys.executable):
    """Run `train.py`, reproducibly, in the folder `sub`; the run."""
    env = {**os.environ, "HEADRACE_REPRODUCIBLE": "true"}
    script = str(folder / "train.py")
    subprocess.run([python, script, *words], cwd=folder / "sub", env=env, check=True)
    return client.search_runs(["0"])[0]


def kept(client, run_id: str, name: str = "capture.json") -> str:
    return Path(client.download_artifacts(run_id, f"{FOLDER}/{name}")).read_text()


def compare(client, first, again, tmp_path) -> None:
    """The new run has the code, environment and result of the first, and so has one made of it."""
    assert again.code_differs == again.environment_differs == []
    found = client.get_run(again.run_id)
    assert again.status == found.info.status == "FINISHED"
    assert found.data.metrics == first.data.metrics == {"result": 42}
    assert found.data.params == first.data.params
    tags = found.data.tags
    assert tags[REPRODUCES] == first.info.run_id
    for key in (CODE_HASH, ENVIRONMENT_HASH, "mlflow.source.name", "mlflow.user"):
        assert tags[key] == first.data.tags[key]


def test_dirty_working_tree_with_a_commit_that_no_remote_has(work, client, tmp_path):
    first = run_script(work, "a b; touch HIT", client=client)
    facts = json.loads(kept(client, first.info.run_id))
    assert facts["command"] == ["{python}", "{code}/train.py", "a b; touch HIT"]
    assert facts["folder"] == "sub"
    assert set(facts["code"]["left_out"]) == {".env", "notes.txt", "large.bin"}
    assert "ignored.txt" not in kept(client, first.info.run_id, "files.json")
    again = reproduce(first.info.run_id, tmp_path / "again", env_manager="local")
    compare(client, first, again, tmp_path)
    folder = tmp_path / "again"
    assert (folder / "binary").read_bytes() == (work / "binary").read_bytes()
    for name in (".env", "notes.txt", "large.bin", "gone.py", "ignored.txt", "sub/HIT"):
        assert not (folder / name).exists()
    # and what was made of it is as good
    second = reproduce(again.run_id, tmp_path / "third", env_manager="local")
    compare(client, client.get_run(again.run_id), second, tmp_path)


def test_commit_that_a_remote_has(work, client, git, tmp_path):
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(work), str(bare))
    git(work, "remote", "add", "origin", str(bare))
    git(work, "fetch", "-q", "origin")
    first = run_script(work, "x", client=client)
    names = {file.path for file in client.list_artifacts(first.info.run_id, FOLDER)}
    assert f"{FOLDER}/changes.patch" in names
    assert f"{FOLDER}/commit.tar" not in names
    work.rename(tmp_path / "moved")  # so it comes from the remote
    again = reproduce(first.info.run_id, tmp_path / "again", env_manager="local")
    compare(client, first, again, tmp_path)
    commit = json.loads(kept(client, first.info.run_id))["code"]["commit"]
    assert client.get_run(again.run_id).data.tags["mlflow.source.git.commit"] == commit
    assert git(tmp_path / "again", "rev-parse", "HEAD") == commit
    bare.rename(tmp_path / "moved.git")
    with pytest.raises(ExecutionException, match="could not be got; name a repository"):
        reproduce(first.info.run_id, tmp_path / "none", env_manager="local")
    assert not (tmp_path / "none").exists()
    laid = reproduce(
        first.info.run_id, tmp_path / "laid", repository=str(tmp_path / "moved"), only_lay_out=True
    )
    assert laid.run_id is None
    assert (tmp_path / "laid" / "extra.py").exists()


def test_folder_without_git(work, client, tmp_path):
    import shutil

    shutil.rmtree(work / ".git")
    (work / "sub" / "mlruns").mkdir()
    (work / "sub" / "mlruns" / "x").write_text("")
    env = {**os.environ, "HEADRACE_REPRODUCIBLE": "true"}
    subprocess.run([sys.executable, "../train.py", "x"], cwd=work / "sub", env=env, check=True)
    first = client.search_runs(["0"])[0]
    assert json.loads(kept(client, first.info.run_id))["command"][1] == "../train.py"
    again = reproduce(first.info.run_id, tmp_path / "again", env_manager="local")
    compare(client, first, again, tmp_path)
    assert not (tmp_path / "again" / "sub" / "mlruns").exists()


def test_project(project, client, git, tmp_path, monkeypatch):
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "one")
    (project / "train.py").write_text((project / "train.py").read_text().replace("loss", "other"))
    monkeypatch.setenv("HEADRACE_REPRODUCIBLE", "false")  # what it was before is put back
    mlflow.config.enable_reproducible_runs()
    run = mlflow.run(str(project), parameters={"learning_rate": 0.5}, env_manager="local")
    mlflow.config.enable_reproducible_runs(False)
    first = client.get_run(run.run_id)
    facts = json.loads(kept(client, run.run_id))
    assert facts["project"] == {
        "entry_point": "main",
        "environment": "local",
        "parameters": {"learning_rate": "0.5"},
    }
    again = reproduce(run.run_id, tmp_path / "again", env_manager="local", run_name="again")
    assert again.code_differs == []
    found = client.get_run(again.run_id)
    assert found.data.metrics == first.data.metrics == {"other": 0.5}
    assert found.data.params == first.data.params
    assert found.info.run_name == "again"
    for key in (CODE_HASH, ENVIRONMENT_HASH, "mlflow.project.entryPoint"):
        assert found.data.tags[key] == first.data.tags[key]
    assert found.data.tags[REPRODUCES] == run.run_id


def test_notebook(work, client, tmp_path, monkeypatch):
    """A module and a shell stand in for IPython's."""
    from types import ModuleType, SimpleNamespace

    cells = ["", "from helper import FACTOR", "import mlflow\nrun = mlflow.start_run()"]
    module = ModuleType("IPython")
    module.get_ipython = lambda: SimpleNamespace(user_ns={"In": cells}, kernel=None)
    monkeypatch.setitem(sys.modules, "IPython", module)
    monkeypatch.setenv("HEADRACE_REPRODUCIBLE", "true")
    monkeypatch.chdir(work)
    mlflow.start_run()
    cells.append("mlflow.log_metric('result', 2 * FACTOR)")
    mlflow.log_metric("result", 42)
    mlflow.end_run()
    first = mlflow.last_active_run()
    monkeypatch.delitem(sys.modules, "IPython")
    again = reproduce(first.info.run_id, tmp_path / "again", env_manager="local")
    assert again.code_differs == []
    assert client.get_run(again.run_id).data.metrics == {"result": 42}


def test_secrets_of_the_command(work, client, tmp_path):
    first = run_script(work, "x", "--api-token=hush123", client=client)
    assert "hush123" not in kept(client, first.info.run_id)
    with pytest.raises(ExecutionException, match=r"Arguments \[3\] .* secrets"):
        reproduce(first.info.run_id, tmp_path / "again", env_manager="local")
    assert not (tmp_path / "again").exists()


def test_failing_script_and_changed_environment(work, client, tmp_path):
    first = run_script(work, "x", client=client)
    path = Path(client.download_artifacts(first.info.run_id, f"{FOLDER}/requirements.lock"))
    path.write_text(path.read_text() + "nothing-of-the-kind==1.0\n")
    client.log_artifact(first.info.run_id, str(path), FOLDER)
    again = reproduce(first.info.run_id, tmp_path / "again", env_manager="local")
    assert again.environment_differs == ["nothing-of-the-kind==1.0 is not here, it was"]
    (work / "train.py").write_text("import mlflow\nmlflow.start_run()\nopen('flag')\n")
    (work / "sub" / "flag").write_text("x" * (2 << 20))
    first = run_script(work, client=client)
    with pytest.raises(ExecutionException, match="failed"):
        reproduce(first.info.run_id, tmp_path / "fails", env_manager="local")
    (run, *_) = client.search_runs(["0"])
    assert run.info.status == "FAILED"
    assert run.data.tags[REPRODUCES] == first.info.run_id


@pytest.mark.parametrize(
    "line",
    ["-r other.txt", "--index-url https://evil/", "x==1 --hash=y", "x==1; python_version>'3'",
     "./x", "x @ ext::sh", ""],
)  # fmt: skip
def test_locks_that_are_none(work, client, tmp_path, line):
    run_id = client.create_run("0").info.run_id
    facts = {"version": 1, "kind": "script", "command": [], "code": {"left_out": {}}}
    client.log_text(run_id, json.dumps(facts), f"{FOLDER}/capture.json")
    client.log_text(run_id, f"{line}\n", f"{FOLDER}/requirements.lock")
    with pytest.raises(MlflowException, match="names no distribution"):
        reproduce(run_id, tmp_path / "again", env_manager="local")


def test_what_cannot_be(client, tmp_path, work):
    run_id = client.create_run("0").info.run_id
    with pytest.raises(MlflowException, match="nothing to run it again from") as error:
        reproduce(run_id)
    assert error.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    with pytest.raises(MlflowException, match="not found"):
        reproduce("0" * 32)
    for text in ("{", "[]", '{"version": 2}'):
        client.log_text(run_id, text, f"{FOLDER}/capture.json")
        with pytest.raises(MlflowException, match="is damaged, or of a later Headrace"):
            reproduce(run_id)
    with pytest.raises(MlflowException, match="`env_manager` is 'conda'"):
        reproduce(run_id, env_manager="conda")
    first = run_script(work, "x", client=client)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("stays")
    with pytest.raises(MlflowException, match="is there already"):
        reproduce(first.info.run_id, tmp_path / "full")
    assert (tmp_path / "full" / "mine").read_text() == "stays"


def test_path_of_imports_and_command_line(work, client, tmp_path, monkeypatch):
    """What PYTHONPATH names within the code is the code that was laid out."""
    from click.testing import CliRunner

    from mlflow.cli import cli

    (work / "lib").mkdir()
    (work / "extra.py").rename(work / "lib" / "extra.py")
    before = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(work / "lib"), before])))
    first = run_script(work, "x", client=client)
    assert json.loads(kept(client, first.info.run_id))["python_path"][0] == "{code}/lib"
    work.rename(tmp_path / "moved")
    command = ["runs", "reproduce", first.info.run_id, "--env-manager", "local"]
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 0, done.output
    folder, run, code, environment = (line.split(None, 1)[1] for line in done.stdout.splitlines())
    assert Path(folder) == Path.cwd() / f"reproduce-{first.info.run_id[:8]}"
    assert code == environment == "the same"
    run_id, status = run.split()
    assert status == "FINISHED"
    assert client.get_run(run_id).data.metrics == {"result": 42}
    (again,) = (run for run in client.search_runs(["0"]) if run.info.run_id == run_id)
    assert again.data.tags[REPRODUCES] == first.info.run_id


def test_prompt(work, client, tmp_path):
    env = {**os.environ, "HEADRACE_REPRODUCIBLE": "true"}
    program = "import mlflow\nmlflow.start_run()\n"
    subprocess.run([sys.executable, "-"], input=program, text=True, cwd=work, env=env, check=True)
    run = client.search_runs(["0"])[0]
    with pytest.raises(ExecutionException, match="started at Python's prompt"):
        reproduce(run.info.run_id, tmp_path / "again", env_manager="local")
    laid = reproduce(run.info.run_id, tmp_path / "again", only_lay_out=True)
    assert laid.code_differs == []


def test_runs_that_do_not_ask_keep_nothing(work, client):
    env = {k: v for k, v in os.environ.items() if k != "HEADRACE_REPRODUCIBLE"}
    subprocess.run([sys.executable, "../train.py", "x"], cwd=work / "sub", env=env, check=True)
    run = client.search_runs(["0"])[0]
    assert client.list_artifacts(run.info.run_id) == []
    assert CODE_HASH not in run.data.tags


@pytest.mark.slow
@pytest.mark.skipif(not EVERYTHING, reason="makes environments: HEADRACE_TEST_ALL=1")
def test_environment_is_made_from_the_lock(work, client, tmp_path, monkeypatch):
    if not uv_utils.is_uv_available():
        missing("uv", "pip install uv")
    monkeypatch.setenv("MLFLOW_ENV_ROOT", str(tmp_path / "envs"))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    (tmp_path / "env.yaml").write_text("dependencies: ['six<1.17']\n")
    definition = virtualenv.define_project(tmp_path / "env.yaml", tmp_path)
    python = virtualenv.python_of(virtualenv.get_or_create(definition, "uv"))
    first = run_script(work, "x", client=client, python=python)
    assert "six==1.16.0" in kept(client, first.info.run_id, "requirements.lock")
    again = reproduce(first.info.run_id, tmp_path / "again", env_manager="uv")
    compare(client, first, again, tmp_path)
    assert replay.reproduce is mlflow.reproducibility.reproduce
