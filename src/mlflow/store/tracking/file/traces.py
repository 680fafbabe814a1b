"""Traces in folders: `<experiment>/traces/<id>` with `trace_info.yaml`, `tags`, `request_metadata`,
`assessments` and `artifacts/traces.json`, which has the spans; and, beside what MLflow writes,
`runs` and `prompts` that it is linked to."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from mlflow.entities import (
    Assessment,
    Span,
    Trace,
    TraceData,
    TraceInfo,
    TraceLocation,
    TraceState,
)
from mlflow.entities.assessment import ExpectationValue, FeedbackValue
from mlflow.entities.span import LazySpan
from mlflow.entities.trace_info_v2 import TraceInfoV2
from mlflow.entities.trace_status import TraceStatus
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.search import full_order, parse_order_by
from mlflow.search.traces import TRACES, Facts, fits, parse_trace_filter, previews_of
from mlflow.search.tree import And, Comparison, OrderBy
from mlflow.store.db.paging import decode_token, encode_token
from mlflow.store.db.spans import merged
from mlflow.store.tracking.base import trace_rules as rules
from mlflow.store.tracking.base.assessment_rules import changed, new_assessment
from mlflow.store.tracking.base.checks import check_experiment_is_active, check_max_results
from mlflow.store.tracking.base.correlation import TraceFilterCorrelationResult, correlation
from mlflow.store.tracking.base.trace_checks import (
    check_links,
    check_spans,
    check_trace_info,
    check_trace_tag,
    experiments_to_search,
    kept_metadata,
    kept_tags,
    no_assessment,
    no_spans,
    no_trace,
    no_trace_of_assessment,
    no_trace_tag,
)
from mlflow.store.tracking.base.traces import SEARCH_TRACES_DEFAULT_MAX_RESULTS, Traces
from mlflow.store.tracking.file import disk
from mlflow.store.tracking.file.core import FileCore, Place, as_text
from mlflow.store.tracking.file.meta import BrokenMeta, dump, load
from mlflow.utils.uri import append_to_uri_path

TRACES_FOLDER = "traces"
_INFO = "trace_info.yaml"
_SPANS = ("artifacts", "traces.json")


class _TracePlace(NamedTuple):
    """A trace's folder."""

    id: str
    path: str
    experiment: Place

    def file(self, *steps: str) -> str:
        return os.path.join(self.path, *steps)


