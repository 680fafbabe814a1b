"""What traces, spans and assessments are counted and measured by. The numbers are worked out by
hand from the four traces below; the reference gives the same for all that it takes."""

from __future__ import annotations

import base64
import json
import uuid

import pytest

from mlflow.entities import Expectation, Feedback, Span, TraceInfo, TraceLocation, TraceState
from mlflow.entities.trace_metrics import AggregationType, MetricAggregation, MetricViewType
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.base.trace_metric_rules import METRICS

pytestmark = pytest.mark.parametrize(
    "store", ("sqlite", "postgresql", "mysql", "file", "rest"), indirect=True, scope="session"
)
START_MS = 1_700_000_000_000  # 40 seconds before a full minute
TRACES, SPANS, ASSESSMENTS = MetricViewType
COUNT = (MetricAggregation(AggregationType.COUNT),)
SUM = (MetricAggregation(AggregationType.SUM),)
SPREAD = (
    MetricAggregation(AggregationType.AVG),
    MetricAggregation(AggregationType.MIN),
    MetricAggregation(AggregationType.MAX),
    MetricAggregation(AggregationType.PERCENTILE, 50.0),
    MetricAggregation(AggregationType.PERCENTILE, 90.0),
)


def spread(avg, low, high, p50, p90):
    return {"AVG": avg, "MIN": low, "MAX": high, "P50.0": p50, "P90.0": p90}


def usage(given, made):
    return {"input_tokens": given, "output_tokens": made, "total_tokens": given + made}


def cost(given, made):
    return {"input_cost": given, "output_cost": made, "total_cost": given + made}


def span(trace_id, number, name, start, end, *, parent=None, code="OK", **attributes):
    """A span that begins and ends so many milliseconds after START_MS."""

    def of(n):
        return base64.b64encode(n.to_bytes(8, "big")).decode()

    attributes = {"mlflow.traceRequestId": trace_id, **attributes}
    return Span.from_dict(
        {
            "trace_id": base64.b64encode(bytes.fromhex(trace_id[3:])).decode(),
            "span_id": of(number),
            "parent_span_id": parent and of(parent),
            "name": name,
            "start_time_unix_nano": (START_MS + start) * 1_000_000,
            "end_time_unix_nano": (START_MS + end) * 1_000_000,
            "events": [],
            "status": {"code": f"STATUS_CODE_{code}", "message": ""},
            "attributes": {key: json.dumps(value) for key, value in attributes.items()},
            "links": [],
        }
    )


@pytest.fixture(scope="module")
def filled(store):
    """The experiment with the four traces. Nothing here changes them."""
    experiment = store.create_experiment(f"metrics-{uuid.uuid4().hex}", None, [])

    def start(after, duration, state, name=None, session=None, used=None, tags=()):
        metadata = {"mlflow.trace.session": session} if session else {}
        if used:
            metadata["mlflow.trace.tokenUsage"] = json.dumps(used)
        info = TraceInfo(
            f"tr-{uuid.uuid4().hex}",
            TraceLocation.from_experiment_id(experiment),
            START_MS + after,
            state,
            execution_duration=duration,
            trace_metadata=metadata,
            tags={**dict(tags), **({"mlflow.traceName": name} if name else {})},
        )
        return store.start_trace(info).trace_id

    ok, failed = TraceState.OK, TraceState.ERROR
    first = start(0, 100, ok, "agent", "s1", usage(10, 20), {"env": "prod"})
    second = start(30_000, 300, failed, "agent", "s1", usage(30, 5))
    third = start(90_000, 200, ok, "tool", "s2")
    start(100_000, None, TraceState.IN_PROGRESS)
    agent, chat = {"mlflow.spanType": "AGENT"}, {"mlflow.spanType": "CHAT_MODEL"}
    m1 = {"mlflow.llm.model": "m1", "mlflow.llm.provider": "p", "mlflow.llm.cost": cost(0.25, 0.5)}
    m2 = {"mlflow.llm.model": "m2", "mlflow.llm.cost": cost(0.25, 1.0)}
    of_first = [
        span(first, 1, "root", 0, 100, **agent),
        span(first, 2, "llm", 10, 60, parent=1, **chat, **m1),
    ]
    of_second = [span(second, 1, "llm", 30_000, 30_300, code="ERROR", **chat, **m2)]
    store.log_spans(experiment, of_first)
    store.log_spans(experiment, of_second)
    for assessment in (
        Feedback("score", 0.5, trace_id=first),
        Feedback("score", 1.0, trace_id=second),
        Feedback("ok", "yes", trace_id=second),
        Expectation("ok", False, trace_id=third),
        Feedback("comment", "long", trace_id=third),
    ):
        store.create_assessment(assessment)
    return experiment


