"""`models:` URIs: what they name, and the files behind them."""

from __future__ import annotations

import datetime
import time

import pytest

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.models_artifact_repo import ModelsArtifactRepository
from mlflow.utils.models_uri import ModelsUri, moment, parse_models_uri

LOGGED = "m-" + "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("uri", "named"),
    [
        ("models:/iris/3", ModelsUri("iris", version="3")),
        ("models:///iris/3", ModelsUri("iris", version="3")),
        ("models:/iris/3/", ModelsUri("iris", version="3")),
        ("models:/iris/3/a/b", ModelsUri("iris", version="3", path="a/b")),
        ("models:/iris/latest", ModelsUri("iris")),
        ("models:/iris/LATEST/a", ModelsUri("iris", path="a")),
        ("models:/iris/Production", ModelsUri("iris", stage="Production")),
        ("models:/iris/production/a", ModelsUri("iris", stage="production", path="a")),
        ("models:/iris@best", ModelsUri("iris", alias="best")),
        ("models:/iris@best/a", ModelsUri("iris", alias="best", path="a")),
        (f"models:/{LOGGED}", ModelsUri("", model_id=LOGGED)),
        (f"models:/{LOGGED}/a/b", ModelsUri("", model_id=LOGGED, path="a/b")),
        ("models:/iris", ModelsUri("", model_id="iris")),
        ("models:/a b/1", ModelsUri("a b", version="1")),
        (
            "models:/iris/production?at=1700000000000",
            ModelsUri("iris", stage="Production", at=1_700_000_000_000),
        ),
        (
            "models:/iris/Production?at=2026-05-03T12:00:00+02:00",
            ModelsUri("iris", stage="Production", at=1_777_802_400_000),
        ),
        (
            "models:/iris/Production?at=2026-05-03T10:00Z/a",
            ModelsUri("iris", stage="Production", at=1_777_802_400_000, path="a"),
        ),
    ],
)
def test_what_a_uri_names(uri, named):
    assert parse_models_uri(uri) == named
    root, path = ModelsArtifactRepository.split_models_uri(uri)
    assert path == named.path
    assert parse_models_uri(root) == named._replace(path="")


@pytest.mark.parametrize(
    "bad",
    [
        *("models:/", "models:", "models:iris/3", "models://host/iris/3", "models:/iris@"),
        *("models:/@best", "runs:/x/y", "models:/iris/1.0", "models:/iris/-1", "models:/iris/²"),
        *(
            "models:/iris/Bogus",
            "models:/iris/Production?when=1",
            "models:/iris/Production?at=soon",
        ),
        *("models:/iris/3?at=2026-01-01", "models://a@databricks/iris/1"),
    ],
)
def test_bad_uris_are_refused(bad):
    with pytest.raises(MlflowException):
        parse_models_uri(bad)


def test_times():
    local = datetime.datetime(2026, 5, 3, 12, 0)
    assert moment("2026-05-03T12:00") == moment(local) == int(local.timestamp() * 1000)
    assert moment("2026-05-03") == int(datetime.datetime(2026, 5, 3).timestamp() * 1000)
    assert moment(5) == moment("5") == 5


@pytest.fixture
def client(tmp_path, monkeypatch) -> MlflowClient:
    """A client of a new database, with a model whose versions' files differ."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    client = MlflowClient()
    client.create_registered_model("iris")
    for number in "123":
        folder = tmp_path / f"files{number}"
        folder.mkdir()
        (folder / "MLmodel").write_text(f"version {number}")
        client.create_model_version("iris", str(folder))
    return client


def test_files_of_versions(client, tmp_path):
    def content(uri):
        return mlflow.artifacts.load_text(f"{uri}/MLmodel")

    client.set_registered_model_alias("iris", "best", 2)
    client.transition_model_version_stage("iris", 1, "Production")
    time.sleep(0.003)
    then = time.time_ns() // 1_000_000
    time.sleep(0.003)
    client.transition_model_version_stage("iris", 2, "Production", True)
    assert content("models:/iris/3") == content("models:/iris/latest") == "version 3"
    assert content("models:/iris@best") == content("models:/iris/Production") == "version 2"
    assert content(f"models:/iris/Production?at={then}") == "version 1"
    with pytest.raises(MlflowException, match="No version of model 'iris' was in Production then"):
        content("models:/iris/Production?at=2020-01-01")
    with pytest.raises(MlflowException, match="stage 'Staging' found"):
        content("models:/iris/Staging")
    listed = mlflow.artifacts.list_artifacts("models:/iris/3")
    assert [info.path for info in listed] == ["MLmodel"]


def test_a_copy_says_which_version_it_is(client, tmp_path):
    client.set_registered_model_alias("iris", "best", 2)
    copy = mlflow.artifacts.download_artifacts("models:/iris@best", dst_path=str(tmp_path / "x"))
    found = {p.name: p.read_text() for p in (tmp_path / "x").rglob("*") if p.is_file()}
    assert found == {
        "MLmodel": "version 2",
        "registered_model_meta": "model_name: iris\nmodel_version: '2'\n",
    }
    assert copy.startswith(str(tmp_path / "x"))
    # and where nothing is copied, nothing is added
    ModelsArtifactRepository("models:/iris/2").download_artifacts("")
    assert [p.name for p in (tmp_path / "files2").iterdir()] == ["MLmodel"]


def test_versions_cannot_be_written_to(client, tmp_path):
    repository = ModelsArtifactRepository("models:/iris/1")
    with pytest.raises(ValueError, match="register_model"):
        repository.log_artifact(str(tmp_path / "files1" / "MLmodel"))
    with pytest.raises(MlflowException, match="cannot be deleted"):
        repository.delete_artifacts()
