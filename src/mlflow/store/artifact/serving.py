"""Artifacts as a server needs them: a file to send, whole or in part, and a file to fill."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

from mlflow.entities.file_info import FileInfo
from mlflow.store.artifact.location import Steps
from mlflow.store.artifact.resolver import Root
from mlflow.store.artifact.transfer import PIECE

if TYPE_CHECKING:
    from mlflow.store.artifact.artifact_repo import ArtifactRepository


@dataclass
class StoredFile:
    """A file to send. `close()` it at the end."""

    name: str
    size: int
    """Bytes."""
    modified: float
    """Seconds since the Unix epoch."""
    etag: str
    """Changes when the content does; with its quotes."""
    read: Callable[[int, int], Iterator[bytes]]
    """The bytes from a start to before an end, in pieces of at most PIECE."""
    close: Callable[[], None]

    @classmethod
    def of_file(
        cls, stream: BinaryIO, name: str, then: Callable[[], object] = lambda: None
    ) -> StoredFile:
        """A file of this machine, open and unbuffered; `then` is called after it was closed."""
        found = os.fstat(stream.fileno())
        # Not the time of modification: that one is kept when a file is copied over another.
        etag = f'"{found.st_ctime_ns:x}-{found.st_size:x}-{found.st_ino:x}"'

        def read(start: int, end: int) -> Iterator[bytes]:
            stream.seek(start)
            while start < end and (piece := stream.read(min(PIECE, end - start))):
                start += len(piece)
                yield piece

        def close() -> None:
            stream.close()
            then()

        return cls(name, found.st_size, found.st_mtime, etag, read, close)


class ReceivedFile:
    """A file to fill. It appears with `commit()`, and never if that is not called.

    Args:
        writing: Gives the stream to write to; leaving it keeps the file, leaving it with an error
            does not.
    """

    def __init__(self, writing: AbstractContextManager[BinaryIO]):
        self._stack = ExitStack()
        self._stream = self._stack.enter_context(writing)

    @classmethod
    def by_way_of_a_folder(cls, name: str, store: Callable[[str], object]) -> ReceivedFile:
        """A file that is collected in a temporary folder and then handed to `store`."""
        return cls(_Collected(name, store))

    def write(self, piece: bytes | bytearray) -> None:
        """Append."""
        self._stream.write(piece)

    def commit(self) -> None:
        """All is there."""
        self._stack.close()

    def abort(self) -> None:
        """The rest will not come: leave nothing behind."""
        error = _Aborted()
        with suppress(_Aborted):
            self._stack.__exit__(_Aborted, error, None)


class _Aborted(Exception):
    """Told to what is being written when the rest will not come."""


class _Collected(AbstractContextManager["BinaryIO"]):
    def __init__(self, name: str, store: Callable[[str], object]):
        self._name, self._store = name, store

    def __enter__(self) -> BinaryIO:
        self._folder = tempfile.mkdtemp()
        self._path = os.path.join(self._folder, self._name)
        self._stream = open(self._path, "wb")
        return self._stream

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._stream.close()
            if kind is None:
                self._store(self._path)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)


def listing(root: Root, below: Steps) -> list[FileInfo]:
    """What is in a folder of this machine, with paths that begin at the root."""
    above = "".join(f"{name}/" for name in below)
    return [
        FileInfo(above + entry.name, entry.is_dir, None if entry.is_dir else entry.size)
        for entry in root.scan(below) or []
    ]


class Storage(Protocol):
    """Artifacts below one root, for a server. Any thread may use it."""

    def list(self, below: Steps) -> list[FileInfo]:
        """What is in a folder, sorted by path from the root; [] for a file or nothing."""

    def open(self, below: Steps) -> StoredFile:
        """A file to send; an error if it is absent (RESOURCE_DOES_NOT_EXIST) or a folder."""

    def receive(self, below: Steps) -> ReceivedFile:
        """A file to fill."""

    def delete(self, below: Steps) -> None:
        """Delete a file or a folder; nothing happens if it is absent."""

    @property
    def repository(self) -> ArtifactRepository | None:
        """What gives out addresses for direct access; None if nothing does."""


class LocalStorage:
    """Artifacts in a folder of the server."""

    repository = None

    def __init__(self, root: Root):
        self._root = root

    def list(self, below: Steps) -> list[FileInfo]:
        return listing(self._root, below)

    def open(self, below: Steps) -> StoredFile:
        return StoredFile.of_file(self._root.open(below), below[-1])

    def receive(self, below: Steps) -> ReceivedFile:
        return ReceivedFile(self._root.write(below))

    def delete(self, below: Steps) -> None:
        self._root.remove(below)


class RemoteStorage:
    """Artifacts somewhere else, that the server passes on."""

    def __init__(self, repository: ArtifactRepository):
        self.repository: ArtifactRepository | None = repository
        self._artifacts = repository

    def list(self, below: Steps) -> list[FileInfo]:
        return self._artifacts.list_artifacts("/".join(below) or None)

    def open(self, below: Steps) -> StoredFile:
        return self._artifacts._open_artifact("/".join(below))

    def receive(self, below: Steps) -> ReceivedFile:
        return self._artifacts._receive_artifact(below)

    def delete(self, below: Steps) -> None:
        self._artifacts.delete_artifacts("/".join(below))
