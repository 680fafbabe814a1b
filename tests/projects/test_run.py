"""Running projects on this machine, in its own environment; compared with the reference."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import mlflow
from mlflow import projects
from mlflow.exceptions import ExecutionException, MlflowException


def only_run(client):
    (run,) = client.search_runs([e.experiment_id for e in client.search_experiments()])
    return run


def test_parameters_tags_and_the_childs_run(project, client):
    submitted = mlflow.run(
        str(project), parameters={"learning_rate": 0.001, "extra": "x y"}, env_manager="local"
    )
    run = client.get_run(submitted.run_id)
    assert (project / "seen").read_text().split("\n") == [
        submitted.run_id, "0.001", "100", "--extra", "x y",
    ]  # fmt: skip
    assert run.info.status == submitted.get_status() == "FINISHED"
    assert run.info.end_time is not None
    assert run.data.metrics == {"loss": 0.001}
    assert run.data.params == {"learning_rate": "0.001", "epochs": "100", "extra": "x y"}
    tags = dict(run.data.tags)
    assert tags.pop("mlflow.runName") == run.info.run_name
    assert tags.pop("mlflow.user") == run.info.user_id
    assert tags == {
        "mlflow.project.backend": "local",
        "mlflow.project.entryPoint": "main",
        "mlflow.source.name": str(project),
        "mlflow.source.type": "PROJECT",
    }
    assert [f.path for f in client.list_artifacts(submitted.run_id)] == []


def test_hostile_value_through_a_real_run(project, client):
    value = "$(touch HIT)`touch HIT`'; touch HIT; '\"\n é"
    run = mlflow.run(str(project), "show", parameters={"text": value}, env_manager="local")
    shown = json.loads((project / "shown").read_text())
    assert shown == [value, value, value, f"x{value}"]
    assert not (project / "HIT").exists()
    assert client.get_run(run.run_id).data.params == {"text": value}


def test_value_that_is_too_long_for_a_program(project, client):
    with pytest.raises(ExecutionException, match="cannot be started.*has 300000 characters"):
        mlflow.run(str(project), "show", parameters={"text": "x" * 300_000}, env_manager="local")
    (run,) = client.search_runs(["0"])
    assert run.info.status == "FAILED"


def test_parameter_that_is_not_declared_is_named(project, client, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("mlflow"), "propagate", True)
    mlflow.run(str(project), "show", parameters={"texts": "x", "text": "y"}, env_manager="local")
    assert "texts, which it does not declare, is given to its command" in caplog.text


def test_exit_code_decides(project, client):
    with pytest.raises(ExecutionException, match="failed") as error:
        mlflow.run(str(project), "fail", env_manager="local", run_name="bad", experiment_name="new")
    run = only_run(client)
    assert error.value.message == f"Run (ID '{run.info.run_id}') failed"
    assert (run.info.status, run.info.run_name) == ("FAILED", "bad")
    assert client.get_experiment(run.info.experiment_id).name == "new"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"entry_point": "nope"}, "Could not find nope among entry points"),
        ({"entry_point": "show"}, "No value given for missing parameters: 'text'"),
        ({"parameters": {"epochs": "\0"}}, "NUL"),
        ({"entry_point": "a\0.py"}, "NUL"),
        ({"parameters": {"a$": "1"}}, "a$"),
        ({"version": "v1"}, "Setting a version is only supported for Git project URIs"),
        ({"env_manager": "pip"}, "Invalid value for `env_manager`: pip"),
        ({"backend": "moon"}, "Got unsupported execution mode moon"),
        ({"backend": "databricks"}, "hosted product, which Headrace does not support"),
        ({"backend_config": "{"}, "cannot be read"),
        ({"backend_config": "[1]"}, "an object is needed"),
        ({"backend_config": "absent.json"}, "cannot be read"),
        ({"backend_config": 5}, "must be a dict"),
        ({"experiment_name": "a", "experiment_id": "0"}, "Specify only one"),
        ({"run_id": "0" * 32}, "not found"),
        ({"experiment_id": "77"}, "No Experiment with id=77"),
    ],
)
def test_what_cannot_be_leaves_no_run(project, client, arguments, said):
    with pytest.raises(MlflowException) as error:
        mlflow.run(str(project), **{"env_manager": "local", **arguments})
    assert said in error.value.message
    assert client.search_runs(["0"]) == []


def test_what_fails_after_the_run_was_made_ends_it(project, client):
    (project / "MLproject").write_text("entry_points: {main: {command: 'run {absent}'}}")
    with pytest.raises(ExecutionException, match="absent"):
        mlflow.run(str(project), env_manager="local")
    assert only_run(client).info.status == "FAILED"


def test_conda_does_not_make_what_python_env_says(project, client):
    with pytest.raises(MlflowException, match="cannot be executed using conda"):
        mlflow.run(str(project), env_manager="conda")
    assert only_run(client).info.status == "FAILED"


def test_below_an_active_run_and_into_a_given_one(project, client):
    with mlflow.start_run() as parent:
        (project / "two.sh").write_text("true\n")
        child = mlflow.run(str(project), "two.sh", env_manager="local")
    tags = client.get_run(child.run_id).data.tags
    assert tags["mlflow.parentRunId"] == parent.info.run_id
    given = client.create_run("0").info.run_id
    run = mlflow.run(str(project), "two.sh", run_id=given, run_name="mine", env_manager="local")
    assert run.run_id == given
    found = client.get_run(given)
    assert (found.info.status, found.info.run_name) == ("FINISHED", "mine")


def test_relative_tracking_uri_is_the_same_for_the_child(project, client):
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    run = mlflow.run(str(project), env_manager="local")
    assert client.get_run(run.run_id).data.metrics == {"loss": 0.01}
    assert not (project / "mlflow.db").exists()


def test_in_the_background(project, client):
    run = mlflow.run(str(project), env_manager="local", synchronous=False)
    assert run.wait()
    assert run.get_status() == client.get_run(run.run_id).info.status == "FINISHED"
    run.cancel()  # too late: nothing happens
    assert run.get_status() == "FINISHED"
    run = mlflow.run(str(project), "fail", env_manager="local", synchronous=False)
    assert not run.wait()
    assert run.get_status() == client.get_run(run.run_id).info.status == "FAILED"


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_cancel_ends_all_processes(project, client):
    run = mlflow.run(str(project), "rest", env_manager="local", synchronous=False)
    wait_for(project / "started")
    assert run.get_status() == client.get_run(run.run_id).info.status == "RUNNING"
    run.cancel()
    assert run.get_status() == client.get_run(run.run_id).info.status == "KILLED"
    assert not run.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(project, client, number):
    command = [sys.executable, "-m", "mlflow", "run", str(project), "--env-manager", "local"]
    process = subprocess.Popen([*command, "-e", "rest"], stderr=subprocess.PIPE, text=True)
    wait_for(project / "started")
    process.send_signal(number)
    assert "interrupted, cancelling run" in process.communicate(timeout=60)[1]
    assert process.returncode != 0
    assert only_run(client).info.status == "KILLED"
    assert not [p for p in psutil.process_iter(["cwd"]) if p.info["cwd"] == str(project)]


def test_interrupted_while_the_environment_is_made(project, client, tmp_path, monkeypatch):
    """A program that stands in for uv waits as long as nobody stops it."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "uv").write_text(f"#!/bin/sh\ntouch {project}/started\nexec sleep 60\n")
    (bin_ / "uv").chmod(0o755)
    env = {**os.environ, "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}"}
    env["MLFLOW_ENV_ROOT"] = str(tmp_path / "envs")
    command = [sys.executable, "-m", "mlflow", "run", str(project), "--env-manager", "uv"]
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    wait_for(project / "started")
    process.terminate()
    assert process.wait(60) != 0
    assert only_run(client).info.status == "KILLED"
    assert [p for p in (tmp_path / "envs" / "virtualenv_envs").iterdir() if p.is_dir()] == []


