"""The files of model versions over HTTP, for pages that link to them."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.server.artifact_bodies import send
from mlflow.server.artifact_places import Places
from mlflow.server.config import ServerConfig
from mlflow.store.artifact.location import steps


def routes(config: ServerConfig, registry: Any) -> list[BaseRoute]:
    """The route to a version's files; `registry` knows where they are."""
    places = Places(config)

    async def download(request: Request) -> Response:
        wanted = {field: request.query_params.get(field) for field in ("path", "name", "version")}
        for field, value in wanted.items():
            if value is None:
                raise MlflowException(
                    f"Request must specify {field}.", error_code=CODES["BAD_REQUEST"]
                )
        path = wanted.pop("path") or ""
        steps(path)
        uri = await run_in_threadpool(registry.get_model_version_download_uri, **wanted)
        return await send(request, await run_in_threadpool(places.of_uri, uri), path)

    return [Route("/model-versions/get-artifact", download)]
