"""What every store does with traces, their spans and their assessments."""

from __future__ import annotations

import base64
import json
import logging
import uuid
from types import SimpleNamespace

import pytest

from mlflow.entities import (
    AssessmentSource,
    Expectation,
    Feedback,
    Span,
    Trace,
    TraceData,
    TraceInfo,
    TraceLocation,
    TraceState,
)
from mlflow.entities.assessment import ExpectationValue, FeedbackValue
from mlflow.entities.trace_status import TraceStatus
from mlflow.exceptions import MlflowException
from mlflow.rpc.traces import LogTraces, ReadTraces

pytestmark = pytest.mark.parametrize(
    "store", ("sqlite", "postgresql", "mysql", "file", "rest"), indirect=True, scope="session"
)
START_MS = 1_700_000_000_000
USAGE = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}


def new_id() -> str:
    return f"tr-{uuid.uuid4().hex}"


def span(trace_id, number=1, parent=None, *, name="root", start=0, end=5, code="OK", **attributes):
    """A span that begins and ends so many milliseconds after START_MS."""

    def of(n):
        return base64.b64encode(n.to_bytes(8, "big")).decode()

    ns = [None if ms is None else (START_MS + ms) * 1_000_000 for ms in (start, end)]
    attributes = {"mlflow.traceRequestId": trace_id, **attributes}
    return Span.from_dict(
        {
            "trace_id": base64.b64encode(bytes.fromhex(trace_id[3:])).decode(),
            "span_id": of(number),
            "parent_span_id": parent and of(parent),
            "name": name,
            "start_time_unix_nano": ns[0],
            "end_time_unix_nano": ns[1],
            "events": [{"name": "e", "time_unix_nano": 5, "attributes": {"a": [1, "x"]}}],
            "status": {"code": f"STATUS_CODE_{code}", "message": ""},
            "attributes": {key: json.dumps(value) for key, value in attributes.items()},
            "links": [],
        }
    )


@pytest.fixture
def start(store, experiment):
    """A function that makes a trace by its info."""

    def start(trace_id=None, **parts):
        info = {
            "trace_id": trace_id or new_id(),
            "trace_location": TraceLocation.from_experiment_id(experiment),
            "request_time": START_MS,
            "state": TraceState.OK,
        }
        return store.start_trace(TraceInfo(**{**info, **parts}))

    return start


def own(metadata):
    return {k: v for k, v in metadata.items() if k != "mlflow.trace.infoFinalized"}


def refused(code, function, *args, **kwargs):
    with pytest.raises(MlflowException) as error:
        function(*args, **kwargs)
    assert error.value.error_code == code
    return error.value.message.removeprefix(f"{code}: ")


# -- making traces ------------------------------------------------------------------------------


def test_trace_is_kept_as_it_is_started(store, experiment, start):
    made = start(
        execution_duration=8,
        tags={"a": "1"},
        trace_metadata={"m": "2"},
        request_preview="in",
        response_preview="out",
        client_request_id="c",
    )
    read = store.get_trace_info(made.trace_id)
    assert read == made
    assert (read.request_time, read.execution_duration, read.state) == (START_MS, 8, "OK")
    assert (read.request_preview, read.response_preview, read.client_request_id) == (
        "in",
        "out",
        "c",
    )
    assert read.trace_metadata == {"m": "2", "mlflow.trace.infoFinalized": "true"}
    assert set(read.tags) == {"a", "mlflow.artifactLocation"}
    assert read.tags["mlflow.artifactLocation"].endswith(
        f"/{experiment}/traces/{made.trace_id}/artifacts"
    )
    assert read.experiment_id == experiment


def test_trace_that_is_started_again_has_what_came_last(store, start):
    first = start(
        tags={"a": "1", "b": "1"}, trace_metadata={"m": "1"}, request_preview="p",
        client_request_id="c", state=TraceState.IN_PROGRESS,
    )  # fmt: skip
    start(first.trace_id, tags={"a": "2"}, trace_metadata={"n": "2"}, execution_duration=3)
    read = store.get_trace_info(first.trace_id)
    assert (read.tags["a"], read.tags["b"]) == ("2", "1")
    assert own(read.trace_metadata) == {"m": "1", "n": "2"}
    assert (read.request_preview, read.client_request_id) == ("p", None)
    assert (read.state, read.execution_duration) == (TraceState.OK, 3)


