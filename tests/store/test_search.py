"""Searches of runs: every way to a page finds the same runs, in the same order, as the filter and
the order mean.

HEADRACE_EXAMPLES=5000 pytest tests/store/test_search.py                      # the long form
"""

from __future__ import annotations

import base64
import json
import math
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests import databases
from tests.search.test_properties import trees

from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LifecycleStage,
    Metric,
    Param,
    Run,
    RunStatus,
    RunTag,
    ViewType,
)
from mlflow.exceptions import MlflowException
from mlflow.search import RUNS, parse_filter, parse_order_by
from mlflow.search.evaluate import matcher, run_values, sort
from mlflow.store.tracking.sql import conditions, search
from mlflow.store.tracking.sql.store import SqlStore

EXAMPLES = int(os.environ.get("HEADRACE_EXAMPLES", "80"))
LONG = "s3://bucket/a/rather/long/path/that/many/runs/have/in/common/with/each/other/"
STATUSES = [RunStatus.FINISHED, RunStatus.FAILED, RunStatus.KILLED]


@dataclass
class Known:
    """A store, and the runs in it."""

    store: SqlStore
    experiments: list[str]
    runs: list[Run]

    def pages(self, experiments, view, filter_string, orders, size) -> list[str]:
        """The ids on all pages together."""
        found, token = [], None
        while True:
            page = self.store.search_runs(
                experiments, filter_string, view, size, orders, page_token=token
            )
            assert len(page) <= size
            assert len(page) == size or not page.token
            found += [run.info.run_id for run in page]
            token = page.token
            if not token:
                return found

    def expected(self, experiments, view, filter_string, orders) -> list[str]:
        stages = LifecycleStage.view_type_to_stages(view)
        fits = matcher(parse_filter(filter_string, RUNS), run_values)
        fitting = [
            run
            for run in self.runs
            if run.info.experiment_id in experiments
            and run.info.lifecycle_stage in stages
            and fits(run)
        ]
        ordered = sort(fitting, parse_order_by(orders, RUNS), RUNS, run_values)
        return [run.info.run_id for run in ordered]


def fill(store: SqlStore, rng: random.Random) -> Known:
    """Runs with ties, NaN, long texts with a common beginning, and much that is absent."""
    sizes = (50, 12, 3)
    experiments = [store.create_experiment(f"e{i}", None, []) for i in range(len(sizes))]
    ids = []
    for experiment, size in zip(experiments, sizes):
        for number in range(size):
            start = rng.choice([0, 5, 5, 5, 1_700_000_000_000 + number])
            tags = [RunTag("team", rng.choice(["core", "core", "Core", "café", ""]))]
            if rng.random() < 0.5:
                tags.append(RunTag("path", LONG + rng.choice(["", "a", "b", "c"]) + "x" * 3))
            name = rng.choice(["same", "same", f"run {number}", LONG + str(number % 3)])
            user = rng.choice(["ann", "bob", ""])
            run_id = store.create_run(experiment, user, start, tags, name).info.run_id
            ids.append(run_id)
            params = [Param("model", rng.choice(["mlp", "mlp", "tree", "M_P", "é%"]))]
            if rng.random() < 0.7:
                params.append(Param("lr", rng.choice(["0.1", "0.1", "1e-3", "10", "high", "-5"])))
            if rng.random() < 0.1:
                params.append(Param("rare", "yes"))
            metrics = [Metric("acc", rng.choice([0.0, 0.5, 0.5, 1.0, rng.random()]), 1, 0)]
            if rng.random() < 0.6:
                value = rng.choice([math.nan, math.nan, -1.0, 3.5, 3.5, 1e300])
                metrics.append(Metric("loss", value, 1, 0))
            if rng.random() < 0.1:
                metrics.append(Metric("seldom", float(number), 1, 0))
            store.log_batch(run_id, metrics, params, [])
            if rng.random() < 0.3:
                dataset = Dataset(rng.choice(["iris", "wine"]), "d1", "local", "somewhere")
                context = InputTag("mlflow.data.context", rng.choice(["train", "test"]))
                store.log_inputs(run_id, [DatasetInput(dataset, [context])])
            if rng.random() < 0.7:
                end = rng.choice([start + 1, start + 1, 1_800_000_000_000])
                store.update_run_info(run_id, rng.choice(STATUSES), end, None)
            if rng.random() < 0.1:
                store.delete_run(run_id)
    return Known(store, experiments, [store.get_run(run_id) for run_id in ids])


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mysql"])
def known(request, tmp_path_factory) -> Iterator[Known]:
    with databases.new_database(request.param, tmp_path_factory.mktemp("search")) as uri:
        store = SqlStore(uri, "/artifacts")
        yield fill(store, random.Random(0))
        store.dispose()


