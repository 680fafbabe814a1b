"""Environments made for models: what they are made of, that they are made once, and whole."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

import mlflow
from mlflow.exceptions import ExecutionException, MlflowException
from mlflow.models.flavor_backend_registry import get_flavor_backend
from mlflow.utils import conda, headrace_wheel, process, uv_utils, virtualenv
from mlflow.utils.process import ShellCommandException, _exec_cmd
from tests.optional import EVERYTHING, missing

VERSION = virtualenv._this_python()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder, as far as its environment is concerned."""
    made = tmp_path / "model"
    made.mkdir()
    (made / "python_env.yaml").write_text(
        f"python: {VERSION}\nbuild_dependencies:\n- pip\ndependencies:\n- -r requirements.txt\n"
    )
    (made / "requirements.txt").write_text("mlflow==3.17.2\ncloudpickle==3.1.2\n")
    return made


def program(path: Path, lines: str) -> str:
    """A program of Python's that stands in for another."""
    path.write_text(f"#!{sys.executable}\n{lines}")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    return str(path)


# What an environment is made of.


def test_mlflow_is_fulfilled_by_this_headrace(folder, tmp_path):
    found = virtualenv.define(folder, root=tmp_path / "envs")
    assert found.python == VERSION
    assert found.build_dependencies == ("pip",)
    first, second = found.lines
    assert first == "cloudpickle==3.1.2"
    assert second.startswith("headrace[models] @ file://")
    assert second.endswith("-py3-none-any.whl")


@pytest.mark.parametrize(
    ("chosen", "lines"),
    [
        ("mlflow", ("mlflow==3.17.2", "cloudpickle==3.1.2")),
        ("headrace==9.9", ("cloudpickle==3.1.2", "headrace==9.9")),
    ],
)
def test_something_else_instead(folder, tmp_path, monkeypatch, chosen, lines):
    monkeypatch.setenv("HEADRACE_MODEL_ENV_MLFLOW", chosen)
    assert virtualenv.define(folder, root=tmp_path / "envs").lines == lines


