"""`mlflow models`, without starting servers (see tests/serving)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models.docker_utils import build_command, generate_dockerfile
from mlflow.models.flavor_backend_registry import get_flavor_backend
from mlflow.pyfunc.backend import PyFuncBackend


@pytest.fixture
def model(tmp_path: Path) -> str:
    (tmp_path / "code.py").write_text(
        "import os\n"
        "from mlflow.models import set_model\n"
        "from mlflow.pyfunc import PythonModel\n"
        "class Model(PythonModel):\n"
        "    def predict(self, context, model_input, params=None):\n"
        "        return model_input\n"
        "set_model(Model())\n"
    )
    path = tmp_path / "a model"
    mlflow.pyfunc.save_model(
        path, python_model=str(tmp_path / "code.py"), pip_requirements=["mlflow==3.17.2", "numpy"]
    )
    return str(path)


LOCAL = ("--env-manager", "local")


def test_predict(run, model, tmp_path):
    Path("in.json").write_text('{"inputs": [1, 2]}')
    Path("in.csv").write_text("a,b\n1,x\n")
    result = run("models", "predict", "-m", model, *LOCAL, "-i", "in.json")
    assert result.stdout == '{"predictions": [1, 2]}' or json.loads(result.stdout) == {
        "predictions": [1, 2]
    }
    result = run("models", "predict", "-m", model, *LOCAL, "-i", "in.csv", "-t", "csv")
    assert json.loads(result.stdout) == {"predictions": [{"a": 1, "b": "x"}]}
    result = run("models", "predict", "-m", model, *LOCAL, "-i", "in.json", "-o", "out.json")
    assert result.stdout == ""
    assert json.loads(Path("out.json").read_text()) == {"predictions": [1, 2]}


def test_predict_from_standard_input(model):
    done = subprocess.run(
        [sys.executable, "-m", "mlflow", "models", "predict", "-m", model, *LOCAL],
        input='{"inputs": [3]}',
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == {"predictions": [3]}


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("-t", "xml"), 1, "Content type must be one of json or csv."),
        (("--env", "x"), 2, "'x' is not a valid key value pair, expecting `key=value`"),
        (("--env", "a=b"), 1, "Extra environment variables are only supported"),
        (("-r", "x==1"), 1, "`pip_requirements_override` is not supported for local env manager"),
    ],
)
def test_predict_refuses(run, model, words, status, said):
    Path("in.json").write_text('{"inputs": [1]}')
    result = run("models", "predict", "-m", model, *LOCAL, "-i", "in.json", *words, status=status)
    assert said in result.stderr


def test_predict_with_a_request_that_is_none(run, model):
    Path("in.json").write_text('{"x": 1}')
    result = run("models", "predict", "-m", model, *LOCAL, "-i", "in.json", status=1)
    assert "exactly one of the input fields" in result.stderr


@pytest.mark.parametrize("command", ["serve", "predict", "prepare-env", "build-docker"])
def test_unknown_environment_manager(run, command):
    result = run("models", command, "-m", "x", "--env-manager", "nope", status=1)
    assert "Invalid value for `env_manager`: nope. Must be one of" in result.stderr


def test_no_such_model(run):
    assert "nowhere" in run("models", "serve", "-m", "nowhere", *LOCAL, status=1).stderr


def test_serve_refuses(run, model):
    said = run("models", "serve", "-m", model, *LOCAL, "--workers", "many", status=1).stderr
    assert "The number of workers is 'many'" in said
    said = run("models", "serve", "-m", model, *LOCAL, "--watch", status=1).stderr
    assert "nothing to watch" in said


def test_prepare_env_needs_an_environment(run, model):
    said = run("models", "prepare-env", "-m", model, *LOCAL, status=1).stderr
    assert "should not be called with local env manager" in said


def test_conda_that_is_not_there(run, model, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("MLFLOW_DISABLE_ENV_MANAGER_CONDA_WARNING", "true")
    for name in ("MLFLOW_CONDA_HOME", "CONDA_EXE"):
        monkeypatch.delenv(name, raising=False)
    said = run("models", "prepare-env", "-m", model, "--env-manager", "conda", status=1).stderr
    assert "conda is needed" in said
    assert not get_flavor_backend(model, env_manager="conda").can_score_model()


def test_update_pip_requirements(run, model):
    run("models", "update-pip-requirements", "-m", model, "add", "six==1", "numpy<3")
    lines = Path(model, "requirements.txt").read_text().split()
    assert {"six==1", "numpy<3"} <= set(lines)
    result = run("models", "update-pip-requirements", "-m", model, "remove", "six")
    assert "Successfully updated" in result.stderr
    assert "six" not in Path(model, "requirements.txt").read_text()


def test_backend_of_a_model(model):
    backend = get_flavor_backend(model, env_manager="local")
    assert isinstance(backend, PyFuncBackend)
    assert backend.can_score_model()
    assert backend.can_build_image()
    Path(model, "MLmodel").write_text("flavors:\n  other: {}\n")
    with pytest.raises(MlflowException, match="no flavor that can be served here: it has other"):
        get_flavor_backend(model, env_manager="local")


def test_model_of_a_run_is_fetched_and_removed(run, model, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    with mlflow.start_run() as active:
        mlflow.log_artifacts(model, "model")
    Path("in.json").write_text('{"inputs": [1]}')
    uri = f"runs:/{active.info.run_id}/model"
    result = run("models", "predict", "-m", uri, *LOCAL, "-i", "in.json")
    assert json.loads(result.stdout) == {"predictions": [1]}
    assert os.listdir(tmp_path / "temporary") == []


# From Python.


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        ([1, 2], [1, 2]),
        (5, 5),
        ("text", "text"),
        ({"a": 1}, {"a": 1}),
        ({"inputs": [1]}, {"inputs": [1]}),
    ],
)
def test_predict_with_data(model, data, answer):
    mlflow.models.predict(model, input_data=data, env_manager="local", output_path="out.json")
    assert json.loads(Path("out.json").read_text()) == {"predictions": answer}


def test_predict_with_tables(model):
    import pandas as pd

    frame = pd.DataFrame({"a": [1], "b": ["x"]})
    rows = {"predictions": [{"a": 1, "b": "x"}]}
    for data, content_type in ((frame, "json"), (frame, "csv"), ("a,b\n1,x\n", "csv")):
        mlflow.models.predict(
            model, data, content_type=content_type, env_manager="local", output_path="out.json"
        )
        assert json.loads(Path("out.json").read_text()) == rows


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"input_data": [1], "input_path": "x"}, "Only one of them"),
        ({"input_data": [1], "content_type": "xml"}, "json or csv"),
        ({"input_data": (1,)}, "Input data must be one of"),
        ({"input_data": object()}, "Input data must be one of"),
        ({"input_data": 'x,"', "content_type": "csv"}, "Failed to deserialize"),
        ({"input_data": [1], "extra_envs": {"a": "b"}}, "Extra environment variables"),
        ({"input_data": [1], "pip_requirements_override": ["x"]}, "not supported for local"),
    ],
)
def test_predict_refuses_arguments(model, options, said):
    with pytest.raises(MlflowException, match=said):
        mlflow.models.predict(model, env_manager="local", **options)


# Images.


def dockerfile(folder: str = "mlflow-dockerfile") -> list[str]:
    return Path(folder, "Dockerfile").read_text().splitlines()


def test_image_of_a_model(run, model):
    run("models", "generate-dockerfile", "-m", model)
    version = ".".join(map(str, sys.version_info[:3]))
    lines = dockerfile()
    assert f"FROM python:{version}-slim" in lines
    assert 'COPY ["model_dir/a model", "/opt/ml/model"]' in lines
    assert "ENV MLFLOW_DISABLE_ENV_CREATION=True" in lines
    assert json.loads(lines[-1].removeprefix("ENTRYPOINT ")) == [
        "python",
        "-c",
        "from mlflow.models import container as C; C._serve('local')",
    ]
    assert Path("mlflow-dockerfile/model_dir/a model/MLmodel").is_file()
    (copied,) = [line for line in lines if line.startswith('COPY ["headrace/')]
    assert Path("mlflow-dockerfile", json.loads(copied.removeprefix("COPY "))[0]).is_file()


def test_image_without_a_model(run):
    run("models", "generate-dockerfile", "-d", "any")
    lines = dockerfile("any")
    assert "FROM ubuntu:24.04" in lines
    assert "ENV MLFLOW_DISABLE_ENV_CREATION=False" in lines
    assert any("openjdk" in line for line in lines)
    entry = json.loads(lines[-1].removeprefix("ENTRYPOINT "))[-1]
    assert "_install_pyfunc_deps('/opt/ml/model', env_manager='virtualenv')" in entry
    assert entry.endswith("C._serve('virtualenv')")


def test_image_with_another_environment(run, model, monkeypatch):
    monkeypatch.setenv("MLFLOW_DISABLE_ENV_MANAGER_CONDA_WARNING", "true")
    run("models", "generate-dockerfile", "-m", model, "--env-manager", "conda",
        "--install-java", "false")  # fmt: skip
    text = "\n".join(dockerfile())
    assert "FROM ubuntu:24.04" in text
    assert "miniforge" in text.lower()
    assert "openjdk" not in text
    assert "env_manager='conda'" in text


def test_image_with_mlflow_itself(run, model, monkeypatch):
    monkeypatch.setenv("HEADRACE_MODEL_ENV_MLFLOW", "mlflow")
    run("models", "generate-dockerfile", "-m", model)
    assert 'RUN ["pip", "install", "--no-cache-dir", "mlflow==3.17.2"]' in dockerfile()


def test_image_of_a_checkout(run, model, tmp_path):
    (tmp_path / "checkout" / ".git").mkdir(parents=True)
    (tmp_path / "checkout" / "pyproject.toml").write_text("")
    run("models", "generate-dockerfile", "-m", model, "--mlflow-home", str(tmp_path / "checkout"))
    assert "COPY mlflow-project /opt/mlflow" in dockerfile()
    assert os.listdir("mlflow-dockerfile/mlflow-project") == ["pyproject.toml"]


def test_java_needs_ubuntu(tmp_path):
    with pytest.raises(MlflowException, match="only supported with Ubuntu"):
        generate_dockerfile(str(tmp_path), "python:3.11-slim", None, "", install_java=True)


def test_docker_gets_a_list(run, model, tmp_path, monkeypatch):
    assert build_command("docker", "/ctx", "name:1", "host") == [
        "docker", "build", "--tag", "name:1", "--file", "/ctx/Dockerfile", "--network", "host",
        "/ctx",
    ]  # fmt: skip
    with pytest.raises(MlflowException, match="no name of an image"):
        build_command("docker", "/ctx", "--privileged")
    (tmp_path / "bin").mkdir()
    docker = tmp_path / "bin" / "docker"
    docker.write_text(
        f"#!{sys.executable}\nimport json, os, sys\n"
        "json.dump([sys.argv[1:], os.listdir(sys.argv[-1])], open('said', 'w'))\n"
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    run("models", "build-docker", "-m", model, "-n", "mine; rm -rf /", *LOCAL)
    words, files = json.loads(Path("said").read_text())
    assert words[:3] == ["build", "--tag", "mine; rm -rf /"]
    assert sorted(files) == ["Dockerfile", "headrace", "model_dir"]
    docker.unlink()
    said = run("models", "build-docker", "-m", model, *LOCAL, status=1).stderr
    assert "docker is needed" in said
