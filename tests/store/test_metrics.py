from __future__ import annotations

import math
import random
import threading

import pytest
from tests.store import plain_metrics as definition

from mlflow.entities import Metric, RunStatus
from mlflow.exceptions import MlflowException
from mlflow.store.db.paging import encode_token
from mlflow.store.tracking.file.store import FileStore

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
    # Text can say "inf"; databases cannot.
    largest = math.inf if isinstance(store, FileStore) else LARGEST
    assert rows(store.get_metric_history(run_id, "h")) == [
        (10, -3, 2.0),
        (10, 7, largest),
        (10, 8, -largest),
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


def test_points_of_every_type_are_kept(store, run_id):
    """Whole numbers that are floats, or come as values, in a batch that is a chunk by itself."""
    batch = [Metric("t", i, float(i), float(i)) for i in range(600)]
    store.log_batch(run_id, batch, [], [])
    assert rows(store.get_metric_history(run_id, "t")) == [(i, i, float(i)) for i in range(600)]


def test_many_series_in_one_batch(store, run_id):
    for step in range(3):
        batch = [Metric(f"k{k}", k + step / 8, step, step) for k in range(1000)]
        store.log_batch(run_id, batch, [], [])
    store.log_batch(run_id, [Metric("k7", 0.5, 0, 1), Metric("new", 1.0, 0, 0)], [], [])
    latest = store.get_run(run_id).data.metrics
    assert latest == {**{f"k{k}": k + 0.25 for k in range(1000)}, "new": 1.0}
    points = rows(store.get_metric_history(run_id, "k7"))
    assert points == [(0, 0, 7.0), (0, 1, 0.5), (1, 1, 7.125), (2, 2, 7.25)]


def test_histories_as_columns(store, run_id):
    store.log_batch(run_id, [Metric("c", float("nan"), 5, -1), Metric("c", 2.0, 6, 3)], [], [])
    points, token = store.metric_columns(run_id, "c", max_results=1)
    assert (list(points.steps), list(points.timestamps)) == ([-1], [5])
    assert math.isnan(points.values[0])
    points, token = store.metric_columns(run_id, "c", max_results=1, page_token=token)
    assert (points.ordered(), token) == ([(6, 3, 2.0)], None)
    assert len(store.metric_columns(run_id, "nope")[0]) == 0


def log_points(store, run_id, key, points):
    metrics = [Metric(key, value, timestamp, step) for step, timestamp, value in points]
    for first in range(0, len(metrics), 1000):
        store.log_batch(run_id, metrics[first : first + 1000], [], [])


def training(count, seed=0, gaps=True):
    """Points as a long run logs them: it starts again from a checkpoint once, and there are NaNs,
    spikes, and points that come twice."""
    rng = random.Random(seed)
    found, timestamp = [], 1_700_000_000_000
    for i in range(count):
        step = i if i < count // 2 else i - count // 10
        value = rng.gauss(0, 1) + (1000 if i == count // 3 else 0)
        if gaps and rng.random() < 0.002:
            value = math.nan
        found.append((step, timestamp, value))
        timestamp += rng.randrange(0, 50)
    return [*found, *found[count // 4 : count // 4 + 20]]


@pytest.mark.parametrize("axis", ["step", "timestamp", "relative_time"])
def test_chart_is_what_its_definition_says(store, experiment, axis):
    run_id = store.create_run(experiment, "u", 1_700_000_000_000, [], None).info.run_id
    points = training(4000)
    log_points(store, run_id, "m", points)
    offset = 1_700_000_000_000 if axis == "relative_time" else 0
    x = [(p[0] if axis == "step" else p[1]) - offset for p in points]
    low, high = min(x), max(x)
    third = (high - low) // 3
    for start, end, buckets in (
        (None, None, 320),
        (None, None, 1),
        (low + third, high - third, 50),
        (low + third, low + third + 3, 50),
        (None, low + third, 2500),
        (high + 1, high + 9, 10),
    ):
        left, right = low if start is None else start, high if end is None else end
        expected = definition.chart(points, axis, left, right, buckets, offset)
        found = store.get_metric_charts([run_id], ["m"], axis, start, end, buckets)
        shown = definition.shown(found[0]) if found else None
        assert definition.same(shown, expected)
        assert [(c.run_id, c.metric_key) for c in found] == [(run_id, "m")] * len(found)


def test_curves_of_a_chart_share_their_buckets(store, experiment):
    ids = [store.create_run(experiment, "u", 1000 * i, [], None).info.run_id for i in range(2)]
    drawn = {
        (ids[0], "a"): [(i, 5000 + i, float(i)) for i in range(100)],
        (ids[0], "b"): [(i, 5000 + i, -1.0) for i in range(60, 400)],
        (ids[1], "a"): [(i, 7000 + i, 0.5) for i in range(-200, 0)],
        (ids[1], "late"): [(900, 9000, math.nan)],
    }
    for (run_id, key), points in drawn.items():
        log_points(store, run_id, key, points)
    for axis in ("step", "relative_time"):
        offset = {run_id: 1000 * i if axis != "step" else 0 for i, run_id in enumerate(ids)}
        x = [
            (p[0] if axis == "step" else p[1]) - offset[run_id]
            for (run_id, _), points in drawn.items()
            for p in points
        ]
        found = store.get_metric_charts([*ids, "0" * 32], ["a", "b", "no", "late"], axis, buckets=9)
        assert [(c.run_id, c.metric_key) for c in found] == list(drawn)
        for chart in found:
            points = drawn[chart.run_id, chart.metric_key]
            by = offset[chart.run_id]
            expected = definition.chart(points, axis, min(x), max(x), 9, by)
            assert definition.same(definition.shown(chart), expected)


def test_metrics_of_a_chart_may_have_ranges_of_their_own(store, experiment):
    ids = [store.create_run(experiment, "u", 0, [], None).info.run_id for _ in range(2)]
    drawn = {
        (ids[0], "short"): [(i, 5000 + i, float(i)) for i in range(100)],
        (ids[0], "long"): [(1000 * i, 5000 + i, -1.0) for i in range(100)],
        (ids[1], "short"): [(i, 7000 + i, 0.5) for i in range(-200, 0)],
    }
    for (run_id, key), points in drawn.items():
        log_points(store, run_id, key, points)
    for start, end in ((None, None), (-50, None), (None, 5000)):
        found = store.get_metric_charts(
            ids, ["short", "long"], "step", start, end, 9, own_ranges=True
        )
        assert [(c.run_id, c.metric_key) for c in found] == list(drawn)
        for chart in found:
            x = [p[0] for (_, k), points in drawn.items() if k == chart.metric_key for p in points]
            left, right = (min(x) if start is None else start), (max(x) if end is None else end)
            expected = definition.chart(
                drawn[chart.run_id, chart.metric_key], "step", left, right, 9
            )
            assert definition.same(definition.shown(chart), expected)


def test_chart_of_nothing(store, run_id):
    assert store.get_metric_charts([run_id], ["nope"]) == []
    assert store.get_metric_charts(["0" * 32], ["nope"], "relative_time") == []


def test_mean_of_the_largest_numbers_is_a_number(store, run_id):
    points = [(i, i, LARGEST if i % 4 else -LARGEST) for i in range(2000)]
    log_points(store, run_id, "m", points)
    [chart] = store.get_metric_charts([run_id], ["m"], buckets=2)
    assert chart.buckets.mean == pytest.approx([LARGEST / 2, LARGEST / 2])
    assert chart.buckets.max == [LARGEST, LARGEST]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], ["m"]), "at least one run"),
        ((["r"], []), "at least one run"),
        ((["r"] * 101, ["m"]), "101 runs"),
        ((["r"] * 100, ["m"] * 11), "1000 curves"),
        ((["r"], ["m"], "step", 5, 4), "begins at 5, after its end at 4"),
        ((["r"], ["m"], "step", None, None, 0), "0 buckets"),
        ((["r"], ["m"], "step", None, None, 2501), "2501 buckets"),
    ],
)
def test_chart_that_cannot_be_is_refused(store, arguments, message):
    with pytest.raises(MlflowException, match=message) as e:
        store.get_metric_charts(*arguments)
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 50, 320])
def test_sampled_history_draws_the_same_curve(store, run_id, size):
    points = training(3000)
    log_points(store, run_id, "m", points)
    for start, end in ((None, None), (100, 2500), (1234, 1240), (9000, 9999)):
        found = store.get_metric_history_bulk_interval([run_id], "m", size, start, end)
        inside = [p for p in points if start is None or start <= p[0] <= end]
        definition.check_sample(inside, found, size)


def test_points_at_steps(store, run_id):
    points = training(2500, gaps=False)
    log_points(store, run_id, "m", points)
    steps = [3, 1234, 1235, 2000, 10**9]
    if not hasattr(store, "get_host_creds"):  # it has no RPC
        found = store.get_metric_history_bulk_interval_from_steps(run_id, "m", steps, 6)
        expected = sorted({p for p in points if p[0] in steps})
        assert [(m.step, m.timestamp, m.value) for m in found] == expected[:6]


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
