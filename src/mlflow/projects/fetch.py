"""Where the files of a project come from: a folder, a git repository, or a zip archive."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator

from mlflow.exceptions import ExecutionException
from mlflow.projects import git
from mlflow.utils import git_utils
from mlflow.utils.archives import extract_zip
from mlflow.utils.file_utils import local_file_uri_to_path
from mlflow.utils.uri import get_uri_scheme, is_local_uri

_logger = logging.getLogger(__name__)

_MOST_BYTES = 10 << 30


def fetch_project(uri: str, version: str | None = None) -> str:
    """The folder of a project.

    A local folder is used as it is. Others are fetched into a new temporary folder, also a local
    repository of which a version is wanted, so that what is checked out in it stays.

    Args:
        uri: Of a folder, repository or archive; after `#`, a folder in it.

    Raises:
        ExecutionException: There is no such project, or no such version.
    """
    address, subdirectory = split(uri)
    path = local_path(address)
    if path is not None and os.path.isdir(path):
        if version is not None and not git.is_repository(path):
            raise _no_versions()
        if version is None and not git.is_bare(path):
            return _within(path, subdirectory, path)
        address = os.path.abspath(path)
    elif address.endswith(".zip"):
        if version is not None:
            raise _no_versions()
        with _new_folder(uri) as folder:
            _unpack(address, folder)
            return _within(folder, subdirectory, folder)
    elif path is not None or not git.is_address(address):
        raise ExecutionException(
            f"'{git.without_credentials(address)}' is no project: it is neither a folder that is "
            "there, nor a zip archive, nor the address of a git repository (https://…, ssh://…, "
            "git://…, file://…, user@host:path)."
        )
    with _new_folder(uri) as folder:
        git.fetch(address, version, folder)
        return _within(folder, subdirectory, folder)


def split(uri: str) -> tuple[str, str]:
    """What is before the first `#`, and the folder named after it.

    Raises:
        ExecutionException: The folder is not below.
    """
    address, _, subdirectory = uri.partition("#")
    if any(part in (".", "..") for part in subdirectory.replace("\\", "/").split("/")):
        raise ExecutionException("'.' is not allowed in project subdirectory paths.")
    return address, subdirectory


def local_path(address: str) -> str | None:
    """The path that an address stands for; None if it is of another machine."""
    if get_uri_scheme(address) == "file" and is_local_uri(address):
        return local_file_uri_to_path(address)
    if "://" in address or address.startswith("-"):
        return None
    is_path = is_local_uri(address) and not git.is_address(address)
    return address if is_path or os.path.isdir(address) else None


def source_name(uri: str) -> str:
    """What a run says of where its code is from: for a folder below a git repository, that
    repository; without what may be a secret."""
    address, subdirectory = split(uri)
    path = local_path(address)
    if path is None:
        return git.without_credentials(uri)
    if subdirectory:
        return uri
    found = git_utils._find(path)
    if found is not None and not git.is_bare(path):
        below = os.path.relpath(os.path.realpath(path), found.root).replace(os.sep, "/")
        return f"file://{found.root}" + ("" if below == "." else f"#{below}")
    return uri if get_uri_scheme(uri) == "file" else os.path.abspath(path)


def _no_versions() -> ExecutionException:
    return ExecutionException("Setting a version is only supported for Git project URIs")


def _within(folder: str, subdirectory: str, name: str) -> str:
    if not subdirectory:
        return os.path.abspath(folder)
    path = os.path.join(folder, *subdirectory.split("/"))
    inside = os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep)
    if subdirectory.startswith("/") or not os.path.isdir(path) or not inside:
        raise ExecutionException(f"Could not find subdirectory {subdirectory} of {name}")
    return os.path.abspath(path)


@contextlib.contextmanager
def _new_folder(uri: str) -> Iterator[str]:
    """A temporary folder that stays unless something fails."""
    folder = tempfile.mkdtemp(prefix="mlflow-project-")
    shown = git.without_credentials(uri)
    _logger.info("=== Fetching project from %s into %s ===", shown, folder)
    try:
        yield folder
    except BaseException:  # also when the user stops it
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _unpack(address: str, folder: str) -> None:
    path = local_path(address)
    if path is not None:
        if not os.path.isfile(path):
            raise ExecutionException(f"There is no file '{path}'.")
        extract_zip(path, folder)
        return
    if get_uri_scheme(address) not in ("http", "https"):
        raise ExecutionException(f"'{address}' is neither a local archive nor one at http(s)://.")
    with tempfile.NamedTemporaryFile(suffix=".zip") as file:
        _download(address, file)
        extract_zip(file.name, folder)


def _download(address: str, file) -> None:
    import urllib3

    from mlflow.utils.progress import Progress

    shown = git.without_credentials(address)
    try:
        with (
            urllib3.PoolManager().request("GET", address, preload_content=False) as answer,
            Progress(f"Fetching {shown}", unit="B") as progress,
        ):
            if answer.status != 200:
                raise ExecutionException(f"{shown} answered {answer.status}.")
            size = 0
            for piece in answer.stream(1 << 20):
                size += len(piece)
                if size > _MOST_BYTES:
                    raise ExecutionException(f"{shown} is larger than {_MOST_BYTES} bytes.")
                file.write(piece)
                progress.update(len(piece))
    except urllib3.exceptions.HTTPError as error:
        raise ExecutionException(f"{shown} could not be fetched: {error}") from error
    file.flush()
