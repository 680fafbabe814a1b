"""Tables of any length over HTTP, for programs that read CSV or Arrow: pandas, polars, DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any
from urllib.parse import parse_qsl

from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from mlflow.rpc.experiments import VIEWS
from mlflow.rpc.export import Export, ExportMetrics, ExportRuns, streams
from mlflow.rpc.wire import decode_query
from mlflow.server.artifact_bodies import SAFE
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.store.tracking.export import find_runs, history_table, run_table
from mlflow.utils.tabular import FORMATS, Table, encoded

#: What the Accept header may ask for.
_ACCEPTED = {media: name for name, media in FORMATS.items()}


def routes(store: AbstractStore) -> list[BaseRoute]:
    """The routes of all requests whose answer is a stream."""
    return [
        Route(url, _Exporter(store, cls), methods=[endpoint.method])
        for cls in streams()
        for endpoint in cls.endpoints
        for url in endpoint.urls()
    ]


class _Exporter:
    """An endpoint: an ASGI app that answers one kind of request."""

    def __init__(self, store: AbstractStore, cls: type[Any]):
        self._store = store
        self._cls = cls

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        response = await run_in_threadpool(self._answer, request)
        await response(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        """The answer with its first piece read, so that what is wrong is said by a status."""
        pairs = parse_qsl(request.url.query, keep_blank_values=True)
        asked = decode_query(self._cls, pairs)
        kind = asked.format or _preferred(request.headers.get("accept", ""))
        pieces = encoded(_table(self._store, asked), kind, verbatim=bool(asked.verbatim))
        media = FORMATS[kind]
        name = "runs" if self._cls is ExportRuns else "metrics"
        headers = {
            **SAFE,
            "Content-Disposition": f'attachment; filename="{name}.{kind}"',
            "Cache-Control": "no-store",
            "Vary": "Accept",
        }
        first = _first_of(pieces)
        if request.method == "HEAD":
            return StreamingResponse(iter(()), headers=headers, media_type=media)
        body = iterate_in_threadpool(chain(first, pieces))
        return StreamingResponse(body, headers=headers, media_type=media)


def _first_of(pieces: Iterator[bytes]) -> list[bytes]:
    """What comes up to the first rows."""
    found = []
    for piece in pieces:
        found.append(piece)
        if len(found) == 2:
            break
    return found


def _table(store: AbstractStore, asked: Export) -> Table:
    runs = find_runs(
        store,
        asked.experiment_ids or None,
        asked.filter,
        VIEWS[asked.run_view_type or "ACTIVE_ONLY"],
        asked.run_ids,
    )
    if isinstance(asked, ExportMetrics):
        ids = (run.info.run_id for run in runs)
        return history_table(store, ids, asked.metric_keys or None)
    return run_table(runs)


def _preferred(accept: str) -> Any:
    """The format that an Accept header names first; weights are not looked at."""
    for part in accept.split(","):
        name = _ACCEPTED.get(part.partition(";")[0].strip().lower())
        if name:
            return name
    return "csv"
