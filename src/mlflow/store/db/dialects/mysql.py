"""MariaDB and MySQL, through PyMySQL."""

from __future__ import annotations

import contextlib
import functools
import re
import ssl
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from mlflow.environment_variables import MLFLOW_SQLALCHEMYSTORE_POOL_SIZE
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.search.evaluate import NUMBER_PATTERN
from mlflow.store.db.dialects.base import (
    LOCK_TIMEOUT_SECONDS,
    POINT_TABLES,
    STREAMED_ROWS,
    Dialect,
    no_room,
    read_only,
    to_format,
)
from mlflow.store.db.dialects.url import DatabaseUrl
from mlflow.store.db.tables import INDEXED_PREFIX, INDEXED_REST
from mlflow.utils.optional import require

pymysql = require("pymysql", extra="mysql", purpose="a store in MariaDB or MySQL")

#: Compare by code point, and see trailing spaces: MariaDB's, MySQL's.
_COLLATIONS = ("utf8mb4_nopad_bin", "utf8mb4_0900_bin")

_SESSION = (
    # Standard SQL: "names" in double quotes, backslashes that mean themselves, 0 as an id; a value
    # that does not fit is an error.
    "set session sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,"
    "NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', "
    f"innodb_lock_wait_timeout = {LOCK_TIMEOUT_SECONDS / 4:.0f}, "
    f"lock_wait_timeout = {LOCK_TIMEOUT_SECONDS:.0f}"
)

_LARGEST = sys.float_info.max

# Error numbers: https://mariadb.com/kb/en/mariadb-error-codes/
_DUPLICATE = 1062
_TABLE_EXISTS, _COLUMN_EXISTS, _INDEX_EXISTS = 1050, 1060, 1061
#: Lock wait, deadlock, row or table changed since the snapshot was taken.
_RETRYABLE = frozenset({1205, 1213, 1020, 1412})
_PACKET_TOO_LARGE = 1153
#: The server says that it ends the connection: shutdown, killed, idle for too long.
_GOODBYES = frozenset({1053, 1927, 4031})
_DISK_FULL = frozenset({1021, 1114})
_DISK_FULL_INSIDE = re.compile(r"\b(Errcode:|error) 28\b")  # the operating system's number
_READ_ONLY = frozenset({1290, 1836})


def _beginning(column: str, text: str) -> str:
    """The definition of a column that has the beginning of another one."""
    return (
        f"{column}_start varchar({INDEXED_PREFIX}) {text} "
        f"generated always as (left({column}, {INDEXED_PREFIX})) virtual,"
    )


def _rest(column: str, text: str) -> str:
    """The definition of a column that has what is behind the beginning, or else NULL."""
    return (
        f"{column}_rest varchar({INDEXED_REST}) {text} generated always as "
        f"(nullif(substr({column}, {INDEXED_PREFIX + 1}, {INDEXED_REST}), '')) virtual,"
    )


class _Cursor(pymysql.cursors.Cursor):
    def fetchall(self) -> list[tuple]:
        return list(super().fetchall())


class _RawConnection(pymysql.connections.Connection):
    """PyMySQL's connection, that refuses what it would store otherwise than it was given."""

    packet_limit = 0

    def escape_string(self, s: str) -> str:
        if not s.isascii():
            s.encode()  # PyMySQL would send half of a surrogate pair as a byte
        return super().escape_string(s)

    def query(self, sql: str | bytes, unbuffered: bool = False) -> int:
        if len(sql) * 4 > self.packet_limit > 0:
            size = len(sql.encode(errors="surrogateescape") if isinstance(sql, str) else sql)
            if size >= self.packet_limit:  # the server would hang up in the middle of it
                raise pymysql.err.DataError(
                    _PACKET_TOO_LARGE,
                    f"a statement of {size:,} bytes; the server's max_allowed_packet is "
                    f"{self.packet_limit:,}",
                )
        return super().query(sql, unbuffered)


class _Connection:
    """A connection that takes the common SQL."""

    def __init__(self, raw: _RawConnection):
        self.raw = raw
        self.isolation = ""
        self.schema_locked = False

    def execute(self, sql: str, params: Sequence[Any] = ()) -> _Cursor:
        cursor = self.raw.cursor()
        try:
            cursor.execute(_to_mysql(sql), tuple(params))
        except pymysql.err.Error as e:
            if _number(e) in _GOODBYES:
                self.close()
            raise
        if self.schema_locked and sql in ("commit", "rollback"):
            self.schema_locked = False
            self.raw.query("set autocommit = 1")
            self.raw.query(f"select release_lock({_LOCK_NAME})")
        return cursor

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self.raw.cursor().executemany(_to_mysql(sql), rows)  # a few INSERTs of many rows each

    def close(self) -> None:
        with contextlib.suppress(pymysql.err.Error):
            self.raw.close()

    @property
    def broken(self) -> bool:
        return not self.raw.open