def test_requirements_of_all_files(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HEADRACE_MODEL_ENV_MLFLOW", "mlflow")
    (folder / "more").mkdir()
    (folder / "requirements.txt").write_text(
        "# a remark\nnumpy>=1.26  # another\n\n-r more/rest.txt\n-c constraints.txt\n"
        "--extra-index-url https://example.org/simple\nsix \\\n  ==1.16\n"
    )
    (folder / "more" / "rest.txt").write_text("pandas\n./local.whl\n")
    (folder / "more" / "local.whl").write_text("a wheel")
    (folder / "constraints.txt").write_text("numpy<3\n")
    found = virtualenv.define(folder, override=["numpy==2", "new"], root=tmp_path)
    assert found.lines == (
        "pandas",
        str(folder / "more" / "local.whl"),
        f"-c {folder}/constraints.txt",
        "--extra-index-url https://example.org/simple",
        "six    ==1.16",
        "numpy==2",
        "new",
    )
    # what the files hold is part of the definition
    key = found.key("uv")
    assert virtualenv.define(folder, override=["numpy==2", "new"], root=tmp_path).key("uv") == key
    assert found.key("virtualenv") != key
    (folder / "constraints.txt").write_text("numpy<4\n")
    assert virtualenv.define(folder, override=["numpy==2", "new"], root=tmp_path).key("uv") != key


def test_requirements_that_go_round(folder):
    (folder / "requirements.txt").write_text("-r requirements.txt\n")
    with pytest.raises(MlflowException, match="one too many"):
        virtualenv.define(folder)
    (folder / "requirements.txt").write_text("-r absent.txt\n")
    with pytest.raises(MlflowException, match="not there"):
        virtualenv.define(folder)


def test_definition_of_conda(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HEADRACE_MODEL_ENV_MLFLOW", "mlflow")
    (folder / "python_env.yaml").unlink()
    (folder / "conda.yaml").write_text(
        "dependencies:\n- python=3.11.7\n- conda-forge::blas\n- pip<25\n- pip:\n  - six\n"
    )
    found = virtualenv.define(folder, root=tmp_path)
    assert (found.python, found.lines) == ("3.11.7", ("six",))
    (folder / "conda.yaml").unlink()
    assert virtualenv.define(folder, root=tmp_path).python is None
    (folder / "requirements.txt").unlink()
    with pytest.raises(MlflowException, match="nothing says"):
        virtualenv.define(folder, root=tmp_path)


def test_wheel_of_this_headrace(tmp_path):
    path = headrace_wheel.pack(tmp_path)
    assert headrace_wheel.pack(tmp_path) == path
    with zipfile.ZipFile(path) as wheel:
        names = set(wheel.namelist())
        info = f"headrace-{headrace_wheel.HEADRACE_VERSION}.dist-info"
        assert {f"{info}/METADATA", f"{info}/WHEEL", f"{info}/RECORD"} <= names
        assert wheel.read("mlflow/__init__.py") == Path(mlflow.__file__).read_bytes()
        assert not any("__pycache__" in name for name in names)
        recorded = {line.split(",")[0] for line in wheel.read(f"{info}/RECORD").decode().split()}
    assert recorded == names


def test_wheel_leaves_out_the_ui(tmp_path):
    for name in ("server/app.py", "server/static/index.html", "server/static/static/a-12345678.js"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert list(headrace_wheel._package(tmp_path)) == [("mlflow/server/app.py", b"")]


# Making it.


def test_which_python(tmp_path, monkeypatch):
    assert virtualenv.find_python(None) == sys.executable
    assert virtualenv.find_python(VERSION) == sys.executable
    assert virtualenv.find_python(VERSION.rpartition(".")[0]) == sys.executable
    monkeypatch.setattr(virtualenv, "_get_uv_binary", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    near = VERSION.rpartition(".")[0] + ".99"
    assert virtualenv.find_python(near) == sys.executable  # with a warning
    with pytest.raises(MlflowException, match=r"Python 3\.99\.1, which is not here"):
        virtualenv.find_python("3.99.1")
    with pytest.raises(MlflowException, match="no version"):
        virtualenv.find_python("3.11; rm -rf /")
    version = tmp_path / "pyenv" / "versions" / "3.99.1" / "bin"
    version.mkdir(parents=True)
    mine = program(version / "python", "print('3.99.1')")
    assert virtualenv.find_python("3.99.1") == mine


@pytest.fixture
def quick(monkeypatch):
    """Environments that are made without an installer; a list of what was made."""
    made = []

    def create(definition, manager, place, capture_output, extra_env):
        made.append(place)
        Path(virtualenv.python_of(place)).parent.mkdir(parents=True)
        Path(virtualenv.python_of(place)).write_text("")
        if os.environ.get("BREAK"):
            raise KeyboardInterrupt
        virtualenv._mark_complete(place, definition)

    monkeypatch.setattr(virtualenv, "_create", create)
    return made


def test_environment_is_made_once(folder, tmp_path, quick):
    found = virtualenv.define(folder, root=tmp_path)
    places = []

    def make():
        places.append(virtualenv.get_or_create(found, "uv", root=tmp_path))

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(places)) == 1
    assert len(quick) == 1


def test_interrupted_environment_is_removed_and_made_anew(folder, tmp_path, quick, monkeypatch):
    found = virtualenv.define(folder, root=tmp_path)
    monkeypatch.setenv("BREAK", "1")
    with pytest.raises(KeyboardInterrupt):
        virtualenv.get_or_create(found, root=tmp_path)
    assert not quick[0].exists()
    monkeypatch.delenv("BREAK")
    # as after kill -9: there, but not complete
    Path(virtualenv.python_of(quick[0])).parent.mkdir(parents=True)
    (quick[0] / "half").write_text("x")
    place = virtualenv.get_or_create(found, root=tmp_path)
    assert place == quick[0]
    assert not (place / "half").exists()


def test_environment_that_may_not_be_made(folder, tmp_path, quick):
    found = virtualenv.define(folder, root=tmp_path)
    with pytest.raises(MlflowException, match="MLFLOW_DISABLE_ENV_CREATION"):
        virtualenv.get_or_create(found, root=tmp_path, create=False)
    virtualenv.get_or_create(found, root=tmp_path)
    assert virtualenv.get_or_create(found, root=tmp_path, create=False) == quick[0]


@pytest.mark.slow
@pytest.mark.skipif(not EVERYTHING, reason="makes an environment: HEADRACE_TEST_ALL=1")
def test_failed_installer_says_why(folder, tmp_path):
    (folder / "requirements.txt").write_text("./no such requirement\n")
    (folder / "python_env.yaml").write_text("dependencies:\n- -r requirements.txt\n")
    found = virtualenv.define(folder, root=tmp_path)
    with pytest.raises(ShellCommandException, match="no such requirement"):
        virtualenv.get_or_create(found, root=tmp_path, capture_output=True)
    assert not list((tmp_path / "virtualenv_envs").glob("mlflow-*[!k]"))


@pytest.mark.slow
@pytest.mark.skipif(not EVERYTHING, reason="takes a minute: HEADRACE_TEST_ALL=1")
@pytest.mark.parametrize("manager", ["virtualenv", "uv"])
def test_real_environment(save_model, tmp_path, manager, monkeypatch):
    if manager == "uv" and not uv_utils.is_uv_available():
        missing("uv", "pip install uv")
    monkeypatch.setenv("MLFLOW_ENV_ROOT", str(tmp_path / "envs"))
    # packed once, so that a file which changes during the test does not ask for another one
    wheel = headrace_wheel.requirement(tmp_path / "wheel")
    monkeypatch.setenv("HEADRACE_MODEL_ENV_MLFLOW", wheel)
    path = save_model(
        "return [os.environ['VIRTUAL_ENV'], os.environ.get('GIVEN')]",
        pip_requirements=["mlflow==3.17.2", "numpy", "pandas"],
    )
    backend = get_flavor_backend(path, env_manager=manager)
    backend.prepare_env(path)
    (place,) = [p for p in (tmp_path / "envs" / "virtualenv_envs").iterdir() if p.is_dir()]
    before = place.stat().st_ctime_ns
    answer = tmp_path / "answer.json"
    mlflow.models.predict(
        path,
        input_data=[1],
        output_path=str(answer),
        env_manager=manager,
        extra_envs={"GIVEN": "x"},
    )
    assert json.loads(answer.read_text()) == {"predictions": [str(place), "x"]}
    assert place.stat().st_ctime_ns == before
    version = "import mlflow.version as v; print(v.HEADRACE_VERSION)"
    done = subprocess.run(
        [virtualenv.python_of(place), "-c", version], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout.strip() == headrace_wheel.HEADRACE_VERSION


# conda, which is seldom there: its command lines, by a program in its place.

CONDA = """
import json, os, sys
with open(os.environ["CONDA_SAID"], "a") as file:
    print(json.dumps(sys.argv[1:]), file=file)
if sys.argv[1:3] == ["env", "list"]:
    print(json.dumps({"envs": json.loads(os.environ.get("CONDA_HAS", "[]"))}))
if sys.argv[1:3] == ["env", "create"] and os.environ.get("CONDA_FAILS"):
    sys.exit("no such package")
"""


@pytest.fixture
def fake_conda(tmp_path, monkeypatch):
    """A function that tells what conda was asked."""
    (tmp_path / "conda" / "bin").mkdir(parents=True)
    program(tmp_path / "conda" / "bin" / "conda", CONDA)
    monkeypatch.setenv("MLFLOW_CONDA_HOME", str(tmp_path / "conda"))
    monkeypatch.setenv("CONDA_SAID", str(tmp_path / "said"))
    monkeypatch.setenv("HEADRACE_MODEL_ENV_MLFLOW", "headrace==1")
    (tmp_path / "conda.yaml").write_text(
        "name: mlflow-env\nchannels: [conda-forge]\n"
        "dependencies: [python=3.11, pip, {pip: ['mlflow==3.17.2', 'six==1']}]\n"
    )
    return lambda: [json.loads(line) for line in (tmp_path / "said").read_text().splitlines()]


def test_conda_environment(tmp_path, fake_conda, monkeypatch):
    import yaml

    name = conda.get_or_create(tmp_path / "conda.yaml", override=["six==2"], root=tmp_path)
    listed, created = fake_conda()
    assert listed == ["env", "list", "--json"]
    file = tmp_path / "conda_envs" / f"{name}.yaml"
    assert created == ["env", "create", "-n", name, "--file", str(file), "--quiet"]
    assert yaml.safe_load(file.read_text()) == {
        "name": name,
        "channels": ["conda-forge"],
        "dependencies": ["python=3.11", "pip", {"pip": ["six==2", "headrace==1"]}],
    }
    monkeypatch.setenv("CONDA_HAS", json.dumps([f"/envs/{name}"]))
    again = conda.get_or_create(tmp_path / "conda.yaml", override=["six==2"], root=tmp_path)
    assert again == name
    assert len(fake_conda()) == 3
    other = conda.get_or_create(tmp_path / "conda.yaml", root=tmp_path)
    assert other != name
    assert conda.command_in(name, ["python", "-V"])[1:] == [
        "run",
        "--name",
        name,
        "--no-capture-output",
        "python",
        "-V",
    ]


def test_conda_environment_that_fails_is_removed(tmp_path, fake_conda, monkeypatch):
    monkeypatch.setenv("CONDA_FAILS", "1")
    with pytest.raises(ShellCommandException, match="no such package"):
        conda.get_or_create(tmp_path / "conda.yaml", root=tmp_path, capture_output=True)
    assert fake_conda()[-1][:2] == ["env", "remove"]


def test_no_conda(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_CONDA_HOME", raising=False)
    monkeypatch.delenv("CONDA_EXE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ExecutionException, match="conda is needed"):
        conda.get_or_create(tmp_path / "conda.yaml", root=tmp_path)


# Programs.


def test_programs_are_never_run_by_a_shell():
    with pytest.raises(TypeError):
        _exec_cmd("echo hello")
    with pytest.raises(TypeError):
        _exec_cmd(["echo", "hello"], shell=True)


def test_program_that_fails():
    command = [sys.executable, "-c", "import sys; print('out'); sys.exit('err')"]
    with pytest.raises(ShellCommandException) as caught:
        _exec_cmd(command)
    for part in ("Non-zero exit code: 1", "STDOUT:\nout", "STDERR:\nerr"):
        assert part in str(caught.value)
    assert _exec_cmd(command, throw_on_error=False).returncode == 1
    show = [sys.executable, "-c", "import os; print(os.environ['GIVEN'])"]
    assert _exec_cmd(show, extra_env={"GIVEN": "x"}).stdout == "x\n"
    with _exec_cmd(command, synchronous=False) as running:
        assert running.wait() == 1


def test_value_for_each_process():
    calls = []

    @process.cache_return_value_per_process
    def double(number):
        calls.append(number)
        return number * 2

    assert [double(1), double(1), double(2)] == [2, 2, 4]
    assert calls == [1, 2]


def test_projects_of_uv(tmp_path, monkeypatch):
    assert uv_utils.detect_uv_project(tmp_path) is None
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\nversion = '1'\n")
    assert uv_utils.detect_uv_project(tmp_path) is None
    (tmp_path / "uv.lock").write_text(
        'source = { registry = "https://user:secret@example.org/simple" }\n'
        'source = { registry = "https://pypi.org/simple" }\n'
    )
    found = uv_utils.detect_uv_project(tmp_path)
    assert (found.uv_lock, found.pyproject) == (tmp_path / "uv.lock", tmp_path / "pyproject.toml")
    urls = uv_utils.extract_index_urls_from_uv_lock(tmp_path / "uv.lock")
    assert urls == ["https://example.org/simple"]
    target = tmp_path / "model"
    target.mkdir()
    assert not uv_utils.has_uv_lock_artifact(target)
    assert uv_utils.copy_uv_project_files(target, tmp_path)
    assert uv_utils.has_uv_lock_artifact(target)
    assert not uv_utils.copy_uv_project_files(target, target / "absent")
    monkeypatch.setenv("MLFLOW_LOG_UV_FILES", "false")
    assert not uv_utils.copy_uv_project_files(target, tmp_path)


def test_requirements_by_uv(tmp_path):
    if not uv_utils.is_uv_available():
        missing("uv", "pip install uv")
    assert str(uv_utils.get_uv_version())
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = []\n'
    )
    subprocess.run([uv_utils._get_uv_binary(), "lock", "--offline"], cwd=tmp_path, check=True,
                   capture_output=True)  # fmt: skip
    assert uv_utils.export_uv_requirements(tmp_path) == []
    assert uv_utils.export_uv_requirements(tmp_path / "absent") is None


def test_output_goes_to_standard_error(capfd):
    _exec_cmd([sys.executable, "-c", "print('said')"], capture_output=False, stream_output=True)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "said\n")
