"""The same functions in front of a server."""

from __future__ import annotations

import pytest
from tests.optional import optional

import mlflow
from mlflow.exceptions import MlflowException

np = optional("numpy")


@pytest.fixture
def server(shared_server) -> str:
    mlflow.set_tracking_uri(f"{shared_server.uri}/")
    return shared_server.uri


def links(server: str, run) -> str:
    info = run.info
    return (
        f"🏃 View run {info.run_name} at: {server}/#/experiments/{info.experiment_id}"
        f"/runs/{info.run_id}\n"
        f"🧪 View experiment at: {server}/#/experiments/{info.experiment_id}\n"
    )


def test_ended_run_prints_links(server, capsys, monkeypatch):
    with mlflow.start_run(run_name="a b") as run:
        pass
    assert capsys.readouterr().out == links(server, run)
    run = mlflow.MlflowClient().create_run("0")
    mlflow.MlflowClient().set_terminated(run.info.run_id)
    assert capsys.readouterr().out == links(server, run)
    monkeypatch.setenv("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    with mlflow.start_run():
        pass
    assert capsys.readouterr().out == ""


def test_links_tell_no_password(server, capsys):
    run = mlflow.MlflowClient().create_run("0")
    client = mlflow.MlflowClient(server.replace("://", "://ann:secret@"))
    client._print_links(run.info)
    assert capsys.readouterr().out == links(server, run)


def test_local_run_prints_none(capsys):
    with mlflow.start_run():
        pass
    assert capsys.readouterr().out == ""


def test_everything_once(server, client):
    mlflow.set_experiment("everything")
    with mlflow.start_run(description="d", tags={"t": 1}) as run:
        mlflow.log_metric("m", np.float32(0.5), step=np.int64(3))
        mlflow.log_metrics({f"m{i}": i for i in range(1500)})
        mlflow.log_params({f"p{i}": i for i in range(150)})
        for step in range(300):
            mlflow.log_metric("a", step, step=step, synchronous=False)
        mlflow.log_input(mlflow.entities.Dataset("data", "abc", "local", "{}"), "train")
        mlflow.log_text("hi", "x/t.txt")
        mlflow.log_table({"c": [1]}, "t.json")
        mlflow.log_image(np.zeros((3, 3)), key="k")
    client = mlflow.MlflowClient()
    found = client.get_run(run.info.run_id)
    assert found.info.status == "FINISHED"
    assert (found.data.metrics["m"], found.data.metrics["m1499"]) == (0.5, 1499.0)
    assert (found.data.params["p149"], found.data.tags["t"]) == ("149", "1")
    assert len(client.get_metric_history(run.info.run_id, "a")) == 300
    assert found.inputs.dataset_inputs[0].dataset.name == "data"
    names = [f.path for f in client.list_artifacts(run.info.run_id)]
    assert names == ["images", "t.json", "x"]
    assert mlflow.load_table("t.json")["c"].tolist() == [1]
    assert mlflow.search_runs()["params.p0"].tolist() == ["0"]


def test_errors_come_back_with_their_codes(server):
    with mlflow.start_run() as run:
        mlflow.log_param("p", 1)
        with pytest.raises(MlflowException, match="Changing param values") as error:
            mlflow.log_param("p", 2)
        assert error.value.error_code == "INVALID_PARAMETER_VALUE"
    with pytest.raises(MlflowException, match="not found") as error:
        mlflow.log_metric("m", 1, run_id="f" * 32)
    assert error.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    assert mlflow.get_run(run.info.run_id).data.params == {"p": "1"}
