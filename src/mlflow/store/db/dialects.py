"""What differs between the databases: how to connect, types, placeholders, and what a driver's
errors mean.

Statements elsewhere are written once, with `?` for parameters, in the SQL that all of them share.
"""

from __future__ import annotations

import functools
import os
import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from mlflow.environment_variables import MLFLOW_SQLALCHEMYSTORE_POOL_SIZE
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.search.evaluate import NUMBER_PATTERN, number_in

#: How long a writer waits for other processes before it gives up.
LOCK_TIMEOUT_SECONDS = 120.0


@dataclass(frozen=True)
class DatabaseUrl:
    """A database URL, parsed once:
    `dialect[+driver]://user:password@host:port/database?options`."""

    text: str
    dialect: str
    username: str | None
    password: str | None
    host: str | None
    port: int | None
    database: str
    options: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> DatabaseUrl:
        """The parts of `text`; MlflowException INVALID_PARAMETER_VALUE if it is no database URL."""
        parts = urlsplit(text)
        dialect = parts.scheme.partition("+")[0]
        if dialect == "postgres":
            dialect = "postgresql"
        try:
            port = parts.port
        except ValueError:
            raise MlflowException.invalid_parameter_value(
                f"'{text}' has no valid port; a number from 1 to 65535 is needed."
            ) from None
        if dialect == "sqlite":
            # sqlite:///relative and sqlite:////absolute, as everybody writes them
            database = unquote(parts.path[1:])
        else:
            database = unquote(parts.path.lstrip("/"))
        return cls(
            text,
            dialect,
            unquote(parts.username) if parts.username else None,
            unquote(parts.password) if parts.password else None,
            parts.hostname,
            port,
            database,
            tuple(parse_qsl(parts.query, keep_blank_values=True)),
        )

    def __repr__(self) -> str:
        return f"DatabaseUrl({self.safe!r})"

    @property
    def safe(self) -> str:
        """The URL without its password, for messages."""
        return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", self.text)


class Dialect:
    """The contract. A connection answers `execute(sql, params) -> cursor` and `executemany(sql,
    rows)`."""

    name: str
    types: dict[str, str]
    #: One writer at a time, who commits for everybody that waits.
    single_writer = False
    #: Suffix of a SELECT that keeps others from deleting the row until the transaction ends.
    share_lock = ""
    #: Suffix of a SELECT that keeps others from changing the row until the transaction ends.
    update_lock = ""

    def connect(self, url: DatabaseUrl) -> Any:
        """A new connection, in autocommit mode."""
        raise NotImplementedError

    def begin(self, connection: Any, *, write: bool) -> None:
        connection.execute("begin")

    def insert(self, connection: Any, sql: str, params: Sequence[Any]) -> int:
        """Run an INSERT into a table with an `id`; the new id."""
        raise NotImplementedError

    def like(self, expression: str, *, ignore_case: bool) -> str:
        """`expression LIKE ?`, with no escape character."""
        raise NotImplementedError

    def number(self, expression: str) -> str:
        """A text as a double; NULL where it is not the text of a finite number."""
        raise NotImplementedError

    def table_names(self, connection: Any) -> set[str]:
        raise NotImplementedError

    def is_retryable(self, error: Exception) -> bool:
        """True when the transaction may succeed if it is simply tried again."""
        return False

    def is_duplicate(self, error: Exception) -> bool:
        """True when the error is the violation of a unique index."""
        raise NotImplementedError

    def translate(self, error: Exception) -> MlflowException | None:
        """What to tell the caller of a driver's error; None when the error is not the driver's."""
        raise NotImplementedError

    pool_size = 0


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

    def connect(self, url: DatabaseUrl) -> sqlite3.Connection:
        path = url.database or ":memory:"
        if path != ":memory:" and not os.path.isdir(os.path.dirname(os.path.abspath(path))):
            os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        connection = sqlite3.connect(
            path,
            timeout=LOCK_TIMEOUT_SECONDS,
            isolation_level=None,
            check_same_thread=False,  # the pool gives a connection to one thread at a time
            cached_statements=256,
        )
        synchronous = dict(url.options).get("synchronous", "FULL").upper()
        if synchronous not in ("FULL", "NORMAL"):
            raise MlflowException.invalid_parameter_value(
                f"synchronous={synchronous} in '{url.safe}'; FULL or NORMAL is needed."
            )
        tables = self.table_names(connection)
        if not tables or "schema_version" in tables:  # another program's file stays as it is
            connection.execute("pragma journal_mode = wal").fetchall()
        connection.execute(f"pragma synchronous = {synchronous}")
        connection.execute("pragma case_sensitive_like = on")
        connection.execute("pragma temp_store = memory")
        connection.create_function("number_in", 1, number_in, deterministic=True)
        return connection

    def begin(self, connection: sqlite3.Connection, *, write: bool) -> None:
        connection.execute("begin immediate" if write else "begin")

    def insert(self, connection: sqlite3.Connection, sql: str, params: Sequence[Any]) -> int:
        return connection.execute(sql, params).lastrowid

    def like(self, expression: str, *, ignore_case: bool) -> str:
        return f"lower({expression}) like lower(?)" if ignore_case else f"{expression} like ?"

    def number(self, expression: str) -> str:
        return f"number_in({expression})"

    def table_names(self, connection: sqlite3.Connection) -> set[str]:
        return {
            r[0] for r in connection.execute("select name from sqlite_master where type = 'table'")
        }

    def is_retryable(self, error: Exception) -> bool:
        return isinstance(error, sqlite3.OperationalError) and "locked" in str(error)

    def is_duplicate(self, error: Exception) -> bool:
        return isinstance(error, sqlite3.IntegrityError)

    def translate(self, error: Exception) -> MlflowException | None:
        if isinstance(error, (UnicodeEncodeError, OverflowError)):
            return MlflowException.invalid_parameter_value(f"A value cannot be stored: {error}")
        if not isinstance(error, sqlite3.Error):
            return None
        code = "TEMPORARILY_UNAVAILABLE" if self.is_retryable(error) else "INTERNAL_ERROR"
        return MlflowException(f"The database could not do it: {error}", error_code=CODES[code])

    @property
    def pool_size(self) -> int:
        return 8


