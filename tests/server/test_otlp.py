"""Spans from OpenTelemetry exporters, and what is refused."""

from __future__ import annotations

import gzip
import json
import uuid
import zlib

import pytest
from tests.server.replay import send

from mlflow.entities import Span
from mlflow.server import otlp
from mlflow.store.tracking.resolve import tracking_store

EXPERIMENT = "x-mlflow-experiment-id"


@pytest.fixture(scope="module")
def store(shared_server):
    return tracking_store(shared_server.uri)


@pytest.fixture
def export(shared_server):
    """A function that sends a body; the answer."""

    def export(body, kind="application/x-protobuf", **headers):
        sent = {EXPERIMENT: "0", "Content-Type": kind}
        sent.update({k.replace("_", "-"): v for k, v in headers.items()})
        sent = {k: v for k, v in sent.items() if v is not None}
        return send(shared_server.port, "POST", "/v1/traces", headers=sent, body=body)

    return export


def protobuf(trace_id, *, text="hi", spans=1):
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for number in range(spans):
        span = scope.spans.add(
            trace_id=bytes.fromhex(trace_id),
            span_id=(number + 1).to_bytes(8, "big"),
            name="root" if not number else "child",
            start_time_unix_nano=10**18,
            end_time_unix_nano=10**18 + 5_000_000,
        )
        span.attributes.add(key="said").value.string_value = text
    return request.SerializeToString()


def otlp_json(trace_id, value):
    attributes = [{"key": "said", "value": value}]
    span = {
        "traceId": trace_id,
        "spanId": "0000000000000001",
        "name": "root",
        "startTimeUnixNano": str(10**18),
        "endTimeUnixNano": str(10**18 + 5_000_000),
        "attributes": attributes,
        "status": {"code": 1},
        "events": [{"timeUnixNano": "7", "name": "e", "attributes": attributes}],
        "links": [{"traceId": trace_id, "spanId": "0000000000000002"}],
        "kind": 3,
    }
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


def test_protobuf_is_kept(store, export):
    trace_id = uuid.uuid4().hex
    answer = export(protobuf(trace_id))
    assert (answer.status, answer.body) == (200, b"")
    (span,) = store.get_trace(f"tr-{trace_id}").data.spans
    assert (span.name, span.get_attribute("said")) == ("root", "hi")


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ({"stringValue": "hi"}, "hi"),
        ({"intValue": "7"}, 7),
        ({"doubleValue": 0.5}, 0.5),
        ({"boolValue": False}, False),
        ({"arrayValue": {"values": [{"intValue": 1}, {}]}}, [1, None]),
        ({"kvlistValue": {"values": [{"key": "k", "value": {"stringValue": "v"}}]}}, {"k": "v"}),
        (None, None),
    ],
)
def test_json_is_kept(store, export, value, read):
    trace_id = uuid.uuid4().hex
    answer = export(otlp_json(trace_id, value), "application/json")
    assert (answer.status, answer.body) == (200, b"{}")
    (span,) = store.get_trace(f"tr-{trace_id}").data.spans
    assert span.get_attribute("said") == read
    assert (span.start_time_ns, span.status.status_code) == (10**18, "OK")
    assert span.events[0].timestamp == 7
    assert span.links[0].trace_id == f"tr-{trace_id}"


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_compressed_bodies_are_read(store, export, encoding, compress):
    trace_id = uuid.uuid4().hex
    body = compress(protobuf(trace_id))
    assert export(body, Content_Encoding=encoding).status == 200
    assert store.get_trace_info(f"tr-{trace_id}").state == "OK"
    assert export(body[:-12], Content_Encoding=encoding).status == 400
    assert export(b"no " + body, Content_Encoding=encoding).status == 400
    answer = export(body + body, Content_Encoding=encoding)
    assert (answer.status, "follow" in answer.json()["detail"]) == (400, True)


def test_ten_megabytes_of_one_span_are_kept(store, export):
    trace_id, text = uuid.uuid4().hex, "x" * (10 << 20)
    assert export(protobuf(trace_id, text=text)).status == 200
    assert store.get_trace(f"tr-{trace_id}").data.spans[0].get_attribute("said") == text


def test_bomb_is_refused(export):
    bomb = gzip.compress(bytes(otlp.MAX_BODY + 1), 9)
    answer = export(bomb, Content_Encoding="gzip")
    assert answer.status == 429 or answer.status == 413 or answer.status == 400
    assert "64 MiB" in answer.json()["message"]