_LOCK_NAME = "concat('headrace ', md5(database()))"

_CONFLICT = re.compile(r"\bon conflict \((\w+)[^)]*\) do (?:nothing|update set (.+))$", re.S)
_INTO = re.compile(r"insert into (\w+)")


@functools.lru_cache(maxsize=1024)
def _to_mysql(sql: str) -> str:
    """A statement in the common SQL as PyMySQL takes it."""
    if " on conflict " in sql:
        conflict, into = _CONFLICT.search(sql), _INTO.match(sql)
        if conflict is None or into is None:
            raise ValueError(f"an upsert that is not in the common form: {sql}")
        key, changes = conflict.groups()
        if changes is None:  # not INSERT IGNORE: that would also cut what is too long
            changes = f"{key} = {into[1]}.{key}"
        changes = re.sub(r"\bexcluded\.(\w+)", r"values(\1)", changes)
        sql = f"{sql[: conflict.start()]}on duplicate key update {changes}"
    return to_format(sql)


class MySQL(Dialect):
    name = "mysql"
    schema_in_use = "database()"
    transactional_ddl = False
    share_lock = " lock in share mode"
    update_lock = " for update"

    def __init__(self) -> None:
        self._use_collation(_COLLATIONS[0])

    def _use_collation(self, collation: str) -> None:
        text = f"character set utf8mb4 collate {collation}"
        self.types = {
            "serial": "bigint auto_increment primary key",
            "int": "bigint",
            "small": "smallint",
            "real": "double",
            "blob": "longblob",
            "text": f"longtext {text}",
            # An index row holds 3072 bytes: a name of 500 characters at 4 bytes, a word, and an id.
            "name": f"varchar(500) {text}",
            "key": f"varchar(500) {text}",
            "word": f"varchar(255) {text}",
            "clustered": "",  # InnoDB's tables are
            # An index on the first characters of a column cannot be read in order.
            "start_of_value": _beginning("value", text) + _rest("value", text),
            "start_of_name": _beginning("name", text),
            "prefix_of_value": "value_start",
            "prefix_of_name": "name_start",
            "rest_of_value": "value_rest",
            "if_long": "",
        }
        self._collation = collation

    def connect(self, url: DatabaseUrl) -> _Connection:
        if not url.database:
            raise MlflowException.invalid_parameter_value(
                f"'{url.safe}' names no database; mysql://user:password@host:port/database is "
                "needed."
            )
        raw = _RawConnection(
            host=url.host or "localhost",
            port=url.port or 3306,
            user=url.username,
            password=(url.password or "").encode(),  # PyMySQL would take Latin-1
            database=url.database,
            charset="utf8mb4",
            autocommit=True,
            cursorclass=_Cursor,
            conv=_CONVERSIONS,
            init_command=_SESSION,
            defer_connect=True,
            **_driver_options(url),
        )
        try:
            raw.connect()
        except (pymysql.err.Error, OSError, RuntimeError) as e:  # the last: a package is missing
            raw._force_close()  # PyMySQL leaves half of the socket open
            raise MlflowException(
                f"MariaDB or MySQL at '{url.safe}' cannot be reached: {_text(e)}",
                error_code=CODES["TEMPORARILY_UNAVAILABLE"],
            ) from e
        try:
            self._learn(raw, url)
        except BaseException:
            raw.close()
            raise
        return _Connection(raw)

    def _learn(self, raw: _RawConnection, url: DatabaseUrl) -> None:
        """What the server has and allows."""
        with raw.cursor() as cursor:
            cursor.execute(
                "select collation_name from information_schema.collations "
                "where collation_name in (%s, %s)",
                _COLLATIONS,
            )
            found = {row[0] for row in cursor.fetchall()}
            collation = next((c for c in _COLLATIONS if c in found), None)
            if collation is None:
                raise MlflowException(
                    f"The server at '{url.safe}' is {raw.get_server_info()}; MariaDB 10.2 or MySQL "
                    "8.0.17 is needed, or newer, whose collations tell trailing spaces apart.",
                    error_code=CODES["NOT_IMPLEMENTED"],
                )
            if collation != self._collation:
                self._use_collation(collation)
            cursor.execute(f"set names utf8mb4 collate {collation}")
            cursor.execute("select @@max_allowed_packet")
            (raw.packet_limit,) = cursor.fetchone()

    def begin(self, connection: _Connection, *, write: bool) -> None:
        isolation = "read committed" if write else "repeatable read"
        if connection.isolation != isolation:
            connection.execute(f"set session transaction isolation level {isolation}")
            connection.isolation = isolation
        # The snapshot is that of the first SELECT. Taken here, it would be older than tables that
        # another process makes meanwhile, and those could not be read.
        connection.execute("start transaction" if write else "start transaction read only")

    def stream(
        self, connection: _Connection, sql: str, params: Sequence[Any] = ()
    ) -> Iterator[list[tuple[Any, ...]]]:
        cursor = connection.raw.cursor(pymysql.cursors.SSCursor)
        cursor.execute(_to_mysql(sql), tuple(params))
        try:
            while rows := cursor.fetchmany(STREAMED_ROWS):
                yield list(rows)
        except BaseException:
            # To close the cursor would be to read all that is left.
            connection.close()
            cursor._result.unbuffered_active = False
            raise
        cursor.close()

    def insert(self, connection: _Connection, sql: str, params: Sequence[Any]) -> int:
        return connection.execute(sql, params).lastrowid

    def like(self, expression: str, *, ignore_case: bool) -> str:
        # MariaDB escapes with a backslash unless it is given another character, even where a
        # backslash means itself; the empty text is not taken as one.
        pattern = f"{{}} like {'lower(?)' if ignore_case else '?'} escape x'00'"
        return pattern.format(f"lower({expression})" if ignore_case else expression)

    def contains(self, expression: str) -> str:
        return f"locate(lower(?), lower({expression})) > 0"

    def number(self, expression: str) -> str:
        # \z: $ would let a line break follow
        pattern = NUMBER_PATTERN.replace("?", "{0,1}").replace("$", r"\z")
        number = f"({expression} + 0e0)"
        # What is too large becomes the largest double. Whether the text means that one is seen on a
        # tenth of it.
        lower = f"lower({expression})"
        exponent = f"if(locate('e', {lower}), substring_index({lower}, 'e', -1) + 0, 0)"
        tenth = f"(concat(substring_index({lower}, 'e', 1), 'e', {exponent} - 1) + 0e0)"
        return (
            f"(case when {expression} regexp '{pattern}' then case "
            f"when abs({number}) < {_LARGEST!r} or abs({tenth}) <= {_LARGEST / 10!r} "
            f"then {number} end end)"
        )

    def beginning(self, column: str) -> str:
        return f"{column}_start"

    def rest(self, column: str) -> tuple[str, str]:
        return f"{column}_rest", f"{column}_rest is not null"

    def by_index(self, table: str, index: str) -> str:
        return f"{table} force index ({index})"

    def look_up(self, table: str, alias: str, condition: str) -> str:
        return f"straight_join {table} {alias} on {condition}"

    def exact(self, expression: str) -> str:
        return f"(convert({expression} using utf8mb4) collate {self._collation})"

    def lock_schema(self, connection: _Connection) -> None:
        (got,) = connection.execute(
            f"select get_lock({_LOCK_NAME}, {LOCK_TIMEOUT_SECONDS:.0f})"
        ).fetchone()
        if not got:
            raise MlflowException(
                "Another process has been changing the tables for "
                f"{LOCK_TIMEOUT_SECONDS:.0f} s; try again when it has finished.",
                error_code=CODES["TEMPORARILY_UNAVAILABLE"],
            )
        connection.schema_locked = True
        # CREATE TABLE commits; what follows it is to be one transaction all the same
        connection.execute("set autocommit = 0")

    def is_already_there(self, error: Exception) -> bool:
        return _number(error) in (_TABLE_EXISTS, _COLUMN_EXISTS, _INDEX_EXISTS)

    def used_bytes(self, connection: _Connection) -> int:
        return int(
            connection.execute(
                "select coalesce(sum(data_length + index_length), 0) "
                "from information_schema.tables where table_schema = database()"
            ).fetchone()[0]
        )

    def tidy(self, url: DatabaseUrl, *, vacuum: bool) -> None:
        connection = self.connect(url)
        try:
            for table in POINT_TABLES:
                connection.execute(f"{'optimize' if vacuum else 'analyze'} table {table}")
        except Exception as e:
            raise self.translate(e) or e from e
        finally:
            connection.close()

    def is_retryable(self, error: Exception) -> bool:
        return _number(error) in _RETRYABLE

    def is_duplicate(self, error: Exception) -> bool:
        return _number(error) == _DUPLICATE

    def translate(self, error: Exception) -> MlflowException | None:
        if isinstance(error, (pymysql.err.DataError, UnicodeEncodeError)):
            return MlflowException.invalid_parameter_value(
                f"A value cannot be stored: {_text(error)}"
            )
        if not isinstance(error, pymysql.err.Error):
            return None
        if _number(error) in _DISK_FULL or _DISK_FULL_INSIDE.search(_text(error)):
            return no_room(_text(error))
        if _number(error) in _READ_ONLY and "read" in _text(error):  # 1290 has other reasons, too
            return read_only(_text(error))
        number = _number(error) or 0
        client = 2000 <= number < 3000 or isinstance(error, pymysql.err.InterfaceError)
        passing = client or number in _GOODBYES or self.is_retryable(error)
        code = "TEMPORARILY_UNAVAILABLE" if passing else "INTERNAL_ERROR"
        return MlflowException(
            f"The database could not do it: {_text(error)}", error_code=CODES[code]
        )

    @property
    def pool_size(self) -> int:
        return MLFLOW_SQLALCHEMYSTORE_POOL_SIZE.get() or 16