class FileTraces(FileCore, Traces):
    def start_trace(self, trace_info: TraceInfo) -> TraceInfo:
        experiment = check_trace_info(trace_info)
        with self._changing_traces(experiment) as place:
            there = self._find_trace(trace_info.trace_id)
            trace = there or self._new_place(place, trace_info.trace_id)
            info = trace_info
            if there is not None:
                old = self._info(there)
                info = TraceInfo.from_dict({**info.to_dict(), "assessments": []})
                info.request_preview = info.request_preview or old.request_preview
                info.response_preview = info.response_preview or old.response_preview
            metadata = {**kept_metadata(trace_info.trace_metadata), rules.INFO_FINALIZED: "true"}
            if there is not None and self._has_spans(there):
                for key in rules.SUMS.values():
                    if key in old.trace_metadata:
                        metadata.pop(key, None)
            for assessment in trace_info.assessments:
                self._put_assessment(trace, new_assessment(assessment))
            self._write(trace, info, kept_tags(trace_info.tags), metadata)
            return self._info(trace)

    def log_spans(
        self, location: str, spans: list[Span], tracking_uri: str | None = None
    ) -> list[Span]:
        by_trace = check_spans(spans)
        if not by_trace:
            return spans
        with self._changing_traces(location) as place:
            for trace_id, records in by_trace.items():
                self._add_spans(place, trace_id, records)
        return spans

    def get_trace_info(self, trace_id: str) -> TraceInfo:
        return self._info(self._trace(trace_id))

    def get_trace(self, trace_id: str, *, allow_partial: bool = False) -> Trace:
        place = self._find_trace(trace_id)
        if place is None:
            raise MlflowException(
                f"Trace with ID {trace_id} is not found.",
                error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
            )
        if not self._has_spans(place):
            raise no_spans(trace_id)
        return self._load_trace(place)

    def batch_get_traces(
        self,
        trace_ids: list[str],
        location: str | None = None,
        experiment_ids: list[str] | None = None,
    ) -> list[Trace]:
        return [self._load_trace(place) for place in self._found(trace_ids, experiment_ids)]

    def batch_get_trace_infos(
        self,
        trace_ids: list[str],
        location: str | None = None,
        experiment_ids: list[str] | None = None,
    ) -> list[TraceInfo]:
        return [self._info(place) for place in self._found(trace_ids, experiment_ids)]

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

    def set_trace_tag(self, trace_id: str, key: str, value: str) -> None:
        kept = check_trace_tag(key, value)
        with self._changing_traces(self._trace(trace_id).experiment.id):
            place = self._trace(trace_id)
            disk.check_places(place.file("tags"), [key], "tag")
            disk.put_keys(place.path, "tags", {key: kept.encode()})

    def delete_trace_tag(self, trace_id: str, key: str) -> None:
        place = self._find_trace(trace_id)
        if place is None:
            raise no_trace_tag(trace_id, key)
        with self._changing_traces(place.experiment.id):
            path = disk.path_of_key(place.file("tags"), key)
            if path is None or not disk.remove(path, place.path):
                raise no_trace_tag(trace_id, key)

    def deprecated_start_trace_v2(
        self,
        experiment_id: str,
        timestamp_ms: int,
        request_metadata: dict[str, str],
        tags: dict[str, str],
    ) -> TraceInfoV2:
        info = rules.begun_in_version_2(experiment_id, timestamp_ms, request_metadata, tags)
        return rules.in_version_2(self.start_trace(info))

    def deprecated_end_trace_v2(
        self,
        request_id: str,
        timestamp_ms: int,
        status: TraceStatus,
        request_metadata: dict[str, str],
        tags: dict[str, str],
    ) -> TraceInfoV2:
        info = self.get_trace_info(request_id)
        info.execution_duration = timestamp_ms - info.request_time
        info.state = status.to_state()
        info.trace_metadata, info.tags, info.assessments = dict(request_metadata), dict(tags), []
        return rules.in_version_2(self.start_trace(info))

    def _delete_traces(
        self,
        experiment_id: str,
        max_timestamp_millis: int | None = None,
        max_traces: int | None = None,
        trace_ids: list[str] | None = None,
    ) -> int:
        with self._changing_traces(experiment_id) as experiment:
            if trace_ids:
                wanted = set(trace_ids)
                places = [p for p in self._traces_in(experiment) if p.id in wanted]
            else:
                assert max_timestamp_millis is not None
                dated = sorted(
                    (info.request_time, info.trace_id, place)
                    for place in self._traces_in(experiment)
                    if (info := self._info(place)).request_time <= max_timestamp_millis
                )
                places = [place for _, _, place in dated[:max_traces]]
            for place in places:
                os.unlink(place.file(_INFO))  # first: without it, there is no trace
                shutil.rmtree(place.path, ignore_errors=True)
            return len(places)

    def link_traces_to_run(self, trace_ids: list[str], run_id: str) -> None:
        check_links(trace_ids)
        for trace_id in trace_ids:
            self._link(self._find_trace(trace_id), "runs", [run_id])

    def unlink_traces_from_run(self, trace_ids: list[str], run_id: str) -> None:
        for trace_id in trace_ids:
            if (place := self._find_trace(trace_id)) is not None:
                disk.remove(place.file("runs", quote(run_id, safe="")), place.path)

    def link_prompts_to_trace(self, trace_id: str, prompt_versions: Sequence[Any]) -> None:
        prompts = [f"{p.name}/{p.version}" for p in prompt_versions]
        self._link(self._trace(trace_id), "prompts", prompts)

    def _link(self, place: _TracePlace | None, kind: str, names: Sequence[str]) -> None:
        if place is not None:
            with self._changing_traces(place.experiment.id):
                disk.put_keys(place.path, kind, {quote(name, safe=""): b"" for name in names})

    # -- assessments ------------------------------------------------------------------------

    def create_assessment(self, assessment: Assessment) -> Assessment:
        made = new_assessment(assessment)
        made.last_update_time_ms = made.create_time_ms
        place = self._trace(str(made.trace_id))
        with self._changing_traces(place.experiment.id):
            if made.overrides:
                self._set_valid(place, made.overrides, False)
            self._put_assessment(place, made)
        return made

    def get_assessment(self, trace_id: str, assessment_id: str) -> Assessment:
        place = self._find_trace(trace_id)
        if place is None:
            raise no_trace_of_assessment(trace_id)
        found = self._assessments(place).get(assessment_id)
        if found is None:
            raise no_assessment(trace_id, assessment_id)
        return found

    def update_assessment(
        self,
        trace_id: str,
        assessment_id: str,
        name: str | None = None,
        expectation: ExpectationValue | None = None,
        feedback: FeedbackValue | None = None,
        rationale: str | None = None,
        metadata: dict[str, str] | None = None,
    ) -> Assessment:
        self.get_assessment(trace_id, assessment_id)
        place = self._trace(trace_id)
        with self._changing_traces(place.experiment.id):
            there = self.get_assessment(trace_id, assessment_id)
            made = changed(there, name, expectation, feedback, rationale, metadata)
            self._put_assessment(place, made)
            return made

    def delete_assessment(self, trace_id: str, assessment_id: str) -> None:
        place = self._find_trace(trace_id)
        if place is None:
            return
        with self._changing_traces(place.experiment.id):
            gone = self._assessments(place).get(assessment_id)
            if gone is None:
                return
            disk.remove(self._assessment_file(place, assessment_id), place.path)
            if gone.overrides and gone.overrides in self._assessments(place):
                self._set_valid(place, gone.overrides, True)

    def _set_valid(self, place: _TracePlace, assessment_id: str, valid: bool) -> None:
        found = self._assessments(place).get(assessment_id)
        if found is None:
            raise no_assessment(place.id, assessment_id)
        found.valid = valid
        self._put_assessment(place, found)

    def _assessment_file(self, place: _TracePlace, assessment_id: str) -> str:
        return place.file("assessments", f"{quote(assessment_id, safe='')}.yaml")

    def _put_assessment(self, place: _TracePlace, assessment: Assessment) -> None:
        assessment.trace_id = place.id
        disk.make_folders(place.path, "assessments")
        content = dump(assessment.to_dictionary())
        path = self._assessment_file(place, str(assessment.assessment_id))
        disk.put({path: content}, place.path)

    def _assessments(self, place: _TracePlace) -> dict[str, Assessment]:
        """By id, in the order in which they were made."""
        found = []
        for _, path in disk.keys_in(place.file("assessments")):
            content = disk.read(path)
            if content is None:
                continue
            try:
                parts = load(content, self._shown(path))
                found.append(Assessment.from_dictionary(parts))
                found[-1].valid = parts.get("valid")
            except (BrokenMeta, MlflowException, KeyError, TypeError, ValueError) as error:
                self._report(f"{self._shown(path)} is no assessment: {error}")
        found.sort(key=lambda a: (a.create_time_ms, a.assessment_id))
        return {a.assessment_id: a for a in found}

    # -- places -----------------------------------------------------------------------------

    def _changing_traces(self, experiment_id: str) -> Any:
        return _Changing(self, experiment_id)

    def _new_place(self, experiment: Place, trace_id: str) -> _TracePlace:
        if len(disk.key_steps(trace_id)) != 1:
            raise MlflowException.invalid_parameter_value(
                f"Invalid trace ID {trace_id[:100]!r}: it is the name of a folder here, and may "
                "have no slash."
            )
        return _TracePlace(
            trace_id, disk.make_folders(experiment.path, TRACES_FOLDER, trace_id), experiment
        )

    def _traces_in(self, experiment: Place) -> Iterator[_TracePlace]:
        for entry in disk.folders_in(experiment.folder(TRACES_FOLDER)):
            if disk.is_file(os.path.join(entry.path, _INFO)):
                yield _TracePlace(entry.name, entry.path, experiment)

    def _find_trace(self, trace_id: str) -> _TracePlace | None:
        try:
            if len(disk.key_steps(str(trace_id))) != 1:
                return None
        except MlflowException:
            return None
        for experiment in self._experiment_places():
            path = os.path.join(experiment.path, TRACES_FOLDER, trace_id)
            if disk.is_folder(path) and disk.is_file(os.path.join(path, _INFO)):
                return _TracePlace(trace_id, path, experiment)
        return None

    def _trace(self, trace_id: str) -> _TracePlace:
        place = self._find_trace(trace_id)
        if place is None:
            raise no_trace(trace_id)
        return place

    def _found(
        self, trace_ids: Sequence[str], experiment_ids: Sequence[str] | None
    ) -> list[_TracePlace]:
        places = (self._find_trace(trace_id) for trace_id in dict.fromkeys(trace_ids))
        return [
            place
            for place in places
            if place is not None
            and (not experiment_ids or place.experiment.id in map(str, experiment_ids))
        ]

    # -- reading ----------------------------------------------------------------------------

    def _values_of_trace(self, folder: str) -> dict[str, str]:
        found = {}
        for key, path in disk.keys_in(folder):
            content = disk.read(path)
            if content is not None:
                found[key] = as_text(content)
        return found

    def _info(self, place: _TracePlace) -> TraceInfo:
        content = disk.read(place.file(_INFO))
        if content is None:
            raise no_trace(place.id)
        try:
            info = TraceInfo.from_dict(load(content, self._shown(place.file(_INFO))))
        except (BrokenMeta, KeyError, TypeError, ValueError) as error:
            raise MlflowException(
                f"{self._shown(place.file(_INFO))} is no info of a trace: {error}",
                error_code=CODES["INVALID_STATE"],
            ) from None
        info.tags = self._values_of_trace(place.file("tags"))
        info.trace_metadata = self._values_of_trace(place.file("request_metadata"))
        info.assessments = list(self._assessments(place).values())
        if self._has_spans(place):
            info.tags[rules.SPANS_LOCATION] = rules.IN_TRACKING_STORE
        return info

    def _has_spans(self, place: _TracePlace) -> bool:
        return disk.is_file(place.file(*_SPANS))

    def _records(self, place: _TracePlace) -> list[dict[str, Any]]:
        content = disk.read(place.file(*_SPANS))
        if content is None:
            return []
        data = TraceData.from_dict(json.loads(content))
        return merged([[span.to_dict() for span in data.spans]])

    def _load_trace(self, place: _TracePlace) -> Trace:
        spans = [LazySpan(record) for record in self._records(place)]
        return Trace(self._info(place), TraceData(spans))

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
        found = (_LazyFacts(self, trace) for place in places for trace in self._traces_in(place))
        return [facts for facts in found if facts.is_whole and fits(tree, facts)]  # type: ignore[arg-type]

    # -- writing ----------------------------------------------------------------------------

    def _write(
        self, place: _TracePlace, info: TraceInfo, tags: dict[str, str], metadata: dict[str, str]
    ) -> None:
        """Write what is known of a trace: what is new among its tags and metadata, and the info
        last, without which there is no trace."""
        location = append_to_uri_path(
            self._experiment_parts(place.experiment).artifact_location,
            TRACES_FOLDER,
            place.id,
            "artifacts",
        )
        tags = {rules.ARTIFACT_LOCATION: location, **tags}
        for kind, values in (("tags", tags), ("request_metadata", metadata)):
            disk.check_places(place.file(kind), list(values), kind)
            disk.put_keys(place.path, kind, {key: v.encode() for key, v in values.items()})
        parts = info.to_dict()
        for own in ("tags", "trace_metadata", "assessments"):
            parts.pop(own, None)
        disk.put({place.file(_INFO): dump(parts)}, place.path)

    def _add_spans(self, experiment: Place, trace_id: str, records: list[dict[str, Any]]) -> None:
        learnt = rules.learn(records)
        there = self._find_trace(trace_id)
        place = there or self._new_place(experiment, trace_id)
        whole = merged([self._records(place), records])
        disk.make_folders(place.path, _SPANS[0])
        content = json.dumps({"spans": whole}).encode()
        disk.put({place.file(*_SPANS): content}, place.path)
        metadata = dict(learnt.metadata)
        if there is None:
            duration = None if learnt.end_ms is None else learnt.end_ms - learnt.start_ms
            info = TraceInfo(
                trace_id,
                TraceLocation.from_experiment_id(experiment.id),
                learnt.start_ms,
                learnt.state or TraceState.IN_PROGRESS,
                learnt.request_preview,
                learnt.response_preview,
                execution_duration=duration,
            )
        else:
            info = self._info(there)
            metadata = {k: v for k, v in metadata.items() if k not in info.trace_metadata}
            rules.extend(info, learnt)
        if learnt.has_sums:
            metadata.update(rules.sums(whole))
        self._write(place, info, kept_tags(learnt.tags), kept_metadata(metadata))


class _Changing:
    """The folder of an active experiment, whose traces nobody else changes meanwhile; whoever has
    it may take it again."""

    def __init__(self, store: FileTraces, experiment_id: str):
        self._store = store
        self._lock = store._changing_experiment(experiment_id)

    def __enter__(self) -> Place:
        place = self._lock.__enter__()
        try:
            parts = self._store._experiment_parts(place)
            check_experiment_is_active(place.id, parts.lifecycle_stage)
        except BaseException as error:
            if not self._lock.__exit__(type(error), error, error.__traceback__):
                raise
        return place

    def __exit__(self, *error: Any) -> bool | None:
        return self._lock.__exit__(*error)


class _LazyFacts:
    """What a filter looks at, read when it does."""

    def __init__(self, store: FileTraces, place: _TracePlace):
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
