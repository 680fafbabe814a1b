"""A file behind an HTTP or HTTPS URL."""

from __future__ import annotations

import os
import re
import tempfile
import time
from email.message import Message
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from mlflow.data.dataset_source import DatasetSource, required_key
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException, get_error_code

#: The URL of a stored dataset may have been chosen by somebody else, so a download has bounds.
#: Raise them here, before calling `load`, for larger data.
MAX_BYTES = 64 * 2**30
MAX_SECONDS = 6 * 60 * 60

_MAX_REDIRECTS = 5
_CHUNK = 2**20


class HTTPDatasetSource(DatasetSource):
    """A file behind a URL.

    Args:
        url: Beginning with http:// or https://.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def url(self) -> str:
        """Where the file is."""
        return self._url

    @staticmethod
    def _get_source_type() -> str:
        return "http"

    def load(self, dst_path: str | None = None) -> str:
        """Download the file. It appears only when it is complete.

        Its name is the one that the server gives in Content-Disposition, else the last part of
        the URL's path, else "dataset_source".

        Args:
            dst_path: Local folder to put it in, made if absent; None for a new temporary one.

        Returns:
            Path of the file.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if the URL (or where it leads) is not http
                or https, or if the server gives a path as the name; DATA_LOSS if the answer is
                cut short or larger than `MAX_BYTES`; otherwise by the HTTP status.
        """
        response = _open(str(self.url))
        try:
            name = self._extract_filename(response)
            folder = os.fspath(dst_path) if dst_path is not None else tempfile.mkdtemp()
            os.makedirs(folder, exist_ok=True)
            path = os.path.join(folder, name)
            _save(response, path, self.url)
        finally:
            response.close()
        return path

    def _extract_filename(self, response: Any) -> str:
        """The name to give to the file: a single path component, whatever the server says."""
        given = _filename_of(response.headers.get("Content-Disposition"))
        if given is None:
            given = _last_part(urlsplit(self.url).path)
            return given if _is_plain_name(given) else "dataset_source"
        if given and not _is_plain_name(given):
            raise MlflowException.invalid_parameter_value(
                f"Invalid filename in Content-Disposition header: {given}. "
                "It must be a file name, not a path."
            )
        if given.startswith("."):  # a server must not replace a .bashrc
            raise MlflowException.invalid_parameter_value(
                f"Invalid filename in Content-Disposition header: {given}. "
                "It must not begin with a dot."
            )
        return given or "dataset_source"

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return isinstance(raw_source, str) and _scheme(raw_source) in ("http", "https")

    @classmethod
    def _resolve(cls, raw_source: Any) -> HTTPDatasetSource:
        return cls(raw_source)

    def to_dict(self) -> dict[Any, Any]:
        return {"url": self.url}

    @classmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> HTTPDatasetSource:
        return cls(required_key(cls, source_dict, "url"))


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:  # such as an unfinished IPv6 address
        return ""


def _last_part(path: str) -> str:
    return path.rpartition("/")[2]


def _filename_of(disposition: str | None) -> str | None:
    """The file name in a Content-Disposition header; "" if it is empty, None if there is none."""
    if not disposition:
        return None
    message = Message()
    message["Content-Disposition"] = re.sub(r"[\r\n]", "", disposition)
    name = message.get_filename()
    return None if name is None else name.strip("'\"")


def _is_plain_name(name: str) -> bool:
    """True when `name` is one component of a path on every system."""
    return not re.search(r"[/\\:\x00-\x1f\x7f]", name) and bool(name.strip(". "))


def _open(url: str) -> Any:
    """The answer to GET, its body unread, after at most five redirects.

    Redirects are followed here, since none may lead to another scheme or from https to http.
    """
    first = _scheme(url)
    for _ in range(_MAX_REDIRECTS + 1):
        _check_scheme(url, first)
        response = _get(url)
        target = response.get_redirect_location()
        if not target and response.status == 200:
            return response
        response.close()
        if not target:
            raise _refused(response, url)
        url = urljoin(url, target)
    raise MlflowException(f"Too many redirects (over {_MAX_REDIRECTS}), the last to {_shown(url)}")


def _check_scheme(url: str, first: str) -> None:
    scheme = _scheme(url)
    if scheme not in ("http", "https"):
        raise MlflowException.invalid_parameter_value(
            f"Cannot download from {_shown(url)}: its scheme is '{scheme}', "
            "but only http and https are allowed."
        )
    if (first, scheme) == ("https", "http"):
        raise MlflowException.invalid_parameter_value(
            f"Cannot download from {_shown(url)}: an https URL must not lead to plain http."
        )


def _get(url: str) -> Any:
    import urllib3

    from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_TIMEOUT

    parts = urlsplit(url)
    headers = {"User-Agent": "headrace", "Accept": "*/*"}
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers |= urllib3.make_headers(basic_auth=login)
    try:
        return _pool(parts).request(
            "GET",
            url,
            headers=headers,
            preload_content=False,
            redirect=False,
            timeout=urllib3.Timeout(MLFLOW_HTTP_REQUEST_TIMEOUT.get()),
            retries=urllib3.Retry(3, redirect=False, raise_on_redirect=False),
        )
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise MlflowException(f"Cannot download from {_shown(url)}: {error}") from error


def _pool(parts: Any) -> Any:
    """A pool for one request; through the proxy that the environment names, if any."""
    from urllib.request import getproxies, proxy_bypass

    import urllib3

    proxy = getproxies().get(parts.scheme)
    if proxy and not proxy_bypass(parts.hostname or ""):
        return urllib3.ProxyManager(proxy)
    return urllib3.PoolManager()


def _refused(response: Any, url: str) -> MlflowException:
    message = f"Cannot download from {_shown(url)}: HTTP {response.status} {response.reason}"
    return MlflowException(message, error_code=get_error_code(response.status))


def _shown(url: str) -> str:
    """The URL without password and query, which may hold secrets."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "(no URL)"
    return f"{parts.scheme}://{host}{parts.path}"


def _save(response: Any, path: str, url: str) -> None:
    """Write the body to a file beside `path` and then put it in its place."""
    partial = os.path.join(os.path.dirname(path), f".download-{os.urandom(8).hex()}")
    with open(partial, "xb") as file:
        try:
            _copy(response, file, url)
        except BaseException:
            file.close()  # or Windows would keep it
            os.unlink(partial)
            raise
    os.replace(partial, path)


def _copy(response: Any, file: Any, url: str) -> None:
    import urllib3

    size, deadline = 0, time.monotonic() + MAX_SECONDS
    try:
        for chunk in response.stream(_CHUNK, decode_content=True):
            size += len(chunk)
            if size > MAX_BYTES:
                raise _lost(url, f"it is larger than {MAX_BYTES} bytes")
            if time.monotonic() > deadline:
                raise _lost(url, f"it takes longer than {MAX_SECONDS} seconds")
            file.write(chunk)
    except urllib3.exceptions.HTTPError as error:
        raise _lost(url, str(error)) from error


def _lost(url: str, why: str) -> MlflowException:
    return MlflowException(
        f"The download from {_shown(url)} was given up: {why}", error_code=CODES["DATA_LOSS"]
    )
