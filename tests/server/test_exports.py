"""Tables over HTTP, and the programs that read them."""

from __future__ import annotations

import io
import json
import math
import urllib.request
import uuid
from urllib.parse import urlencode

import pytest
from tests.optional import optional
from tests.server.replay import send

from mlflow.entities import Metric, Param, RunTag
from mlflow.store.tracking.resolve import tracking_store


@pytest.fixture(scope="module")
def filled(shared_server):
    """The server, and the id of a run with 3,000 points of one metric and one of another."""
    store = tracking_store(shared_server.uri)
    experiment = store.create_experiment(f"exports-{uuid.uuid4().hex}", None, [])
    run_id = store.create_run(experiment, "ann", 7, [], "r").info.run_id
    for first in range(0, 3000, 1000):
        batch = [Metric("m", i / 8, 1000 + i, i) for i in range(first, first + 1000)]
        store.log_batch(run_id, batch, [], [])
    store.log_batch(
        run_id,
        [Metric("nan", math.nan, 1, -1)],
        [Param("formula", "=1+1")],
        [RunTag("note", 'a,"b"\nc')],
    )
    return shared_server, experiment, run_id


def get(server, what, headers=None, **query):
    path = f"/api/3.0/mlflow/{what}/export"
    return send(
        server.port, "GET", path, query=query, headers={"Host": "localhost", **(headers or {})}
    )


def test_points_as_csv(filled):
    server, _, run_id = filled
    answer = get(server, "metrics", run_ids=[run_id])
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="metrics.csv"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    lines = answer.body.decode().splitlines()
    assert lines[0] == "run_id,key,step,timestamp,value"
    assert lines[1:3001] == [f"{run_id},m,{i},{1000 + i},{i / 8}" for i in range(3000)]
    assert lines[3001:] == [f"{run_id},nan,-1,1,NaN"]


def test_runs_as_csv(filled):
    server, experiment, run_id = filled
    query = {"experiment_ids": [experiment], "filter": "params.formula LIKE '=%'"}
    guarded = get(server, "runs", **query).body.decode()
    verbatim = get(server, "runs", verbatim="true", **query).body.decode()
    assert ",'=1+1," in guarded and ",=1+1," in verbatim
    assert '"a,""b""\nc"' in verbatim
    assert guarded.startswith("run_id,experiment_id,run_name,")
    assert get(server, "runs", run_ids=run_id, verbatim="true").body.decode() == verbatim
    nothing = get(server, "runs", experiment_ids=experiment, filter="params.formula = 'x'")
    assert nothing.body.count(b"\r\n") == 1


@pytest.mark.parametrize(
    ("headers", "query", "media"),
    [
        ({}, {"format": "jsonl"}, "application/x-ndjson"),
        ({"Accept": "application/x-ndjson"}, {}, "application/x-ndjson"),
        ({"Accept": "text/html, text/csv;q=0.5, */*"}, {}, "text/csv; charset=utf-8"),
        ({"Accept": "*/*"}, {}, "text/csv; charset=utf-8"),
        (
            {"Accept": "application/vnd.apache.arrow.stream"},
            {"format": "csv"},
            "text/csv; charset=utf-8",
        ),
    ],
)
def test_format_is_chosen(filled, headers, query, media):
    server, _, run_id = filled
    answer = get(server, "metrics", headers, run_ids=run_id, metric_keys="nan", **query)
    assert answer.headers["content-type"] == media
    if "json" in media:
        assert json.loads(answer.body) == {
            "run_id": run_id, "key": "nan", "step": -1, "timestamp": 1, "value": None
        }  # fmt: skip


