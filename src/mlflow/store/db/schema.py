"""Creating the schema in an empty database, bringing an older one up to date, and refusing one that
is not ours."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.db.backup import backup
from mlflow.store.db.database import Database
from mlflow.store.db.dialects import DatabaseUrl
from mlflow.store.db.migrations import MIGRATIONS, TRACES_SINCE, migrate
from mlflow.store.db.tables import SCHEMA_VERSION, statements

# Any of these says that another MLflow made the database.
_FOREIGN = frozenset({"experiments", "runs", "alembic_version"})


def prepare(database: Database, default_artifact_root: str) -> None:
    """Make sure that `database` has our schema, in a version that this code works with; an empty
    one gets it.

    Raises:
        MlflowException: INVALID_STATE when the tables are another MLflow's, or of a version that
            this code does not work with. The message names the command that helps.
    """
    with database.read() as tx:
        version, works_with, foreign = look(database, tx)
    if version is None:
        if foreign:
            raise _refusal(
                f"The database '{database.url.safe}' was made by MLflow and has not been brought "
                f"over. `mlflow db upgrade {database.url.safe}` does that; what MLflow made stays "
                "as it is beside it. Nothing was changed so far."
            )
        database.write(lambda tx: _create(database, tx, default_artifact_root))
    elif version < SCHEMA_VERSION:
        raise _refusal(
            f"The database '{database.url.safe}' has schema version {version}; this Headrace needs "
            f"version {SCHEMA_VERSION}. `mlflow db upgrade {database.url.safe}` brings it up to "
            "date; servers that run on it may go on meanwhile."
        )
    else:
        _check_not_too_new(database, version, works_with)


@contextlib.contextmanager
def opened(uri: str) -> Iterator[Database]:
    """The database at `uri`, which must have our schema.

    Raises:
        MlflowException: INVALID_STATE when it has not; INVALID_PARAMETER_VALUE when there is no
            such SQLite file.
    """
    url = DatabaseUrl.parse(uri)
    if url.dialect == "sqlite" and not os.path.isfile(url.database):
        raise MlflowException.invalid_parameter_value(f"There is no file '{url.database}'.")
    database = Database(uri)
    try:
        with database.read() as tx:
            version, works_with, _ = look(database, tx)
        if version is None:
            raise _refusal(f"The database '{database.url.safe}' has no tables of Headrace.")
        _check_not_too_new(database, version, works_with)
        yield database
    finally:
        database.close()


def upgrade(uri: str, *, progress: Callable[[int, int], None] | None = None) -> str:
    """Bring the schema at `uri` up to date, in one transaction; one line that says what was done.

    A SQLite file that needs a change is copied first, to a file beside it.

    Args:
        progress: Called with (pages done, pages in all) while the copy is made.

    Raises:
        MlflowException: INVALID_STATE when a newer Headrace has made it.
    """
    database = Database(uri)
    try:
        with database.read() as tx:
            version, works_with, foreign = look(database, tx)
        if version is None:
            if foreign:
                from mlflow.store.db.from_mlflow import bring_over

                return bring_over(database)
            database.write(lambda tx: _create(database, tx, "./mlruns"))
            return f"Created the schema (version {SCHEMA_VERSION})."
        if version < SCHEMA_VERSION:
            return _migrate(database, version, progress)
        _check_not_too_new(database, version, works_with)
        return f"The schema is up to date (version {version})."
    finally:
        database.close()


def look(database: Database, tx: Any) -> tuple[int | None, int | None, bool]:
    """Our version that the database has (None: it has none), the oldest version whose code works
    with it, and whether another MLflow's tables are there."""
    tables = database.dialect.table_names(tx)
    foreign = bool(tables & _FOREIGN)
    if "schema_version" not in tables:
        return None, None, foreign
    rows = tx.execute("select * from schema_version").fetchall()
    if not rows:  # where tables cannot be made and filled in one transaction: it was cut short
        return None, None, foreign
    last = max(rows)
    return last[0], last[1] if len(last) > 1 else None, foreign


def _check_not_too_new(database: Database, version: int, works_with: int | None) -> None:
    if version > SCHEMA_VERSION and (works_with is None or works_with > SCHEMA_VERSION):
        raise _refusal(
            f"The database '{database.url.safe}' has schema version {version}; this Headrace "
            f"speaks version {SCHEMA_VERSION}. Install a newer Headrace."
        )


def _refusal(message: str) -> MlflowException:
    return MlflowException(message, error_code=CODES["INVALID_STATE"])


def _create(database: Database, tx: Any, default_artifact_root: str) -> None:
    database.dialect.lock_schema(tx)
    if look(database, tx)[0] is not None:
        return  # another process was quicker
    make_tables(database, tx)
    add_default_experiment(tx, default_artifact_root)
    mark_complete(tx)


def add_default_experiment(tx: Any, default_artifact_root: str) -> None:
    """Add the experiment that runs are logged to if nobody names another."""
    now = int(time.time() * 1000)
    tx.execute(
        "insert into experiment (id, name, artifact_location, lifecycle_stage, creation_time, "
        "last_update_time) values (0, 'Default', ?, 'active', ?, ?)",
        (default_artifact_root.rstrip("/") + "/0", now, now),
    )


def make_tables(database: Database, tx: Any, *, indexes: bool = True) -> None:
    """Make the tables, empty. The database counts as ours after `mark_complete` only.

    Args:
        indexes: Make those that need not be unique, too. They are made quicker when the rows are
            there.

    Raises:
        MlflowException: INVALID_STATE if another program has a table by the name of one of ours.
    """
    todo = statements(database.dialect.types)
    there = database.dialect.table_names(tx)
    if "schema_version" not in there:  # the first that is made
        named = {name for text in todo for name in re.findall(r"^create table (\w+)", text)}
        if there & named:
            raise _refusal(
                f"The database '{database.url.safe}' has tables of another program that are named "
                f"as ours: {', '.join(sorted(there & named))}. Use an empty database."
            )
    for statement in todo:
        if statement.startswith("create index") and not indexes:
            continue
        try:
            tx.execute(statement)
        except Exception as e:
            if not database.dialect.is_already_there(e):
                raise


def mark_complete(tx: Any) -> None:
    """Say that the database has our schema, in its newest version."""
    tx.execute(
        "insert into schema_version (version, works_with) values (?, ?)",
        (SCHEMA_VERSION, MIGRATIONS[-1].works_with),
    )


def _migrate(database: Database, version: int, progress: Callable[[int, int], None] | None) -> str:
    kept = ""
    if database.dialect.name == "sqlite":
        moment = datetime.now().strftime("%Y%m%d-%H%M%S")
        path = f"{database.url.database}.version-{version}.{moment}.backup"
        backup(database, path, progress=progress)
        kept = f" The file as it was before is '{path}'."

    from mlflow.store.db.from_mlflow import bring_over_traces

    def write(tx: Any, reader: Any) -> int:
        database.dialect.lock_schema(tx)
        found = look(database, tx)[0]  # another process may have been quicker
        reached = migrate(database.dialect, tx, version if found is None else found)
        return bring_over_traces(database, tx, reader) if TRACES_SINCE in reached else 0

    if database.dialect.single_writer:
        traces = database.write(lambda tx: write(tx, tx))
    else:
        with database.read() as reader:
            traces = database.write(lambda tx: write(tx, reader))
    brought = f" Brought over {traces:,} traces of MLflow." if traces else ""
    return f"Brought the schema from version {version} to {SCHEMA_VERSION}.{brought}{kept}"