def _number(error: BaseException) -> int | None:
    """The server's number of an error of the driver's."""
    if isinstance(error, pymysql.err.Error) and error.args and isinstance(error.args[0], int):
        return error.args[0]
    return None


def _text(error: BaseException) -> str:
    number = _number(error)
    return str(error) if number is None else f"{error.args[-1]} ({number})"


def _decimal(text: str) -> int | float:
    return float(text) if "." in text else int(text)


_CONVERSIONS = {
    **pymysql.converters.conversions,
    # sums of integers, which are integers elsewhere
    pymysql.constants.FIELD_TYPE.DECIMAL: _decimal,
    pymysql.constants.FIELD_TYPE.NEWDECIMAL: _decimal,
}


def _boolean(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError(text)


def _ssl_mode(text: str) -> str:
    mode = text.upper()
    if mode not in ("DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"):
        raise ValueError(text)
    return mode


#: Options of a URL, as programs that use SQLAlchemy write them for the drivers of MySQL; their
#: types.
_OPTIONS: dict[str, Callable[[str], Any]] = {
    "bind_address": str,
    "connect_timeout": int,
    "program_name": str,
    "read_default_file": str,
    "read_default_group": str,
    "read_timeout": int,
    "unix_socket": str,
    "write_timeout": int,
}
_SSL_OPTIONS: dict[str, Callable[[str], Any]] = {
    "ssl_ca": str,
    "ssl_capath": str,
    "ssl_cert": str,
    "ssl_check_hostname": _boolean,
    "ssl_cipher": str,
    "ssl_disabled": _boolean,
    "ssl_key": str,
    "ssl_key_password": str,
    "ssl_mode": _ssl_mode,
    "ssl_verify_cert": _boolean,
    "ssl_verify_identity": _boolean,
}
#: How text is sent. It is UTF-8, always.
_SETTLED = frozenset({"binary_prefix", "charset", "collation", "use_unicode"})


def _driver_options(url: DatabaseUrl) -> dict[str, Any]:
    """What the URL's options are to PyMySQL."""
    options: dict[str, Any] = {}
    tls: dict[str, Any] = {}
    for name, text in url.options:
        if name in _SETTLED:
            continue
        chosen, types = (tls, _SSL_OPTIONS) if name in _SSL_OPTIONS else (options, _OPTIONS)
        if name not in types:
            raise MlflowException.invalid_parameter_value(
                f"'{url.safe}' has the option '{name}'; these are known: "
                f"{', '.join(sorted({*_OPTIONS, *_SSL_OPTIONS, *_SETTLED}))}."
            )
        try:
            chosen[name] = types[name](text)
        except ValueError:
            raise MlflowException.invalid_parameter_value(
                f"'{url.safe}' has {name}={text}; "
                + {int: "a number", _boolean: "true or false"}.get(
                    types[name], "DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY"
                )
                + " is needed."
            ) from None
    mode = tls.get("ssl_mode", "PREFERRED")
    if tls.get("ssl_disabled") or mode == "DISABLED":
        options["ssl_disabled"] = True
    elif any(tls.values()) and tls != {"ssl_mode": "PREFERRED"}:
        try:
            options["ssl"] = _tls(tls, mode)
        except OSError as e:
            raise MlflowException.invalid_parameter_value(
                f"The TLS files in '{url.safe}' cannot be used: {e}"
            ) from e
    return options


def _tls(options: dict[str, Any], mode: str) -> ssl.SSLContext:
    """Who is given an authority verifies against it, names included, unless it is told not to."""
    authority = options.get("ssl_ca"), options.get("ssl_capath")
    identity = options.get("ssl_verify_identity", options.get("ssl_check_hostname"))
    if identity is None:
        identity = mode == "VERIFY_IDENTITY" or (any(authority) and mode != "VERIFY_CA")
    verify = options.get("ssl_verify_cert")
    if verify is None:
        verify = any(authority) or mode.startswith("VERIFY")
    context = ssl.create_default_context(cafile=authority[0], capath=authority[1])
    # what servers make for themselves at first start lacks a field or two
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.check_hostname = identity
    context.verify_mode = ssl.CERT_REQUIRED if verify or identity else ssl.CERT_NONE
    if options.get("ssl_cert"):
        context.load_cert_chain(
            options["ssl_cert"], options.get("ssl_key"), options.get("ssl_key_password")
        )
    if options.get("ssl_cipher"):
        context.set_ciphers(options["ssl_cipher"])
    return context
