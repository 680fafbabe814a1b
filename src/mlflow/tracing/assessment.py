"""What people, programs and models think of traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlflow.entities.assessment import Assessment, Expectation, Feedback
from mlflow.exceptions import MlflowException
from mlflow.tracing.client import TracingClient

if TYPE_CHECKING:
    from mlflow.entities.assessment_error import AssessmentError
    from mlflow.entities.assessment_source import AssessmentSource

PbValueType = float | int | str | bool
FeedbackValueType = PbValueType | dict[str, PbValueType] | list[PbValueType]


def get_assessment(trace_id: str, assessment_id: str) -> Assessment:
    """An assessment; MlflowException RESOURCE_DOES_NOT_EXIST if there is none."""
    return TracingClient().get_assessment(trace_id, assessment_id)


def log_assessment(trace_id: str, assessment: Assessment) -> Assessment:
    """Add an assessment to a trace.

    Returns:
        The assessment as it is then, with its id.

    Raises:
        MlflowException: RESOURCE_DOES_NOT_EXIST if there is no such trace.
    """
    if not isinstance(assessment, Assessment):
        raise MlflowException.invalid_parameter_value(
            f"Assessment {assessment!r}; a Feedback, Expectation or other Assessment is needed."
        )
    return TracingClient().log_assessment(trace_id, assessment)


def log_expectation(
    *,
    trace_id: str,
    name: str,
    value: Any,
    source: AssessmentSource | None = None,
    metadata: dict[str, Any] | None = None,
    span_id: str | None = None,
) -> Assessment:
    """Note what a trace should have come to.

    Args:
        value: Anything that has a JSON form.
        source: Who says so; None for a person.
        span_id: If it is about this span only.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if the value is None; RESOURCE_DOES_NOT_EXIST if
            there is no such trace.
    """
    if value is None:
        raise MlflowException.invalid_parameter_value("The `value` field must be specified.")
    expectation = Expectation(
        name=name, value=value, source=source, metadata=metadata, span_id=span_id
    )
    return log_assessment(trace_id, expectation)


def log_feedback(
    *,
    trace_id: str,
    name: str = "feedback",
    value: FeedbackValueType | None = None,
    source: AssessmentSource | None = None,
    error: Exception | AssessmentError | None = None,
    rationale: str | None = None,
    metadata: dict[str, Any] | None = None,
    span_id: str | None = None,
) -> Assessment:
    """Note how good a trace is.

    Args:
        value: A number, text, truth, or a list or dict of them.
        source: Who says so; None for a program.
        error: Why there is no value.
        rationale: Why the value is what it is.
        span_id: If it is about this span only.

    Raises:
        MlflowException: RESOURCE_DOES_NOT_EXIST if there is no such trace.
    """
    feedback = Feedback(
        name=name,
        value=value,
        source=source,
        error=error,
        rationale=rationale,
        metadata=metadata,
        span_id=span_id,
    )
    return log_assessment(trace_id, feedback)


def log_issue(
    *,
    trace_id: str,
    issue_id: str,
    issue_name: str | None = None,
    source: AssessmentSource | None = None,
    run_id: str | None = None,
    rationale: str | None = None,
    metadata: dict[str, str] | None = None,
    span_id: str | None = None,
) -> Assessment:
    """Note that a trace shows a known issue.

    Args:
        issue_name: What the server calls it if not given. Headrace's keeps no issues yet, so there
            it must be given.

    Raises:
        MlflowException: RESOURCE_DOES_NOT_EXIST if there is no such trace, or no such issue whose
            name is asked for; NOT_IMPLEMENTED if the store keeps no issues.
    """
    from mlflow.entities.assessment import IssueReference

    if issue_name is None:
        issue_name = TracingClient().store.name_of_issue(issue_id)
    issue = IssueReference(
        issue_id=issue_id,
        issue_name=issue_name,
        source=source,
        run_id=run_id,
        rationale=rationale,
        metadata=metadata,
        span_id=span_id,
    )
    return log_assessment(trace_id, issue)


def update_assessment(trace_id: str, assessment_id: str, assessment: Assessment) -> Assessment:
    """Change name, value, rationale and metadata to those of `assessment`; what is None there
    stays.

    Raises:
        MlflowException: RESOURCE_DOES_NOT_EXIST if there is none.
    """
    return TracingClient().update_assessment(trace_id, assessment_id, assessment)


def delete_assessment(trace_id: str, assessment_id: str) -> None:
    """Delete an assessment; what it replaced is valid again."""
    TracingClient().delete_assessment(trace_id, assessment_id)


def override_feedback(
    *,
    trace_id: str,
    assessment_id: str,
    value: FeedbackValueType,
    rationale: str | None = None,
    source: AssessmentSource | None = None,
    metadata: dict[str, Any] | None = None,
) -> Assessment:
    """Put new feedback in the place of an older one, which is kept but no longer valid.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is no feedback; RESOURCE_DOES_NOT_EXIST if
            there is none.
    """
    older = get_assessment(trace_id, assessment_id)
    if not isinstance(older, Feedback):
        raise MlflowException.invalid_parameter_value(
            f"The assessment with ID {assessment_id} is not a feedback assessment."
        )
    feedback = Feedback(
        name=older.name,
        span_id=older.span_id,
        value=value,
        rationale=rationale,
        source=source,
        metadata=metadata,
        overrides=assessment_id,
    )
    return log_assessment(trace_id, feedback)
