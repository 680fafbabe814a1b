"""How calls are cut into batches, and what an error of the store means for them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow.entities import Metric, Param, RunTag
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException, RestException
from mlflow.utils.async_logging import shipment
from mlflow.utils.async_logging.segment import Call
from mlflow.utils.async_logging.shipment import NotNow, Shipment


class Store:
    """Keeps what it is sent, unless `error` says otherwise for the batch."""

    def __init__(self, error=lambda numbers: None):
        self.error = error
        self.stored = []
        self.tried = 0

    def log_batch_once(self, run_id, metrics, params, tags, *, writer, after, sequence):
        self.tried += 1
        numbers = [m.step for m in metrics]
        error = self.error(numbers)
        if error is not None:
            raise error
        self.stored += numbers
        return sequence

    def get_run(self, run_id):
        raise MlflowException("no run", CODES["INVALID_STATE"])


def call(number, run_id="r"):
    return Call(number * 10, number * 10 + 10, run_id, [Metric("m", 1.0, 0, number)])


def ship(store, calls):
    """What was stored, and what refused; NotNow if something is left."""
    stored, refused = [], []
    sending = Shipment(store, stored.extend, lambda calls, error: refused.extend(calls))
    sending.load("w", calls)
    sending.send()
    assert [c.start // 10 for c in stored] == store.stored
    return store.stored, [c.start // 10 for c in refused]


@pytest.mark.parametrize("bad", [{0}, {3, 50, 99}, set(range(0, 100, 2))])
def test_good_calls_around_bad_ones_are_stored_in_order(bad):
    wrong = MlflowException.invalid_parameter_value("bad")
    store = Store(lambda numbers: wrong if bad & set(numbers) else None)
    stored, refused = ship(store, [call(i) for i in range(100)])
    assert refused == sorted(bad)
    assert stored == [i for i in range(100) if i not in bad]


@pytest.mark.parametrize(
    "error",
    [
        ConnectionError("gone"),
        MlflowException("no answer"),
        MlflowException("busy", CODES["TEMPORARILY_UNAVAILABLE"]),
        MlflowException("slow", CODES["RESOURCE_EXHAUSTED"]),
        MlflowException("a page of a proxy", CODES["ENDPOINT_NOT_FOUND"]),
        RestException({"error_code": "INTERNAL_ERROR", "message": "oops"}),
        RestException({"error_code": "UNAUTHENTICATED", "message": "who"}),
        RestException({"error_code": "PERMISSION_DENIED", "message": "no"}),
        ValueError("a store with a bug"),
    ],
)
def test_error_that_says_nothing_about_the_batch_means_later(error):
    away = True
    store = Store(lambda numbers: error if away else None)
    stored = []
    sending = Shipment(store, stored.extend, None)
    sending.load("w", [call(i) for i in range(10)])
    for _ in range(3):
        with pytest.raises(NotNow):
            sending.send()
    assert store.tried == 3
    sending.load("w", [call(10)])
    away = False
    sending.send()
    assert store.stored == list(range(11))


def test_batch_that_a_server_stumbles_over_for_long_is_refused(monkeypatch):
    monkeypatch.setattr(shipment, "STUBBORN_SECONDS", 0)
    oops = RestException({"error_code": "INTERNAL_ERROR", "message": "oops"})
    store = Store(lambda numbers: oops if 7 in numbers else None)
    monkeypatch.setattr(store, "get_run", lambda run_id: AnActiveRun)
    assert ship(store, [call(i) for i in range(20)]) == ([*range(7), *range(8, 20)], [7])


def test_server_that_answers_nothing_else_either_is_waited_for(monkeypatch):
    monkeypatch.setattr(shipment, "STUBBORN_SECONDS", 0)
    oops = RestException({"error_code": "INTERNAL_ERROR", "message": "oops"})
    with pytest.raises(NotNow):
        ship(Store(lambda numbers: oops), [call(1)])


def test_database_that_cannot_write_is_waited_for(monkeypatch):
    monkeypatch.setattr(shipment, "STUBBORN_SECONDS", 0)
    store = Store(lambda numbers: MlflowException("database or disk is full"))
    monkeypatch.setattr(store, "get_run", lambda run_id: AnActiveRun)
    with pytest.raises(NotNow):
        ship(store, [call(1)])


class TraceStore:
    """Keeps traces, unless `error` says otherwise for some of them."""

    def __init__(self, error):
        self.error = error
        self.stored = []
        self.tried = 0

    def log_traces(self, traces):
        self.tried += 1
        numbers = [trace.info.request_time for trace in traces]
        for number in numbers:
            error = self.error(number)
            if error is not None:
                raise error
        self.stored += numbers

    def get_experiment(self, experiment_id):
        return experiment_id


def traces(*numbers):
    def data(number):
        parts = [f"tr-{number}", number, 1, "OK", None, None, None, {}, {}]
        return json.dumps([parts, "0", [], []]).encode()

    return [Call(n * 10, n * 10 + 10, "", trace=data(n)) for n in numbers]


def sending_of(store, calls):
    refused = []
    sending = Shipment(store, lambda calls: None, lambda calls, error: refused.extend(calls))
    sending.load("w", calls)
    return sending, refused


@pytest.mark.parametrize("code", ["RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"])
def test_traces_around_refused_ones_are_stored(code):
    """Those of a deleted experiment, say."""
    bad = {0, 13, 14, 99}
    store = TraceStore(lambda n: MlflowException("no", CODES[code]) if n in bad else None)
    sending, refused = sending_of(store, traces(*range(100)))
    sending.send()
    assert store.stored == [n for n in range(100) if n not in bad]
    assert [call.start // 10 for call in refused] == sorted(bad)


@pytest.mark.parametrize("code", ["INTERNAL_ERROR", "PERMISSION_DENIED"])
def test_trace_that_a_server_stumbles_over_keeps_no_others_waiting(code, monkeypatch):
    oops = RestException({"error_code": code, "message": "oops"})
    store = TraceStore(lambda n: oops if n in (0, 50) else None)
    sending, refused = sending_of(store, traces(*range(100)))
    with pytest.raises(NotNow):
        sending.send()
    assert sorted(store.stored) == [n for n in range(100) if n not in (0, 50)]
    assert refused == []
    monkeypatch.setattr(shipment, "STUBBORN_TRACE_SECONDS", 0)
    sending.load("w", traces(100))
    sending.send()
    assert 100 in store.stored
    assert sorted(call.start // 10 for call in refused) == [0, 50]


def test_server_that_stumbles_over_every_trace_is_not_asked_about_each():
    oops = RestException({"error_code": "INTERNAL_ERROR", "message": "oops"})
    away = True
    store = TraceStore(lambda n: oops if away else None)
    sending, _ = sending_of(store, traces(*range(100)))
    for most in (10, 3, 3):
        store.tried = 0
        with pytest.raises(NotNow):
            sending.send()
        assert store.tried <= most
    away = False
    sending.send()
    assert sorted(store.stored) == list(range(100))


class AnActiveRun:
    class info:
        lifecycle_stage = "active"


CALLS = st.lists(
    st.builds(
        lambda metrics, params, tags, ends: (metrics, params, tags, ends),
        st.sampled_from([0, 1, 1, 1, 10, 999, 1000]),
        st.sampled_from([0, 0, 0, 1, 99, 100]),
        st.sampled_from([0, 0, 0, 1, 99, 100]),
        st.booleans(),
    ),
    max_size=20,
)


@given(CALLS)
def test_batches_keep_to_the_limits_and_lose_nothing(shapes):
    calls = []
    for i, (metrics, params, tags, ends) in enumerate(shapes):
        if ends and not (metrics or params or tags):
            calls.append(Call(i, i + 1, "r", ending=(3, 0)))
        else:
            metrics = min(metrics, 1000 - params - tags)
            calls.append(
                Call(
                    i,
                    i + 1,
                    "r",
                    [Metric("m", 1.0, 0, 0)] * metrics,
                    [Param(f"p{n}", "1") for n in range(params)],
                    [RunTag("t", "1")] * tags,
                )
            )
    batches = shipment._packed(calls)
    assert [c for batch in batches for c in batch] == calls
    for batch in batches:
        params = [p.key for c in batch for p in c.params]
        counts = (
            sum(len(c.metrics) for c in batch),
            len(params),
            sum(len(c.tags) for c in batch),
        )
        assert counts[1] <= 100 and counts[2] <= 100 and sum(counts) <= 1000
        assert len(set(params)) == len(params)
        assert len(batch) == 1 or not any(c.ending for c in batch)


def test_batches_stay_below_what_a_server_takes():
    calls = [
        Call(i * 60_000, (i + 1) * 60_000, "r", params=[Param(f"p{i}", "v")]) for i in range(50)
    ]
    assert max(len(b) for b in shipment._packed(calls)) == 5
