"""Archives of files, and unpacking those that others made."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath

from mlflow.exceptions import MlflowException

MOST_MEMBERS = 100_000
MOST_BYTES = 100 << 30
#: How many bytes a byte of an archive may become; more is made to fill disks. Archives that become
#: small enough anyway are not judged by it.
MOST_RATIO = 200
SMALL = 64 << 20


def make_tar(folder: str, archive: str) -> None:
    """Put what is in a folder in a tar.gz, which appears whole.

    Raises:
        OSError: If there is no such folder, or the archive cannot be written.
    """
    names = sorted(os.listdir(folder))
    descriptor, unfinished = tempfile.mkstemp(dir=os.path.dirname(archive) or ".")
    try:
        with (
            os.fdopen(descriptor, "wb") as file,
            tarfile.open(fileobj=file, mode="w:gz") as tar,
        ):
            for name in names:
                tar.add(os.path.join(folder, name), arcname=name)
        os.replace(unfinished, archive)
    except BaseException:
        os.unlink(unfinished)
        raise


def extract_tar(archive: str, folder: str) -> None:
    """Unpack a tar or tar.gz that may be hostile into a folder, made if it is not there.

    All members are looked at before the first one is written.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if a member would be outside of the folder, is a
            link to outside or no file, folder or link; if two have one name; or if they are too
            many or too large.
    """
    try:
        with tarfile.open(archive, "r:*") as tar:
            members = list(_checked(tar, archive))
            os.makedirs(folder, exist_ok=True)
            # Takes away owners, too; early releases of Python have no filters.
            tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
            tar.extractall(folder, members)
    except (tarfile.TarError, EOFError) as error:
        raise MlflowException.invalid_parameter_value(
            f"The archive '{archive}' cannot be unpacked: {error}"
        ) from error


def extract_zip(archive: str, folder: str) -> None:
    """Unpack a zip that may be hostile into a folder, made if it is not there.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE for what `extract_tar` refuses, too, and for
            links.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            members = list(_checked_zip(file, archive))
            for member, path in members:
                place = os.path.join(folder, *path.parts)
                os.makedirs(place if member.is_dir() else os.path.dirname(place), exist_ok=True)
                if not member.is_dir():
                    with file.open(member) as source, open(place, "wb") as target:
                        shutil.copyfileobj(source, target)
                    os.chmod(place, 0o755 if member.external_attr >> 16 & 0o100 else 0o644)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        raise MlflowException.invalid_parameter_value(
            f"The archive '{archive}' cannot be unpacked: {error}"
        ) from error


def _checked_zip(
    file: zipfile.ZipFile, archive: str
) -> Iterator[tuple[zipfile.ZipInfo, PurePosixPath]]:
    members = file.infolist()
    allowed = min(MOST_BYTES, max(SMALL, MOST_RATIO * os.path.getsize(archive)))
    seen: set[str] = set()
    why = None
    if len(members) > MOST_MEMBERS:
        why = f"it has more than {MOST_MEMBERS} members."
    elif sum(member.file_size for member in members) > allowed:
        why = f"it would become more than {allowed} bytes."
    for member in members if why is None else ():
        path = PurePosixPath(member.filename)
        name = str(path).casefold()
        kind = stat.S_IFMT(member.external_attr >> 16)
        if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in member.filename:
            why = f"'{member.filename}' would be outside of the folder."
        elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            why = f"'{member.filename}' is neither a file nor a folder."
        elif name in seen:
            why = f"'{member.filename}' is there twice."
        else:
            seen.add(name)
            yield member, path
            continue
        break
    if why is not None:
        raise MlflowException.invalid_parameter_value(
            f"The archive '{archive}' is not unpacked: {why}"
        )


def _checked(tar: tarfile.TarFile, archive: str) -> Iterator[tarfile.TarInfo]:
    def refused(why: str) -> MlflowException:
        return MlflowException.invalid_parameter_value(
            f"The archive '{archive}' is not unpacked: {why}"
        )

    size = 0
    allowed = min(MOST_BYTES, max(SMALL, MOST_RATIO * os.path.getsize(archive)))
    is_folder: dict[str, bool] = {}
    links: set[PurePosixPath] = set()
    for member in tar:
        path = PurePosixPath(member.name)
        if not path.parts and member.isdir():
            continue  # the folder itself
        if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in member.name:
            raise refused(f"'{member.name}' would be outside of the folder.")
        if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
            raise refused(f"'{member.name}' is neither a file nor a folder nor a link.")
        if links & set(path.parents):
            raise refused(f"'{member.name}' would be written through a link.")
        if member.issym() or member.islnk():
            if _leads_out(path, member):
                raise refused(f"'{member.name}' links to '{member.linkname}', which is outside.")
            links.add(path)
        name = str(path).casefold()  # where names that differ by case are one name
        if name in is_folder and not (is_folder[name] and member.isdir()):
            raise refused(f"'{member.name}' is there twice.")
        is_folder[name] = member.isdir()
        size += member.size
        if len(is_folder) > MOST_MEMBERS:
            raise refused(f"it has more than {MOST_MEMBERS} members.")
        if size > allowed:
            raise refused(f"it would become more than {allowed} bytes.")
        member.mode &= 0o755  # no rights of its owner, and nobody else writes to it
        yield member


def _leads_out(path: PurePosixPath, link: tarfile.TarInfo) -> bool:
    """Whether a link may name something outside of the folder. Its ".." count only in front, where
    they lead through folders: after a name that is a link itself, they could lead anywhere."""
    target = PurePosixPath(link.linkname)
    up = 0
    while target.parts[up : up + 1] == ("..",):
        up += 1
    # Hard links are named from the top, the others from where they are.
    depth = len(path.parent.parts) if link.issym() else 0
    return target.is_absolute() or up > depth or ".." in target.parts[up:]
