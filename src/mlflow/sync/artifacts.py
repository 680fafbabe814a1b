"""Files of runs: found by listing both places, copied one by one, checked by listing again."""

from __future__ import annotations

import filecmp
import os
import posixpath
import shutil
import tempfile
from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING

from mlflow.entities import FileInfo
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repo import ArtifactRepository, _listed
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.location import Location, steps
from mlflow.store.artifact.transfer import run_all
from mlflow.sync.report import many

if TYPE_CHECKING:
    from mlflow.sync.job import Job, Side

#: Two clocks that were compared by a header in whole seconds agree this far, in seconds.
_SLACK = 2.0
#: How often a file is copied that changes meanwhile.
_ATTEMPTS = 3
#: Files up to this many bytes are fetched to be compared, when nothing else tells.
_SMALL = 1 << 20


class ArtifactMode(Enum):
    """What becomes of the files."""

    COPY = "copy"
    """They are copied to where the destination keeps its files."""
    NONE = "none"
    """They are left out."""
    IN_PLACE = "in place"
    """They stay where they are, and the destination points there."""


def copy_artifacts(
    job: Job, owner: str, here: str | None, there: str | None, *, is_new: bool
) -> None:
    """Copy the files of a run or logged model that its counterpart has not, or has otherwise. What
    is only there stays.

    Args:
        owner: For messages, such as "Run abc".
        here: Artifact URI in the source.
        there: Artifact URI in the destination; None if a dry run would have made it.
    """
    if not here or _is_same_place(here, there):
        return
    source = _repository(job, job.source, owner, here, "source")
    target = None  # of a dry run, for what is not there
    if there or not job.dry_run:
        target = _repository(job, job.destination, owner, there or "", "destination")
        if target is None:
            return
    if source is None:
        return
    try:
        todo = list(_to_copy(source, None if is_new else target, None))
        if not todo:
            return
        if target is not None and not job.dry_run:
            copies = [(file.path, lambda file=file: _copy(source, target, file)) for file in todo]
            run_all(copies, "copying", there or "", source.max_workers)
            _verify(target, todo)
    except (MlflowException, OSError) as e:
        job.report.problem(f"{owner}: its files could not all be copied: {_message(e)}")
        return
    job.report.run(f"{owner}: {many(len(todo), 'file')}")
    job.report.add(files=len(todo), bytes=sum(file.file_size or 0 for file in todo))


def _is_same_place(here: str, there: str | None) -> bool:
    if not there:
        return False
    mine, theirs = Location.parse(here), Location.parse(there)
    if mine.is_local and theirs.is_local:
        return os.path.realpath(mine.path) == os.path.realpath(theirs.path)
    return bool(mine.authority) and mine == theirs


def _repository(job: Job, side: Side, owner: str, uri: str, name: str) -> ArtifactRepository | None:
    """Where files are; None, and a problem that is said once, if that is out of reach."""
    try:
        return get_artifact_repository(uri, tracking_uri=side.uri)
    except MlflowException as e:
        where = uri.partition(":")[0] + ":"
        hint = (
            f"a server keeps them: give its URL as the {name}"
            if where == "mlflow-artifacts:"
            else _message(e)
        )
        job.report.problem_once(
            f"{name} {where}",
            f"{owner} and maybe others: the {name}'s files, at '{uri}', are out of reach; {hint}.",
        )
        return None


def _to_copy(
    source: ArtifactRepository, target: ArtifactRepository | None, folder: str | None
) -> Iterator[FileInfo]:
    """The files below a folder that the target has not, or has otherwise; None: it has none."""
    found = source.list_artifacts(folder)
    files = [info for info in found if not info.is_dir]
    there = {}
    if target is not None and files:
        there = {info.path: info for info in target.list_artifacts(folder) if not info.is_dir}
    for info in found:
        _listed(info, steps(folder))  # refuses a path that leads elsewhere
        if info.is_dir:
            yield from _to_copy(source, target, info.path)
        elif target is None or not _is_same(source, target, info, there.get(info.path)):
            yield info


def _is_same(
    source: ArtifactRepository,
    target: ArtifactRepository,
    file: FileInfo,
    there: FileInfo | None,
) -> bool:
    if there is None or there.file_size != file.file_size:
        return False
    path = file.path
    mine, theirs = source.modified_time(path), target.modified_time(path)
    if mine is None or theirs is None or mine == theirs:
        return True
    local, other = source.get_local_path(path), target.get_local_path(path)
    if local and other:
        return filecmp.cmp(local, other, shallow=False)
    if abs(theirs - mine) > _SLACK:
        return theirs > mine
    # Written at about the time of the copy. A large one is copied again, which settles it.
    return (file.file_size or 0) <= _SMALL and _content(source, path) == _content(target, path)


def _content(repository: ArtifactRepository, path: str) -> bytes:
    with _Fetched(repository, path) as local, open(local, "rb") as file:
        return file.read()


def _copy(source: ArtifactRepository, target: ArtifactRepository, file: FileInfo) -> None:
    for _ in range(_ATTEMPTS):
        with _Fetched(source, file.path) as local:
            before = os.stat(local).st_mtime_ns
            target.log_artifact(local, posixpath.dirname(file.path) or None)
            if os.stat(local).st_mtime_ns == before:
                return
    raise MlflowException(f"'{file.path}' changes while it is copied. Copy again later.")


class _Fetched:
    """The path of an artifact on this machine, while the block runs."""

    def __init__(self, repository: ArtifactRepository, path: str):
        self._repository, self._path = repository, path
        self._folder: str | None = None

    def __enter__(self) -> str:
        local = self._repository.get_local_path(self._path)
        if local is not None:
            return local
        self._folder = tempfile.mkdtemp(prefix="mlflow-sync-")
        try:
            local = os.path.join(self._folder, steps(self._path)[-1])
            self._repository._download_file(self._path, local)
            return local
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _verify(target: ArtifactRepository, files: list[FileInfo]) -> None:
    """Check that the files are there as they were listed.

    Raises:
        MlflowException: One is not. It may have been written to meanwhile.
    """
    folders = {posixpath.dirname(file.path) for file in files}
    there = {
        info.path: info.file_size for folder in folders for info in target.list_artifacts(folder)
    }
    for file in files:
        if there.get(file.path) != file.file_size:
            raise MlflowException(
                f"'{file.path}' has {there.get(file.path)} bytes there and had {file.file_size} "
                "here. If it is still being written, copy again later."
            )


def _message(error: Exception) -> str:
    return error.message if isinstance(error, MlflowException) else str(error)
