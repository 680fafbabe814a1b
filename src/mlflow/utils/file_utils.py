"""Files and directories of this machine."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from mlflow.utils.uri import get_uri_scheme

if TYPE_CHECKING:
    from mlflow.entities.file_info import FileInfo

ENCODING = "utf-8"

_logger = logging.getLogger(__name__)


# Names.


def path_to_local_file_uri(path: str | os.PathLike[str]) -> str:
    """The `file:` URI of a path."""
    from pathlib import Path

    return Path(os.path.abspath(path)).as_uri()


def path_to_local_sqlite_uri(path: str | os.PathLike[str]) -> str:
    """The `sqlite:` URI of a database file: three slashes, then the path from its root on."""
    root = "file://" if os.sep == "/" else "file:///"
    return "sqlite:///" + path_to_local_file_uri(path).removeprefix(root)


def local_file_uri_to_path(uri: str) -> str:
    """The path that a `file:` URI names; anything else unchanged."""
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    if get_uri_scheme(uri) != "file":
        return uri
    return url2pathname(urlsplit(uri).path)


def get_local_path_or_none(path_or_uri: str) -> str | None:
    """The path if it is one of this machine, or its `file:` URI; None for other URIs."""
    from urllib.parse import urlsplit

    scheme = get_uri_scheme(path_or_uri)
    if scheme == "file" and not urlsplit(path_or_uri).netloc:
        return local_file_uri_to_path(path_or_uri)
    return None if scheme else path_or_uri


def relative_path_to_artifact_path(path: str) -> str:
    """A relative path with "/" between its steps, as artifacts are named everywhere."""
    return path if os.sep == "/" else path.replace(os.sep, "/")


# What is there.


def is_directory(name: str) -> bool:
    """Whether there is such a directory."""
    return os.path.isdir(name)


def is_file(name: str) -> bool:
    """Whether there is such a file."""
    return os.path.isfile(name)


def exists(name: str) -> bool:
    """Whether there is a file or directory of that name."""
    return os.path.exists(name)


def list_all(
    root: str, filter_func: Callable[[str], bool] = lambda path: True, full_path: bool = False
) -> list[str]:
    """What is in a directory, in no order.

    Args:
        root: The directory.
        filter_func: Given a full path, whether to list it.
        full_path: Whether to answer paths that begin with `root` in place of names.

    Raises:
        Exception: If `root` is no directory.
    """
    if not os.path.isdir(root):
        raise Exception(f"Invalid parent directory '{root}'")
    names = [name for name in os.listdir(root) if filter_func(os.path.join(root, name))]
    return [os.path.join(root, name) for name in names] if full_path else names


def list_subdirs(dir_name: str, full_path: bool = False) -> list[str]:
    """The directories in a directory; see `list_all`."""
    return list_all(dir_name, os.path.isdir, full_path)


def list_files(dir_name: str, full_path: bool = False) -> list[str]:
    """The files in a directory; see `list_all`."""
    return list_all(dir_name, os.path.isfile, full_path)


def find(root: str, name: str, full_path: bool = False) -> list[str]:
    """The one thing of that name in a directory, or nothing; see `list_all`."""
    path = os.path.join(root, name)
    return list_all(root, lambda each: each == path, full_path)


def get_file_info(path: str, rel_path: str) -> FileInfo:
    """What `path` is; it is called `rel_path` in the answer."""
    from mlflow.entities.file_info import FileInfo

    if os.path.isdir(path):
        return FileInfo(rel_path, True, None)
    return FileInfo(rel_path, False, os.path.getsize(path))


def get_parent_dir(path: str) -> str:
    """The directory that a path is in."""
    return os.path.abspath(os.path.join(path, os.pardir))


def get_total_file_size(path: str | os.PathLike[str]) -> int | None:
    """Bytes of all files in a directory; None, and a line in the log, if it is not one."""
    if not os.path.isdir(path):
        what = "is not a directory" if os.path.exists(path) else "does not exist"
        _logger.info("The total size of %s is not known: it %s.", path, what)
        return None
    files = (os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)
    return sum(os.path.getsize(file) for file in files if os.path.isfile(file))


# Making, moving, copying.


def mkdir(root: str, name: str | None = None) -> str:
    """The path of a directory that is there afterwards, with all above it."""
    target = root if name is None else os.path.join(root, name)
    os.makedirs(target, exist_ok=True)
    return target


def make_containing_dirs(path: str) -> None:
    """See that the directory is there that `path` is in."""
    if parent := os.path.dirname(path):
        os.makedirs(parent, exist_ok=True)


def mv(target: str, new_parent: str) -> None:
    """Move a file or directory into another directory."""
    import shutil

    shutil.move(target, new_parent)


def _copy_file_or_tree(src: str, dst: str, dst_dir: str | None = None) -> str:
    """Copy a file or directory into `dst`, or into `dst_dir` below it.

    Returns:
        Where the copy is, relative to `dst`.
    """
    import shutil

    copy = os.path.join(dst_dir or "", os.path.basename(os.path.abspath(src)))
    target = os.path.join(dst, copy)
    if os.path.isfile(src):
        make_containing_dirs(target)
        shutil.copy(src, target)
    else:
        shutil.copytree(src, target, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def create_tmp_dir() -> str:
    """A new directory for temporary files; whoever asks removes it."""
    import tempfile

    return tempfile.mkdtemp()


@functools.cache
def get_or_create_tmp_dir() -> str:
    """The one directory of this process for temporary files; removed when the process ends."""
    import atexit
    import shutil

    path, process = create_tmp_dir(), os.getpid()

    def remove() -> None:
        if os.getpid() == process:  # a forked child ends, too, and it is not its own
            shutil.rmtree(path, ignore_errors=True)

    atexit.register(remove)
    return path


def get_or_create_nfs_tmp_dir() -> str:
    """A directory for temporary files that workers of a Spark cluster can read; without such a
    cluster, that of this process."""
    return get_or_create_tmp_dir()


class TempDir:
    """A temporary directory, there while its `with` block lasts.

    Args:
        chdr: Whether to make it the current directory meanwhile.
        remove_on_exit: Whether to remove it afterwards.
    """

    def __init__(self, chdr: bool = False, remove_on_exit: bool = True):
        self._chdr = chdr
        self._remove = remove_on_exit
        self._path: str | None = None
        self._back_to: str | None = None

    def __enter__(self) -> TempDir:
        self._path = os.path.abspath(create_tmp_dir())
        if self._chdr:
            self._back_to = os.path.abspath(os.getcwd())
            os.chdir(self._path)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._back_to is not None:
            os.chdir(self._back_to)
        if self._remove:
            import shutil

            shutil.rmtree(self._path)  # type: ignore[arg-type]

    def path(self, *path: str) -> str:
        """The path of the directory, or of something in it; relative if it is the current one."""
        return os.path.join("./" if self._chdr else self._path or "", *path)


# Contents.


def write_to(filename: str, data: str) -> None:
    """Make `data` all there is in a file."""
    with open(filename, "w", encoding=ENCODING) as file:
        file.write(data)


def append_to(filename: str, data: str) -> None:
    """Put `data` at the end of a file."""
    with open(filename, "a", encoding=ENCODING) as file:
        file.write(data)


def read_file(parent_path: str, file_name: str) -> str:
    """All the text in a file."""
    with open(os.path.join(parent_path, file_name), encoding=ENCODING) as file:
        return file.read()


def read_file_lines(parent_path: str, file_name: str) -> list[str]:
    """The lines of a file, each with its end."""
    with open(os.path.join(parent_path, file_name), encoding=ENCODING) as file:
        return file.readlines()


def read_chunk(path: str | os.PathLike[str], size: int, start_byte: int = 0) -> bytes:
    """`size` bytes of a file, from `start_byte` on; fewer at its end."""
    with open(path, "rb") as file:
        file.seek(start_byte)
        return file.read(size)
