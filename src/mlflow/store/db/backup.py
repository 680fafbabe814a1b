"""A copy of a SQLite database, made while it is in use."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.db.database import Database

#: Pages between two looks at Ctrl-C and the progress bar: 16 MiB.
_STEP = 4096


def backup(
    database: Database, path: str, *, progress: Callable[[int, int], None] | None = None
) -> int:
    """Copy a SQLite database to a new file, as it is at one moment; the copy's size in bytes.

    Others may read and write meanwhile. The file appears under its name when it is complete.

    Args:
        path: A file that does not exist yet.
        progress: Called with (pages done, pages in all).

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if the database is no SQLite file, or `path`
            exists; RESOURCE_EXHAUSTED if the disk has no room for it.
    """
    if database.dialect.name != "sqlite":
        raise MlflowException.invalid_parameter_value(
            f"'{database.url.safe}' is no SQLite file. Its own server's tools make backups: "
            "pg_dump for PostgreSQL, mariadb-dump or mysqldump for MariaDB and MySQL."
        )
    if os.path.lexists(path):
        raise MlflowException.invalid_parameter_value(
            f"The file '{path}' is there already; a backup needs a name that is not taken."
        )
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise MlflowException.invalid_parameter_value(f"There is no folder '{folder}'.")
    needed = os.path.getsize(database.url.database)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise MlflowException(
            f"A backup needs {needed:,} bytes in '{folder}', where {free:,} are free.",
            error_code=CODES["RESOURCE_EXHAUSTED"],
        )
    unfinished = f"{path}.{os.getpid()}.unfinished"
    try:
        with database.read() as source:
            copy = sqlite3.connect(unfinished)
            try:
                source.backup(
                    copy,
                    pages=_STEP,
                    progress=progress and (lambda status, left, all_: progress(all_ - left, all_)),
                )
            finally:
                copy.close()
        _sync(unfinished)
        os.replace(unfinished, path)
    finally:
        if os.path.exists(unfinished):
            os.unlink(unfinished)
    _sync(folder)
    return os.path.getsize(path)


def _sync(path: str) -> None:
    """Make a file, or a folder's entries, survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
