"""What the web UI shows of many traces: a database's own ways say what the defaults say."""

from __future__ import annotations

import uuid

import pytest

from mlflow.entities import (
    AssessmentSource,
    Expectation,
    Feedback,
    TraceInfo,
    TraceLocation,
    TraceState,
)
from mlflow.exceptions import MlflowException
from mlflow.rpc.ui.traces import FindTraces
from mlflow.store.tracking.base.trace_overview import TraceOverview
from mlflow.store.tracking.trace_rows import group_of, step_of

pytestmark = pytest.mark.parametrize(
    "store", ("sqlite", "postgresql", "mysql"), indirect=True, scope="session"
)
START_MS = 1_700_000_000_000
HOUR = 3_600_000


@pytest.fixture
def traces(store, experiment) -> list[str]:
    """Ids of twelve traces, one an hour, the oldest first: of sessions a, b and none in turn."""
    made = []
    for i in range(12):
        metadata = {"mlflow.trace.user": "ann"}
        if i % 3:
            metadata["mlflow.trace.session"] = "-ab"[i % 3]
        info = TraceInfo(
            trace_id=f"tr-{uuid.uuid4().hex}",
            trace_location=TraceLocation.from_experiment_id(experiment),
            request_time=START_MS + i * HOUR,
            execution_duration=None if i == 11 else 3**i,
            state=TraceState.ERROR if i == 4 else TraceState.OK,
            request_preview="x" * 900,
            trace_metadata=metadata,
            tags={"mlflow.traceName": f"n{i % 2}", "env": "test"},
        )
        store.start_trace(info)
        made.append(info.trace_id)
    return made


SEARCHES = [
    (None, [], False),
    ("status = 'ERROR'", [], False),
    ("name = 'n1'", ["execution_time_ms DESC"], False),
    ("name RLIKE '^n0'", ["timestamp_ms ASC"], False),
    (None, [], True),
    ("name = 'n1'", [], True),
    ("name = 'none'", [], True),
]


@pytest.mark.parametrize(("filter_string", "order", "by_session"), SEARCHES)
def test_found_as_by_the_defaults(store, experiment, traces, filter_string, order, by_session):
    asked = [experiment], filter_string, order, by_session, 1000
    found, plain = store.find_traces(*asked), TraceOverview.find_traces(store, *asked)
    assert store.trace_rows(found.rows).trace_id == plain.rows
    assert (found.total, found.sessions) == (plain.total, plain.sessions)


def test_sessions_lie_together_each_from_its_beginning(store, experiment, traces):
    found = store.find_traces([experiment], None, [], True, 1000)
    assert [(one.name, one.traces) for one in found.sessions] == [("b", 4), ("a", 4), ("", 4)]
    places = [traces.index(one) for one in store.trace_rows(found.rows).trace_id]
    assert places == [2, 5, 8, 11, 1, 4, 7, 10, 0, 3, 6, 9]


def test_the_total_is_of_all_that_match(store, experiment, traces):
    found = store.find_traces([experiment], None, [], False, 5)
    assert (found.total, len(found.rows)) == (12, 5)
    found = store.find_traces([experiment], "name RLIKE 'n'", [], False, 5)
    assert (found.total, len(found.rows)) == (12, 5)


def test_what_rows_say(store, experiment, traces):
    judge = AssessmentSource("LLM_JUDGE", "gpt")
    first = store.create_assessment(Feedback("relevance", False, source=judge, trace_id=traces[0]))
    store.create_assessment(
        Feedback(
            "relevance",
            True,
            source=judge,
            trace_id=traces[0],
            overrides=first.assessment_id,
        )
    )
    store.create_assessment(Feedback("failed", error="no", source=judge, trace_id=traces[0]))
    store.create_assessment(Expectation("answer", {"text": "é" * 200}, trace_id=traces[0]))
    rows = store.find_traces([experiment], None, ["timestamp_ms ASC"], False, 10).rows
    said = store.trace_rows([rows[0], rows[4]])
    assert said.name == ["n0", "n0"]
    assert said.state == ["OK", "ERROR"]
    assert said.duration == [1, 81]
    assert said.session == [None, "a"]
    assert said.user == ["ann", "ann"]
    assert said.tags == [{"env": "test"}] * 2
    assert said.assessments[1] == []
    made = {(a.name, a.kind, a.value[:12], a.source) for a in said.assessments[0]}
    assert made == {
        ("relevance", "feedback", "true", "LLM_JUDGE"),
        ("failed", "feedback", "", "LLM_JUDGE"),
        ("answer", "expectation", '{"text": "éé', "HUMAN"),
    }
    assert all(len(a.value) <= 100 for a in said.assessments[0])


