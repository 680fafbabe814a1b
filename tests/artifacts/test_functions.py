"""mlflow.artifacts: what users call."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.runs_artifact_repo import RunsArtifactRepository
from tests.optional import optional

from .conftest import files_in

CONTENT = {
    "a.txt": "hello",
    "d/x.json": '{"k": [1, "é"]}',
    "d/e/f.txt": "deep",
    "d/odd %41#1?.txt": "odd",
}


@pytest.fixture(params=["sqlite", "server"])
def run_id(request, tmp_path, monkeypatch) -> str:
    """A run with artifacts, in a local store and behind a server."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    uri = f"sqlite:///{tmp_path}/t.db"
    if request.param == "server":
        uri = request.getfixturevalue("shared_server").uri
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    run = client.create_run(client.create_experiment(f"e {tmp_path}"))
    for name, text in CONTENT.items():
        client.log_text(run.info.run_id, text, name)
    yield run.info.run_id
    mlflow.set_tracking_uri("")


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "made" / "by" / "us"


def infos(*arguments, **options):
    return [
        (one.path, one.is_dir, one.file_size)
        for one in mlflow.artifacts.list_artifacts(*arguments, **options)
    ]


def test_download_of_one_file(run_id, out):
    for options in (
        {"artifact_uri": f"runs:/{run_id}/d/x.json"},
        {"run_id": run_id, "artifact_path": "d/x.json"},
        {"artifact_uri": mlflow.get_run(run_id).info.artifact_uri + "/d/x.json"},
    ):
        path = mlflow.artifacts.download_artifacts(**options, dst_path=out)
        assert Path(path) == out / "x.json"
        assert Path(path).read_text(encoding="utf-8") == CONTENT["d/x.json"]


def test_download_of_a_folder(run_id, out):
    below = {k.removeprefix("d/"): v for k, v in CONTENT.items() if k.startswith("d/")}
    for number, uri in enumerate(
        (f"runs:/{run_id}/d", mlflow.get_run(run_id).info.artifact_uri + "/d")
    ):
        folder = out / str(number)
        path = mlflow.artifacts.download_artifacts(uri, dst_path=str(folder))
        assert Path(path) == folder / "d"
        assert files_in(path) == below
        path = mlflow.artifacts.download_artifacts(uri + "/", dst_path=str(folder / "flat"))
        assert Path(path) == folder / "flat"
        assert files_in(path) == below


@pytest.mark.parametrize("uri", ["runs:/{}", "runs:/{}/", None])
def test_download_of_everything(run_id, out, uri):
    which = {"artifact_uri": uri.format(run_id)} if uri else {"run_id": run_id}
    path = mlflow.artifacts.download_artifacts(**which, dst_path=out)
    assert Path(path) == out
    assert files_in(path) == CONTENT


def test_download_without_destination_may_be_changed(run_id):
    path = Path(mlflow.artifacts.download_artifacts(f"runs:/{run_id}/a.txt"))
    path.write_text("changed")
    assert mlflow.artifacts.load_text(f"runs:/{run_id}/a.txt") == "hello"


def test_what_is_here_anyway_is_not_copied(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    path = str(tmp_path / "a.txt")
    assert mlflow.artifacts.download_artifacts(path) == path
    assert mlflow.artifacts.download_artifacts((tmp_path / "a.txt").as_uri()) == path
    assert mlflow.artifacts.download_artifacts(str(tmp_path)) == str(tmp_path)


def test_names_of_any_kind(run_id, out):
    assert mlflow.artifacts.load_text(f"runs:/{run_id}/d/odd %41#1?.txt") == "odd"
    root = mlflow.get_run(run_id).info.artifact_uri
    assert mlflow.artifacts.load_text(f"{root}/d/odd %41#1?.txt") == "odd"


def test_absent_artifacts(run_id, out, tmp_path):
    before = set(tmp_path.glob("tmp/*"))
    for options in (
        {"artifact_uri": f"runs:/{run_id}/nope"},
        {"run_id": run_id, "artifact_path": "nope"},
    ):
        with pytest.raises(MlflowException) as e:
            mlflow.artifacts.download_artifacts(**options)
        assert str(e.value) == (
            "Failed to download artifacts from path 'nope', please ensure that the path is correct."
        )
        assert e.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    assert set(tmp_path.glob("tmp/*")) == before
    with pytest.raises(MlflowException, match=f"Run with id={'0' * 32} not found"):
        mlflow.artifacts.download_artifacts(run_id="0" * 32)


@pytest.mark.parametrize("path", ["../x", "d/../../x", "/etc/passwd"])
def test_paths_that_leave_the_run_are_refused(run_id, out, path):
    with pytest.raises(MlflowException):
        mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=path, dst_path=out)
    with pytest.raises(MlflowException):
        mlflow.artifacts.list_artifacts(run_id=run_id, artifact_path=path)
    assert not out.exists() or files_in(out) == {}


