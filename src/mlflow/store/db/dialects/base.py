"""The contract of a dialect."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.db.dialects.url import DatabaseUrl
from mlflow.store.db.tables import INDEXED_PREFIX, INDEXED_REST

#: How long a writer waits for other processes before it gives up.
LOCK_TIMEOUT_SECONDS = 120.0
#: How many rows `stream` has in memory.
STREAMED_ROWS = 5000

#: Where points of metrics come and go.
POINT_TABLES = ("series", "tail", "chunk")


class Dialect:
    """The contract.

    A connection answers `execute(sql, params) -> cursor`, `executemany(sql, rows)`, `close()`,
    which may be called again, and `broken`: it is closed, or its server is gone.

    The SQL that all of them share, and its limits:

    * `?` for parameters, and nowhere else; quotes that are double around names that are words of
      the language, such as "before", and single around text.
    * `insert into t (…) values (?, …) on conflict (k) do nothing`, whose `rowcount` is 0 where the
      row was there, or `do update set c = excluded.c`, where nothing is known of the `rowcount`.
      MySQL's later assignments see what the earlier ones have changed, so what others depend on is
      assigned last.
    * `executemany` of an INSERT whose `values (…)` are all `?` takes a few statements, however many
      rows there are.
    * The `rowcount` of an UPDATE may leave out rows that it would not change.
    """

    name: str
    types: dict[str, str]
    #: Expression for the schema that our tables are in, where `information_schema` lists them.
    schema_in_use: str
    #: One writer at a time, who commits for everybody that waits.
    single_writer = False
    #: A transaction undoes the making of tables and indexes, too.
    transactional_ddl = True
    #: Suffix of a SELECT that keeps others from deleting the row until the transaction ends.
    share_lock = ""
    #: Suffix of a SELECT that keeps others from changing the row until the transaction ends.
    update_lock = ""

    def connect(self, url: DatabaseUrl) -> Any:
        """A new connection, in autocommit mode."""
        raise NotImplementedError

    def begin(self, connection: Any, *, write: bool) -> None:
        connection.execute("begin")

    def stream(
        self, connection: Any, sql: str, params: Sequence[Any] = ()
    ) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of a SELECT some thousands at a time, never all of them in memory. Only a
        `single_writer` may use the connection for something else meanwhile."""
        cursor = connection.execute(sql, params)
        while rows := cursor.fetchmany(STREAMED_ROWS):
            yield rows

    def insert(self, connection: Any, sql: str, params: Sequence[Any]) -> int:
        """Run an INSERT into a table with an `id`; the new id."""
        raise NotImplementedError

    def reserve_ids(self, connection: Any, table: str) -> None:
        """Give no new row an id that a row of `table` has. To be called after rows were inserted
        with ids of the caller's choice."""

    def like(self, expression: str, *, ignore_case: bool) -> str:
        """`expression LIKE ?`, with no escape character."""
        raise NotImplementedError

    def contains(self, expression: str) -> str:
        """That a text has `?` in it, capitals counting as small letters as far as the database
        knows them."""
        return f"strpos(lower({expression}), lower(?)) > 0"

    def number(self, expression: str) -> str:
        """A text as a double; NULL where it is not the text of a finite number."""
        raise NotImplementedError

    def exact(self, expression: str) -> str:
        """A text from a table that is not ours, so that it is compared as ours are: by code
        point."""
        return expression

    # Searches say themselves which index is read, and in which order tables are joined.

    #: Suffix of a SELECT in a FROM clause that is to be planned by itself.
    fence = ""

    def beginning(self, column: str) -> str:
        """The part of a text column that its index has."""
        return f"substr({column}, 1, {INDEXED_PREFIX})"

    def rest(self, column: str) -> tuple[str, str]:
        """What another index has of texts that are longer than their beginning, and the condition
        that they are."""
        rest = f"substr({column}, {INDEXED_PREFIX + 1}, {INDEXED_REST})"
        return rest, f"length({column}) > {INDEXED_PREFIX}"

    def by_index(self, table: str, index: str) -> str:
        """A table in a FROM clause, with its alias, to be read by this index."""
        return table

    def look_up(self, table: str, alias: str, condition: str) -> str:
        """A join that looks up the rows of `table` for each row of what stands before it.

        Args:
            condition: `alias.column = other.column`, where the column has an index; and more.
        """
        raise NotImplementedError

    def pin_plans(self, connection: Any) -> None:
        """Keep the planner, until the transaction ends, from plans that do without the indexes."""

    def table_names(self, connection: Any) -> set[str]:
        rows = connection.execute(
            "select table_name from information_schema.tables "
            f"where table_schema = {self.schema_in_use}"
        )
        return {name for (name,) in rows.fetchall()}

    def column_names(self, connection: Any, table: str) -> set[str]:
        """Empty if there is no such table."""
        rows = connection.execute(
            "select column_name from information_schema.columns "
            f"where table_schema = {self.schema_in_use} and table_name = ?",
            (table,),
        )
        return {name for (name,) in rows.fetchall()}

    def lock_schema(self, connection: Any) -> None:
        """Keep other processes from changing tables until the transaction ends."""

    def used_bytes(self, connection: Any) -> int:
        """About how many bytes the tables take, with their indexes and without free space."""
        raise NotImplementedError

    def tidy(self, url: DatabaseUrl, *, vacuum: bool) -> None:
        """Renew the planner's statistics of POINT_TABLES; with `vacuum` give free space back,
        too."""
        raise NotImplementedError

    def is_already_there(self, error: Exception) -> bool:
        """True when the error says that the table, column or index to be made exists, where a
        transaction cannot undo the making of one."""
        return False

    def is_retryable(self, error: Exception) -> bool:
        """True when the transaction may succeed if it is simply tried again."""
        return False

    def is_fatal(self, error: Exception) -> bool:
        """True when the connection must not be used any more."""
        return False

    def is_duplicate(self, error: Exception) -> bool:
        """True when the error is the violation of a unique index."""
        raise NotImplementedError

    def translate(self, error: Exception) -> MlflowException | None:
        """What to tell the caller of a driver's error; None when the error is not the driver's."""
        raise NotImplementedError

    pool_size = 0


def no_room(error: str) -> MlflowException:
    """What to say when a database server's disk is full."""
    return MlflowException(
        "The database server has no room to store more: its disk, or a quota, is full. Nothing of "
        "this request was stored; what is there can be read. Writing goes on by itself once there "
        f"is room. ({error})",
        error_code=CODES["RESOURCE_EXHAUSTED"],
    )


def read_only(error: str) -> MlflowException:
    """What to say when a database server takes no changes."""
    return MlflowException(
        "The database server takes no changes: it is read-only, as a standby or one under "
        "maintenance is. What is there can be read. Try again later, or give the URL of the "
        f"server that is written to. ({error})",
        error_code=CODES["TEMPORARILY_UNAVAILABLE"],
    )


@functools.lru_cache(maxsize=1024)
def to_format(sql: str) -> str:
    """A statement with `?` for parameters, for a driver that wants `%s`."""
    return sql.replace("%", "%%").replace("?", "%s")
