"""Which experiment runs go to."""

from __future__ import annotations

import os
import threading

import pytest

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import fluent


def experiment_of_a_new_run() -> str:
    with mlflow.start_run() as run:
        return mlflow.get_experiment(run.info.experiment_id).name


def forget_choice():
    fluent._active_experiment_id = None
    os.environ.pop("MLFLOW_EXPERIMENT_ID", None)


def test_default_is_experiment_zero():
    assert experiment_of_a_new_run() == "Default"


def test_set_experiment_makes_it_and_tells_child_processes(caplog):
    experiment = mlflow.set_experiment("new")
    assert experiment_of_a_new_run() == "new"
    assert os.environ["MLFLOW_EXPERIMENT_ID"] == experiment.experiment_id
    assert mlflow.set_experiment("new").experiment_id == experiment.experiment_id
    assert mlflow.set_experiment(experiment_id=0).name == "Default"


def test_threads_share_the_experiment():
    mlflow.set_experiment("shared")
    seen = []
    thread = threading.Thread(target=lambda: seen.append(experiment_of_a_new_run()))
    thread.start()
    thread.join()
    assert seen == ["shared"]


@pytest.mark.parametrize("arguments", [{}, {"experiment_name": "a", "experiment_id": "0"}])
def test_either_name_or_id(arguments):
    with pytest.raises(MlflowException, match="Must specify exactly one of"):
        mlflow.set_experiment(**arguments)


@pytest.mark.parametrize("by", ["name", "id"])
def test_deleted_experiment_is_refused(by):
    experiment_id = mlflow.create_experiment("gone")
    mlflow.delete_experiment(experiment_id)
    arguments = {"experiment_name": "gone"} if by == "name" else {"experiment_id": experiment_id}
    with pytest.raises(MlflowException) as error:
        mlflow.set_experiment(**arguments)
    assert error.value.message == (
        "Cannot set a deleted experiment 'gone' as the active experiment. You can restore the "
        "experiment, or permanently delete the experiment to create a new one."
    )
    mlflow.restore_experiment(experiment_id)
    assert mlflow.set_experiment(**arguments).name == "gone"


def test_unknown_id_is_refused():
    with pytest.raises(MlflowException, match="No Experiment with id=999") as error:
        mlflow.set_experiment(experiment_id="999")
    assert error.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_experiment_that_another_process_makes_meanwhile_is_taken(monkeypatch, client):
    store = fluent._client()._store
    look_up = store.get_experiment_by_name
    asked = []

    def absent_at_first(name):
        asked.append(name)
        if len(asked) == 1:
            store.create_experiment(name, None, [])
            return None
        return look_up(name)

    monkeypatch.setattr(store, "get_experiment_by_name", absent_at_first)
    assert mlflow.set_experiment("raced").name == "raced"
    assert len(asked) == 2


def test_environment_names_the_experiment(monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "named")
    assert experiment_of_a_new_run() == "named"


def test_environment_gives_the_id(monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", mlflow.create_experiment("by-id"))
    assert experiment_of_a_new_run() == "by-id"


def test_set_experiment_comes_before_the_environment(monkeypatch):
    mlflow.set_experiment("chosen")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "named")
    assert experiment_of_a_new_run() == "chosen"


def test_environment_that_contradicts_itself_is_refused(monkeypatch):
    experiment_id = mlflow.create_experiment("named")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "named")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "0")
    with pytest.raises(MlflowException) as error:
        mlflow.start_run()
    assert error.value.message == (
        "The provided MLFLOW_EXPERIMENT_ID environment variable value `0` does not match the "
        f"experiment id `{experiment_id}` for experiment name `named`"
    )


def test_environment_with_an_unknown_id_is_refused(monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "777")
    with pytest.raises(MlflowException, match="`777` does not exist in the tracking server"):
        mlflow.start_run()


def test_tags_of_the_experiment():
    experiment = mlflow.set_experiment("tagged")
    mlflow.set_experiment_tag("a", 1)
    mlflow.set_experiment_tags({"b": 2, "c": [3]})
    mlflow.delete_experiment_tag("b")
    assert mlflow.get_experiment(experiment.experiment_id).tags == {"a": "1", "c": "[3]"}


def test_created_with_location_and_tags(tmp_path):
    experiment_id = mlflow.create_experiment("e", f"{tmp_path}/here", tags={"x": 1})
    experiment = mlflow.get_experiment_by_name("e")
    assert experiment.experiment_id == experiment_id
    assert experiment.artifact_location.endswith("/here")
    assert experiment.tags == {"x": "1"}
    assert mlflow.get_experiment_by_name("none") is None
    with pytest.raises(MlflowException, match="already exists") as error:
        mlflow.create_experiment("e")
    assert error.value.error_code == "RESOURCE_ALREADY_EXISTS"


def test_search_finds_all_pages(monkeypatch, client):
    for number in range(5):
        client.create_experiment(f"e{number}")
    found = mlflow.search_experiments(filter_string="name LIKE 'e%'", order_by=["name DESC"])
    assert [e.name for e in found] == ["e4", "e3", "e2", "e1", "e0"]
    assert len(mlflow.search_experiments(max_results=3)) == 3
    assert mlflow.search_experiments(max_results=0) == []
    page = client.search_experiments(max_results=2, order_by=["name"])
    rest = client.search_experiments(max_results=None, order_by=["name"], page_token=page.token)
    assert [e.name for e in page + rest] == ["Default", "e0", "e1", "e2", "e3", "e4"]


def test_provider_of_a_plugin_is_asked(monkeypatch):
    from mlflow.tracking.default_experiment import registry
    from mlflow.tracking.default_experiment.abstract_context import DefaultExperimentProvider

    chosen = mlflow.create_experiment("chosen-by-plugin")

    class Provider(DefaultExperimentProvider):
        def in_context(self):
            return True

        def get_experiment_id(self):
            return chosen

    class Broken(Provider):
        def in_context(self):
            raise RuntimeError

    providers = registry.DefaultExperimentProviderRegistry()
    providers.register(Broken)
    providers.register(Provider)
    monkeypatch.setattr(registry, "_providers", providers)
    assert experiment_of_a_new_run() == "chosen-by-plugin"