@pytest.fixture
def ask(store, filled):
    """A function that gives the points of a query: those without groups as their values only."""

    def ask(view, metric, aggregations=COUNT, dimensions=None, filters=None, **rest):
        points = store.query_trace_metrics(
            [filled], view, metric, list(aggregations), dimensions, filters, **rest
        )
        assert all(point.metric_name == metric for point in points)
        found = {tuple(p.dimensions.values()): pytest.approx(p.values) for p in points}
        assert len(found) == len(points)
        return found

    return ask


# -- traces -------------------------------------------------------------------------------------


def test_traces_are_counted(ask):
    assert ask(TRACES, "trace_count") == {(): {"COUNT": 4}}
    assert ask(TRACES, "trace_count", dimensions=["trace_status"]) == {
        ("ERROR",): {"COUNT": 1},
        ("IN_PROGRESS",): {"COUNT": 1},
        ("OK",): {"COUNT": 2},
    }


def test_traces_without_a_name_are_in_no_group_by_name(ask):
    assert ask(TRACES, "trace_count", dimensions=["trace_name", "trace_status"]) == {
        ("agent", "ERROR"): {"COUNT": 1},
        ("agent", "OK"): {"COUNT": 1},
        ("tool", "OK"): {"COUNT": 1},
    }


def test_each_session_counts_once(ask):
    assert ask(TRACES, "session_count") == {(): {"COUNT": 2}}


def test_durations_are_those_of_traces_that_have_ended(ask):
    assert ask(TRACES, "latency", SPREAD) == {(): spread(200, 100, 300, 200, 280)}
    assert ask(TRACES, "latency", SPREAD, ["trace_name"]) == {
        ("agent",): spread(200, 100, 300, 200, 280),
        ("tool",): spread(200, 200, 200, 200, 200),
    }


def test_tokens_are_added_up(ask):
    assert ask(TRACES, "input_tokens", SUM) == {(): {"SUM": 40}}
    assert ask(TRACES, "total_tokens", (*SUM, *SPREAD)) == {
        (): {"SUM": 65, **spread(32.5, 30, 35, 32.5, 34.5)}
    }
    assert ask(TRACES, "cache_read_input_tokens", SUM) == {}


@pytest.mark.parametrize(
    ("filters", "traces", "spans", "assessments"),
    [
        (['trace.status = "OK"'], 2, 2, 3),
        (['trace.tag.env = "prod"'], 1, 2, 1),
        (["trace.metadata.`mlflow.trace.session` = 's1'"], 2, 3, 3),
        (['trace.status = "ERROR"', 'trace.tag.env = "prod"'], 0, 0, 0),
    ],
)
def test_filters_of_traces_are_for_every_view(ask, filters, traces, spans, assessments):
    assert ask(TRACES, "trace_count", filters=filters) == {(): {"COUNT": traces}}
    assert ask(SPANS, "span_count", filters=filters) == {(): {"COUNT": spans}}
    assert ask(ASSESSMENTS, "assessment_count", filters=filters) == {(): {"COUNT": assessments}}


# -- spans --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dimension", "counts"),
    [
        ("span_name", {"llm": 2, "root": 1}),
        ("span_status", {"ERROR": 1, "OK": 2}),
        ("span_type", {"AGENT": 1, "CHAT_MODEL": 2}),
        ("span_model_name", {"m1": 1, "m2": 1}),
        ("span_model_provider", {"p": 1}),
    ],
)
def test_spans_are_counted(ask, dimension, counts):
    assert ask(SPANS, "span_count", dimensions=[dimension]) == {
        (name,): {"COUNT": count} for name, count in counts.items()
    }


@pytest.mark.parametrize(
    ("text", "count"),
    [('span.name = "llm"', 2), ('span.status = "ERROR"', 1), ('span.type = "AGENT"', 1)],
)
def test_spans_are_filtered(ask, text, count):
    assert ask(SPANS, "span_count", filters=[text]) == {(): {"COUNT": count}}


def test_durations_of_spans(ask):
    assert ask(SPANS, "latency", SPREAD, ["span_name"]) == {
        ("llm",): spread(175, 50, 300, 175, 275),
        ("root",): spread(100, 100, 100, 100, 100),
    }


def test_costs_by_model(ask):
    assert ask(SPANS, "total_cost", SUM) == {(): {"SUM": 2.0}}
    assert ask(SPANS, "output_cost", SUM, ["span_model_name"]) == {
        ("m1",): {"SUM": 0.5},
        ("m2",): {"SUM": 1.0},
    }


# -- assessments --------------------------------------------------------------------------------


def test_assessments_are_counted(ask):
    assert ask(ASSESSMENTS, "assessment_count", dimensions=["assessment_name"]) == {
        ("comment",): {"COUNT": 1},
        ("ok",): {"COUNT": 2},
        ("score",): {"COUNT": 2},
    }
    both = ["assessment_name", "assessment_value"]
    assert ask(ASSESSMENTS, "assessment_count", dimensions=both) == {
        ("comment", '"long"'): {"COUNT": 1},
        ("ok", '"yes"'): {"COUNT": 1},
        ("ok", "false"): {"COUNT": 1},
        ("score", "0.5"): {"COUNT": 1},
        ("score", "1.0"): {"COUNT": 1},
    }


