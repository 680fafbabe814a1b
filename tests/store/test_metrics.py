from __future__ import annotations

import math
import random
import threading

import pytest

from mlflow.entities import Metric, RunStatus
from mlflow.exceptions import MlflowException
from mlflow.store.db.paging import encode_token

LARGEST = 1.7976931348623157e308


def rows(points):
    return [(m.timestamp, m.step, m.value) for m in points]


def test_latest_is_the_greatest_by_step_then_time_then_value(store, run_id):
    for value, timestamp, step in ((2.0, 10, 5), (1.0, 20, 5), (9.0, 30, 4), (0.5, 20, 5)):
        store.log_metric(run_id, Metric("d", value, timestamp, step))
    assert store.get_run(run_id).data.metrics == {"d": 1.0}


def test_latest_prefers_a_number_to_nan(store, run_id):
    nan = float("nan")
    store.log_metric(run_id, Metric("a", 1.0, 10, 0))
    store.log_metric(run_id, Metric("a", nan, 10, 0))
    store.log_metric(run_id, Metric("b", nan, 10, 0))
    store.log_metric(run_id, Metric("b", 1.0, 10, 0))
    store.log_batch(run_id, [Metric("c", v, 10, 0) for v in (nan, 2.0, nan)], [], [])
    store.log_metric(run_id, Metric("n", nan, 10, 0))
    metrics = store.get_run(run_id).data.metrics
    assert (metrics["a"], metrics["b"], metrics["c"]) == (1.0, 1.0, 2.0)
    assert math.isnan(metrics["n"])


def test_history_is_ordered_and_has_no_duplicates(store, run_id):
    points = [
        Metric("h", 3.0, 30, 1),
        Metric("h", 1.0, 30, 1),
        Metric("h", 5.0, 10, 9),
        Metric("h", 2.0, 10, -3),
        Metric("h", 2.0, 10, -3),
        Metric("h", float("inf"), 10, 7),
        Metric("h", float("-inf"), 10, 8),
    ]
    store.log_batch(run_id, points, [], [])
    assert rows(store.get_metric_history(run_id, "h")) == [
        (10, -3, 2.0),
        (10, 7, LARGEST),
        (10, 8, -LARGEST),
        (10, 9, 5.0),
        (30, 1, 1.0),
        (30, 1, 3.0),
    ]


def test_nan_comes_first_among_equals(store, run_id):
    store.log_batch(run_id, [Metric("h", v, 1, 1) for v in (1.0, float("nan"))], [], [])
    first, second = store.get_metric_history(run_id, "h")
    assert math.isnan(first.value)
    assert second.value == 1.0


def test_steps_and_times_are_64_bit(store, run_id):
    low, high = -(1 << 63), (1 << 63) - 1
    store.log_metric(run_id, Metric("s", 1.0, 0, low))
    store.log_metric(run_id, Metric("s", 2.0, 1, high))
    assert rows(store.get_metric_history(run_id, "s")) == [(0, low, 1.0), (1, high, 2.0)]


def test_history_of_nothing_is_empty(store, run_id):
    assert store.get_metric_history(run_id, "nope") == []
    assert store.get_metric_history("0" * 32, "nope") == []


def test_history_in_pages(store, run_id):
    store.log_batch(run_id, [Metric("p", float(i), i, i) for i in range(10)], [], [])
    seen, token = [], None
    while True:
        page = store.get_metric_history(run_id, "p", max_results=4, page_token=token)
        assert len(page) <= 4
        seen += page
        token = page.token
        if not token:
            break
    assert [m.step for m in seen] == list(range(10))
    with pytest.raises(MlflowException, match="could not base64-decode"):
        store.get_metric_history(run_id, "p", max_results=4, page_token="zz")


def test_long_history_survives_sealing(store, run_id):
    rng = random.Random(1)
    expected = []
    for first in range(0, 5000, 1000):
        batch = [
            Metric("long", rng.choice((rng.random(), float(i), -1.5)), 1000 + i // 3, i)
            for i in range(first, first + 1000)
        ]
        expected += rows(batch)
        store.log_batch(run_id, batch, [], [])
    assert rows(store.get_metric_history(run_id, "long")) == sorted(expected)
    store.update_run_info(run_id, RunStatus.FINISHED, 1, None)
    assert rows(store.get_metric_history(run_id, "long")) == sorted(expected)
    store.log_metric(run_id, Metric("long", 0.0, 1, -1))
    assert len(store.get_metric_history(run_id, "long")) == 5001
    assert store.get_run(run_id).data.metrics["long"] == expected[-1][2]


def test_threads_lose_nothing_in_one_series(store, run_id):
    def log(worker):
        for i in range(100):
            store.log_metric(run_id, Metric("shared", float(worker), 1, worker * 1000 + i))

    threads = [threading.Thread(target=log, args=(w,)) for w in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    points = store.get_metric_history(run_id, "shared")
    assert {m.step for m in points} == {w * 1000 + i for w in range(8) for i in range(100)}
    assert len(points) == 800


def test_sampled_history_keeps_ends_and_spikes(store, run_id):
    values = [0.0] * 3000
    values[1234] = 100.0
    for first in range(0, 3000, 1000):
        batch = [Metric("s", values[i], i, i) for i in range(first, first + 1000)]
        store.log_batch(run_id, batch, [], [])
    found = store.get_metric_history_bulk_interval([run_id], "s", 50, None, None)
    assert len(found) == 50
    assert (found[0].step, found[-1].step) == (0, 2999)
    assert [m.step for m in found] == sorted({m.step for m in found})
    assert max(m.value for m in found) == 100.0
    assert {m.run_id for m in found} == {run_id}
    part = store.get_metric_history_bulk_interval([run_id], "s", 10, 100, 104)
    assert [m.step for m in part] == [100, 101, 102, 103, 104]


@pytest.mark.parametrize("value", ["high", None, [1.0]])
def test_value_that_is_no_number_is_refused(store, run_id, value):
    with pytest.raises(MlflowException) as e:
        store.log_batch(run_id, [Metric("m", value, 1, 0)], [], [])
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("values", [["x"], [-1], [1.5], [1, 2]])
def test_forged_page_token_is_refused(store, run_id, values):
    store.log_metric(run_id, Metric("p", 1.0, 1, 0))
    with pytest.raises(MlflowException, match="Invalid page token") as e:
        store.get_metric_history(run_id, "p", max_results=1, page_token=encode_token(values))
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"
