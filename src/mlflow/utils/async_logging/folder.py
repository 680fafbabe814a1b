"""Where journals lie: a folder for each destination, in it one for each process that logs there.

    <folder of journals>/
      http_127.0.0.1_5000-6d2ad97b/        one destination
        rejected-<journal>.jsonl           calls that it refused, and why
        damaged-<journal>-<segment>        segments with bytes that cannot be read
        <journal>/                         what one process has not sent yet
          owner.json                       who that is; locked for as long as it lives
          <segment>.v1

Who can lock the `owner.json` of a journal, has it for as long as the lock is held: its process is
dead. All of it is readable by the user alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from mlflow.utils.async_logging import root
from mlflow.utils.async_logging.segment import Segment

OWNER = "owner.json"
SUFFIX = ".v1"
#: A journal of another machine is left alone until its owner has not shown up for so long: on some
#: network file systems a lock is seen by one machine only.
FOREIGN_SECONDS = 600.0
_JOURNAL = re.compile(r"[0-9a-f]{32}")
_SECRET = re.compile(r"password|passwd|pwd|secret|token|credential", re.IGNORECASE)

#: Every lock that this process holds, since a forked child inherits them and must not keep them.
_locks: set[int] = set()


def without_credentials(uri: str) -> str:
    """The URI of a store without what must not lie in a file: passwords, and of a server also the
    user."""
    try:
        parts = urlsplit(uri)
        userinfo, at, host = parts.netloc.rpartition("@")
    except ValueError:
        return uri.rpartition("@")[2]
    if at:
        user = userinfo.partition(":")[0]
        keeps_user = user and parts.scheme not in ("http", "https")
        host = f"{user}@{host}" if keeps_user else host
    query = parts.query
    if _SECRET.search(query):
        pairs = parse_qsl(query, keep_blank_values=True)
        query = urlencode([(k, v) for k, v in pairs if not _SECRET.search(k)])
    if (host, query) == (parts.netloc, parts.query):
        return uri
    return urlunsplit((parts.scheme, host, parts.path, query, parts.fragment))


def of_destination(uri: str) -> str:
    """The folder of this user's journals for one store."""
    import getpass
    import hashlib

    plain = without_credentials(uri).rstrip("/")
    user = os.getuid() if hasattr(os, "getuid") else getpass.getuser()
    digest = hashlib.blake2b(f"{user} {plain}".encode(), digest_size=8).hexdigest()
    name = re.sub(r"[^A-Za-z0-9.]+", "_", plain).strip("_.")[-60:].lstrip("_.")
    return os.path.join(root(), f"{name}-{digest}")


class Held:
    """The folder of one journal, locked by this process."""

    def __init__(self, path: str, lock: int, uri: str):
        self.path = path
        self.name = os.path.basename(path)
        self.uri = uri
        """Of the store it is for; empty if that cannot be read."""
        self._lock = lock
        _locks.add(lock)

    @property
    def rejected(self) -> str:
        """The file of calls that the store refused."""
        return os.path.join(os.path.dirname(self.path), f"rejected-{self.name}.jsonl")

    def create_segment(self, base: int, size: int) -> Segment:
        """A new segment; OSError if there is no room for it."""
        path = os.path.join(self.path, f"{base:016x}{SUFFIX}")
        return Segment.create(path, self.name, base, size)

    def open_segments(self) -> Iterator[Segment]:
        """Those that are there, in order; those of later versions are passed over."""
        for name in sorted(os.listdir(self.path)):
            if re.fullmatch(r"[0-9a-f]{16}\.v1", name):
                yield Segment.open(os.path.join(self.path, name), self.name, int(name[:16], 16))

    def keep_damaged(self, segment: Segment) -> str:
        """Move a segment out of the journal; its new path."""
        name = f"damaged-{self.name}-{segment.base:016x}{SUFFIX}"
        kept = os.path.join(os.path.dirname(self.path), name)
        os.replace(str(segment.path), kept)
        return kept

    def show_up(self) -> None:
        """Let other machines see that the owner lives."""
        with contextlib.suppress(OSError):
            os.utime(os.path.join(self.path, OWNER))

    def let_go(self) -> None:
        """Let another process have the journal."""
        lock, self._lock = self._lock, -1
        if lock in _locks:  # and not in a forked child
            _locks.discard(lock)
            os.close(lock)

    def release(self) -> None:
        """Let go of the journal; it goes away if nothing is left in it."""
        owner = os.path.join(self.path, OWNER)
        try:
            if os.listdir(self.path) == [OWNER]:
                # Unlinked before the lock is gone: who waits for it, gets a file without a name
                os.unlink(owner)
                os.rmdir(self.path)
                os.rmdir(os.path.dirname(self.path))
        except OSError:  # not empty, or (Windows) still open
            pass
        self.let_go()