COMPARISONS = st.sampled_from(
    [
        *("metrics.acc > 0.5", "metrics.acc >= 0.5", "metrics.acc < 1", "metrics.acc = 0.5"),
        *("metrics.acc != 0.5", "metrics.acc > 0.2", "metrics.loss != 3.5", "metrics.loss > 0"),
        *("metrics.seldom > 3", "metrics.none > 0", "metrics.loss <= 3.5", "metrics.acc < 0"),
        *("params.model = 'mlp'", "params.model LIKE 'm%'", "params.model LIKE 'M_P'"),
        *("params.model ILIKE 'MLP'", "params.model != 'mlp'", "params.model LIKE '%p'"),
        *("params.lr > 0.05", "params.lr IS NULL", "params.rare IS NOT NULL", "params.no = 'x'"),
        *("params.none IS NULL", "params.none IS NOT NULL", "params.model LIKE 'mlp'"),
        *("tags.team = 'core'", "tags.team = ''", "tags.team LIKE 'c%'", "tags.team != 'core'"),
        *(f"tags.path = '{LONG}axxx'", f"tags.path LIKE '{LONG}a%'", "tags.path IS NULL"),
        *(f"tags.path LIKE '{LONG[:30]}%'", "tags.path LIKE 's3%'", "tags.team LIKE '%'"),
        *("status = 'RUNNING'", "status != 'FINISHED'", "status LIKE 'F%'", "status = 'x'"),
        *("start_time > 5", "start_time <= 5", "start_time = 5", "end_time > 6", "start_time != 5"),
        *("start_time > 4.5", "end_time <= 1e300", "end_time != 6", "start_time = 5.0"),
        *("run_name = 'same'", "run_name LIKE 'run %'", f"run_name LIKE '{LONG}%'"),
        *(f"run_name = '{LONG}1'", "user_id = 'ann'", "user_id != 'ann'", "run_id LIKE 'a%'"),
        *("run_id IN ('none', '{0}')", "run_id NOT IN ('{0}')", "run_id = '{0}'"),
        *("datasets.name = 'iris'", "datasets.context = 'test'", "datasets.name LIKE '%i%'"),
        *("artifact_uri LIKE '%/artifacts%'", "datasets.digest != 'd1'"),
    ]
)
FILTERS = st.just("") | trees(COMPARISONS).map(
    lambda tree: written(tree) if not isinstance(tree, str) else tree
)
ORDERS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("metrics.acc", "metrics.loss", "metrics.seldom", "metrics.none"),
                *("params.model", "params.lr", "params.rare", "tags.team", "tags.path"),
                *("start_time", "end_time", "status", "run_name", "run_id", "user_id"),
                *("artifact_uri", "params.none"),
            ]
        ),
        st.sampled_from(["ASC", "DESC"]),
    ),
    max_size=3,
    unique_by=lambda item: item[0],
).map(lambda items: [" ".join(item) for item in items])
VIEWS = st.sampled_from([ViewType.ACTIVE_ONLY, ViewType.ACTIVE_ONLY, ViewType.ALL])


def written(tree) -> str:
    """The text of a tree whose leaves are text."""
    if isinstance(tree, str):
        return tree
    if hasattr(tree, "child"):
        return f"NOT ({written(tree.child)})"
    word = " AND " if type(tree).__name__ == "And" else " OR "
    return word.join(f"({written(child)})" for child in tree.children)


@pytest.mark.parametrize("first_turn", [1, 3, 256])
@given(data=st.data())
@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
def test_all_ways_lead_to_the_same_runs(known, first_turn, data):
    """Short turns make small stores go the ways of large ones."""
    filter_string = data.draw(FILTERS).replace("{0}", known.runs[7].info.run_id)
    orders = data.draw(ORDERS)
    view = data.draw(VIEWS)
    size = data.draw(st.sampled_from([1, 2, 7, 40, 1000]))
    experiments = data.draw(st.sampled_from([[0], [0], [1], [2], [0, 1], [0, 1, 2], [2, 2], []]))
    experiments = [known.experiments[i] for i in experiments]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "_first_turn", lambda missing: first_turn)
        patch.setattr(conditions.Membership, "FEW", data.draw(st.sampled_from([1, 2, 16])))
        found = known.pages(experiments, view, filter_string, orders, size)
        count = known.store.count_runs(experiments, filter_string, view)
    expected = known.expected(experiments, view, filter_string, orders)
    assert found == expected
    assert count == len(expected)


# -- tokens ---------------------------------------------------------------------------------------

