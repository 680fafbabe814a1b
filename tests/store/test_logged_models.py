"""What every store does with logged models."""

from __future__ import annotations

import math
import threading

import pytest

from mlflow.entities import (
    LoggedModelInput,
    LoggedModelOutput,
    LoggedModelParameter,
    LoggedModelStatus,
    LoggedModelTag,
    Metric,
)
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.base.logged_models import page_size


def tags(**values):
    return [LoggedModelTag(key, value) for key, value in values.items()]


def params(**values):
    return [LoggedModelParameter(key, value) for key, value in values.items()]


def names(models):
    return [model.name for model in models]


@pytest.fixture
def model(store, experiment, run_id):
    return store.create_logged_model(
        experiment, "net", run_id, tags(team="x"), params(depth="3", note="")
    )


@pytest.fixture
def measure(store, run_id):
    """A function that logs a metric of a model."""
    moments = iter(range(1, 1000))

    def measure(model, key, value, dataset=None, digest=None, *, timestamp=None, step=0):
        moment = next(moments) if timestamp is None else timestamp
        store.log_metric(run_id, Metric(key, value, moment, step, model.model_id, dataset, digest))

    return measure


@pytest.fixture
def three(store, experiment):
    """Models a, b and c, made in this order."""
    return [store.create_logged_model(experiment, name) for name in "abc"]


@pytest.fixture
def search(store, experiment):
    """A function that gives the names of the models that are found."""
    return lambda filter_string=None, **more: names(
        store.search_logged_models([experiment], filter_string, **more)
    )


# Making and reading


def test_new_model(store, experiment, run_id, model):
    assert model.name == "net"
    assert model.experiment_id == experiment
    assert model.source_run_id == run_id
    assert model.status == LoggedModelStatus.PENDING
    assert model.status_message is None
    assert model.tags == {"team": "x"}
    assert model.params == {"depth": "3", "note": ""}
    assert not model.metrics
    assert model.creation_timestamp == model.last_updated_timestamp
    location = store.get_experiment(experiment).artifact_location
    assert model.artifact_location == f"{location}/models/{model.model_id}/artifacts"
    assert model.model_id.startswith("m-") and len(model.model_id) == 34


def test_model_is_read_as_it_was_made(store, model):
    found = store.get_logged_model(model.model_id)
    assert found.to_dictionary() == model.to_dictionary()


def test_name_is_made_up(store, experiment):
    assert store.create_logged_model(experiment).name


@pytest.mark.parametrize("name", ["a/b", "a:b", "a.b", "a%", 'a"', "a'"])
def test_name_that_is_no_name_is_refused(store, experiment, name):
    with pytest.raises(MlflowException, match="Invalid model name") as raised:
        store.create_logged_model(experiment, name)
    assert raised.value.error_code == "INVALID_PARAMETER_VALUE"


def test_model_needs_an_active_experiment(store, experiment):
    with pytest.raises(MlflowException) as raised:
        store.create_logged_model("987654321987654321", "net")
    assert raised.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    store.delete_experiment(experiment)
    with pytest.raises(MlflowException) as raised:
        store.create_logged_model(experiment, "net")
    assert raised.value.error_code in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST")


def test_many_params_come_with_a_new_model(store, experiment):
    wanted = {f"p{i}": str(i) for i in range(250)}
    made = store.create_logged_model(experiment, "net", params=params(**wanted))
    assert made.params == wanted
    assert store.get_logged_model(made.model_id).params == wanted


@pytest.mark.parametrize("model_id", ["m-0", "x", "m-" + "0" * 32, "m" * 300])
def test_model_that_is_not_there(store, model_id):
    for call in (
        lambda: store.get_logged_model(model_id),
        lambda: store.finalize_logged_model(model_id, LoggedModelStatus.READY),
        lambda: store.set_logged_model_tags(model_id, tags(a="b")),
        lambda: store.delete_logged_model_tag(model_id, "a"),
        lambda: store.log_logged_model_params(model_id, params(a="b")),
        lambda: store.delete_logged_model(model_id),
    ):
        with pytest.raises(MlflowException, match="not found") as raised:
            call()
        assert raised.value.error_code == "RESOURCE_DOES_NOT_EXIST"


# Changing


