"""The tracking store in a SQL database: the parts that its topics share."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

from mlflow.store.db.database import Database
from mlflow.store.db.schema import prepare
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.store.tracking.sql.changes import SqlWatching
from mlflow.store.tracking.sql.charts import SqlCharts
from mlflow.store.tracking.sql.core import SqlCore
from mlflow.store.tracking.sql.experiments import SqlExperiments
from mlflow.store.tracking.sql.inputs import SqlInputs
from mlflow.store.tracking.sql.leases import SqlLeases
from mlflow.store.tracking.sql.logged_models import SqlLoggedModels
from mlflow.store.tracking.sql.metrics import SqlMetrics
from mlflow.store.tracking.sql.overview import SqlOverview
from mlflow.store.tracking.sql.removal import SqlRemoval
from mlflow.store.tracking.sql.runs import SqlRuns
from mlflow.store.tracking.sql.sealer import Sealer
from mlflow.store.tracking.sql.trace_overview import SqlTraceOverview
from mlflow.store.tracking.sql.transfer import SqlTransfer

T = TypeVar("T")


class SqlStore(
    SqlOverview,
    SqlTransfer,
    SqlExperiments,
    SqlRuns,
    SqlMetrics,
    SqlCharts,
    SqlInputs,
    SqlLoggedModels,
    SqlTraceOverview,
    SqlRemoval,
    SqlLeases,
    SqlWatching,
    SqlCore,
    AbstractStore,
):
    """A tracking store in SQLite, PostgreSQL, MariaDB or MySQL; an empty database gets the schema.

    Args:
        db_uri: `sqlite:///path`, `postgresql://user:password@host:port/database` or the same with
            `mysql`.
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
        self.sealer = Sealer(self.db)
        self._key_ids: dict[str, int] = {}
        self._key_names: dict[int, str] = {}
        try:
            prepare(self.db, self.artifact_root_uri)
        except BaseException:
            self.db.close()
            raise

    @property
    def writes_one_by_one(self) -> bool:
        """Whether only one write at a time is possible, so that `together` is of use."""
        return self.db.dialect.single_writer

    def together(self, calls: Sequence[Callable[[], T]]) -> list[T | Exception]:
        """What each of the calls, of methods of this store, returns or raises; what they write has
        one commit. A call sees nothing of what the others write."""
        return self.db.together(calls)

    def dispose(self) -> None:
        """Close the connections that are not in use."""
        self.sealer.stop()
        self._packer.stop()
        self.db.close()


def _absolute(root: str) -> str:
    """A local folder by its full path, since another process will look from elsewhere; a URI as it
    is."""
    return root if "://" in root or root.startswith("mlflow-artifacts:") else os.path.abspath(root)
