"""Every RPC is documented, guarded, described in OpenAPI, and looks as the reference's does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from msgspec import inspect

from mlflow.rpc import all_rpcs
from mlflow.rpc.declare import Action, Entity, Rpc
from mlflow.rpc.export import streams
from mlflow.rpc.wire import Wire
from mlflow.server.openapi import document
from mlflow.utils.tabular import FORMATS

TABLE: dict[str, Any] = {"rpcs": {}, "messages": {}, "enums": {}}
for _topic in ("tracking", "registry", "webhooks"):
    _part = json.loads((Path(__file__).parents[1] / f"data/rest-api-{_topic}.json").read_text())
    for _kind, _described in TABLE.items():
        _described.update(_part[_kind])
OF_TRACES = json.loads((Path(__file__).parents[1] / "data/rest-api-traces.json").read_text())[
    "rpcs"
]
RPCS = {cls.__name__: cls for cls in all_rpcs()}
STREAMS = {cls.__name__: cls for cls in streams()}
EVERY = {**RPCS, **STREAMS}

#: RPCs that are routes of another kind in the reference: no message describes them.
NOT_IN_THE_TABLE = {"GetMetricHistoryBulk"}
#: RPCs that only we have.
OURS = {
    *("AdoptExperiment", "AdoptLoggedModel", "AdoptRun"),
    *("GetMetricCharts", "GetMetricDigests", "GetTraceLinks", "LogTraces", "ReadTraces"),
    *("GetRegistryHistory", "GetVersionsAt", "RollBack"),
    *("SetStagePolicy", "DeleteStagePolicy", "GetStagePolicies"),
    *("RequestStage", "GetStageRequests", "ReviewStageRequest"),
    # of the web UI
    *("GetExperimentOverviews", "GetMainMetric", "GetDatasetOverviews"),
    *("FindRuns", "GetRunRows", "GetRunColumns", "GetRunValues", "GetRuns"),
    *("GetLastChanges", "FindTraces", "GetTraceRows", "GetTraceHistogram"),
}
#: RPCs of the table that `mlflow.server.artifacts` answers.
ARTIFACTS = {
    *("listArtifacts", "listLoggedModelArtifacts"),
    *("createPresignedUploadUrl", "createPresignedDownloadUrl"),
}
IN_THE_TABLE = sorted(TABLE["rpcs"].keys() - ARTIFACTS)


def named(name: str) -> type[Rpc]:
    """Our RPC of the table's name."""
    return RPCS[name[0].upper() + name[1:]]


# -- documentation and rights ------------------------------------------------------------------


@pytest.mark.parametrize("cls", EVERY.values(), ids=EVERY)
def test_rpc_is_documented_and_guarded(cls):
    first = (cls.__dict__.get("__doc__") or "").strip().split("\n\n")[0]
    assert first.endswith(".") and len(first) > 10
    entity, action = cls.needs
    assert entity in get_args(Entity)
    assert action in get_args(Action)
    if action == "read":
        assert cls.idempotent or {e.method for e in cls.endpoints} == {"GET"}
    else:
        assert "GET" not in {e.method for e in cls.endpoints}, "a GET must change nothing"


def test_no_two_rpcs_share_a_route():
    routes = [(e.method, url) for cls in EVERY.values() for e in cls.endpoints for url in e.urls()]
    assert len(routes) == len(set(routes))


# -- OpenAPI -----------------------------------------------------------------------------------

_SCHEMA_WORDS = {
    *("$ref", "type", "properties", "required", "items", "anyOf", "enum", "default", "title"),
    *("description", "minimum", "maximum", "minLength", "additionalProperties"),
}
_TYPES = {"object", "array", "string", "integer", "number", "boolean", "null"}


def operations():
    return [
        (path, method, operation)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    ]


@pytest.mark.parametrize("cls", EVERY.values(), ids=EVERY)
def test_rpc_is_in_openapi(cls):
    paths = document()["paths"]
    for endpoint in cls.endpoints:
        for url in endpoint.urls():
            operation = paths[url][endpoint.method.lower()]
            assert operation["summary"] == " ".join(cls.__doc__.split("\n\n")[0].split())
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if endpoint.method == "GET":
                names = {parameter["name"] for parameter in operation["parameters"]}
                assert names == {f.encode_name for f in inspect.type_info(cls).fields}
                assert body is None
            else:
                assert body == {"schema": {"$ref": f"#/components/schemas/{cls.__name__}"}}


