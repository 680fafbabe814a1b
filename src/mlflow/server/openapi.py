"""The OpenAPI document, made from the declarations of the RPCs."""

from __future__ import annotations

from typing import Any

import msgspec

from mlflow.rpc import all_rpcs
from mlflow.rpc.declare import FIELD, STREAMS, Rpc
from mlflow.rpc.export import streams
from mlflow.utils.tabular import FORMATS
from mlflow.version import VERSION

_REF = "#/components/schemas/{name}"


def document() -> dict[str, Any]:
    """The whole document, version 3.1."""
    rpcs = [*all_rpcs(), *streams()]
    types = [cls for rpc in rpcs for cls in (rpc, rpc.response)]
    schemas, components = msgspec.json.schema_components(
        list(dict.fromkeys(types)), ref_template=_REF
    )
    schema_of = dict(zip(dict.fromkeys(types), schemas))
    for schema in components.values():
        # strict only inside: unknown fields are ignored
        schema.pop("additionalProperties", None)
    components["Error"] = {
        "type": "object",
        "required": ["error_code", "message"],
        "properties": {
            "error_code": {"type": "string"},
            "message": {"type": "string"},
            "sqlstate": {"type": "string"},
            "error_class": {"type": "string"},
            "position": {"type": "integer"},
        },
    }
    paths: dict[str, Any] = {}
    for rpc in rpcs:
        for endpoint in rpc.endpoints:
            for url in endpoint.urls():
                operation = _operation(rpc, endpoint.method, url, schema_of, components)
                paths.setdefault(url, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Headrace", "version": VERSION},
        "paths": paths,
        "components": {"schemas": components},
    }


def _operation(
    rpc: type[Rpc],
    method: str,
    url: str,
    schema_of: dict[type, Any],
    components: dict[str, Any],
) -> dict[str, Any]:
    browser = "Ajax" if url.startswith("/ajax-api") else ""
    operation: dict[str, Any] = {
        "operationId": f"{browser}{rpc.__name__}"
        + ("ByGet" if method == "GET" and len(rpc.endpoints) > 1 else ""),
        "summary": " ".join((rpc.__doc__ or "").split("\n\n")[0].split()),
        "responses": {
            "200": _table() if rpc in STREAMS else _json("Done.", schema_of[rpc.response]),
            "default": _json("Refused.", {"$ref": _REF.format(name="Error")}),
        },
    }
    schema = components[rpc.__name__]
    in_path = set(FIELD.findall(url))
    parameters = [
        {
            "name": name,
            "in": "path" if name in in_path else "query",
            "required": name in in_path or name in schema.get("required", []),
            "schema": kind,
        }
        for name, kind in schema.get("properties", {}).items()
        if method == "GET" or name in in_path
    ]
    if parameters:
        operation["parameters"] = parameters
    if method != "GET":
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema_of[rpc]}},
        }
    return operation


def _table() -> dict[str, Any]:
    return {"description": "A table.", "content": {media: {} for media in FORMATS.values()}}


def _json(description: str, schema: Any) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
