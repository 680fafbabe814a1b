"""What a version of a store of files knows of the logged model that it was made of."""

from __future__ import annotations

import pytest

from mlflow import MlflowClient


@pytest.fixture
def client(tmp_path):
    return MlflowClient(str(tmp_path / "mlruns"))


def made(client):
    experiment = client.create_experiment("e")
    run = client.create_run(experiment).info.run_id
    model = client.create_logged_model(experiment, "m", run, params={"lr": "0.1"})
    client.finalize_logged_model(model.model_id, "READY")
    client.log_metric(run, "acc", 0.5, step=3, model_id=model.model_id)
    client.log_metric(run, "other", 0.5)
    client.create_registered_model("rm")
    source = f"models:/{model.model_id}"
    return model.model_id, client.create_model_version("rm", source, model_id=model.model_id)


def shown(version):
    metrics = version.metrics and [(m.key, m.value, m.step) for m in version.metrics]
    return version.model_id, version.params, metrics


def test_params_and_metrics_are_those_of_the_logged_model(client):
    model_id, version = made(client)
    client.set_registered_model_alias("rm", "best", "1")
    found = [
        version,
        client.get_model_version("rm", "1"),
        client.get_model_version_by_alias("rm", "best"),
        *client.search_model_versions("name = 'rm'"),
        *client.get_latest_versions("rm"),
        *client.get_registered_model("rm").latest_versions,
        *client.search_registered_models()[0].latest_versions,
        client.update_model_version("rm", "1", "described"),
        client.transition_model_version_stage("rm", "1", "Staging"),
        client.copy_model_version("models:/rm/1", "rm2"),
        client.get_model_version("rm2", "1"),
    ]
    assert len(found) == 11
    for each in found:
        assert shown(each) == (model_id, {"lr": "0.1"}, [("acc", 0.5, 3)])


def test_without_the_logged_model_there_are_none(client):
    model_id, _ = made(client)
    plain = client.create_model_version("rm", "s3://bucket/model")
    assert shown(plain) == (None, None, None)
    client.delete_logged_model(model_id)
    assert shown(client.get_model_version("rm", "1")) == (model_id, None, None)
    assert len(client.search_model_versions("name = 'rm'")) == 2
    assert shown(client.copy_model_version("models:/rm/1", "rm2")) == (model_id, None, None)