def test_assessments_come_with_a_trace(store, start):
    made = start(assessments=[Feedback("f", 1.0)])
    (found,) = store.get_trace_info(made.trace_id).assessments
    assert (found.name, found.value, found.trace_id) == ("f", 1.0, made.trace_id)


def test_long_keys_and_values_are_cut(store, start):
    made = start(tags={"k" * 300: "v" * 5000}, trace_metadata={"k" * 300: "v" * 300})
    read = store.get_trace_info(made.trace_id)
    assert len(read.tags["k" * 250]) == 4096
    assert len(read.trace_metadata["k" * 250]) == 250


def test_trace_needs_an_active_experiment(store, start, experiment):
    elsewhere = TraceLocation.from_databricks_uc_schema("a", "b")
    assert "experiments" in refused("INVALID_PARAMETER_VALUE", start, trace_location=elsewhere)
    nowhere = TraceLocation.from_experiment_id("987654321")
    refused("RESOURCE_DOES_NOT_EXIST", start, trace_location=nowhere)
    refused("RESOURCE_DOES_NOT_EXIST", store.log_spans, "987654321", [span(new_id())])
    store.delete_experiment(experiment)
    refused("INVALID_PARAMETER_VALUE", start)
    refused("INVALID_PARAMETER_VALUE", store.log_spans, experiment, [span(new_id())])


def test_trace_needs_an_id(start):
    refused("INVALID_PARAMETER_VALUE", start, "x" * 300)


# -- spans --------------------------------------------------------------------------------------


def test_spans_make_a_trace(store, experiment):
    trace_id = new_id()
    spans = [
        span(trace_id, 2, 1, name="child", start=1, end=9),
        span(trace_id, **{"mlflow.spanInputs": {"q": 1}, "mlflow.spanOutputs": "x" * 2000}),
    ]
    assert store.log_spans(experiment, spans) == spans
    trace = store.get_trace(trace_id)
    assert [s.to_dict() for s in trace.data.spans] == [s.to_dict() for s in reversed(spans)]
    info = trace.info
    assert (info.request_time, info.execution_duration, info.state) == (START_MS, 9, "OK")
    assert info.request_preview == '{"q": 1}'
    assert len(info.response_preview) == 1000
    assert info.response_preview.endswith("...")
    assert info.tags["mlflow.trace.spansLocation"] == "TRACKING_STORE"
    assert info.trace_metadata == {}


def test_spans_may_come_in_any_order_and_twice(store, experiment):
    trace_id = new_id()
    store.log_spans(experiment, [span(trace_id, 2, 1, name="child", start=2)])
    assert store.get_trace_info(trace_id).state is TraceState.IN_PROGRESS
    store.log_spans(experiment, [span(trace_id, 1, code="ERROR", end=9)])
    store.log_spans(experiment, [span(trace_id, 2, 1, name="again", start=2)])
    trace = store.get_trace(trace_id)
    assert [s.name for s in trace.data.spans] == ["root", "again"]
    assert (trace.info.state, trace.info.execution_duration) == (TraceState.ERROR, 9)


def test_many_exports_of_one_trace(store, experiment):
    trace_id = new_id()
    for number in range(2, 42):
        store.log_spans(experiment, [span(trace_id, number, 1, name=f"s{number}", start=number)])
    found = store.get_trace(trace_id).data.spans
    assert [s.name for s in found] == [f"s{number}" for number in range(2, 42)]


def test_one_export_has_spans_of_several_traces(store, experiment):
    first, second = new_id(), new_id()
    store.log_spans(experiment, [span(first), span(second, name="other"), span(first, 2, 1)])
    assert [len(t.data.spans) for t in store.batch_get_traces([first, second])] == [2, 1]


def test_spans_and_info_may_come_in_any_order(store, experiment, start):
    one = start(execution_duration=1, tags={"a": "1"}, state=TraceState.IN_PROGRESS)
    store.log_spans(experiment, [span(one.trace_id, end=2)])
    read = store.get_trace(one.trace_id).info
    assert (read.execution_duration, read.state, read.tags["a"]) == (2, TraceState.OK, "1")
    other = new_id()
    store.log_spans(experiment, [span(other, end=2)])
    start(other, execution_duration=1, tags={"a": "1"})
    read = store.get_trace(other).info
    assert (read.execution_duration, read.tags["a"]) == (1, "1")
    assert read.tags["mlflow.trace.spansLocation"] == "TRACKING_STORE"


