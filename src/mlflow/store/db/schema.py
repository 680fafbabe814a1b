"""Creating the schema in an empty database, and refusing one that is not ours."""

from __future__ import annotations

import time
from typing import Any

from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.db.database import Database
from mlflow.store.db.tables import SCHEMA_VERSION, statements

# Any of these says that another MLflow made the database.
_FOREIGN = frozenset({"experiments", "runs", "alembic_version"})


def prepare(database: Database, default_artifact_root: str) -> None:
    """Make sure that `database` has our schema, of the version that this code speaks.

    Raises:
        MlflowException: INVALID_STATE when the tables are another MLflow's, or of another version.
    """
    with database.read() as tx:
        if _check(database, tx):
            return
    database.write(lambda tx: _create(database, tx, default_artifact_root))


def upgrade(uri: str) -> str:
    """Bring the schema at `uri` up to date; one line that says what was done."""
    database = Database(uri)
    try:
        with database.read() as tx:
            if _check(database, tx):
                return f"The schema is up to date (version {SCHEMA_VERSION})."
        database.write(lambda tx: _create(database, tx, "./mlruns"))
        return f"Created the schema (version {SCHEMA_VERSION})."
    finally:
        database.close()


def _check(database: Database, tx: Any) -> bool:
    """True when the schema is there and fits; False when there is none yet."""
    tables = database.dialect.table_names(tx)
    if "schema_version" in tables:
        (version,) = tx.execute("select max(version) from schema_version").fetchone()
        if version != SCHEMA_VERSION:
            raise MlflowException(
                f"The database '{database.url.safe}' has schema version {version}; this Headrace "
                f"speaks version {SCHEMA_VERSION}. Install the Headrace that made it, or a newer "
                "one.",
                error_code=CODES["INVALID_STATE"],
            )
        return True
    if tables & _FOREIGN:
        raise MlflowException(
            f"The database '{database.url.safe}' was made by MLflow and has not been brought over. "
            f"`mlflow db upgrade {database.url.safe}` will do that; this version of Headrace does "
            "not have it yet. Nothing in the database was changed; use another database until "
            "then.",
            error_code=CODES["INVALID_STATE"],
        )
    return False


def _create(database: Database, tx: Any, default_artifact_root: str) -> None:
    if database.dialect.name == "postgresql":
        tx.execute("select pg_advisory_xact_lock(7203984512)")  # replicas that start together
    if "schema_version" in database.dialect.table_names(tx):
        return  # another process was quicker
    for statement in statements(database.dialect.types):
        tx.execute(statement)
    now = int(time.time() * 1000)
    tx.execute(
        "insert into experiment (id, name, artifact_location, lifecycle_stage, creation_time, "
        "last_update_time) values (0, 'Default', ?, 'active', ?, ?)",
        (default_artifact_root.rstrip("/") + "/0", now, now),
    )
    tx.execute("insert into schema_version (version) values (?)", (SCHEMA_VERSION,))
