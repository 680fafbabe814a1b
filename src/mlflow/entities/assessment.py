from __future__ import annotations

import json
import time
import traceback
from dataclasses import asdict, dataclass
from typing import Any

from mlflow.entities._mlflow_object import _MlflowObject
from mlflow.entities._proto_json import free_value, timestamp_millis, timestamp_text
from mlflow.entities.assessment_error import AssessmentError
from mlflow.entities.assessment_source import AssessmentSource, AssessmentSourceType
from mlflow.exceptions import MlflowException

DEFAULT_FEEDBACK_NAME = "feedback"
#: The metadata that says under which run an assessment was made.
_SOURCE_RUN_ID = "mlflow.assessment.sourceRunId"
_JSON = "JSON_FORMAT"

PbValueType = float | int | str | bool
FeedbackValueType = PbValueType | dict[str, PbValueType] | list[PbValueType]


@dataclass
class Assessment(_MlflowObject, fields=True):
    """What somebody or something thinks of a trace: an expectation, a feedback or an issue."""

    name: str
    source: AssessmentSource
    trace_id: str | None = None
    run_id: str | None = None
    """The run under which it was made; `metadata` may say so, too."""
    rationale: str | None = None
    metadata: dict[str, str] | None = None
    span_id: str | None = None
    """The span it is about, if not the whole trace."""
    create_time_ms: int | None = None
    """Milliseconds since the Unix epoch; now if not given."""
    last_update_time_ms: int | None = None
    assessment_id: str | None = None
    """Given by the store: `a-` and 32 hexadecimal digits."""
    error: AssessmentError | None = None
    """Moves into `feedback`."""
    expectation: ExpectationValue | None = None
    feedback: FeedbackValue | None = None
    issue: IssueReferenceValue | None = None
    overrides: str | None = None
    """The assessment that this one replaces."""
    valid: bool | None = None
    """False for one that was replaced."""

    def __post_init__(self) -> None:
        given = [part for part in (self.expectation, self.feedback, self.issue) if part is not None]
        if len(given) != 1:
            raise MlflowException.invalid_parameter_value(
                "Exactly one of `expectation`, `feedback`, or `issue` should be specified."
            )
        if self.error is not None and self.feedback is not None and self.feedback.error is None:
            self.feedback.error = self.error
        now = int(time.time() * 1000)
        if self.create_time_ms is None:
            self.create_time_ms = now
        if self.last_update_time_ms is None:
            self.last_update_time_ms = now
        if self.run_id is None and self.metadata:
            self.run_id = self.metadata.get(_SOURCE_RUN_ID)

    def to_dictionary(self) -> dict[str, Any]:
        """The JSON form of the protocol: what is None is absent, but for `trace_id`."""
        parts = {
            "assessment_id": self.assessment_id,
            "assessment_name": self.name,
            "trace_id": self.trace_id or "",
            "span_id": self.span_id,
            "source": self.source.to_dictionary(),
            "create_time": timestamp_text(self.create_time_ms),
            "last_update_time": timestamp_text(self.last_update_time_ms),
        }
        for kind in ("feedback", "expectation", "issue"):
            value = getattr(self, kind)
            parts[kind] = None if value is None else value.to_dictionary()
        parts["rationale"] = self.rationale
        parts["metadata"] = self.metadata or None
        parts["overrides"] = self.overrides
        parts["valid"] = self.valid
        return {name: part for name, part in parts.items() if part is not None}

    @classmethod
    def from_dictionary(cls, d: dict[str, Any]) -> Assessment:
        """Of its JSON form: an Expectation, a Feedback or an IssueReference.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if it has no value.
        """
        for kind, assessment_class in _KINDS.items():
            if d.get(kind):
                return assessment_class.from_dictionary(d)
        raise MlflowException.invalid_parameter_value(
            f"Unknown assessment type: {d.get('assessment_name')}"
        )


def _common(d: dict[str, Any]) -> dict[str, Any]:
    """What all kinds have, of an assessment's JSON form, as arguments of their constructors."""
    return {
        "source": AssessmentSource.from_dictionary(d["source"]),
        "trace_id": d.get("trace_id"),
        "metadata": d.get("metadata"),
        "span_id": d.get("span_id"),
        "create_time_ms": timestamp_millis(d["create_time"]),
        "last_update_time_ms": timestamp_millis(d["last_update_time"]),
    }


