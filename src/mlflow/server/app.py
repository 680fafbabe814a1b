"""The server's ASGI app: security first, then RPCs, then everything else."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.rpc.experiments import CreateExperiment
from mlflow.rpc.model_versions import CreateModelVersion
from mlflow.server import (
    absent,
    artifacts,
    exports,
    health,
    model_files,
    otlp,
    previews,
    trace_artifacts,
    ui,
)
from mlflow.server.artifact_places import Places
from mlflow.server.changes import ChangeStreams
from mlflow.server.config import ServerConfig
from mlflow.server.errors import on_error, on_http_error
from mlflow.server.graphql import GraphQL
from mlflow.server.metrics import Metrics
from mlflow.server.model_sources import Sources
from mlflow.server.retention import TraceRetention
from mlflow.server.rpc_routes import App, RpcRoutes, rpc_table
from mlflow.server.security import SecurityMiddleware
from mlflow.server.stop_signals import when_told_to_stop
from mlflow.store.artifact.artifact_repo import MultipartDownloadMixin, MultipartUploadMixin

_PATIENCE = 5.0
"""Seconds for calls of the store whose caller has given up."""


def create_app(config: ServerConfig, on_end: Callable[[], None] | None = None) -> App:
    """The app that serves what `config` says.

    Args:
        on_end: Called when the server begins to close, all requests being answered.

    Raises:
        MlflowException: If the backend store cannot be opened.
    """
    store = registry = streams = None
    places = Places(config)

    def server_info(request: Request) -> Response:
        """What a client asks before it uses what is optional."""
        repository = places.proxied().repository if config.serve_artifacts else None
        return JSONResponse(
            {
                "store_type": type(store).__name__,
                "workspaces_enabled": False,
                "trace_archival_enabled": False,
                "multipart_uploads_enabled": isinstance(repository, MultipartUploadMixin),
                "multipart_downloads_enabled": isinstance(repository, MultipartDownloadMixin),
                "presigned_upload_run_id_supported": True,
                "presigned_upload_model_id_supported": True,
                "features_enabled": {"gateway": False},
            }
        )

    async def counts(request: Request) -> Response:
        return await metrics.answer(request)

    routes: list[BaseRoute] = []
    if not config.artifacts_only:
        from mlflow.store.tracking.resolve import tracking_store

        store = tracking_store(config.backend_store_uri, config.artifact_root)
        registry = _registry(config)
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
        routes += model_files.routes(config, registry)
        routes += exports.routes(store)
        routes += otlp.routes(store)
        routes += trace_artifacts.routes(config, store)
        routes += previews.routes(config, store)
        streams = ChangeStreams(store)
        routes += streams.routes()
        routes += ui.routes(config)
        routes += absent.routes()
        listing = artifacts.listing_of_runs(places, store)
        routes += GraphQL({"tracking": store, "registry": registry}, listing).routes()
    probes = [*health.routes(store), Route("/metrics", counts)]
    if config.static_prefix:
        below = Mount(config.static_prefix, routes=[*probes, *routes])
        routes = [*probes, ui.to_folder(config.static_prefix), below]
    else:
        routes = [*probes, *routes]

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        sealer = getattr(store, "sealer", None)
        if sealer is not None:
            sealer.start()
        retention = None
        if config.trace_retention and store is not None:
            retention = TraceRetention(store, config.trace_retention, places)
            retention.start()
        deliverer = _deliverer(registry)
        if deliverer is not None:
            deliverer.start()
        with when_told_to_stop(streams.end) if streams else contextlib.nullcontext():
            yield
        if on_end is not None:
            on_end()
        if rpcs is not None:
            rpcs.close(_PATIENCE)
        if streams is not None:
            streams.close(_PATIENCE)
        if retention is not None:
            retention.stop()
        if deliverer is not None:
            deliverer.close(_PATIENCE)
        if hasattr(store, "dispose"):  # a plug-in's may have nothing to close
            store.dispose()

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
    guards = {
        CreateExperiment: lambda request: places.check(request.artifact_location),
        CreateModelVersion: Sources(store, lambda uri: places.check(uri, "source")).check,
    }
    stores = {"tracking": store, "registry": registry}
    rpcs = RpcRoutes(stores, app, config.static_prefix, guards) if store is not None else None
    metrics = Metrics(SecurityMiddleware(rpcs or app, config), config.static_prefix)
    return metrics


def _registry(config: ServerConfig) -> Any:
    """The model registry, which is with the runs unless the operator says otherwise."""
    from mlflow.store.model_registry.resolve import registry_store

    uri = config.registry_store_uri or config.backend_store_uri
    try:
        return registry_store(uri, config.backend_store_uri)
    except MlflowException:
        if config.registry_store_uri:
            raise
        return _NoRegistry()  # a plug-in for runs only


def _deliverer(registry: Any) -> Any:
    """What sends messages to webhooks; None if the registry keeps none."""
    if isinstance(registry, _NoRegistry) or not hasattr(registry, "claim_deliveries"):
        return None
    from mlflow.webhooks.delivery import Deliverer

    return Deliverer(registry)


class _NoRegistry:
    """In the place of a registry where there is none."""

    def __getattr__(self, name: str) -> Any:
        raise MlflowException(
            "This server keeps no registered models: its backend store is a plug-in that is none "
            "of a registry. `--registry-store-uri` names one.",
            error_code=CODES["NOT_IMPLEMENTED"],
        )


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
