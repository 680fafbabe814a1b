"""Pages that show experiments and runs in a browser. The one script only follows links with a #.

They only read, and know of the store no more than its public methods.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mlflow.exceptions import MlflowException
from mlflow.server.artifact_places import Places
from mlflow.server.config import ServerConfig
from mlflow.server.pages.experiments import experiments_page
from mlflow.server.pages.frame import (
    CSS,
    CSS_PATH,
    LINKS,
    LINKS_PATH,
    Page,
    problem,
    respond,
)
from mlflow.server.pages.run import run_page
from mlflow.server.pages.runs import runs_page
from mlflow.store.tracking.abstract_store import AbstractStore


def routes(config: ServerConfig, store: AbstractStore) -> list[Route]:
    """The routes of all pages; they may be mounted below a prefix."""

    def route(path: str, show: Callable[..., Page]) -> Route:
        # Not `async`: the store blocks, so each request is answered in a thread.
        def answer(request: Request) -> Response:
            try:
                page = show(request, store, **request.path_params)
            except MlflowException as error:
                page = problem(error)
            return respond(request, page)

        return Route(path, answer)

    return [
        route("/", experiments_page),
        route("/experiments/{experiment_id}", runs_page),
        route("/runs/{run_id}", partial(run_page, places=Places(config))),
        Route(CSS_PATH, _fixed(CSS, "text/css")),
        Route(LINKS_PATH, _fixed(LINKS, "text/javascript")),
    ]


def _fixed(content: bytes, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    """Answers with what changes its URL when it changes."""

    async def answer(request: Request) -> Response:
        return Response(
            content, media_type=media_type, headers={"cache-control": "max-age=31536000"}
        )

    return answer