FORGED = [
    [0, 0.5, 5, 7],
    [0, 0.5, "5", "x"],
    [0, "0.5", 5, "x"],
    ["0", 0.5, 5, "x"],
    [0, 0.5, 5],
    [0, 0.5, 5, "x", 1],
    [True, 0.5, 5, "x"],
    [0, 0.5, 5.5, "x"],
    [0, 0.5, None, "x"],
    [0, 0.5, 1 << 63, "x"],
    [0, math.nan, 5, "x"],
    [0, 10**400, 5, "x"],
    [0, 0.5, 5, ["x"]],
    [0, 0.5, 5, "\ud800"],
    {"offset": 100},
    100,
    "text",
]


def token(values) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


@pytest.mark.parametrize("forged", [token(values) for values in FORGED] + ["?", "e30", token([])])
def test_a_forged_token_is_refused(known, forged):
    with pytest.raises(MlflowException) as e:
        known.store.search_runs(
            known.experiments, "", ViewType.ACTIVE_ONLY, 5, ["metrics.acc"], forged
        )
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


def test_a_token_nested_too_deeply_is_refused(known):
    deep = base64.urlsafe_b64encode(b"[" * 100_000).decode()
    with pytest.raises(MlflowException) as e:
        known.store.search_runs(known.experiments, "", ViewType.ACTIVE_ONLY, 5, None, deep)
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("rank", [-1, 0, 1, 2, 3, 9, (1 << 63) - 1, -(1 << 63)])
@pytest.mark.parametrize("order", ["metrics.acc", "metrics.loss DESC", "metrics.none"])
def test_a_place_where_no_run_can_be_does_no_harm(known, rank, order):
    place = token([rank, 0.5, 5, ""])
    page = known.store.search_runs(
        known.experiments, "", ViewType.ACTIVE_ONLY, 1000, [order], place
    )
    assert len(page) <= len(known.runs)
    for order in ("status", "status DESC"):
        page = known.store.search_runs(
            known.experiments, "", ViewType.ACTIVE_ONLY, 1000, [order], token([rank, 5, ""])
        )
        assert len(page) <= len(known.runs)


def test_a_token_of_another_order_does_no_harm(known):
    def first(order):
        return known.store.search_runs(
            known.experiments, "", ViewType.ACTIVE_ONLY, 5, [order] if order else None
        ).token

    orders = [
        "metrics.acc",
        "metrics.loss DESC",
        "params.model",
        "tags.path",
        "end_time",
        "",
        "run_id",
    ]
    refused = 0
    for made_for in orders:
        for used_for in orders:
            try:
                known.store.search_runs(
                    known.experiments,
                    "params.model = 'mlp'",
                    ViewType.ACTIVE_ONLY,
                    1000,
                    [used_for] if used_for else None,
                    first(made_for),
                )
            except MlflowException as e:
                assert e.error_code == "INVALID_PARAMETER_VALUE"
                refused += 1
    assert refused > len(orders)


@pytest.mark.parametrize("values", [["x", 1], [1, "x"], [1.5, 1], [1 << 64, 1], [1]])
def test_a_forged_token_of_experiments_is_refused(known, values):
    with pytest.raises(MlflowException) as e:
        known.store.search_experiments(page_token=token(values))
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


def test_hundreds_of_experiments(known):
    others = [str(100_000 + number) for number in range(600)]
    found = known.pages([*known.experiments, *others], ViewType.ALL, "", ["metrics.acc"], 40)
    assert found == known.expected(known.experiments, ViewType.ALL, "", ["metrics.acc"])
    count = known.store.count_runs([*others, *known.experiments], "", ViewType.ALL)
    assert count == len(known.runs)


def test_texts_with_nul(tmp_path):
    """SQLite's functions, and so its indexes, see them up to there only; not so its comparisons."""
    store = SqlStore(f"sqlite:///{tmp_path}/store.db", str(tmp_path))
    values = ["a", "a\0b", "a\0c", "b", "\0", LONG + "\0", LONG + "\0d"]
    ids = {}
    for value in values:
        ids[value] = store.create_run("0", "ann", 1, [], None).info.run_id
        store.log_param(ids[value], Param("p", value))
    known = Known(store, ["0"], [store.get_run(run_id) for run_id in ids.values()])
    for text in ("params.p = 'a'", "params.p LIKE 'a%'", f"params.p = '{LONG}'", "params.p > 1"):
        found = known.pages(["0"], ViewType.ACTIVE_ONLY, text, [], 5)
        assert found == known.expected(["0"], ViewType.ACTIVE_ONLY, text, [])
    for order in ("params.p", "params.p DESC"):
        for size in (1, 2, 100):
            found = known.pages(["0"], ViewType.ACTIVE_ONLY, "", [order], size)
            assert found == known.expected(["0"], ViewType.ACTIVE_ONLY, "", [order])
    store.dispose()
