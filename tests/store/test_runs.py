from __future__ import annotations

import uuid

import pytest

from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    Param,
    RunStatus,
    RunTag,
    ViewType,
)
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.file.store import FileStore


def refused(e: pytest.ExceptionInfo) -> str:
    return e.value.error_code


def test_new_run(store, experiment):
    run = store.create_run(experiment, "ann", 1_700_000_000_000, [RunTag("k", "v")], "alpha")
    assert run.info.status == "RUNNING"
    assert run.info.experiment_id == experiment
    assert (run.info.user_id, run.info.start_time, run.info.end_time) == (
        "ann",
        1_700_000_000_000,
        None,
    )
    assert run.data.tags == {"k": "v", "mlflow.runName": "alpha"}
    assert run.info.artifact_uri.endswith(f"/{experiment}/{run.info.run_id}/artifacts")
    again = store.get_run(run.info.run_id)
    assert dict(again.info) == dict(run.info)
    assert again.data.tags == run.data.tags
    assert again.inputs.dataset_inputs == []
    assert again.outputs.model_outputs == []


def test_run_without_a_name_gets_one(store, experiment):
    run = store.create_run(experiment, None, None, [], None)
    assert run.info.run_name == run.data.tags["mlflow.runName"] != ""


def test_run_may_begin_with_tags_of_any_key(store, experiment):
    tags = [RunTag("a+b", "1"), RunTag("../x", "2"), RunTag("💧", "3")]
    if isinstance(store, FileStore):  # where keys are names of files
        for tag in tags:
            with pytest.raises(MlflowException) as e:
                store.create_run(experiment, None, 0, [tag], "n")
            assert refused(e) == "INVALID_PARAMETER_VALUE"
        assert store.search_runs([experiment], "", ViewType.ALL) == []
        return
    run = store.create_run(experiment, None, 0, tags, "n")
    found = store.get_run(run.info.run_id).data.tags
    assert (found["a+b"], found["../x"], found["💧"]) == ("1", "2", "3")


def test_name_from_the_tag(store, experiment):
    run = store.create_run(experiment, None, 0, [RunTag("mlflow.runName", "t")], None)
    assert run.info.run_name == "t"
    with pytest.raises(MlflowException, match="with different values") as e:
        store.create_run(experiment, None, 0, [RunTag("mlflow.runName", "t")], "u")
    assert refused(e) == "INVALID_PARAMETER_VALUE"


def test_run_in_no_experiment(store):
    with pytest.raises(MlflowException, match="No Experiment with id=999999") as e:
        store.create_run("999999", None, 0, [], None)
    assert refused(e) == "RESOURCE_DOES_NOT_EXIST"


def test_absent_run(store):
    for call in (
        lambda i: store.get_run(i),
        lambda i: store.delete_run(i),
        lambda i: store.restore_run(i),
        lambda i: store.set_tag(i, RunTag("a", "b")),
        lambda i: store.log_batch(i, [], [], []),
    ):
        with pytest.raises(MlflowException, match=f"Run with id={'0' * 32} not found") as e:
            call("0" * 32)
        assert refused(e) == "RESOURCE_DOES_NOT_EXIST"


def test_update_changes_only_what_is_given(store, run_id):
    info = store.update_run_info(run_id, None, None, "second")
    assert (info.run_name, info.status, info.end_time) == ("second", "RUNNING", None)
    info = store.update_run_info(run_id, RunStatus.FINISHED, 1_700_000_000_009, None)
    assert (info.run_name, info.status, info.end_time) == ("second", "FINISHED", 1_700_000_000_009)
    assert store.get_run(run_id).data.tags["mlflow.runName"] == "second"


def test_name_tag_renames(store, run_id):
    store.set_tag(run_id, RunTag("mlflow.runName", "by tag"))
    assert store.get_run(run_id).info.run_name == "by tag"


def test_deleted_run_refuses_everything_until_restored(store, run_id):
    store.delete_run(run_id)
    store.delete_run(run_id)
    assert store.get_run(run_id).info.lifecycle_stage == "deleted"
    for call in (
        lambda: store.log_metric(run_id, Metric("a", 1.0, 1, 0)),
        lambda: store.log_param(run_id, Param("a", "1")),
        lambda: store.set_tag(run_id, RunTag("a", "1")),
        lambda: store.delete_tag(run_id, "mlflow.runName"),
        lambda: store.update_run_info(run_id, RunStatus.FINISHED, None, None),
        lambda: store.log_batch(run_id, [], [], [RunTag("a", "1")]),
    ):
        with pytest.raises(MlflowException, match="must be in the 'active' state") as e:
            call()
        assert refused(e) == "INVALID_PARAMETER_VALUE"
    store.restore_run(run_id)
    store.restore_run(run_id)
    store.set_tag(run_id, RunTag("a", "1"))
    assert store.get_run(run_id).data.tags["a"] == "1"


