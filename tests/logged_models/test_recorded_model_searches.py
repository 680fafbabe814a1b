"""Every recorded search of logged models, asked of real stores through the RPCs.

`data/filters-logged-models.json` has what the reference was asked and what it found; what its
database broke on (500) is refused by us.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from tests import databases
from tests.optional import missing

from mlflow.exceptions import MlflowException
from mlflow.rpc.wire import decode, encode
from mlflow.search.logged_models import parse_filter
from mlflow.server.rpc_routes import rpc_table
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.store.tracking.file.store import FileStore
from mlflow.store.tracking.sql.store import SqlStore

DATA = json.loads((Path(__file__).parents[1] / "data/filters-logged-models.json").read_text())
PROBES = DATA["probes"]
TABLE = rpc_table()
SEARCH = "/api/2.0/mlflow/logged-models/search"
_VALUES = {
    "string": "'x'",
    "number": "1",
    "list_of_strings": "('x', 'y')",
    "list_of_numbers": "(1, 2)",
}
_OPERATORS = ("=", "!=", ">", ">=", "<", "<=", "LIKE", "ILIKE", "IN", "NOT IN")


class Counted(FileStore):
    """Gives ids in order, as databases do: some of the searches name them."""

    def _free_id(self) -> str:
        return str(len(list(self._experiment_places())))


class Recorded:
    """A store that holds what the searches were recorded on."""

    def __init__(self, store: AbstractStore):
        self.store = store
        self.known: dict[str, str] = {}
        for step in DATA["setup"]:
            answer = self.ask(step["method"], step["path"], step["body"])
            time.sleep(0.002)  # models are ordered by when they were made, in milliseconds
            for name, path in step["save"].items():
                value = answer
                for part in path.split("."):
                    value = value[part]
                self.known[name] = value

    def ask(self, method: str, path: str, body: dict) -> dict:
        body, path = (json.loads(self._filled(json.dumps(x))) for x in (body, path))
        cls = TABLE.get((method, path))
        if cls is None:  # the one with a field in its path
            cls = TABLE[method, "/api/2.0/mlflow/logged-models/{model_id}"]
        answer = decode(cls, json.dumps(body).encode()).answer(self.store)
        return {} if answer is None else json.loads(encode(answer))

    def _filled(self, text: str) -> str:
        for name, value in self.known.items():
            text = text.replace("{{" + name + "}}", value)
        return text

    def found(self, probe: dict) -> list[str]:
        wanted = {k: probe[k] for k in ("filter", "order_by") if k in probe}
        answer = self.ask("POST", SEARCH, {"experiment_ids": ["{{exp}}"], **wanted})
        return [model["info"]["name"] for model in answer.get("models", [])]


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mysql", "file"])
def recorded(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorded")
    if request.param == "file":
        yield Recorded(Counted(str(folder), "mlflow-artifacts:/"))
        return
    if request.param == "sqlite":
        yield Recorded(SqlStore(f"sqlite:///{folder}/store.db", "mlflow-artifacts:/"))
        return
    try:
        uri = getattr(databases, f"create_{request.param}")()
    except databases.Unavailable as e:
        missing(request.param, str(e))
    store = SqlStore(uri, "mlflow-artifacts:/")
    yield Recorded(store)
    store.dispose()
    getattr(databases, f"drop_{request.param}")(uri)


def test_filters(recorded):
    wrong = {
        probe["filter"]: (found, probe["matched"])
        for probe in PROBES
        if probe["accepted"] and "filter" in probe
        if (found := sorted(recorded.found(probe))) != probe["matched"]
    }
    assert wrong == {}


def test_orders(recorded):
    wrong = {
        str(probe["order_by"]): (found, probe["matched"])
        for probe in PROBES
        # ids are random, and so is an order by them
        if probe["accepted"] and "order_by" in probe and "model_id" not in str(probe["order_by"])
        if (found := recorded.found(probe)) != probe["matched"]
    }
    assert wrong == {}


def test_refusals(recorded):
    wrong = {}
    for probe in PROBES:
        if probe["accepted"] or probe.get("order_by") == ["name"]:
            continue
        with pytest.raises(MlflowException) as raised:
            recorded.found(probe)
        said = (raised.value.error_code, raised.value.message)
        # Where the reference broke there are no words.
        expected = ("INVALID_PARAMETER_VALUE", probe.get("message", said[1]))
        if said != expected:
            wrong[str(probe.get("filter") or probe["order_by"])] = (said, expected)
    assert wrong == {}


def test_order_that_is_no_object_is_refused(recorded):
    with pytest.raises(MlflowException, match="order_by") as raised:
        recorded.found({"order_by": ["name"]})
    assert raised.value.error_code == "INVALID_PARAMETER_VALUE"


def test_operators():
    """Each operator on each key, with each kind of value, is taken as the reference takes it."""
    wrong = {}
    for key, of_kind in DATA["operators"].items():
        for kind, value in _VALUES.items():
            for operator in _OPERATORS:
                text = f"{key} {operator} {value}"
                accepted = operator in of_kind.get(kind, ())
                try:
                    parse_filter(text)
                except MlflowException:
                    if accepted:
                        wrong[text] = "refused"
                else:
                    if not accepted:
                        wrong[text] = "accepted"
    assert wrong == {}


def test_the_searches_are_there():
    assert len(PROBES) == 89
    assert len(DATA["operators"]) == 16