def test_openapi_is_well_formed():
    described = document()
    assert re.fullmatch(r"3\.1\.\d", described["openapi"])
    assert described["info"]["title"] and described["info"]["version"]
    assert json.loads(json.dumps(described, allow_nan=False)) == described
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids))
    for path, method, operation in operations():
        assert path.startswith("/")
        parameters = operation.get("parameters", [])
        in_path = [p["name"] for p in parameters if p["in"] == "path" and p["required"]]
        assert sorted(in_path) == sorted(re.findall(r"{(\w+)}", path))
        assert method in ("get", "post", "put", "patch", "delete")
        assert operation["responses"].keys() >= {"200", "default"}
        for response in operation["responses"].values():
            assert response["description"]
            if content := response["content"].get("application/json"):
                check_schema(content["schema"], described)
            else:
                assert set(response["content"]) == set(FORMATS.values())
        for parameter in operation.get("parameters", []):
            assert parameter["in"] in ("path", "query") and isinstance(parameter["required"], bool)
            check_schema(parameter["schema"], described)
    for schema in described["components"]["schemas"].values():
        check_schema(schema, described)


def check_schema(schema: dict[str, Any], described: dict[str, Any]) -> None:
    """A JSON schema uses known words rightly, and what it refers to is there."""
    assert schema.keys() <= _SCHEMA_WORDS
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/components/schemas/")
        assert name in described["components"]["schemas"]
    assert schema.get("type", "object") in _TYPES
    properties = schema.get("properties", {})
    assert set(schema.get("required", [])) <= properties.keys()
    for part in [*properties.values(), *schema.get("anyOf", [])]:
        check_schema(part, described)
    for part in ("items", "additionalProperties"):
        if part in schema:
            check_schema(schema[part], described)


# -- the table of the reference ----------------------------------------------------------------

#: Why a route of ours is not the table's.
OTHER_ROUTES = {
    # Its path lacks a slash in the reference's descriptors, but not in what its client calls.
    "searchDatasets": {
        ("POST", f"{prefix}/2.0/mlflow/experiments/search-datasets")
        for prefix in ("/api", "/ajax-api")
    },
}
#: Fields that only we have, or that only we need: (RPC, path of the field).
ONLY_OURS = {
    ("logModel", "run_uuid"): "the old name of run_id, as in its neighbours",
    ("logBatch", "writer_id"): "a batch that comes again is stored once",
    ("logBatch", "writer_after"): "its place in what the writer sends",
    ("logBatch", "writer_sequence"): "the same",
    ("getLoggedModel", "allow_deleted"): "the reference takes it, but does not describe it",
}
#: Fields of answers, absent unless the request has a field that only we have.
ANSWERED_BY_OURS = {("logBatch", "writer_sequence")}
#: Fields that the table does not mark, but that the reference refuses to miss: see
#: errors-tracking.json.
NEEDED_TOO = {
    ("updateExperiment", "new_name"),
    ("logBatch", "run_id"),
    ("logBatch", "metrics.value"),
    ("logBatch", "metrics.timestamp"),
    ("logModel", "model_json"),
    ("renameRegisteredModel", "new_name"),
}
#: What a webhook listens to.
EVENTS = {
    (rpc, f"{field}.{part}")
    for rpc, field in (
        ("createWebhook", "events"),
        ("updateWebhook", "events"),
        ("testWebhook", "event"),
    )
    for part in ("entity", "action")
}
#: Marked in the table, but the reference takes requests without them. Ours is refused by the store.
TOLD_BY_THE_STORE = {
    ("logInputs", "datasets.tags.key"),
    ("logInputs", "datasets.tags.value"),
    ("searchLoggedModels", "datasets.dataset_name"),
    ("searchLoggedModels", "order_by.field_name"),
    ("createWebhook", "events"),
    *EVENTS,
}
#: Where the table has an enum, but the reference takes any word for an unspecified one.
ANY_WORD = {("finalizeLoggedModel", "status")}
#: Words of the table that no answer has and that say nothing in a request.
NEVER_SAID = {"ENTITY_UNSPECIFIED", "ACTION_UNSPECIFIED"}


@pytest.mark.parametrize("name", IN_THE_TABLE)
def test_routes_are_those_of_the_reference(name):
    described = TABLE["rpcs"][name]
    theirs = {(e["method"], url) for e in described["endpoints"] for url in e["served"]}
    ours = {(e.method, url) for e in named(name).endpoints for url in e.urls()}
    assert ours == OTHER_ROUTES.get(name, theirs)


# Messages of traces hold messages of OpenTelemetry, maps and free values, which no table here
# describes: recorded exchanges do (`test_recorded_traces.py`).
@pytest.mark.parametrize("name", OF_TRACES)
def test_routes_and_fields_of_traces_are_those_of_the_reference(name):
    described = OF_TRACES[name]
    theirs = {
        (e["method"], url.replace("{assessment.trace_id}", "{trace_id}"))
        for e in described["endpoints"]
        for url in e["served"]
    }
    assert {(e.method, url) for e in named(name).endpoints for url in e.urls()} == theirs
    ours = {field.encode_name for field in inspect.type_info(named(name)).fields}
    in_url = set(re.findall(r"{(\w+)}", named(name).endpoints[0].path))
    assert set(described["fields"]) <= ours
    assert ours - set(described["fields"]) <= in_url


