"""Counting and measuring traces in a SQL database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from mlflow.entities import TraceState
from mlflow.entities.trace_metrics import MetricDataPoint, MetricViewType
from mlflow.search.tree import And
from mlflow.store.db.spans import merged, unpack_spans
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking.base import trace_rules as rules
from mlflow.store.tracking.base.assessment_rules import KINDS
from mlflow.store.tracking.base.trace_metric_rules import (
    MetricQuery,
    Sample,
    number_of,
    part_of,
    samples_of_spans,
)
from mlflow.store.tracking.base.traces import Traces
from mlflow.store.tracking.sql.conditions import Condition, both
from mlflow.store.tracking.sql.core import SqlCore, experiment_key
from mlflow.store.tracking.sql.trace_conditions import TraceConditions, one_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_STATES = [state.value for state in TraceState]
#: Traces whose spans are in memory at once.
_BATCH = 500


class SqlTraceMetrics(SqlCore, Traces):
    def _query_trace_metrics(
        self, experiment_ids: list[str], query: MetricQuery
    ) -> PagedList[MetricDataPoint]:
        experiments = [experiment_key(x) for x in experiment_ids]
        samples = {
            MetricViewType.TRACES: self._samples_of_traces,
            MetricViewType.SPANS: self._samples_of_spans,
            MetricViewType.ASSESSMENTS: self._samples_of_assessments,
        }[query.view]
        with self.db.read() as tx:
            return query.points(samples(tx, query, self._of_query(tx, query, experiments)))

    def _of_query(self, tx: Any, query: MetricQuery, experiments: Sequence[int]) -> Condition:
        """What the traces of a query are like."""
        parts = [one_of("t.experiment_id", experiments)]
        if query.of_trace:
            conditions = TraceConditions(self.db.dialect, partial(self._key_id, tx))
            parts.append(conditions.sql(And(query.of_trace)))
        if query.end_ms is not None:
            parts.append(Condition("t.timestamp_ms <= ?", [query.end_ms]))
        if query.start_ms is not None:
            parts.append(Condition("t.timestamp_ms >= ?", [query.start_ms]))
        return both(parts)

    def _samples_of_traces(self, tx: Any, query: MetricQuery, where: Condition) -> Iterator[Sample]:
        value, key = "1", None
        if query.metric == "latency":
            value = "t.duration_ms"
        elif query.metric != "trace_count":
            key = rules.SESSION if query.metric == "session_count" else rules.TOKEN_USAGE
            value = "v.value"
        columns, joins, params = ["t.timestamp_ms", value], "", []
        for dimension in query.dimensions:
            columns.append("n.value" if dimension == "trace_name" else "t.state")
        for alias, table, name in (
            ("v", "trace_metadata", key),
            ("n", "trace_tag", rules.TRACE_NAME if "trace_name" in query.dimensions else None),
        ):
            if name is not None:
                joins += f" join {table} {alias} on {alias}.trace_id = t.id and {alias}.key_id = ?"
                known = self._key_id(tx, name)
                params.append(-1 if known is None else known)
        states = [i for i, d in enumerate(query.dimensions) if d == "trace_status"]
        for rows in self.db.dialect.stream(
            tx,
            f"select {', '.join(columns)} from trace t{joins} where {where.text}",
            (*params, *where.params),
        ):
            for time_ms, found, *dimensions in rows:
                for i in states:
                    dimensions[i] = _STATES[dimensions[i]]
                if key == rules.TOKEN_USAGE:
                    found = part_of(found, query.metric)
                yield Sample(time_ms, tuple(dimensions), found)

    def _samples_of_spans(self, tx: Any, query: MetricQuery, where: Condition) -> Iterator[Sample]:
        found = tx.execute(
            f"select t.id from trace t where {where.text} order by t.id", where.params
        )
        traces = [trace for (trace,) in found.fetchall()]
        for i in range(0, len(traces), _BATCH):
            segments: dict[int, list[Any]] = {}
            for trace, content in tx.execute(
                "select trace_id, content from trace_segment where "
                f"{one_of('trace_id', traces[i : i + _BATCH]).text} order by trace_id, seq"
            ).fetchall():
                segments.setdefault(trace, []).append(unpack_spans(content))
            for parts in segments.values():
                yield from samples_of_spans(query, merged(parts))

    def _samples_of_assessments(
        self, tx: Any, query: MetricQuery, where: Condition
    ) -> Iterator[Sample]:
        wanted, params = "", []
        for what, value in query.of_view:
            if what == "name":
                wanted += " and x.name = ?"
                params.append(value)
            else:
                wanted += f" and x.kind = {KINDS.index(value) if value in KINDS else -1}"
        for rows in self.db.dialect.stream(
            tx,
            "select t.timestamp_ms, x.name, x.value from assessment x "
            f"join trace t on t.id = x.trace_id where {where.text}{wanted}",
            (*where.params, *params),
        ):
            for time_ms, name, text in rows:
                parts = {"assessment_name": name, "assessment_value": text}
                dimensions = tuple(parts[d] for d in query.dimensions)
                counted = query.metric == "assessment_count"
                yield Sample(time_ms, dimensions, 1 if counted else number_of(json.loads(text)))
