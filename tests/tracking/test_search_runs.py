"""Runs as lists and data frames."""

from __future__ import annotations

import pytest
from tests.optional import optional

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import fluent

pandas = optional("pandas")
is_datetime64_any_dtype = pandas.api.types.is_datetime64_any_dtype
is_float_dtype = pandas.api.types.is_float_dtype


@pytest.fixture
def runs() -> list[str]:
    """Ids of three runs, oldest first."""
    ids = []
    for number in range(3):
        with mlflow.start_run(run_name=f"r{number}") as run:
            ids.append(run.info.run_id)
            mlflow.log_metric("number", number)
            mlflow.log_param("kind", "odd" if number % 2 else "even")
    return ids


def test_frame_has_a_row_a_run_and_the_public_columns(runs):
    with mlflow.start_run() as open_run:
        mlflow.log_metric("loss", 0.5)
        frame = mlflow.search_runs(order_by=["start_time"])
    assert list(frame["run_id"]) == [*runs, open_run.info.run_id]
    assert list(frame.columns)[:9] == [
        "run_id", "experiment_id", "status", "artifact_uri", "start_time", "end_time",
        "metrics.loss", "metrics.number", "params.kind",
    ]  # fmt: skip
    assert {"tags.mlflow.user", "tags.mlflow.runName"} <= set(frame.columns)
    assert is_float_dtype(frame["metrics.number"])
    assert list(frame["metrics.number"][:3]) == [0.0, 1.0, 2.0]
    assert frame["metrics.number"].isna().tolist() == [False, False, False, True]
    assert frame["params.kind"].tolist()[:3] == ["even", "odd", "even"]
    assert frame["params.kind"].isna().tolist() == [False, False, False, True]
    for name in ("start_time", "end_time"):
        assert is_datetime64_any_dtype(frame[name])
        assert str(frame[name].dt.tz) == "UTC"
    info = mlflow.get_run(runs[0]).info
    assert frame["start_time"][0] == pandas.Timestamp(info.start_time, unit="ms", tz="UTC")
    assert frame["end_time"].isna().tolist() == [False, False, False, True]


def test_frame_of_nothing_has_the_public_columns():
    frame = mlflow.search_runs(filter_string="params.kind = 'none'")
    assert len(frame) == 0
    assert list(frame.columns) == [
        "run_id", "experiment_id", "status", "artifact_uri", "start_time", "end_time",
    ]  # fmt: skip


def test_list_of_runs(runs):
    found = mlflow.search_runs(filter_string="params.kind = 'even'", output_format="list")
    assert [r.info.run_id for r in found] == [runs[2], runs[0]]
    with pytest.raises(ValueError, match="Unsupported output format: x"):
        mlflow.search_runs(output_format="x")


def test_all_pages_are_fetched(runs, monkeypatch):
    monkeypatch.setattr(fluent, "NUM_RUNS_PER_PAGE_PANDAS", 2)
    assert len(mlflow.search_runs()) == 3
    assert len(mlflow.search_runs(max_results=1)) == 1
    assert len(mlflow.search_runs(max_results=0)) == 0


def test_client_gives_pages(runs, client):
    page = client.search_runs(["0"], max_results=2)
    rest = client.search_runs(["0"], max_results=2, page_token=page.token)
    assert [r.info.run_id for r in page + rest] == runs[::-1]
    assert not rest.token
    assert len(client.search_runs("0")) == len(client.search_runs(0)) == 3
    assert client.search_runs([]) == []


def test_where_to_search(runs, caplog):
    other = mlflow.create_experiment("other")
    with mlflow.start_run(experiment_id=other):
        pass
    assert len(mlflow.search_runs()) == 3
    assert len(mlflow.search_runs(["0", other])) == 4
    assert len(mlflow.search_runs(other)) == 1
    assert len(mlflow.search_runs(experiment_names=["other", "none"])) == 1
    assert len(mlflow.search_runs(experiment_names=["none"])) == 0
    assert len(mlflow.search_runs(search_all_experiments=True)) == 4
    assert len(mlflow.search_runs([other], search_all_experiments=True)) == 1
    with pytest.raises(MlflowException, match="Only experiment_ids or experiment_names"):
        mlflow.search_runs(["0"], experiment_names=["other"])


def test_deleted_runs(runs):
    mlflow.delete_run(runs[0])
    assert len(mlflow.search_runs()) == 2
    deleted = mlflow.search_runs(run_view_type=mlflow.entities.ViewType.DELETED_ONLY)
    assert list(deleted["run_id"]) == [runs[0]]