def logged(experiment, *spans, trace_id=None, **parts):
    """A trace that has ended."""
    info = TraceInfo(
        trace_id=trace_id or new_id(),
        trace_location=TraceLocation.from_experiment_id(experiment),
        request_time=START_MS,
        state=TraceState.OK,
        **parts,
    )
    return Trace(info, TraceData([span(info.trace_id, *numbers) for numbers in spans]))


def test_many_traces_are_kept_at_once_and_again(store, experiment):
    first = logged(experiment, (1,), (2, 1), tags={"a": "1"}, execution_duration=5)
    second = logged(experiment, (1,), request_preview="in", trace_metadata={"m": "2"})
    store.log_traces([])
    for _ in range(2):
        store.log_traces([first, second])
        one, two = store.batch_get_traces([first.info.trace_id, second.info.trace_id])
        assert [s.to_dict() for s in one.data.spans] == [s.to_dict() for s in first.data.spans]
        assert (one.info.tags["a"], one.info.execution_duration) == ("1", 5)
        assert (two.info.request_preview, len(two.data.spans)) == ("in", 1)
        assert own(two.info.trace_metadata) == {"m": "2"}


def test_many_traces_of_which_one_cannot_be_kept(store, experiment):
    good, bad = logged(experiment, (1,)), logged("987654321", (1,))
    refused("RESOURCE_DOES_NOT_EXIST", store.log_traces, [bad, good])
    store.log_traces([good])
    assert len(store.get_trace(good.info.trace_id).data.spans) == 1


def test_older_server_is_told_of_many_traces_one_by_one(store, experiment, monkeypatch):
    if not hasattr(store, "_is_ours"):
        return  # no server
    for request in (LogTraces, ReadTraces):
        monkeypatch.setattr(request, "called_at", ("POST", "/api/2.0/headrace/no/such/thing"))
    monkeypatch.setattr(store, "_is_ours", None)
    traces = [logged(experiment, (1,), (2, 1)) for _ in range(3)]
    ids = [t.info.trace_id for t in traces]
    for first in (store.log_traces, lambda _: store.batch_get_traces(ids)):
        monkeypatch.setattr(store, "_is_ours", None)
        first(traces)
        assert store._is_ours is False
        store.log_traces(traces)
        found = store.batch_get_traces(ids)
        assert [[s.to_dict() for s in t.data.spans] for t in found] == [
            [s.to_dict() for s in t.data.spans] for t in traces
        ]


def test_trace_knows_what_its_spans_used(store, experiment):
    trace_id = new_id()
    cost = {"input_cost": 0.5, "output_cost": 0.25, "total_cost": 0.75}
    used = {"mlflow.chat.tokenUsage": USAGE, "mlflow.llm.cost": cost}
    store.log_spans(experiment, [span(trace_id, 2, 1, **used)])
    store.log_spans(experiment, [span(trace_id, 3, 1, **used), span(trace_id, 4, 3, **used)])
    info = store.get_trace_info(trace_id)
    assert info.token_usage == {"input_tokens": 6, "output_tokens": 8, "total_tokens": 14}
    assert info.cost == {"input_cost": 1.0, "output_cost": 0.5, "total_cost": 1.5}
    # What a span says counts for its children, too.
    store.log_spans(experiment, [span(trace_id, 1, **{"mlflow.chat.tokenUsage": USAGE})])
    assert store.get_trace_info(trace_id).token_usage == USAGE


