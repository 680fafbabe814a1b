"""Traces and assessments as the wire spells them."""

from __future__ import annotations

from typing import Any, Literal

from mlflow import entities as e
from mlflow.entities._proto_json import (
    duration_millis,
    duration_text,
    free_value,
    timestamp_millis,
    timestamp_text,
)
from mlflow.entities.assessment import ExpectationValue, FeedbackValue
from mlflow.entities.trace_info_v2 import TraceInfoV2
from mlflow.entities.trace_status import TraceStatus
from mlflow.exceptions import MlflowException
from mlflow.rpc.nouns import Tag
from mlflow.rpc.span_json import span_json, span_of
from mlflow.rpc.wire import Int64, Needed, Wire

StateName = Literal["STATE_UNSPECIFIED", "OK", "ERROR", "IN_PROGRESS"]
StatusName = Literal["TRACE_STATUS_UNSPECIFIED", "OK", "ERROR", "IN_PROGRESS"]
LocationTypeName = Literal[
    "TRACE_LOCATION_TYPE_UNSPECIFIED", "MLFLOW_EXPERIMENT", "INFERENCE_TABLE"
]
SourceTypeName = Literal["SOURCE_TYPE_UNSPECIFIED", "HUMAN", "LLM_JUDGE", "CODE"]


class ExperimentPlace(Wire):
    """An experiment that traces are kept in."""

    experiment_id: str | None = None


class TablePlace(Wire):
    """A table of a hosted product."""

    full_table_name: str | None = None


class TraceLocation(Wire):
    """Where traces are kept."""

    type: LocationTypeName | None = None
    mlflow_experiment: ExperimentPlace | None = None
    inference_table: TablePlace | None = None

    @classmethod
    def of(cls, experiment_id: str) -> TraceLocation:
        return cls(
            type="MLFLOW_EXPERIMENT",
            mlflow_experiment=ExperimentPlace(experiment_id=experiment_id),
        )

    def experiment_id(self) -> str:
        """The experiment; MlflowException INVALID_PARAMETER_VALUE if it is none."""
        if self.mlflow_experiment is None or not self.mlflow_experiment.experiment_id:
            raise MlflowException.invalid_parameter_value(
                "Traces are kept in experiments: a location of type MLFLOW_EXPERIMENT with an "
                "experiment_id is needed."
            )
        return self.mlflow_experiment.experiment_id


class AssessmentSource(Wire):
    """Who or what assessed."""

    source_type: SourceTypeName | None = None
    source_id: str | None = None


class AssessmentError(Wire):
    """Why there is no value."""

    error_code: str | None = None
    error_message: str | None = None
    stack_trace: str | None = None


class SerializedValue(Wire):
    """A value as text."""

    serialization_format: str | None = None
    """JSON_FORMAT."""
    value: str | None = None


class Expectation(Wire):
    """What should have come out."""

    value: Any = None
    """A text, a number or a boolean."""
    serialized_value: SerializedValue | None = None
    """Any other JSON value."""

    def entity(self) -> ExpectationValue:
        if self.serialized_value is None:
            return ExpectationValue(free_value(self.value))
        given = self.serialized_value
        try:
            return ExpectationValue.from_dictionary(
                {
                    "serialized_value": {
                        "serialization_format": given.serialization_format,
                        "value": given.value or "",
                    }
                }
            )
        except ValueError:
            raise MlflowException.invalid_parameter_value(
                f"Invalid value {str(given.value)[:100]!r} for parameter 'serialized_value'. JSON "
                "text is needed."
            ) from None


class IssueReference(Wire):
    """An issue that a trace is an example of."""

    issue_name: str | None = None


