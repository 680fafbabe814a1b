"""Whether the server lives, and whether it can serve: what load balancers and orchestrators ask."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from mlflow.entities import ViewType
from mlflow.version import VERSION

_logger = logging.getLogger(__name__)

#: Seconds that the store has for a small question.
_PATIENCE = 5.0


def routes(store: Any | None) -> list[Route]:
    """/health, /livez, /readyz and /version.

    Args:
        store: The tracking store; None on a server of artifacts only.
    """

    async def ready(request: Request) -> Response:
        """200 when requests will be served, 503 when another replica should get them."""
        if store is None:
            return JSONResponse({"status": "ready"})
        question = asyncio.to_thread(store.search_experiments, ViewType.ACTIVE_ONLY, 1)
        try:
            await asyncio.wait_for(question, _PATIENCE)
        except Exception as error:  # whatever a store may raise; the caller learns no details
            _logger.error("Not ready: the store does not answer: %r", error)
            return JSONResponse({"status": "the store does not answer"}, status_code=503)
        return JSONResponse({"status": "ready"})

    return [
        Route("/health", _alive),
        Route("/livez", _alive),
        Route("/readyz", ready),
        Route("/version", _version),
    ]


async def _alive(request: Request) -> Response:
    """The event loop turns. Says nothing of the store: a restart would not mend that."""
    return PlainTextResponse("OK")


async def _version(request: Request) -> Response:
    return PlainTextResponse(VERSION)