def claim(uri: str) -> Held:
    """A new journal of this process for the store at `uri`.

    Raises:
        OSError: The folder cannot be made, or its file system has no locks.
    """
    import shutil

    above = of_destination(uri)
    plain = without_credentials(uri)
    about = {
        "destination": plain,
        "host": _host(),
        "pid": os.getpid(),
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "program": sys.argv[0] if getattr(sys, "argv", None) else "",
    }
    for _ in range(10):
        path = os.path.join(above, uuid.uuid4().hex)
        try:
            os.makedirs(above, mode=0o700, exist_ok=True)
            _check_private(above)
            os.mkdir(path, 0o700)
        except FileNotFoundError:  # whoever was the last there has taken it away
            continue
        lock = os.open(os.path.join(path, OWNER), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            if _try_lock(lock):
                os.write(lock, json.dumps(about, indent=1).encode() + b"\n")
                return Held(path, lock, plain)
        except BaseException:
            os.close(lock)
            shutil.rmtree(path, ignore_errors=True)
            raise
        os.close(lock)  # somebody who looks for orphans was faster, and removes it
    raise OSError(f"no journal can be made in '{above}'")


def has_journals(uri: str) -> bool:
    """Whether a process of this user, dead or alive, has a journal for the store."""
    try:
        return any(_JOURNAL.fullmatch(name) for name in os.listdir(of_destination(uri)))
    except OSError:
        return False


def orphans(above: str) -> Iterator[Held]:
    """The journals of a destination whose process is dead, oldest first, each locked."""
    found = []
    with contextlib.suppress(OSError):
        _check_private(above)
        for entry in os.scandir(above):
            if _JOURNAL.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    found.append((os.stat(os.path.join(entry.path, OWNER)).st_mtime, entry.path))
    for _, path in sorted(found):
        held = _adopt(path)
        if held is not None:
            yield held


def _adopt(path: str) -> Held | None:
    """The journal, if its process is dead."""
    try:
        lock = os.open(os.path.join(path, OWNER), os.O_RDWR)
    except OSError:
        return None
    try:
        if _try_lock(lock):
            found = os.fstat(lock)
            about = owner_of(path)
            foreign = about.get("host") not in (None, _host())
            if found.st_nlink and not (
                foreign and abs(time.time() - found.st_mtime) < FOREIGN_SECONDS
            ):
                return Held(path, lock, str(about.get("destination") or ""))
    except OSError:
        pass
    os.close(lock)
    return None


def _host() -> str:
    import socket

    return socket.gethostname()


def owner_of(path: str) -> dict[str, Any]:
    """What a journal says of its process; empty if that cannot be read."""
    try:
        with open(os.path.join(path, OWNER), encoding="utf-8") as file:
            about = json.load(file)
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) else {}


def bytes_taken(above: str) -> int:
    """What the journals of a destination take on the disk."""
    total = 0
    for name in os.listdir(above):
        path = os.path.join(above, name)
        with contextlib.suppress(OSError):
            total += sum(entry.stat().st_size for entry in os.scandir(path))
    return total


def _check_private(folder: str) -> None:
    """OSError if another user could have put something there."""
    if hasattr(os, "getuid"):
        found = os.stat(folder)
        if found.st_uid != os.getuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise PermissionError(f"'{folder}' belongs to another user, or others may write to it")


def _try_lock(file: int) -> bool:
    """Whether the lock of an open file could be had; OSError if its file system has none."""
    try:
        import fcntl
    except ImportError:
        import msvcrt

        try:
            os.lseek(file, 1 << 20, os.SEEK_SET)  # a lock there does not keep others from reading
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        finally:
            os.lseek(file, 0, os.SEEK_SET)
        return True
    try:
        # Not lockf: its lock would be gone as soon as anything in the process closes the file
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def forget_parent() -> None:
    """In a forked child: leave the parent's locks to the parent."""
    for lock in _locks:
        with contextlib.suppress(OSError):
            os.close(lock)
    _locks.clear()
