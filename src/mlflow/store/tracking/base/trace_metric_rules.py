"""What traces can be measured by: which metrics, dimensions and filters there are, and how values
become points."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mlflow.entities._proto_json import moment
from mlflow.entities.trace_metrics import (
    AggregationType,
    MetricAggregation,
    MetricDataPoint,
    MetricViewType,
)
from mlflow.exceptions import MlflowException
from mlflow.search.tree import Comparison
from mlflow.store.db.paging import decode_token, encode_token
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking.base.trace_rules import type_of

_TOKENS = (
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
)
_COSTS = ("input_cost", "output_cost", "total_cost")
_COUNT = ("COUNT",)
_SPREAD = ("AVG", "MAX", "MIN", "PERCENTILE")
_SUMS = ("AVG", "MAX", "MIN", "PERCENTILE", "SUM")
_OF_TRACES = ("trace_name", "trace_status")
_OF_MODELS = ("span_model_name", "span_model_provider")
_OF_SPANS = ("span_name", "span_status", "span_type", *_OF_MODELS)

#: View: metric: (aggregations, dimensions).
METRICS: dict[str, dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "TRACES": {
        "trace_count": (_COUNT, _OF_TRACES),
        "session_count": (_COUNT, _OF_TRACES),
        "latency": (_SPREAD, _OF_TRACES),
        **{name: (_SUMS, _OF_TRACES) for name in _TOKENS},
    },
    "SPANS": {
        "span_count": (_COUNT, _OF_SPANS),
        "latency": (_SPREAD, ("span_name", "span_status")),
        **{name: (_SUMS, _OF_MODELS) for name in _COSTS},
    },
    "ASSESSMENTS": {
        "assessment_count": (_COUNT, ("assessment_name", "assessment_value")),
        "assessment_value": (_SPREAD, ("assessment_name",)),
    },
}
#: What filters may name, and whether a key follows.
_FILTERS = {
    "trace": {"status": False, "tag": True, "metadata": True},
    "span": {"name": False, "status": False, "type": False},
    "assessment": {"name": False, "type": False},
}
_FILTER = re.compile(
    r"\s*(?P<view>\w+)\.(?P<entity>\w+)(?:\.(?P<key>`[^`]+`|\"[^\"]+\"|[^\s=<>!]+))?\s*"
    r"(?P<op>[=<>!]+|[A-Za-z]+(?:\s+[A-Za-z]+)*)\s*(?P<value>'[^']*'|\"[^\"]*\")\s*"
)

#: Values of assessments that are words.
_WORDS = {"yes": 1.0, "no": 0.0, "pass": 1.0, "fail": 0.0, "true": 1.0, "false": 0.0}


class Sample(NamedTuple):
    """One trace, span or assessment."""

    time_ms: int
    dimensions: tuple[str | None, ...]
    value: Any
    """A number; for `session_count`, the session; None counts for nothing."""


@dataclass(frozen=True)
class MetricQuery:
    """A query, checked.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if something in it does not exist or fit.
    """

    view: MetricViewType
    metric: str
    aggregations: tuple[MetricAggregation, ...]
    dimensions: tuple[str, ...]
    of_trace: tuple[Comparison, ...]
    """What the traces must be like."""
    of_view: tuple[tuple[str, str], ...]
    """(what, value) of the spans or assessments."""
    interval_ms: int
    """0 for one group in time."""
    start_ms: int | None
    end_ms: int | None
    max_results: int
    offset: int

    @classmethod
    def checked(
        cls,
        view_type: MetricViewType,
        metric_name: str,
        aggregations: Sequence[MetricAggregation],
        dimensions: Sequence[str] | None,
        filters: Sequence[str] | None,
        time_interval_seconds: int | None,
        start_time_ms: int | None,
        end_time_ms: int | None,
        max_results: int,
        page_token: str | None,
    ) -> MetricQuery:
        view = MetricViewType(view_type)
        metrics = METRICS[view.value]
        if metric_name not in metrics:
            raise _refusal(f"metric_name must be one of {list(metrics)}, got '{metric_name}'")
        kinds, known = metrics[metric_name]
        if not aggregations:
            raise _refusal("aggregations must not be empty")
        wrong = sorted(
            {
                a.aggregation_type.value
                for a in aggregations
                if a.aggregation_type.value not in kinds
            }
        )
        if wrong:
            raise _refusal(
                f"Found invalid aggregation_type(s): {wrong}. "
                f"Supported aggregation types: {list(kinds)}"
            )
        unknown = [d for d in dimensions or () if d not in known]
        if unknown:
            raise _refusal(
                f"Found invalid dimension(s): {unknown}. Supported dimensions: {list(known)}"
            )
        if time_interval_seconds and (start_time_ms is None or end_time_ms is None):
            raise _refusal(
                "start_time_ms and end_time_ms are required if time_interval_seconds is set"
            )
        if (time_interval_seconds or 0) < 0 or max_results < 1:
            raise _refusal(
                f"time_interval_seconds ({time_interval_seconds}) must not be negative, and "
                f"max_results ({max_results}) must be positive"
            )
        of_trace, of_view = [], []
        for text in filters or ():
            found = _parsed(text, view)
            (of_trace if isinstance(found, Comparison) else of_view).append(found)
        offset = decode_token(page_token, 1)[0] if page_token else 0
        if not isinstance(offset, int) or offset < 0:
            raise _refusal(f"Invalid page token '{str(page_token)[:100]}'.")
        return cls(
            view,
            metric_name,
            tuple(aggregations),
            tuple(dimensions or ()),
            tuple(of_trace),
            tuple(of_view),
            (time_interval_seconds or 0) * 1000,
            start_time_ms,
            end_time_ms,
            max_results,
            offset,
        )

    def within(self, time_ms: int) -> bool:
        """Whether traces of this time are looked at. Their spans are, too, whenever they began."""
        return not (
            (self.start_ms is not None and time_ms < self.start_ms)
            or (self.end_ms is not None and time_ms > self.end_ms)
        )

    def points(self, samples: Iterable[Sample]) -> PagedList[MetricDataPoint]:
        """The points that samples make, in the order of time and dimensions."""
        groups: dict[tuple, list[Any]] = {}
        for time_ms, dimensions, value in samples:
            if value is None or None in dimensions:
                continue
            bucket = time_ms // self.interval_ms if self.interval_ms else 0
            groups.setdefault((bucket, *dimensions), []).append(value)
        if not groups and not self.dimensions and not self.interval_ms:
            groups = {(0,): []}
        keys = sorted(groups)
        page = keys[self.offset : self.offset + self.max_results]
        points = [point for key in page if (point := self._point(key, groups[key])) is not None]
        end = self.offset + len(page)
        return PagedList(points, encode_token([end]) if end < len(keys) else None)

    def _point(self, key: tuple, values: list[Any]) -> MetricDataPoint | None:
        if self.metric == "session_count":
            values = list(set(values))
        found = {}
        for aggregation in self.aggregations:
            value = _aggregated(aggregation, values)
            if value is not None:
                found[str(aggregation)] = value
        if not found:
            return None
        dimensions = dict(zip(self.dimensions, key[1:]))
        if self.interval_ms:
            began = moment(key[0] * self.interval_ms).isoformat()
            dimensions = {"time_bucket": began, **dimensions}
        return MetricDataPoint(self.metric, dimensions, found)


def _aggregated(aggregation: MetricAggregation, values: list[Any]) -> float | None:
    kind = aggregation.aggregation_type
    if kind is AggregationType.COUNT:
        return len(values)
    if not values:
        return None
    if kind is AggregationType.SUM:
        return sum(values)
    if kind is AggregationType.AVG:
        return math.fsum(values) / len(values)
    if kind is AggregationType.MIN:
        return min(values)
    if kind is AggregationType.MAX:
        return max(values)
    ordered = sorted(values)
    place = (len(ordered) - 1) * (aggregation.percentile_value or 0) / 100
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _parsed(text: Any, view: MetricViewType) -> Comparison | tuple[str, str]:
    match = _FILTER.fullmatch(text) if isinstance(text, str) and len(text) <= 10_000 else None
    if match is None:
        raise _refusal(f"Invalid clause(s) in filter string: {str(text)[:200]}")
    of, entity, key, op, value = match.group("view", "entity", "key", "op", "value")
    if of not in _FILTERS:
        raise _refusal(f"Invalid view type '{of}'. Valid view types are {list(_FILTERS)}")
    if of != "trace" and not view.value.lower().startswith(of):
        raise _refusal(
            f"Filtering by {of} is only supported for {of.upper()}S view type, got {view}"
        )
    known = _FILTERS[of]
    if entity not in known or known[entity] != (key is not None):
        raise _refusal(
            f"Invalid entity '{entity}' specified for view type '{of}'. "
            f"Valid entities are {list(known)}"
        )
    if op != "=":
        raise _refusal(f"Invalid comparator: '{op}', only '=' operator is supported")
    value = value[1:-1]
    if of != "trace":
        return entity, value
    if entity == "status":
        return Comparison("attribute", "status", "=", value)
    return Comparison(entity, key.strip('`"'), "=", value)


def number_of(value: Any) -> float | None:
    """An assessment's value as a number; None if it has none."""
    if isinstance(value, str):
        return _WORDS.get(value.lower())
    return float(value) if isinstance(value, (bool, int, float)) else None


