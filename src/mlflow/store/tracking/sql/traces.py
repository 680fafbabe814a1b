"""Traces and their spans in a SQL database: reading and searching them; writing, links and deletion
are in modules of their own."""

from __future__ import annotations

from mlflow.entities import Trace, TraceInfo
from mlflow.entities.completed_session import CompletedSession
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.base import trace_rules as rules
from mlflow.store.tracking.base.correlation import TraceFilterCorrelationResult, correlation
from mlflow.store.tracking.base.trace_checks import experiments_to_search, no_spans, no_trace
from mlflow.store.tracking.base.traces import SEARCH_TRACES_DEFAULT_MAX_RESULTS
from mlflow.store.tracking.sql.core import experiment_key
from mlflow.store.tracking.sql.trace_deletion import SqlTraceDeletion
from mlflow.store.tracking.sql.trace_links import SqlTraceLinks
from mlflow.store.tracking.sql.trace_metrics import SqlTraceMetrics
from mlflow.store.tracking.sql.trace_search import TraceSearch
from mlflow.store.tracking.sql.trace_writing import SqlTraceWriting


class SqlTraces(SqlTraceWriting, SqlTraceLinks, SqlTraceDeletion, SqlTraceMetrics):
    def get_trace_info(self, trace_id: str) -> TraceInfo:
        with self.db.read() as tx:
            row = self._trace_row(tx, trace_id)
            if row is None:
                raise no_trace(trace_id)
            return self._load_infos(tx, [row])[0]

    def get_trace(self, trace_id: str, *, allow_partial: bool = False) -> Trace:
        with self.db.read() as tx:
            row = self._trace_row(tx, trace_id)
            if row is None:
                raise MlflowException(
                    f"Trace with ID {trace_id} is not found.",
                    error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
                )
            if not row.span_count:
                raise no_spans(trace_id)
            return self._load_traces(tx, [row])[0]

    def batch_get_traces(
        self,
        trace_ids: list[str],
        location: str | None = None,
        experiment_ids: list[str] | None = None,
    ) -> list[Trace]:
        with self.db.read() as tx:
            return self._load_traces(tx, self._rows_by_uuid(tx, trace_ids, experiment_ids))

    def batch_get_trace_infos(
        self,
        trace_ids: list[str],
        location: str | None = None,
        experiment_ids: list[str] | None = None,
    ) -> list[TraceInfo]:
        with self.db.read() as tx:
            return self._load_infos(tx, self._rows_by_uuid(tx, trace_ids, experiment_ids))

    def search_traces(
        self,
        experiment_ids: list[str] | None = None,
        filter_string: str | None = None,
        max_results: int = SEARCH_TRACES_DEFAULT_MAX_RESULTS,
        order_by: list[str] | None = None,
        page_token: str | None = None,
        model_id: str | None = None,
        locations: list[str] | None = None,
    ) -> tuple[list[TraceInfo], str | None]:
        experiments = experiments_to_search(experiment_ids, locations)
        search = TraceSearch(self, experiments, filter_string, max_results, order_by, model_id)
        with self.db.read() as tx:
            keys, token = search.page(tx, page_token)
            return self._load_infos(tx, self._rows_by_id(tx, keys)), token

    def calculate_trace_filter_correlation(
        self,
        experiment_ids: list[str],
        filter_string1: str,
        filter_string2: str,
        base_filter: str | None = None,
    ) -> TraceFilterCorrelationResult:
        filters = (filter_string1, filter_string2)
        wanted = [[f] for f in filters] + [list(filters), []]
        searches = []
        for own in wanted:
            every = [f"({f})" for f in (base_filter, *own) if f]
            searches.append(TraceSearch(self, experiment_ids, " AND ".join(every), 1, None))
        with self.db.read() as tx:
            return correlation(*(search.count(tx) for search in searches))

    def _sessions_that_ended(
        self, experiment_id: str, from_ms: int, to_ms: int
    ) -> list[tuple[CompletedSession, str]]:
        with self.db.read() as tx:
            key = self._key_id(tx, rules.SESSION)
            rows = tx.execute(
                "select m.value, min(t.timestamp_ms), max(t.timestamp_ms) "
                "from trace t join trace_metadata m on m.trace_id = t.id and m.key_id = ? "
                "where t.experiment_id = ? group by m.value "
                "having max(t.timestamp_ms) between ? and ?",
                (key, experiment_key(experiment_id), from_ms, to_ms),
            ).fetchall()
            found = []
            for session, first, last in rows:
                (first_id,) = tx.execute(
                    "select min(t.uuid) from trace t "
                    "join trace_metadata m on m.trace_id = t.id and m.key_id = ? "
                    "where t.experiment_id = ? and m.value = ? and t.timestamp_ms = ?",
                    (key, experiment_key(experiment_id), session, first),
                ).fetchone()
                found.append((CompletedSession(session, first, last), first_id))
            return found

    def _ids_of_matches(self, experiment_id: str, filter_string: str) -> set[str]:
        search = TraceSearch(
            self, [experiment_id], filter_string, SEARCH_TRACES_DEFAULT_MAX_RESULTS, None
        )
        with self.db.read() as tx:
            return {row.uuid for row in self._rows_by_id(tx, search.keys(tx, None))}
