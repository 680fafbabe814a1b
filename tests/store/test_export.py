from __future__ import annotations

import math
import random
import tempfile

import pytest
from tests.store import plain_metrics as definition

from mlflow.entities import Metric, Param, RunStatus, RunTag, ViewType
from mlflow.exceptions import MlflowException
from mlflow.store.tracking import export
from mlflow.store.tracking.export import find_runs, history_table, run_table


def rows(table):
    return [dict(zip(table.columns, row)) for batch in table.batches for row in zip(*batch)]


def points(store, run_ids, keys=None):
    return [
        (r["run_id"], r["key"], r["timestamp"], r["step"], definition.plain(r["value"]))
        for r in rows(history_table(store, run_ids, keys))
    ]


@pytest.fixture
def filled(store, experiment):
    """Two runs with metrics of all lengths; run id: key: points."""
    rng = random.Random(2)
    expected = {}
    for number in range(2):
        info = store.create_run(experiment, "ann", 1000 + number, [], f"r{number}").info
        kept = expected[info.run_id] = {}
        for key, count in (("long", 2600), ("short", 3), ("two", 700), ("z/one", 1)):
            kept[key] = [(i, 10**6 + i // 3, rng.random()) for i in range(count)]
            if key == "two":
                rng.shuffle(kept[key])
                kept[key][5] = (5, 5, math.nan)
            metrics = [Metric(key, value, time, step) for step, time, value in kept[key]]
            for first in range(0, count, 900):
                store.log_batch(info.run_id, metrics[first : first + 900], [], [])
        if number:
            store.update_run_info(info.run_id, RunStatus.FINISHED, 2000, None)
    return expected


def test_every_point_is_there(store, filled, monkeypatch):
    monkeypatch.setattr(export, "_ROWS", 1000)
    expected = [
        (run_id, key, *row)
        for run_id, kept in filled.items()
        for key in sorted(kept)
        for row in definition.history(kept[key])
    ]
    assert points(store, list(filled)) == expected


def test_points_of_some_metrics(store, filled):
    run_id = list(filled)[1]
    wanted = ["z/one", "two", "nope", "two"]
    assert points(store, [run_id], wanted) == [
        (run_id, key, *row)
        for key in ("two", "z/one")
        for row in definition.history(filled[run_id][key])
    ]
    assert points(store, [run_id], ["nope"]) == []
    assert points(store, []) == []


def test_batches_of_points_are_of_bounded_size(store, filled, monkeypatch):
    monkeypatch.setattr(export, "_ROWS", 500)
    sizes = [len(batch[-1]) for batch in history_table(store, list(filled)).batches]
    assert sum(sizes) == sum(len(p) for kept in filled.values() for p in kept.values())
    assert len(sizes) > 2


def test_runs_as_a_table(store, experiment, monkeypatch):
    monkeypatch.setattr(export, "_CELLS", 40)
    monkeypatch.setattr(export, "_IN_MEMORY", 100)
    ids = []
    for number in range(5):
        info = store.create_run(experiment, "ann", 1000 + number, [], f"r{number}").info
        ids.append(info.run_id)
    store.log_batch(ids[1], [Metric("loss", math.nan, 1, 0)], [Param("lr", "=1")], [])
    store.log_batch(ids[2], [Metric("auc", 0.5, 1, 0)], [], [RunTag("team", "a,b")])
    store.update_run_info(ids[3], RunStatus.FAILED, 2000, None)
    store.delete_run(ids[4])
    table = run_table(find_runs(store, [experiment]))
    assert list(table.columns.items()) == [
        ("run_id", "string"),
        ("experiment_id", "string"),
        ("run_name", "string"),
        ("user_id", "string"),
        ("status", "string"),
        ("start_time", "int64"),
        ("end_time", "int64"),
        ("lifecycle_stage", "string"),
        ("artifact_uri", "string"),
        ("metrics.auc", "double"),
        ("metrics.loss", "double"),
        ("params.lr", "string"),
        ("tags.mlflow.runName", "string"),
        ("tags.team", "string"),
    ]
    found = rows(table)
    assert [r["run_id"] for r in found] == ids[3::-1]  # newest first
    assert [r["start_time"] for r in found] == [1003, 1002, 1001, 1000]
    failed, tagged, logged, plain = found
    assert (failed["status"], failed["end_time"], plain["end_time"]) == ("FAILED", 2000, None)
    assert math.isnan(logged["metrics.loss"]) and logged["params.lr"] == "=1"
    assert (tagged["metrics.auc"], tagged["tags.team"]) == (0.5, "a,b")
    assert (tagged["metrics.loss"], tagged["params.lr"]) == (None, None)
    assert tagged["artifact_uri"] == store.get_run(ids[2]).info.artifact_uri


def test_which_runs(store, experiment):
    ids = [store.create_run(experiment, "u", i, [], f"r{i}").info.run_id for i in range(4)]
    store.delete_run(ids[0])

    def found(*arguments, **options):
        return [run.info.run_id for run in find_runs(store, *arguments, **options)]

    assert found([experiment]) == [ids[3], ids[2], ids[1]]
    assert found([experiment], "attributes.run_name = 'r2'") == [ids[2]]
    assert found([experiment], None, ViewType.ALL) == ids[::-1]
    assert found(run_ids=[ids[1], ids[0], ids[1]]) == [ids[1], ids[0]]
    assert set(ids[1:]) <= set(found()), "all experiments, where none is named"
    assert found([]) == []
    with pytest.raises(MlflowException) as e:
        found(run_ids=["0" * 32])
    assert e.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_runs_wait_in_a_file_that_goes_away(store, experiment, monkeypatch):
    """However many runs: what is more than a few megabytes is not in memory."""
    made = []
    real = tempfile.SpooledTemporaryFile
    monkeypatch.setattr(
        tempfile, "SpooledTemporaryFile", lambda size: made.append(real(size)) or made[-1]
    )
    store.create_run(experiment, "u", 1, [], "r")
    table = run_table(find_runs(store, [experiment]))
    assert len(rows(table)) == 1
    assert made[0].closed
