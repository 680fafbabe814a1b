"""What a trace has as files: its spans, and the attachments of them."""

from __future__ import annotations

import json
import uuid
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException, MlflowTracingException
from mlflow.server.artifact_bodies import SAFE, send
from mlflow.server.artifact_places import Places
from mlflow.server.artifacts import guarded
from mlflow.server.config import ServerConfig
from mlflow.store.artifact.location import steps
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.utils.uri import append_to_uri_path

NEEDS = ("trace", "read")
#: Where clients of old put the spans, among the artifacts of the trace.
SPANS_FILE = "traces.json"
_ATTACHMENTS = "attachments"


def routes(config: ServerConfig, store: AbstractStore) -> list[BaseRoute]:
    """The routes to a trace's files."""
    places = Places(config)

    async def download(request: Request) -> Response:
        trace_id = request.query_params.get("request_id")
        if not trace_id:
            raise MlflowException(
                "Request must include the request_id query parameter.",
                error_code=CODES["BAD_REQUEST"],
            )
        path = request.query_params.get("path")
        if path:
            _check_attachment(path)
            place = await run_in_threadpool(_place, store, places, trace_id)
            return await send(request, place, f"{_ATTACHMENTS}/{path}")
        spans = await run_in_threadpool(_stored_spans, store, trace_id)
        if spans is not None:
            # Spans are what clients wrote: no browser shall render or sniff them.
            headers = {**SAFE, **_named(SPANS_FILE), "content-type": "text/plain"}
            return Response(spans, headers=headers)
        place = await run_in_threadpool(_place, store, places, trace_id)
        return await send(request, place, SPANS_FILE)

    return [
        Route(f"/ajax-api/{version}/mlflow/get-trace-artifact", guarded(download), methods=["GET"])
        for version in ("2.0", "3.0")
    ]


def _named(name: str) -> dict[str, str]:
    return {"content-disposition": f"attachment; filename={name}"}


def _check_attachment(path: str) -> None:
    try:
        uuid.UUID(path)
    except ValueError:
        raise MlflowException.invalid_parameter_value(
            f"Invalid attachment path: '{path[:200]}'. Attachment path must be a valid UUID.",
            sqlstate="KAM04",
            error_class="ATTRIBUTE_NOT_FOUND",
        ) from None


def _stored_spans(store: AbstractStore, trace_id: str) -> bytes | None:
    """The spans as a file has them; None if they are in one."""
    try:
        spans = store.get_trace(trace_id, allow_partial=True).data.spans
    except MlflowTracingException:
        return None
    texts = ",".join(json.dumps(span.to_dict()) for span in spans)
    return f'{{"spans":[{texts}]}}'.encode()


def _place(store: AbstractStore, places: Places, trace_id: str) -> Any:
    """Where the files of a trace are. The experiment says so, and never a tag: clients write
    those."""
    info = store.get_trace_info(trace_id)
    if len(steps(trace_id)) != 1:
        raise MlflowException.invalid_parameter_value(
            f"Trace '{trace_id[:200]}' has no files: its id is no name of a folder."
        )
    root = store.get_experiment(str(info.experiment_id)).artifact_location
    return places.of_uri(append_to_uri_path(root, "traces", trace_id, "artifacts"))