@pytest.mark.parametrize(
    ("model", "cost"),
    [
        ("m-1", {"input_cost": 4e-6, "output_cost": 8e-6, "total_cost": 1.2e-5}),
        ("m-2", {"input_cost": 3e-6, "output_cost": 4e-6, "total_cost": 7e-6}),
        ("other", None),
        (["no", "name"], None),
    ],
)
def test_calls_cost_what_the_users_prices_say(
    store, experiment, tmp_path, monkeypatch, model, cost
):
    prices = {"p/m-1": {"input": 2, "output": 2, "cache_read": 0}, "m-*": {"input": 1, "output": 1}}
    (tmp_path / "prices.json").write_text(json.dumps(prices))
    monkeypatch.setenv("HEADRACE_LLM_PRICES", str(tmp_path / "prices.json"))
    said = {
        "mlflow.chat.tokenUsage": {**USAGE, "cache_read_input_tokens": 1},
        "mlflow.llm.model": model,
        "mlflow.llm.provider": "p",
    }
    trace_id = new_id()
    store.log_spans(experiment, [span(trace_id, **said)])
    (found,) = store.get_trace(trace_id).data.spans
    assert found.get_attribute("mlflow.llm.cost") == (cost and pytest.approx(cost))
    total = store.get_trace_info(trace_id).trace_metadata.get("mlflow.trace.cost")
    assert (total and json.loads(total)) == (cost and pytest.approx(cost))
    said["mlflow.llm.cost"] = {"input_cost": 5.0}
    store.log_spans(experiment, [span(trace_id, **said)])
    total = store.get_trace_info(trace_id).trace_metadata["mlflow.trace.cost"]
    assert json.loads(total) == {"input_cost": 5.0, "output_cost": 0, "total_cost": 0}


@pytest.mark.parametrize("text", ["{", "[]", '{"m": 5}', '{"m": {"input": -1, "output": "x"}}'])
def test_prices_that_cannot_be_read_do_no_harm(
    store, experiment, tmp_path, monkeypatch, caplog, text
):
    (tmp_path / "prices.json").write_text(text)
    monkeypatch.setenv("HEADRACE_LLM_PRICES", str(tmp_path / "prices.json"))
    monkeypatch.setattr(logging.getLogger("mlflow"), "propagate", True)
    trace_id = new_id()
    said = {"mlflow.chat.tokenUsage": USAGE, "mlflow.llm.model": "m"}
    store.log_spans(experiment, [span(trace_id, **said)])
    assert "cannot be read" in caplog.text
    assert store.get_trace(trace_id).data.spans[0].get_attribute("mlflow.llm.cost") is None


def test_spans_that_are_their_own_parents_do_no_harm(store, experiment):
    trace_id = new_id()
    used = {"mlflow.chat.tokenUsage": USAGE}
    store.log_spans(experiment, [span(trace_id, 2, 3, **used), span(trace_id, 3, 2)])
    assert store.get_trace_info(trace_id).token_usage == USAGE


def test_spans_name_user_session_and_tags(store, experiment):
    trace_id = new_id()
    said = {"session.id": "s", "user.id": "u", "mlflow.traceTag.team": "x"}
    store.log_spans(experiment, [span(trace_id, **said)])
    store.log_spans(experiment, [span(trace_id, 2, 1, **{"session.id": "later"})])
    info = store.get_trace_info(trace_id)
    assert info.trace_metadata == {"mlflow.trace.session": "s", "mlflow.trace.user": "u"}
    assert info.tags["team"] == "x"


def test_large_spans_are_kept(store, experiment):
    trace_id = new_id()
    text = "ä" * 3_000_000
    store.log_spans(experiment, [span(trace_id, **{"mlflow.spanInputs": text})])
    assert store.get_trace(trace_id).data.spans[0].inputs == text


@pytest.mark.parametrize("text", ['{"a": 1}', "[1]", '"x"', " {}", "{bad", "5", ""])
def test_texts_that_look_like_json_stay_texts(store, experiment, text):
    """A server reads JSON in the texts that other libraries send."""
    trace_id = new_id()
    store.log_spans(experiment, [span(trace_id, key=text, **{"mlflow.spanOutputs": text})])
    (found,) = store.get_trace(trace_id).data.spans
    assert (found.get_attribute("key"), found.outputs) == (text, text)


def test_times_that_are_none_are_refused(store, experiment):
    late, event = span(new_id()), span(new_id())
    late.to_dict()["start_time_unix_nano"] = 1 << 70
    event.to_dict()["events"][0]["time_unix_nano"] = 1 << 70
    for broken in (late, event):
        refused("INVALID_PARAMETER_VALUE", store.log_spans, experiment, [broken])


def test_values_nested_too_deeply_to_be_read_are_kept_as_text(store, experiment):
    trace_id, deep = new_id(), "[" * 50_000 + "]" * 50_000
    broken = span(trace_id)
    for key in ("session.id", "mlflow.chat.tokenUsage", "mlflow.spanInputs", "mlflow.spanType"):
        broken.to_dict()["attributes"][key] = deep
    store.log_spans(experiment, [broken])
    assert store.get_trace(trace_id).data.spans[0].inputs == deep


