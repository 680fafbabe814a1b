from __future__ import annotations

import time
import uuid

import pytest

from mlflow.entities import ExperimentTag, ViewType
from mlflow.exceptions import MlflowException


def name() -> str:
    return f"e-{uuid.uuid4().hex}"


def test_default_experiment_is_there(store):
    assert store.get_experiment("0").name == "Default"
    assert store.get_experiment_by_name("Default").experiment_id == "0"


def test_created_experiment_is_found_by_id_and_name(store):
    n = name()
    key = store.create_experiment(n, None, [ExperimentTag("team", "core")])
    found = store.get_experiment(key)
    assert (found.name, found.lifecycle_stage, found.tags) == (n, "active", {"team": "core"})
    assert found.artifact_location.endswith(f"/{key}")
    assert found.creation_time == found.last_update_time > 1_600_000_000_000
    assert store.get_experiment_by_name(n).experiment_id == key


def test_artifact_location_can_be_given(store):
    key = store.create_experiment(name(), "mlflow-artifacts:/custom/two", [])
    assert store.get_experiment(key).artifact_location == "mlflow-artifacts:/custom/two"


def test_absent_experiment(store):
    with pytest.raises(MlflowException, match="No Experiment with id=999999 exists") as e:
        store.get_experiment("999999")
    assert e.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    assert store.get_experiment_by_name("nope") is None


@pytest.mark.parametrize("bad", ["abc", "1.5", "-1", "١", str(1 << 70)])
def test_malformed_id_is_refused(store, bad):
    with pytest.raises(MlflowException) as e:
        store.get_experiment(bad)
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


def test_name_is_taken_even_by_a_deleted_one(store):
    n = name()
    key = store.create_experiment(n, None, [])
    for _ in range(2):
        with pytest.raises(MlflowException) as e:
            store.create_experiment(n, None, [])
        assert e.value.error_code == "RESOURCE_ALREADY_EXISTS"
        if store.get_experiment(key).lifecycle_stage == "active":
            store.delete_experiment(key)


def test_delete_and_restore_take_the_runs_along(store, experiment, run_id):
    store.delete_experiment(experiment)
    assert store.get_experiment(experiment).lifecycle_stage == "deleted"
    assert store.get_run(run_id).info.lifecycle_stage == "deleted"
    with pytest.raises(MlflowException, match="No Experiment with id"):
        store.delete_experiment(experiment)
    with pytest.raises(MlflowException, match="must be in the 'active' state") as e:
        store.create_run(experiment, "u", 0, [], None)
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"
    store.restore_experiment(experiment)
    assert store.get_run(run_id).info.lifecycle_stage == "active"
    with pytest.raises(MlflowException, match="No Experiment with id"):
        store.restore_experiment(experiment)


def test_rename(store, experiment):
    n = name()
    store.rename_experiment(experiment, n)
    assert store.get_experiment(experiment).name == n
    with pytest.raises(MlflowException) as e:
        store.rename_experiment(experiment, "Default")
    assert e.value.error_code == "BAD_REQUEST"
    store.delete_experiment(experiment)
    with pytest.raises(MlflowException, match="Cannot rename a non-active experiment") as e:
        store.rename_experiment(experiment, name())
    assert e.value.error_code == "INVALID_STATE"


def test_tags(store, experiment):
    store.set_experiment_tag(experiment, ExperimentTag("a", "1"))
    store.set_experiment_tag(experiment, ExperimentTag("a", "2"))
    store.set_experiment_tag(experiment, ExperimentTag("b", ""))
    assert store.get_experiment(experiment).tags == {"a": "2", "b": ""}
    store.delete_experiment_tag(experiment, "a")
    assert store.get_experiment(experiment).tags == {"b": ""}
    with pytest.raises(MlflowException, match="No tag with name: a in experiment with id") as e:
        store.delete_experiment_tag(experiment, "a")
    assert e.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_search_filters_orders_and_pages(store):
    mark = uuid.uuid4().hex
    keys = []
    for letter in "bac":
        keys.append(
            store.create_experiment(f"{mark}-{letter}", None, [ExperimentTag("mark", mark)])
        )
        time.sleep(0.002)  # times are kept in milliseconds
    where = f"tags.mark = '{mark}'"
    found = store.search_experiments(filter_string=where, order_by=["name ASC"])
    assert [x.name[-1] for x in found] == ["a", "b", "c"]
    assert found.token is None
    assert [x.experiment_id for x in store.search_experiments(filter_string=where)] == keys[::-1]
    seen, token = [], None
    while True:
        page = store.search_experiments(
            filter_string=where, order_by=["name DESC"], max_results=1, page_token=token
        )
        seen += [x.name[-1] for x in page]
        token = page.token
        if not token:
            break
    assert seen == ["c", "b", "a"]
    store.delete_experiment(keys[0])
    for view, expected in (
        (ViewType.ACTIVE_ONLY, 2),
        (ViewType.DELETED_ONLY, 1),
        (ViewType.ALL, 3),
    ):
        assert len(store.search_experiments(view, filter_string=where)) == expected
    named = store.search_experiments(filter_string=f"name ILIKE '{mark.upper()}-A'")
    assert [x.experiment_id for x in named] == [keys[1]]
    assert store.search_experiments(filter_string=f"name LIKE '{mark.upper()}-A'") == []


@pytest.mark.parametrize("size", [0, -1, 50_001])
def test_search_refuses_a_page_size_out_of_bounds(store, size):
    with pytest.raises(MlflowException) as e:
        store.search_experiments(max_results=size)
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///:memory:"])
def test_store_in_memory(uri, tmp_path):
    from mlflow.store.tracking.sql.store import SqlStore

    one, other = SqlStore(uri, str(tmp_path)), SqlStore(uri, str(tmp_path))
    key = one.create_experiment("mine", None, [])
    assert one.get_experiment(key).name == "mine"
    assert other.get_experiment_by_name("mine") is None


def test_relative_path_is_the_one_of_the_first_use(tmp_path, monkeypatch):
    from mlflow.store.tracking.resolve import tracking_store

    monkeypatch.chdir(tmp_path)
    store = tracking_store("sqlite:///here.db")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    store.create_experiment("x", None, [])
    assert (tmp_path / "here.db").exists()
    assert not (tmp_path / "below" / "here.db").exists()
    assert tracking_store(f"sqlite:///{tmp_path}/here.db") is store
