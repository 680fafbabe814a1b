"""Traces are copied as they are, and as often as one likes."""

from __future__ import annotations

import base64
import json
import random
import uuid
from types import SimpleNamespace

import pytest
from tests.dump import differences
from tests.sync.test_crash import Copier

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
from mlflow.entities.assessment import FeedbackValue
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.tracking.resolve import tracking_store
from mlflow.sync import ArtifactMode, Selection, sync

TIME = 1_700_000_000_000


def span(trace_id, number, parent=None, *, length=5, **attributes):
    def of(n):
        return base64.b64encode(n.to_bytes(8, "big")).decode()

    attributes = {"mlflow.traceRequestId": trace_id, **attributes}
    return Span.from_dict(
        {
            "trace_id": base64.b64encode(bytes.fromhex(trace_id[3:])).decode(),
            "span_id": of(number),
            "parent_span_id": parent and of(parent),
            "name": f"span {number}",
            "start_time_unix_nano": (TIME + number) * 1_000_000,
            "end_time_unix_nano": (TIME + number + length) * 1_000_000,
            "events": [
                {"name": "e", "time_unix_nano": TIME * 1_000_000, "attributes": {"n": [1, 2]}}
            ],
            "status": {"code": "STATUS_CODE_OK", "message": ""},
            "attributes": {key: json.dumps(value) for key, value in attributes.items()},
            "links": [],
        }
    )


class Source:
    """A store with an experiment, two runs and some traces."""

    def __init__(self, uri: str, root) -> None:
        self.uri, self.store = uri, tracking_store(uri, str(root / "source"))
        self.experiment = self.store.create_experiment("traces", None, [])
        self.runs = [
            self.store.create_run(self.experiment, "ann", 1, [], name).info.run_id
            for name in ("first", "second")
        ]

    def add(self, number: int = 0, **parts) -> str:
        """A trace with two spans; its id."""
        trace = self._trace(number, **parts)
        self.store.log_traces([trace])
        return trace.info.trace_id

    def add_many(self, number: int) -> None:
        self.store.log_traces([self._trace(i) for i in range(number)])

    def _trace(self, number: int, **parts) -> Trace:
        trace_id = f"tr-{uuid.uuid4().hex}"
        given = {
            "trace_id": trace_id,
            "trace_location": TraceLocation.from_experiment_id(self.experiment),
            "request_time": TIME + number,
            "state": TraceState.OK,
            "execution_duration": 7,
            "request_preview": "in ☃",
            "response_preview": "out",
            "client_request_id": f"c{number}",
            "trace_metadata": {"m": "1", "mlflow.sourceRun": self.runs[0]},
            "tags": {"a": "1", "mlflow.traceName": "t"},
        }
        usage = {"mlflow.chat.tokenUsage": {"input_tokens": 3, "total_tokens": 3}}
        spans = [span(trace_id, 1, **usage), span(trace_id, 2, 1, x="ünï")]
        return Trace(TraceInfo(**{**given, **parts}), TraceData(spans))

    def add_everything(self) -> str:
        """A trace with all that there is."""
        trace_id = self.add()
        store = self.store
        source = AssessmentSource("HUMAN", "ann")
        old = store.create_assessment(Feedback("f", 0.5, source=source, trace_id=trace_id))
        new = Feedback("f", 1.0, rationale="why", metadata={"k": "v"}, trace_id=trace_id)
        new.overrides = old.assessment_id
        store.create_assessment(new)
        store.create_assessment(Expectation("e", {"x": [1]}, trace_id=trace_id))
        store.link_traces_to_run([trace_id], self.runs[1])
        store.link_prompts_to_trace(trace_id, [SimpleNamespace(name="p/q", version="3")])
        return trace_id