def test_trace_without_spans_says_so(store, start):
    with pytest.raises(MlflowException, match="not stored in tracking store"):
        store.get_trace(start().trace_id)


# -- reading ------------------------------------------------------------------------------------


def test_unknown_traces(store):
    assert refused("RESOURCE_DOES_NOT_EXIST", store.get_trace_info, "tr-no") == (
        "Trace with ID 'tr-no' not found."
    )
    refused("RESOURCE_DOES_NOT_EXIST", store.get_trace, "tr-no")
    assert store.batch_get_traces(["tr-no"]) == []
    assert store.batch_get_traces([]) == []


def test_batches_are_in_the_order_of_the_ids(store, start):
    ids = [start(request_time=START_MS - n).trace_id for n in range(3)]
    asked = [ids[2], "tr-no", ids[0], ids[2]]
    assert [i.trace_id for i in store.batch_get_trace_infos(asked)] == [ids[2], ids[0]]
    assert [t.info.trace_id for t in store.batch_get_traces(asked)] == [ids[2], ids[0]]


def test_batches_may_be_of_some_experiments(store, experiment, start):
    trace_id = start().trace_id
    there = store.batch_get_trace_infos([trace_id], experiment_ids=[experiment])
    assert [info.trace_id for info in there] == [trace_id]
    assert store.batch_get_trace_infos([trace_id], experiment_ids=["0"]) == []


# -- tags and links -----------------------------------------------------------------------------


def test_completed_sessions(store, experiment, start):
    def trace(session, began, **parts):
        metadata = {"mlflow.trace.session": session} if session else {}
        return start(request_time=began, trace_metadata=metadata, **parts)

    for began in (1000, 2000, 3000):
        trace("a", began)
    trace("b", 1500)
    trace("b", 2500, tags={"env": "prod"}, state=TraceState.ERROR)
    trace(None, 1200)
    trace("é", 3000, execution_duration=10_000)
    trace("f", 700, tags={"env": "prod"})
    trace("f", 2900)

    def found(*bounds, **more):
        sessions = store.find_completed_sessions(experiment, *bounds, **more)
        return [
            (s.session_id, s.first_trace_timestamp_ms, s.last_trace_timestamp_ms) for s in sessions
        ]

    every = [("b", 1500, 2500), ("f", 700, 2900), ("a", 1000, 3000), ("é", 3000, 3000)]
    assert found(0, 10_000) == every
    assert found(2501, 3000) == every[1:]
    assert found(0, 2900) == every[:2]
    assert found(5, 1) == []
    assert found(0, 10_000, max_results=2) == every[:2]
    assert (found(0, 10_000, max_results=0), found(0, 10_000, max_results=-1)) == ([], every)
    # A filter is about the first trace of each
    assert found(0, 10_000, filter_string="tags.env = 'prod'") == [every[1]]
    assert found(0, 10_000, filter_string="status = 'ERROR'") == []
    assert found(0, 10_000, filter_string="timestamp_ms > 1200") == [every[0], every[3]]
    refused(
        "INVALID_PARAMETER_VALUE", store.find_completed_sessions, experiment, 0, 9, None, "nonsense"
    )
    assert store.find_completed_sessions("987654321", 0, 10_000) == []


def test_name_of_an_issue_is_not_known(store):
    assert "issue_name" in refused("NOT_IMPLEMENTED", store.name_of_issue, "iss-1")


def test_tags_are_set_and_removed(store, start):
    trace_id = start(tags={"a": "1"}).trace_id
    store.set_trace_tag(trace_id, "a", "2")
    store.set_trace_tag(trace_id, "b", "v" * 5000)
    tags = store.get_trace_info(trace_id).tags
    assert (tags["a"], len(tags["b"])) == ("2", 4096)
    store.delete_trace_tag(trace_id, "a")
    assert "a" not in store.get_trace_info(trace_id).tags
    refused("RESOURCE_DOES_NOT_EXIST", store.delete_trace_tag, trace_id, "a")
    refused("RESOURCE_DOES_NOT_EXIST", store.set_trace_tag, "tr-no", "a", "1")
    refused("INVALID_PARAMETER_VALUE", store.set_trace_tag, trace_id, "k" * 251, "v")


