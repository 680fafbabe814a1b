"""`mlflow sync` without arguments."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlflow.utils.async_logging import folder
from mlflow.utils.async_logging.journal import Journal


@pytest.fixture(autouse=True)
def journals(tmp_path, monkeypatch) -> Path:
    place = tmp_path / "journals"
    monkeypatch.setenv("HEADRACE_JOURNAL_DIR", str(place))
    return place


def leave_behind(uri: str, run_id: str, count: int, *, key: str = "m") -> str:
    """A journal as a dead process leaves it; its folder."""
    left = Journal(uri)
    for step in range(count):
        left.add_point(run_id, key, 1.0, step, step)
    left.held.let_go()
    return left.held.path


def test_nothing_to_send(run):
    assert run("sync").stdout == "Nothing waits to be sent.\n"


def test_what_is_left_is_sent(run, client, uri, journals):
    run_id = client.create_run("0").info.run_id
    leave_behind(uri, run_id, 10)
    leave_behind(uri, run_id, 1, key="other")
    assert run("sync", "--dry-run").stdout == f"{uri}\n  11 log calls to be sent\n"
    assert client.get_run(run_id).data.metrics == {}
    assert run("sync").stdout == f"{uri}\n  11 log calls sent\n"
    assert len(client.get_metric_history(run_id, "m")) == 10
    assert client.get_run(run_id).data.metrics == {"m": 1.0, "other": 1.0}
    assert list(journals.iterdir()) == []
    assert run("sync").stdout == "Nothing waits to be sent.\n"


def test_what_is_refused_is_shown_with_its_reason(run, client, uri):
    run_id = client.create_run("0").info.run_id
    leave_behind(uri, run_id, 3, key="bad name!")
    leave_behind(uri, run_id, 2)
    for sent in ("  2 log calls sent\n", ""):  # and shown again
        lines = run("sync").stdout.splitlines(keepends=True)
        assert lines[0] == f"{uri}\n"
        assert "".join(lines[1:-2]) == sent
        assert lines[-2].startswith("  3 log calls refused: ")
        assert Path(lines[-2].partition(": ")[2].strip()).exists()
        assert lines[-1].startswith(f"    3 of run {run_id}: Invalid value")


def test_store_that_is_away_is_named_and_others_are_served(run, client, uri, tmp_path):
    away = "http://127.0.0.1:1"
    run_id = client.create_run("0").info.run_id
    kept = leave_behind(away, run_id, 4)
    leave_behind(f"sqlite:///{tmp_path}/gone.db", run_id, 4)
    leave_behind(uri, run_id, 4)
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    result = run("sync", status=1)
    assert f"{uri}\n  4 log calls sent\n" in result.stdout
    assert f"{away}\n  not sent: " in result.stdout
    assert f"  kept in {os.path.dirname(kept)}\n" in result.stdout
    assert "There is no such database." in result.stdout
    assert not (tmp_path / "gone.db").exists()
    assert "2 of the above could not be sent" in result.stderr


def test_process_that_sends_for_itself_is_named(run, uri):
    live = folder.claim(uri)
    shown = run("sync").stdout
    assert shown.startswith(f"{uri}\n  process {os.getpid()} on ")
    assert "sends for itself" in shown
    live.release()


def test_credentials_of_the_tracking_uri_are_used(run, monkeypatch, make_server):
    server = make_server()
    host = server.uri.removeprefix("http://")
    os.environ["MLFLOW_TRACKING_URI"] = f"http://ann:secret@{host}"
    opened = []

    def store_at(uri):
        opened.append(uri)
        raise ConnectionError("enough")

    monkeypatch.setattr("mlflow.store.tracking.resolve.tracking_store", store_at)
    leave_behind(f"http://ann:secret@{host}", "a" * 32, 1)
    shown = run("sync", status=1)
    assert opened == [f"http://ann:secret@{host}"]
    assert "secret" not in shown.stdout + shown.stderr
