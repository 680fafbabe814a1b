"""A folder of artifacts as a zip file that is made while it is sent."""

from __future__ import annotations

import re
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing

from mlflow.exceptions import MlflowException
from mlflow.server.artifact_places import Place
from mlflow.store.artifact.location import Steps
from mlflow.store.artifact.media_type import media_type
from mlflow.store.artifact.transfer import PIECE

MOST_FILES = 100_000
"""In one zip; their names are kept in memory until its end."""
_LEVEL = 1
_REFUSED = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\/\ud800-\udfff]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)", re.IGNORECASE)
_MOST_BYTES = 200


def files_to_pack(place: Place, below: Steps) -> list[tuple[Steps, bool]]:
    """All files and folders in a folder, in order: the way to each, and whether it is a folder.

    Raises:
        MlflowException: RESOURCE_DOES_NOT_EXIST if there is no such folder;
            INVALID_PARAMETER_VALUE if it is a file, or has too much in it.
    """
    found: list[tuple[Steps, bool]] = []
    folders = [below]
    while folders:
        folder = folders.pop()
        for info in place.list(folder):
            # Names as they are there, even such as no client could ask for.
            path = (*folder, info.path.rpartition("/")[2])
            found.append((path, info.is_dir))
            if len(found) > MOST_FILES:
                raise MlflowException.invalid_parameter_value(
                    f"'{'/'.join(below)}' has more than {MOST_FILES} files; one zip cannot have "
                    "so many. Download its folders one by one, or use `mlflow artifacts download`."
                )
            if info.is_dir:
                folders.append(path)
    if not found and below:
        place.open(below).close()  # which says it if there is nothing
        raise MlflowException.invalid_parameter_value(
            f"'{'/'.join(below)}' is a file; only folders are packed."
        )
    return sorted(found)


def zipped(
    place: Place, below: Steps, files: list[tuple[Steps, bool]], top: str
) -> Iterator[bytes]:
    """The zip file, in pieces of a megabyte or so.

    Args:
        below: The folder.
        files: What is in it, as `files_to_pack` has found it.
        top: Name of the folder that all is in.
    """
    sink = _Sink()
    names = _Names(top)
    with zipfile.ZipFile(sink, "w", allowZip64=True) as target:  # type: ignore[arg-type]
        for path, is_folder in files:
            name = names.of(path[len(below) :], is_folder)
            if is_folder:
                target.writestr(_entry(f"{name}/", time.time()), b"")
                continue
            try:
                file = place.open(path)
            except MlflowException as e:
                if e.error_code == "RESOURCE_DOES_NOT_EXIST":
                    continue  # it was removed since the folder was listed
                raise
            with closing(file):
                entry = _entry(name, file.modified)
                entry.file_size = file.size  # decides how the sizes are written behind it
                if media_type(file.name).startswith("text/"):
                    entry.compress_type, entry._compresslevel = zipfile.ZIP_DEFLATED, _LEVEL
                with target.open(entry, "w") as out, closing(file.read(0, file.size)) as pieces:
                    for piece in pieces:
                        out.write(piece)
                        if sink.size >= PIECE:
                            yield sink.take()
            if sink.size >= PIECE:
                yield sink.take()
    yield sink.take()


def safe_name(name: str) -> str:
    """The name as a file may be called on any system: never empty, nowhere up, no device."""
    name = _REFUSED.sub("_", name).rstrip(" .")
    while len(name.encode()) > _MOST_BYTES:
        name = name[:-1]
    if not name.strip("."):
        return "_"
    return f"_{name}" if _RESERVED.match(name) else name


class _Names:
    """Names in one zip: safe, and each once, also where capitals do not count."""

    def __init__(self, top: str):
        self._known: dict[Steps, str] = {(): safe_name(top)}
        self._taken: set[str] = set()

    def of(self, path: Steps, is_folder: bool) -> str:
        """The path in the zip of something in the folder. Folders come before what is in them."""
        above = self._known.get(path[:-1]) or self.of(path[:-1], True)
        name = safe_name(path[-1])
        stem, dot, ending = name.partition(".")
        number = 1
        while f"{above}/{name}".casefold() in self._taken:
            number += 1
            name = f"{stem} ({number}){dot}{ending}"
        found = f"{above}/{name}"
        self._taken.add(found.casefold())
        if is_folder:
            self._known[path] = found
        return found


class _Sink:
    """What is written and not yet sent. It has no position, so sizes and checksums come behind the
    content of each file."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        found, self._pieces, self.size = b"".join(self._pieces), [], 0
        return found


def _entry(name: str, modified: float) -> zipfile.ZipInfo:
    moment = time.localtime(modified)[:6] if modified > 0 else (1980, 1, 1, 0, 0, 0)
    if not 1980 <= moment[0] <= 2107:
        moment = (1980, 1, 1, 0, 0, 0)
    entry = zipfile.ZipInfo(name, moment)
    entry.external_attr = 0o40755 << 16 | 0x10 if name.endswith("/") else 0o100644 << 16
    return entry