def ids(found):
    return [info.trace_id for info in found[0]]


def test_traces_are_linked_to_runs(store, experiment, run_id, start):
    trace_id = start().trace_id
    store.link_traces_to_run([trace_id, "tr-no"], run_id)
    store.link_traces_to_run([trace_id], run_id)
    for key in ("run_id", "metadata.`mlflow.sourceRun`"):
        assert ids(store.search_traces([experiment], f"{key} = '{run_id}'")) == [trace_id]
    refused("INVALID_PARAMETER_VALUE", store.link_traces_to_run, ["tr-a"] * 101, run_id)
    store.link_traces_to_run([], run_id)


def test_links_of_traces_are_told(store, run_id, start):
    first, second, third = (start().trace_id for _ in range(3))
    store.link_traces_to_run([first, second], run_id)
    store.link_prompts_to_trace(first, [SimpleNamespace(name="p/q", version=v) for v in ("2", "1")])
    assert store.trace_links([third, first, second, new_id()]) == {
        first: ([run_id], ["p/q/1", "p/q/2"]),
        second: ([run_id], []),
    }


def test_prompts_are_linked_to_traces(store, experiment, start):
    trace_id = start().trace_id
    start()
    prompts = [SimpleNamespace(name="greet", version=1), SimpleNamespace(name="a/b", version="2")]
    store.link_prompts_to_trace(trace_id, prompts)
    store.link_prompts_to_trace(trace_id, prompts[:1])
    for prompt in ("greet/1", "a/b/2"):
        assert ids(store.search_traces([experiment], f"prompt = '{prompt}'")) == [trace_id]
    assert ids(store.search_traces([experiment], "prompt = 'greet/2'")) == []
    refused("RESOURCE_DOES_NOT_EXIST", store.link_prompts_to_trace, "tr-no", prompts)


# -- assessments --------------------------------------------------------------------------------


def test_assessment_is_kept(store, start):
    trace_id = start().trace_id
    made = store.create_assessment(
        Feedback(
            "quality",
            {"a": [1.5, None, "x"]},
            source=AssessmentSource("HUMAN", "ann"),
            trace_id=trace_id,
            span_id="s",
            metadata={"k": "v"},
            rationale="because",
        )
    )
    assert made.assessment_id.startswith("a-")
    assert store.get_assessment(trace_id, made.assessment_id) == made
    assert store.get_trace_info(trace_id).assessments == [made]
    failed = store.create_assessment(Feedback("f", error="why", trace_id=trace_id))
    assert store.get_assessment(trace_id, failed.assessment_id).error_message == "why"
    expected = store.create_assessment(Expectation("e", [1, {"b": 2}], trace_id=trace_id))
    read = store.get_assessment(trace_id, expected.assessment_id)
    assert (type(read), read.value, read.valid) == (Expectation, [1, {"b": 2}], True)


def test_assessment_is_changed(store, start):
    trace_id = start().trace_id
    one = store.create_assessment(
        Feedback("f", 1.0, trace_id=trace_id, metadata={"k": "v"}, rationale="r")
    )
    changed = store.update_assessment(
        trace_id, one.assessment_id, name="g", feedback=FeedbackValue(2.0), metadata={"l": "w"}
    )
    assert (changed.name, changed.value, changed.rationale) == ("g", 2.0, "r")
    assert changed.metadata == {"k": "v", "l": "w"}
    assert store.get_assessment(trace_id, one.assessment_id) == changed
    message = refused(
        "INVALID_PARAMETER_VALUE",
        store.update_assessment,
        trace_id,
        one.assessment_id,
        expectation=ExpectationValue(1),
    )
    assert message == "Cannot update expectation value on a Feedback assessment."


def test_assessment_that_is_overridden_is_invalid_until_the_other_one_goes(store, start):
    trace_id = start().trace_id
    one = store.create_assessment(Feedback("f", 1.0, trace_id=trace_id))
    other = store.create_assessment(
        Feedback("f", 2.0, trace_id=trace_id, overrides=one.assessment_id)
    )
    assert other.valid is True
    assert store.get_assessment(trace_id, one.assessment_id).valid is False
    store.delete_assessment(trace_id, other.assessment_id)
    assert store.get_assessment(trace_id, one.assessment_id).valid is True
    store.delete_assessment(trace_id, other.assessment_id)


