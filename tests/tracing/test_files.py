"""Spans in files, where clients of old put them."""

from __future__ import annotations

import base64
import json
import uuid

import pytest

import mlflow
from mlflow.entities import TraceInfo, TraceLocation, TraceState
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.tracking._tracking_service.utils import _get_store


@pytest.fixture(params=["sqlite", "rest"])
def log(request, tmp_path):
    """A function that logs a trace, as those clients do, and gives its id."""
    if request.param == "rest":
        mlflow.set_tracking_uri(request.getfixturevalue("shared_server").uri)
    experiment = mlflow.set_experiment(f"files {uuid.uuid4().hex}")

    def logged(content: str | None, state: TraceState = TraceState.OK) -> str:
        trace_id = f"tr-{uuid.uuid4().hex}"
        place = TraceLocation.from_experiment_id(experiment.experiment_id)
        _get_store().start_trace(TraceInfo(trace_id, place, 1_700_000_000_000, state))
        if content is not None:
            (tmp_path / "traces.json").write_text(content, encoding="utf-8")
            root = f"{experiment.artifact_location}/traces/{trace_id}/artifacts"
            get_artifact_repository(root).log_artifact(str(tmp_path / "traces.json"))
        return trace_id

    return logged


def spans(time=1_700_000_000_000_000_000) -> str:
    def of(number: int, length: int) -> str:
        return base64.b64encode(number.to_bytes(length, "big")).decode()

    span = {
        "trace_id": of(7, 16),
        "span_id": of(1, 8),
        "parent_span_id": "",
        "name": "add",
        "start_time_unix_nano": time,
        "end_time_unix_nano": time,
        "status": {"code": "STATUS_CODE_OK", "message": ""},
        "attributes": {"mlflow.spanInputs": '{"a": 1}', "mlflow.spanOutputs": "2"},
        "events": [],
    }
    return json.dumps({"spans": [span]})


@pytest.mark.parametrize("time", [1_700_000_000_000_000_000, "1700000000000000000"])
def test_spans_in_a_file_are_read(log, time):
    trace_id = log(spans(time))
    found = [mlflow.get_trace(trace_id), *mlflow.search_traces(return_type="list")]
    for trace in found:
        (span,) = trace.data.spans
        assert (span.name, span.inputs, span.outputs) == ("add", {"a": 1}, 2)
        assert span.start_time_ns == 1_700_000_000_000_000_000
    assert [trace.info.trace_id for trace in found] == [trace_id, trace_id]


def test_traces_in_files_are_found_beside_others(log):
    in_file = log(spans())
    with mlflow.start_span("here"):
        pass
    mlflow.flush_trace_async_logging()
    found = mlflow.search_traces(return_type="list", order_by=["timestamp_ms ASC"])
    assert [t.data.spans[0].name for t in found] == ["add", "here"]
    assert found[0].info.trace_id == in_file


@pytest.mark.parametrize(
    ("content", "state", "told"),
    [
        (None, TraceState.OK, "no spans of it, nor a file"),
        (None, TraceState.IN_PROGRESS, "no spans of it, nor a file"),
        ("{", TraceState.OK, "damaged"),
        ("[]", TraceState.OK, "damaged"),
        ('{"spans": 5}', TraceState.OK, "damaged"),
        ('{"spans": [{"name": "x"}]}', TraceState.OK, "damaged"),
    ],
)
def test_what_cannot_be_read_says_so_and_keeps_no_others_away(log, content, state, told):
    trace_id, other = log(content, state), log(spans())
    with pytest.raises(MlflowException, match=told) as error:
        mlflow.MlflowClient().get_trace(trace_id)
    assert error.value.error_code == "BAD_REQUEST"
    assert mlflow.get_trace(trace_id, silent=True) is None
    found = mlflow.search_traces(return_type="list")
    assert {t.info.trace_id: len(t.data.spans) for t in found} == {trace_id: 0, other: 1}
