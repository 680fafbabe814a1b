"""Deleting traces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlflow.store.db.trace_tables import TABLES_OF_A_TRACE
from mlflow.store.tracking.base.traces import Traces
from mlflow.store.tracking.sql.core import SqlCore, experiment_key, marks
from mlflow.store.tracking.sql.trace_rows import BATCH


class SqlTraceDeletion(SqlCore, Traces):
    def oldest_traces(self, experiment_id: str, until_ms: int, most: int) -> list[str]:
        with self.db.read() as tx:
            rows = tx.execute(
                f"select uuid from {self.db.dialect.by_index('trace', 'trace_by_time')} "
                "where experiment_id = ? and timestamp_ms <= ? order by timestamp_ms, uuid limit ?",
                (experiment_key(experiment_id), until_ms, most),
            ).fetchall()
        return [trace_id for (trace_id,) in rows]

    def _delete_traces(
        self,
        experiment_id: str,
        max_timestamp_millis: int | None = None,
        max_traces: int | None = None,
        trace_ids: list[str] | None = None,
    ) -> int:
        experiment = experiment_key(experiment_id)
        left = max_traces
        deleted = 0
        wanted = list(dict.fromkeys(trace_ids or ()))
        # In parts, so that others can write in between.
        while left is None or left > 0:
            part, wanted = wanted[:BATCH], wanted[BATCH:]
            if trace_ids and not part:
                break
            size = BATCH if left is None else min(BATCH, left)
            gone = self.db.write(
                lambda tx: self._delete_part(tx, experiment, max_timestamp_millis, size, part)  # noqa: B023 - called at once
            )
            deleted += gone
            left = None if left is None else left - gone
            if not trace_ids and gone < size:
                break
        return deleted

    def _delete_part(
        self, tx: Any, experiment: int, until: int | None, size: int, trace_ids: Sequence[str]
    ) -> int:
        """Delete some traces; how many they were."""
        if trace_ids:
            index, where = "trace_by_uuid", f"uuid in ({marks(trace_ids)})"
            params: list[Any] = [*trace_ids]
        else:
            index, where = "trace_by_time", "timestamp_ms <= ? order by timestamp_ms, uuid limit ?"
            params = [until, size]
        rows = tx.execute(
            f"select id, uuid from {self.db.dialect.by_index('trace', index)} "
            f"where experiment_id = ? and {where}",
            (experiment, *params),
        ).fetchall()
        remove_traces(tx, rows)
        return len(rows)


def remove_traces(tx: Any, traces: Sequence[tuple[int, str]]) -> None:
    """Remove traces, given by integer and public id, with all that belongs to them."""
    for i in range(0, len(traces), BATCH):
        part = traces[i : i + BATCH]
        ids, uuids = [trace for trace, _ in part], [uuid for _, uuid in part]
        for table in TABLES_OF_A_TRACE:
            tx.execute(f"delete from {table} where trace_id in ({marks(ids)})", ids)
        tx.execute(f"delete from trace_run where trace_uuid in ({marks(uuids)})", uuids)
        tx.execute(f"delete from trace where id in ({marks(ids)})", ids)
