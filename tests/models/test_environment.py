"""The files that say what a model requires."""

import platform
from pathlib import Path

import pytest
import yaml

from mlflow.exceptions import MlflowException
from mlflow.models import infer_pip_requirements
from mlflow.utils.environment import (
    Environment,
    _installed,
    _mlflow_conda_env,
    write_environment,
)
from mlflow.utils.requirements_utils import package_of, warn_dependency_requirement_mismatches
from tests.models.toy import Doubler, Toy
from tests.optional import optional

GOLDEN = Path(__file__).parents[1] / "data" / "models-golden"
MLFLOW = "mlflow==3.17.2"


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes the files; what they say."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "limits.txt").write_text("b<3\n")
    folder = tmp_path / "model"
    folder.mkdir()

    def write(*args, **options):
        write_environment(str(folder), *args, **options)
        lines = (folder / "requirements.txt").read_text().splitlines()
        conda = yaml.safe_load((folder / "conda.yaml").read_text())
        in_conda = [d["pip"] for d in conda["dependencies"] if isinstance(d, dict)]
        assert in_conda == [lines]
        return lines

    write.folder = folder
    return write


def test_files_have_the_form_of_the_reference(written):
    assert written(["b==2", "a==1"]) == [MLFLOW, "a==1", "b==2"]
    golden = (GOLDEN / "sklearn-default" / "conda.yaml").read_text()
    pip = _installed("pip")
    assert (written.folder / "conda.yaml").read_text() == (
        golden[: golden.index("  - numpy")]
        .replace("3.11.7", platform.python_version())
        # There was no pip where these were made.
        .replace("- pip\n", f"- pip<={pip}\n" if pip else "- pip\n")
        + "  - a==1\n  - b==2\nname: mlflow-env\n"
    )
    env = (written.folder / "python_env.yaml").read_text()
    golden = yaml.safe_load((GOLDEN / "sklearn-default" / "python_env.yaml").read_text())
    assert list(yaml.safe_load(env)) == list(golden)
    assert [package_of(one) for one in yaml.safe_load(env)["build_dependencies"]] == golden[
        "build_dependencies"
    ]
    assert yaml.safe_load(env)["dependencies"] == golden["dependencies"]


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        ([], [MLFLOW]),
        (["foo==1"], [MLFLOW, "foo==1"]),
        (["foo==1", "mlflow"], ["foo==1", "mlflow"]),
        (["mlflow-skinny==2"], ["mlflow-skinny==2"]),
        (["foo=!=1"], [MLFLOW, "foo=!=1"]),
        (["git+https://x.y/z.git"], [MLFLOW, "git+https://x.y/z.git"]),
        (["foo # why"], [MLFLOW, "foo"]),
        (["foo==1", "-c limits.txt"], [MLFLOW, "foo==1", "-c constraints.txt"]),
        (("foo",), [MLFLOW, "foo"]),
    ],
)
def test_given_requirements_are_all(written, given, lines):
    assert written(["unused==1"], pip_requirements=given) == lines
    limits = written.folder / "constraints.txt"
    assert limits.exists() == ("-c constraints.txt" in lines)
    if limits.exists():
        assert limits.read_text() == "b<3"


def test_requirements_from_a_file_with_files(written, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "more.txt").write_text("c==3\n")
    (tmp_path / "req.txt").write_text("a==1 \\\n  --no-binary a\n# no\n-r deep/more.txt\n")
    assert written(pip_requirements=str(tmp_path / "req.txt")) == [
        MLFLOW,
        "a==1    --no-binary a",
        "c==3",
    ]


@pytest.mark.parametrize(
    ("known", "extra", "lines"),
    [
        (["numpy==2"], ["foo==1"], [MLFLOW, "numpy==2", "foo==1"]),
        (["numpy==2"], ["numpy<3"], [MLFLOW, "numpy<3,==2"]),
        (["numpy==2"], ["NumPy[x]<3"], [MLFLOW, "numpy[x]<3,==2"]),
        (["numpy==2"], ["-c limits.txt"], [MLFLOW, "numpy==2", "-c constraints.txt"]),
    ],
)
def test_extra_requirements_come_besides(written, known, extra, lines):
    assert written(known, extra_pip_requirements=extra) == lines


