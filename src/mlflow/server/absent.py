"""Parts of MLflow that are not part of this server, and how it says so where MLflow's web pages ask
for them on every page."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

_ASSISTANT = "/ajax-api/3.0/mlflow/assistant"
_GATEWAY = "/ajax-api/2.0/mlflow/gateway-proxy"
_ENDPOINTS = "api/2.0/endpoints/"


def routes() -> list[BaseRoute]:
    """No assistant, and no endpoints of a gateway."""
    no_projects = {"providers": {}, "projects": {}, "remote_access_allowed": False}
    return [
        Route(f"{_ASSISTANT}/config", _always(no_projects), methods=["GET"]),
        Route(f"{_ASSISTANT}/providers", _always({"providers": []}), methods=["GET"]),
        Route(_GATEWAY, _endpoints, methods=["GET"]),
    ]


def _always(answer: dict[str, Any]) -> Any:
    async def tell(request: Request) -> Response:
        return JSONResponse(answer)

    return tell


async def _endpoints(request: Request) -> Response:
    if request.query_params.get("gateway_path") != _ENDPOINTS:
        raise HTTPException(404)
    return JSONResponse({"endpoints": []})
