"""Files and folders of a file store: ways to them, reading, and writing that survives a crash.

Symbolic links below the root of a store are neither read nor followed.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.resolver import is_part, part_name

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

#: Bytes in a name, on all usual file systems.
_LONGEST_NAME = 255
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_CLOSE = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
# A FIFO must not make the reader wait for a writer.
_READ = os.O_RDONLY | _NO_LINK | _CLOSE | getattr(os, "O_NONBLOCK", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK | _CLOSE
_APPEND = os.O_RDWR | os.O_APPEND | _NO_LINK | _CLOSE
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NO_LINK | _CLOSE
_sync = getattr(os, "fdatasync", os.fsync)

_process_lock = threading.RLock()
_warned_of_locks = False


# Ways.


def key_steps(key: str) -> tuple[str, ...]:
    """The names of the folders and the file that hold what is logged under a key.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if the key would lead elsewhere, or to nowhere.
    """
    steps = tuple(key.split("/"))
    for name in steps:
        if name in ("", ".", "..") or "\0" in name or (os.sep != "/" and os.sep in name):
            raise _bad_key(key, "a file store keeps it as a file of that name")
        try:
            size = len(os.fsencode(name))
        except UnicodeEncodeError:
            raise _bad_key(key, "it is not text") from None
        if size > _LONGEST_NAME:
            raise _bad_key(
                key,
                f"a file store keeps it as a file, whose name can have {_LONGEST_NAME} bytes "
                f"between two slashes, not {size}",
            )
    return steps


def _bad_key(key: str, reason: str) -> MlflowException:
    return MlflowException.invalid_parameter_value(
        f"The key {key[:300]!r} cannot be used: {reason}."
    )


def is_folder(path: str) -> bool:
    """Whether it is a folder, and no link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def is_file(path: str) -> bool:
    """Whether it is a file, and no link to one."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def folders_in(path: str) -> list[os.DirEntry[str]]:
    """The folders in a folder, in no order; none if it is not there."""
    try:
        with os.scandir(path) as found:
            return [entry for entry in found if entry.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def keys_in(folder: str) -> Iterator[tuple[str, str]]:
    """(key, path) of each file below a folder; none if it is not there."""
    if is_folder(folder):
        yield from _keys_below(folder, "")


def _keys_below(folder: str, prefix: str) -> Iterator[tuple[str, str]]:
    try:
        with os.scandir(folder) as found:
            entries = list(found)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _keys_below(entry.path, f"{prefix}{entry.name}/")
        elif entry.is_file(follow_symlinks=False) and not is_part(entry.name):
            yield prefix + entry.name, entry.path


def path_of_key(folder: str, key: str) -> str | None:
    """Where the value of a key is; None if there is none."""
    try:
        *above, name = key_steps(key)
    except MlflowException:
        return None
    if not is_folder(folder):
        return None
    for step in above:
        folder = os.path.join(folder, step)
        if not is_folder(folder):
            return None
    path = os.path.join(folder, name)
    return path if is_file(path) else None


def check_places(folder: str, keys: Sequence[str], what: str) -> None:
    """Refuse keys of which one would be a folder where another one is a file.

    Args:
        folder: Where these keys are kept.
        keys: That will be written.
        what: "Param", "Metric" or "Tag".
    """
    given = set(keys)
    for key in keys:
        steps = key_steps(key)
        for i in range(1, len(steps)):
            above = "/".join(steps[:i])
            path = os.path.join(folder, *steps[:i])
            if above in given or (os.path.lexists(path) and not is_folder(path)):
                raise _no_place(what, key, above)
        path = os.path.join(folder, *steps)
        if os.path.lexists(path) and not is_file(path):
            below = next((k for k, _ in keys_in(path)), None)
            if below is None and is_folder(path):
                continue  # left over from a key that is gone; `put` removes it
            raise _no_place(what, key, f"{key}/{below}" if below else key)


def _no_place(what: str, key: str, other: str) -> MlflowException:
    return MlflowException.invalid_parameter_value(
        f"{what} '{key}' cannot be kept beside '{other}': in a file store, one of them would have "
        "to be a file and a folder at once. Use another key."
    )


# Reading.


def read(path: str) -> bytes | None:
    """What is in a file; None if there is none, or something that is no file."""
    try:
        descriptor = os.open(path, _READ)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as e:
        if e.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.ENAMETOOLONG):
            return None
        raise
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return None
        return _read_all(descriptor, found.st_size)
    finally:
        os.close(descriptor)


def _read_all(descriptor: int, size: int) -> bytes:
    content = os.read(descriptor, size + 1)
    if len(content) == size:
        return content
    pieces = [content]
    while piece := os.read(descriptor, 1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


# Writing.


def put(files: Mapping[str, bytes], scratch: str, *, new: bool = False) -> None:
    """Write files, each of which takes the place of what is there, whole; return when all of them
    are on disk.

    Args:
        files: Content by path. The folders are there.
        scratch: A folder on the same file system, in which nobody looks for files.
        new: Refuse to take the place of something.

    Raises:
        FileExistsError: With `new`.
    """
    parts: dict[str, str] = {}
    try:
        for path, content in files.items():
            parts[path] = part = os.path.join(scratch, part_name())
            descriptor = os.open(part, _CREATE, 0o666)
            try:
                _write_all(descriptor, content)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        for path, part in parts.items():
            with suppress(OSError):
                os.rmdir(path)  # an empty folder is left over from a key that is gone
            if new:
                _link(part, path)
            else:
                os.replace(part, path)
    finally:
        for part in parts.values():
            with suppress(OSError):
                os.unlink(part)
    for folder in {os.path.dirname(path) for path in files}:
        sync_folder(folder)


def put_keys(folder: str, kind: str, values: Mapping[str, bytes], *, new: bool = False) -> None:
    """Write the values of keys, below the folder `kind` in `folder`, as `put` does."""
    files = {}
    for key, value in values.items():
        *above, name = key_steps(key)
        files[os.path.join(make_folders(folder, kind, *above), name)] = value
    put(files, folder, new=new)


def _link(part: str, path: str) -> None:
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path) from None
        os.replace(part, path)


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def append(path: str, lines: bytes, scratch: str) -> None:
    """Add whole lines to a file, at once, and return when they are on disk; the file need not be
    there. What a writer that was killed left of a line is removed.

    Args:
        path: Its folder is there, and nobody else appends to it.
        lines: Each ends with a line break.
        scratch: As for `put`.
    """
    try:
        descriptor = os.open(path, _APPEND)
    except FileNotFoundError:
        try:
            put({path: lines}, scratch, new=True)
            return
        except FileExistsError:  # of a program without our locks
            descriptor = os.open(path, _APPEND)
    try:
        size = _whole_lines(descriptor)
        try:
            _write_all(descriptor, lines)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
        _sync(descriptor)
    finally:
        os.close(descriptor)


def _whole_lines(descriptor: int) -> int:
    """The size of a file, after removing a last line without a line break."""
    size = os.fstat(descriptor).st_size
    if size == 0 or _read_at(descriptor, size - 1, 1) == b"\n":
        return size
    end = size
    while end > 0:
        start = max(0, end - 4096)
        found = _read_at(descriptor, start, end - start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    os.ftruncate(descriptor, end)
    return end


def _read_at(descriptor: int, start: int, size: int) -> bytes:
    os.lseek(descriptor, start, os.SEEK_SET)
    return os.read(descriptor, size)


def remove(path: str, base: str) -> bool:
    """Remove a file, and the folders above it, up to `base`, that are empty then; whether it was
    there."""
    if not is_file(path):
        return False
    os.unlink(path)
    above = os.path.dirname(path)
    sync_folder(above)
    while above != base:
        try:
            os.rmdir(above)
        except OSError:
            break
        above = os.path.dirname(above)
    return True


def remove_parts(folder: str) -> None:
    """Remove what killed writers left in a folder that nobody else changes meanwhile."""
    with os.scandir(folder) as found:
        parts = [entry.path for entry in found if is_part(entry.name)]
    for part in parts:
        with suppress(OSError):
            os.unlink(part)


def make_folders(base: str, *steps: str) -> str:
    """The path of a folder below `base`, made if it is not there."""
    path = base
    for step in steps:
        above, path = path, os.path.join(path, step)
        try:
            os.mkdir(path)
        except FileExistsError:
            if not is_folder(path):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from None
        else:
            sync_folder(above)
    return path


def sync_folder(path: str) -> None:
    """Return when the names in a folder are on disk, where the system can say so."""
    with suppress(OSError):
        descriptor = os.open(path, _FOLDER)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


# Excluding other writers.


@contextmanager
def locked(folder: str) -> Iterator[None]:
    """Keep other writers, threads and processes, from what is in a folder.

    Raises:
        FileNotFoundError: If the folder is not there, or was moved while waiting.
    """
    gone = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), folder)
    if fcntl is None:
        with _process_lock:
            if not is_folder(folder):
                raise gone
            yield
        return
    try:
        descriptor = os.open(folder, _FOLDER)
    except NotADirectoryError:
        raise gone from None
    try:
        if not _lock(descriptor, folder):
            with _process_lock:
                yield
            return
        try:
            mine, there = os.fstat(descriptor), os.lstat(folder)
            if (mine.st_ino, mine.st_dev) != (there.st_ino, there.st_dev):
                raise gone
            yield
        finally:
            # A process that was forked meanwhile has the descriptor, too: closing is not enough.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: str) -> bool:
    """Wait for the lock of a folder; False if its file system has none."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return True
    except OSError as e:
        _warn_of_locks(folder, e)
        return False


def _warn_of_locks(folder: str, error: OSError) -> None:
    global _warned_of_locks
    if not _warned_of_locks:
        from mlflow.utils.logging_utils import get_logger

        _warned_of_locks = True
        get_logger(__name__).warning(
            "The file system of '%s' cannot lock folders (%s): only one process at a time should "
            "write to this store.",
            folder,
            error.strerror,
        )


def not_stored(what: str, error: OSError) -> MlflowException:
    """The error for something that could not be written.

    Args:
        what: That was to be changed, such as "run abc".
    """
    if error.errno in (errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EEXIST):
        return MlflowException.invalid_parameter_value(
            f"The file store cannot change {what}: {error.strerror}: '{error.filename}'."
        )
    return MlflowException(
        f"The file store cannot change {what}: {error.strerror or error}"
        + (f": '{error.filename}'." if error.filename else "."),
        error_code=CODES["INTERNAL_ERROR"],
    )