def test_python_where_path_has_none(project, client, monkeypatch, tmp_path):
    for name in ("bash", "sh"):
        os.symlink(f"/bin/{name}", tmp_path / name)
    monkeypatch.setenv("PATH", str(tmp_path))
    run = mlflow.run(str(project), env_manager="local")
    assert client.get_run(run.run_id).data.metrics == {"loss": 0.01}


def test_plugins(project, client, monkeypatch, tmp_path):
    info = tmp_path / "plug" / "plug-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plug\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[mlflow.project_backend]\nmine = plug_backend:make\nbroken = no_such_module:x\n"
    )
    (tmp_path / "plug" / "plug_backend.py").write_text("""
from mlflow.projects.backend.abstract_backend import AbstractBackend
from mlflow.projects.submitted_run import SubmittedRun
calls = []
class Run(SubmittedRun):
    run_id = None
    def wait(self): return self.good
    def cancel(self): pass
    def get_status(self): return "RUNNING"
class Backend(AbstractBackend):
    def run(self, project_uri, entry_point, params, version, backend_config, tracking_uri,
            experiment_id):
        calls.append((project_uri, entry_point, params, version, backend_config, tracking_uri,
                      experiment_id))
        run = Run()
        run.run_id, run.good = params.get("run"), params.get("good", True)
        return run
def make():
    return Backend()
""")
    monkeypatch.syspath_prepend(str(tmp_path / "plug"))
    run_id = client.create_run("0").info.run_id
    parameters = {"run": run_id}
    submitted = mlflow.run(
        "any:thing", "e", "v9", parameters, backend="mine", backend_config={"x": 1}, run_name="n"
    )
    import plug_backend

    config = {
        "x": 1, "ENV_MANAGER": None, "SYNCHRONOUS": True, "DOCKER_ARGS": None,
        "STORAGE_DIR": None, "build_image": False, "docker_auth": None,
    }  # fmt: skip
    called = ("any:thing", "e", parameters, "v9", config, mlflow.get_tracking_uri(), "0")
    assert plug_backend.calls == [called]
    assert submitted.run_id == run_id
    found = client.get_run(run_id)
    assert (found.info.status, found.info.run_name) == ("FINISHED", "n")
    assert found.data.tags["mlflow.project.backend"] == "mine"
    with pytest.raises(ExecutionException, match="failed"):
        mlflow.run("x", backend="mine", parameters={**parameters, "good": False})
    assert client.get_run(run_id).info.status == "FAILED"
    with pytest.raises(ExecutionException, match="has started no run"):
        mlflow.run("x", backend="mine")
    with pytest.raises(ExecutionException, match="'broken' cannot be loaded"):
        mlflow.run("x", backend="broken")


def test_databricks_says_that_it_is_not_supported():
    from mlflow.projects import databricks

    with pytest.raises(ExecutionException, match="hosted product"):
        databricks.before_run_validations("", None)
    with pytest.raises(ExecutionException, match="hosted product"):
        databricks.DatabricksJobRunner("x").get_status("1")
    assert projects.load_project is projects.utils.load_project