def test_params_do_not_change(store, run_id):
    store.log_param(run_id, Param("lr", "0.1"))
    store.log_param(run_id, Param("lr", "0.1"))
    with pytest.raises(MlflowException, match=r"value='0.1' .* new value '0.2'") as e:
        store.log_param(run_id, Param("lr", "0.2"))
    assert refused(e) == "INVALID_PARAMETER_VALUE"
    store.log_param(run_id, Param("empty", ""))
    assert store.get_run(run_id).data.params == {"lr": "0.1", "empty": ""}


def test_long_param_is_cut(store, run_id):
    store.log_param(run_id, Param("long", "x" * 9000))
    assert store.get_run(run_id).data.params["long"] == "x" * 6000


def test_tags_change_and_go(store, run_id):
    store.set_tag(run_id, RunTag("a", "1"))
    store.set_tag(run_id, RunTag("a", "é\n"))
    assert store.get_run(run_id).data.tags["a"] == "é\n"
    store.delete_tag(run_id, "a")
    assert "a" not in store.get_run(run_id).data.tags
    with pytest.raises(MlflowException, match="No tag with name: a in run with id") as e:
        store.delete_tag(run_id, "a")
    assert refused(e) == "RESOURCE_DOES_NOT_EXIST"


def test_batch(store, run_id):
    store.log_batch(
        run_id,
        [Metric("m", 1.0, 1, 0), Metric("m", 2.0, 2, 1), Metric("n", 3.0, 1, 0)],
        [Param("p", "1"), Param("q", "2")],
        [RunTag("t", "1")],
    )
    data = store.get_run(run_id).data
    assert data.metrics == {"m": 2.0, "n": 3.0}
    assert data.params == {"p": "1", "q": "2"}
    assert data.tags["t"] == "1"


def test_refused_batch_leaves_nothing(store, run_id):
    store.log_param(run_id, Param("p", "1"))
    with pytest.raises(MlflowException, match="Params were already logged") as e:
        store.log_batch(
            run_id,
            [Metric("m", 1.0, 1, 0)],
            [Param("new", "1"), Param("p", "2")],
            [RunTag("t", "1")],
        )
    assert refused(e) == "INVALID_PARAMETER_VALUE"
    data = store.get_run(run_id).data
    assert (data.metrics, data.params, "t" in data.tags) == ({}, {"p": "1"}, False)


def test_batch_limits(store, run_id):
    with pytest.raises(MlflowException, match="at most 1000 metrics"):
        store.log_batch(run_id, [Metric(f"k{i}", 1.0, 1, 0) for i in range(1001)], [], [])
    with pytest.raises(MlflowException, match="at most 100 params"):
        store.log_batch(run_id, [], [Param(f"k{i}", "1") for i in range(101)], [])
    with pytest.raises(MlflowException, match="Duplicate parameter keys"):
        store.log_batch(run_id, [], [Param("d", "1"), Param("d", "2")], [])


@pytest.mark.parametrize("key", ["a*b", "/abs", "../up", "a/../b", "", "k" * 251])
def test_bad_keys_are_refused(store, run_id, key):
    for call in (
        lambda: store.log_metric(run_id, Metric(key, 1.0, 1, 0)),
        lambda: store.log_param(run_id, Param(key, "1")),
        lambda: store.set_tag(run_id, RunTag(key, "1")),
    ):
        with pytest.raises(MlflowException) as e:
            call()
        assert refused(e) == "INVALID_PARAMETER_VALUE"


def test_text_that_no_database_can_keep_is_refused_or_kept(store, run_id):
    for text in ("a\x00b", "\ud800"):
        try:
            store.set_tag(run_id, RunTag("odd", text))
        except MlflowException as e:
            assert e.error_code == "INVALID_PARAMETER_VALUE"
        except UnicodeEncodeError:
            assert text == "\ud800"  # a client cannot even send it
        else:
            assert store.get_run(run_id).data.tags["odd"] == text


def test_inputs_and_outputs(store, experiment, run_id):
    data = Dataset("train", "9b278ff2", "http", '{"url": "u"}', '{"s": 1}', None)
    tags = [InputTag("mlflow.data.context", "training")]
    store.log_inputs(run_id, [DatasetInput(data, tags)], [LoggedModelInput("m-1")])
    store.log_inputs(run_id, [DatasetInput(data, [InputTag("more", "1")])])
    store.log_outputs(run_id, [LoggedModelOutput("m-2", 3)])
    run = store.get_run(run_id)
    (use,) = run.inputs.dataset_inputs
    assert dict(use.dataset) == dict(data)
    assert {t.key: t.value for t in use.tags} == {"mlflow.data.context": "training", "more": "1"}
    assert [m.model_id for m in run.inputs.model_inputs] == ["m-1"]
    assert [(m.model_id, m.step) for m in run.outputs.model_outputs] == [("m-2", 3)]
    (summary,) = store._search_datasets([experiment])
    assert (summary.experiment_id, summary.name, summary.digest, summary.context) == (
        experiment,
        "train",
        "9b278ff2",
        "training",
    )


def test_history_of_models(store, run_id):
    for i in range(2):
        model = {"run_id": run_id, "artifact_path": f"m{i}", "utc_time_created": "t", "flavors": {}}
        store.record_logged_model(run_id, model)
    history = store.get_run(run_id).data.tags["mlflow.log-model.history"]
    assert history.count('"artifact_path"') == 2