@pytest.mark.parametrize("status", [LoggedModelStatus.READY, LoggedModelStatus.FAILED])
def test_finalize(store, model, status):
    changed = store.finalize_logged_model(model.model_id, status)
    assert changed.status == status
    assert changed.last_updated_timestamp >= model.last_updated_timestamp
    assert changed.tags == model.tags and changed.params == model.params
    assert store.get_logged_model(model.model_id).status == status


def test_tags(store, model):
    store.set_logged_model_tags(model.model_id, tags(team="y", other="1"))
    assert store.get_logged_model(model.model_id).tags == {"team": "y", "other": "1"}
    store.delete_logged_model_tag(model.model_id, "team")
    assert store.get_logged_model(model.model_id).tags == {"other": "1"}
    with pytest.raises(MlflowException, match="No tag with key 'team' found") as raised:
        store.delete_logged_model_tag(model.model_id, "team")
    assert raised.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_tag_with_slashes_and_blanks(store, model):
    store.set_logged_model_tags(model.model_id, [LoggedModelTag("a/b c", "1")])
    assert store.get_logged_model(model.model_id).tags["a/b c"] == "1"
    store.delete_logged_model_tag(model.model_id, "a/b c")
    assert "a/b c" not in store.get_logged_model(model.model_id).tags


def test_params_are_set_once(store, model):
    store.log_logged_model_params(model.model_id, params(late="1", depth="3"))
    assert store.get_logged_model(model.model_id).params["late"] == "1"
    with pytest.raises(MlflowException, match="depth") as raised:
        store.log_logged_model_params(model.model_id, params(new="1", depth="4"))
    assert raised.value.error_code == "BAD_REQUEST"
    found = store.get_logged_model(model.model_id).params
    assert found == {"depth": "3", "note": "", "late": "1"}


def test_writers_lose_nothing_of_each_other(store, model):
    def write(number: int) -> None:
        for i in range(5):
            store.set_logged_model_tags(model.model_id, tags(**{f"t{number}-{i}": "1"}))
            store.log_logged_model_params(model.model_id, params(**{f"p{number}-{i}": "1"}))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = store.get_logged_model(model.model_id)
    assert {f"t{n}-{i}" for n in range(4) for i in range(5)} <= found.tags.keys()
    assert {f"p{n}-{i}" for n in range(4) for i in range(5)} <= found.params.keys()


def test_deleted_model(store, experiment, model, search):
    store.delete_logged_model(model.model_id)
    with pytest.raises(MlflowException) as raised:
        store.get_logged_model(model.model_id)
    assert raised.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    assert store.get_logged_model(model.model_id, allow_deleted=True).name == "net"
    assert search() == []
    store.delete_logged_model(model.model_id)  # once more is nothing


def test_model_outlives_its_run_and_is_there_with_its_deleted_experiment(
    store, experiment, run_id, model
):
    store.delete_run(run_id)
    assert store.get_logged_model(model.model_id).source_run_id == run_id
    store.delete_experiment(experiment)
    assert store.get_logged_model(model.model_id).name == "net"


def test_versions_are_noted_once(store, model):
    for version in ("1", "2", "2"):
        store.set_model_versions_tags("reg", version, model.model_id)
    noted = store.get_logged_model(model.model_id).tags["mlflow.modelVersions"]
    assert noted == '[{"name": "reg", "version": 1}, {"name": "reg", "version": 2}]'


# Metrics and runs


def test_metrics(store, run_id, model):
    points = [
        Metric("loss", 0.5, 10, 1, model.model_id),
        Metric("loss", 0.4, 20, 2, model.model_id, "eval", "d1"),
        Metric("loss", 0.4, 20, 2, model.model_id, "eval", "d1"),
        Metric("bad", math.nan, 20, 2, model.model_id),
        Metric("of run", 1.0, 20, 2),
    ]
    store.log_batch(run_id, points, [], [])
    found = {
        (m.key, str(m.value), m.timestamp, m.step, m.dataset_name, m.dataset_digest)
        for m in store.get_logged_model(model.model_id).metrics
    }
    assert found == {
        ("loss", "0.5", 10, 1, None, None),
        ("loss", "0.4", 20, 2, "eval", "d1"),
        ("bad", "nan", 20, 2, None, None),
    }
    for metric in store.get_logged_model(model.model_id).metrics:
        assert (metric.run_id, metric.model_id) == (run_id, model.model_id)
    assert len(store.get_metric_history(run_id, "loss")) == 2
    assert store.get_run(run_id).data.metrics["of run"] == 1.0


