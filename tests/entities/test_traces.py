"""Traces, spans and assessments as values: what they hold, and their JSON forms. What is expected
was printed by the reference."""

import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from mlflow.entities import (
    AssessmentSource,
    Expectation,
    Feedback,
    IssueReference,
    Span,
    SpanLogLevel,
    SpanStatus,
    SpanType,
    Trace,
    TraceData,
    TraceInfo,
    TraceLocation,
    TraceState,
)
from mlflow.entities.assessment import Assessment
from mlflow.entities.span import LazySpan, NoOpSpan
from mlflow.entities.trace_info_v2 import TraceInfoV2
from mlflow.exceptions import MlflowException

TRACE_ID = "tr-45307449e1e1d1bd4706acfe24ac6528"


def record(name="root", number=1, parent=None, kind="CHAIN", **attributes):
    import base64

    def span_id(n):
        return base64.b64encode(n.to_bytes(8, "big")).decode()

    attributes = {key: json.dumps(value) for key, value in attributes.items()}
    return {
        "trace_id": "RTB0SeHh0b1HBqz+JKxlKA==",
        "span_id": span_id(number),
        "parent_span_id": None if parent is None else span_id(parent),
        "name": name,
        "start_time_unix_nano": 1795310200514665622,
        "end_time_unix_nano": 1795310200628119469,
        "events": [{"name": "e", "time_unix_nano": 5, "attributes": {"a": [1]}}],
        "status": {"code": "STATUS_CODE_OK", "message": ""},
        "attributes": {
            "mlflow.traceRequestId": json.dumps(TRACE_ID),
            "mlflow.spanType": json.dumps(kind),
            **attributes,
        },
        "links": [
            {
                "trace_id": "tr-00000000000000000000000000000001",
                "span_id": "0000000000000002",
                "attributes": {"x": "y"},
            }
        ],
    }


def info(**changes):
    made = TraceInfo(TRACE_ID, TraceLocation.from_experiment_id("1"), 1795310200514, TraceState.OK)
    return replace(made, **changes)


def trace():
    children = [record("in", 2, 1, "LLM"), record("in2", 3, 1, "TOOL")]
    return Trace(info(), TraceData([Span.from_dict(r) for r in (record(), *children)]))


def test_span_says_what_its_record_says():
    span = Span.from_dict(
        record(
            **{
                "mlflow.spanInputs": {"q": "hi"},
                "mlflow.spanOutputs": 3,
                "mlflow.spanLogLevel": 10,
                "mlflow.llm.model": "gpt",
            }
        )
    )
    assert (span.trace_id, span.span_id, span.parent_id) == (TRACE_ID, "0000000000000001", None)
    assert (span.inputs, span.outputs, span.span_type) == ({"q": "hi"}, 3, "CHAIN")
    assert span.log_level is SpanLogLevel.DEBUG
    assert span.model_name == "gpt"
    assert span.status == SpanStatus("OK")
    assert span.events[0].attributes == {"a": [1]}
    assert span.links[0].span_id == "0000000000000002"
    assert span.get_attribute("none") is None


def test_attribute_that_is_no_json_is_given_as_it_is():
    data = record()
    data["attributes"]["raw"] = "notjson"
    assert Span.from_dict(data).attributes["raw"] == "notjson"


@pytest.mark.parametrize(
    "broken",
    [
        {"trace_id": "!!!"},
        {"span_id": 5},
        {"span_id": ""},
        {"status": {"code": "BAD"}},
        {"start_time_unix_nano": "x"},
        {"attributes": 5},
        {"events": [{}]},
        {"links": [5]},
    ],
)
def test_broken_record_is_refused(broken):
    with pytest.raises(MlflowException, match="Failed to create a Span") as error:
        Span.from_dict({**record(), **broken})
    assert error.value.error_code == "INVALID_PARAMETER_VALUE"


def test_record_goes_through_opentelemetry_and_its_protocol_unchanged():
    data = record(a=1, d=1.5, n=None, t=True, l=[1, "x"], m={"k": {"d": 2}})
    span = Span.from_dict(data)
    assert span.to_dict() == data
    assert Span(span._span).to_dict() == data
    message = span.to_otel_proto()
    assert message.trace_id.hex() == TRACE_ID.removeprefix("tr-")
    assert Span.from_otel_proto(message).to_dict() == data


def test_old_record_is_read():
    old = {
        "name": "root",
        "context": {
            "span_id": "0x1234567890abcdef",
            "trace_id": "0x45307449e1e1d1bd4706acfe24ac6528",
        },
        "parent_id": None,
        "start_time": 1795310200514665622,
        "end_time": None,
        "status_code": "OK",
        "status_message": "",
        "attributes": {"mlflow.traceRequestId": '"tr-x"', "a": "1"},
        "events": [],
    }
    assert Span.from_dict(old).to_dict() == {
        "trace_id": "RTB0SeHh0b1HBqz+JKxlKA==",
        "span_id": "EjRWeJCrze8=",
        "parent_span_id": None,
        "name": "root",
        "start_time_unix_nano": 1795310200514665622,
        "end_time_unix_nano": None,
        "events": [],
        "status": {"code": "STATUS_CODE_OK", "message": ""},
        "attributes": {"mlflow.traceRequestId": '"tr-x"', "a": "1"},
        "links": [],
    }


