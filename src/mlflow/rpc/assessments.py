"""RPCs of assessments."""

from __future__ import annotations

import re

from mlflow.exceptions import MlflowException
from mlflow.rpc.declare import Rpc, rpc
from mlflow.rpc.trace_nouns import Assessment
from mlflow.rpc.wire import Needed, Wire

#: What `update_mask` may name, and the argument of the store's method that it stands for.
_CHANGEABLE = {
    "assessment_name": "name",
    "feedback": "feedback",
    "expectation": "expectation",
    "rationale": "rationale",
    "metadata": "metadata",
}


class AssessmentAnswer(Wire):
    assessment: Assessment


@rpc(
    "POST",
    "/mlflow/traces/{trace_id}/assessments",
    version="3.0",
    needs=("trace", "edit"),
    response=AssessmentAnswer,
)
class CreateAssessment(Rpc, kw_only=True):
    """Keep an assessment of a trace."""

    assessment: Assessment
    trace_id: str = ""
    """In the path; that in the assessment does not matter."""

    def answer(self, store) -> AssessmentAnswer:
        given = self.assessment.entity()
        given.trace_id = self.trace_id
        return AssessmentAnswer(Assessment.of(store.create_assessment(given)))


@rpc(
    "GET",
    "/mlflow/traces/{trace_id}/assessments/{assessment_id}",
    version="3.0",
    needs=("trace", "read"),
    response=AssessmentAnswer,
)
class GetAssessment(Rpc):
    """An assessment."""

    trace_id: str = ""
    assessment_id: str = ""

    def answer(self, store) -> AssessmentAnswer:
        found = store.get_assessment(self.trace_id, self.assessment_id)
        return AssessmentAnswer(Assessment.of(found))


class ChangedAssessment(Wire, kw_only=True):
    """What an assessment becomes."""

    assessment_id: str | None = None
    assessment_name: str | None = None
    trace_id: str | None = None
    feedback: dict | None = None
    expectation: dict | None = None
    rationale: str | None = None
    metadata: dict[str, str] | None = None


@rpc(
    "PATCH",
    "/mlflow/traces/{trace_id}/assessments/{assessment_id}",
    version="3.0",
    needs=("trace", "edit"),
    response=AssessmentAnswer,
    idempotent=True,
)
class UpdateAssessment(Rpc, kw_only=True):
    """Change what `update_mask` names of an assessment; metadata is added."""

    assessment: ChangedAssessment
    update_mask: Needed
    """Such as assessmentName,feedback."""
    trace_id: str = ""
    assessment_id: str = ""

    def answer(self, store) -> AssessmentAnswer:
        changes = {_CHANGEABLE[name]: self._new(name) for name in self._named()}
        changed = store.update_assessment(self.trace_id, self.assessment_id, **changes)
        return AssessmentAnswer(Assessment.of(changed))

    def _named(self) -> list[str]:
        names = [
            re.sub(r"[A-Z]", lambda m: "_" + m[0].lower(), path.strip().split(".")[0])
            for path in self.update_mask.split(",")
        ]
        for name in names:
            if name not in _CHANGEABLE:
                raise MlflowException.invalid_parameter_value(
                    f"Invalid value {name!r} in parameter 'update_mask'. Only "
                    f"{sorted(_CHANGEABLE)} can be changed."
                )
        return names

    def _new(self, name: str):
        given = self.assessment
        if name in ("feedback", "expectation"):
            value = getattr(given, name)
            if value is None:
                raise MlflowException.invalid_parameter_value(
                    f"Missing value for required parameter 'assessment.{name}', which "
                    "'update_mask' names."
                )
            from mlflow.rpc.wire import tolerant

            whole = tolerant(Assessment, {"assessment_name": "any", name: value}, "assessment.")
            return whole.feedback_value() if name == "feedback" else whole.expectation.entity()
        return getattr(given, name)


@rpc(
    "DELETE",
    "/mlflow/traces/{trace_id}/assessments/{assessment_id}",
    version="3.0",
    needs=("trace", "edit"),
    idempotent=True,
)
class DeleteAssessment(Rpc):
    """Delete an assessment; one that it overrode becomes valid again."""

    trace_id: str = ""
    assessment_id: str = ""

    def answer(self, store) -> None:
        store.delete_assessment(self.trace_id, self.assessment_id)