def test_rows_of_traces_that_are_gone_are_empty(store, experiment, traces):
    rows = store.find_traces([experiment], None, [], False, 10).rows
    newest = store.trace_rows(rows[:1]).trace_id
    store.delete_traces(experiment, trace_ids=newest)
    said = store.trace_rows([*rows[:2], "odd"])
    assert said.trace_id == [None, traces[-2], None]
    assert said.assessments == [[], [], []]


def test_numbers_that_clients_wrote_wrongly_are_none(store, experiment):
    for text in ("{", "[]", '{"total_tokens": "x"}', "null"):
        store.start_trace(
            TraceInfo(
                trace_id=f"tr-{uuid.uuid4().hex}",
                trace_location=TraceLocation.from_experiment_id(experiment),
                request_time=START_MS,
                state=TraceState.OK,
                trace_metadata={"mlflow.trace.tokenUsage": text, "mlflow.trace.cost": text},
            )
        )
    rows = store.find_traces([experiment], None, [], False, 10).rows
    said = store.trace_rows(rows)
    assert said.tokens == said.cost == [None] * 4


@pytest.mark.parametrize("filter_string", [None, "name = 'n1'", "name RLIKE '1'", "name = 'no'"])
def test_counted_as_by_the_defaults(store, experiment, traces, filter_string):
    asked = [experiment], filter_string, 5
    found = store.trace_histogram(*asked)
    assert found == TraceOverview.trace_histogram(store, *asked)
    assert found.total == {None: 12, "name = 'no'": 0}.get(filter_string, 6)


def test_what_a_histogram_counts(store, experiment, traces):
    found = store.trace_histogram([experiment], None, 24)
    assert (found.step, found.bars, found.total) == (1_800_000, 23, 12)
    assert found.start <= START_MS < found.start + found.step
    by_bar = {bar: (group, count, errors) for bar, group, count, errors in found.cells}
    assert by_bar[0] == (0, 1, 0)
    assert by_bar[8] == (found.durations.index(100), 1, 1)  # 81 ms, with an error
    assert by_bar[22] == (-1, 1, 0)  # goes on


def test_traces_of_other_experiments_and_of_none_do_not_count(store, experiment, traces):
    other = store.create_experiment(f"other of {uuid.uuid4()}")
    assert store.find_traces([other], None, [], True, 10).total == 0
    assert store.trace_histogram([other], None, 10).bars == 0
    assert store.find_traces([], None, [], False, 10).total == 0


def test_a_bad_filter_is_refused_with_its_place(store, experiment):
    with pytest.raises(MlflowException) as refused:
        FindTraces(experiment_ids=[experiment], filter="name = 'x' AND nothing = 1").answer(store)
    assert refused.value.json_kwargs["position"] == 15


def test_new_and_ended_traces_are_among_the_changes(store, experiment, traces):
    seen, _ = store.changes([experiment])
    info = TraceInfo(
        trace_id=f"tr-{uuid.uuid4().hex}",
        trace_location=TraceLocation.from_experiment_id(experiment),
        request_time=START_MS,
        state=TraceState.IN_PROGRESS,
    )
    store.start_trace(info)
    then, (by_sight, by_cursor) = store.changes([experiment], [seen, seen.cursor])
    assert (by_sight.traces, by_cursor.traces) == (1, 1)
    assert bool(by_sight) and not by_sight.reload and not by_sight.new
    info.state = TraceState.OK
    store.start_trace(info)
    end, (ended,) = store.changes([experiment], [then])
    assert ended.traces == 1
    assert not store.changes([experiment], [end])[1][0]


def test_steps_and_groups(store):
    assert step_of(0, 0, 60) == (0, 1000, 1)
    start, step, bars = step_of(START_MS, START_MS + 7 * 24 * HOUR, 60)
    assert (step, bars) == (3 * HOUR, 57)
    assert start <= START_MS and start + bars * step > START_MS + 7 * 24 * HOUR
    assert step_of(0, 10**15, 10) == (0, 10**14 + 1, 10)
    assert [group_of(n) for n in (None, 0, 1, 2, 3, 10**9)] == [-1, 0, 0, 1, 2, 19]