def test_unknown_assessments(store, start):
    trace_id = start().trace_id
    assert refused("RESOURCE_DOES_NOT_EXIST", store.get_assessment, trace_id, "a-no") == (
        f"Assessment with ID 'a-no' not found for trace '{trace_id}'"
    )
    refused("RESOURCE_DOES_NOT_EXIST", store.get_assessment, "tr-no", "a-no")
    refused("RESOURCE_DOES_NOT_EXIST", store.update_assessment, trace_id, "a-no")
    refused("RESOURCE_DOES_NOT_EXIST", store.create_assessment, Feedback("f", 1, trace_id="tr-no"))
    refused(
        "RESOURCE_DOES_NOT_EXIST",
        store.create_assessment,
        Feedback("f", 1, trace_id=trace_id, overrides="a-no"),
    )


# -- deleting -----------------------------------------------------------------------------------


def test_traces_are_deleted_by_id(store, experiment, start):
    kept, gone = start().trace_id, start(tags={"a": "1"}).trace_id
    store.log_spans(experiment, [span(gone)])
    store.create_assessment(Feedback("f", 1, trace_id=gone))
    assert store.delete_traces(experiment, trace_ids=[gone, "tr-no"]) == 1
    assert store.delete_traces("0", trace_ids=[kept]) == 0
    refused("RESOURCE_DOES_NOT_EXIST", store.get_trace_info, gone)
    assert ids(store.search_traces([experiment])) == [kept]
    # Its id may come again, and has nothing of the old one.
    assert store.search_traces([experiment], "tags.a = '1'")[0] == []
    assert start(gone).assessments == []


def test_traces_are_deleted_by_time_the_oldest_first(store, experiment, start):
    made = [start(request_time=START_MS + n).trace_id for n in range(4)]
    assert store.delete_traces(experiment, START_MS + 2, max_traces=2) == 2
    assert ids(store.search_traces([experiment])) == [made[3], made[2]]
    assert store.delete_traces(experiment, START_MS + 2) == 1
    assert ids(store.search_traces([experiment])) == [made[3]]


@pytest.mark.parametrize(
    "what",
    [
        {},
        {"max_timestamp_millis": 1, "trace_ids": ["a"]},
        {"max_timestamp_millis": 1, "max_traces": 0},
        {"trace_ids": ["a"], "max_traces": 1},
    ],
)
def test_what_to_delete_must_be_said_once(store, experiment, what):
    refused("INVALID_PARAMETER_VALUE", store.delete_traces, experiment, **what)


# -- version 2 ----------------------------------------------------------------------------------


def test_clients_of_version_2_begin_and_end_traces(store, experiment):
    begun = store.deprecated_start_trace_v2(experiment, START_MS, {"m": "1"}, {"t": "1"})
    assert begun.status is TraceStatus.IN_PROGRESS
    assert begun.request_metadata == {"m": "1"}
    ended = store.deprecated_end_trace_v2(
        begun.request_id, START_MS + 9, TraceStatus.OK, {"n": "2"}, {"t": "2"}
    )
    assert (ended.status, ended.execution_time_ms) == (TraceStatus.OK, 9)
    assert ended.request_metadata == {"m": "1", "n": "2"}
    assert ended.tags["t"] == "2"
    refused(
        "RESOURCE_DOES_NOT_EXIST",
        store.deprecated_end_trace_v2, "no", START_MS, TraceStatus.OK, {}, {},
    )  # fmt: skip


@pytest.mark.parametrize("time", [-(10**18), 10**18])
def test_times_that_no_answer_can_say_are_refused(store, experiment, start, time):
    """One of them would make every search unreadable that finds it."""
    refused("INVALID_PARAMETER_VALUE", store.deprecated_start_trace_v2, experiment, time, {}, {})
    refused("INVALID_PARAMETER_VALUE", start, request_time=time)
    begun = store.deprecated_start_trace_v2(experiment, -START_MS, {}, {}).request_id
    refused(
        "INVALID_PARAMETER_VALUE",
        store.deprecated_end_trace_v2, begun, (1 << 63) - 1, TraceStatus.OK, {}, {},
    )  # fmt: skip
    assert {info.trace_id for info in store.search_traces([experiment])[0]} == {begun}
