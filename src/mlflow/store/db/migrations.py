"""Steps from each version of the schema to the next.

A database is brought forward while replicas of the version before still use it, so a step only
adds: tables, indexes, columns that may be NULL. What a version no longer needs goes away two
versions later, once nobody reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlflow.store.db.dialects import Dialect
from mlflow.store.db.tables import (
    LOGGED_MODEL_TABLES,
    REGISTRY_TABLES,
    WEBHOOK_TABLES,
    statements,
)
from mlflow.store.db.trace_tables import TRACE_TABLES


@dataclass(frozen=True)
class Migration:
    """One step."""

    version: int
    """Of the schema after it."""
    works_with: int
    """The oldest version whose code still works on a database after this step."""
    statements: str
    """SQL in the dialects' common types, as in `tables.py`; separated by semicolons."""


#: The version that brought tables of traces.
TRACES_SINCE = 4

MIGRATIONS = (
    Migration(
        version=2,
        works_with=1,
        statements="""
        alter table schema_version add column works_with {int};

        create table writer (
            uuid {word} not null primary key,
            sequence {int} not null,
            time {int} not null
        );

        alter table chunk add column ordered {small};
        alter table chunk add column "first_value" {real};
        alter table chunk add column step_of_min {int};
        alter table chunk add column timestamp_of_min {int};
        alter table chunk add column step_of_max {int};
        alter table chunk add column timestamp_of_max {int};
        create index chunk_by_time on chunk
            (run_id, key_id, min_timestamp, min_step, seq, max_timestamp, max_step, ordered);

        create index run_by_start on run (start_time, id);
        create index run_by_end on run (end_time, id);
        create index run_by_status on run (status, id);
        create index run_by_name on run ({prefix_of_name}, id);
        create index param_by_rest on param (key_id, {rest_of_value}, run_id){if_long};
        create index tag_by_rest on tag (key_id, {rest_of_value}, run_id){if_long}
        """,
    ),
    Migration(
        version=3,
        works_with=1,
        statements="alter table audit add column comment {text};"
        + LOGGED_MODEL_TABLES
        + REGISTRY_TABLES
        + WEBHOOK_TABLES,
    ),
    Migration(version=TRACES_SINCE, works_with=1, statements=TRACE_TABLES),
)


def migrate(dialect: Dialect, tx: Any, version: int) -> list[int]:
    """Take the steps that lead on from `version`; the versions that were reached.

    Where a database commits each change of a table by itself, a step that was cut short is taken
    again: what it has done already is passed over.
    """
    reached = []
    for step in MIGRATIONS:
        if step.version <= version:
            continue
        for statement in statements(dialect.types, step.statements):
            try:
                tx.execute(statement)
            except Exception as e:
                if not dialect.is_already_there(e):
                    raise
        tx.execute(
            "insert into schema_version (version, works_with) values (?, ?)",
            (step.version, step.works_with),
        )
        reached.append(step.version)
    return reached