def test_metrics_of_a_run_in_another_experiment(store, model):
    other = store.create_experiment(f"of {model.model_id}", None, [])
    run_id = store.create_run(other, "ann", 1, [], "far").info.run_id
    store.log_metric(run_id, Metric("far", 1.0, 1, 1, model.model_id))
    assert [(m.key, m.run_id) for m in store.get_logged_model(model.model_id).metrics] == [
        ("far", run_id)
    ]


def test_half_a_dataset_is_refused(store, run_id, model):
    with pytest.raises(MlflowException, match="Both dataset_name and dataset_digest") as raised:
        store.log_metric(run_id, Metric("m", 1.0, 1, 1, model.model_id, "eval"))
    assert raised.value.error_code == "INVALID_PARAMETER_VALUE"


def test_inputs_and_outputs(store, run_id, model):
    store.log_inputs(run_id, models=[LoggedModelInput(model.model_id)])
    store.log_outputs(run_id, [LoggedModelOutput(model.model_id, 3)])
    run = store.get_run(run_id)
    assert [m.model_id for m in run.inputs.model_inputs] == [model.model_id]
    assert [(m.model_id, m.step) for m in run.outputs.model_outputs] == [(model.model_id, 3)]


# Searching


def test_newest_come_first(store, experiment, three):
    found = store.search_logged_models([experiment])
    assert sorted(names(found)) == ["a", "b", "c"]
    moments = [model.creation_timestamp for model in found]
    assert moments == sorted(moments, reverse=True)


def test_metric_fits_if_one_of_its_values_does(three, measure, search):
    a, b, _ = three
    measure(a, "x", 1.0, timestamp=100, step=5)
    measure(a, "x", 9.0, timestamp=200)
    measure(b, "x", 5.0, timestamp=150)
    assert search("metrics.x > 8") == ["a"]
    assert search("metrics.x > 8 AND metrics.x < 2") == ["a"]
    assert sorted(search("metrics.x >= 5")) == ["a", "b"]
    assert search("metrics.x = 5") == ["b"]
    assert search("metrics.x != 5") == ["a"]
    # The latest value by time, not by step.
    assert search(order_by=[{"field_name": "metrics.x"}]) == ["b", "a", "c"]
    assert search(order_by=[{"field_name": "metrics.x", "ascending": False}]) == ["a", "b", "c"]


def test_nan_is_no_number(three, measure, search):
    measure(three[0], "x", math.nan)
    measure(three[1], "x", 1.0)
    assert sorted(search("metrics.x != 3")) == ["a", "b"]
    assert search("metrics.x < 3") == ["b"]
    for ascending in (True, False):
        found = search(order_by=[{"field_name": "metrics.x", "ascending": ascending}])
        assert found == ["b", "a", "c"]


def test_datasets(three, measure, search):
    a, b, c = three
    for model, value, name, digest in (
        (a, 0.1, "tr", "1"),
        (a, 0.9, "te", "1"),
        (b, 0.5, "tr", "1"),
        (b, 0.2, "tr", "2"),
        (c, 0.7, None, None),
    ):
        measure(model, "u", value, name, digest)
    train, test = {"dataset_name": "tr"}, {"dataset_name": "te"}
    assert sorted(search(datasets=[train])) == ["a", "b"]
    assert search(datasets=[test]) == ["a"]
    assert search(datasets=[{**train, "dataset_digest": "2"}]) == ["b"]
    assert search("metrics.u > 0.3", datasets=[train]) == ["b"]
    assert search("metrics.u > 0.6", datasets=[train, test]) == ["a"]
    assert search("metrics.u < 0.3 AND name = 'a'", datasets=[train]) == ["a"]
    assert search("metrics.absent > 0", datasets=[train]) == []
    by_train = [{"field_name": "metrics.u", "dataset_name": "tr"}]
    assert search("metrics.u < 10", order_by=by_train) == ["a", "b", "c"]
    by_second = [{"field_name": "metrics.u", "dataset_name": "tr", "dataset_digest": "2"}]
    assert search(order_by=by_second)[0] == "b"
    with pytest.raises(MlflowException, match="dataset_name"):
        search(datasets=[{"dataset_digest": "1"}])


