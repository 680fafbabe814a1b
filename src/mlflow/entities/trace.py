from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from mlflow.entities._mlflow_object import _MlflowObject
from mlflow.entities.assessment import Assessment
from mlflow.entities.span import Span, SpanType
from mlflow.entities.span_event import CustomEncoder
from mlflow.entities.trace_data import TraceData
from mlflow.entities.trace_info import TraceInfo
from mlflow.exceptions import MlflowException


@dataclass(repr=False)
class Trace(_MlflowObject, fields=True):
    """What one request did: its spans, and what is known of it besides."""

    info: TraceInfo
    data: TraceData

    @property
    def trace_id(self) -> str:
        """That of `info`."""
        return self.info.trace_id

    def __repr__(self) -> str:
        return f"Trace(trace_id={self.trace_id!r})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str] | None:
        """What notebooks show for it; None if only its text."""
        from mlflow.tracing.display import bundle

        return bundle(self.info)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {"info": self.info.to_dict(), "data": self.data.to_dict()}

    def to_json(self, pretty: bool = False) -> str:
        """The JSON form as text; in one line, unless it is to be `pretty`."""
        return json.dumps(self.to_dict(), cls=CustomEncoder, indent=2 if pretty else None)

    @classmethod
    def from_dict(cls, trace_dict: dict[str, Any]) -> Trace:
        """Of its JSON form, old or new.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if a part or a span is missing or broken.
        """
        info, data = trace_dict.get("info"), trace_dict.get("data")
        if info is None or data is None:
            raise MlflowException.invalid_parameter_value(
                "Unable to parse Trace from dictionary. Expected keys: 'info' and 'data'. "
                f"Received keys: {list(trace_dict)}"
            )
        return cls(info=TraceInfo.from_dict(info), data=TraceData.from_dict(data))

    @classmethod
    def from_json(cls, trace_json: str) -> Trace:
        """Of its JSON form as text.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if it cannot be read.
        """
        try:
            trace_dict = json.loads(trace_json)
        except json.JSONDecodeError as error:
            raise MlflowException.invalid_parameter_value(
                f"Unable to parse trace JSON: {trace_json}. Error: {error}"
            ) from error
        return cls.from_dict(trace_dict)

    def to_pandas_dataframe_row(self) -> dict[str, Any]:
        """A row of what `search_traces` returns as a data frame, by column."""
        return {
            "trace_id": self.info.trace_id,
            "trace": self.to_json(),
            "client_request_id": self.info.client_request_id,
            "state": self.info.state,
            "request_time": self.info.request_time,
            "execution_duration": self.info.execution_duration,
            "request": _decoded(self.data.request),
            "response": _decoded(self.data.response),
            "trace_metadata": self.info.trace_metadata,
            "tags": self.info.tags,
            "spans": [span.to_dict() for span in self.data.spans],
            "assessments": [a.to_dictionary() for a in self.info.assessments],
        }

    @staticmethod
    def pandas_dataframe_columns() -> list[str]:
        """The columns of that data frame, in order."""
        return list(_COLUMNS)

    def search_spans(
        self,
        span_type: SpanType | None = None,
        name: str | re.Pattern | None = None,
        span_id: str | None = None,
    ) -> list[Span]:
        """The spans that are as said; what is None does not matter.

        Args:
            span_type: Such as `SpanType.LLM`.
            name: The name, or a regular expression that is found anywhere in it.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE for a name or a type of another kind.
        """
        if span_type is not None and not isinstance(span_type, str):
            raise MlflowException.invalid_parameter_value(
                "Invalid type for 'span_type'. Expected str or mlflow.entities.SpanType. "
                f"Got: {type(span_type)}"
            )
        if name is not None and not isinstance(name, (str, re.Pattern)):
            raise MlflowException.invalid_parameter_value(
                f"Invalid type for 'name'. Expected str or re.Pattern. Got: {type(name)}"
            )

        def fits(span: Span) -> bool:
            if span_type is not None and span.span_type != span_type:
                return False
            if isinstance(name, str) and span.name != name:
                return False
            if isinstance(name, re.Pattern) and not name.search(span.name):
                return False
            return span_id is None or span.span_id == span_id

        return [span for span in self.data.spans if fits(span)]

    def search_assessments(
        self,
        name: str | None = None,
        *,
        span_id: str | None = None,
        all: bool = False,
        type: Literal["expectation", "feedback"] | None = None,
    ) -> list[Assessment]:
        """The assessments that are as said; what is None does not matter.

        Args:
            all: Also those that others have replaced.
            type: `expectation` or `feedback`.
        """

        def fits(assessment: Assessment) -> bool:
            if not all and assessment.valid is False:
                return False
            if name is not None and assessment.name != name:
                return False
            if span_id is not None and assessment.span_id != span_id:
                return False
            if type in ("expectation", "feedback"):
                return getattr(assessment, type) is not None
            return True

        return [assessment for assessment in self.info.assessments if fits(assessment)]


_COLUMNS = (
    "trace_id",
    "trace",
    "client_request_id",
    "state",
    "request_time",
    "execution_duration",
    "request",
    "response",
    "trace_metadata",
    "tags",
    "spans",
    "assessments",
)


def _decoded(text: str | None) -> Any:
    """What JSON text says; the text itself if it is no JSON."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text