def test_exactly_one_of_uri_and_run(run_id):
    both = "Exactly one of `run_id` or `artifact_uri` must be specified"
    path = "`artifact_path` cannot be specified if `artifact_uri` is specified"
    for function in (mlflow.artifacts.download_artifacts, mlflow.artifacts.list_artifacts):
        for options, message in (
            ({}, both),
            ({"artifact_path": "x"}, both),
            ({"artifact_uri": "x", "run_id": run_id}, both),
            ({"artifact_uri": "x", "artifact_path": "y"}, path),
        ):
            with pytest.raises(MlflowException, match=message) as e:
                function(**options)
            assert e.value.error_code == "INVALID_PARAMETER_VALUE"


def test_list_artifacts(run_id):
    everything = [("a.txt", False, 5), ("d", True, None)]
    assert infos(run_id=run_id) == infos(f"runs:/{run_id}/") == infos(f"runs:/{run_id}")
    assert infos(run_id=run_id) == everything
    below = [("d/e", True, None), ("d/odd %41#1?.txt", False, 3), ("d/x.json", False, 16)]
    assert infos(run_id=run_id, artifact_path="d") == infos(f"runs:/{run_id}/d") == below
    assert infos(f"runs:/{run_id}/a.txt") == infos(f"runs:/{run_id}/nope") == []
    root = mlflow.get_run(run_id).info.artifact_uri
    assert infos(root + "/d") == below
    assert infos(root + "/d/") == [(path[2:], is_dir, size) for path, is_dir, size in below]


def test_load_dict_and_text(run_id):
    assert mlflow.artifacts.load_dict(f"runs:/{run_id}/d/x.json") == {"k": [1, "é"]}
    with pytest.raises(MlflowException, match="Unable to form a JSON object") as e:
        mlflow.artifacts.load_dict(f"runs:/{run_id}/a.txt")
    assert e.value.error_code == "BAD_REQUEST"


def test_load_what_is_not_text(tmp_path):
    path = tmp_path / "latin"
    path.write_bytes(b"\xe9")
    for function in (mlflow.artifacts.load_text, mlflow.artifacts.load_dict):
        with pytest.raises(MlflowException, match="is not valid UTF-8") as e:
            function(str(path))
        assert e.value.error_code == "BAD_REQUEST"


def test_load_image(tmp_path):
    pillow = optional("PIL.Image")
    pillow.new("RGB", (4, 3), "red").save(tmp_path / "i.png")
    image = mlflow.artifacts.load_image(str(tmp_path / "i.png"))
    assert (image.size, image.getpixel((0, 0))) == ((4, 3), (255, 0, 0))
    (tmp_path / "bad.png").write_text("x")
    with pytest.raises(MlflowException, match="Unable to form a PIL Image object"):
        mlflow.artifacts.load_image(str(tmp_path / "bad.png"))


def test_tracking_uri_of_another_store(run_id, out, tmp_path):
    uri = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/other.db")
    options = {"run_id": run_id, "tracking_uri": uri}
    assert infos(**options) == [("a.txt", False, 5), ("d", True, None)]
    path = mlflow.artifacts.download_artifacts(**options, dst_path=out)
    assert files_in(path) == CONTENT


@pytest.mark.parametrize(
    ("uri", "parsed"),
    [
        ("runs:/abc/x", ("abc", "x")),
        ("runs:/abc", ("abc", None)),
        ("runs:/abc/", ("abc", None)),
        ("runs:///abc/x/y", ("abc", "x/y")),
        ("runs://profile@host/abc/x", ("abc", "x")),
        ("RUNS:/a/b", ("a", "b")),
        ("runs:/abc/x y#z?q", ("abc", "x y#z?q")),
    ],
)
def test_parse_runs_uri(uri, parsed):
    assert RunsArtifactRepository.is_runs_uri(uri)
    assert RunsArtifactRepository.parse_runs_uri(uri) == parsed


@pytest.mark.parametrize("uri", ["runs:/", "runs:abc/x", "x", "s3://b/k"])
def test_parse_what_is_no_runs_uri(uri):
    with pytest.raises(MlflowException, match="Not a proper runs:/ URI"):
        RunsArtifactRepository.parse_runs_uri(uri)


def test_runs_repository_is_the_folder_of_the_run(run_id, tmp_path):
    repository = RunsArtifactRepository(f"runs:/{run_id}/d")
    assert [one.path for one in repository.list_artifacts("e")] == ["e/f.txt"]
    (tmp_path / "new.txt").write_text("new")
    repository.log_artifact(str(tmp_path / "new.txt"), "q")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "m.txt").write_text("m")
    repository.log_artifacts(str(tmp_path / "more"), "q")
    assert infos(run_id=run_id, artifact_path="d/q") == [
        ("d/q/m.txt", False, 1),
        ("d/q/new.txt", False, 3),
    ]
    assert files_in(repository.download_artifacts("q")) == {"m.txt": "m", "new.txt": "new"}
    repository.delete_artifacts("q")
    assert infos(run_id=run_id, artifact_path="d/q") == []
    assert repository.get_local_path("x.json") is None
    assert os.path.basename(RunsArtifactRepository.get_underlying_uri(f"runs:/{run_id}/d")) == "d"
