"""Logged models through the client and the fluent functions."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading

import pytest
import yaml
from tests.optional import optional
from tests.tracking.test_public_api import FACTS, parameters

import mlflow
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelStatus, Metric
from mlflow.exceptions import MlflowException
from mlflow.tracking import fluent, fluent_logged_models

NAMES = sorted(fluent._ELSEWHERE.keys() - {"ActiveModel", "ActiveModelContext", "autolog"})


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/store.db")
    yield
    mlflow.clear_active_model()
    mlflow.end_run()
    mlflow.set_tracking_uri(None)


@pytest.fixture
def client() -> MlflowClient:
    return MlflowClient()


def metrics(model: LoggedModel) -> list[tuple]:
    return [(m.key, m.value, m.step) for m in mlflow.get_logged_model(model.model_id).metrics]


# Names


@pytest.mark.parametrize("name", NAMES)
def test_function_has_the_public_parameters(name):
    facts = {**FACTS["mlflow"]["functions"], **FACTS["mlflow.tracking.fluent"]["functions"]}
    ours = parameters(getattr(mlflow, name), bound=False)
    theirs = facts[name]
    assert ours == (theirs["parameters"] if isinstance(theirs, dict) else theirs)
    if name != "import_checkpoints":  # which is elsewhere in the reference
        assert getattr(fluent, name) is getattr(mlflow, name)


def test_classes_are_at_their_places():
    assert mlflow.ActiveModel is fluent.ActiveModel is fluent_logged_models.ActiveModel
    context = fluent.ActiveModelContext("m-1", set_by_user=True)
    assert (context.model_id, context.set_by_user) == ("m-1", True)
    assert repr(context) == "ActiveModelContext(model_id=m-1, set_by_user=True)"


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in FACTS["mlflow.tracking.client"]["classes"]["MlflowClient"]["methods"]
        if "logged_model" in name or name in ("log_model_params", "log_model_artifact")
    ],
)
def test_method_has_the_public_parameters(name):
    theirs = FACTS["mlflow.tracking.client"]["classes"]["MlflowClient"]["methods"][name]
    ours = parameters(getattr(MlflowClient, name), bound=True)
    assert ours == (theirs["parameters"] if isinstance(theirs, dict) else theirs)


# The client


def test_values_become_texts(client):
    model = client.create_logged_model("0", "net", tags={"a": 1}, params={"p": None})
    assert (model.tags, model.params) == ({"a": "1"}, {"p": "None"})
    client.set_logged_model_tags(model.model_id, {"b": 2.5})
    client.log_model_params(model.model_id, {"q": 3, "long": "x" * 7000})
    found = client.get_logged_model(model.model_id)
    assert found.tags == {"a": "1", "b": "2.5"}
    assert found.params == {"p": "None", "q": "3", "long": "x" * 6000}
    client.delete_logged_model_tag(model.model_id, "a")
    assert client.get_logged_model(model.model_id).tags == {"b": "2.5"}


def test_finalize(client):
    model = client.create_logged_model("0")
    assert client.finalize_logged_model(model.model_id, "READY").status == "READY"
    status = LoggedModelStatus.FAILED
    assert client.finalize_logged_model(model.model_id, status).status == status
    with pytest.raises(ValueError, match="BOGUS"):
        client.finalize_logged_model(model.model_id, "BOGUS")


def test_deleted_model_takes_no_tags(client):
    model = client.create_logged_model("0")
    client.delete_logged_model(model.model_id)
    for call in (client.set_logged_model_tags, client.log_model_params):
        with pytest.raises(MlflowException, match=model.model_id) as raised:
            call(model.model_id, {"a": "b"})
        assert raised.value.error_code == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("model_id", [None, "", 5])
def test_model_id_is_needed(client, model_id):
    with pytest.raises(MlflowException, match="`model_id` must be a non-empty string"):
        client.get_logged_model(model_id)


def test_experiment_ids_are_a_list(client):
    with pytest.raises(MlflowException, match="experiment_ids must be a list of strings") as raised:
        client.search_logged_models("0")
    assert raised.value.error_code == "INVALID_PARAMETER_VALUE"


def test_artifacts(client, tmp_path):
    (tmp_path / "dir/sub").mkdir(parents=True)
    (tmp_path / "dir/sub/g").write_text("yy")
    (tmp_path / "f.txt").write_text("x")
    model = client.create_logged_model("0", "net")
    client.log_model_artifact(model.model_id, str(tmp_path / "f.txt"))
    client.log_model_artifact(model.model_id, str(tmp_path / "f.txt"), "p/q")
    client.log_model_artifacts(model.model_id, str(tmp_path / "dir"))
    listed = client.list_logged_model_artifacts(model.model_id)
    assert [(f.path, f.is_dir, f.file_size) for f in listed] == [
        ("f.txt", False, 1),
        ("p", True, None),
        ("sub", True, None),
    ]
    below = client.list_logged_model_artifacts(model.model_id, "sub")
    assert [f.path for f in below] == ["sub/g"]
    with pytest.raises(MlflowException) as raised:
        client.list_logged_model_artifacts(model.model_id, "../..")
    assert raised.value.error_code == "INVALID_PARAMETER_VALUE"


# The fluent functions


def test_new_models_belong_to_the_active_run():
    with mlflow.start_run() as run:
        begun = mlflow.initialize_logged_model("a", tags={"t": 1}, params={"p": 1})
        external = mlflow.create_external_model("b", model_type="agent")
    assert begun.status == "PENDING" and external.status == "READY"
    assert begun.source_run_id == external.source_run_id == run.info.run_id
    assert begun.tags.keys() == {"t", "mlflow.user", "mlflow.source.name", "mlflow.source.type"} | (
        begun.tags.keys() & {"mlflow.source.git.commit"}
    )
    assert external.tags["mlflow.model.isExternal"] == "true"
    assert external.model_type == "agent"
    assert mlflow.last_logged_model().name == "b"
    assert mlflow.finalize_logged_model(begun.model_id, "READY").status == "READY"
    (file,) = MlflowClient().list_logged_model_artifacts(external.model_id)
    with open(f"{external.artifact_location}/{file.path}") as described:
        content = yaml.safe_load(described)
    assert file.path == "MLmodel"
    assert content["model_id"] == external.model_id and content["flavors"] == {}
    assert content["metadata"] == {"mlflow.model.isExternal": True}


def test_last_model_is_that_of_the_thread():
    model = mlflow.initialize_logged_model()
    seen = []
    thread = threading.Thread(target=lambda: seen.append(mlflow.last_logged_model()))
    thread.start()
    thread.join()
    assert seen == [None]
    assert mlflow.last_logged_model().model_id == model.model_id


def test_search(client):
    for i in range(3):
        client.create_logged_model("0", f"m{i}", params={"i": i})
    found = mlflow.search_logged_models(output_format="list")
    assert sorted(m.name for m in found) == ["m0", "m1", "m2"]
    one = mlflow.search_logged_models(["0"], "params.i = '1'", output_format="list")
    assert [m.name for m in one] == ["m1"]
    assert len(mlflow.search_logged_models(max_results=2, output_format="list")) == 2
    with pytest.raises(MlflowException, match="Unsupported output format: 'x'"):
        mlflow.search_logged_models(output_format="x")


def test_search_gives_a_frame(client):
    optional("pandas")
    client.create_logged_model("0", "net", tags={"a": "b"})
    frame = mlflow.search_logged_models()
    assert list(frame.columns) == [
        *("artifact_location", "creation_timestamp", "experiment_id", "last_updated_timestamp"),
        *("metrics", "model_id", "model_type", "name", "params", "source_run_id", "status"),
        *("status_message", "tags"),
    ]
    assert frame.loc[0, "name"] == "net" and frame.loc[0, "tags"] == {"a": "b"}
    assert frame.loc[0, "status"] == "PENDING"
    assert mlflow.search_logged_models(filter_string="name = 'no'").empty


@pytest.mark.parametrize("path", ["", None, "checkpoints"])
def test_checkpoints_are_in_a_volume(path):
    with pytest.raises(MlflowException, match="/Volumes/") as raised:
        mlflow.import_checkpoints(path)
    assert raised.value.error_code == "INVALID_PARAMETER_VALUE"


def test_volumes_are_not_there():
    with pytest.raises(MlflowException, match="import_checkpoints") as raised:
        mlflow.import_checkpoints("/Volumes/a/b")
    assert raised.value.error_code == "NOT_IMPLEMENTED"


# The active model


def test_active_model_by_name_is_made_once():
    made = mlflow.set_active_model(name="agent")
    assert isinstance(made, mlflow.ActiveModel) and made.status == "READY"
    assert mlflow.get_active_model_id() == made.model_id
    assert mlflow.set_active_model(name="agent").model_id == made.model_id
    mlflow.clear_active_model()
    assert mlflow.get_active_model_id() is None


def test_active_model_needs_a_model():
    with pytest.raises(MlflowException, match="Either name or model_id must be provided"):
        mlflow.set_active_model()
    with pytest.raises(MlflowException) as raised:
        mlflow.set_active_model(name="a", model_id="m-0")
    assert raised.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    assert mlflow.get_active_model_id() is None


def test_block_brings_back_the_one_before():
    with mlflow.set_active_model(name="a") as a:
        with mlflow.set_active_model(name="b") as b:
            assert mlflow.get_active_model_id() == b.model_id
        assert mlflow.get_active_model_id() == a.model_id
    assert mlflow.get_active_model_id() is None


def test_active_model_is_of_the_thread_and_its_tasks():
    model = mlflow.set_active_model(name="a")
    seen = []

    async def task():
        return mlflow.get_active_model_id()

    thread = threading.Thread(target=lambda: seen.append(mlflow.get_active_model_id()))
    thread.start()
    thread.join()
    assert seen == [None]
    assert asyncio.run(task()) == model.model_id


def test_metrics_belong_to_the_active_model(client):
    other = client.create_logged_model("0", "other")
    with mlflow.set_active_model(name="a") as model, mlflow.start_run() as run:
        mlflow.log_metric("one", 0.5, step=1)
        mlflow.log_metrics({"two": 2}, step=2)
        mlflow.log_metric("explicit", 1.0, model_id=other.model_id)
        client.log_metric(run.info.run_id, "of client", 3.0)
        client.log_batch(run.info.run_id, [Metric("of batch", 4.0, 1, 1)])
        mlflow.log_metric("late", 5.0, synchronous=False)
        mlflow.flush_async_logging()
    assert sorted(metrics(model)) == [
        ("late", 5.0, 0),
        ("of batch", 4.0, 1),
        ("of client", 3.0, 0),
        ("one", 0.5, 1),
        ("two", 2.0, 2),
    ]
    assert metrics(other) == [("explicit", 1.0, 0)]
    read = {m.model_id for m in mlflow.get_run(run.info.run_id).inputs.model_inputs}
    assert read == {model.model_id, other.model_id}


def test_no_active_model_no_metrics_of_it(client):
    model = client.create_logged_model("0", "net")
    with mlflow.start_run():
        mlflow.log_metric("m", 1.0)
    assert metrics(model) == []


def test_params_of_the_active_model():
    with pytest.raises(MlflowException, match="`model_id` must be a non-empty string"):
        mlflow.log_model_params({"a": 1})
    with mlflow.set_active_model(name="a") as model:
        mlflow.log_model_params({"a": 1})
    assert mlflow.get_logged_model(model.model_id).params == {"a": "1"}


def test_environment_names_the_active_model(client):
    model = client.create_logged_model("0", "net")
    script = (
        "import mlflow; print(mlflow.get_active_model_id())\n"
        "with mlflow.start_run(): mlflow.log_metric('m', 1.0)\n"
        "mlflow.clear_active_model(); print(mlflow.get_active_model_id())"
    )
    env = {
        **os.environ,
        "MLFLOW_ACTIVE_MODEL_ID": model.model_id,
        "MLFLOW_TRACKING_URI": mlflow.get_tracking_uri(),
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [model.model_id, "None"]
    assert metrics(model) == [("m", 1.0, 0)]
