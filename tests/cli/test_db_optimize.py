from __future__ import annotations

import re
import sqlite3

import pytest

from mlflow.entities import Metric


@pytest.fixture
def filled(client):
    """A run with a long tail, and one whose chunks are small; the id of the first."""
    ids = [client.create_run("0").info.run_id for _ in range(2)]
    for first in range(0, 900, 100):
        batch = [Metric("m", float(i), i, i) for i in range(first, first + 100)]
        for run_id in ids:
            client.log_batch(run_id, batch)
        client.set_terminated(ids[1])
    return ids[0]


def test_what_was_done_is_told(run, client, uri, filled):
    said = run("db", "optimize", uri).stdout.splitlines()
    assert said[:3] == [
        "Tails sealed: 1, with 900 points.",
        "Small or badly ordered chunks written anew: 9, as 1.",
        "Summaries completed: 0.",
    ]
    assert re.fullmatch(r"Size: [\d,]+ bytes before, [\d,]+ after\.", said[3])
    assert [m.step for m in client.get_metric_history(filled, "m")] == list(range(900))
    said = run("db", "optimize", uri, "--vacuum").stdout.splitlines()
    assert said[0] == "Tails sealed: 0, with 0 points."


def test_damaged_chunk_is_named_and_left(run, client, uri, filled, tmp_path):
    run("db", "optimize", uri)
    client.log_batch(filled, [Metric("m", 1.0, 5000 - i, 5000 - i) for i in range(600)])
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        database.execute("update chunk set content = x'0102030405' where ordered = 0")
    result = run("db", "optimize", uri, status=1)
    assert f"Metric 'm' of run {filled}: chunk 900 cannot be read" in result.stdout
    assert "1 metrics have chunks that are damaged" in result.stderr


def test_what_is_no_database_of_ours_is_left_alone(run, tmp_path):
    path = (tmp_path / "other.db").as_posix()
    assert "There is no file" in run("db", "optimize", f"sqlite:///{path}", status=1).stderr
    sqlite3.connect(path).execute("create table experiments (id int)")
    assert "no tables of Headrace" in run("db", "optimize", f"sqlite:///{path}", status=1).stderr