def test_no_rpc_is_ours_alone():
    names = {*TABLE["rpcs"], *OF_TRACES}
    theirs = {name[0].upper() + name[1:] for name in names} | NOT_IN_THE_TABLE
    assert set(RPCS) <= theirs | OURS


@pytest.mark.parametrize("name", IN_THE_TABLE)
def test_request_fields_are_those_of_the_reference(name):
    ours, theirs = fields(named(name)), fields_of_table(TABLE["rpcs"][name]["request"])
    known = {path for rpc, path in ONLY_OURS if rpc == name}
    assert ours.keys() - theirs.keys() == known
    assert theirs.keys() - ours.keys() == set()
    kinds = {
        path: (ours[path][0], theirs[path][0])
        for path in ours.keys() & theirs.keys()
        if (name, path) not in ANY_WORD
    }
    assert {path: both for path, both in kinds.items() if both[0] != both[1]} == {}
    needed = {path for path in ours.keys() & theirs.keys() if ours[path][1]}
    theirs_needed = {path for path in ours.keys() & theirs.keys() if theirs[path][1]}
    assert needed - theirs_needed == {path for rpc, path in NEEDED_TOO if rpc == name}
    told = {path for rpc, path in TOLD_BY_THE_STORE if rpc == name}
    in_url = set(re.findall(r"{(\w+)}", named(name).endpoints[0].path))
    assert theirs_needed - needed == told | in_url


#: Answers that the reference leaves empty, whatever the table says.
EMPTY = {"setLoggedModelTags"}


@pytest.mark.parametrize("name", [name for name in IN_THE_TABLE if name not in EMPTY])
def test_answer_fields_are_those_of_the_reference(name):
    ours = fields(named(name).response)
    theirs = fields_of_table(TABLE["rpcs"][name]["response"])
    # of a hosted product, never said by the reference's own server
    theirs = {path: kind for path, kind in theirs.items() if "deployment_job" not in path}
    if name == "getMetricHistoryBulkInterval":
        # it answers with metrics, of which it leaves three fields empty
        for field in ("model_id", "dataset_name", "dataset_digest"):
            del ours[f"metrics.{field}"]
    for _, field in (x for x in ANSWERED_BY_OURS if x[0] == name):
        del ours[field]
    assert {path: kind for path, (kind, _) in ours.items()} == {
        path: kind for path, (kind, _) in theirs.items()
    }


Fields = dict[str, tuple[str, bool]]
"""Path to (kind, needed). The path is the field's name, behind those of the messages around it."""


def fields(cls: type[Wire], below: str = "") -> Fields:
    """The fields of a message of ours."""
    found: Fields = {}
    for field in inspect.type_info(cls).fields:
        path = below + field.encode_name
        kind, inner = kind_of(field.type)
        found[path] = (kind, field.required)
        if inner is not None:
            found |= fields(inner, path + ".")
    return found


def kind_of(t: inspect.Type) -> tuple[str, type[Wire] | None]:
    """A field's type as the table writes it, and the message inside it."""
    if isinstance(t, inspect.UnionType):
        parts = [part for part in t.types if not isinstance(part, inspect.NoneType)]
        # a double is a number or one of the words for NaN and the infinities
        t = next((part for part in parts if isinstance(part, inspect.FloatType)), parts[0])
    if isinstance(t, inspect.ListType):
        kind, inner = kind_of(t.item_type)
        return f"{kind} repeated", inner
    if isinstance(t, inspect.StructType):
        return "message", t.cls
    if isinstance(t, inspect.LiteralType):
        return "one of " + ", ".join(sorted(t.values)), None
    names = {inspect.StrType: "string", inspect.IntType: "int64", inspect.FloatType: "double"}
    names[inspect.BoolType] = "bool"
    return names[type(t)], None


def fields_of_table(message: str, below: str = "") -> Fields:
    """The fields of a message of the table."""
    found: Fields = {}
    for field in TABLE["messages"][message]:
        path, of = below + field["name"], field["type"]
        if of in TABLE["messages"]:
            kind = "message"
        elif of in TABLE["enums"]:
            kind = "one of " + ", ".join(sorted(TABLE["enums"][of].keys() - NEVER_SAID))
        else:
            kind = "int64" if of == "int32" else of
        repeated = " repeated" if field["label"] == "repeated" else ""
        found[path] = (kind + repeated, field.get("validate_required", False))
        if kind == "message":
            found |= fields_of_table(of, path + ".")
    return found
