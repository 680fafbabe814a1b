"""The registry from `mlflow` and MlflowClient."""

from __future__ import annotations

import subprocess
import sys
import warnings

import pytest

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException


@pytest.fixture(params=["database", "server"])
def client(request, tmp_path, monkeypatch, name) -> MlflowClient:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    if request.param == "server":
        uri = request.getfixturevalue("shared_server").uri
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return MlflowClient()


def logged(client: MlflowClient, tmp_path) -> str:
    """A run with the files of a model below `model`."""
    experiment = client.create_experiment(f"e-{tmp_path.name}-{id(client)}")
    run_id = client.create_run(experiment).info.run_id
    (tmp_path / "MLmodel").write_text("flavors: {}\n")
    client.log_artifact(run_id, str(tmp_path / "MLmodel"), "model")
    return run_id


def test_registering_what_a_run_has_logged(client, tmp_path, name, capsys):
    run_id = logged(client, tmp_path)
    version = mlflow.register_model(f"runs:/{run_id}/model", name, tags={"n": 1})
    again = mlflow.register_model(f"runs:/{run_id}/model", name)
    assert (version.run_id, version.tags, int(again.version)) == (run_id, {"n": "1"}, 2)
    root = client.get_run(run_id).info.artifact_uri
    assert version.source == f"{root}/model"
    assert capsys.readouterr().err.splitlines() == [
        f"Successfully registered model '{name}'.",
        f"Created version '1' of model '{name}'.",
        f"Registered model '{name}' already exists. Creating a new version of this model...",
        f"Created version '2' of model '{name}'.",
    ]
    assert mlflow.artifacts.load_text(f"models:/{name}/2/MLmodel") == "flavors: {}\n"


def test_registering_a_logged_model(client, tmp_path, name):
    run_id = logged(client, tmp_path)
    experiment = client.get_run(run_id).info.experiment_id
    model = client.create_logged_model(experiment, "net", run_id)
    version = mlflow.register_model(f"models:/{model.model_id}", name)
    assert (version.source, version.run_id) == (f"models:/{model.model_id}", run_id)
    assert version.model_id == model.model_id
    assert client.get_model_version(name, version.version).model_id == model.model_id
    tags = client.get_logged_model(model.model_id).tags
    assert tags["mlflow.modelVersions"] == f'[{{"name": "{name}", "version": 1}}]'


def test_registering_nothing_leaves_nothing(client, tmp_path, name):
    run_id = logged(client, tmp_path)
    for bad in (f"runs:/{run_id}/other", f"runs:/{'0' * 32}/model", "models:/m-" + "0" * 32):
        with pytest.raises(MlflowException):
            mlflow.register_model(bad, name)
    with pytest.raises(MlflowException, match="env_pack"):
        mlflow.register_model(f"runs:/{run_id}/model", name, env_pack="x")
    with pytest.raises(MlflowException, match="not found"):
        client.get_registered_model(name)


def test_searching(client, name):
    for suffix in "abc":
        client.create_registered_model(f"{name}-{suffix}", tags={"s": suffix})
        client.create_model_version(f"{name}-{suffix}", "s3://bucket/x")
    where = f"name LIKE '{name}%'"
    found = mlflow.search_registered_models(filter_string=where, order_by=["name DESC"])
    assert [m.name[-1] for m in found] == ["c", "b", "a"]
    assert len(mlflow.search_registered_models(max_results=2, filter_string=where)) == 2
    found = mlflow.search_registered_models(filter_string=f"name = '{name}-a' OR tags.s = 'none'")
    assert [m.name[-1] for m in found] == ["a"]
    assert len(mlflow.search_model_versions(filter_string=where)) == 3
    mlflow.set_model_version_tag(f"{name}-a", "1", "k", 5)
    assert [v.tags for v in client.search_model_versions("tags.k = '5'") if name in v.name] == [
        {"k": "5"}
    ]


def test_prompts_are_no_models(client, name):
    with pytest.raises(MlflowException, match="Prompts cannot be registered as models"):
        client.create_registered_model(name, tags={"mlflow.prompt.is_prompt": "true"})


def test_stages_are_no_reason_to_warn(client, name):
    client.create_registered_model(name)
    client.create_model_version(name, "s3://bucket/x")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client.transition_model_version_stage(name, "1", "Production")
        assert client.get_latest_versions(name, ["Production"])[0].current_stage == "Production"
        client.set_model_version_tag(name, key="k", value="v", stage="Production")
        client.delete_model_version_tag(name, key="k", stage="Production")
        stages = client.get_model_version_stages(name, "1")
    assert stages == ["None", "Staging", "Production", "Archived"]
    with pytest.raises(MlflowException, match="any model version for Staging stage"):
        client.set_model_version_tag(name, key="k", value="v", stage="Staging")


def test_copying(client, name):
    client.create_registered_model(name)
    client.create_model_version(name, "s3://bucket/x", tags={"k": "v"}, description="d")
    client.set_registered_model_alias(name, "best", "1")
    copy = client.copy_model_version(f"models:/{name}@best", f"{name}-prod")
    assert (copy.source, copy.tags, copy.description) == (f"models:/{name}/1", {"k": "v"}, "d")
    assert client.get_model_version_download_uri(f"{name}-prod", "1") == "s3://bucket/x"
    with pytest.raises(MlflowException, match="Failed to fetch model version"):
        client.copy_model_version(f"models:/{name}/9", f"{name}-prod")
    with pytest.raises(MlflowException, match="Unsupported source model URI"):
        client.copy_model_version("s3://bucket/x", f"{name}-prod")


def test_a_reason_reaches_the_trail(client, name):
    client.create_registered_model(name)
    with client.because("tidying up: ü"):
        client.update_registered_model(name, "x")
    assert [c.comment for c in client.get_registered_model_history(name)] == [None, "tidying up: ü"]


def test_a_registry_of_its_own(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    client = MlflowClient(f"sqlite:///{tmp_path}/runs.db", f"sqlite:///{tmp_path}/models.db")
    experiment = client.create_experiment("e")
    run_id = client.create_run(experiment).info.run_id
    model = client.create_logged_model(experiment, "net", run_id)
    client.create_registered_model(name)
    version = client.create_model_version(
        name, f"models:/{model.model_id}", model_id=model.model_id
    )
    assert version.run_id == run_id
    assert "mlflow.modelVersions" in client.get_logged_model(model.model_id).tags
    assert MlflowClient(f"sqlite:///{tmp_path}/runs.db").search_registered_models() == []


def test_asking_for_models_loads_nothing_heavy(tmp_path):
    code = (
        "import sys, mlflow; c = mlflow.MlflowClient(sys.argv[1]); c.create_registered_model('m');"
        "c.create_model_version('m', 's3://b/x'); c.search_model_versions();"
        "print({'numpy', 'pandas', 'pydantic', 'yaml', 'urllib3'} & set(sys.modules))"
    )
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    done = subprocess.run(
        [sys.executable, "-c", code, uri], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
