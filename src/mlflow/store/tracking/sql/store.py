"""The tracking store in a SQL database: the parts that its topics share."""

from __future__ import annotations

import os

from mlflow.store.db.database import Database
from mlflow.store.db.schema import prepare
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.store.tracking.sql.core import SqlCore
from mlflow.store.tracking.sql.experiments import SqlExperiments
from mlflow.store.tracking.sql.inputs import SqlInputs
from mlflow.store.tracking.sql.metrics import SqlMetrics
from mlflow.store.tracking.sql.removal import SqlRemoval
from mlflow.store.tracking.sql.runs import SqlRuns


class SqlStore(SqlExperiments, SqlRuns, SqlMetrics, SqlInputs, SqlRemoval, SqlCore, AbstractStore):
    """A tracking store in SQLite or PostgreSQL; an empty database gets the schema.

    Args:
        db_uri: `sqlite:///path` or `postgresql://user:password@host:port/database`.
        default_artifact_uri: Where new experiments' artifacts go, each in a folder of its own; None
            for `./mlruns`.

    Raises:
        MlflowException: INVALID_STATE when the database has another schema.
    """

    def __init__(self, db_uri: str, default_artifact_uri: str | None = None):
        super().__init__()
        self.db_uri = db_uri
        self.artifact_root_uri = _absolute(default_artifact_uri or "./mlruns")
        self.db = Database(db_uri)
        self._key_ids: dict[str, int] = {}
        self._key_names: dict[int, str] = {}
        prepare(self.db, self.artifact_root_uri)

    def dispose(self) -> None:
        """Close the connections that are not in use."""
        self.db.close()


def _absolute(root: str) -> str:
    """A local folder by its full path, since another process will look from elsewhere; a URI as it
    is."""
    return root if "://" in root or root.startswith("mlflow-artifacts:") else os.path.abspath(root)
