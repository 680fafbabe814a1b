"""`mlflow db backup` and `mlflow db check`, on real damage."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from mlflow.entities import Metric
from mlflow.tracking.client import MlflowClient


@pytest.fixture
def database(client: MlflowClient, tmp_path: Path) -> sqlite3.Connection:
    """A store with a long metric, a short one, a param and a file."""
    run_id = client.create_run("0").info.run_id
    for first in (0, 1000):
        client.log_batch(
            run_id, [Metric("loss", i / 7, i, i) for i in range(first, first + 1000)], [], []
        )
    client.log_metric(run_id, "accuracy", 0.5)
    client.log_param(run_id, "lr", 0.1)
    client.log_text(run_id, "text", "a.txt")
    connection = sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)
    yield connection
    connection.close()


def test_a_backup_has_everything(run, database, uri, client, tmp_path):
    run("db", "backup", uri, "copy.db")
    (source,) = client.search_runs(["0"])
    (copy,) = MlflowClient("sqlite:///copy.db").search_runs(["0"])
    assert copy.to_dictionary() == source.to_dictionary()
    taken = run("db", "backup", uri, "copy.db", status=1)
    assert "'copy.db' is there already" in taken.output
    assert "no folder" in run("db", "backup", uri, "none/copy.db", status=1).output
    assert "no file" in run("db", "backup", "sqlite:///none.db", "x.db", status=1).output
    assert sorted(p.name for p in tmp_path.glob("*.db")) == ["copy.db", "mlflow.db"]
    assert not list(tmp_path.glob("*.unfinished"))


def test_all_is_well(run, database, uri):
    assert run("db", "check", uri, "--files").stdout == "All is well.\n"


@pytest.mark.parametrize(
    "damage, said",
    [
        ("update chunk set content = substr(content, 1, 40)", "metric 'loss' of run"),
        ("update chunk set content = x'63'", "metric 'loss' of run"),
        ("update chunk set max_value = 1e9", "is not summed up rightly: max_value"),
        ("update chunk set min_step = 3", "is not summed up rightly: min_step"),
        ("delete from chunk", "points are there, of 2000 that were logged"),
        ("delete from tail where key_id in (select id from key_name where name = 'accuracy')",
         "metric 'accuracy' of run"),
        ("delete from series", "points of"),
        ("delete from run", "params of no run"),
        ("delete from key_name where name = 'lr'", "1 params without a name"),
    ],
)  # fmt: skip
def test_damage_is_named(run, database, uri, damage, said):
    assert database.execute(damage).rowcount > 0
    result = run("db", "check", uri, status=1)
    assert said in result.stdout
    assert "findings in sqlite:///" in result.stderr


def test_a_damaged_page_is_named(run, database, uri, tmp_path):
    database.execute("pragma wal_checkpoint(truncate)")
    (root,) = database.execute("select rootpage from sqlite_master where name = 'param'").fetchone()
    (size,) = database.execute("pragma page_size").fetchone()
    database.close()
    with open(tmp_path / "mlflow.db", "r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    result = run("db", "check", uri, status=1)
    assert "damaged" in result.output or "malformed" in result.output


def test_files_of_no_run_are_found(run, database, uri, client):
    (found,) = client.search_runs(["0"])
    folder = Path(found.info.artifact_uri).parent
    orphan = folder.with_name("f" * 32) / "artifacts"
    orphan.mkdir(parents=True)
    (orphan / "weights.bin").write_bytes(b"x" * 1234)
    result = run("db", "check", uri, "--files", status=1)
    assert f"{orphan.parent} (1,234 bytes)" in result.stdout
    assert run("db", "check", uri).stdout == "All is well.\n"