class _PostgresConnection:
    """A psycopg connection that takes `?` placeholders."""

    def __init__(self, raw: Any):
        self.raw = raw

    def execute(self, sql: str, params: Sequence[Any] = ()) -> Any:
        return self.raw.execute(_to_format(sql), params)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        with self.raw.cursor() as cursor:
            cursor.executemany(_to_format(sql), rows)

    def close(self) -> None:
        self.raw.close()

    @property
    def broken(self) -> bool:
        return self.raw.closed or self.raw.broken


@functools.lru_cache(maxsize=1024)
def _to_format(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


class PostgreSQL(Dialect):
    name = "postgresql"
    share_lock = " for share"
    update_lock = " for update"
    types = {
        "serial": "bigint generated by default as identity primary key",
        "int": "bigint",
        "small": "smallint",
        "real": "double precision",
        "blob": "bytea",
        # "C": compared and ordered by code point, as SQLite does it, whatever the cluster's locale
        "text": 'text collate "C"',
        "name": 'text collate "C"',
        "key": 'text collate "C"',
        "word": 'text collate "C"',
        "clustered": "",
    }

    def connect(self, url: DatabaseUrl) -> _PostgresConnection:
        psycopg = _psycopg()
        options = dict(url.options)
        try:
            raw = psycopg.connect(
                host=options.pop("host", url.host),
                port=url.port,
                user=url.username,
                password=url.password,
                dbname=url.database or None,
                autocommit=True,
                **options,
            )
        except psycopg.Error as e:
            raise MlflowException(
                f"PostgreSQL at '{url.safe}' cannot be reached: {str(e).strip()}",
                error_code=CODES["TEMPORARILY_UNAVAILABLE"],
            ) from e
        raw.prepare_threshold = 2
        return _PostgresConnection(raw)

    def insert(self, connection: _PostgresConnection, sql: str, params: Sequence[Any]) -> int:
        return connection.execute(f"{sql} returning id", params).fetchone()[0]

    def like(self, expression: str, *, ignore_case: bool) -> str:
        return f"{expression} {'ilike' if ignore_case else 'like'} ? escape ''"

    def number(self, expression: str) -> str:
        pattern = NUMBER_PATTERN.replace("?", "{0,1}")  # a question mark is a parameter
        # numeric first: as a double, a number that is too large or too small would be an error
        exact = f"({expression})::numeric"
        return (
            f"(case when {expression} ~ '{pattern}' then case when abs({exact}) < 1e-300 then 0 "
            f"when abs({exact}) <= 1.7976931348623157e308 then {exact}::double precision end end)"
        )

    def table_names(self, connection: _PostgresConnection) -> set[str]:
        rows = connection.execute(
            "select table_name from information_schema.tables where table_schema = current_schema()"
        )
        return {r[0] for r in rows.fetchall()}

    def is_retryable(self, error: Exception) -> bool:
        errors = _psycopg().errors
        return isinstance(error, (errors.SerializationFailure, errors.DeadlockDetected))

    def is_duplicate(self, error: Exception) -> bool:
        return isinstance(error, _psycopg().errors.UniqueViolation)

    def translate(self, error: Exception) -> MlflowException | None:
        psycopg = _psycopg()
        if isinstance(error, (psycopg.DataError, UnicodeEncodeError)):
            return MlflowException.invalid_parameter_value(f"A value cannot be stored: {error}")
        if not isinstance(error, psycopg.Error):
            return None
        lost = isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
        code = "TEMPORARILY_UNAVAILABLE" if lost else "INTERNAL_ERROR"
        return MlflowException(f"The database could not do it: {error}", error_code=CODES[code])

    @property
    def pool_size(self) -> int:
        return MLFLOW_SQLALCHEMYSTORE_POOL_SIZE.get() or 16


def _psycopg() -> Any:
    from mlflow.utils.optional import require

    return require("psycopg", extra="postgres", purpose="a store in PostgreSQL")


_DIALECTS: dict[str, type[Dialect]] = {"postgresql": PostgreSQL, "sqlite": SQLite}


def dialect_of(url: DatabaseUrl) -> Dialect:
    """The dialect of `url`; MlflowException if it is not among those that work."""
    try:
        return _DIALECTS[url.dialect]()
    except KeyError:
        raise MlflowException(
            f"A store in '{url.dialect}' is not available in Headrace yet; "
            f"these are: {', '.join(sorted(_DIALECTS))}.",
            error_code=CODES["NOT_IMPLEMENTED"],
        ) from None