def test_too_many_spans_are_refused(monkeypatch):
    monkeypatch.setattr(otlp, "MAX_SPANS", 2)
    with pytest.raises(Exception, match="3 spans; 2 are allowed"):
        otlp._of_protobuf(protobuf(uuid.uuid4().hex, spans=3))


def test_traces_may_belong_to_a_run(store, export):
    trace_id = uuid.uuid4().hex
    run = store.create_run("0", "ann", 0, [], "r").info.run_id
    assert export(protobuf(trace_id), x_mlflow_run_id=run).status == 200
    found, _ = store.search_traces(["0"], f"run_id = '{run}'")
    assert [info.trace_id for info in found] == [f"tr-{trace_id}"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff\xff\xff", "application/x-protobuf"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'{"resourceSpans": 5}', "application/json"),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [{}]}]}]}', "application/json"),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [5]}]}]}', "application/json"),
        (otlp_json("xyz", None), "application/json"),
        (otlp_json("00" * 17, None), "application/json"),
        (otlp_json("ab" * 16, {"intValue": "x"}), "application/json"),
        (otlp_json("ab" * 16, {"intValue": 1.5}), "application/json"),
        (otlp_json("ab" * 16, {"intValue": True}), "application/json"),
        (otlp_json("ab" * 16, {"bytesValue": "!!"}), "application/json"),
        (otlp_json("ab" * 16, {"arrayValue": 5}), "application/json"),
        (b"[" * 100_000, "application/json"),
    ],
)
def test_malformed_bodies_are_refused(export, body, kind):
    answer = export(body, kind)
    assert answer.status == 400
    assert answer.json()["detail"].startswith("Invalid OpenTelemetry format")


def test_spans_without_ids_are_refused(export):
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(name="n")
    answer = export(request.SerializeToString())
    assert (answer.status, "trace_id" in answer.json()["detail"]) == (400, True)


def test_deep_values_are_refused_or_kept(export):
    value = {"stringValue": "x"}
    for _ in range(2000):
        value = {"arrayValue": {"values": [value]}}
    text = otlp_json(uuid.uuid4().hex, "DEEP").decode()
    deep = '{"arrayValue":{"values":[' * 2000 + '{"stringValue":"x"}' + "]}}" * 2000
    assert export(text.replace('"DEEP"', deep).encode(), "application/json").status == 400


def test_experiment_must_be_named_and_there(export):
    body = protobuf(uuid.uuid4().hex)
    answer = export(body, **{EXPERIMENT: None})
    assert answer.status == 422
    assert answer.json() == {
        "detail": [
            {
                "type": "missing",
                "loc": ["header", EXPERIMENT],
                "msg": "Field required",
                "input": None,
            }
        ]
    }
    assert export(body, **{EXPERIMENT: "987654321"}).status == 404
    assert export(body, **{EXPERIMENT: "x"}).status == 400


def test_other_types_and_encodings_are_refused(export):
    answer = export(b"x", "text/plain")
    assert answer.status == 400
    assert answer.json() == {
        "detail": "Invalid Content-Type: text/plain. Expected: application/x-protobuf or "
        "application/json"
    }
    assert export(b"x", None).status == 400
    assert export(b"x", Content_Encoding="br").status == 400


def test_span_json_goes_both_ways():
    from mlflow.rpc.span_json import span_json, span_of

    span = Span.from_otel_proto(_whole_span())
    assert span_of(span_json(span)).to_dict() == span.to_dict()


def _whole_span():
    from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message

    from mlflow.entities._otel_values import set_attributes

    message = Message(
        trace_id=bytes(range(16)), span_id=bytes(range(8)), parent_span_id=b"\1" * 8, name="n",
        start_time_unix_nano=1, end_time_unix_nano=2,
    )  # fmt: skip
    values = {"a": 1, "b": [True, {"c": 0.5}], "d": None, "e": {}, "f": [], "g": float("inf")}
    set_attributes(message.attributes, values)
    message.events.add(name="e", time_unix_nano=5).attributes.add(key="k").value.int_value = 1
    message.links.add(trace_id=b"\2" * 16, span_id=b"\3" * 8)
    message.status.code, message.status.message = 2, "boo"
    return message
