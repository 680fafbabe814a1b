"""Opening the two stores."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mlflow.exceptions import MlflowException
from mlflow.store.tracking.resolve import tracking_store
from mlflow.sync.job import Side
from mlflow.utils.file_utils import local_file_uri_to_path

if TYPE_CHECKING:
    from mlflow.store.db.dialects import DatabaseUrl

_DATABASES = ("sqlite", "postgresql", "postgres", "mysql", "mariadb")


def open_source(uri: str) -> Side:
    """The store to read.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if there is nothing: a database would be made, and
            found to be empty.
    """
    if is_empty_database(uri):
        raise MlflowException.invalid_parameter_value(
            f"There are no runs at '{_database(uri).safe}'."
        )
    return Side(tracking_store(uri), uri)


def open_destination(uri: str, artifact_root: str | None, *, dry_run: bool) -> Side:
    """The store to write; for a dry run, an empty one in place of a database that is yet to be
    made."""
    root = artifact_root or _default_root(uri)
    if dry_run and is_empty_database(uri):
        return Side(tracking_store("sqlite://", root), uri)
    return Side(tracking_store(uri, root), uri)


def is_empty_database(uri: str) -> bool:
    """Whether `uri` is that of a database without tables, or of no SQLite file yet."""
    if _family(uri) not in _DATABASES:
        return False
    from mlflow.store.db.database import Database

    path = _database(uri).database
    if _family(uri) == "sqlite" and (not os.path.isfile(path) or not os.path.getsize(path)):
        return True
    database = Database(uri)
    try:
        with database.read() as tx:
            return not database.dialect.table_names(tx)
    finally:
        database.close()


def same_place(uri: str, other: str) -> bool:
    """Whether both URIs name one store."""
    return _place(uri) == _place(other)


def _place(uri: str) -> str:
    family = _family(uri)
    if family == "sqlite":
        return os.path.realpath(_database(uri).database)
    if family in ("", "file"):
        return os.path.realpath(local_file_uri_to_path(uri))
    return uri.rstrip("/")


def _family(uri: str) -> str:
    return uri.partition(":")[0].partition("+")[0].lower() if ":" in uri else ""


def _default_root(uri: str) -> str | None:
    if _family(uri) != "sqlite":
        return None
    return os.path.join(os.path.dirname(os.path.abspath(_database(uri).database)), "mlruns")


def _database(uri: str) -> DatabaseUrl:
    from mlflow.store.db.dialects import DatabaseUrl

    return DatabaseUrl.parse(uri)
