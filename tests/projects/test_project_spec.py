"""`MLproject` files; what the reference accepts and refuses was seen from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlflow.exceptions import ExecutionException, MlflowException
from mlflow.projects import get_entry_point_command, load_project

ENTRY = "entry_points: {a: {command: ls, parameters: %s}}"


def write(folder: Path, text: str, *files: str, name: str = "MLproject") -> str:
    (folder / name).write_text(text)
    for each in files:
        (folder / each).write_text("")
    return str(folder)


@pytest.mark.parametrize(
    ("text", "files", "kind", "path"),
    [
        ("name: n", [], "python_env", None),
        ("name: n", ["conda.yaml"], "conda_env", "conda.yaml"),
        ("name: n", ["python_env.yaml", "conda.yaml"], "python_env", "python_env.yaml"),
        ("conda_env: c.yaml", ["c.yaml"], "conda_env", "c.yaml"),
        ("python_env: p.yaml", ["p.yaml"], "python_env", "p.yaml"),
        ("docker_env: {image: x}", ["conda.yaml"], "docker_env", None),
        ("docker_env: {}", [], "python_env", None),
    ],
)
def test_kind_of_environment(tmp_path, text, files, kind, path):
    found = load_project(write(tmp_path, text, *files))
    assert found.env_type == kind
    assert found.env_config_path == (None if path is None else str(tmp_path / path))


def test_folder_without_a_file(tmp_path):
    found = load_project(str(tmp_path))
    assert (found.name, found.env_type, found.docker_env) == (None, "python_env", None)
    assert found.get_entry_point("train.py").command == "python train.py"
    with pytest.raises(FileNotFoundError):
        load_project(str(tmp_path / "absent"))


def test_any_case_of_the_name(tmp_path):
    assert load_project(write(tmp_path, "name: low", name="mlproject")).name == "low"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a", "must be a mapping"),
        ("entry_points: []", ""),
        ("entry_points: [a]", "'entry_points' must be a mapping"),
        ("entry_points: {a: x}", "entry point 'a' must be a mapping"),
        ("entry_points: {a: {command: [x]}}", "'command' of 'a' must be text"),
        (ENTRY % "[x]", "'parameters' of 'a' must be a mapping"),
        (ENTRY % "{x: 5}", "parameter 'x' of 'a' must be a type"),
        (ENTRY % "{x: null}", "parameter 'x' of 'a' must be a type"),
        ("name: [1]", "'name' must be text"),
        ("conda_env: nope.yaml", "specified conda environment file"),
        ("python_env: nope.yaml", "specified python_env file"),
        ("python_env: {a: 1}", "'python_env' must be the path"),
        ("python_env: x\nconda_env: y", "multiple environment fields"),
        ("docker_env: x", "'docker_env' must be a mapping"),
        ("docker_env: {image: ''}", "no image attribute found"),
        ("docker_env: {image: x, volumes: foo}", "Docker volumes must be a list of strings"),
        ("docker_env: {image: x, environment: [1]}", "environment must be a list"),
        ("docker_env: {image: x, environment: [[A]]}", "environment must be a list"),
    ],
)
def test_files_that_cannot_be(tmp_path, text, said):
    with pytest.raises(ExecutionException) as error:
        load_project(write(tmp_path, text)).get_entry_point("nope")
    assert said in error.value.message


def test_files_that_are_no_yaml(tmp_path):
    for text in ("{", "!!python/object/apply:os.system [id]"):
        with pytest.raises(MlflowException, match="not YAML"):
            load_project(write(tmp_path, text))


def test_entry_points_that_are_files(tmp_path, monkeypatch):
    found = load_project(str(tmp_path))
    monkeypatch.setenv("SHELL", "/bin/my shell")
    assert found.get_entry_point("a b.sh").command == "'/bin/my shell' 'a b.sh'"
    monkeypatch.delenv("SHELL")
    assert found.get_entry_point("x.sh").command == "bash x.sh"
    for name in ("nope", "x.R", "x.py; ls", "x\0.py"):
        with pytest.raises(ExecutionException, match="Could not find"):
            found.get_entry_point(name)


PROJECT = """
entry_points:
  main:
    parameters:
      rate: {type: float, default: 0.01}
      data: {type: path, default: data.csv}
      where: {type: uri, default: "s3://b/k"}
      text: string
    command: "run {rate} {data} {where} {text}"
"""


@pytest.fixture
def spec(tmp_path):
    write(tmp_path, PROJECT, "data.csv")
    return load_project(str(tmp_path))


def test_values_of_all_types(spec, tmp_path):
    data = tmp_path / "data.csv"
    given = {"text": "a b", "rate": 1.5, "more": True}
    said = f"run 1.5 {data} s3://b/k 'a b' --more True"
    assert get_entry_point_command(spec, "main", given, str(tmp_path / "st")) == [said]
    assert list((tmp_path / "st").iterdir()) == []  # nothing was fetched, so nothing stays
    given = {"text": "a", "data": data.as_uri(), "where": "file:///x"}
    assert get_entry_point_command(spec, "main", given, None) == [f"run 0.01 {data} file:///x a"]
    assert spec.get_entry_point("main").compute_parameters({"text": "a b", "k k": "v v"}, None) == (
        {"rate": "0.01", "data": "data.csv", "where": "s3://b/k", "text": "'a b'"},
        {"'k k'": "'v v'"},
    )


def test_path_in_a_remote_store_is_fetched(spec, tmp_path, client):
    run_id = client.create_run("0").info.run_id
    client.log_text(run_id, "1,2", "in/a.csv")
    given = {"text": "a", "data": f"runs:/{run_id}/in"}
    command = get_entry_point_command(spec, "main", given, str(tmp_path / "st"))[0]
    fetched = Path(command.split()[2])
    assert fetched.is_relative_to(tmp_path / "st")
    assert (fetched / "a.csv").read_text() == "1,2"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "No value given for missing parameters: 'text'"),
        ({"text": "a", "data": "/no/thing"}, "Got value /no/thing for parameter data"),
        ({"text": "a", "data": ""}, "for parameter data, but no such file"),
        ({"text": "a", "where": "foo"}, "Expected URI for parameter where but got foo"),
        ({"text": "a\0"}, "the character NUL"),
        ({"text": "a", "b\0": "c"}, "the character NUL"),
    ],
)
def test_values_that_cannot_be(spec, tmp_path, given, said):
    with pytest.raises(MlflowException) as error:
        get_entry_point_command(spec, "main", given, str(tmp_path / "st"))
    assert said in error.value.message


def test_float_that_is_none_makes_a_warning(spec, caplog, monkeypatch):
    import logging

    monkeypatch.setattr(logging.getLogger("mlflow"), "propagate", True)
    get_entry_point_command(spec, "main", {"text": "a", "rate": "high"}, None)
    assert "declared as float; its value 'high' is no number" in caplog.text
