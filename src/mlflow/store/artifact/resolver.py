"""The one way from a root folder to a file below it.

`DescriptorRoot` opens folder after folder, each relative to the one before, and refuses every
symbolic link: what was checked is what is opened, whatever happens to the tree meanwhile. It is
what a server uses for paths that clients send. `PathRoot` works by path and lets a user's own links
be, as long as they stay below the root; it also stands in where the system has no `openat`.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.location import Steps, invalid_path

_PART = re.compile(r"\.headrace-[0-9a-f]{16}\.part")
_DIRECTORY = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
# A FIFO must not make the reader wait for a writer.
_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
_NO_ROOM = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EROFS)
_BINARY = getattr(os, "O_BINARY", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | _BINARY | _NO_LINK


@dataclass(frozen=True)
class Entry:
    """A file or folder as a listing shows it."""

    name: str
    is_dir: bool
    size: int
    """Bytes; 0 for a folder."""


def part_name() -> str:
    """The name of a file that is still being written; no listing shows it."""
    return f".headrace-{secrets.token_hex(8)}.part"


def is_part(name: str) -> bool:
    """Whether a file is still being written, or was when its writer died."""
    return _PART.fullmatch(name) is not None


def no_such_artifact(below: Steps | str) -> MlflowException:
    """The error for an artifact that is not there."""
    path = below if isinstance(below, str) else "/".join(below)
    return MlflowException(
        f"No such artifact: '{path}'", error_code=CODES["RESOURCE_DOES_NOT_EXIST"]
    )


def is_a_directory(below: Steps) -> MlflowException:
    """The error for reading or writing a folder as if it was a file."""
    return MlflowException.invalid_parameter_value(
        f"Artifact path refers to a directory, not a file: '{'/'.join(below)}'"
    )


class PathRoot:
    """A folder with artifacts, for one's own files.

    Any thread may use it. The folder need not exist before the first write.

    Args:
        path: A folder that is taken as it is.
        base: Names from there to the root, which are treated like the names below the root.
    """

    def __init__(self, path: str, base: Steps = ()):
        self._trusted = path or os.curdir
        self.path = os.path.join(self._trusted, *base)

    def locate(self, below: Steps) -> str:
        """The path of an artifact, existing or not.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if a symbolic link leads out of the root.
        """
        path = os.path.join(self.path, *below)
        root, real = os.path.realpath(self._trusted), os.path.realpath(path)
        if real != root and not real.startswith(root.rstrip(os.sep) + os.sep):
            raise invalid_path("Invalid path: resolved path is outside the artifact directory")
        return path

    def scan(self, below: Steps) -> list[Entry] | None:
        """What is in a folder, by name; None if there is no such folder."""
        try:
            with os.scandir(self.locate(below)) as found:
                entries = [_entry(one) for one in found if not is_part(one.name)]
        except (FileNotFoundError, NotADirectoryError):
            return None
        return sorted(entries, key=lambda entry: entry.name)

    def open(self, below: Steps) -> BinaryIO:
        """A file, to be read.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST if it is absent; INVALID_PARAMETER_VALUE if it
                is no regular file.
        """
        try:
            return _readable(os.open(self.locate(below), _READ | _BINARY), below)
        except OSError as e:
            raise _unreadable(e, below) from e

    @contextmanager
    def write(self, below: Steps, *, mode: int = 0o666, durable: bool = True) -> Iterator[BinaryIO]:
        """A file to be filled; it takes the place of what is there when the block ends without an
        error.

        Args:
            below: Where; folders on the way are made.
            mode: Permissions of the new file.
            durable: Wait until it is on disk.
        """
        if not below:
            raise is_a_directory(below)
        with self._writable(below):
            path = self.locate(below)
            folder, name = os.path.split(path)
            os.makedirs(folder, exist_ok=True)
            part = os.path.join(folder, part_name())
            try:
                with os.fdopen(os.open(part, _CREATE, mode), "wb") as stream:
                    yield stream
                    stream.flush()
                    if durable:
                        os.fsync(stream.fileno())
                os.replace(part, os.path.join(folder, name))
            except BaseException:
                with suppress(OSError):
                    os.unlink(part)
                raise

    def make_folder(self, below: Steps) -> None:
        """Make a folder, and those above it, unless it is there."""
        with self._writable(below):
            os.makedirs(self.locate(below), exist_ok=True)

    def remove(self, below: Steps) -> None:
        """Remove a file, or a folder with all that is in it; nothing happens when it is absent."""
        path = os.path.join(self.locate(below[:-1]), *below[-1:])
        try:
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
        except (FileNotFoundError, NotADirectoryError):
            return

    @contextmanager
    def _writable(self, below: Steps) -> Iterator[None]:
        try:
            yield
        except OSError as e:
            raise _unwritable(e, below) from e


class DescriptorRoot:
    """A folder with artifacts, for paths that others choose: symbolic links are refused and not
    listed.

    The same operations as `PathRoot`.
    """

    def __init__(self, path: str, base: Steps = ()):
        self.path = path
        self._base = base

    def scan(self, below: Steps) -> list[Entry] | None:
        try:
            with self._folder(below) as folder, os.scandir(folder) as found:
                kept = (one for one in found if not (is_part(one.name) or one.is_symlink()))
                entries = [_entry(one) for one in kept if one.is_dir() or one.is_file()]
        except (FileNotFoundError, NotADirectoryError):
            return None
        return sorted(entries, key=lambda entry: entry.name)

    def open(self, below: Steps) -> BinaryIO:
        if not below:
            raise is_a_directory(below)
        try:
            with self._folder(below[:-1]) as folder:
                return _readable(os.open(below[-1], _READ | _NO_LINK, dir_fd=folder), below)
        except OSError as e:
            raise _unreadable(e, below) from e

    @contextmanager
    def write(self, below: Steps, *, mode: int = 0o666, durable: bool = True) -> Iterator[BinaryIO]:
        if not below:
            raise is_a_directory(below)
        try:
            with self._folder(below[:-1], create=True) as folder:
                part = part_name()
                try:
                    with os.fdopen(os.open(part, _CREATE, mode, dir_fd=folder), "wb") as stream:
                        yield stream
                        stream.flush()
                        if durable:
                            os.fsync(stream.fileno())
                    os.replace(part, below[-1], src_dir_fd=folder, dst_dir_fd=folder)
                except BaseException:
                    with suppress(OSError):
                        os.unlink(part, dir_fd=folder)
                    raise
                if durable:
                    os.fsync(folder)
        except FileNotFoundError as e:
            raise MlflowException(
                f"Artifact '{'/'.join(below)}' cannot be written: its folder was just removed.",
                error_code=CODES["ABORTED"],
            ) from e
        except OSError as e:
            raise _unwritable(e, below) from e

    def remove(self, below: Steps) -> None:
        if not below:
            raise invalid_path("The root of all artifacts cannot be deleted.")
        try:
            with self._folder(below[:-1]) as folder:
                found = os.stat(below[-1], dir_fd=folder, follow_symlinks=False)
                if stat.S_ISDIR(found.st_mode):
                    _remove_tree(folder, below[-1])
                else:
                    os.unlink(below[-1], dir_fd=folder)
        except (FileNotFoundError, NotADirectoryError):
            return

    @contextmanager
    def _folder(self, below: Steps, create: bool = False) -> Iterator[int]:
        """Descriptor of a folder below the root."""
        at = self._open_trusted(create)
        try:
            for name in self._base + below:
                at, above = _step(at, name, create), at
                os.close(above)
            yield at
        finally:
            os.close(at)

    def _open_trusted(self, create: bool) -> int:
        try:
            return os.open(self.path, os.O_RDONLY | _DIRECTORY)
        except FileNotFoundError:
            if not create:
                raise
        os.makedirs(self.path, exist_ok=True)
        return os.open(self.path, os.O_RDONLY | _DIRECTORY)


def _step(at: int, name: str, create: bool) -> int:
    """Descriptor of the folder `name` in the folder `at`."""
    try:
        return os.open(name, os.O_RDONLY | _DIRECTORY | _NO_LINK, dir_fd=at)
    except FileNotFoundError:
        if not create:
            raise
    except OSError as e:
        if e.errno == errno.ELOOP or _is_link(at, name):
            raise invalid_path() from e
        raise
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=at)
    return _step(at, name, create=False)


def _is_link(at: int, name: str) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _remove_tree(at: int, name: str) -> None:
    """Remove a folder in the folder `at`; links in it are removed, not followed."""
    if _is_link(at, name):
        os.unlink(name, dir_fd=at)
        return
    inside = _step(at, name, create=False)
    try:
        with os.scandir(inside) as found:
            entries = [(one.name, one.is_dir(follow_symlinks=False)) for one in found]
        for child, is_dir in entries:
            with suppress(FileNotFoundError):  # somebody else was faster
                if is_dir:
                    _remove_tree(inside, child)
                else:
                    os.unlink(child, dir_fd=inside)
    finally:
        os.close(inside)
    try:
        os.rmdir(name, dir_fd=at)
    except OSError as e:
        if e.errno != errno.ENOTEMPTY:  # something was stored there meanwhile
            raise


def _entry(found: os.DirEntry[str]) -> Entry:
    is_dir = found.is_dir()
    return Entry(found.name, is_dir, 0 if is_dir else _size(found))


def _size(found: os.DirEntry[str]) -> int:
    try:
        return found.stat().st_size
    except OSError:  # a link that leads nowhere
        return 0


def _readable(descriptor: int, below: Steps) -> BinaryIO:
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb", buffering=0)
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise is_a_directory(below)
    raise invalid_path(f"Invalid path: '{'/'.join(below)}' is not a regular file")


def _unreadable(error: OSError, below: Steps) -> Exception:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return no_such_artifact(below)
    if error.errno in (errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO):
        return invalid_path()
    if isinstance(error, (IsADirectoryError, PermissionError)) and os.name == "nt":
        return is_a_directory(below)
    return error


def _unwritable(error: OSError, below: Steps) -> Exception:
    path = "/".join(below)
    if error.errno == errno.EISDIR or (os.name == "nt" and isinstance(error, PermissionError)):
        return is_a_directory(below)
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return MlflowException.invalid_parameter_value(
            f"Artifact '{path}' cannot be written: a part of its path is a file, not a directory."
        )
    if error.errno in (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL):
        return invalid_path()
    if error.errno in _NO_ROOM:
        return MlflowException(f"Artifact '{path}' cannot be written: {error.strerror}.")
    return error


Root = PathRoot | DescriptorRoot

#: Whether the system can open relative to an open folder without following links.
HAS_OPENAT = bool(_NO_LINK) and {os.open, os.mkdir, os.unlink, os.stat} <= os.supports_dir_fd

root_for_others: Callable[..., Root] = DescriptorRoot if HAS_OPENAT else PathRoot