@pytest.mark.parametrize(
    ("conda", "lines"),
    [
        ({"dependencies": ["numpy", {"pip": ["foo", "mlflow<3"]}]}, ["foo", "mlflow<3"]),
        ({"name": "x", "dependencies": ["python=3.9", "numpy"]}, [MLFLOW]),
        (
            {"dependencies": ["pip=22", {"pip": ["foo", "-c limits.txt"]}]},
            [MLFLOW, "foo", "-c constraints.txt"],
        ),
    ],
)
def test_a_conda_environment_is_kept_with_mlflow_in_it(written, conda, lines, tmp_path):
    assert written(conda_env=conda) == lines
    (tmp_path / "env.yaml").write_text(yaml.safe_dump(conda))
    assert written(conda_env=str(tmp_path / "env.yaml")) == lines
    kept = yaml.safe_load((written.folder / "conda.yaml").read_text())
    assert kept.keys() == conda.keys()
    assert kept["dependencies"][:-1] == [d for d in conda["dependencies"] if isinstance(d, str)]


def test_one_way_to_give_requirements(written):
    with pytest.raises(ValueError, match="Only one of"):
        written(pip_requirements=[], extra_pip_requirements=[])
    with pytest.raises(ValueError, match="Only one of"):
        written(conda_env={}, extra_pip_requirements=[])
    with pytest.raises(TypeError, match="`pip_requirements` must be either"):
        written(pip_requirements=3)
    with pytest.raises(TypeError, match="path to a conda env"):
        written(conda_env=3)
    with pytest.raises(FileNotFoundError):
        written(conda_env="nope.yaml")


def test_a_default_conda_environment(tmp_path):
    env = _mlflow_conda_env(additional_pip_deps=["foo"], additional_conda_deps=["bar"])
    assert env["dependencies"][1] == "bar"
    assert env["dependencies"][-1] == {"pip": [MLFLOW, "foo"]}
    assert _mlflow_conda_env(str(tmp_path / "x.yaml"), additional_pip_deps=["foo"]) is None
    assert yaml.safe_load((tmp_path / "x.yaml").read_text())["name"] == "mlflow-env"


def test_requirements_of_a_saved_model(tmp_path):
    Toy().save(Doubler(), str(tmp_path / "m"))
    found = infer_pip_requirements(str(tmp_path / "m"), "sklearn")
    assert "scikit-learn" in map(package_of, found)
    assert all("==" in one for one in found)
    assert infer_pip_requirements("/nowhere", "sklearn", fallback=["a"]) == ["a"]
    with pytest.raises(MlflowException):
        infer_pip_requirements("/nowhere", "sklearn")


def test_requirements_that_cannot_be_inferred_need_not_stop_anyone(tmp_path, monkeypatch, caplog):
    def broken(*args):
        raise OSError("unreadable")

    monkeypatch.setattr("mlflow.utils.environment.required_by", broken)
    write_environment(str(tmp_path), ["a==1"])
    assert (tmp_path / "requirements.txt").read_text() == f"{MLFLOW}\na==1"
    assert "unreadable" in caplog.text
    monkeypatch.setenv("MLFLOW_REQUIREMENTS_INFERENCE_RAISE_ERRORS", "true")
    with pytest.raises(MlflowException, match="cannot be inferred"):
        write_environment(str(tmp_path), ["a==1"])


@pytest.mark.parametrize(
    ("requirement", "warned"),
    [
        ("pyyaml", False),
        ("pyyaml<1", True),
        ("no-such-package-here", True),
        ("mlflow==3.17.2", False),
        ("pyyaml<1; python_version < '3'", False),
        ("-c constraints.txt", False),
        ("git+https://x.y/z.git", False),
        ("foo=!=1", False),
    ],
)
def test_what_is_installed_is_compared(requirement, warned, caplog):
    optional("packaging")
    warn_dependency_requirement_mismatches([requirement])
    assert (requirement in caplog.text) == warned


def test_commands_run_after_those_that_activate(tmp_path):
    environment = Environment("export A=1", {"B": "2"})
    assert environment.get_activate_command() == ["export A=1"]
    done = environment.execute("echo $A$B", capture_output=True)
    assert done.stdout.strip() == "12"
