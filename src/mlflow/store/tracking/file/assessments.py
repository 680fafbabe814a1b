"""Assessments of traces in folders."""

from __future__ import annotations

from urllib.parse import quote

from mlflow.entities import Assessment
from mlflow.entities.assessment import ExpectationValue, FeedbackValue
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.base.assessment_rules import changed, new_assessment
from mlflow.store.tracking.base.trace_checks import no_assessment, no_trace_of_assessment
from mlflow.store.tracking.file import disk
from mlflow.store.tracking.file.meta import BrokenMeta, dump, load
from mlflow.store.tracking.file.trace_places import FileTracePlaces, TracePlace


class FileAssessments(FileTracePlaces):
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

    def _set_valid(self, place: TracePlace, assessment_id: str, valid: bool) -> None:
        found = self._assessments(place).get(assessment_id)
        if found is None:
            raise no_assessment(place.id, assessment_id)
        found.valid = valid
        self._put_assessment(place, found)

    def _assessment_file(self, place: TracePlace, assessment_id: str) -> str:
        return place.file("assessments", f"{quote(assessment_id, safe='')}.yaml")

    def _put_assessment(self, place: TracePlace, assessment: Assessment) -> None:
        assessment.trace_id = place.id
        disk.make_folders(place.path, "assessments")
        content = dump(assessment.to_dictionary())
        path = self._assessment_file(place, str(assessment.assessment_id))
        disk.put({path: content}, place.path)

    def _assessments(self, place: TracePlace) -> dict[str, Assessment]:
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
