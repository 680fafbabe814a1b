"""What every store does with an assessment: which id and times it gets, and what a change of it
is."""

from __future__ import annotations

import json
import time
import uuid
from copy import copy
from typing import Any

from mlflow.entities.assessment import Assessment, ExpectationValue, FeedbackValue
from mlflow.exceptions import MlflowException

_MAX_NAME = 250
KINDS = ("expectation", "feedback", "issue")


def new_assessment(assessment: Assessment) -> Assessment:
    """A copy with an id, if it has none.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE for a name or a value that cannot be kept.
    """
    check_name(assessment.name)
    made = copy(assessment)
    if not made.assessment_id:
        made.assessment_id = f"a-{uuid.uuid4().hex}"
    if made.valid is None:
        made.valid = True
    searched_value(made)
    return made


def check_name(name: Any) -> None:
    """Refuse what is no name of an assessment."""
    if not isinstance(name, str) or not 0 < len(name) <= _MAX_NAME:
        raise MlflowException.invalid_parameter_value(
            f"Invalid name {str(name)[:100]!r} of an assessment. A text of 1 to {_MAX_NAME} "
            "characters is needed."
        )


def value_of(assessment: Assessment) -> Any:
    """What was expected, thought, or which issue it is."""
    if assessment.expectation is not None:
        return assessment.expectation.value
    if assessment.feedback is not None:
        return assessment.feedback.value
    return assessment.issue.issue_name


def kind_of(assessment: Assessment) -> str:
    """Which of the `KINDS` it is."""
    return next(kind for kind in KINDS if getattr(assessment, kind) is not None)


def searched_value(assessment: Assessment) -> tuple[str, float | None]:
    """The value as JSON text, and as a number if it is one: what searches compare with.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it has no JSON form.
    """
    value = value_of(assessment)
    try:
        text = json.dumps(value)
    except (TypeError, ValueError) as error:
        raise MlflowException.invalid_parameter_value(
            f"Invalid value of assessment '{assessment.name}': {error}. A JSON value is needed."
        ) from None
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return text, float(value) if is_number and abs(value) < float("inf") else None


def changed(
    assessment: Assessment,
    name: str | None,
    expectation: ExpectationValue | None,
    feedback: FeedbackValue | None,
    rationale: str | None,
    metadata: dict[str, str] | None,
) -> Assessment:
    """A copy with these changes, changed now; what is None stays.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is of another kind than the value.
    """
    made = copy(assessment)
    if expectation is not None:
        if made.expectation is None:
            raise _other_kind("expectation", assessment)
        made.expectation = ExpectationValue(getattr(expectation, "value", expectation))
    if feedback is not None:
        if made.feedback is None:
            raise _other_kind("feedback", assessment)
        error = getattr(feedback, "error", None)
        made.feedback = FeedbackValue(getattr(feedback, "value", feedback), error)
        made.error = error
    if name is not None:
        check_name(name)
        made.name = name
    if rationale is not None:
        made.rationale = rationale
    if metadata is not None:
        made.metadata = {**(made.metadata or {}), **metadata}
    made.last_update_time_ms = max(int(time.time() * 1000), made.last_update_time_ms)
    searched_value(made)
    return made


def _other_kind(given: str, assessment: Assessment) -> MlflowException:
    kind = type(assessment).__name__
    article = "an" if kind[0] in "EI" else "a"
    return MlflowException.invalid_parameter_value(
        f"Cannot update {given} value on {article} {kind} assessment."
    )
