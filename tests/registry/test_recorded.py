"""Recorded searches of the registry, and bad requests about it, that the reference was sent."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from mlflow.exceptions import MlflowException
from mlflow.rpc.wire import decode, encode
from mlflow.search import MODEL_VERSIONS, REGISTERED_MODELS, parse_filter, parse_order_by
from mlflow.server.rpc_routes import rpc_table
from tests.conftest import Server
from tests.server.replay import Answer, send

DATA = Path(__file__).parents[1] / "data"
SEARCHES = json.loads((DATA / "filters-registry.json").read_text())
ERRORS = json.loads((DATA / "errors-registry.json").read_text())
TABLE = rpc_table()

GRAMMARS = {"search_registered_models": REGISTERED_MODELS, "search_model_versions": MODEL_VERSIONS}
# Refused by the reference, a filter here.
EXTENSIONS = {
    ("search_registered_models", "name LIKE 'm%' OR tags.team = 'core'"): ["model-a"],
    ("search_registered_models", "(name = 'model-a')"): ["model-a"],
    ("search_registered_models", "tags.team IS NULL"): ["Model-B", "other_c"],
    ("search_registered_models", "tags.absent IS NULL"): ["Model-B", "model-a", "other_c"],
    ("search_model_versions", "name = 'model-a' OR name = 'Model-B'"): [
        *("Model-B/1", "model-a/1", "model-a/2")
    ],
    ("search_model_versions", "(name = 'model-a')"): ["model-a/1", "model-a/2"],
    ("search_model_versions", "tags.q IS NULL"): ["Model-B/1"],
}
# Refused by both. The reference trips over words of SQL that mean nothing here.
BETTER_WORDS = {
    "alias = 'champ'": "Invalid attribute key 'alias' specified.",
    "version = 1": "Invalid attribute key 'version' specified.",
    "version = '1'": "Invalid attribute key 'version' specified.",
    "source = 's3://b/one'": "Invalid attribute key 'source' specified.",
    "version": "Invalid attribute key 'version' specified.",
}


def cases(accepted: bool) -> list:
    return [
        pytest.param(probe, id=f"{probe['endpoint']}-{probe.get('filter', probe.get('order_by'))}")
        for probe in SEARCHES["probes"]
        if probe["accepted"] == accepted
        and (accepted or (probe["endpoint"], probe.get("filter")) not in EXTENSIONS)
    ]


def answer(stores, method: str, path: str, values: dict) -> dict:
    rpc = TABLE[method, path]
    store = stores.tracking if rpc.store == "tracking" else stores.registry
    found = decode(rpc, json.dumps(values).encode()).answer(store)
    return {} if found is None else json.loads(encode(found))


@pytest.fixture(scope="module")
def recorded(stores):
    """The ids in a registry that holds nothing but what the searches were recorded on."""
    registry = stores.registry
    while found := registry.search_registered_models():
        for model in found:
            registry.delete_registered_model(model.name)
    ids: dict[str, str] = {}
    for step in SEARCHES["setup"]:
        body = json.dumps(step["body"])
        for name, value in ids.items():
            body = body.replace("{{" + name + "}}", value)
        body = json.loads(body)
        if step["path"].endswith("experiments/create"):
            body["name"] += f"-{time.time_ns()}"  # other tests' experiments are there, too
        made = answer(stores, step["method"], step["path"], body)
        time.sleep(0.002)  # orders go by times in milliseconds
        for name, path in step["save"].items():
            for part in path.split("."):
                made = made[part]
            ids[name] = made
    yield ids
    for model in registry.search_registered_models():
        registry.delete_registered_model(model.name)


def found(stores, ids: dict[str, str], probe: dict) -> list[str]:
    wanted = json.dumps({k: probe[k] for k in ("filter", "order_by") if k in probe})
    for name, value in ids.items():
        wanted = wanted.replace("{{" + name + "}}", value)
    kind = probe["endpoint"].removeprefix("search_").replace("_", "-")
    path = f"/api/2.0/mlflow/{kind}/search"
    page = answer(stores, "GET", path, json.loads(wanted))
    if kind == "registered-models":
        return [model["name"] for model in page.get("registered_models", [])]
    return [f"{mv['name']}/{mv['version']}" for mv in page.get("model_versions", [])]


def test_searches(stores, recorded):
    wrong = {}
    for (probe,) in (case.values for case in cases(True)):
        got = found(stores, recorded, probe)
        got = got if "order_by" in probe else sorted(got)
        if got != probe["matched"]:
            wrong[str(probe)] = got
    assert wrong == {}


def test_extensions(stores, recorded):
    wrong = {}
    for (endpoint, text), matched in EXTENSIONS.items():
        got = sorted(found(stores, recorded, {"endpoint": endpoint, "filter": text}))
        if got != matched:
            wrong[text] = got
    assert wrong == {}


def test_without_an_order(stores, recorded):
    for probe in SEARCHES["probes"]:
        if "default_order" in probe:
            assert found(stores, recorded, probe) == probe["default_order"]


@pytest.mark.parametrize("probe", cases(False))
def test_refusals(probe):
    grammar = GRAMMARS[probe["endpoint"]]
    with pytest.raises(MlflowException) as e:
        if "filter" in probe:
            parse_filter(probe["filter"], grammar)
        else:
            parse_order_by(probe["order_by"], grammar)
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"
    first = e.value.message.split("\n")[0]
    text = probe.get("filter") or probe["order_by"][0]
    if text in BETTER_WORDS:
        assert first.startswith(BETTER_WORDS[text])
    elif probe["status"] == 400:
        assert members(first) == members(probe["message"])


def members(message: str) -> tuple[str, ...]:
    """A message, and what is in its set in order."""
    match = re.fullmatch(r"(.*)\{(.*)\}(.*)", message)
    if match is None:
        return (message,)
    return match[1], *sorted(match[2].split(", ")), match[3]


# -- bad requests ---------------------------------------------------------------------------------

#: What the messages of the reference have behind what they begin with is its database's.
BEGINNING = {"registered model rename: taken"}
DEVIATIONS = {
    # the reference answers HTML
    "version artifact: missing": (400, "BAD_REQUEST", "Request must specify path."),
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory) -> dict[str, Answer]:
    server = Server(tmp_path_factory.mktemp("errors")).start()
    ids: dict[str, str] = {}

    def ask(case: dict) -> Answer:
        text = json.dumps({k: case[k] for k in ("body", "query") if k in case})
        for name, value in ids.items():
            text = text.replace("{{" + name + "}}", value)
        given = json.loads(text)
        body = json.dumps(given["body"]).encode() if "body" in given else None
        headers = {"Content-Type": "application/json"} if body else {}
        query = given.get("query")
        return send(
            server.port, case["method"], case["path"], query=query, headers=headers, body=body
        )

    for step in ERRORS["setup"]:
        made = ask(step).json()
        for name, path in step["save"].items():
            for part in path.split("."):
                made = made[part]
            ids[name] = made
    found = {case["name"]: ask(case) for case in ERRORS["cases"]}
    server.stop()
    return found


@pytest.mark.parametrize("case", ERRORS["cases"], ids=lambda case: case["name"])
def test_bad_requests(answers, case):
    answer = answers[case["name"]]
    if case["name"] in DEVIATIONS:
        status, code, message = DEVIATIONS[case["name"]]
        assert (answer.status, answer.json()["error_code"]) == (status, code)
        assert answer.json()["message"] == message
        return
    assert answer.status == case["status"]
    error = answer.json()
    assert error["error_code"] == case["error_code"]
    assert {k: error[k] for k in case["extra"]} == case["extra"]
    if case["name"] in BEGINNING:
        assert error["message"] == case["message_prefix"]
    else:
        first = error["message"].split("\n")[0]
        assert members(first) == members(case["message"])
