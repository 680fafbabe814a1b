"""Searches of logged models go by indexes, however many there are."""

from __future__ import annotations

import pytest

from mlflow.entities import LoggedModelParameter, Metric
from mlflow.store.tracking.sql.model_search import ModelSearch
from mlflow.store.tracking.sql.store import SqlStore


class Recorder:
    """A transaction that remembers its statements."""

    def __init__(self, tx):
        self.tx = tx
        self.said = []

    def execute(self, sql, params=()):
        self.said.append((sql, params))
        return self.tx.execute(sql, params)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plans")
    store = SqlStore(f"sqlite:///{folder}/store.db", str(folder))
    run_id = store.create_run("0", "ann", 1, [], "r").info.run_id
    for i in range(5):
        model = store.create_logged_model(
            "0", f"m{i}", run_id, params=[LoggedModelParameter("p", "1")]
        )
        store.log_metric(run_id, Metric("acc", i, i, 1, model.model_id))
    yield store
    store.dispose()


def plans(store, filter_string=None, order_by=None, page_token=None) -> list[str]:
    """How SQLite carries out each statement of a search."""
    search = ModelSearch(store.db.dialect, ["0"], filter_string, None, 2, order_by)
    with store.db.read() as tx:
        recorder = Recorder(tx)
        search.page(recorder, lambda name: store._key_id(tx, name), page_token)
        return [
            " | ".join(row[3] for row in tx.execute(f"explain query plan {sql}", params))
            for sql, params in recorder.said
        ]


def test_newest_models_are_read_along_an_index(store):
    first = store.search_logged_models(["0"], max_results=2)
    for token in (None, first.token):
        (plan,) = plans(store, page_token=token)
        assert "logged_model_by_experiment (experiment_id=? AND lifecycle_stage=?" in plan
        assert "TEMP B-TREE" not in plan
    assert "creation_time<?" in plans(store, page_token=first.token)[0]


@pytest.mark.parametrize(
    ("filter_string", "index"),
    [
        ("name = 'm1'", "logged_model_by_name"),
        ("name = 'm1' AND source_run_id = 'r'", "logged_model_by_name"),
        ("name LIKE 'm%'", "logged_model_by_name"),
        ("name IN ('m1', 'm2')", "logged_model_by_name"),
        ("model_id = 'm-1'", "logged_model_by_uuid"),
        ("source_run_id = 'r'", "logged_model_by_run"),
        ("params.p = '1'", "logged_model_param_by_value"),
        ("params.p LIKE '1%'", "logged_model_param_by_value"),
        ("tags.t = '1'", "logged_model_tag_by_value"),
        ("metrics.acc > 3", "model_metric_by_value"),
    ],
)
def test_few_models_are_found_by_an_index(store, filter_string, index):
    first, *rest = plans(store, filter_string)
    assert index in first and "SCAN" not in first
    for plan in rest:
        assert "SEARCH logged_model USING INTEGER PRIMARY KEY" in plan or (
            "SEARCH m USING INTEGER PRIMARY KEY" in plan
        )
