"""Texts, dicts, streams, figures and plain files as artifacts."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from tests.optional import optional

import mlflow
from mlflow.exceptions import MlflowException


@pytest.fixture
def root() -> Path:
    """Where the active run's artifacts are."""
    run = mlflow.start_run()
    return Path(run.info.artifact_uri)


def test_text(root):
    mlflow.log_text("héllo\r\nx", "a/t.txt")
    assert (root / "a" / "t.txt").read_bytes() == "héllo\r\nx".encode()
    mlflow.log_text("new", Path("a/t.txt"))
    assert (root / "a" / "t.txt").read_text() == "new"


@pytest.mark.parametrize("name", ["/abs.txt", "../up.txt", "a/../../up.txt", "", ".", ".."])
def test_name_outside_the_artifacts_is_refused(root, name):
    with pytest.raises(MlflowException):
        mlflow.log_text("x", name)
    assert not (root.parent / "up.txt").exists()


def test_dict_is_json_or_yaml_by_its_ending(root):
    value = {"b": 1, "a": [1, "é"], "nan": float("nan"), "object": Path("x")}
    mlflow.log_dict(value, "d/x.json")
    text = (root / "d" / "x.json").read_text()
    assert text.startswith('{\n  "b": 1,\n  "a": [\n    1,\n    "\\u00e9"\n  ],\n  "nan": NaN')
    assert json.loads(text)["object"] == "x"
    for name in ("x.yml", "x.yaml"):
        mlflow.log_dict({"b": 1, "a": [1, "é"]}, name)
        assert (root / name).read_text() == 'a:\n- 1\n- "\\xE9"\nb: 1\n'
    mlflow.log_dict({"a": 1}, "none")
    assert (root / "none").read_text() == '{\n  "a": 1\n}'


def test_stream(root):
    mlflow.log_stream(io.BytesIO(b"abc" * 10**6), "s/x.bin")
    assert (root / "s" / "x.bin").read_bytes() == b"abc" * 10**6


def test_figure_of_matplotlib(root):
    figure = optional("matplotlib.figure").Figure()
    figure.add_subplot().plot([1, 2])
    mlflow.log_figure(figure, "f.png")
    assert (root / "f.png").read_bytes().startswith(b"\x89PNG")
    mlflow.log_figure(figure, "f.svg", save_kwargs={"transparent": True})
    assert "<svg" in (root / "f.svg").read_text()


def test_figure_of_plotly(root):
    figure = optional("plotly.graph_objects").Figure()
    mlflow.log_figure(figure, "f.html")
    assert "https://cdn.plot.ly" in (root / "f.html").read_text()
    mlflow.log_figure(figure, "g.html", save_kwargs={"include_plotlyjs": False})
    assert "https://cdn.plot.ly" not in (root / "g.html").read_text()
    with pytest.raises(TypeError, match=r"Unsupported file extension for plotly figure: '\.txt'"):
        mlflow.log_figure(figure, "f.txt")


def test_other_figure_is_refused(root):
    with pytest.raises(TypeError, match="Unsupported figure object type"):
        mlflow.log_figure("x", "f.png")


def test_files_and_directories(root, tmp_path, client):
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "one.txt").write_text("1")
    (folder / "sub" / "two.txt").write_text("2")
    mlflow.log_artifact(folder / "one.txt")
    mlflow.log_artifact(str(folder / "one.txt"), "in")
    mlflow.log_artifact(f"{folder}/", "in")
    mlflow.log_artifacts(folder, "all")
    run_id = mlflow.active_run().info.run_id
    found = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}
    assert found == {
        "one.txt", "in/one.txt", "in/folder/one.txt", "in/folder/sub/two.txt", "all/one.txt",
        "all/sub/two.txt",
    }  # fmt: skip
    assert [f.path for f in client.list_artifacts(run_id)] == ["all", "in", "one.txt"]
    assert [f.path for f in client.list_artifacts(run_id, "all")] == ["all/one.txt", "all/sub"]


def test_files_go_to_the_run_that_was_named(client, tmp_path):
    run = client.create_run("0")
    (tmp_path / "x.txt").write_text("x")
    mlflow.log_artifact("x.txt", run_id=run.info.run_id)
    mlflow.log_text("y", "y.txt", run_id=run.info.run_id)
    mlflow.log_dict({}, "z.json", run_id=run.info.run_id)
    mlflow.log_stream(io.BytesIO(b""), "s", run_id=run.info.run_id)
    assert [f.path for f in client.list_artifacts(run.info.run_id)] == [
        "s", "x.txt", "y.txt", "z.json",
    ]  # fmt: skip
    assert mlflow.active_run() is None


def test_downloads_are_copies(root, client, tmp_path):
    mlflow.log_text("x", "a/x.txt")
    run_id = mlflow.active_run().info.run_id
    copy = Path(client.download_artifacts(run_id, "a/x.txt"))
    assert copy.read_text() == "x"
    assert root not in copy.parents
    folder = Path(client.download_artifacts(run_id, "a", dst_path=str(tmp_path / "new" / "dst")))
    assert (folder / "x.txt").read_text() == "x"
    assert tmp_path / "new" / "dst" in folder.parents
