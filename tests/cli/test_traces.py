"""`mlflow traces`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from mlflow.cli import cli
from mlflow.entities import TraceInfo, TraceLocation, TraceState
from mlflow.store.tracking.sql.store import SqlStore
from tests.store.test_traces import new_id, span


@pytest.fixture
def store(tmp_path):
    store = SqlStore(f"sqlite:///{tmp_path}/mlflow.db", str(tmp_path))
    yield store
    store.dispose()


@pytest.fixture
def run(store):
    def run(*arguments, code=0):
        environment = {"MLFLOW_TRACKING_URI": store.db_uri}
        done = CliRunner().invoke(cli, ["traces", *arguments], env=environment)
        assert done.exit_code == code, done.output
        return done.output

    return run


@pytest.fixture
def trace_id(store):
    trace_id = new_id()
    location = TraceLocation.from_experiment_id("0")
    store.start_trace(
        TraceInfo(trace_id, location, 5, TraceState.OK, tags={"env": "x"}, execution_duration=7)
    )
    store.log_spans("0", [span(trace_id)])
    return trace_id


def test_search_and_get(run, trace_id):
    assert trace_id in run("search", "-x", "0", "--filter-string", "tags.env = 'x'")
    assert trace_id not in run("search", "-x", "0", "--filter-string", "tags.env = 'y'")
    (found,) = json.loads(run("search", "-x", "0", "--output", "json"))["traces"]
    assert found["data"]["spans"][0]["name"] == "root"
    whole = json.loads(run("get", "--trace-id", trace_id))
    assert whole["info"]["trace_id"] == trace_id
    fields = "info.tags.env,data.spans.*.name,info.nothing"
    assert json.loads(run("get", "--trace-id", trace_id, "--extract-fields", fields)) == {
        "info.tags.env": "x",
        "data.spans.*.name": ["root"],
        "info.nothing": None,
    }
    assert "not found" in run("get", "--trace-id", "tr-no", code=1)


def test_tags(run, store, trace_id):
    run("set-tag", "--trace-id", trace_id, "--key", "k", "--value", "v")
    assert store.get_trace_info(trace_id).tags["k"] == "v"
    run("delete-tag", "--trace-id", trace_id, "--key", "k")
    assert "k" not in store.get_trace_info(trace_id).tags


def test_assessments(run, store, trace_id):
    of = ("--trace-id", trace_id)
    run("log-feedback", *of, "--name", "f", "--value", "0.5", "--metadata", '{"a": 1}')
    run("log-expectation", *of, "--name", "e", "--value", '{"sum": 3}', "--source-id", "ann")
    feedback, expectation = store.get_trace_info(trace_id).assessments
    assert (feedback.value, feedback.metadata) == (0.5, {"a": "1"})
    assert (expectation.value, expectation.source.source_id) == ({"sum": 3}, "ann")
    one = (*of, "--assessment-id", feedback.assessment_id)
    run("update-assessment", *one, "--value", "good", "--rationale", "r")
    shown = json.loads(run("get-assessment", *one))
    assert (shown["feedback"]["value"], shown["rationale"]) == ("good", "r")
    run("delete-assessment", *one)
    assert len(store.get_trace_info(trace_id).assessments) == 1


def test_delete(run, store, trace_id):
    assert "must be specified" in run("delete", "-x", "0", code=1)
    assert "Deleted 0" in run("delete", "-x", "0", "--max-timestamp-millis", "4")
    assert "Deleted 1" in run("delete", "-x", "0", "--trace-ids", f"{trace_id}, tr-no")
    assert store.search_traces(["0"])[0] == []