def test_spans_read_back_need_no_opentelemetry():
    code = (
        "import sys, json; from mlflow.entities import Trace; "
        f"t = Trace.from_json({trace().to_json()!r}); "
        "assert [s.name for s in t.search_spans(span_type='LLM')] == ['in']; t.to_json(); "
        "assert not [m for m in sys.modules if m.startswith('opentelemetry')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_stored_text_is_exported_as_it_is():
    text = json.dumps(record(), indent=1)
    spans = [LazySpan.from_stored_content(text)]
    assert TraceData(spans).to_json_bytes().decode() == f'{{"spans":[{text}]}}'


def test_no_op_span_takes_everything_and_keeps_nothing():
    span = NoOpSpan()
    span.set_inputs({"a": 1})
    span.end()
    assert span.trace_id == "MLFLOW_NO_OP_SPAN_TRACE_ID"
    assert (span.inputs, span.status, span.span_id, span.links) == (None, None, None, [])


def test_spans_of_a_trace_are_searched():
    def names(**wanted):
        return [span.name for span in trace().search_spans(**wanted)]

    assert names() == ["root", "in", "in2"]
    assert names(span_type=SpanType.TOOL) == ["in2"]
    assert names(name="in") == ["in"]
    assert names(name=re.compile("n")) == ["in", "in2"]
    assert names(span_id="0000000000000002") == ["in"]
    with pytest.raises(MlflowException, match="Invalid type for 'name'"):
        names(name=5)


def test_trace_goes_through_json_unchanged():
    whole = trace()
    whole.info.assessments = [Feedback("f", 1, trace_id=TRACE_ID), Expectation("e", {"s": 1})]
    text = whole.to_json()
    assert Trace.from_json(text).to_json() == text
    assert json.loads(text) == whole.to_dict()
    with pytest.raises(MlflowException, match="Expected keys: 'info' and 'data'"):
        Trace.from_dict({})
    with pytest.raises(MlflowException, match="Unable to parse trace JSON"):
        Trace.from_json("x")


def test_trace_info_in_json():
    full = info(execution_duration=5, client_request_id="c", tags={"a": "b"}, request_preview="r")
    assert full.to_dict() == {
        "trace_id": TRACE_ID,
        "client_request_id": "c",
        "trace_location": {
            "type": "MLFLOW_EXPERIMENT",
            "mlflow_experiment": {"experiment_id": "1"},
        },
        "request_time": "2026-11-22T01:16:40.514Z",
        "state": "OK",
        "tags": {"a": "b"},
        "request_preview": "r",
        "execution_duration_ms": 5,
    }
    assert TraceInfo.from_dict(full.to_dict()) == full
    assert TraceInfoV2.from_dict(TraceInfoV2.from_v3(full).to_dict()).to_v3("r") == replace(
        full, client_request_id=None
    )
    with pytest.raises(ValueError, match="Time 'x'"):
        TraceInfo.from_dict({**full.to_dict(), "request_time": "x"})


def test_old_names_of_trace_info_change_the_new():
    changed = info()
    changed.timestamp_ms, changed.execution_time_ms, changed.experiment_id = 7, 9, "44"
    assert (changed.request_time, changed.execution_duration) == (7, 9)
    assert changed.trace_location == TraceLocation.from_experiment_id("44")


@pytest.mark.parametrize(
    ("assessment", "kind", "value"),
    [
        (Feedback("f", 1), "feedback", {"value": 1.0}),
        (Feedback("f", {"a": [1, True, None]}), "feedback", {"value": {"a": [1.0, True, None]}}),
        (
            Feedback("f", error="msg"),
            "feedback",
            {
                "value": None,
                "error": {"error_code": "ASSESSMENT_ERROR", "error_message": "msg"},
            },
        ),
        (Expectation("e", "v"), "expectation", {"value": "v"}),
        (
            Expectation("e", {"s": 1}),
            "expectation",
            {"serialized_value": {"serialization_format": "JSON_FORMAT", "value": '{"s": 1}'}},
        ),
        (IssueReference("i", "name"), "issue", {"issue_name": "name"}),
    ],
)
def test_assessment_in_json(assessment, kind, value):
    made = assessment.to_dictionary()
    assert made[kind] == value
    back = Assessment.from_dictionary(made)
    assert type(back) is type(assessment)
    assert back.to_dictionary() == made


def test_assessments_of_a_trace_are_searched():
    whole = trace()
    whole.info.assessments = [
        Feedback("f", 1),
        Expectation("e", 2, span_id="s1"),
        Feedback("h", 3, valid=False),
    ]

    def values(*args, **wanted):
        return [a.value for a in whole.search_assessments(*args, **wanted)]

    assert values() == [1, 2]
    assert values(all=True) == [1, 2, 3]
    assert values("f") == [1]
    assert values(type="expectation") == [2]
    assert values(span_id="s1") == [2]


def test_run_of_an_assessment_may_be_in_its_metadata():
    assert Feedback("f", 1, metadata={"mlflow.assessment.sourceRunId": "r"}).run_id == "r"


def test_sources_are_known():
    assert AssessmentSource("human").source_type == "HUMAN"
    assert AssessmentSource("AI_JUDGE").source_type == "LLM_JUDGE"
    with pytest.raises(MlflowException, match="Invalid assessment source type: BAD"):
        AssessmentSource("bad")
    with pytest.raises(MlflowException, match="`value` field must be specified"):
        Expectation("e", None)
