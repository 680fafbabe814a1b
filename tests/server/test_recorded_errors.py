"""Odd and bad requests that the reference was sent: we answer with its codes and words, or better.

`data/errors-tracking.json` has the recorded cases about experiments, runs, metrics, artifacts,
logged models and the server itself. They are sent in the order in which they were recorded, to one
server, as they were then: a few answers show what an earlier case left behind.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.conftest import Server
from tests.server.replay import Answer, Replay, send

RECORDED = json.loads((Path(__file__).parents[1] / "data/errors-tracking.json").read_text())
CASES = {case["name"]: case for case in RECORDED["cases"]}


class Ours(NamedTuple):
    """What we answer where that is not what the reference answers."""

    why: str
    status: int
    error_code: str | None = None
    words: str = ""
    """What the message has in it."""


_JSON_TOO = "the reference answers HTML or plain text; every error of ours is JSON"
_BROKE = "the reference breaks (500)"
DEVIATIONS = {
    "experiment create: JSON array": Ours(
        _BROKE, 400, "INVALID_PARAMETER_VALUE", "The body is a JSON array; an object is needed."
    ),
    "experiment create: JSON string": Ours(
        _BROKE, 400, "INVALID_PARAMETER_VALUE", "The body is a JSON string; an object is needed."
    ),
    "runs search: OR": Ours("OR is an extension of ours", 200),
    "logged models search: bad filter": Ours(
        _BROKE, 400, "INVALID_PARAMETER_VALUE", "Invalid attribute 'foo'. Expected one of ["
    ),
    "get-artifact: no path": Ours(_JSON_TOO, 400, "BAD_REQUEST", "Request must specify path."),
    "unknown API path": Ours(
        _JSON_TOO, 404, "ENDPOINT_NOT_FOUND", "Nothing is served at '/api/2.0/mlflow/nope'."
    ),
    "unimplemented RPC": Ours(
        _JSON_TOO,
        404,
        "ENDPOINT_NOT_FOUND",
        "Nothing is served at '/api/2.0/mlflow/unified-traces'.",
    ),
    "wrong HTTP method": Ours(
        _JSON_TOO,
        405,
        "BAD_REQUEST",
        "GET is not a method of '/api/2.0/mlflow/experiments/create'.",
    ),
    "static file: missing": Ours(_JSON_TOO, 404, "ENDPOINT_NOT_FOUND", "/static-files/nope.js"),
    "metrics endpoint without --expose-prometheus": Ours("/metrics needs no option", 200),
}
#: Where the reference's words are those of its database: what ours say.
WORDS = {
    "experiment create: existing name": "Experiment(name=exp1) already exists.",
    "experiment create: name of a deleted one": "Experiment(name=exp-deleted) already exists. "
    "It is deleted: restore it, delete it for good with `mlflow gc`, or use another name.",
    "experiment update: name taken": "The name 'Default' belongs to experiment 0; "
    "a name that is not taken is needed.",
}


class Session(NamedTuple):
    """The answers to all cases, and the ids they may speak of."""

    answers: dict[str, Answer]
    ids: dict[str, str]


@pytest.fixture(scope="module")
def session(tmp_path_factory) -> Session:
    server = Server(tmp_path_factory.mktemp("errors")).start()
    ids: dict[str, str] = {}
    for step in RECORDED["setup"]:
        value = ask(server.port, step, ids).json()
        for name, path in step["save"].items():
            found = value
            for part in path.split("."):
                found = found[part]
            ids[name] = found
    answers = {name: ask(server.port, case, ids) for name, case in CASES.items()}
    server.stop()
    return Session(answers, ids)


def ask(port: int, case: dict[str, Any], ids: dict[str, str]) -> Answer:
    headers, body = case.get("headers", {}), None
    if "body" in case:
        body = json.dumps(expand(case["body"], ids)).encode()
        headers = {"Content-Type": "application/json", **headers}
    elif "raw_body" in case:
        body = case["raw_body"].encode()
    query = expand(case.get("query"), ids)
    path = expand(case["path"], ids)
    return send(port, case["method"], path, query=query, headers=headers, body=body)


def expand(value: Any, ids: dict[str, str]) -> Any:
    """A value of the file with its ids and its big parts put in."""
    if isinstance(value, str):
        value = re.sub(r"(.)<repeated (\d+) times>", lambda m: m[1] * int(m[2]), value)
        return re.sub(r"\{\{(\w+)\}\}", lambda m: ids[m[1]], value)
    if isinstance(value, list):
        return [expand(item, ids) for item in value]
    if not isinstance(value, dict):
        return value
    if "$repeat" in value:
        text, times = value["$repeat"]
        return text * times
    if "$generated_list" in value:
        described = value["$generated_list"]
        items = [{**described["first"], "key": f"k{i}"} for i in range(described["length"])]
        assert items[-1] == described["last"]
        return items
    return {name: expand(item, ids) for name, item in value.items()}


@pytest.mark.parametrize("name", CASES)
def test_case(session, name):
    case, answer, ours = CASES[name], session.answers[name], DEVIATIONS.get(name)
    if ours:
        assert ours.why
        assert answer.status == ours.status
        if ours.error_code:
            check_error(answer, ours.error_code)
            assert ours.words in answer.json()["message"]
        return
    assert answer.status == case["status"]
    assert answer.headers["content-type"] == case["content_type"]
    if "error_code" in case:
        check_error(answer, case["error_code"])
        check_message(answer.json()["message"], case, session.ids)
        extra = {k: v for k, v in answer.json().items() if k in ("sqlstate", "error_class")}
        assert extra == case["extra"]
    elif "response" in case:
        found = Replay(0).compare(expand(case["response"], session.ids), answer.json(), "")
        assert list(found) == []
    else:
        assert answer.body.decode() == case["text"]


def check_error(answer: Answer, error_code: str) -> None:
    """The one shape that errors have."""
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()
    assert error["error_code"] == error_code
    assert error.keys() <= {"error_code", "message", "sqlstate", "error_class"}
    assert "Traceback" not in error["message"]


def check_message(message: str, case: dict[str, Any], ids: dict[str, str]) -> None:
    if case["message_is"] == "exact":
        # A search error goes on below the reference's words, with a pointer to the fault.
        below = r"(\n  .*)?" if "search:" in case["name"] else ""
        assert re.fullmatch(re.escape(expand(case["message"], ids)) + below, message, re.DOTALL)
    elif case["message_is"].startswith("the set in braces"):
        assert members(message) == members(case["message"])
    else:
        assert message == WORDS[case["name"]]


def members(message: str) -> tuple[str, set[str], str]:
    """A message's first line in three: before its set, the set, and after it."""
    before, inside, after = re.fullmatch(r"(.*)\{(.*)\}(.*)", message.split("\n  ")[0]).groups()
    return before, set(inside.split(", ")), after


def test_the_cases_are_there():
    assert len(CASES) == 142
    assert set(DEVIATIONS) | set(WORDS) <= set(CASES)
    # INVALID_STATE is a 500 by the protocol's own table; the others are faults of the reference.
    reference_breaks = {name for name, case in CASES.items() if case["status"] == 500}
    assert reference_breaks - set(DEVIATIONS) == {"experiment update: deleted"}
