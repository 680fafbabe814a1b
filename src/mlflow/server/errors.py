"""The one place where an error becomes an HTTP answer. It never holds a stack trace: those go to
the log."""

from __future__ import annotations

import logging

from starlette.requests import Request
from starlette.responses import Response

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException

_logger = logging.getLogger("mlflow.server")


def error_body(error: Exception) -> tuple[int, bytes]:
    """The status and the JSON that a client is told."""
    if not isinstance(error, MlflowException):
        _logger.error("Unexpected error", exc_info=error)
        error = MlflowException("The server met an unexpected error; its log has the details.")
    return error.get_http_status_code(), error.serialize_as_json().encode("utf-8", "replace")


def error_response(error: Exception) -> Response:
    """An error as a response."""
    status, body = error_body(error)
    return Response(body, status, media_type="application/json")


async def on_error(request: Request, error: Exception) -> Response:
    """Starlette's hook for exceptions that a route raises."""
    return error_response(error)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Starlette's hook for what its router refuses: no such path, or not with this method."""
    status = getattr(error, "status_code", 500)
    if status == 404:
        refused = MlflowException(
            f"Nothing is served at '{request.url.path}'.", error_code=CODES["ENDPOINT_NOT_FOUND"]
        )
    elif status == 405:
        refused = MlflowException(
            f"{request.method} is not a method of '{request.url.path}'.",
            error_code=CODES["BAD_REQUEST"],
        )
    else:
        refused = MlflowException(str(getattr(error, "detail", error)), CODES["BAD_REQUEST"])
    body = refused.serialize_as_json().encode()
    headers = getattr(error, "headers", None)
    return Response(body, status, headers=headers, media_type="application/json")
