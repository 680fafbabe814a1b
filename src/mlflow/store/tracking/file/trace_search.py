"""Searching traces in folders: all of them are looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote

from mlflow.entities import TraceInfo
from mlflow.exceptions import MlflowException
from mlflow.search import full_order, parse_order_by
from mlflow.search.traces import TRACES, Facts, fits, parse_trace_filter, previews_of
from mlflow.search.tree import And, Comparison, OrderBy
from mlflow.store.db.paging import decode_token, encode_token
from mlflow.store.tracking.base import trace_rules as rules
from mlflow.store.tracking.base.checks import check_max_results
from mlflow.store.tracking.base.correlation import TraceFilterCorrelationResult, correlation
from mlflow.store.tracking.base.trace_checks import experiments_to_search
from mlflow.store.tracking.base.traces import SEARCH_TRACES_DEFAULT_MAX_RESULTS
from mlflow.store.tracking.file import disk
from mlflow.store.tracking.file.trace_places import FileTracePlaces, TracePlace


class FileTraceSearch(FileTracePlaces):
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
        check_max_results(max_results)
        experiments = experiments_to_search(experiment_ids, locations)
        orders = full_order(parse_order_by(order_by, TRACES), TRACES)
        found = self._matching_of_trace(experiments, filter_string, model_id)
        for order in reversed(orders):
            found = _sorted(found, order)
        start = 0
        if page_token:
            start, last = decode_token(page_token, 2)
            if not isinstance(start, int) or not isinstance(last, str):
                raise MlflowException.invalid_parameter_value(
                    f"Invalid page token '{page_token[:100]}': it does not belong to this search."
                )
            # Behind the last one of the page before, wherever that is now.
            places = (i + 1 for i, facts in enumerate(found) if facts.info.trace_id == last)
            start = next(places, max(0, start))
        part = [facts.info for facts in found[start : start + max_results]]
        end = start + len(part)
        return part, encode_token([end, part[-1].trace_id]) if end < len(found) else None

    def calculate_trace_filter_correlation(
        self,
        experiment_ids: list[str],
        filter_string1: str,
        filter_string2: str,
        base_filter: str | None = None,
    ) -> TraceFilterCorrelationResult:
        if not experiment_ids:
            return correlation(0, 0, 0, 0)
        every = self._matching_of_trace(experiment_ids, base_filter, None)
        trees = [parse_trace_filter(text) for text in (filter_string1, filter_string2)]
        first, second = ([fits(tree, facts) for facts in every] for tree in trees)
        joint = sum(a and b for a, b in zip(first, second))
        return correlation(sum(first), sum(second), joint, len(every))

    def _matching_of_trace(
        self, experiments: Sequence[str] | None, filter_string: str | None, model_id: str | None
    ) -> list[Facts]:
        """All that match, in no order."""
        tree: Any = parse_trace_filter(filter_string)
        if model_id is not None:
            own = Comparison("metadata", rules.MODEL_ID, "=", model_id)
            tree = own if tree is None else And((tree, own))
        places = (
            self._experiment_places()
            if experiments is None
            else filter(None, map(self._find_experiment, map(str, experiments)))
        )
        found = (LazyFacts(self, trace) for place in places for trace in self._traces_in(place))
        return [facts for facts in found if facts.is_whole and fits(tree, facts)]  # type: ignore[arg-type]


class LazyFacts:
    """What a filter looks at, read when it does."""

    def __init__(self, store: FileTraceSearch, place: TracePlace):
        self._store = store
        self._place = place
        try:
            self.info: Any = store._info(place)
            self.is_whole = True
        except MlflowException as error:  # one broken file must not hide the others
            store._report(str(error))
            self.is_whole = False

    @property
    def runs(self) -> list[str]:
        return [unquote(key) for key, _ in disk.keys_in(self._place.file("runs"))]

    @property
    def prompts(self) -> list[str]:
        return [unquote(key) for key, _ in disk.keys_in(self._place.file("prompts"))]

    @property
    def records(self) -> list[dict[str, Any]]:
        return self._store._records(self._place)

    @property
    def previews(self) -> list[str]:
        return previews_of(self.info)


def _sorted(found: list[Any], order: OrderBy) -> list[Any]:
    """Sorted by one thing; among equals the order stays, and what lacks it comes last."""
    value: Callable[[Any], Any] = {
        "tag": lambda i: i.tags.get(order.key),
        "metadata": lambda i: i.trace_metadata.get(order.key),
        "attribute": lambda i: _attribute(i, order.key),
    }[order.entity]
    have = [facts for facts in found if value(facts.info) is not None]
    lack = [facts for facts in found if value(facts.info) is None]
    have.sort(key=lambda facts: value(facts.info), reverse=not order.ascending)
    return have + lack


def _attribute(info: TraceInfo, key: str) -> Any:
    duration = info.execution_duration
    return {
        "end_time_ms": None if duration is None else info.request_time + duration,
        "execution_time_ms": duration,
        "experiment_id": int(info.experiment_id or 0),
        "name": info.tags.get(rules.TRACE_NAME),
        "request_id": info.trace_id,
        "run_id": info.trace_metadata.get(rules.SOURCE_RUN),
        "status": info.state.value,
        "timestamp_ms": info.request_time,
    }[key]