def test_arrow(filled):
    pa = optional("pyarrow")
    server, _, run_id = filled
    accept = {"Accept": "application/vnd.apache.arrow.stream"}
    answer = get(server, "metrics", accept, run_ids=run_id, metric_keys="m")
    assert answer.headers["content-type"] == "application/vnd.apache.arrow.stream"
    table = pa.ipc.open_stream(answer.body).read_all()
    assert table.column_names == ["run_id", "key", "step", "timestamp", "value"]
    assert table["value"].to_pylist() == [i / 8 for i in range(3000)]
    assert set(table["run_id"].to_pylist()) == {run_id}
    parquet = get(server, "runs", format="parquet", run_ids=run_id).body
    from pyarrow import parquet as pq

    assert pq.read_table(io.BytesIO(parquet))["params.formula"].to_pylist() == ["=1+1"]


def url(server, what, **query):
    return f"{server.uri}/ajax-api/3.0/mlflow/{what}/export?{urlencode(query, doseq=True)}"


def test_programs_read_it_by_its_address(filled):
    pd, pl = optional("pandas"), optional("polars")
    pa = optional("pyarrow")
    server, _, run_id = filled
    address = url(server, "metrics", run_ids=run_id)
    frame = pd.read_csv(address)
    assert len(frame) == 3001 and frame["value"].sum() == sum(range(3000)) / 8
    with urllib.request.urlopen(address) as stream:  # its own client wants to know the length
        assert pl.read_csv(stream)["timestamp"].max() == 3999
    with urllib.request.urlopen(url(server, "metrics", run_ids=run_id, format="arrow")) as stream:
        rows = sum(batch.num_rows for batch in pa.ipc.open_stream(stream))
    assert rows == 3001


@pytest.mark.parametrize(
    ("what", "query", "status", "code", "message"),
    [
        ("metrics", {"format": "xml"}, 400, "INVALID_PARAMETER_VALUE", "'xml'"),
        ("runs", {"run_ids": "0" * 32}, 404, "RESOURCE_DOES_NOT_EXIST", "not found"),
        ("metrics", {"run_ids": "0" * 32}, 404, "RESOURCE_DOES_NOT_EXIST", "not found"),
        ("runs", {"filter": "params. ="}, 400, "INVALID_PARAMETER_VALUE", ""),
        ("runs", {"experiment_ids": "x"}, 400, "INVALID_PARAMETER_VALUE", "Invalid experiment ID"),
    ],
)
def test_what_is_wrong_is_said_before_the_first_byte(filled, what, query, status, code, message):
    answer = get(filled[0], what, **query)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error_code"] == code
    assert message in answer.json()["message"]


def test_other_hosts_and_methods_are_refused(filled):
    server, _, run_id = filled
    refused = get(server, "metrics", {"Host": "evil.example"}, run_ids=run_id)
    assert refused.status == 403
    path = "/api/3.0/mlflow/metrics/export"
    assert send(server.port, "POST", path, headers={"Host": "localhost"}).status == 405
    head = send(server.port, "HEAD", path, query={"run_ids": run_id}, headers={"Host": "localhost"})
    assert (head.status, head.body) == (200, b"")
    assert "content-length" not in head.headers
    assert head.headers["content-type"] == "text/csv; charset=utf-8"


def test_series_of_charts_over_http(filled):
    """The chart's own endpoint, as a page calls it."""
    server, _, run_id = filled
    query = {"run_ids": [run_id], "metric_keys": ["m", "nan"], "buckets": 10}
    path = "/ajax-api/3.0/mlflow/metrics/charts"
    answer = send(server.port, "GET", path, query=query, headers={"Host": "localhost"})
    m, nan = answer.json()["charts"]
    assert m["buckets"]["start"] == [-1 + 301 * i for i in range(10)]
    assert m["buckets"]["count"] == [300] + [301] * 8 + [292]
    assert m["buckets"]["last"][-1] == 2999 / 8
    assert nan == {
        "run_id": run_id,
        "metric_key": "nan",
        "points": {"step": [-1], "timestamp": [1], "value": ["NaN"]},
    }
    bad = send(
        server.port, "GET", path, query={**query, "axis": "y"}, headers={"Host": "localhost"}
    )
    assert (bad.status, bad.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
