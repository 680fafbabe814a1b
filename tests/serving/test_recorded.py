"""Answers to requests, against those that were recorded from the reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import mlflow.pyfunc
from mlflow.pyfunc import scoring_server
from tests.optional import optional
from tests.serving.cases import body_of, facts, models, parquet, requests

RECORDED = json.loads(
    (Path(__file__).parents[1] / "data" / "serving-recorded.json").read_text(encoding="utf-8")
)

#: Where ours answers otherwise, on purpose: the reference has an unexpected error (500), an error
#: without a code, or no such page.
STATUS = {
    ("columns", "[" * 100_000): 400,  # nested too deeply
    ("columns", "no content type"): 415,
}
CODE = {("columns", '{"inputs": null}'): "BAD_REQUEST"}


def key_of(case: dict[str, Any]) -> tuple[str, str]:
    text = json.dumps(case["json"]) if "json" in case else case.get("text", case.get("get"))
    return case["model"], text if case.get("type", "-") else "no content type"


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    """A client for each model's app, made when it is first asked for."""
    folder = tmp_path_factory.mktemp("models")
    savers = models(folder)
    made: dict[str, TestClient] = {}

    def client(name: str) -> TestClient:
        if name not in made:
            path = savers[name]()
            made[name] = TestClient(scoring_server.init(mlflow.pyfunc.load_model(str(path))))
        return made[name]

    return client


@pytest.mark.parametrize("model", sorted({case["model"] for case in RECORDED}))
@pytest.mark.filterwarnings("ignore")
def test_answers_are_those_of_the_reference(clients, model):
    client = clients(model)
    for case in RECORDED:
        if case["model"] != model or "get" in case:
            continue
        headers = {"content-type": case["type"]} if case["type"] else {}
        found = client.post("/invocations", content=body_of(case), headers=headers)
        mine, theirs = facts(found), case["answer"]
        key = key_of(case)
        assert "Traceback" not in found.text
        assert "stack_trace" not in found.text
        assert mine["status"] == STATUS.get(key, theirs["status"]), (key, found.text)
        if theirs["status"] == 200:
            # NaN is not equal to itself, but its text is
            assert json.dumps(mine["json"], sort_keys=True) == json.dumps(
                theirs["json"], sort_keys=True
            ), key
            assert mine["type"] == theirs["type"]
        elif theirs["status"] == 415:
            assert mine["text"].split(".")[0] == theirs["text"].split(".")[0]
            assert mine["type"] == theirs["type"]
        elif found.status_code != 415:
            assert set(mine["json"]) <= {"error_code", "message", "sqlstate", "error_class"}
            if "json" in theirs:
                wanted = CODE.get(key, theirs["json"]["error_code"])
                assert mine["json"]["error_code"] == wanted, key


def test_every_case_was_recorded():
    cases = [(model, {k: v for k, v in case.items()}) for model, case in requests()]
    recorded = [
        (case["model"], {k: v for k, v in case.items() if k not in ("model", "answer")})
        for case in RECORDED
        if "get" not in case
    ]
    assert json.dumps(cases, sort_keys=True) == json.dumps(recorded, sort_keys=True)


def test_other_pages(clients):
    client = clients("columns")
    for case in RECORDED:
        if case.get("get") in ("/ping", "/health", "/version"):
            assert facts(client.get(case["get"])) == case["answer"]
    assert client.get("/").json()["error_code"] == "ENDPOINT_NOT_FOUND"
    assert client.get("/invocations").status_code == 405
    assert "headrace_invocations_total" in client.get("/metrics").text


def test_parquet(clients):
    optional("pyarrow")
    found = clients("columns").post(
        "/invocations",
        content=parquet(),
        headers={"content-type": "application/vnd.apache.parquet"},
    )
    assert found.json()["predictions"]["input"]["frame"] == {
        "a": ["float:1.5", "float:2.0"],
        "b": [1, 2],
        "s": ["x", found.json()["predictions"]["input"]["frame"]["s"][1]],
    }