class Assessment(Wire, kw_only=True):
    """What somebody or something thinks of a trace."""

    assessment_id: str | None = None
    assessment_name: Needed
    trace_id: str | None = None
    span_id: str | None = None
    source: AssessmentSource | None = None
    create_time: str | None = None
    """Such as 2026-11-22T01:16:40.514Z; absent for now."""
    last_update_time: str | None = None
    feedback: dict[str, Any] | None = None
    """`value`, which is any JSON value, and perhaps `error`."""
    expectation: Expectation | None = None
    issue: IssueReference | None = None
    rationale: str | None = None
    error: AssessmentError | None = None
    """The old place of what `feedback` has."""
    metadata: dict[str, str] = {}
    overrides: str | None = None
    valid: bool | None = None

    @classmethod
    def of(cls, a: e.Assessment) -> Assessment:
        given = a.to_dictionary()
        made = cls(
            **{k: v for k, v in given.items() if k not in ("source", "expectation", "issue")}
        )
        made.source = AssessmentSource(**given["source"])
        if expectation := given.get("expectation"):
            text = expectation.get("serialized_value")
            made.expectation = Expectation(
                value=expectation.get("value"),
                serialized_value=SerializedValue(**text) if text else None,
            )
        if issue := given.get("issue"):
            made.issue = IssueReference(**issue)
        return made

    def feedback_value(self) -> FeedbackValue | None:
        if self.feedback is None:
            return None
        error = self.feedback.get("error") or None
        if error is not None and not (isinstance(error, dict) and error.get("error_code")):
            raise MlflowException.invalid_parameter_value(
                "Invalid value for parameter 'assessment.feedback.error'. An object with an "
                "'error_code' is needed."
            )
        known = ("error_code", "error_message", "stack_trace")
        made = error and e.AssessmentError(**{k: error.get(k) for k in known})
        return FeedbackValue(free_value(self.feedback.get("value")), made or None)

    def entity(self) -> e.Assessment:
        """The assessment; MlflowException INVALID_PARAMETER_VALUE if it has no value or more than
        one, or a time that is none."""
        feedback = self.feedback_value()
        error = self.error
        if feedback is not None and feedback.error is None and error and error.error_code:
            feedback.error = e.AssessmentError(
                error.error_code, error.error_message, error.stack_trace
            )
        source = self.source or AssessmentSource()
        parts: dict[str, Any] = {
            "name": self.assessment_name,
            "source": e.AssessmentSource(
                source.source_type or "SOURCE_TYPE_UNSPECIFIED", source.source_id or "default"
            ),
            "trace_id": self.trace_id,
            "rationale": self.rationale,
            "metadata": dict(self.metadata) or None,
            "span_id": self.span_id or None,
            "create_time_ms": _time(self.create_time, "create_time"),
            "last_update_time_ms": _time(self.last_update_time, "last_update_time"),
            "assessment_id": self.assessment_id or None,
            "overrides": self.overrides or None,
            "valid": True if self.valid is None else self.valid,
        }
        values = {
            "feedback": feedback,
            "expectation": self.expectation and self.expectation.entity(),
            "issue": self.issue,
        }
        whole = e.Assessment(**parts, **values)  # which checks that there is one
        if feedback is not None:
            made: e.Assessment = e.Feedback(
                name=whole.name, value=feedback.value, error=feedback.error
            )
        elif whole.expectation is not None:
            made = e.Expectation(name=whole.name, value=whole.expectation.value)
        else:
            made = e.IssueReference(whole.name, self.issue.issue_name or "")  # type: ignore[union-attr]
        for name, part in parts.items():
            setattr(made, name, getattr(whole, name) if part is None else part)
        made.run_id = whole.run_id
        return made


def _time(text: str | None, name: str) -> int | None:
    if not text:
        return None
    try:
        return timestamp_millis(text)
    except ValueError as error:
        raise MlflowException.invalid_parameter_value(
            f"Invalid value for parameter '{name}'. {error}"
        ) from None


