"""The registry in a SQL database: the parts that its topics share."""

from __future__ import annotations

from typing import Any

from mlflow.store.db.database import Database
from mlflow.store.model_registry.abstract_store import AbstractStore
from mlflow.store.model_registry.sql.model_versions import SqlModelVersions
from mlflow.store.model_registry.sql.registered_models import SqlRegisteredModels
from mlflow.store.model_registry.sql.stages import SqlStages
from mlflow.store.model_registry.sql.webhooks import SqlWebhooks
from mlflow.store.tracking.resolve import shared_store


class SqlRegistry(SqlRegisteredModels, SqlModelVersions, SqlStages, SqlWebhooks, AbstractStore):
    """A registry in SQLite, PostgreSQL, MariaDB or MySQL.

    Its tables are in the database of the tracking store at the same URL, and it shares that store's
    connections, so that what both write has one commit.

    Args:
        db_uri: As for the tracking store.
        read_db_uri: A copy of the database for what only reads. Not used: a copy may be behind,
            and whoever has written reads what they wrote.
        tracking_uri: The store of the runs and logged models that versions come from; None for that
            in the same database.
    """

    def __init__(
        self, db_uri: str, read_db_uri: str | None = None, tracking_uri: str | None = None
    ):
        super().__init__(db_uri, tracking_uri)
        self._home: Any = shared_store(db_uri)
        self.db: Database = self._home.db

    def _tracking_store(self) -> Any:
        return shared_store(self._tracking_uri) if self._tracking_uri else self._home