def content(uri: str) -> dict:
    """All traces of a store by id, but for where they are."""
    store = tracking_store(uri)
    found = {}
    for experiment in store.search_experiments():
        infos, token = store.search_traces([experiment.experiment_id], max_results=500)
        assert token is None
        spans = {
            trace.info.trace_id: [s.to_dict() for s in trace.data.spans]
            for trace in store.batch_get_traces([i.trace_id for i in infos])
        }
        links = store.trace_links([i.trace_id for i in infos])
        for info in infos:
            parts = info.to_dict()
            del parts["trace_location"]
            parts["tags"].pop("mlflow.artifactLocation")
            parts.setdefault("trace_metadata", {}).pop("mlflow.trace.infoFinalized", None)
            parts["assessments"] = sorted(
                ({**a.to_dictionary(), "valid": a.valid} for a in info.assessments),
                key=lambda a: a["assessment_id"],
            )
            for record in spans[info.trace_id]:
                record["attributes"] = {k: json.loads(v) for k, v in record["attributes"].items()}
            parts["spans"], parts["links"] = spans[info.trace_id], links.get(info.trace_id)
            assert info.trace_id not in found
            found[info.trace_id] = parts
    return found


PAIRS = [
    ("sqlite", "sqlite"),
    ("sqlite", "file"),
    ("sqlite", "server"),
    ("sqlite", "postgresql"),
    ("server", "file"),
    ("file", "sqlite"),
    ("file", "server"),
    ("server", "mysql"),
]


@pytest.mark.parametrize(("here", "there"), PAIRS, ids=lambda kind: kind)
def test_traces_arrive_and_are_kept_up_to_date(place, tmp_path, here, there):
    source, destination = Source(place(here), tmp_path), place(there)
    store = source.store
    full, plain, early = source.add_everything(), source.add(1), source.add(2, tags={})
    store.start_trace(  # shorter than its spans
        TraceInfo(
            early,
            TraceLocation.from_experiment_id(source.experiment),
            TIME + 2,
            TraceState.ERROR,
            execution_duration=1,
        )
    )
    bare = f"tr-{uuid.uuid4().hex}"
    store.log_spans(source.experiment, [span(bare, 1)])
    root = str(tmp_path / "copies")
    assert sync(source.uri, destination, artifact_root=root, dry_run=True).counts.traces_created
    report = sync(source.uri, destination, artifact_root=root)
    assert report.problems == []
    counts = report.counts
    assert (counts.traces_created, counts.traces_changed, counts.trace_links) == (4, 0, 2)
    assert differences(content(source.uri), content(destination)) == []
    again = sync(source.uri, destination)
    assert again.problems == [] and not again.counts.any_change(), again.counts

    # Whatever can change
    feedback = next(a for a in store.get_trace_info(full).assessments if a.valid and a.feedback)
    store.update_assessment(full, feedback.assessment_id, feedback=FeedbackValue(0.25))
    store.create_assessment(Feedback("late", "yes", trace_id=plain))
    store.delete_trace_tag(full, "a")
    store.set_trace_tag(plain, "b", "2")
    store.log_spans(source.experiment, [span(bare, 2, 1, length=90)])
    store.link_traces_to_run([plain], source.runs[1])
    new = source.add(9)
    assert sync(source.uri, destination, dry_run=True).counts.traces_changed == 3
    report = sync(source.uri, destination)
    assert report.problems == []
    counts = report.counts
    assert (counts.traces_created, counts.traces_changed, counts.trace_links) == (1, 3, 1)
    assert new in content(destination)
    assert differences(content(source.uri), content(destination)) == []
    assert not sync(source.uri, destination).counts.any_change()


def test_what_only_the_destination_says_of_a_trace_stays(place, tmp_path):
    source, destination = Source(place("sqlite"), tmp_path), place("sqlite")
    trace_id = source.add()
    sync(source.uri, destination)
    theirs = tracking_store(destination)
    theirs.create_assessment(Feedback("own", 1.0, trace_id=trace_id))
    theirs.set_trace_tag(trace_id, "own", "1")
    assert not sync(source.uri, destination, keep_tags=True).counts.any_change()
    sync(source.uri, destination)
    info = theirs.get_trace_info(trace_id)
    assert [a.name for a in info.assessments] == ["own"]
    assert "own" not in info.tags


def test_traces_of_selected_runs_only(place, tmp_path):
    source, destination = Source(place("sqlite"), tmp_path), place("sqlite")
    mine, linked, other = source.add(), source.add(1, trace_metadata={}), source.add(2)
    source.store.start_trace(source.store.get_trace_info(other))
    source.store.link_traces_to_run([linked], source.runs[1])
    sync(source.uri, destination, selection=Selection(run_ids=(source.runs[1],)))
    assert content(destination).keys() == {linked}
    sync(source.uri, destination, selection=Selection(run_ids=(source.runs[0],)))
    assert content(destination).keys() == {mine, linked, other}


