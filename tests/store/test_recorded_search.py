"""Every recorded search, asked of real databases through the RPCs."""

from __future__ import annotations

import json
import time

import pytest
from tests import databases
from tests.optional import missing
from tests.search.recorded import DATA, probes
from tests.search.test_recorded import EXTENSIONS

from mlflow.rpc.wire import decode, encode
from mlflow.server.rpc_routes import rpc_table
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.store.tracking.file.store import FileStore
from mlflow.store.tracking.sql.store import SqlStore

TABLE = rpc_table()
SEARCHES = {
    "search_runs": ("/api/2.0/mlflow/runs/search", {"experiment_ids": ["{{exp}}"]}),
    "search_experiments": ("/api/2.0/mlflow/experiments/search", {"max_results": 100}),
}


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
            time.sleep(0.002)  # experiments are ordered by when they were made, in milliseconds
            for name, path in step["save"].items():
                value = answer
                for part in path.split("."):
                    value = value[part]
                self.known[name] = value

    def ask(self, method: str, path: str, body: dict) -> dict:
        text = json.dumps(body)
        for name, value in self.known.items():
            text = text.replace("{{" + name + "}}", value)
        answer = decode(TABLE[method, path], text.encode()).answer(self.store)
        return {} if answer is None else json.loads(encode(answer))

    def found(self, probe: dict) -> list[str]:
        path, base = SEARCHES[probe["endpoint"]]
        wanted = {k: probe[k] for k in ("filter", "order_by") if k in probe}
        answer = self.ask("POST", path, {**base, **wanted})
        if probe["endpoint"] == "search_runs":
            return [run["info"]["run_name"] for run in answer.get("runs", [])]
        return [x["name"] for x in answer.get("experiments", [])]


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mysql", "file"])
def recorded(request, tmp_path_factory):
    if request.param == "file":
        yield Recorded(Counted(str(tmp_path_factory.mktemp("recorded")), "mlflow-artifacts:/"))
        return
    if request.param == "sqlite":
        folder = tmp_path_factory.mktemp("recorded")
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


@pytest.mark.parametrize("endpoint", SEARCHES)
def test_filters(recorded, endpoint):
    wrong = {
        probe["filter"]: (found, probe["matched"])
        for probe in probes(endpoint, "filter", accepted=True)
        if (found := sorted(recorded.found(probe))) != probe["matched"]
    }
    assert wrong == {}


@pytest.mark.parametrize("endpoint", SEARCHES)
def test_extensions(recorded, endpoint):
    wrong = {
        probe["filter"]: (found, EXTENSIONS[probe["filter"]])
        for probe in probes(endpoint, "filter")
        if probe["filter"] in EXTENSIONS
        and (found := sorted(recorded.found(probe))) != EXTENSIONS[probe["filter"]]
    }
    assert wrong == {}


@pytest.mark.parametrize("endpoint", SEARCHES)
def test_orders(recorded, endpoint):
    wrong = {
        str(probe["order_by"]): (found, probe["matched"])
        for probe in probes(endpoint, "order_by", accepted=True)
        # ids are random, and so is an order by them
        if "run_id" not in str(probe["order_by"]) and "artifact_uri" not in str(probe["order_by"])
        if (found := recorded.found(probe)) != probe["matched"]
    }
    assert wrong == {}