def make_runs(store, experiment, values):
    ids = []
    for i, value in enumerate(values):
        run = store.create_run(experiment, "u", 1000 + i, [], f"r{i}")
        ids.append(run.info.run_id)
        metrics = [] if value is None else [Metric("score", value, 1, 0)]
        params = [Param("i", str(i)), Param("lr", f"{i / 10}")]
        store.log_batch(ids[-1], metrics, params, [RunTag("even", str(i % 2 == 0))])
    return ids


def names(runs):
    return [r.info.run_name for r in runs]


def test_search_orders_nan_and_absent_last(store, experiment):
    make_runs(store, experiment, [2.0, float("nan"), None, 3.0, 1.0])
    search = lambda order: names(  # noqa: E731
        store.search_runs([experiment], "", ViewType.ACTIVE_ONLY, order_by=order)
    )
    assert search(["metrics.score DESC"]) == ["r3", "r0", "r4", "r1", "r2"]
    assert search(["metrics.score ASC"]) == ["r4", "r0", "r3", "r1", "r2"]
    assert search([]) == ["r4", "r3", "r2", "r1", "r0"]
    assert search(["params.i"]) == ["r0", "r1", "r2", "r3", "r4"]
    assert search(["tags.even DESC", "start_time ASC"]) == ["r0", "r2", "r4", "r1", "r3"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("metrics.score > 1", {"r0", "r3"}),
        ("metrics.score != 1", {"r0", "r1", "r3"}),
        ("metrics.score > 1 and tags.even = 'True'", {"r0"}),
        ("metrics.score > 2.5 or params.i = '4'", {"r3", "r4"}),
        ("not (metrics.score > 1)", {"r1", "r2", "r4"}),
        ("params.lr >= 0.3", {"r3", "r4"}),
        ("params.i = 2", {"r2"}),
        ("params.nope IS NULL", {"r0", "r1", "r2", "r3", "r4"}),
        ("metrics.nope > 0", set()),
        ("run_name LIKE 'R%'", set()),
        ("run_name ILIKE 'R_'", {"r0", "r1", "r2", "r3", "r4"}),
        ("status = 'RUNNING' and start_time > 1002", {"r3", "r4"}),
        ("end_time > 0", set()),
        ("not end_time > 0", {"r0", "r1", "r2", "r3", "r4"}),
    ],
)
def test_search_filters(store, experiment, where, expected):
    make_runs(store, experiment, [2.0, float("nan"), None, 3.0, 1.0])
    assert set(names(store.search_runs([experiment], where, ViewType.ALL))) == expected


def test_search_by_id_and_dataset(store, experiment):
    ids = make_runs(store, experiment, [1.0, 2.0, 3.0])
    data = Dataset("train", "abc", "t", "s")
    store.log_inputs(ids[1], [DatasetInput(data, [InputTag("mlflow.data.context", "eval")])])
    search = lambda w: names(store.search_runs([experiment], w, ViewType.ALL))  # noqa: E731
    assert set(search(f"run_id IN ('{ids[0]}', '{ids[2]}')")) == {"r0", "r2"}
    assert search("datasets.name = 'train'") == ["r1"]
    assert search("datasets.context = 'eval'") == ["r1"]
    assert search("datasets.digest = 'zzz'") == []


def test_pages_hold_each_run_once_while_runs_come_and_go(store, experiment):
    ids = make_runs(store, experiment, [float(i % 3) for i in range(10)])
    seen, token = [], None
    while True:
        page = store.search_runs(
            [experiment],
            "",
            ViewType.ACTIVE_ONLY,
            max_results=3,
            order_by=["metrics.score DESC"],
            page_token=token,
        )
        seen += [r.info.run_id for r in page]
        token = page.token
        if not token:
            break
        if len(seen) == 3:
            store.delete_run(seen[0])  # an offset would now skip a run
    assert sorted(seen) == sorted(ids)


def test_token_of_another_search_is_refused(store, experiment):
    make_runs(store, experiment, [1.0, 2.0])
    token = store.search_runs([experiment], "", ViewType.ALL, max_results=1).token
    for bad in ("zzz", token + "x", token):
        with pytest.raises(MlflowException) as e:
            store.search_runs(
                [experiment], "", ViewType.ALL, order_by=["metrics.score"], page_token=bad
            )
        assert refused(e) == "INVALID_PARAMETER_VALUE"


def test_search_in_no_experiment_finds_nothing(store):
    assert store.search_runs([], "", ViewType.ALL) == []
    assert store.search_runs(["987654"], "", ViewType.ALL) == []


def test_many_runs_are_read_whole(store, experiment):
    mark = uuid.uuid4().hex
    for i in range(12):
        run = store.create_run(experiment, "u", i, [RunTag("mark", mark)], None)
        store.log_batch(run.info.run_id, [Metric(f"m{j}", i + j, 0, 0) for j in range(20)], [], [])
    found = store.search_runs([experiment], f"tags.mark = '{mark}'", ViewType.ALL)
    assert len(found) == 12
    for run in found:
        assert run.data.metrics == {f"m{j}": run.info.start_time + j for j in range(20)}
