"""What the web UI shows of artifacts besides the files themselves: rows of Parquet files, folders
as one file, and documents in a frame."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from mlflow.exceptions import MlflowException
from mlflow.server.artifact_bodies import SAFE, send
from mlflow.server.artifact_places import Place, Places
from mlflow.server.artifacts import guarded
from mlflow.server.config import ServerConfig
from mlflow.server.framed import KINDS, headers_for_frame
from mlflow.server.packed_answers import packed
from mlflow.server.parquet_rows import rows_of
from mlflow.server.security import frame_ancestors
from mlflow.server.workers import Workers, one_by_one
from mlflow.server.zip_stream import files_to_pack, safe_name, zipped
from mlflow.store.artifact.location import steps
from mlflow.store.artifact.media_type import attachment
from mlflow.store.tracking.abstract_store import AbstractStore

MOST_ROWS = 1000
_ROWS = 200
_READERS = 2
"""Parquet files that are read at the same time; each may take some 100 MB."""


def routes(config: ServerConfig, store: AbstractStore) -> list[BaseRoute]:
    """The routes; `store` knows where the artifacts of runs and logged models are."""
    previews = _Previews(config, store)
    return [
        Route("/ajax-api/ui/artifacts/table", guarded(previews.table), methods=["GET"]),
        Route("/ajax-api/ui/artifacts/zip", guarded(previews.zip), methods=["GET"]),
        Route("/ajax-api/ui/artifacts/view", guarded(previews.view), methods=["GET"]),
    ]


class _Previews:
    def __init__(self, config: ServerConfig, store: AbstractStore):
        self._places = Places(config)
        self._store = store
        self._framed_by = frame_ancestors(config)
        self._readers = Workers(one_by_one, "tables", threads=_READERS)

    async def table(self, request: Request) -> Response:
        query = request.query_params
        path = _path(request)
        rows = _whole(query.get("rows"), "rows", _ROWS, MOST_ROWS)
        offset = _whole(query.get("offset"), "offset", 0, (1 << 63) - 1)
        asked = request.scope["headers"]

        def read() -> Any:
            place, _ = self._found(request)
            file = place.open(steps(path))
            try:
                found = rows_of(file, rows, offset)
            finally:
                file.close()
            return packed(msgspec.json.encode(found), asked, tagged=True)

        answer = await self._readers.do(read)
        headers = {name.decode(): value.decode() for name, value in answer.headers}
        if answer.status == 304:
            return Response(status_code=304, headers={**SAFE, **headers})
        return Response(answer.body, headers={**SAFE, **headers}, media_type="application/json")

    async def zip(self, request: Request) -> Response:
        below = steps(request.query_params.get("path"))

        def find() -> tuple[Place, str, list[Any]]:
            place, owner = self._found(request)
            return place, below[-1] if below else owner, files_to_pack(place, below)

        place, name, files = await run_in_threadpool(find)
        name = safe_name(name)
        headers = {
            **SAFE,
            "Content-Disposition": attachment(f"{name}.zip"),
            "Cache-Control": "no-store",
        }
        if request.method == "HEAD":
            return Response(headers=headers, media_type="application/zip")
        return _Pieces(zipped(place, below, files, name), headers)

    async def view(self, request: Request) -> Response:
        path = _path(request)
        kind = KINDS.get(path.rpartition(".")[2].lower())
        if kind is None:
            raise MlflowException.invalid_parameter_value(
                f"'{path}' cannot be shown in a frame; {', '.join(sorted(KINDS))} can."
            )
        scripts = request.query_params.get("scripts") == "true"
        where = request.headers.get("sec-fetch-dest")
        place, _ = await run_in_threadpool(self._found, request)
        headers = headers_for_frame(path, kind, scripts, where, self._framed_by)
        return await send(request, place, path, headers)

    def _found(self, request: Request) -> tuple[Place, str]:
        """The place that is asked about, and the name of what it belongs to."""
        query = request.query_params
        run_id, model_id = query.get("run_id"), query.get("model_id")
        if bool(run_id) == bool(model_id):
            raise MlflowException.invalid_parameter_value(
                "Exactly one of run_id and model_id must be provided."
            )
        if run_id:
            info = self._store.get_run(run_id).info
            return self._places.of_uri(info.artifact_uri), info.run_name or run_id
        assert model_id is not None
        model = self._store.get_logged_model(model_id)
        return self._places.of_uri(model.artifact_location), model.name or model_id


class _Pieces(StreamingResponse):
    """What a generator gives, as the client takes it; it is closed when the client has gone."""

    media_type = "application/zip"

    def __init__(self, pieces: Any, headers: dict[str, str]):
        self._pieces = pieces
        super().__init__(self._read(), headers=headers)

    async def _read(self) -> Any:
        while piece := await run_in_threadpool(next, self._pieces, b""):
            yield piece

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await run_in_threadpool(self._pieces.close)


def _path(request: Request) -> str:
    """The path of the file that is asked for."""
    path = request.query_params.get("path")
    if not path:
        raise MlflowException.invalid_parameter_value("Request must specify path.")
    if not steps(path) or path.endswith("/"):
        raise MlflowException.invalid_parameter_value(
            f"Artifact path refers to a directory, not a file: '{path}'"
        )
    return path


def _whole(text: str | None, name: str, default: int, most: int) -> int:
    if text is None:
        return default
    if text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= most:
        return int(text)
    raise MlflowException.invalid_parameter_value(
        f"Invalid value '{text}' for parameter '{name}'; a number from 0 to {most} is needed."
    )
