"""Traces in folders: `<experiment>/traces/<id>` with `trace_info.yaml`, `tags`, `request_metadata`,
`assessments` and `artifacts/traces.json`, which has the spans; and, beside what MLflow writes,
`runs` and `prompts` that it is linked to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from mlflow.entities import Trace, TraceData, TraceInfo
from mlflow.entities.span import LazySpan
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.db.spans import merged
from mlflow.store.tracking.base import trace_rules as rules
from mlflow.store.tracking.base.checks import check_experiment_is_active
from mlflow.store.tracking.base.trace_checks import no_trace
from mlflow.store.tracking.base.traces import Traces
from mlflow.store.tracking.file import disk
from mlflow.store.tracking.file.core import FileCore, Place, as_text
from mlflow.store.tracking.file.meta import BrokenMeta, load

TRACES_FOLDER = "traces"
INFO = "trace_info.yaml"
SPANS = ("artifacts", "traces.json")


class TracePlace(NamedTuple):
    """A trace's folder."""

    id: str
    path: str
    experiment: Place

    def file(self, *steps: str) -> str:
        return os.path.join(self.path, *steps)


class FileTracePlaces(FileCore, Traces):
    def _changing_traces(self, experiment_id: str) -> Any:
        return _Changing(self, experiment_id)

    def _new_place(self, experiment: Place, trace_id: str) -> TracePlace:
        if len(disk.key_steps(trace_id)) != 1:
            raise MlflowException.invalid_parameter_value(
                f"Invalid trace ID {trace_id[:100]!r}: it is the name of a folder here, and may "
                "have no slash."
            )
        return TracePlace(
            trace_id, disk.make_folders(experiment.path, TRACES_FOLDER, trace_id), experiment
        )

    def _traces_in(self, experiment: Place) -> Iterator[TracePlace]:
        for entry in disk.folders_in(experiment.folder(TRACES_FOLDER)):
            if disk.is_file(os.path.join(entry.path, INFO)):
                yield TracePlace(entry.name, entry.path, experiment)

    def _find_trace(self, trace_id: str) -> TracePlace | None:
        try:
            if len(disk.key_steps(str(trace_id))) != 1:
                return None
        except MlflowException:
            return None
        for experiment in self._experiment_places():
            path = os.path.join(experiment.path, TRACES_FOLDER, trace_id)
            if disk.is_folder(path) and disk.is_file(os.path.join(path, INFO)):
                return TracePlace(trace_id, path, experiment)
        return None

    def _trace(self, trace_id: str) -> TracePlace:
        place = self._find_trace(trace_id)
        if place is None:
            raise no_trace(trace_id)
        return place

    def _found(
        self, trace_ids: Sequence[str], experiment_ids: Sequence[str] | None
    ) -> list[TracePlace]:
        places = (self._find_trace(trace_id) for trace_id in dict.fromkeys(trace_ids))
        return [
            place
            for place in places
            if place is not None
            and (not experiment_ids or place.experiment.id in map(str, experiment_ids))
        ]

    # -- reading ---------------------------------------------------------------------------------

    def _values_of_trace(self, folder: str) -> dict[str, str]:
        found = {}
        for key, path in disk.keys_in(folder):
            content = disk.read(path)
            if content is not None:
                found[key] = as_text(content)
        return found

    def _info(self, place: TracePlace) -> TraceInfo:
        content = disk.read(place.file(INFO))
        if content is None:
            raise no_trace(place.id)
        try:
            info = TraceInfo.from_dict(load(content, self._shown(place.file(INFO))))
        except (BrokenMeta, KeyError, TypeError, ValueError) as error:
            raise MlflowException(
                f"{self._shown(place.file(INFO))} is no info of a trace: {error}",
                error_code=CODES["INVALID_STATE"],
            ) from None
        info.tags = self._values_of_trace(place.file("tags"))
        info.trace_metadata = self._values_of_trace(place.file("request_metadata"))
        info.assessments = list(self._assessments(place).values())
        if self._has_spans(place):
            info.tags[rules.SPANS_LOCATION] = rules.IN_TRACKING_STORE
        return info

    def _has_spans(self, place: TracePlace) -> bool:
        return disk.is_file(place.file(*SPANS))

    def _records(self, place: TracePlace) -> list[dict[str, Any]]:
        content = disk.read(place.file(*SPANS))
        if content is None:
            return []
        data = TraceData.from_dict(json.loads(content))
        return merged([[span.to_dict() for span in data.spans]])

    def _load_trace(self, place: TracePlace) -> Trace:
        spans = [LazySpan(record) for record in self._records(place)]
        return Trace(self._info(place), TraceData(spans))


class _Changing:
    """The folder of an active experiment, whose traces nobody else changes meanwhile; whoever has
    it may take it again."""

    def __init__(self, store: FileTracePlaces, experiment_id: str):
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
