"""Logging a model: to a local store and to a server."""

import os
from pathlib import Path

import numpy as np
import pytest

import mlflow
from mlflow.entities import LoggedModelStatus
from mlflow.exceptions import MlflowException
from mlflow.models import (
    Model,
    get_model_info,
    infer_signature,
    set_signature,
    update_model_requirements,
)
from mlflow.models.utils import (
    get_external_mlflow_model_spec,
    get_model_version_from_model_uri,
    load_serving_example,
)
from mlflow.tracking import MlflowClient
from tests.models import toy
from tests.models.toy import Doubler, Toy


@pytest.fixture(params=["sqlite", "file", "server"])
def tracking(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    uri = {
        "sqlite": f"sqlite:///{tmp_path}/store.db",
        "file": (tmp_path / "mlruns").as_uri(),
    }.get(request.param) or request.getfixturevalue("shared_server").uri
    mlflow.set_tracking_uri(uri)
    experiment = mlflow.set_experiment(f"models-{tmp_path}")
    yield experiment
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_tracking_uri("")
    from mlflow.tracking import fluent

    fluent._active_experiment_id = None


def log(name="toy", **options):
    return Model.log(None, toy, name=name, model=Doubler(), **options)


def models(experiment):
    return mlflow.search_logged_models([experiment.experiment_id], output_format="list")


def test_a_logged_model_has_an_id_of_its_own(tracking):
    info = log(params={"a": 1}, tags={"t": 2}, model_type="agent", input_example=np.ones(2))
    assert info.model_uri == f"models:/{info.model_id}"
    assert info.model_uuid == info.model_id
    assert info.name == "toy"
    assert info.params == {"a": "1"}
    assert info.tags["t"] == "2"
    assert info.run_id is None
    assert mlflow.active_run() is None
    logged = mlflow.get_logged_model(info.model_id)
    assert logged.status == LoggedModelStatus.READY
    assert logged.model_type == "agent"
    assert not logged.source_run_id
    assert info.artifact_path == logged.artifact_location
    assert info.signature == infer_signature(np.ones(2), np.ones(2))
    assert Toy().load(info.model_uri).predict(2) == 4
    assert mlflow.last_logged_model().model_id == info.model_id


def test_the_active_run_is_linked(tracking):
    with mlflow.start_run() as run:
        info = log(step=3)
    outputs = mlflow.get_run(run.info.run_id).outputs.model_outputs
    assert [(o.model_id, o.step) for o in outputs] == [(info.model_id, 3)]
    assert info.run_id == run.info.run_id
    assert mlflow.get_logged_model(info.model_id).source_run_id == run.info.run_id


def test_a_run_that_is_not_active_can_be_named(tracking):
    client = MlflowClient()
    run_id = client.create_run(tracking.experiment_id).info.run_id
    info = log(run_id=run_id)
    assert info.run_id == run_id
    assert len(client.get_run(run_id).outputs.model_outputs) == 1
    with pytest.raises(MlflowException) as e:
        log(run_id="0" * 32)
    assert e.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_the_old_form_by_path_works(tracking, tmp_path):
    with mlflow.start_run() as run:
        info = Model.log("my-model", toy, model=Doubler())
    uri = f"runs:/{run.info.run_id}/my-model"
    assert info.name == "my-model"
    assert Toy().load(uri).predict(2) == 4
    assert get_model_info(uri).model_id == info.model_id
    # It is no artifact of the run, but found under its name.
    client = MlflowClient()
    assert client.list_artifacts(run.info.run_id) == []
    names = [f.path for f in client.list_artifacts(run.info.run_id, "my-model")]
    assert "my-model/MLmodel" in names
    assert [f.path for f in mlflow.artifacts.list_artifacts(uri)] == names
    below = mlflow.artifacts.download_artifacts(f"{uri}/MLmodel", dst_path=str(tmp_path / "x"))
    assert Path(below).name == "MLmodel"
    copied = client.download_artifacts(run.info.run_id, "my-model", str(tmp_path / "y"))
    assert Model.load(copied).model_id == info.model_id
    assert client.list_artifacts(run.info.run_id, "nothing") == []
    with pytest.raises(MlflowException, match="nothing"):
        mlflow.artifacts.download_artifacts(f"runs:/{run.info.run_id}/nothing")


def test_an_artifact_of_the_run_comes_before_a_model_of_its_name(tracking):
    with mlflow.start_run() as run:
        log("same")
        mlflow.log_text("x", "same/file.txt")
    found = MlflowClient().list_artifacts(run.info.run_id, "same")
    assert [f.path for f in found] == ["same/file.txt"]


def test_of_two_models_of_one_name_the_newer_is_found(tracking):
    with mlflow.start_run() as run:
        log("same", metadata={"n": 1})
        second = log("same", metadata={"n": 2})
    assert get_model_info(f"runs:/{run.info.run_id}/same").model_id == second.model_id


def test_both_names_are_refused(tracking):
    with pytest.raises(MlflowException, match="Both `artifact_path`"):
        Model.log("a", toy, name="b", model=Doubler())
    assert models(tracking) == []


def test_a_failure_leaves_no_model_that_seems_ready(tracking):
    with mlflow.start_run() as run, pytest.raises(RuntimeError, match="on fire"):
        log(fails=True)
    (model,) = models(tracking)
    assert model.status == LoggedModelStatus.FAILED
    assert mlflow.artifacts.list_artifacts(f"models:/{model.model_id}") == []
    assert MlflowClient().get_run(run.info.run_id).info.status == "FINISHED"
    assert not list(Path.cwd().rglob("*.part"))


def test_files_of_a_model_that_waits_for_them(tracking):
    waiting = mlflow.initialize_logged_model(name="before")
    assert waiting.status == LoggedModelStatus.PENDING
    info = log("other", model_id=waiting.model_id)
    assert (info.model_id, info.name) == (waiting.model_id, "before")
    assert mlflow.get_logged_model(waiting.model_id).status == LoggedModelStatus.READY
    assert Toy().load(info.model_uri).predict(2) == 4


def test_a_version_is_registered(tracking, tmp_path):
    name = f"registered-{tmp_path.name}"
    with mlflow.start_run():
        info = log(registered_model_name=name, tags={"t": 1})
    assert int(info.registered_model_version) == 1
    uri = f"models:/{name}/1"
    assert Toy().load(uri).predict(2) == 4
    version = get_model_version_from_model_uri(uri)
    assert (version.name, version.run_id) == (name, info.run_id)
    assert version.tags == {"t": "1"}
    assert get_model_info(uri).model_id == info.model_id
    with pytest.raises(MlflowException, match="are not supported"):
        set_signature(uri, infer_signature(1))
    with pytest.raises(MlflowException, match="are not supported"):
        update_model_requirements(uri, "add", ["foo"])


def test_a_model_found_by_its_run_is_registered_as_the_logged_model(tracking, tmp_path):
    with mlflow.start_run() as run:
        info = log("m")
    version = mlflow.register_model(f"runs:/{run.info.run_id}/m", f"by-run-{tmp_path.name}")
    assert version.source == info.model_uri
    assert version.run_id == run.info.run_id
    assert Toy().load(f"models:/{version.name}/{version.version}").predict(2) == 4


def test_a_model_among_the_files_of_a_run_is_registered_from_there(tracking, tmp_path):
    Toy().save(Doubler(), str(tmp_path / "saved"))
    with mlflow.start_run() as run:
        mlflow.log_artifacts(str(tmp_path / "saved"), "old")
    uri = f"runs:/{run.info.run_id}/old"
    assert Toy().load(uri).predict(2) == 4
    version = mlflow.register_model(uri, f"from-files-{tmp_path.name}")
    assert version.source == f"{run.info.artifact_uri.removeprefix('file://')}/old"
    assert Toy().load(f"models:/{version.name}/{version.version}").predict(2) == 4


def test_weights_are_written_once_beside_their_place(tracking, monkeypatch):
    seen = []

    class Watching:
        @staticmethod
        def save_model(path, mlflow_model, **options):
            seen.append((path, mlflow_model.artifact_path))
            Toy().save(Doubler(), path, mlflow_model=mlflow_model)

    info = Model.log(None, Watching, name="m")
    ((path, location),) = seen
    is_local = not location.startswith("mlflow-artifacts:")
    if is_local:
        location = mlflow.artifacts.download_artifacts(info.model_uri)
        assert Path(path).parent.resolve() == Path(location).parent.resolve()
    assert not os.path.exists(path)


# Changing what is said about a model.


def test_the_signature_of_a_logged_model_can_be_set(tracking):
    with mlflow.start_run() as run:
        info = log("m")
    wanted = infer_signature("x", [1.0])
    set_signature(info.model_uri, wanted)
    assert get_model_info(info.model_uri).signature == wanted
    other = infer_signature(1)
    set_signature(f"runs:/{run.info.run_id}/m", other)
    assert get_model_info(info.model_uri).signature == other
    assert Toy().load(info.model_uri).predict(2) == 4


def test_requirements_of_a_logged_model_can_be_changed(tracking):
    info = log(pip_requirements=["foo==1", "bar"])

    def lines():
        folder = mlflow.artifacts.download_artifacts(info.model_uri)
        with open(os.path.join(folder, "conda.yaml")) as file:
            in_conda = file.read()
        with open(os.path.join(folder, "requirements.txt")) as file:
            found = file.read().splitlines()
        assert all(f"- {line}" in in_conda for line in found)
        return found[1:]

    update_model_requirements(info.model_uri, "add", ["foo==2", "new"])
    assert lines() == ["foo==2", "bar", "new"]
    update_model_requirements(info.model_uri, "remove", ["Foo==9", "unknown"])
    assert lines() == ["bar", "new"]
    with pytest.raises(MlflowException, match="invalid requirements"):
        update_model_requirements(info.model_uri, "add", ["n=!mpy=9"])
    with pytest.raises(MlflowException, match="must be 'add' or 'remove'"):
        update_model_requirements(info.model_uri, "zap", ["foo"])
    assert lines() == ["bar", "new"]


def test_a_saved_model_can_be_changed(tmp_path):
    Toy().save(Doubler(), str(tmp_path / "m"), pip_requirements=["foo==1"])
    set_signature(str(tmp_path / "m"), infer_signature(1))
    assert Model.load(tmp_path / "m").signature == infer_signature(1)
    update_model_requirements(str(tmp_path / "m"), "add", ["foo==2"])
    assert (tmp_path / "m" / "requirements.txt").read_text().splitlines()[1] == "foo==2"
    with pytest.raises(MlflowException, match="Failed to download") as e:
        set_signature(str(tmp_path), infer_signature(1))
    assert e.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    with pytest.raises(MlflowException, match="must be a ModelSignature"):
        set_signature(str(tmp_path / "m"), 3)


# Small ones.


def test_the_serving_example_of_a_logged_model(tracking):
    info = log(input_example=np.ones(2))
    assert load_serving_example(info.model_uri) == '{\n  "inputs": [\n    1.0,\n    1.0\n  ]\n}'
    with pytest.raises(MlflowException) as e:
        load_serving_example(log().model_uri)
    assert e.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_the_input_example_is_fetched_if_no_folder_is_given(tracking):
    info = log(input_example=np.ones(2))
    assert (Model.load(info.model_uri).load_input_example() == np.ones(2)).all()


def test_a_model_kept_elsewhere_is_described(tracking):
    logged = mlflow.initialize_logged_model(name="m")
    spec = get_external_mlflow_model_spec(logged)
    assert spec.metadata == {"mlflow.model.isExternal": True}
    assert spec.model_id == logged.model_id
    assert spec.flavors == {}