def test_assessments_are_filtered(ask):
    def count(text):
        return ask(ASSESSMENTS, "assessment_count", filters=[text])[()]

    assert count('assessment.name = "ok"') == {"COUNT": 2}
    assert count('assessment.type = "feedback"') == {"COUNT": 4}
    assert count('assessment.type = "nonsense"') == {"COUNT": 0}


def test_values_of_assessments_are_numbers_or_words_that_mean_some(ask):
    assert ask(ASSESSMENTS, "assessment_value", SPREAD, ["assessment_name"]) == {
        ("ok",): spread(0.5, 0, 1, 0.5, 0.9),
        ("score",): spread(0.75, 0.5, 1, 0.75, 0.95),
    }


# -- time ---------------------------------------------------------------------------------------


def test_groups_by_time_begin_at_full_intervals(ask):
    asked = {
        "time_interval_seconds": 60,
        "start_time_ms": START_MS,
        "end_time_ms": START_MS + 120_000,
    }
    assert ask(TRACES, "trace_count", **asked) == {
        ("2023-11-14T22:13:00+00:00",): {"COUNT": 2},
        ("2023-11-14T22:14:00+00:00",): {"COUNT": 1},
        ("2023-11-14T22:15:00+00:00",): {"COUNT": 1},
    }
    assert ask(SPANS, "span_count", dimensions=["span_name"], **asked) == {
        ("2023-11-14T22:13:00+00:00", "llm"): {"COUNT": 2},
        ("2023-11-14T22:13:00+00:00", "root"): {"COUNT": 1},
    }


@pytest.mark.parametrize(
    ("start", "end", "traces", "spans", "assessments"),
    [
        (None, 30_000, 2, 3, 3),
        (30_000, None, 3, 1, 4),
        (30_000, 90_000, 2, 1, 4),
        (1, 29_999, 0, 0, 0),  # a span begins in it, but its trace does not
    ],
)
def test_times_are_those_of_traces(ask, start, end, traces, spans, assessments):
    asked = {}
    if start is not None:
        asked["start_time_ms"] = START_MS + start
    if end is not None:
        asked["end_time_ms"] = START_MS + end
    assert ask(TRACES, "trace_count", **asked) == {(): {"COUNT": traces}}
    assert ask(SPANS, "span_count", **asked) == {(): {"COUNT": spans}}
    assert ask(ASSESSMENTS, "assessment_count", **asked) == {(): {"COUNT": assessments}}


# -- pages and errors ---------------------------------------------------------------------------


def test_points_come_in_pages(store, filled):
    found, token = [], None
    while True:
        page = store.query_trace_metrics(
            [filled],
            TRACES,
            "trace_count",
            list(COUNT),
            ["trace_status"],
            max_results=1,
            page_token=token,
        )
        assert len(page) == 1
        found += [point.dimensions["trace_status"] for point in page]
        token = page.token
        if not token:
            break
    assert found == ["ERROR", "IN_PROGRESS", "OK"]


def test_other_experiments_do_not_count(store, experiment):
    points = store.query_trace_metrics([experiment], TRACES, "trace_count", list(COUNT))
    assert [point.values for point in points] == [{"COUNT": 0}]


@pytest.mark.parametrize(
    ("view", "metric", "rest", "message"),
    [
        (TRACES, "span_count", {}, f"must be one of {list(METRICS['TRACES'])}, got 'span_count'"),
        (TRACES, "trace_count", {"aggregations": SUM}, "invalid aggregation_type(s): ['SUM']"),
        (TRACES, "trace_count", {"aggregations": ()}, "aggregations must not be empty"),
        (TRACES, "trace_count", {"dimensions": ["span_name"]}, "invalid dimension(s)"),
        (TRACES, "trace_count", {"filters": ["span.name = 'x'"]}, "only supported for SPANS"),
        (TRACES, "trace_count", {"filters": ["trace.status != 'OK'"]}, "only '=' operator"),
        (TRACES, "trace_count", {"filters": ["trace.size = '1'"]}, "Invalid entity 'size'"),
        (TRACES, "trace_count", {"filters": ["nonsense"]}, "Invalid clause(s) in filter string"),
        (TRACES, "trace_count", {"time_interval_seconds": 60}, "start_time_ms and end_time_ms"),
        (TRACES, "trace_count", {"page_token": "x"}, "page token"),
    ],
)
def test_wrong_questions_are_refused(ask, view, metric, rest, message):
    with pytest.raises(MlflowException) as error:
        ask(view, metric, **rest)
    assert error.value.error_code == "INVALID_PARAMETER_VALUE"
    assert message in error.value.message