def _needed(d: dict[str, Any], kind: str) -> Any:
    if not d.get(kind):
        raise MlflowException.invalid_parameter_value(f"`{kind}` must exist in the dictionary.")
    return d[kind]


@dataclass
class ExpectationValue(_MlflowObject, fields=True):
    """What should have come out."""

    value: Any
    """Any JSON value."""

    def to_dictionary(self) -> dict[str, Any]:
        """The JSON form; lists and mappings are JSON text in it."""
        if isinstance(self.value, (str, bool, int, float)):
            return {"value": free_value(self.value)}
        text = json.dumps(self.value)
        return {"serialized_value": {"serialization_format": _JSON, "value": text}}

    @classmethod
    def from_dictionary(cls, d: dict[str, Any]) -> ExpectationValue:
        """Of its JSON form.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if it has no value, or text in a format that
                is not known.
        """
        if "value" in d:
            return cls(d["value"])
        if "serialized_value" not in d:
            raise MlflowException.invalid_parameter_value(
                "Either 'value' or 'serialized_value' must be present in the dictionary "
                "representation of an Expectation."
            )
        serialized = d["serialized_value"]
        if serialized.get("serialization_format") != _JSON:
            raise MlflowException.invalid_parameter_value(
                f"Unknown serialization format: {serialized.get('serialization_format')}. "
                f"Only {_JSON} is supported."
            )
        return cls(json.loads(serialized["value"]))


@dataclass
class FeedbackValue(_MlflowObject, fields=True):
    """What was thought of it, or why nothing could be."""

    value: FeedbackValueType
    """Any JSON value."""
    error: AssessmentError | None = None

    def to_dictionary(self) -> dict[str, Any]:
        """The JSON form."""
        parts: dict[str, Any] = {"value": free_value(self.value)}
        if self.error is not None:
            error = asdict(self.error)
            parts["error"] = {name: part for name, part in error.items() if part is not None}
        return parts

    @classmethod
    def from_dictionary(cls, d: dict[str, Any]) -> FeedbackValue:
        """Of its JSON form."""
        error = d.get("error")
        return cls(d["value"], AssessmentError.from_dictionary(error) if error else None)


@dataclass
class IssueReferenceValue(_MlflowObject, fields=True):
    """The name of an issue."""

    issue_name: str

    def to_dictionary(self) -> dict[str, Any]:
        """The JSON form."""
        return {"issue_name": self.issue_name}

    @classmethod
    def from_dictionary(cls, d: dict[str, Any]) -> IssueReferenceValue:
        """Of its JSON form."""
        return cls(d["issue_name"])


@dataclass
class Expectation(Assessment, fields=True):
    """What should have come out."""

    def __init__(
        self,
        name: str,
        value: Any,
        source: AssessmentSource | None = None,
        trace_id: str | None = None,
        metadata: dict[str, str] | None = None,
        span_id: str | None = None,
        create_time_ms: int | None = None,
        last_update_time_ms: int | None = None,
    ):
        if value is None:
            raise MlflowException.invalid_parameter_value("The `value` field must be specified.")
        super().__init__(
            name=name,
            source=source or AssessmentSource(AssessmentSourceType.HUMAN),
            trace_id=trace_id,
            metadata=metadata,
            span_id=span_id,
            create_time_ms=create_time_ms,
            last_update_time_ms=last_update_time_ms,
            expectation=ExpectationValue(value=value),
        )

    @property
    def value(self) -> Any:
        """What should have come out."""
        return self.expectation.value

    @value.setter
    def value(self, value: Any) -> None:
        self.expectation.value = value

    @classmethod
    def from_dictionary(cls, d: dict[str, Any]) -> Expectation:
        value = ExpectationValue.from_dictionary(_needed(d, "expectation"))
        made = cls(name=d["assessment_name"], value=value.value, **_common(d))
        made.assessment_id = d.get("assessment_id")
        return made