def test_traces_of_a_deleted_experiment_are_left_out_and_said(place, tmp_path):
    source, destination = Source(place("sqlite"), tmp_path), place("sqlite")
    source.add()
    source.store.delete_experiment(source.experiment)
    report = sync(source.uri, destination)
    assert len(report.problems) == 1 and "Restore it" in report.problems[0]
    source.store.restore_experiment(source.experiment)
    assert sync(source.uri, destination).counts.traces_created == 1


def test_a_trace_that_is_refused_does_not_hold_up_the_others(place, tmp_path):
    source, destination = Source(place("sqlite"), tmp_path), place("file")
    good = source.add()
    source.store.start_trace(  # no folder can have this name
        TraceInfo("a/b", TraceLocation.from_experiment_id(source.experiment), TIME, TraceState.OK)
    )
    report = sync(source.uri, destination)
    assert [line.partition(":")[0] for line in report.problems] == ["Trace a/b"]
    assert content(destination).keys() == {good}


def test_attachments_go_with_their_traces(place, tmp_path):
    source, destination = Source(place("sqlite"), tmp_path), place("server")
    trace_id = source.add()
    reference = f"mlflow-attachment://x?content_type=text%2Fplain&trace_id={trace_id}"
    source.store.log_spans(source.experiment, [span(trace_id, 3, 1, picture=reference)])
    (tmp_path / "x").write_text("the attachment")

    def repository(uri):
        place = tracking_store(uri).get_trace_info(trace_id).tags["mlflow.artifactLocation"]
        return get_artifact_repository(place, tracking_uri=uri)

    repository(source.uri).log_artifact(str(tmp_path / "x"), "attachments")
    sync(source.uri, destination, artifacts=ArtifactMode.NONE)
    assert repository(destination).list_artifacts("attachments") == []
    assert sync(source.uri, destination).counts.files == 1
    found = repository(destination).list_artifacts("attachments")
    assert [(f.path, f.file_size) for f in found] == [("attachments/x", 14)]
    assert not sync(source.uri, destination).counts.any_change()


def test_to_a_server_that_gives_runs_ids_of_its_own(place, tmp_path, monkeypatch):
    from mlflow.store.tracking.rest.transfer import RestTransfer

    source, destination = Source(place("sqlite"), tmp_path), place("server")
    trace_id = source.add_everything()
    monkeypatch.setattr(RestTransfer, "can_adopt", property(lambda self: False))
    assert sync(source.uri, destination).problems == []
    theirs = tracking_store(destination)
    experiment = theirs.get_experiment_by_name("traces").experiment_id
    runs = {r.info.run_name: r.info.run_id for r in theirs.search_runs([experiment], None, 1)}
    assert set(runs.values()).isdisjoint(source.runs)
    info = theirs.get_trace_info(trace_id)
    assert info.trace_metadata["mlflow.sourceRun"] == runs["first"]
    assert theirs.trace_links([trace_id]) == {trace_id: ([runs["second"]], ["p/q/3"])}
    assert not sync(source.uri, destination).counts.any_change()


def test_killed_in_mid_copy(place, tmp_path):
    source, destination = Source(place("sqlite"), tmp_path), place("server")
    source.add_many(200)
    trace_id = source.add_everything()
    copier = Copier(source.uri, destination, tmp_path / "copies")
    theirs = tracking_store(destination)

    def arrived() -> int:
        found = theirs.get_experiment_by_name("traces")
        return len(theirs.search_traces([found.experiment_id], None, 500)[0]) if found else 0

    rng = random.Random(1)
    least = 0
    for _ in range(2):
        process = copier._start()
        least = arrived() + rng.randrange(1, 60)
        while arrived() < least and process.poll() is None:
            pass
        process.kill()
        process.communicate()
        assert process.returncode < 0
    assert least <= arrived() < 201
    copier.copy()
    assert differences(content(source.uri), content(destination)) == []
    assert trace_id in content(destination)
    assert not sync(source.uri, destination).counts.any_change()
