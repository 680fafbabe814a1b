"""Random sequences of operations: every store answers as a few dicts do.

HEADRACE_EXAMPLES=1000 pytest tests/store/test_model.py                       # the long form
HEADRACE_REFERENCE=/path/to/environment/bin/python pytest tests/store/test_model.py -k reference
"""

from __future__ import annotations

import math
import os
import uuid
from contextlib import contextmanager

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.conftest import needs_reference
from tests.store.model import ACTIVE, DELETED, FINISHED, Model, Refused

from mlflow.entities import ExperimentTag, Metric, Param, RunStatus, RunTag, ViewType
from mlflow.exceptions import MlflowException

EXAMPLES = int(os.environ.get("HEADRACE_EXAMPLES", "12"))

keys = st.sampled_from(["a", "b", "loss/val", "c d"])
texts = st.sampled_from(["", "x", "X", "x ", "0.5", "10", "é", "💧", "a'b", "%"])
words = texts.filter(bool)
# Doubles that every database and JSON keep exactly; the reference stores infinities as the largest.
values = st.one_of(
    st.sampled_from([math.nan, 0.0, 1.5, -1.5, 1e-300, -2.5e300, 0.1]),
    st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False).map(lambda v: v + 0.0),
)
steps = st.one_of(st.integers(-3, 3), st.sampled_from([-(2**63), 2**63 - 1]))
times = st.one_of(st.integers(0, 3), st.just(1_700_000_000_000))
points = st.lists(st.tuples(keys, steps, times, values), max_size=6)
stages = st.sampled_from([(ACTIVE,), (DELETED,), (ACTIVE, DELETED)])
VIEWS = {
    (ACTIVE,): ViewType.ACTIVE_ONLY,
    (DELETED,): ViewType.DELETED_ONLY,
    (ACTIVE, DELETED): ViewType.ALL,
}


def same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


