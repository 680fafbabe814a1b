"""Files in the inputs and outputs of spans are kept beside the trace, in every store."""

from __future__ import annotations

import base64
from urllib.parse import urlencode

import pytest

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.tracing.attachments import Attachment
from mlflow.tracing.record import decoded, encoded
from tests.server.replay import send

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
PNG = base64.b64encode(PICTURE).decode()


@pytest.fixture(params=["sqlite", "file", "rest"])
def kept(request, tmp_path, monkeypatch):
    """Where traces go: a function that gives the content of what an URI stands for."""
    if request.param == "file":
        mlflow.set_tracking_uri(str(tmp_path / "runs"))
    elif request.param == "rest":
        server = request.getfixturevalue("shared_server")
        mlflow.set_tracking_uri(server.uri)
    mlflow.set_experiment(experiment_id="0")

    def content(uri):
        about = Attachment.parse_ref(uri)
        info = mlflow.get_trace(about["trace_id"]).info
        root = mlflow.get_experiment("0").artifact_location
        repository = get_artifact_repository(f"{root}/traces/{info.trace_id}/artifacts")
        found = repository.download_trace_attachment(about["attachment_id"])
        assert len(found) == about["size"]
        if request.param == "rest":
            query = {"request_id": info.trace_id, "path": about["attachment_id"]}
            path = f"/ajax-api/3.0/mlflow/get-trace-artifact?{urlencode(query)}"
            assert send(server.port, "GET", path).body == found
        return found

    return content


def last_span():
    return mlflow.get_trace(mlflow.get_last_active_trace_id()).data.spans[0]


def test_attachments_are_kept(kept):
    picture = Attachment(content_type="image/png", content_bytes=PICTURE)
    with mlflow.start_span("s") as span:
        span.set_inputs({"picture": picture, "more": [picture, {"n": 1}]})
        span.set_outputs(Attachment(content_type="audio/wav", content_bytes=b"RIFF"))
        assert span.inputs["picture"] == picture.ref(span.trace_id)
    found = last_span()
    assert found.inputs == {
        "picture": picture.ref(found.trace_id),
        "more": [picture.ref(found.trace_id), {"n": 1}],
    }
    assert kept(found.inputs["picture"]) == PICTURE
    assert Attachment.parse_ref(found.outputs)["content_type"] == "audio/wav"
    assert kept(found.outputs) == b"RIFF"


@pytest.mark.parametrize(
    ("given", "place", "content_type"),
    [
        ({"url": f"data:image/png;base64,{PNG}"}, "url", "image/png"),
        ({"format": "wav", "data": PNG}, "data", "audio/wav"),
        ({"type": "base64", "media_type": "image/png", "data": PNG}, "data", "image/png"),
        ({"mime_type": "application/pdf", "data": PNG}, "data", "application/pdf"),
        ({"b64_json": PNG}, "b64_json", "image/png"),
    ],
)
def test_files_in_requests_of_language_models_are_kept(store, given, place, content_type):
    with mlflow.start_span("s") as span:
        span.set_inputs({"messages": [{"role": "user", "content": [given]}]})
    found = last_span().inputs["messages"][0]["content"][0]
    about = Attachment.parse_ref(found.pop(place))
    assert (about["content_type"], about["size"]) == (content_type, len(PICTURE))
    assert found == {key: value for key, value in given.items() if key != place}


def test_what_is_no_file_stays(store, monkeypatch):
    inputs = {
        "plain": "data:text/plain,hello",
        "broken": "data:image/png;base64,@@@",
        "within": f"see data:image/png;base64,{PNG}!",
        "data": "x",
        "audio": {"data": "not base64!", "format": "wav"},
    }
    with mlflow.start_span("s") as span:
        span.set_inputs(inputs)
    assert last_span().inputs == inputs
    monkeypatch.setenv("MLFLOW_TRACE_EXTRACT_ATTACHMENTS", "false")
    with mlflow.start_span("s") as span:
        span.set_inputs({"url": f"data:image/png;base64,{PNG}"})
    assert last_span().inputs == {"url": f"data:image/png;base64,{PNG}"}


def test_files_that_are_too_large_are_left_out(store, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACE_MAX_ATTACHMENT_SIZE", "10")
    with mlflow.start_span("s") as span:
        span.set_inputs({"a": Attachment(content_type="a/b", content_bytes=b"x" * 11)})
    assert last_span().inputs == {"a": "[Attachment too large: 11 bytes exceeds 10 bytes limit]"}


def test_files_that_cannot_be_kept_do_not_keep_the_trace_away(store, monkeypatch, tmp_path):
    client = mlflow.MlflowClient()
    experiment = client.create_experiment("e", artifact_location="nowhere://x")
    mlflow.set_experiment(experiment_id=experiment)
    with mlflow.start_span("s") as span:
        span.set_inputs({"a": Attachment(content_type="a/b", content_bytes=b"x")})
    mlflow.flush_trace_async_logging()
    assert Attachment.parse_ref(last_span().inputs["a"])["size"] == 1


def test_journal_keeps_files(store):
    with mlflow.start_span("s") as span:
        pass
    info = mlflow.get_trace(span.trace_id).info
    files = {"id": PICTURE}
    data = encoded(info, [], with_info=True, attachments=files)
    assert decoded(data).attachments == files
    assert decoded(encoded(info, [], with_info=True)).attachments == {}


@pytest.mark.parametrize("name", ["../../x", "a/b", "", "%2e%2e", "C:\\x", None])
def test_names_are_uuids(tmp_path, name):
    repository = get_artifact_repository(str(tmp_path))
    for use in (
        lambda: repository.upload_attachment(name, b"x"),
        lambda: repository.download_trace_attachment(name),
    ):
        with pytest.raises(MlflowException, match="valid UUID"):
            use()
