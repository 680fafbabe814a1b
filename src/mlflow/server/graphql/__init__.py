"""`/graphql`: some of the RPCs once more, as MLflow's own web pages ask for them.

The types are in `schema.graphql`; what a field has comes from the answer of the RPC of its name. No
type leads back to itself, so a query is only as deep as the types are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from mlflow.environment_variables import (
    MLFLOW_SERVER_GRAPHQL_MAX_ALIASES,
    MLFLOW_SERVER_GRAPHQL_MAX_ROOT_FIELDS,
)
from mlflow.exceptions import MlflowException
from mlflow.rpc.declare import Rpc
from mlflow.rpc.experiments import GetExperiment
from mlflow.rpc.inputs import SearchDatasets
from mlflow.rpc.metrics import GetMetricHistoryBulkInterval
from mlflow.rpc.model_versions import SearchModelVersions
from mlflow.rpc.runs import GetRun, SearchRuns
from mlflow.rpc.wire import decode
from mlflow.server.errors import error_body
from mlflow.server.json_body import check_headers, read_body

_MAX_BODY = 1 << 20
_MAX_TOKENS = 2000
#: Versions of a run that are told.
_VERSIONS = 100

_RPCS: Mapping[str, type[Rpc]] = {
    "mlflowGetExperiment": GetExperiment,
    "mlflowGetRun": GetRun,
    "mlflowSearchRuns": SearchRuns,
    "mlflowSearchDatasets": SearchDatasets,
    "mlflowSearchModelVersions": SearchModelVersions,
    "mlflowGetMetricHistoryBulkInterval": GetMetricHistoryBulkInterval,
}

Listing = Callable[[str, "str | None"], Mapping[str, Any]]


class GraphQL:
    """The endpoint.

    Args:
        stores: As `RpcRoutes` has them.
        list_artifacts: The files of a run, below a path.
    """

    def __init__(self, stores: Mapping[str, Any], list_artifacts: Listing):
        self._stores = stores
        self._list_artifacts = list_artifacts

    def routes(self) -> list[BaseRoute]:
        return [Route("/graphql", self._answer, methods=["POST"])]

    async def _answer(self, request: Request) -> Response:
        check_headers(request.scope["headers"], _MAX_BODY)
        body = await read_body(request.receive, _MAX_BODY)
        return JSONResponse(await run_in_threadpool(self.execute, body))

    def execute(self, body: bytes) -> dict[str, Any]:
        """What is answered: `data`, and the messages of `errors`.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if the body is no request at all.
        """
        import graphql

        asked = _asked(body)
        try:
            document = graphql.parse(asked.query, max_tokens=_MAX_TOKENS)
            errors = graphql.validate(self._schema, document, max_errors=10)
        except graphql.GraphQLError as error:
            errors = [error]
        if not errors:
            errors = _limits(document)
        if errors:
            return {"data": None, "errors": [error.message for error in errors]}
        result = graphql.execute_sync(
            self._schema,
            document,
            variable_values=asked.variables or {},
            operation_name=asked.operation_name,
            field_resolver=self._resolve,
        )
        said = [_message(error) for error in result.errors or ()]
        return {"data": result.data, "errors": said or None}

    @cached_property
    def _schema(self) -> Any:
        import graphql

        return graphql.build_schema((Path(__file__).parent / "schema.graphql").read_text())

    def _resolve(self, source: Any, info: Any, **arguments: Any) -> Any:
        name, kind = info.field_name, info.parent_type.name
        if kind in ("Query", "Mutation"):
            return self._root(name, arguments)
        if kind == "MlflowRunExtension":
            if name == "experiment":
                of = source.info.experiment_id
                return self._call(GetExperiment, {"experiment_id": of}).experiment
            if name == "modelVersions":
                search = {"filter": f"run_id = '{source.info.run_id}'", "max_results": _VERSIONS}
                return self._call(SearchModelVersions, search).model_versions
        key = _snake(name)
        value = source.get(key) if isinstance(source, Mapping) else getattr(source, key, None)
        return _written(value, str(info.return_type).rstrip("!"))

    def _root(self, name: str, arguments: Mapping[str, Any]) -> Any:
        if name in ("test", "testMutation"):
            return {"output": arguments.get("inputString")}
        fields = {_snake(key): value for key, value in (arguments.get("input") or {}).items()}
        if name == "mlflowListArtifacts":
            run_id = fields.get("run_id") or fields.get("run_uuid")
            if not run_id:
                raise MlflowException.invalid_parameter_value(
                    "Missing value for required parameter 'run_id'."
                )
            return self._list_artifacts(run_id, fields.get("path"))
        return self._call(_RPCS[name], fields)

    def _call(self, rpc: type[Rpc], fields: Mapping[str, Any]) -> Any:
        return decode(rpc, msgspec.json.encode(fields)).answer(self._stores[rpc.store])


class _Asked(msgspec.Struct, rename="camel"):
    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None


def _asked(body: bytes) -> _Asked:
    try:
        return msgspec.json.decode(body, type=_Asked)
    except msgspec.MsgspecError as error:
        raise MlflowException.invalid_parameter_value(
            f"The body is no GraphQL request, an object with a 'query': {error}."
        ) from None


def _limits(document: Any) -> list[Any]:
    """What is wrong with how much is asked for at once."""
    import graphql

    most_fields = MLFLOW_SERVER_GRAPHQL_MAX_ROOT_FIELDS.get()
    most_aliases = MLFLOW_SERVER_GRAPHQL_MAX_ALIASES.get()
    found = []
    for definition in document.definitions:
        selections = definition.selection_set.selections
        if len(selections) > most_fields:
            found.append((len(selections), "root fields", most_fields))
    counter = _Aliases()
    graphql.visit(document, counter)
    if counter.count > most_aliases:
        found.append((counter.count, "aliases", most_aliases))
    return [
        graphql.GraphQLError(
            f"GraphQL queries should have at most {most} {what}, got {count} {what}. To increase "
            "the limit, set the MLFLOW_SERVER_GRAPHQL_MAX_"
            f"{what.replace(' ', '_').upper()} environment variable."
        )
        for count, what, most in found
    ]


def _Aliases() -> Any:
    import graphql

    class Aliases(graphql.Visitor):
        count = 0

        def enter_field(self, node: Any, *_: Any) -> None:
            self.count += node.alias is not None

    return Aliases()


def _message(error: Any) -> str:
    """What a client is told; stack traces go to the log."""
    original = error.original_error
    if original is None or isinstance(original, MlflowException):
        return error.message
    return msgspec.json.decode(error_body(original)[1])["message"]


def _written(value: Any, kind: str) -> Any:
    """A value of an RPC's answer as GraphQL has it, where a NaN is nothing."""
    if kind == "LongString":
        return None if value is None else str(value)
    if kind == "Float":
        number = math.nan if value is None else float(value)
        return number if math.isfinite(number) else None
    if kind.startswith("[") and value is None:
        return []
    return value


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda m: f"_{m[1].lower()}", name)
