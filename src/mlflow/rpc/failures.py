"""What can go wrong with a request, and what that means for sending it again."""

from __future__ import annotations

import socket

import msgspec

from mlflow.error_codes import CODE_OF_STATUS, CODES
from mlflow.exceptions import MlflowException, RestException


class NotSent(Exception):
    """The server cannot have acted on the request: it did not get all of it."""


class Hopeless(NotSent):
    """What will not be better in a moment, such as a certificate that is not trusted."""


class Broken(Exception):
    """No whole answer came. Whether the server acted on the request is not known."""


def unreachable(error: Exception) -> NotSent:
    """Why there is no connection."""
    if isinstance(error, OSError):
        return _not_connected(error)
    from http.client import HTTPException

    from urllib3.exceptions import HTTPError

    if isinstance(error, (HTTPError, HTTPException)):
        inner = error.__cause__ or error.__context__
        return _not_connected(inner) if isinstance(inner, OSError) else NotSent(str(error))
    raise error


def _not_connected(error: OSError) -> NotSent:
    import ssl

    if isinstance(error, ssl.SSLCertVerificationError):
        return Hopeless(
            f"the server's certificate is not trusted ({error}). If its authority is your own, "
            "name its certificate in MLFLOW_TRACKING_SERVER_CERT_PATH."
        )
    passing = (ssl.SSLEOFError, ssl.SSLZeroReturnError, TimeoutError)
    if isinstance(error, ssl.SSLError) and not isinstance(error, passing):
        return Hopeless(f"no secure connection could be made ({error})")
    if isinstance(error, socket.gaierror):
        return NotSent(f"the server's name is not known ({error})")
    return NotSent(f"no connection could be made ({str(error) or type(error).__name__})")


def failed(error: Exception) -> NotSent | Broken:
    """What an exception of urllib3's means for the request."""
    from urllib3 import exceptions

    if isinstance(error, exceptions.ProxyError):
        # a proxy that reads the request may have passed it on before it broke off
        sent = isinstance(error.original_error, (ConnectionResetError, BrokenPipeError))
        return (Broken if sent else NotSent)(f"the proxy cannot be used ({error})")
    if isinstance(error, (exceptions.NewConnectionError, exceptions.ConnectTimeoutError)):
        return unreachable(error)
    if isinstance(error, exceptions.SSLError):
        cause = error.args[0] if error.args else None
        return _not_connected(cause) if isinstance(cause, OSError) else Hopeless(str(error))
    if isinstance(error, (exceptions.HTTPError, OSError)):
        return Broken(str(error))
    raise error


def error_of(status: int, data: bytes, method: str, url: str) -> MlflowException:
    """The exception that an answer with an error status stands for."""
    try:
        body = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        body = None
    if isinstance(body, dict) and "error_code" in body:
        return RestException(body)
    text = data.decode("utf-8", "replace").strip()[:1000]
    return MlflowException(
        f"API request to {url} ({method}) failed with error code {status} != 200. "
        f"Response body: '{text}'",
        error_code=CODES[CODE_OF_STATUS.get(status, "INTERNAL_ERROR")],
    )
