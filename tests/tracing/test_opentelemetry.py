"""What we need of OpenTelemetry beyond its interface. If a version of it fails here, tracing fails
with it: see `mlflow.entities._otel` and the bounds in `pyproject.toml`."""

from __future__ import annotations

import mlflow
from mlflow.entities._otel import attributes_of


def test_attributes_of_a_span_are_a_dict_that_takes_more():
    with mlflow.start_span("x", attributes={"a": 1}) as span:
        attributes = attributes_of(span._span)
        assert isinstance(attributes, dict)
        attributes["b"] = "2"
        assert span._span.attributes["b"] == "2"
        assert span.get_attribute("b") == 2
    ended = span._span._readable_span()
    assert attributes_of(ended) is attributes
    assert ended.attributes["a"] == "1"


def test_parts_of_a_span_that_records_are_made_of():
    with mlflow.start_span("x") as span:
        pass
    ended = span._span._readable_span()
    assert (ended._name, ended._start_time, ended._end_time) == (
        ended.name,
        ended.start_time,
        ended.end_time,
    )
    assert not ended._events
    assert not ended._links


def test_span_that_has_ended_takes_changes_of_the_users_processors():
    def shorten(span):
        span.set_outputs("short")
        span.set_attribute("more", [1])

    mlflow.tracing.configure(span_processors=[shorten])
    with mlflow.start_span("x") as span:
        span.set_outputs("long")
    mlflow.flush_trace_async_logging()
    (found,) = mlflow.get_trace(span.trace_id).data.spans
    assert (found.outputs, found.get_attribute("more")) == ("short", [1])
