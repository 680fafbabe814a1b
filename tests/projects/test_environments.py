"""In which environment projects run. Real ones are made where everything is tested."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.projects import environments, load_project
from mlflow.utils import uv_utils, virtualenv
from mlflow.utils.process import ShellCommandException
from tests.optional import EVERYTHING, missing

CONDA_YAML = "channels: [conda-forge]\ndependencies: [python=3.11, {pip: [-r requirements.txt]}]\n"


@pytest.fixture
def described(project: Path) -> Path:
    """A project with `conda.yaml` and `requirements.txt`."""
    spec = (project / "MLproject").read_text() + "conda_env: conda.yaml\n"
    (project / "MLproject").write_text(spec)
    (project / "conda.yaml").write_text(CONDA_YAML)
    (project / "requirements.txt").write_text("six==1.17.0\n")
    return project


def program(path: Path, text: str) -> None:
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)


def test_definition_of_a_project(described, tmp_path):
    def define(file):
        return virtualenv.define_project(file, described, root=tmp_path / "envs")

    found = define(described / "conda.yaml")
    assert found.python == "3.11"
    assert found.lines[0] == "six==1.17.0"
    assert found.lines[1].startswith("headrace @ file://")  # nothing asks for models
    (described / "requirements.txt").write_text("six==1.17.0\nmlflow\n")
    changed = define(described / "conda.yaml")
    assert changed.key("uv") != found.key("uv")
    assert changed.lines[1].startswith("headrace[models] @ file://")
    other = described / "p.yaml"
    other.write_text(
        "python: '3.11'\nbuild_dependencies: [pip]\ndependencies: [-r requirements.txt]\n"
    )
    same = define(other)
    assert (same.python, same.lines) == ("3.11", changed.lines)
    assert same.build_dependencies == ("pip",)
    assert [line.split(" @ ")[0] for line in define(None).lines] == ["headrace"]
    other.write_text("- a\n")
    with pytest.raises(MlflowException, match="must be a mapping"):
        define(other)


@pytest.mark.parametrize(
    "text",
    [
        "dependencies: six",  # read letter by letter, that would install s, i and x
        "dependencies: {six: 1.17.0}",
        "dependencies: [[six]]",
        "dependencies: [{six: 1}]",
        "build_dependencies: pip",
        "channels: [x]\ndependencies: six",
        "channels: [x]\ndependencies: [{pip: six}]",
    ],
)
def test_requirements_that_are_no_list_are_refused(tmp_path, text):
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(MlflowException, match="list of texts"):
        virtualenv.define_project(tmp_path / "p.yaml", tmp_path, root=tmp_path / "envs")


def test_requirements_are_no_options_of_the_installer(tmp_path):
    """What is asked for beyond requirements is refused, before anything is installed elsewhere."""
    aside = tmp_path / "aside"
    text = json.dumps({"build_dependencies": [f"--target={aside}", "x"], "dependencies": []})
    (tmp_path / "p.yaml").write_text(text)
    definition = virtualenv.define_project(tmp_path / "p.yaml", tmp_path, root=tmp_path / "envs")
    with pytest.raises(ShellCommandException):
        virtualenv.get_or_create(
            definition, "virtualenv", root=tmp_path / "envs", capture_output=True
        )
    assert not aside.exists()
    assert not [p for p in (tmp_path / "envs" / "virtualenv_envs").iterdir() if p.is_dir()]


def test_same_files_elsewhere_have_the_same_environment(tmp_path):
    keys = []
    for name, limit in (("a", "<2"), ("b", "<2"), ("c", "<3")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "p.yaml").write_text("dependencies: [six, -c limits.txt]\n")
        (folder / "limits.txt").write_text(f"six{limit}\n")
        definition = virtualenv.define_project(folder / "p.yaml", folder, root=tmp_path / "envs")
        keys.append(definition.key("uv"))
    assert keys[0] == keys[1] != keys[2]


def test_manager_of_a_project(described, project, monkeypatch, tmp_path):
    found = load_project(str(described))
    monkeypatch.setenv("MLFLOW_CONDA_HOME", str(tmp_path / "conda"))
    assert environments.manager_of(found, None) == "virtualenv"  # with a warning: no conda here
    bin_ = tmp_path / "conda" / "bin"
    bin_.mkdir(parents=True)
    program(bin_ / "conda", "")
    assert environments.manager_of(found, None) == "conda"
    assert environments.manager_of(found, "uv") == "uv"
    (project / "MLproject").write_text("python_env: p.yaml")
    (project / "p.yaml").write_text("")
    assert environments.manager_of(load_project(str(project)), None) == "virtualenv"


def test_conda(described, client, monkeypatch, tmp_path):
    """Values reach a program in a conda environment, newlines too; the definition has what the
    files of requirements say."""
    bin_ = tmp_path / "conda" / "bin"
    bin_.mkdir(parents=True)
    program(
        bin_ / "conda",
        f"""
