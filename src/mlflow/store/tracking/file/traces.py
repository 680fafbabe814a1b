"""Traces in folders: writing, reading and deleting them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from mlflow.entities import Span, Trace, TraceInfo, TraceLocation, TraceState
from mlflow.entities.trace_info_v2 import TraceInfoV2
from mlflow.entities.trace_status import TraceStatus
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.db.spans import merged
from mlflow.store.tracking.base import trace_rules as rules
from mlflow.store.tracking.base.assessment_rules import new_assessment
from mlflow.store.tracking.base.trace_checks import (
    check_links,
    check_spans,
    check_trace_info,
    check_trace_tag,
    kept_metadata,
    kept_tags,
    no_spans,
    no_trace_tag,
)
from mlflow.store.tracking.base.traces import TraceLinks
from mlflow.store.tracking.file import disk
from mlflow.store.tracking.file.assessments import FileAssessments
from mlflow.store.tracking.file.core import Place
from mlflow.store.tracking.file.meta import dump
from mlflow.store.tracking.file.trace_metrics import FileTraceMetrics
from mlflow.store.tracking.file.trace_places import INFO, SPANS, TRACES_FOLDER, TracePlace
from mlflow.store.tracking.file.trace_search import LazyFacts
from mlflow.utils.uri import append_to_uri_path


class FileTraces(FileAssessments, FileTraceMetrics):
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
                for key in rules.SUMMED:
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
        learnt = rules.learn_all(spans, by_trace)
        with self._changing_traces(location) as place:
            for trace_id, records in by_trace.items():
                self._add_spans(place, trace_id, records, learnt[trace_id])
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
                os.unlink(place.file(INFO))  # first: without it, there is no trace
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

    def trace_links(self, trace_ids: Sequence[str]) -> dict[str, TraceLinks]:
        facts = {place.id: LazyFacts(self, place) for place in self._found(trace_ids, None)}
        found = {
            trace_id: TraceLinks(sorted(f.runs), sorted(f.prompts)) for trace_id, f in facts.items()
        }
        return {trace_id: links for trace_id, links in found.items() if any(links)}

    def link_prompts_to_trace(self, trace_id: str, prompt_versions: Sequence[Any]) -> None:
        prompts = [f"{p.name}/{p.version}" for p in prompt_versions]
        self._link(self._trace(trace_id), "prompts", prompts)

    def _link(self, place: TracePlace | None, kind: str, names: Sequence[str]) -> None:
        if place is not None:
            with self._changing_traces(place.experiment.id):
                disk.put_keys(place.path, kind, {quote(name, safe=""): b"" for name in names})

    # -- writing ---------------------------------------------------------------------------------

    def _write(
        self, place: TracePlace, info: TraceInfo, tags: dict[str, str], metadata: dict[str, str]
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
        disk.put({place.file(INFO): dump(parts)}, place.path)

    def _add_spans(
        self,
        experiment: Place,
        trace_id: str,
        records: list[dict[str, Any]],
        learnt: rules.Learnt,
    ) -> None:
        there = self._find_trace(trace_id)
        place = there or self._new_place(experiment, trace_id)
        whole = merged([self._records(place), records])
        disk.make_folders(place.path, SPANS[0])
        content = json.dumps({"spans": whole}).encode()
        disk.put({place.file(*SPANS): content}, place.path)
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
