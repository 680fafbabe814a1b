"""Any points, in any order: histories, latest values, charts and samples are what they are by
definition, wherever the points have come to lie."""

from __future__ import annotations

import math
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store import plain_metrics as definition

from mlflow.entities import Metric, RunStatus
from mlflow.store.db import optimize as optimize_module
from mlflow.store.db import points as chunks
from mlflow.store.db.check import check
from mlflow.store.db.optimize import Optimized, optimize
from mlflow.store.db.points import Block, Points, cuts, decode, encode, merged, summary
from mlflow.store.tracking.base.metrics import Metrics
from mlflow.store.tracking.charts import sample
from mlflow.store.tracking.sql import metrics as sql_metrics
from mlflow.store.tracking.sql.store import SqlStore

#: By hand, for long: HEADRACE_EXAMPLES=10000 pytest tests/store/test_metric_properties.py
EXAMPLES = int(os.environ.get("HEADRACE_EXAMPLES", "120"))
_ENDS = [-(1 << 63), (1 << 63) - 1]
INT64 = st.integers(*_ENDS) | st.sampled_from(_ENDS)
COORDINATES = st.integers(-3, 12) | st.integers(0, 300) | INT64
TIMES = st.integers(0, 15) | st.integers(0, 300) | st.integers(0, (1 << 63) - 1)
VALUES = (
    st.sampled_from([0.0, -0.0, 1.0, 2.5, math.nan, math.inf, -math.inf, 5e-324])
    | st.floats()
    | st.integers(-5, 5).map(float)
)
POINTS = st.lists(st.tuples(COORDINATES, TIMES, VALUES), max_size=60)


@st.composite
def training(draw):
    """Points as a loop logs them, and what goes wrong at times: steps that begin again after a
    crash, a clock that goes back."""
    trouble = draw(st.booleans())
    strides = [1, 1, 1, 1, 10, 0, -4] if trouble else [1, 2]
    paces = [1, 1, 1, 7, 0, -3] if trouble else [1, 0, 5]
    found, step, time = [], draw(st.integers(-5, 5)), draw(st.integers(0, 5))
    for _ in range(draw(st.integers(1, 60))):
        found.append((step, time, draw(VALUES)))
        step += draw(st.sampled_from(strides))
        time = max(0, time + draw(st.sampled_from(paces)))
    return found


@st.composite
def batches_(draw):
    """Batches, some of which come twice, whole or in part."""
    found = draw(st.lists(POINTS | training(), min_size=1, max_size=5))
    for _ in range(draw(st.integers(0, 2))):
        again = draw(st.sampled_from(found))
        found.insert(draw(st.integers(0, len(found))), again[draw(st.integers(0, 3)) :])
    return found


BATCHES = batches_()