class TraceInfoV3(Wire, kw_only=True):
    """What is known of a trace beside its spans."""

    trace_id: str | None = None
    client_request_id: str | None = None
    trace_location: TraceLocation | None = None
    request: str | None = None
    """The old place of `request_preview`."""
    response: str | None = None
    """The old place of `response_preview`."""
    request_preview: str | None = None
    response_preview: str | None = None
    request_time: str | None = None
    """Such as 2026-11-22T01:16:40.514Z."""
    execution_duration: str | None = None
    """Such as 0.113s."""
    state: StateName | None = None
    trace_metadata: dict[str, str] = {}
    assessments: list[Assessment] = []
    tags: dict[str, str] = {}

    @classmethod
    def of(cls, info: e.TraceInfo) -> TraceInfoV3:
        duration = info.execution_duration
        return cls(
            trace_id=info.trace_id,
            client_request_id=info.client_request_id,
            trace_location=TraceLocation.of(info.experiment_id or ""),
            request_preview=info.request_preview,
            response_preview=info.response_preview,
            request_time=timestamp_text(info.request_time),
            execution_duration=None if duration is None else duration_text(duration),
            state=e.TraceState(info.state).value,
            trace_metadata=info.trace_metadata,
            assessments=[Assessment.of(a) for a in info.assessments],
            tags=info.tags,
        )

    def entity(self) -> e.TraceInfo:
        """The info; MlflowException INVALID_PARAMETER_VALUE if it is located elsewhere, or has a
        time that is none."""
        duration = None
        if self.execution_duration:
            try:
                duration = duration_millis(self.execution_duration)
            except ValueError as error:
                raise MlflowException.invalid_parameter_value(
                    f"Invalid value for parameter 'execution_duration'. {error}"
                ) from None
        location = (self.trace_location or TraceLocation()).experiment_id()
        return e.TraceInfo(
            trace_id=self.trace_id or "",
            trace_location=e.TraceLocation.from_experiment_id(location),
            request_time=_time(self.request_time, "request_time") or 0,
            state=e.TraceState(self.state or "STATE_UNSPECIFIED"),
            request_preview=self.request_preview or self.request,
            response_preview=self.response_preview or self.response,
            client_request_id=self.client_request_id or None,
            execution_duration=duration,
            trace_metadata=dict(self.trace_metadata),
            tags=dict(self.tags),
            assessments=[a.entity() for a in self.assessments],
        )


class Trace(Wire):
    """A trace."""

    trace_info: TraceInfoV3 | None = None
    spans: list[dict[str, Any]] = []
    """As JSON of the OpenTelemetry protocol."""

    @classmethod
    def of(cls, trace: e.Trace) -> Trace:
        return cls(
            trace_info=TraceInfoV3.of(trace.info),
            spans=[span_json(span) for span in trace.data.spans],
        )

    def entity(self) -> e.Trace:
        info = (self.trace_info or TraceInfoV3()).entity()
        return e.Trace(info, e.TraceData([span_of(span) for span in self.spans]))


class TraceInfo(Wire, kw_only=True):
    """What is known of a trace, in version 2."""

    request_id: str | None = None
    experiment_id: str | None = None
    timestamp_ms: Int64 | None = None
    execution_time_ms: Int64 | None = None
    status: StatusName | None = None
    request_metadata: list[Tag] = []
    tags: list[Tag] = []

    @classmethod
    def of(cls, info: TraceInfoV2) -> TraceInfo:
        return cls(
            request_id=info.request_id,
            experiment_id=info.experiment_id,
            timestamp_ms=info.timestamp_ms,
            execution_time_ms=info.execution_time_ms or 0,
            status=TraceStatus(info.status).value,
            request_metadata=[Tag(key=k, value=v) for k, v in info.request_metadata.items()],
            tags=[Tag(key=k, value=v) for k, v in info.tags.items()],
        )

    def entity(self) -> TraceInfoV2:
        return TraceInfoV2(
            request_id=self.request_id or "",
            experiment_id=self.experiment_id or "",
            timestamp_ms=self.timestamp_ms or 0,
            execution_time_ms=self.execution_time_ms,
            status=TraceStatus(self.status or "TRACE_STATUS_UNSPECIFIED"),
            request_metadata=by_key(self.request_metadata),
            tags=by_key(self.tags),
        )


def by_key(pairs: list[Tag]) -> dict[str, str]:
    """Pairs as a dict; of several with one key the last one counts."""
    return {pair.key or "": pair.value or "" for pair in pairs}
