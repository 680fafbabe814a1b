"""SQL databases: connections, dialects, the schema, and the translation of search trees."""

from __future__ import annotations


def upgrade(uri: str) -> str:
    """Bring the schema at `uri` up to date; one line that says what was done."""
    from mlflow.store.db.schema import upgrade as upgrade_schema

    return upgrade_schema(uri)
