from __future__ import annotations

import csv
import io
import os

import pytest

from mlflow.entities import Metric, Param
from tests.optional import optional


@pytest.fixture
def run_id(client):
    run_id = client.create_run("0", run_name="r").info.run_id
    client.log_batch(run_id, [Metric("m", i / 8, i, i) for i in range(700)])
    client.log_batch(run_id, [Metric("n", 1.0, 5, 6)], [Param("p", "-x")])
    return run_id


def test_runs_and_history_to_files(run, run_id, tmp_path):
    run("runs", "export", "--experiment-id", "0", "-o", "runs.csv", "--history", "points.csv")
    [row] = csv.DictReader((tmp_path / "runs.csv").read_text().splitlines())
    assert (row["run_id"], row["metrics.n"], row["params.p"]) == (run_id, "1.0", "'-x")
    lines = (tmp_path / "points.csv").read_text().splitlines()
    assert lines[0] == "run_id,key,step,timestamp,value"
    assert lines[-1] == f"{run_id},n,6,5,1.0"
    assert len(lines) == 702
    assert not [name for name in os.listdir(tmp_path) if "unfinished" in name]


def test_to_standard_output(run, run_id):
    shown = run("runs", "export", "--run-id", run_id, "--history", "-", "--metric", "n").stdout
    assert list(csv.reader(io.StringIO(shown, newline="")))[1:] == [[run_id, "n", "6", "5", "1.0"]]
    shown = run("runs", "export", "-o", "-", "--verbatim", "--filter", "params.p = '-x'").stdout
    assert ",-x," in shown
    assert len(run("runs", "export", "-o", "-", "--view", "deleted_only").stdout.split()) == 1


@pytest.mark.parametrize("ending", ["arrow", "parquet", "jsonl"])
def test_format_follows_the_name(run, run_id, tmp_path, ending):
    pl = optional("polars")
    optional("pyarrow")
    run("runs", "export", "--experiment-name", "Default", "--history", f"points.{ending}")
    path = tmp_path / f"points.{ending}"
    if ending == "arrow":
        frame = pl.read_ipc_stream(path)
    else:
        frame = pl.read_parquet(path) if ending == "parquet" else pl.read_ndjson(path)
    assert frame.columns == ["run_id", "key", "step", "timestamp", "value"]
    assert frame["value"].sum() == sum(range(700)) / 8 + 1
    assert len(frame) == 701


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ([], 2, "--output or --history is needed"),
        (["-o", "-", "--history", "-"], 2, "cannot both"),
        (["-o", "x.csv", "--experiment-name", "nope"], 1, "There is no experiment named 'nope'"),
        (["-o", "x.csv", "--run-id", "0" * 32], 1, "not found"),
        (["-o", "x.csv", "--filter", "metrics."], 1, ""),
        (["-o", "no/such/folder/x.csv"], 1, "'no/such/folder/x.csv' cannot be written"),
        (["-o", "x.csv", "--view", "some"], 1, "view"),
    ],
)
def test_what_cannot_be_exported(run, run_id, tmp_path, words, status, message):
    result = run("runs", "export", *words, status=status)
    assert message in result.stderr
    assert not (tmp_path / "x.csv").exists()


def test_a_file_that_is_there_stays_until_the_new_one_is_complete(run, run_id, tmp_path):
    (tmp_path / "x.csv").write_text("before")
    run("runs", "export", "--history", "x.csv", "--run-id", "0" * 32, status=1)
    assert (tmp_path / "x.csv").read_text() == "before"
    run("runs", "export", "--history", "x.csv", "--run-id", run_id)
    assert (tmp_path / "x.csv").read_text().startswith("run_id,")
    assert not [name for name in os.listdir(tmp_path) if "unfinished" in name]