def test_absent_attribute_comes_last(store, experiment, search):
    for name, kind in (("a", "agent"), ("b", None), ("c", "tree")):
        store.create_logged_model(experiment, name, model_type=kind)
    order = [{"field_name": "model_type", "ascending": False}, {"field_name": "name"}]
    found = search(order_by=order)
    assert found == ["c", "a", "b"]
    assert sorted(search("model_type LIKE '%e%'")) == ["a", "c"]


def test_pages(store, experiment):
    for i in range(7):
        store.create_logged_model(experiment, f"m{i}", params=params(i=str(i)))
    for more in (
        {},
        {"order_by": [{"field_name": "name", "ascending": False}]},
        {"order_by": [{"field_name": "metrics.absent"}]},
        {"filter_string": "params.i != '3'"},
    ):
        whole = names(store.search_logged_models([experiment], **more))
        found, token = [], None
        while True:
            page = store.search_logged_models([experiment], max_results=2, page_token=token, **more)
            assert len(page) <= 2
            found += names(page)
            token = page.token
            if not token:
                break
        assert found == whole
        assert len(set(found)) == (6 if "filter_string" in more else 7)


def test_page_is_not_shifted_by_what_is_new(store, experiment):
    for i in range(4):
        store.create_logged_model(experiment, f"m{i}")
    order = [{"field_name": "name"}]
    first = store.search_logged_models([experiment], max_results=2, order_by=order)
    store.create_logged_model(experiment, "a")
    rest = store.search_logged_models([experiment], order_by=order, page_token=first.token)
    assert names(rest) == ["m2", "m3"]


def test_token_belongs_to_its_search(store, experiment):
    other = store.create_experiment(f"other than {experiment}", None, [])
    for i in range(3):
        store.create_logged_model(experiment, f"m{i}")
    token = store.search_logged_models([experiment], max_results=1).token
    for ids, more in (
        ([other], {}),
        ([experiment], {"filter_string": "name = 'm1'"}),
        ([experiment], {"order_by": [{"field_name": "name"}]}),
    ):
        with pytest.raises(MlflowException, match="page token") as raised:
            store.search_logged_models(ids, page_token=token, **more)
        assert raised.value.error_code == "INVALID_PARAMETER_VALUE"
    for broken in ("zz", "WzFd", "eyJvZmZzZXQiOiAxfQ==", token[:-8]):
        with pytest.raises(MlflowException) as raised:
            store.search_logged_models([experiment], page_token=broken)
        assert raised.value.error_code == "INVALID_PARAMETER_VALUE"


def test_several_experiments(store, experiment):
    other = store.create_experiment(f"and {experiment}", None, [])
    for i in range(4):
        store.create_logged_model((experiment, other)[i % 2], f"m{i}")
    first = store.search_logged_models([experiment, other], max_results=3)
    rest = store.search_logged_models([experiment, other], page_token=first.token)
    assert sorted(names(first) + names(rest)) == ["m0", "m1", "m2", "m3"]
    assert store.search_logged_models(["987654321987654321"]) == []


def test_more_than_a_few_fit(store, experiment, monkeypatch):
    """The other way to a page: along the models, since the index has too many."""
    from mlflow.store.tracking.sql import model_search

    for i in range(6):
        store.create_logged_model(experiment, f"m{i}", params=params(kind="x", i=str(i)))
    few = names(store.search_logged_models([experiment], "params.kind = 'x'"))
    monkeypatch.setattr(model_search, "_FEW", 2)
    assert names(store.search_logged_models([experiment], "params.kind = 'x'")) == few
    assert names(store.search_logged_models([experiment], "params.i IN ('2', '4')")) == [
        name for name in few if name in ("m2", "m4")
    ]
    first = store.search_logged_models([experiment], "params.kind = 'x'", max_results=4)
    rest = store.search_logged_models([experiment], "params.kind = 'x'", page_token=first.token)
    assert names(first) + names(rest) == few


def test_page_size_that_is_none_is_refused(store, experiment):
    with pytest.raises(MlflowException, match="max_results") as raised:
        store.search_logged_models([experiment], max_results=-1)
    assert raised.value.error_code == "INVALID_PARAMETER_VALUE"


def test_hundred_models_are_a_page():
    assert [page_size(size) for size in (None, 0, 7)] == [100, 100, 7]
