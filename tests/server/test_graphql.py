"""`/graphql`: what MLflow's web pages ask there, and what it refuses."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param
from mlflow.store.model_registry.resolve import registry_store
from mlflow.store.tracking.resolve import tracking_store


@pytest.fixture(scope="module")
def run_id(shared_server) -> str:
    store = tracking_store(shared_server.uri)
    experiment = store.create_experiment("graphql", None, [])
    run = store.create_run(experiment, "ann", 1_700_000_000_000, [], "asked").info.run_id
    metrics = [
        Metric("acc", 0.5, 1_700_000_000_001, 1 << 40),
        Metric("bad", float("nan"), 1, 0),
        Metric("far", float("inf"), 1, 0),
    ]
    store.log_batch(run, metrics, [Param("lr", "0.1")], [])
    used = DatasetInput(Dataset("iris", "abc", "local", "{}"), [InputTag("context", "training")])
    store.log_inputs(run, [used])
    registry = registry_store(shared_server.uri)
    registry.create_registered_model("asked for")
    registry.create_model_version("asked for", f"runs:/{run}/model", run)
    return run


def ask(server, query: str, given: dict | None = None, **more) -> dict:
    return post(server, json.dumps({"query": query, "variables": {"i": given}, **more}).encode())[1]


def post(server, body: bytes, kind: str = "application/json") -> tuple[int, dict]:
    request = urllib.request.Request(f"{server.uri}/graphql", body, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_run_with_all_that_a_page_shows(shared_server, run_id) -> None:
    query = """
        query GetRun($i: MlflowGetRunInput!) @component(name: "x") {
          mlflowGetRun(input: $i) {
            apiError { code }
            run {
              __typename
              info { runId runUuid runName status startTime userId lifecycleStage }
              experiment { name lifecycleStage }
              modelVersions { name version status }
              data { metrics { key value step timestamp datasetName } params { key value } }
              inputs {
                datasetInputs { dataset { name sourceType } tags { key value } }
                modelInputs { modelId }
              }
              outputs { modelOutputs { modelId } }
            }
          }
        }"""
    answer = ask(shared_server, query, {"runId": run_id})
    assert answer["errors"] is None
    found = answer["data"]["mlflowGetRun"]["run"]
    assert found["__typename"] == "MlflowRunExtension"
    assert found["info"] == {
        "runId": run_id,
        "runUuid": run_id,
        "runName": "asked",
        "status": "RUNNING",
        "startTime": "1700000000000",
        "userId": "ann",
        "lifecycleStage": "active",
    }
    assert found["experiment"] == {"name": "graphql", "lifecycleStage": "active"}
    assert found["modelVersions"] == [{"name": "asked for", "version": "1", "status": "READY"}]
    metrics = {m["key"]: m for m in found["data"]["metrics"]}
    assert metrics["acc"]["value"] == 0.5 and metrics["acc"]["step"] == str(1 << 40)
    assert metrics["bad"]["value"] is None  # JSON has no NaN
    assert metrics["far"]["value"] == 1.7976931348623157e308
    assert found["data"]["params"] == [{"key": "lr", "value": "0.1"}]
    assert found["inputs"]["datasetInputs"] == [
        {
            "dataset": {"name": "iris", "sourceType": "local"},
            "tags": [{"key": "context", "value": "training"}],
        }
    ]
    assert found["inputs"]["modelInputs"] == []


@pytest.mark.parametrize(
    ("root", "given", "fields", "found"),
    [
        ("mlflowSearchRuns", {"filter": "params.lr = '0.1'"}, "runs { info { runName } }", "asked"),
        ("mlflowSearchDatasets", {}, "datasetSummaries { name context }", "iris"),
    ],
)
def test_searches_are_mutations_too(shared_server, run_id, root, given, fields, found) -> None:
    info = tracking_store(shared_server.uri).get_run(run_id).info
    kind = root.replace("mlflow", "Mlflow") + "Input!"
    query = f"mutation M($i: {kind}) {{ {root}(input: $i) {{ {fields} }} }}"
    answer = ask(shared_server, query, {"experimentIds": [info.experiment_id], **given})
    assert answer["errors"] is None and found in json.dumps(answer["data"])


def test_the_other_queries(shared_server, run_id) -> None:
    query = f"""{{
        mlflowGetMetricHistoryBulkInterval(input: {{runIds: ["{run_id}"], metricKey: "acc"}}) {{
          metrics {{ runId step value }} }}
        mlflowSearchModelVersions(input: {{filter: "name = 'asked for'"}}) {{
          modelVersions {{ name runId creationTimestamp }} }}
        mlflowListArtifacts(input: {{runId: "{run_id}"}}) {{ rootUri files {{ path }} }}
        test(inputString: "x") {{ output }}
    }}"""
    answer = ask(shared_server, query)
    assert answer["errors"] is None
    data = answer["data"]
    points = data["mlflowGetMetricHistoryBulkInterval"]["metrics"]
    assert points == [{"runId": run_id, "step": str(1 << 40), "value": 0.5}]
    assert data["mlflowSearchModelVersions"]["modelVersions"][0]["runId"] == run_id
    assert data["mlflowListArtifacts"]["files"] == []
    assert data["mlflowListArtifacts"]["rootUri"].endswith(f"{run_id}/artifacts")
    assert data["test"] == {"output": "x"}


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ('{ mlflowGetExperiment(input: {experimentId: "999"}) { experiment { name } } }', "id=999"),
        ("{ mlflowGetRun(input: {}) { run { info { runId } } } }", "run_id"),
        ("{ nope }", "Cannot query field 'nope'"),
        ("{ test { output }", "Syntax Error"),
        ("{ " + " ".join(f"a{i}: test {{ output }}" for i in range(11)) + " }", "at most 10 root"),
        ("{ test { " + " ".join(f"a{i}: output" for i in range(11)) + " } }", "at most 10 aliases"),
        ("{ test { " + "output " * 3000 + " } }", "tokens"),
        ("{ test { ...A } } fragment A on Test { ...B } fragment B on Test { ...A }", "fragment"),
    ],
)
def test_what_is_wrong_is_said(shared_server, query, says) -> None:
    answer = ask(shared_server, query)
    assert any(says in message for message in answer["errors"])


@pytest.mark.parametrize("body", [b"no json", b"{}", b"[]", b'{"query": 1}', b'{"query": null}'])
def test_what_is_no_request_is_refused(shared_server, body) -> None:
    status, answer = post(shared_server, body)
    assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_only_json_which_foreign_pages_cannot_send(shared_server) -> None:
    status, answer = post(shared_server, b'{"query": "{ test { output } }"}', "text/plain")
    assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_every_type_is_that_of_the_interface(shared_server) -> None:
    parts = ("fields", "inputFields", "enumValues")
    named = " ".join(f"{part} {{ name }}" for part in parts)
    types = ask(shared_server, f"{{ __schema {{ types {{ name {named} }} }} }}")
    names = {
        t["name"]: sorted(one["name"] for part in parts for one in t[part] or ())
        for t in types["data"]["__schema"]["types"]
    }
    wanted = json.loads((Path(__file__).parents[1] / "data/graphql-types.json").read_text())
    assert {name: names[name] for name in wanted} == wanted


def test_there_is_no_assistant_and_no_gateway(shared_server) -> None:
    def get(path: str) -> dict:
        with urllib.request.urlopen(f"{shared_server.uri}/ajax-api/{path}") as response:
            return json.load(response)

    assert get("3.0/mlflow/assistant/config")["providers"] == {}
    assert get("3.0/mlflow/assistant/providers") == {"providers": []}
    endpoints = "2.0/mlflow/gateway-proxy?gateway_path="
    assert get(f"{endpoints}api/2.0/endpoints/") == {"endpoints": []}
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(f"{endpoints}api/2.0/other")