@dataclass
class Feedback(Assessment, fields=True):
    """What was thought of it.

    Args:
        error: Why there is no value: an exception, an AssessmentError or a message.
    """

    def __init__(
        self,
        name: str = DEFAULT_FEEDBACK_NAME,
        value: FeedbackValueType | None = None,
        error: Exception | AssessmentError | str | None = None,
        source: AssessmentSource | None = None,
        trace_id: str | None = None,
        metadata: dict[str, str] | None = None,
        span_id: str | None = None,
        create_time_ms: int | None = None,
        last_update_time_ms: int | None = None,
        rationale: str | None = None,
        overrides: str | None = None,
        valid: bool = True,
    ):
        error = _assessment_error(error)
        super().__init__(
            name=name,
            source=source or AssessmentSource(AssessmentSourceType.CODE),
            trace_id=trace_id,
            rationale=rationale,
            metadata=metadata,
            span_id=span_id,
            create_time_ms=create_time_ms,
            last_update_time_ms=last_update_time_ms,
            error=error,
            feedback=FeedbackValue(value=value, error=error),
            overrides=overrides,
            valid=valid,
        )

    @property
    def value(self) -> FeedbackValueType:
        """What was thought."""
        return self.feedback.value

    @value.setter
    def value(self, value: FeedbackValueType) -> None:
        self.feedback.value = value

    @property
    def error_code(self) -> str | None:
        """What kind of error there was, if any."""
        return self.feedback.error.error_code if self.feedback.error else None

    @property
    def error_message(self) -> str | None:
        """What the error said."""
        return self.feedback.error.error_message if self.feedback.error else None

    @classmethod
    def from_dictionary(cls, d: dict[str, Any]) -> Feedback:
        value = FeedbackValue.from_dictionary(_needed(d, "feedback"))
        made = cls(
            name=d["assessment_name"],
            value=value.value,
            error=value.error,
            rationale=d.get("rationale"),
            overrides=d.get("overrides"),
            valid=d.get("valid", True),
            **_common(d),
        )
        made.assessment_id = d.get("assessment_id")
        return made


def _assessment_error(error: Exception | AssessmentError | str | None) -> AssessmentError | None:
    if isinstance(error, Exception):
        trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        return AssessmentError(
            error_code=type(error).__name__,
            error_message=str(error),
            stack_trace=trace.rstrip("\n"),
        )
    if isinstance(error, str):
        return AssessmentError(error_code="ASSESSMENT_ERROR", error_message=error)
    return error


@dataclass
class IssueReference(Assessment, fields=True):
    """An issue that a trace is an example of; the assessment's name is the issue's id."""

    def __init__(
        self,
        issue_id: str,
        issue_name: str,
        source: AssessmentSource | None = None,
        trace_id: str | None = None,
        run_id: str | None = None,
        rationale: str | None = None,
        metadata: dict[str, str] | None = None,
        span_id: str | None = None,
        create_time_ms: int | None = None,
        last_update_time_ms: int | None = None,
    ):
        super().__init__(
            name=issue_id,
            source=source or AssessmentSource(AssessmentSourceType.LLM_JUDGE),
            trace_id=trace_id,
            run_id=run_id,
            rationale=rationale,
            metadata=metadata,
            span_id=span_id,
            create_time_ms=create_time_ms,
            last_update_time_ms=last_update_time_ms,
            issue=IssueReferenceValue(issue_name=issue_name),
        )

    @property
    def issue_id(self) -> str:
        """The same as `name`."""
        return self.name

    @issue_id.setter
    def issue_id(self, value: str) -> None:
        self.name = value

    @property
    def issue_name(self) -> str:
        """What the issue is called."""
        return self.issue.issue_name

    @issue_name.setter
    def issue_name(self, value: str) -> None:
        self.issue.issue_name = value

    @classmethod
    def from_dictionary(cls, d: dict[str, Any]) -> IssueReference:
        value = IssueReferenceValue.from_dictionary(_needed(d, "issue"))
        made = cls(
            issue_id=d["assessment_name"],
            issue_name=value.issue_name,
            rationale=d.get("rationale"),
            **_common(d),
        )
        made.assessment_id = d.get("assessment_id")
        made.valid = d.get("valid")
        return made


_KINDS: dict[str, type[Assessment]] = {
    "expectation": Expectation,
    "feedback": Feedback,
    "issue": IssueReference,
}