import json, os, subprocess, sys
known = {str(tmp_path / "known")!r}
words = sys.argv[1:]
if words[:2] == ["env", "list"]:
    print(json.dumps({{"envs": open(known).read().split() if os.path.exists(known) else []}}))
elif words[:2] == ["env", "create"]:
    open(known, "a").write(f"/envs/{{words[3]}} ")
    open({str(tmp_path / "made.yaml")!r}, "w").write(open(words[words.index("--file") + 1]).read())
elif words[0] == "run":
    assert not any("\\n" in word for word in words), "conda refuses these"
    sys.exit(subprocess.run(words[4:]).returncode)
""",
    )
    monkeypatch.setenv("MLFLOW_CONDA_HOME", str(tmp_path / "conda"))
    monkeypatch.setenv("MLFLOW_ENV_ROOT", str(tmp_path / "envs"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    for text in ("a\nb", "c"):
        run = mlflow.run(str(described), "show", parameters={"text": text})
        assert json.loads((described / "shown").read_text())[0] == text
    assert client.get_run(run.run_id).data.tags["mlflow.project.env"] == "conda"
    assert len((tmp_path / "known").read_text().split()) == 1
    made = (tmp_path / "made.yaml").read_text()
    assert "six==1.17.0" in made
    assert "headrace[models] @ file://" in made


def test_environment_that_may_not_be_made(described, client, monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_ENV_ROOT", str(tmp_path / "envs"))
    monkeypatch.setenv("MLFLOW_DISABLE_ENV_CREATION", "true")
    with pytest.raises(MlflowException, match="MLFLOW_DISABLE_ENV_CREATION"):
        mlflow.run(str(described), env_manager="uv")
    (run,) = client.search_runs(["0"])
    assert run.info.status == "FAILED"


@pytest.mark.slow
@pytest.mark.skipif(not EVERYTHING, reason="makes an environment: HEADRACE_TEST_ALL=1")
def test_real_environment_is_made_once(described, client, monkeypatch, tmp_path):
    if not uv_utils.is_uv_available():
        missing("uv", "pip install uv")
    monkeypatch.setenv("MLFLOW_ENV_ROOT", str(tmp_path / "envs"))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    (described / "conda.yaml").write_text("dependencies: [{pip: [-r requirements.txt]}]\n")
    (described / "where.py").write_text("""
import pathlib, sys, mlflow, six
pathlib.Path("where").write_text(sys.prefix)
assert mlflow.__file__.startswith(sys.prefix)
mlflow.log_metric("six", float(six.__version__[:4]))
""")
    for _ in range(2):
        run = mlflow.run(str(described), "where.py", env_manager="uv")
        place = (described / "where").read_text()
    assert [str(p) for p in (tmp_path / "envs" / "virtualenv_envs").iterdir() if p.is_dir()] == [
        place
    ]
    found = client.get_run(run.run_id)
    assert found.data.metrics == {"six": 1.17}
    assert found.data.tags["mlflow.project.env"] == "uv"
