"""SQLite, through the standard library."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
from collections.abc import Sequence
from typing import Any

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.search.evaluate import number_in
from mlflow.store.db.dialects.base import LOCK_TIMEOUT_SECONDS, Dialect
from mlflow.store.db.dialects.url import DatabaseUrl
from mlflow.store.db.network_file_system import network_file_system

_logger = logging.getLogger(__name__)


class SQLite(Dialect):
    name = "sqlite"
    single_writer = True
    types = {
        # AUTOINCREMENT: the id of a deleted experiment must not come back, its folder may still be
        # there.
        "serial": "integer primary key autoincrement",
        "int": "integer",
        "small": "integer",
        "real": "real",
        "blob": "blob",
        "text": "text",
        "name": "text",
        "key": "text",
        "word": "text",
        "clustered": "without rowid",
    }

    def __init__(self) -> None:
        self._path = ""
        self._journal = ""

    def connect(self, url: DatabaseUrl) -> sqlite3.Connection:
        options = dict(url.options)
        synchronous = options.get("synchronous", "FULL").upper()
        if synchronous not in ("FULL", "NORMAL"):
            raise MlflowException.invalid_parameter_value(
                f"synchronous={synchronous} in '{url.safe}'; FULL or NORMAL is needed."
            )
        path = os.path.abspath(url.database)
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        except OSError as e:
            raise MlflowException(
                f"The folder of the database file '{path}' cannot be made: {e.strerror}. Give a "
                "path in a folder that you may write to.",
                error_code=CODES["INVALID_STATE"],
            ) from e
        if path != self._path:
            self._journal = _journal_mode(path, options.get("journal_mode"))
            self._path = path
        connection = sqlite3.connect(
            path,
            timeout=LOCK_TIMEOUT_SECONDS,
            isolation_level=None,
            check_same_thread=False,  # the pool gives a connection to one thread at a time
            cached_statements=256,
            factory=_Connection,
        )
        try:
            tables = self.table_names(connection)
            if not tables or "schema_version" in tables:  # another program's file stays as it is
                _use_journal(connection, self._journal)
                connection.execute("pragma temp_store = memory")
            connection.execute(f"pragma synchronous = {synchronous}")
            connection.execute("pragma case_sensitive_like = on")
            connection.create_function("number_in", 1, number_in, deterministic=True)
        except BaseException:
            connection.close()
            raise
        return connection

    def begin(self, connection: sqlite3.Connection, *, write: bool) -> None:
        connection.execute("begin immediate" if write else "begin")

    def insert(self, connection: sqlite3.Connection, sql: str, params: Sequence[Any]) -> int:
        return connection.execute(sql, params).lastrowid

    def like(self, expression: str, *, ignore_case: bool) -> str:
        return f"lower({expression}) like lower(?)" if ignore_case else f"{expression} like ?"

    def contains(self, expression: str) -> str:
        return f"instr(lower({expression}), lower(?)) > 0"

    def number(self, expression: str) -> str:
        return f"number_in({expression})"

    def by_index(self, table: str, index: str) -> str:
        return f"{table} indexed by {index}"

    def look_up(self, table: str, alias: str, condition: str) -> str:
        return f"cross join {table} {alias} on {condition}"

    def table_names(self, connection: sqlite3.Connection) -> set[str]:
        return {
            r[0] for r in connection.execute("select name from sqlite_master where type = 'table'")
        }

    def column_names(self, connection: sqlite3.Connection, table: str) -> set[str]:
        rows = connection.execute("select name from pragma_table_info(?)", (table,))
        return {name for (name,) in rows}

    def used_bytes(self, connection: sqlite3.Connection) -> int:
        pages, free, size = (
            connection.execute(f"pragma {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    def tidy(self, url: DatabaseUrl, *, vacuum: bool) -> None:
        connection = self.connect(url)
        try:
            connection.execute("pragma optimize").fetchall()
            if vacuum:
                connection.execute("vacuum")
            connection.execute("pragma wal_checkpoint(truncate)").fetchall()
        except sqlite3.Error as e:
            raise self.translate(e) or e from e
        finally:
            connection.close()

    def is_retryable(self, error: Exception) -> bool:
        return isinstance(error, sqlite3.OperationalError) and "locked" in str(error)

    def is_duplicate(self, error: Exception) -> bool:
        return isinstance(error, sqlite3.IntegrityError)

    def is_fatal(self, error: Exception) -> bool:
        # After a write or sync that failed, what the connection remembers may not be on the disk.
        return isinstance(error, sqlite3.Error) and "disk I/O error" in str(error)

    def translate(self, error: Exception) -> MlflowException | None:
        if isinstance(error, (UnicodeEncodeError, OverflowError)):
            return MlflowException.invalid_parameter_value(f"A value cannot be stored: {error}")
        if not isinstance(error, sqlite3.Error):
            return None
        text = str(error)
        if "disk I/O error" in text and _is_full(self._path):
            text = "database or disk is full"
        for part, code, advice in _FAULTS:
            if part in text:
                message = f"The database file '{self._path}' {advice} (SQLite: {error})"
                return MlflowException(message, error_code=CODES[code])
        code = "TEMPORARILY_UNAVAILABLE" if self.is_retryable(error) else "INTERNAL_ERROR"
        return MlflowException(f"The database could not do it: {error}", error_code=CODES[code])

    @property
    def pool_size(self) -> int:
        return 8


class _Connection(sqlite3.Connection):
    broken = False

    def close(self) -> None:
        self.broken = True
        super().close()


# What SQLite says (by its words, since Python 3.10 does not pass its numbers on), the code, and
# what is wrong and helps.
_FAULTS = (
    (
        "database or disk is full",
        "RESOURCE_EXHAUSTED",
        "has no room to grow: its disk, or a quota, is full. Nothing of this request was stored; "
        "what is there can be read. Writing goes on by itself once there is room.",
    ),
    (
        "readonly database",
        "INVALID_STATE",
        "cannot be written to: the file, its folder or the file system is read-only for this "
        "user, or the file was moved away. What is there can be read.",
    ),
    (
        "unable to open database file",
        "INVALID_STATE",
        "cannot be opened: this user needs permission to read and write the file and its folder.",
    ),
    (
        "not a database",
        "INVALID_STATE",
        "is not a SQLite database, or its beginning is damaged. Give the path of another file, or "
        "restore a backup.",
    ),
    (
        "malformed",
        "DATA_LOSS",
        "is damaged. What is not on the damaged pages can still be read; `mlflow db check` says "
        "more. Restore a backup, or save what can be read with `sqlite3 FILE .recover`.",
    ),
    (
        "disk I/O error",
        "IO_ERROR",
        "could not be read or written: the disk failed. Nothing of this request counts as stored. "
        "Look at the system's log for errors of the disk.",
    ),
)


def _is_full(path: str) -> bool:
    try:
        return shutil.disk_usage(os.path.dirname(path)).free < 1 << 16
    except OSError:
        return False


def _journal_mode(path: str, wanted: str | None) -> str:
    """How changes are kept safe: by a write-ahead log, unless the option `journal_mode` or the file
    system says otherwise."""
    if wanted is not None:
        if wanted.lower() not in ("wal", "truncate", "delete"):
            raise MlflowException.invalid_parameter_value(
                f"journal_mode={wanted}; wal, truncate or delete is needed."
            )
        return wanted.lower()
    kind = network_file_system(os.path.dirname(path))
    if kind is None:
        return "wal"
    _logger.warning(
        "The database file '%s' is on a network file system (%s), whose locks SQLite cannot rely "
        "on: machines that write to it at once may damage it. Here it goes without a write-ahead "
        "log, and slower. Keep it on a local disk behind `mlflow server`, or use PostgreSQL or "
        "MySQL. (%s?journal_mode=wal, for use by one machine only, turns this off.)",
        path,
        kind,
        f"sqlite:///{path}",
    )
    return "truncate"


def _use_journal(connection: sqlite3.Connection, mode: str) -> None:
    (current,) = connection.execute("pragma journal_mode").fetchone()
    if current == mode:
        return
    if current == "wal":  # to leave it, one must be alone
        connection.execute("pragma busy_timeout = 0").fetchall()
    try:
        connection.execute(f"pragma journal_mode = {mode}").fetchall()
    except sqlite3.OperationalError as e:
        if current != "wal" or "locked" not in str(e):
            raise
        _logger.warning(
            "The database keeps its write-ahead log, since another process has it open. Close all "
            "that use it, and open it again."
        )
    finally:
        connection.execute(f"pragma busy_timeout = {LOCK_TIMEOUT_SECONDS * 1000:.0f}").fetchall()
