"""Requests of every RPC that are half right get an answer or a refusal; the server never fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec import inspect
from tests.search.test_properties import SOUP

from mlflow.entities.webhook import WebhookAction, WebhookEntity, WebhookEvent
from mlflow.rpc import all_rpcs
from mlflow.rpc.declare import FIELD, Rpc
from mlflow.server.rpc_routes import RpcRoutes
from mlflow.store.model_registry.resolve import registry_store
from mlflow.store.tracking.resolve import tracking_store

RPCS = {cls.__name__: cls for cls in all_rpcs()}

#: Replaced by the ids of what there is.
_IDS = ("EXPERIMENT", "DELETED-EXPERIMENT", "RUN", "DELETED-RUN", "0", "7", "0" * 32)
_MODEL = {"run_id": "a", "artifact_path": "m", "flavors": {"f": {}}, "utc_time_created": "now"}
#: What fields with these names have mostly, so that requests get further than to their first field.
_LIKELY = {
    "run_id": ("RUN", "RUN", "RUN", "DELETED-RUN"),
    "run_ids": ("RUN", "RUN", "DELETED-RUN"),
    "run_uuid": ("RUN",),
    "experiment_id": ("EXPERIMENT", "EXPERIMENT", "DELETED-EXPERIMENT", "0"),
    "experiment_ids": ("EXPERIMENT", "0"),
    "key": ("k", "p", "m", "mlflow.runName", "mlflow.note"),
    "metric_key": ("m", "k"),
    "filter": ("metrics.m > 0", "name LIKE '%e%'", "tags.k = 'a' OR NOT params.p = '1'"),
    "order_by": ("metrics.m DESC", "name", "tags.k ASC"),
    "page_token": ("eyJvZmZzZXQiOiAxfQ==",),
    "model_json": (json.dumps(_MODEL),),
    "name": ("REGISTERED", "REGISTERED", "REGISTERED", "k"),
    "version": ("1", "1", "2", "3"),
    "stage": ("Production", "Staging", "None"),
    "alias": ("best", "a"),
    "model_id": ("MODEL", "MODEL", "m-" + "0" * 32),
    "webhook_id": ("WEBHOOK", "0" * 32),
    "filter_string": ("name = 'REGISTERED'", "version_number > 0", "metrics.m > 1"),
}
_WORDS = st.sampled_from(
    [
        *(*_IDS, "", " ", "m", "p", "k", "a/b", "../x", "/abs", ".", "a*b", "é", "😀", "\0"),
        *("\ud800", "x" * 251, "y" * 9000, "ACTIVE_ONLY", "ALL", "FINISHED", "mlflow.runName"),
        *("mlflow.source.name", "s3://b/p", "s3://b/p#f", "file:///etc", "{}", "[1]", "NaN", "5"),
        *("W10=", "eyJvZmZzZXQiOiAxfQ==", "metrics.m > 0", "name ASC", "1e999", "-1", "9" * 25),
    ]
)
_INTEGERS = (
    st.sampled_from([0, 1, -1, 50_000, 50_001, (1 << 63) - 1, 1 << 63, -(1 << 63) - 1])
    | st.integers()
)
_JUNK = st.recursive(
    st.none() | st.booleans() | _INTEGERS | st.floats() | _WORDS | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3),
    max_leaves=6,
)


def mostly(right: st.SearchStrategy[Any], other: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """`right` nine times of ten. The middle of the range, since its ends are drawn more often."""
    return st.integers(0, 9).flatmap(lambda n: other if n == 4 else right)


def values(kind: inspect.Type, name: str = "") -> st.SearchStrategy[Any]:
    """Values of a field of this type and name, most of them of the right kind."""
    if isinstance(kind, inspect.UnionType):
        return st.one_of([values(part, name) for part in kind.types])
    if isinstance(kind, inspect.StrType):
        right = _WORDS | SOUP
        if name in _LIKELY:
            right = mostly(st.sampled_from(_LIKELY[name]), right)
    elif isinstance(kind, inspect.IntType):
        right = _INTEGERS
    elif isinstance(kind, inspect.FloatType):
        right = st.floats() | st.sampled_from(["NaN", "Infinity", "-Infinity"])
    elif isinstance(kind, inspect.LiteralType):
        right = st.sampled_from(sorted(kind.values))
    elif isinstance(kind, inspect.ListType):
        right = st.lists(values(kind.item_type, name), max_size=4)
    elif isinstance(kind, inspect.StructType):
        right = messages(kind.cls)
    else:
        right = st.none()
    return mostly(right, right | _JUNK)


def messages(cls: type) -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects for a message: of the fields that are needed, few are missing."""
    fields = {f.encode_name: values(f.type, f.encode_name) for f in inspect.type_info(cls).fields}
    some = st.fixed_dictionaries({}, optional=fields)
    return mostly(st.fixed_dictionaries(fields), some)


