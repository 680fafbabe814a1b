"""The web UI's RPCs as a browser asks them."""

from __future__ import annotations

import json
import math
import urllib.error
import urllib.request
import uuid
from typing import Any
from urllib.parse import urlencode

import pytest

from mlflow.entities import Metric, Param
from mlflow.tracking.client import MlflowClient


@pytest.fixture
def client(shared_server) -> MlflowClient:
    return MlflowClient(shared_server.uri)


@pytest.fixture
def experiment(client) -> str:
    """The id of an experiment with a parent and three children."""
    experiment = client.create_experiment(f"e-{uuid.uuid4().hex}")
    parent = client.create_run(experiment, 1000, {}, "parent").info.run_id
    for i in range(3):
        tags = {"mlflow.parentRunId": parent, "mlflow.user": "bo"}
        run_id = client.create_run(experiment, 2000 + i, tags, f"child {i}").info.run_id
        metrics = [Metric("acc", [0.5, math.nan, 0.75][i], 1, 3), Metric("acc", 0.1, 1, 0)]
        client.log_batch(run_id, metrics, [Param("lr", f"1e-{i}")])
    return experiment


@pytest.fixture
def ask(shared_server):
    """A function that asks; the status and the JSON of the answer."""

    def ask(method: str, path: str, **message: Any) -> tuple[int, dict[str, Any]]:
        url, body = f"{shared_server.uri}/ajax-api/ui/{path}", None
        if method == "GET":
            url += "?" + urlencode(message, doseq=True)
        else:
            body = json.dumps(message).encode()
        request = urllib.request.Request(
            url, body, {"Content-Type": "application/json"}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)

    return ask


def test_table_of_runs(ask, experiment):
    status, found = ask("POST", "runs/find", experiment_ids=[experiment], tree=True)
    assert (status, found["total"], found["depth"]) == (200, 4, [0, 1, 1, 1])
    assert found["context"] == [] and "next_page_token" not in found
    columns = ["metrics.acc", "max.acc", "step.acc", "params.lr", "children", "datasets"]
    status, read = ask("POST", "runs/rows", rows=found["rows"], columns=columns)
    assert status == 200
    assert read["runs"]["name"] == ["parent", "child 2", "child 1", "child 0"]
    assert read["runs"]["user"][1] == "bo"
    assert read["runs"]["parent"] == [None, *[read["runs"]["run_id"][0]] * 3]
    assert read["columns"] == {
        "metrics.acc": [None, 0.75, "NaN", 0.5],
        "max.acc": [None, 0.75, 0.1, 0.5],
        "step.acc": [None, 3, 3, 3],
        "params.lr": [None, "1e-2", "1e-1", "1e-0"],
        "children": [3, 0, 0, 0],
        "datasets": [[], [], [], []],
    }
    status, same = ask("POST", "runs/rows", run_ids=read["runs"]["run_id"], columns=columns)
    assert (status, same) == (200, read)


def test_rows_may_be_numbers_and_texts(ask, experiment):
    _, found = ask("POST", "runs/find", experiment_ids=[experiment], max_results=1)
    assert len(found["rows"]) == 1 and found["total"] == 4 and found["next_page_token"]
    # a field that nobody knows: the tolerant reader has it
    status, read = ask("POST", "runs/rows", rows=[*found["rows"], "x", -1], other=1)
    assert (status, read["runs"]["name"]) == (200, ["child 2", None, None])


def test_keys_values_and_runs(ask, experiment):
    status, keys = ask("POST", "runs/columns", experiment_ids=[experiment])
    assert (status, keys["runs"]) == (200, 4)
    assert keys["metrics"] == [{"key": "acc", "runs": 3, "distinct": 3, "min": 0.5, "max": 0.75}]
    assert keys["params"] == [
        {
            **{"key": "lr", "runs": 3, "distinct": 3, "numeric": True},
            "values": ["1e-2", "1e-1", "1e-0"],
        }
    ]
    assert keys["tags"] == []
    status, found = ask(
        "GET", "runs/values", experiment_ids=[experiment], kind="params", key="lr", prefix="1e-2"
    )
    assert (status, found) == (200, {"values": ["1e-2"]})
    _, found = ask("POST", "runs/find", experiment_ids=[experiment], text="CHILD 1e-1")
    _, read = ask("POST", "runs/rows", rows=found["rows"])
    (run_id,) = read["runs"]["run_id"]
    status, found = ask("POST", "runs/get", run_ids=[run_id, "none"])
    assert (status, found["missing"]) == (200, ["none"])
    assert found["runs"][0]["data"]["params"] == [{"key": "lr", "value": "1e-1"}]


def test_experiments_and_datasets(ask, experiment):
    status, found = ask("GET", "experiments", view="ALL")
    assert status == 200
    (mine,) = (x for x in found["experiments"] if x["experiment_id"] == experiment)
    assert (mine["runs"], mine["running"], mine["deleted"], len(mine["days"])) == (4, 4, 0, 28)
    status, found = ask("GET", "experiments/metric", experiment_id=experiment)
    assert (status, found) == (200, {"metric": {"key": "acc", "runs": 3, "min": 0.5, "max": 0.75}})
    assert ask("GET", "datasets", experiment_ids=[experiment]) == (200, {"datasets": []})


@pytest.mark.parametrize(
    ("filter_string", "position"),
    [
        ("metrics.acc >> 1", 12),
        ("metrics.acc > 0.5 and params.lr > 'x'", 32),
        ("metrics.acc > 'high'", 14),
        ("metrics.acc > 1 nonsense", 16),
        ("wrong.key = 1", 0),
        ("   ", 0),
    ],
)
@pytest.mark.parametrize("path", ["runs/find", "runs/columns"])
def test_bad_filter_is_refused_with_its_place(
    ask, client, experiment, path, filter_string, position
):
    status, refused = ask("POST", path, experiment_ids=[experiment], filter=filter_string)
    assert (status, refused["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    with pytest.raises(Exception) as e:
        client.search_runs([experiment], filter_string)
    assert e.value.message.endswith(refused["message"])
    caret = refused["message"].split("\n")[2]
    assert caret.index("^") - 2 == refused["position"] == position


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("runs/find", {"order_by": ["metrics.acc UP"]}),
        ("runs/find", {"page_token": "nonsense"}),
        ("runs/find", {"max_results": 0}),
        ("runs/find", {"max_results": 100_001}),
        ("runs/find", {"experiment_ids": ["x"]}),
        ("runs/find", {"text": "w " + " ".join(map(str, range(20)))}),
        ("runs/rows", {"rows": [0] * 501}),
        ("runs/rows", {"columns": ["accuracy"]}),
        ("runs/rows", {"rows": [True]}),
        ("runs/get", {"run_ids": ["x"] * 101}),
        ("runs/columns", {"run_ids": ["x"] * 501}),
    ],
)
def test_bad_requests_are_refused(ask, experiment, path, message):
    message = {"experiment_ids": [experiment], **message} if "find" in path else message
    status, refused = ask("POST", path, **message)
    assert (status, refused["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "position" not in refused


def test_they_are_for_browsers_only(shared_server, experiment):
    request = urllib.request.Request(f"{shared_server.uri}/api/ui/experiments")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(request, timeout=30)
