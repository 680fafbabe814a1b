"""URIs of stores and artifacts: what kind they are, and how they are put together."""

from __future__ import annotations

import ntpath
import os
import re
import sys
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from mlflow.exceptions import MlflowException

_ON_WINDOWS = sys.platform == "win32"
# One letter before a colon is a drive.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]+):")
_SCHEME_AND_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+:(//[^/?#]*)?")


def get_uri_scheme(uri_or_path: str) -> str:
    """The lower-case scheme, of a database without its driver; empty for a path."""
    match = _SCHEME.match(str(uri_or_path))
    return match[1].lower().partition("+")[0] if match else ""


def is_local_uri(uri: str, is_tracking_or_registry_uri: bool = True) -> bool:
    """Whether it names a file or directory of this machine.

    Args:
        uri: URI or path.
        is_tracking_or_registry_uri: Then "databricks" is the service, not a directory.

    Raises:
        MlflowException: If it is a `file:` URI of another machine.
    """
    uri = str(uri)
    if uri == "databricks" and is_tracking_or_registry_uri:
        return False
    if _ON_WINDOWS and uri.startswith("\\\\"):
        return False  # a share of another machine
    scheme = get_uri_scheme(uri)
    if scheme == "file":
        host = urlsplit(uri).netloc
        if host and host != "localhost":
            raise MlflowException(
                f"{uri} is not a valid remote uri. For remote access on windows, please "
                "consider using a different scheme such as SMB (e.g. smb://<hostname>/<path>)."
            )
        return True
    if not scheme and ntpath.splitdrive(uri)[0].endswith(":"):
        return _ON_WINDOWS
    return not scheme


def is_file_uri(uri: str) -> bool:
    """Whether its scheme is `file`."""
    return get_uri_scheme(uri) == "file"


def is_http_uri(uri: str) -> bool:
    """Whether its scheme is `http` or `https`."""
    return get_uri_scheme(uri) in ("http", "https")


def is_models_uri(uri: str) -> bool:
    """Whether it names a model: `models:/...`."""
    return get_uri_scheme(uri) == "models"


def is_databricks_uri(uri: str) -> bool:
    """Whether it names a tracking service of Databricks, which we do not speak to."""
    return uri == "databricks" or get_uri_scheme(uri) == "databricks"


def is_databricks_unity_catalog_uri(uri: str) -> bool:
    """Whether it names a model registry of Databricks, which we do not speak to."""
    return uri == "databricks-uc" or get_uri_scheme(uri) == "databricks-uc"


def append_to_uri_path(uri: str, *paths: str) -> str:
    """The URI of something below: `paths` come after its path, before query and fragment."""
    uri = str(uri)
    start = _SCHEME_AND_HOST.match(uri)
    if not start:
        return _join(uri, *paths)
    end = re.search(r"[?#]|$", uri).start()  # type: ignore[union-attr]
    path = _join(uri[start.end() : end], *paths)
    if start[1] not in (None, "//") and not path.startswith("/"):
        path = f"/{path}"
    return f"{start[0]}{path}{uri[end:]}"


def _join(path: str, *paths: str) -> str:
    for part in paths:
        path = f"{path.rstrip('/')}/{str(part).lstrip('/')}" if path else str(part)
    return path


def append_to_uri_query_params(uri: str, *query_params: tuple[str, Any]) -> str:
    """The URI with more query parameters after those that it has."""
    parts = urlsplit(uri)
    query = [*parse_qsl(parts.query), *query_params]
    return parts._replace(query=urlencode(query)).geturl()


def resolve_uri_if_local(local_uri: str) -> str:
    """A relative path made absolute by the current directory; other URIs as they are."""
    local_uri = str(local_uri)
    if not is_local_uri(local_uri):
        return local_uri
    if not is_file_uri(local_uri):
        return os.path.abspath(local_uri)
    from mlflow.utils.file_utils import local_file_uri_to_path, path_to_local_file_uri

    path = local_file_uri_to_path(local_uri)
    return local_uri if os.path.isabs(path) else path_to_local_file_uri(path)


def validate_path_is_safe(path: str) -> str:
    """The path, percent-decoded, if it stays below where it starts.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is absolute, goes up, names a drive, or has
            a character that a URL would take for something else.
    """
    decoded = _decoded(path)
    steps = re.split(r"[/\\]", decoded)
    absolute = decoded.startswith(("/", "\\")) or _on_a_drive(decoded) or is_file_uri(decoded)
    if absolute or ".." in steps or "#" in decoded or "\0" in decoded:
        raise MlflowException.invalid_parameter_value("Invalid path")
    return decoded


def _on_a_drive(path: str) -> bool:
    drive, rest = ntpath.splitdrive(path)
    return bool(drive) and rest.startswith(("/", "\\"))


def _decoded(text: str) -> str:
    """Percent-decoded until nothing is left to decode: a proxy may have encoded it again."""
    while (once := unquote(text)) != text:
        text = once
    return text


def validate_path_within_directory(base_dir: str, constructed_path: str) -> str:
    """The path as it was given, if it is in `base_dir`, whatever symbolic links there are.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is not.
    """
    base = os.path.realpath(base_dir)
    path = os.path.realpath(constructed_path)
    if path != base and not path.startswith(base.rstrip(os.sep) + os.sep):
        raise MlflowException.invalid_parameter_value(
            "Invalid path: resolved path is outside the artifact directory"
        )
    return constructed_path


def validate_query_string(query: str) -> None:
    """Refuse a query that goes up in a path.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE.
    """
    if ".." in _decoded(query):
        raise MlflowException.invalid_parameter_value("Invalid query string")