class Stores(RuleBasedStateMachine):
    """One store beside the model. Subclasses name the store."""

    store = None

    @initialize()
    def begin(self) -> None:
        self.model = Model()
        self.mark = uuid.uuid4().hex  # names are unique in a store that examples share
        self.experiments: list[str] = []
        self.runs: list[str] = []
        self.add_experiment("first")

    @contextmanager
    def agreement(self, operation, *arguments):
        """The body does with the store what `operation` does with the model: both do it, or both
        refuse it with the same code."""
        code = None
        try:
            operation(*arguments)
        except Refused as e:
            code = e.code
        try:
            yield
        except MlflowException as e:
            assert e.error_code == code, e.message
        else:
            assert code is None, f"the store did what should be {code}"

    def some(self, data, found: list) -> int:
        return data.draw(st.integers(0, len(found) - 1))

    # -- experiments ------------------------------------------------------------------------

    @rule(name=words)
    def add_experiment(self, name):
        name = f"{self.mark} {name}"
        with self.agreement(self.model.create_experiment, name):
            self.experiments.append(self.store.create_experiment(name, None, []))

    @rule(data=st.data(), name=words)
    def rename_experiment(self, data, name):
        n, name = self.some(data, self.experiments), f"{self.mark} {name}"
        with self.agreement(self.model.rename_experiment, n, name):
            self.store.rename_experiment(self.experiments[n], name)

    @rule(data=st.data())
    def delete_experiment(self, data):
        n = self.some(data, self.experiments)
        with self.agreement(self.model.delete_experiment, n):
            self.store.delete_experiment(self.experiments[n])

    @rule(data=st.data())
    def restore_experiment(self, data):
        n = self.some(data, self.experiments)
        with self.agreement(self.model.restore_experiment, n):
            self.store.restore_experiment(self.experiments[n])

    @rule(data=st.data(), key=keys, value=texts)
    def tag_experiment(self, data, key, value):
        n = self.some(data, self.experiments)
        with self.agreement(self.model.set_experiment_tag, n, key, value):
            self.store.set_experiment_tag(self.experiments[n], ExperimentTag(key, value))

    @rule(data=st.data(), key=keys)
    def untag_experiment(self, data, key):
        n = self.some(data, self.experiments)
        with self.agreement(self.model.delete_experiment_tag, n, key):
            self.store.delete_experiment_tag(self.experiments[n], key)

    # -- runs -------------------------------------------------------------------------------

    @rule(data=st.data(), name=words, tags=st.dictionaries(keys, texts, max_size=2))
    def add_run(self, data, name, tags):
        n = self.some(data, self.experiments)
        with self.agreement(self.model.create_run, n, name, tags):
            run = self.store.create_run(
                self.experiments[n],
                "ann",
                len(self.runs),
                [RunTag(k, v) for k, v in tags.items()],
                name,
            )
            self.runs.append(run.info.run_id)

    has_runs = precondition(lambda self: self.runs)

    @has_runs
    @rule(
        data=st.data(),
        status=st.sampled_from([None, "RUNNING", *FINISHED]),
        end=st.sampled_from([None, 5, 1_700_000_000_000]),
        name=st.one_of(st.none(), words),
    )
    def update_run(self, data, status, end, name):
        n = self.some(data, self.runs)
        with self.agreement(self.model.update_run, n, status, end, name):
            number = None if status is None else RunStatus.from_string(status)
            self.store.update_run_info(self.runs[n], number, end, name)

    @has_runs
    @rule(data=st.data())
    def delete_run(self, data):
        n = self.some(data, self.runs)
        with self.agreement(self.model.delete_run, n):
            self.store.delete_run(self.runs[n])

    @has_runs
    @rule(data=st.data())
    def restore_run(self, data):
        n = self.some(data, self.runs)
        with self.agreement(self.model.restore_run, n):
            self.store.restore_run(self.runs[n])

    @has_runs
    @rule(
        data=st.data(),
        metrics=points,
        params=st.dictionaries(keys, texts, max_size=2),
        tags=st.dictionaries(keys, texts, max_size=2),
    )
    def log_batch(self, data, metrics, params, tags):
        n = self.some(data, self.runs)
        with self.agreement(self.model.log_batch, n, metrics, params, tags):
            self.store.log_batch(
                self.runs[n],
                [Metric(key, value, time, step) for key, step, time, value in metrics],
                [Param(k, v) for k, v in params.items()],
                [RunTag(k, v) for k, v in tags.items()],
            )

    @has_runs
    @rule(data=st.data(), key=keys, step=steps, time=times, value=values)
    def log_metric(self, data, key, step, time, value):
        n = self.some(data, self.runs)
        with self.agreement(self.model.log_batch, n, [(key, step, time, value)], {}, {}):
            self.store.log_metric(self.runs[n], Metric(key, value, time, step))

    @has_runs
    @rule(data=st.data(), key=keys, value=texts)
    def log_param(self, data, key, value):
        n = self.some(data, self.runs)
        with self.agreement(self.model.log_batch, n, [], {key: value}, {}):
            self.store.log_param(self.runs[n], Param(key, value))

    @has_runs
    @rule(data=st.data(), key=keys, value=texts)
    def set_tag(self, data, key, value):
        n = self.some(data, self.runs)
        with self.agreement(self.model.log_batch, n, [], {}, {key: value}):
            self.store.set_tag(self.runs[n], RunTag(key, value))

    @has_runs
    @rule(data=st.data(), key=keys)
    def delete_tag(self, data, key):
        n = self.some(data, self.runs)
        with self.agreement(self.model.delete_tag, n, key):
            self.store.delete_tag(self.runs[n], key)

    # -- looking ----------------------------------------------------------------------------

    @has_runs
    @rule(
        data=st.data(),
        stages=stages,
        keep=st.sampled_from([None, "metric:a", "metric:loss/val", "param:a", "tag:a", "status"]),
        order=st.sampled_from([None, "metric:a", "metric:b", "param:a"]),
        descending=st.booleans(),
        page=st.integers(1, 4),
    )
    def search(self, data, stages, keep, order, descending, page):
        chosen = data.draw(
            st.lists(st.integers(0, len(self.experiments) - 1), min_size=1, unique=True)
        )
        kind, _, key = (keep or "").partition(":")
        bound, text = None, None
        if kind == "metric":
            bound = data.draw(st.sampled_from([-1.0, 0.0, 1.0]))
            text = f"metrics.`{key}` > {bound}"
        elif kind in ("param", "tag"):
            bound = data.draw(st.sampled_from(["x", "0.5", "é"]))
            text = f"{kind}s.`{key}` = '{bound}'"
        elif kind == "status":
            bound = "FINISHED"
            text = "status = 'FINISHED'"
        order_by = None
        if order:
            entity, _, name = order.partition(":")
            order_by = [f"{entity}s.`{name}` {'DESC' if descending else 'ASC'}"]
        found, token = [], None
        while True:
            part = self.store.search_runs(
                [self.experiments[n] for n in chosen],
                text,
                VIEWS[stages],
                page,
                order_by,
                token,
            )
            assert len(part) <= page
            found += [self.runs.index(run.info.run_id) for run in part]
            token = part.token
            if not token:
                break
        assert found == self.model.search(chosen, stages, keep, bound, order, descending)

    @invariant()
    def one_run_is_as_it_should_be(self):
        """The run that the last operations may have changed; all of them at the end."""
        if getattr(self, "runs", None):
            self.compare(len(self.runs) - 1)

    def teardown(self):
        for n in range(len(getattr(self, "runs", []))):
            self.compare(n)
        for n, experiment_id in enumerate(getattr(self, "experiments", [])):
            found, wanted = self.store.get_experiment(experiment_id), self.model.experiments[n]
            assert (found.name, found.lifecycle_stage) == (wanted.name, wanted.stage)
            assert found.tags == wanted.tags

    def compare(self, n: int) -> None:
        found, wanted = self.store.get_run(self.runs[n]), self.model.runs[n]
        info = found.info
        assert (info.run_name, info.status, info.lifecycle_stage, info.start_time) == (
            wanted.name,
            wanted.status,
            wanted.stage,
            n,
        )
        assert info.end_time == wanted.end_time
        assert info.experiment_id == self.experiments[wanted.experiment]
        assert found.data.params == wanted.params
        assert found.data.tags == wanted.tags
        latest = {m.key: (m.step, m.timestamp, m.value) for m in found.data._metric_objs}
        for key, (step, time, value) in wanted.latest().items():
            assert latest[key][:2] == (step, time)
            assert same(latest[key][2], value)
        assert set(latest) == set(wanted.points)
        for key in wanted.points:
            history = self.store.get_metric_history(self.runs[n], key)
            expected = wanted.history(key)
            assert [(m.timestamp, m.step) for m in history] == [p[:2] for p in expected]
            assert all(same(m.value, p[2]) for m, p in zip(history, expected))


def check(store) -> None:
    machine = type("Machine", (Stores,), {"store": store})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_store_answers_as_the_model(store):
    check(store)


@needs_reference
def test_reference_answers_as_the_model(reference_server):
    from mlflow.store.tracking.resolve import tracking_store

    check(tracking_store(reference_server))
