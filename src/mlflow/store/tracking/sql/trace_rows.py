"""Reading the rows of traces, and what goes with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mlflow.entities import Trace, TraceData, TraceInfo, TraceLocation, TraceState
from mlflow.entities.span import LazySpan
from mlflow.store.db.spans import merged, spans_may_have, unpack_spans
from mlflow.store.tracking.base import trace_rules as rules
from mlflow.store.tracking.base.trace_checks import no_trace
from mlflow.store.tracking.sql.assessments import SqlAssessments
from mlflow.store.tracking.sql.core import experiment_key, marks
from mlflow.utils.uri import append_to_uri_path

#: Traces in one statement.
BATCH = 500
_STATES = list(TraceState)


class TraceRow(NamedTuple):
    """The row of a trace."""

    id: int
    uuid: str
    experiment_id: int
    timestamp_ms: int
    duration_ms: int | None
    state: int
    finalized: int
    span_count: int
    client_request_id: str | None
    request_preview: str | None
    response_preview: str | None


COLUMNS = ", ".join(f"t.{name}" for name in TraceRow._fields)


class SqlTraceRows(SqlAssessments):
    def _trace_row(self, tx: Any, trace_id: str, lock: str = "") -> TraceRow | None:
        row = tx.execute(
            f"select {COLUMNS} from trace t where t.uuid = ?{lock}", (trace_id,)
        ).fetchone()
        return TraceRow(*row) if row else None

    def _existing_to_write(self, tx: Any, trace_id: str) -> int:
        """The integer id of a trace that this transaction will write to."""
        row = self._trace_row(tx, trace_id, self.db.dialect.share_lock)
        if row is None:
            raise no_trace(trace_id)
        return row.id

    def _rows_by_uuid(
        self, tx: Any, trace_ids: Sequence[str], experiment_ids: Sequence[str] | None
    ) -> list[TraceRow]:
        """The rows of those that are there, each once, in the order of the ids."""
        wanted = list(dict.fromkeys(trace_ids))
        found: dict[str, TraceRow] = {}
        for i in range(0, len(wanted), BATCH):
            part = wanted[i : i + BATCH]
            rows = tx.execute(
                f"select {COLUMNS} from trace t where t.uuid in ({marks(part)})", part
            )
            found.update((row[1], TraceRow(*row)) for row in rows.fetchall())
        rows = [found[trace_id] for trace_id in wanted if trace_id in found]
        if experiment_ids:
            allowed = {experiment_key(e) for e in experiment_ids}
            rows = [row for row in rows if row.experiment_id in allowed]
        return rows

    def _rows_by_id(self, tx: Any, keys: Sequence[int]) -> list[TraceRow]:
        """The rows with these integer ids, in this order."""
        found: dict[int, TraceRow] = {}
        for i in range(0, len(keys), BATCH):
            part = keys[i : i + BATCH]
            rows = tx.execute(f"select {COLUMNS} from trace t where t.id in ({marks(part)})", part)
            found.update((row[0], TraceRow(*row)) for row in rows.fetchall())
        return [found[key] for key in keys if key in found]

    def _load_infos(self, tx: Any, rows: Sequence[TraceRow]) -> list[TraceInfo]:
        ids = [row.id for row in rows]
        tags, metadata = (self._pairs(tx, t, ids) for t in ("trace_tag", "trace_metadata"))
        assessments = self._assessments_of(tx, {row.id: row.uuid for row in rows})
        places = self._artifact_roots(tx, {row.experiment_id for row in rows})
        return [
            _entity(row, tags[row.id], metadata[row.id], assessments.get(row.id, []), places)
            for row in rows
        ]

    def _load_traces(self, tx: Any, rows: Sequence[TraceRow]) -> list[Trace]:
        records = self._records(tx, [row.id for row in rows])
        return [
            Trace(info, TraceData([LazySpan(record) for record in records.get(row.id, [])]))
            for row, info in zip(rows, self._load_infos(tx, rows))
        ]

    def _records(
        self, tx: Any, traces: Sequence[int], having: tuple[str, bool] | None = None
    ) -> dict[int, list[dict[str, Any]]]:
        """The records of the spans of each trace, in the order in which they began.

        Args:
            having: Only of traces whose spans may have this text in them, with capitals or, if
                that is True, without regard to them.
        """
        segments: dict[int, list[bytes]] = {}
        for i in range(0, len(traces), BATCH):
            part = traces[i : i + BATCH]
            rows = tx.execute(
                "select trace_id, content from trace_segment "
                f"where trace_id in ({marks(part)}) order by trace_id, seq",
                part,
            )
            for trace, content in rows.fetchall():
                segments.setdefault(trace, []).append(content)
        return {
            trace: merged(map(unpack_spans, found))
            for trace, found in segments.items()
            if having is None or any(spans_may_have(content, *having) for content in found)
        }

    def _pairs(self, tx: Any, table: str, traces: Sequence[int]) -> dict[int, dict[str, str]]:
        """The tags or metadata of each trace."""
        found: dict[int, list[tuple[int, str]]] = {trace: [] for trace in traces}
        keys: set[int] = set()
        for i in range(0, len(traces), BATCH):
            part = traces[i : i + BATCH]
            rows = tx.execute(
                f"select trace_id, key_id, value from {table} where trace_id in ({marks(part)})",
                part,
            )
            for trace, key, value in rows.fetchall():
                found[trace].append((key, value))
                keys.add(key)
        names = self._names_of(tx, keys)
        return {
            trace: {names[key]: value for key, value in pairs} for trace, pairs in found.items()
        }

    def _artifact_roots(self, tx: Any, experiments: set[int]) -> dict[int, str]:
        if not experiments:
            return {}
        rows = tx.execute(
            f"select id, artifact_location from experiment where id in ({marks(experiments)})",
            list(experiments),
        )
        return dict(rows.fetchall())


def _entity(
    row: TraceRow,
    tags: dict[str, str],
    metadata: dict[str, str],
    assessments: list[Any],
    places: Mapping[int, str],
) -> TraceInfo:
    if rules.ARTIFACT_LOCATION not in tags:
        root = places.get(row.experiment_id) or ""
        tags[rules.ARTIFACT_LOCATION] = append_to_uri_path(root, "traces", row.uuid, "artifacts")
    if row.span_count:
        tags[rules.SPANS_LOCATION] = rules.IN_TRACKING_STORE
    if row.finalized:
        metadata[rules.INFO_FINALIZED] = "true"
    return TraceInfo(
        trace_id=row.uuid,
        trace_location=TraceLocation.from_experiment_id(str(row.experiment_id)),
        request_time=row.timestamp_ms,
        state=_STATES[row.state],
        request_preview=row.request_preview,
        response_preview=row.response_preview,
        client_request_id=row.client_request_id,
        execution_duration=row.duration_ms,
        trace_metadata=metadata,
        tags=tags,
        assessments=assessments,
    )