@pytest.fixture(scope="module")
def small_chunks(tmp_path_factory):
    """A store whose chunks hold 8 points, so that a few points make many of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHUNK_POINTS", 8)
        patch.setattr(sql_metrics, "CHUNK_POINTS", 8)
        patch.setattr(sql_metrics, "_CHUNK_AT_ONCE", 4)
        patch.setattr(sql_metrics, "SMALLEST_CHUNK", 3)
        patch.setattr(optimize_module, "CHUNK_POINTS", 8)
        patch.setattr(optimize_module, "_WINDOW", 5)
        folder = tmp_path_factory.mktemp("small")
        store = SqlStore(f"sqlite:///{folder}/store.db?synchronous=NORMAL", str(folder))
        yield store
        store.dispose()


def log(store, batches, *, one_by_one=False, end=False) -> str:
    run_id = store.create_run("0", "u", 7, [], None).info.run_id
    for batch in batches:
        metrics = [Metric("m", value, time, step) for step, time, value in batch]
        for metric in metrics if one_by_one else []:
            store.log_metric(run_id, metric)
        if not one_by_one:
            store.log_batch(run_id, metrics, [], [])
    if end:
        store.update_run_info(run_id, RunStatus.FINISHED, 1, None)
    return run_id


def joined(batches):
    return [point for batch in batches for point in batch]


def rows(found):
    return [(m.timestamp, m.step, definition.plain(m.value)) for m in found]


many = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@many
@given(batches=BATCHES, one_by_one=st.booleans(), end=st.booleans(), size=st.integers(1, 30))
def test_history_and_latest(small_chunks, batches, one_by_one, end, size):
    store, points = small_chunks, joined(batches)
    run_id = log(store, batches, one_by_one=one_by_one, end=end)
    expected = definition.history(points)
    assert rows(store.get_metric_history(run_id, "m")) == expected
    seen, token = [], None
    while True:
        page = store.get_metric_history(run_id, "m", max_results=size, page_token=token)
        assert len(page) == size or not page.token
        seen += rows(page)
        token = page.token
        if not token:
            break
    assert seen == expected
    if points:
        [metric] = store.get_run(run_id).data._metric_objs
        found = (metric.step, metric.timestamp, definition.plain(metric.value))
        assert found == definition.latest(points)


@many
@given(
    batches=BATCHES,
    end=st.booleans(),
    axis=st.sampled_from(["step", "timestamp", "relative_time"]),
    bounds=st.none() | st.tuples(COORDINATES, COORDINATES),
    buckets=st.integers(1, 8) | st.integers(1, 40),
)
def test_chart(small_chunks, batches, end, axis, bounds, buckets):
    store, points = small_chunks, joined(batches)
    run_id = log(store, batches, end=end)
    offset = 7 if axis == "relative_time" else 0
    x = [(p[0] if axis == "step" else p[1]) - offset for p in points]
    start, stop = sorted(bounds) if bounds else (min(x, default=0), max(x, default=0))
    expected = definition.chart(points, axis, start, stop, buckets, offset)
    given_range = (start, stop) if bounds else (None, None)
    for method in (store.get_metric_charts, Metrics.get_metric_charts.__get__(store)):
        found = method([run_id], ["m"], axis, *given_range, buckets)
        shown = definition.shown(found[0]) if found else None
        assert definition.same(shown, expected), (shown, expected)


@many
@given(
    batches=BATCHES,
    end=st.booleans(),
    bounds=st.none() | st.tuples(COORDINATES, COORDINATES),
    size=st.integers(1, 40),
)
def test_sample(small_chunks, batches, end, bounds, size):
    store, points = small_chunks, joined(batches)
    run_id = log(store, batches, end=end)
    start, stop = sorted(bounds) if bounds else (None, None)
    inside = [p for p in points if start is None or start <= p[0] <= stop]
    found = store.get_metric_history_bulk_interval([run_id], "m", size, start, stop)
    definition.check_sample(inside, found, size)
    generic = Metrics.get_metric_history_bulk_interval(store, [run_id], "m", size, start, stop)
    definition.check_sample(inside, generic, size)
    steps = sorted({p[0] for p in points})[::3]
    at_steps = store.get_metric_history_bulk_interval_from_steps(run_id, "m", steps, 10)
    expected = [r for r in definition.history(points) if r[1] in steps]
    expected.sort(key=lambda r: r[1])
    assert rows(at_steps) == expected[:10]


@settings(many, max_examples=max(10, EXAMPLES // 5))
@given(batches=BATCHES, more=POINTS, ends=st.sets(st.integers(0, 6)))
def test_optimizing_changes_no_history(small_chunks, tmp_path_factory, batches, more, ends):
    folder = tmp_path_factory.mktemp("optimize")
    store = SqlStore(f"sqlite:///{folder}/store.db?synchronous=NORMAL", str(folder))
    run_id = store.create_run("0", "u", 7, [], None).info.run_id
    done: list = []
    for i, batch in enumerate([*batches, more]):
        store.log_batch(run_id, [Metric("m", v, t, s) for s, t, v in batch], [], [])
        done += batch
        if i in ends:
            store.update_run_info(run_id, RunStatus.FINISHED, 1, None)
            optimize(store.db, Optimized())
        assert rows(store.get_metric_history(run_id, "m")) == definition.history(done)
    optimize(store.db, Optimized())
    assert rows(store.get_metric_history(run_id, "m")) == definition.history(done)
    assert check(store.db) == []
    store.dispose()


# -- columns ------------------------------------------------------------------------------------


def columns(rows_) -> Points:
    points = Points()
    points.append_rows([(s, t, None if v != v else v) for s, t, v in rows_])
    return points


@many
@given(rows_=st.lists(st.tuples(INT64, INT64, st.floats()), max_size=50))
def test_chunk_keeps_every_bit(rows_):
    points = columns(rows_)
    found = decode(encode(points))
    assert len(found) == len(rows_)
    for i in range(len(rows_)):
        assert found.at(i) == rows_[i][:2]
    assert (found.steps, found.timestamps) == (points.steps, points.timestamps)
    assert found.values.tobytes() == points.values.tobytes()


@many
@given(rows_=st.lists(st.tuples(COORDINATES, TIMES, VALUES), min_size=1, max_size=50))
def test_summary(rows_):
    found = summary(columns(rows_))
    steps, times, values = zip(*rows_)
    numbers = [v for v in values if v == v]
    assert (found.points, found.nans) == (len(rows_), len(rows_) - len(numbers))
    assert (found.min_step, found.max_step) == (min(steps), max(steps))
    assert (found.min_timestamp, found.max_timestamp) == (min(times), max(times))
    assert found.min_value == min(numbers, default=None)
    assert found.max_value == max(numbers, default=None)
    assert found.first_value == (values[0] if values[0] == values[0] else None)
    assert found.last_value == (values[-1] if values[-1] == values[-1] else None)
    assert found.monotone == (list(steps) == sorted(steps))
    if numbers:
        assert (found.step_of_min, found.timestamp_of_min, found.min_value) in rows_
        assert (found.step_of_max, found.timestamp_of_max, found.max_value) in rows_
    pairs = [(t, s) for s, t, _ in rows_]
    if found.ordered:
        assert pairs == sorted(set(pairs))
        assert found.ordered == 1 or found.monotone


@many
@given(parts=st.lists(st.lists(st.tuples(COORDINATES, TIMES, VALUES), min_size=1)), room=INT64)
def test_merging(parts, room):
    blocks = []
    for part in parts:
        points = columns(part)
        low = (min(points.timestamps), min(points.steps))
        high = (max(points.timestamps), max(points.steps))
        blocks.append(Block(low, high, points, points.order()))
    blocks.sort(key=lambda block: block.low)
    found = []
    for piece in merged(blocks, room=1 + room % 20):
        assert len(piece)
        found += [(t, s, definition.plain(v)) for t, s, v in piece.ordered()]
    expected = {(t, s, definition.plain(v)) for s, t, v in joined(parts)}
    assert found == sorted(expected, key=lambda r: (r[0], r[1], r[2] is not None, r[2] or 0.0))


@given(count=st.integers(1, 5000))
def test_cuts(count):
    found = cuts(count)
    assert [begin for begin, _ in found] == [0, *(end for _, end in found[:-1])]
    assert found[-1][1] == count
    assert all(end > begin for begin, end in found)
    assert all(end - begin < 2 * chunks.CHUNK_POINTS for begin, end in found)


@given(values=st.lists(VALUES, max_size=200), size=st.integers(1, 60))
def test_sample_of_points(values, size):
    points = columns([(i, i, v) for i, v in enumerate(values)])
    found = sample(points, size)
    metrics = [Metric("m", values[i], i, i) for i in found]
    clipped = [(i, i, v) for i, v in enumerate(values)]
    if not any(math.isinf(v) for v in values):
        definition.check_sample(clipped, metrics, size)
    assert len(found) == min(size, len(values)) or len(found) <= size