def samples_of_spans(query: MetricQuery, records: list[dict[str, Any]]) -> Iterator[Sample]:
    """The samples that spans of one trace are."""
    for record in records:
        attributes = record.get("attributes") or {}
        start = record["start_time_unix_nano"]
        parts = {
            "span_name": record.get("name"),
            "span_type": type_of(record) or None,
            "span_status": record["status"]["code"].removeprefix("STATUS_CODE_"),
            "span_model_name": _said(attributes.get("mlflow.llm.model")),
            "span_model_provider": _said(attributes.get("mlflow.llm.provider")),
        }
        if any(parts[f"span_{what}"] != value for what, value in query.of_view):
            continue
        value: Any = 1
        if query.metric == "latency":
            end = record.get("end_time_unix_nano")
            value = (end - start) / 1_000_000 if end else None
        elif query.metric != "span_count":
            value = part_of(attributes.get("mlflow.llm.cost"), query.metric)
        yield Sample(start // 1_000_000, tuple(parts[d] for d in query.dimensions), value)


def _said(text: Any) -> str | None:
    try:
        return None if text is None else str(json.loads(text))
    except (TypeError, ValueError):
        return str(text)


def part_of(text: Any, name: str) -> float | None:
    """A number in a JSON object; None if it is not there."""
    try:
        number = json.loads(text).get(name)
    except (TypeError, ValueError, AttributeError):
        return None
    return number if isinstance(number, (int, float)) and number == number else None


def _refusal(message: str) -> MlflowException:
    return MlflowException.invalid_parameter_value(message)
