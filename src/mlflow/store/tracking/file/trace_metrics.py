"""Counting and measuring traces in folders: all of them are looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mlflow.entities.trace_metrics import MetricDataPoint, MetricViewType
from mlflow.search.traces import fits
from mlflow.search.tree import And
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking.base import trace_rules as rules
from mlflow.store.tracking.base.assessment_rules import kind_of, searched_value
from mlflow.store.tracking.base.trace_metric_rules import (
    MetricQuery,
    Sample,
    number_of,
    part_of,
    samples_of_spans,
)
from mlflow.store.tracking.file.trace_search import FileTraceSearch, LazyFacts


class FileTraceMetrics(FileTraceSearch):
    def _query_trace_metrics(
        self, experiment_ids: list[str], query: MetricQuery
    ) -> PagedList[MetricDataPoint]:
        every = self._matching_of_trace(experiment_ids, None, None)
        tree = And(query.of_trace) if query.of_trace else None
        samples_of = {
            MetricViewType.TRACES: _samples_of_trace,
            MetricViewType.SPANS: _samples_of_spans,
            MetricViewType.ASSESSMENTS: _samples_of_assessments,
        }[query.view]
        return query.points(
            sample
            for facts in every
            if query.within(facts.info.request_time) and fits(tree, facts)
            for sample in samples_of(query, facts)
        )


def _samples_of_trace(query: MetricQuery, facts: LazyFacts) -> Iterator[Sample]:
    info = facts.info
    value: Any = 1
    if query.metric == "latency":
        value = info.execution_duration
    elif query.metric == "session_count":
        value = info.trace_metadata.get(rules.SESSION)
    elif query.metric != "trace_count":
        value = part_of(info.trace_metadata.get(rules.TOKEN_USAGE), query.metric)
    parts = {"trace_name": info.tags.get(rules.TRACE_NAME), "trace_status": info.state.value}
    yield Sample(info.request_time, tuple(parts[d] for d in query.dimensions), value)


def _samples_of_spans(query: MetricQuery, facts: LazyFacts) -> Iterator[Sample]:
    yield from samples_of_spans(query, facts.records)


def _samples_of_assessments(query: MetricQuery, facts: LazyFacts) -> Iterator[Sample]:
    for assessment in facts.info.assessments:
        kind = kind_of(assessment)
        said = {"name": assessment.name, "type": kind}
        if any(said[what] != value for what, value in query.of_view):
            continue
        text, _ = searched_value(assessment)
        parts = {"assessment_name": assessment.name, "assessment_value": text}
        counted = query.metric == "assessment_count"
        value = 1 if counted else number_of(json.loads(text))
        yield Sample(facts.info.request_time, tuple(parts[d] for d in query.dimensions), value)
