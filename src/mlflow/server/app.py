"""The server's ASGI app: security first, then RPCs, then everything else."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.rpc.experiments import CreateExperiment
from mlflow.server import artifacts, pages
from mlflow.server.artifact_places import Places
from mlflow.server.config import ServerConfig
from mlflow.server.errors import on_error, on_http_error
from mlflow.server.rpc_routes import App, RpcRoutes, rpc_table
from mlflow.server.security import SecurityMiddleware
from mlflow.store.artifact.artifact_repo import MultipartDownloadMixin, MultipartUploadMixin
from mlflow.version import VERSION


def create_app(config: ServerConfig) -> App:
    """The app that serves what `config` says.

    Raises:
        MlflowException: If the backend store cannot be opened.
    """
    store = None
    places = Places(config)

    def server_info(request: Request) -> Response:
        """What a client asks before it uses what is optional."""
        repository = places.proxied().repository if config.serve_artifacts else None
        return JSONResponse(
            {
                "store_type": "SqlStore",
                "workspaces_enabled": False,
                "trace_archival_enabled": False,
                "multipart_uploads_enabled": isinstance(repository, MultipartUploadMixin),
                "multipart_downloads_enabled": isinstance(repository, MultipartDownloadMixin),
                "presigned_upload_run_id_supported": True,
                "presigned_upload_model_id_supported": False,
                "features_enabled": {"gateway": False},
            }
        )

    routes: list[BaseRoute] = [
        Route("/health", _health),
        Route("/version", _version),
    ]
    if not config.artifacts_only:
        from mlflow.store.tracking.resolve import tracking_store

        store = tracking_store(config.backend_store_uri, config.artifact_root)
        routes += [
            Route("/api/3.0/mlflow/server-info", server_info),
            Route("/ajax-api/3.0/mlflow/server-info", server_info),
            Route("/openapi.json", _openapi),
            *_wrong_methods(),
        ]
    else:
        routes += _closed()
    routes += artifacts.routes(config, store)
    if not config.artifacts_only:
        routes += pages.routes(config, store)
    if config.static_prefix:
        routes = [
            Route("/health", _health),
            Route("/version", _version),
            Mount(config.static_prefix, routes=routes),
        ]

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        if rpcs is not None:
            rpcs.close()

    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        exception_handlers={
            MlflowException: on_error,
            HTTPException: on_http_error,
            Exception: on_error,
        },
    )
    app.router.redirect_slashes = False  # a path with one slash more is another path
    guards = {CreateExperiment: lambda request: places.check(request.artifact_location)}
    rpcs = RpcRoutes(store, app, config.static_prefix, guards) if store is not None else None
    return SecurityMiddleware(rpcs or app, config)


async def _health(request: Request) -> Response:
    return PlainTextResponse("OK")


async def _version(request: Request) -> Response:
    return PlainTextResponse(VERSION)


async def _openapi(request: Request) -> Response:
    from mlflow.server.openapi import document

    return JSONResponse(document())


def _wrong_methods() -> list[Route]:
    """Routes at the RPCs' paths that make the router answer 405 for other methods."""
    methods: dict[str, list[str]] = {}
    for method, path in rpc_table():
        methods.setdefault(path, []).append(method)
    return [Route(path, _unreachable, methods=allowed) for path, allowed in methods.items()]


def _closed() -> list[Route]:
    """Routes at the RPCs' paths that say why they are closed, on a server of artifacts only."""

    async def closed(request: Request) -> Any:
        raise MlflowException(
            artifacts.no_tracking(request.url.path), error_code=CODES["TEMPORARILY_UNAVAILABLE"]
        )

    return [Route(path, closed, methods=[method]) for method, path in rpc_table()]


async def _unreachable(request: Request) -> Any:
    raise AssertionError("answered by RpcRoutes")
