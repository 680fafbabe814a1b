"""Each test works in a folder of its own, with its own database and a project beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import mlflow
from mlflow.tracking import fluent
from mlflow.tracking.client import MlflowClient

MLPROJECT = """
name: example
entry_points:
  main:
    parameters:
      learning_rate: {type: float, default: 0.01}
      epochs: {type: int, default: 100}
    command: "python train.py {learning_rate} {epochs}"
  show:
    parameters: {text: string}
    command: "python show.py {text} '{text}' \\"{text}\\" x{text}"
  fail: {command: "exit 3"}
  rest: {command: "touch started; sleep 60"}
"""
TRAIN = """
import os, sys
from pathlib import Path
Path("seen").write_text("\\n".join([os.environ["MLFLOW_RUN_ID"], *sys.argv[1:]]))
import mlflow
with mlflow.start_run() as run:
    mlflow.log_metric("loss", float(sys.argv[1]))
"""
SHOW = """
import json, pathlib, sys
pathlib.Path("shown").write_text(json.dumps(sys.argv[1:]))
"""


@pytest.fixture(autouse=True)
def uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The tracking URI of this test."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    before = dict(os.environ)
    for name in [n for n in os.environ if n.startswith("GIT_")]:
        del os.environ[name]
    # `python` of a project's command is the one that runs the tests.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    found = f"sqlite:///{work.as_posix()}/mlflow.db"
    fluent._active_experiment_id = None
    mlflow.set_tracking_uri(found)
    yield found
    mlflow.set_tracking_uri("")
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def client(uri: str) -> MlflowClient:
    return MlflowClient(uri)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a project."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "MLproject").write_text(MLPROJECT)
    (folder / "train.py").write_text(TRAIN)
    (folder / "show.py").write_text(SHOW)
    return folder


@pytest.fixture
def git(tmp_path: Path) -> Callable[..., str]:
    """A function that runs git in a folder."""

    def run(folder: Path, *arguments: str) -> str:
        identity = ["-c", "user.name=ann", "-c", "user.email=ann@example.org"]
        settings = [*identity, "-c", "init.defaultBranch=main", "-c", "commit.gpgSign=false"]
        done = subprocess.run(
            ["git", *settings, *arguments], cwd=folder, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    return run


@pytest.fixture
def repository(project: Path, git: Callable[..., str], tmp_path: Path) -> Path:
    """A bare repository: tag v1, branch main with one more commit, and branch side; the project is
    in the folder `sub`, too."""
    git(project, "init", "-q")
    sub = project / "sub"
    sub.mkdir()
    for name in ("MLproject", "train.py", "show.py"):
        (sub / name).write_text((project / name).read_text())
    git(project, "add", "-A")
    git(project, "commit", "-qm", "one")
    git(project, "tag", "v1")
    (project / "two.sh").write_text("echo two\n")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "two")
    git(project, "branch", "side")
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(project), str(bare))
    return bare