async def _nothing_there(scope: Any, receive: Any, send: Any) -> None:
    """The app behind the routes, when a field makes the path another one."""
    await send({"type": "http.response.start", "status": 404, "headers": []})
    body = b'{"error_code": "ENDPOINT_NOT_FOUND", "message": "No such path."}'
    await send({"type": "http.response.body", "body": body})


class Server:
    """The RPC routes in front of a database with a little of everything in it."""

    def __init__(self, uri: str):
        self.store = tracking_store(uri, "mlflow-artifacts:/")
        self.routes = RpcRoutes(
            {"tracking": self.store, "registry": registry_store(uri)}, app=_nothing_there
        )
        self.loop = asyncio.new_event_loop()
        self.names: dict[str, str] = {}
        for prefix in ("", "DELETED-"):
            experiment = self.store.create_experiment(f"{prefix}e", None, [])
            run = self.store.create_run(experiment, "ann", 0, [], "r")
            self.names |= {f"{prefix}EXPERIMENT": experiment, f"{prefix}RUN": run.info.run_id}
        model = self.store.create_logged_model(self.names["EXPERIMENT"], "net")
        registry = self.routes._stores["registry"]
        registry.create_registered_model("REGISTERED")
        for source in ("s3://b/1", "s3://b/2"):
            registry.create_model_version("REGISTERED", source)
        event = WebhookEvent(WebhookEntity.MODEL_VERSION, WebhookAction.CREATED)
        hook = registry.create_webhook("hook", "https://example.com/hook", [event])
        self.names |= {"MODEL": model.model_id, "WEBHOOK": hook.webhook_id}
        self.store.delete_run(self.names["DELETED-RUN"])
        self.store.delete_experiment(self.names["DELETED-EXPERIMENT"])

    def named(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.names.get(value, value)
        if isinstance(value, list):
            return [self.named(item) for item in value]
        if isinstance(value, dict):
            return {key: self.named(item) for key, item in value.items()}
        return value

    def ask(self, cls: type[Rpc], message: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The status and the JSON of the answer."""
        message = self.named(message)
        endpoint = cls.endpoints[0]
        query, body = b"", b""
        if endpoint.method == "GET":
            pairs = {k: v for k, v in message.items() if v is not None}
            query = urlencode(pairs, doseq=True, errors="replace").encode()
        else:
            body = json.dumps(message).encode()
        path = FIELD.sub(lambda m: str(message.get(m[1], "m-0")), endpoint.urls()[-1])
        return self.send(endpoint.method, path, query, body)

    def send(self, method: str, path: str, query: bytes, body: bytes) -> tuple[int, dict[str, Any]]:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"content-type", b"application/json")]
        scope = {"type": "http", "method": method, "path": path, "query_string": query}
        scope["headers"] = headers
        self.loop.run_until_complete(self.routes(scope, receive, send))
        return sent[0]["status"], json.loads(sent[1]["body"])


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    server = Server(f"sqlite:///{tmp_path_factory.mktemp('fuzz')}/store.db")
    yield server
    server.routes.close(patience=10)
    server.loop.close()
    server.store.dispose()


def check(answered: tuple[int, dict[str, Any]]) -> None:
    status, answer = answered
    if status == 200:
        assert isinstance(answer, dict)
        return
    assert answer.keys() <= {"error_code", "message", "sqlstate", "error_class", "position"}
    assert answer["message"] and answer["error_code"]
    # The protocol's table makes INVALID_STATE a 500: a deleted experiment cannot be renamed.
    assert status < 500 or answer["error_code"] == "INVALID_STATE", answer


@pytest.mark.parametrize("cls", RPCS.values(), ids=RPCS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_rpc_never_fails(server, cls, data):
    check(server.ask(cls, data.draw(messages(cls))))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@example(body=b"[" * 100_000)
@example(body=b'{"name":"\xff"}')
@example(body=b'\xef\xbb\xbf{"name":"bom"}')
@given(body=st.binary() | _JUNK.map(json.dumps).map(str.encode))
def test_any_body_is_answered(server, body):
    check(server.send("POST", "/api/2.0/mlflow/experiments/create", b"", body))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(query=st.binary() | st.text(st.characters(max_codepoint=127)).map(str.encode))
def test_any_query_is_answered(server, query):
    check(server.send("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk", query, b""))


def test_nothing_was_harmed(server):
    """After all of that: what was there is there, and can be worked with."""
    run_id = server.names["RUN"]
    body = {"run_id": run_id, "metrics": [{"key": "after", "value": 1, "timestamp": 1}]}
    server.ask(RPCS["RestoreExperiment"], {"experiment_id": "EXPERIMENT"})
    server.ask(RPCS["RestoreRun"], {"run_id": "RUN"})
    assert server.ask(RPCS["LogBatch"], body) == (200, {})
    status, answer = server.ask(RPCS["GetRun"], {"run_id": run_id})
    assert status == 200
    assert "after" in {metric["key"] for metric in answer["run"]["data"]["metrics"]}
