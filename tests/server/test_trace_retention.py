"""`mlflow server --trace-retention`: old traces go, young ones stay, several servers share the
work."""

from __future__ import annotations

import re
import time
import uuid

import pytest
from tests.sync.test_traces import span

from mlflow.entities import (
    ExperimentTag,
    Feedback,
    Trace,
    TraceData,
    TraceInfo,
    TraceLocation,
    TraceState,
)
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.tracking.resolve import tracking_store

HOUR = 3_600_000
TAG = "headrace.trace_retention"


def add(store, experiment: str, hours: float, number: int = 1) -> list[str]:
    """Traces that began so long ago."""
    ids = [f"tr-{uuid.uuid4().hex}" for _ in range(number)]
    began = int(time.time() * 1000 - hours * HOUR)
    place = TraceLocation.from_experiment_id(experiment)
    infos = [TraceInfo(trace_id, place, began, TraceState.OK) for trace_id in ids]
    store.log_traces([Trace(info, TraceData([])) for info in infos])
    return ids


def left(store, experiment: str) -> set[str]:
    return {info.trace_id for info in store.search_traces([experiment], None, 500)[0]}


def until(condition, patience: float = 60) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("kind", ["sqlite", "file"])
def test_old_traces_go_and_young_ones_stay(make_server, tmp_path, kind):
    uri = f"sqlite:///{tmp_path}/s.db" if kind == "sqlite" else (tmp_path / "mlruns").as_uri()
    store = tracking_store(uri, "mlflow-artifacts:/")
    plain, short, never, odd, late = (
        store.create_experiment(name, f"mlflow-artifacts:/{name}", tags)
        for name, tags in (
            ("plain", []),
            ("short", [ExperimentTag(TAG, "10m")]),
            ("never", [ExperimentTag(TAG, "never")]),
            ("odd", [ExperimentTag(TAG, "soon")]),
            ("late", []),
        )
    )
    (old,) = add(store, plain, 3)
    store.log_spans(plain, [])
    store.create_assessment(Feedback("f", 1.0, trace_id=old))
    (young,) = add(store, plain, 1)
    (half,) = add(store, short, 0.5)
    (fresh,) = add(store, short, 0.1)
    kept, unsure = add(store, never, 99), add(store, odd, 99)
    many = add(store, late, 99, 250 if kind == "sqlite" else 20)
    files = tmp_path / "files"
    repository = get_artifact_repository(f"{files.as_uri()}/plain/traces/{old}/artifacts")
    other = get_artifact_repository(f"{files.as_uri()}/plain/traces/{young}/artifacts")
    (tmp_path / "x").write_text("attachment")
    for place in (repository, other):
        place.log_artifact(str(tmp_path / "x"), "attachments")

    server = make_server(
        "--backend-store-uri", uri, "--artifacts-destination", str(files), "--trace-retention", "2h"
    )
    until(lambda: server.log.read_text().count("Trace retention: deleted") == 3)
    assert left(store, plain) == {young} and left(store, late) == set()
    assert left(store, short) == {fresh} and half
    assert left(store, never) == set(kept) and left(store, odd) == set(unsure)
    assert repository.list_artifacts("attachments") == []
    assert len(other.list_artifacts("attachments")) == 1
    server.stop()
    said = server.log.read_text()
    assert f"deleted 1 traces of experiment 'plain' ({plain}) that were older than 2h" in said
    assert f"deleted 1 traces of experiment 'short' ({short}) that were older than 10m" in said
    assert f"deleted {len(many)} traces of experiment 'late'" in said
    assert "experiment 'odd' says no age, so its traces are kept" in said
    assert "Traceback" not in said


def test_nothing_is_left_of_a_trace(make_server, tmp_path):
    store = tracking_store(f"sqlite:///{tmp_path}/s.db")
    (old,) = add(store, "0", 3)
    store.log_spans("0", [span(old, 1)])
    # As old as its spans say
    assert store.get_trace_info(old).request_time < time.time() * 1000 - 3 * HOUR
    store.create_assessment(Feedback("f", 1.0, trace_id=old))
    store.link_traces_to_run([old], "0" * 32)
    make_server("--backend-store-uri", store.db_uri, "--trace-retention", "2h")
    until(lambda: not left(store, "0"))
    tables = ("trace", "trace_tag", "trace_metadata", "trace_segment", "trace_span", "trace_run")
    with store.db.read() as tx:
        for table in (*tables, "assessment"):
            assert tx.execute(f"select count(*) from {table}").fetchone()[0] == 0, table


def test_without_the_option_a_tag_deletes_nothing(make_server, tmp_path):
    store = tracking_store(f"sqlite:///{tmp_path}/s.db")
    store.set_experiment_tag("0", ExperimentTag(TAG, "1h"))
    ids = set(add(store, "0", 3))
    first = make_server("--backend-store-uri", store.db_uri)
    first.stop()
    assert left(store, "0") == ids
    make_server("--backend-store-uri", store.db_uri, "--trace-retention", "never")
    until(lambda: not left(store, "0"))


def test_several_servers_delete_each_trace_once(make_server, postgresql_uri, tmp_path):
    store = tracking_store(postgresql_uri, str(tmp_path))
    experiment = store.create_experiment("shared", None, [])
    add(store, experiment, 99, 450)
    (young,) = add(store, experiment, 0.1)
    arguments = ("--backend-store-uri", postgresql_uri, "--trace-retention", "2h")
    servers = [make_server(*arguments) for _ in range(2)]
    until(lambda: left(store, experiment) == {young})
    for server in servers:
        server.stop()
    said = "".join(server.log.read_text() for server in servers)
    deleted = re.findall(r"deleted ([\d,]+) traces of experiment 'shared'", said)
    assert sum(int(number.replace(",", "")) for number in deleted) == 450
    assert "could not" not in said and "Traceback" not in said


def test_an_age_that_is_none_is_refused(tmp_path):
    from click.testing import CliRunner

    from mlflow.cli import cli

    answer = CliRunner().invoke(cli, ["server", "--trace-retention", "soon"])
    assert answer.exit_code == 2
    assert "--trace-retention: Could not parse" in answer.output


@pytest.mark.parametrize("store", ("sqlite", "postgresql", "mysql", "file"), indirect=True)
def test_one_at_a_time_has_a_lease(store):
    name = uuid.uuid4().hex
    assert store.take_lease(name, "first", 60)
    assert not store.take_lease(name, "second", 60)
    assert store.take_lease(name, "first", 60)  # once more
    assert store.take_lease(name, "first", 0)  # given back
    assert store.take_lease(name, "second", 60)
    assert not store.take_lease(name, "first", 60)
