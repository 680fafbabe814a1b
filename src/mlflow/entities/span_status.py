from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from mlflow.exceptions import MlflowException


class SpanStatusCode(str, Enum):
    """Whether what a span stands for went well."""

    UNSET = "UNSET"
    OK = "OK"
    ERROR = "ERROR"

    def to_otel_proto_status_code_name(self) -> str:
        """Its name in the OpenTelemetry protocol, such as `STATUS_CODE_OK`."""
        return f"STATUS_CODE_{self.value}"

    @staticmethod
    def from_otel_proto_status_code_name(status_code_name: str) -> SpanStatusCode:
        """The code with this name in the OpenTelemetry protocol.

        Raises:
            MlflowException: INVALID_PARAMETER_VALUE if there is none.
        """
        for code in SpanStatusCode:
            if code.to_otel_proto_status_code_name() == status_code_name:
                return code
        valid = ", ".join(code.to_otel_proto_status_code_name() for code in SpanStatusCode)
        raise MlflowException.invalid_parameter_value(
            f"Invalid status code name: {status_code_name}. Valid values are: {valid}"
        )


@dataclass
class SpanStatus:
    """How a span ended."""

    status_code: SpanStatusCode
    """Or its name."""
    description: str = ""
    """What went wrong."""

    def __post_init__(self) -> None:
        try:
            self.status_code = SpanStatusCode(self.status_code)
        except ValueError:
            raise MlflowException.invalid_parameter_value(
                f"{self.status_code} is not a valid SpanStatusCode value. "
                f"Please use one of {[code.value for code in SpanStatusCode]}"
            ) from None

    def to_otel_status(self) -> Any:
        """The same as an OpenTelemetry `Status`, which keeps descriptions of errors only."""
        from opentelemetry.trace import Status, StatusCode

        error = self.status_code is SpanStatusCode.ERROR
        return Status(StatusCode[self.status_code.name], self.description if error else None)

    @classmethod
    def from_otel_status(cls, otel_status: Any) -> SpanStatus:
        """Of an OpenTelemetry `Status`."""
        return cls(SpanStatusCode(otel_status.status_code.name), otel_status.description or "")

    def to_otel_proto_status(self) -> Any:
        """The same as a message of the OpenTelemetry protocol."""
        from opentelemetry.proto.trace.v1.trace_pb2 import Status

        name = self.status_code.to_otel_proto_status_code_name()
        return Status(code=Status.StatusCode.Value(name), message=self.description)

    @classmethod
    def from_otel_proto_status(cls, otel_proto_status: Any) -> SpanStatus:
        """Of a message of the OpenTelemetry protocol."""
        codes = list(SpanStatusCode)
        code = codes[otel_proto_status.code] if otel_proto_status.code < 3 else codes[0]
        return cls(code, otel_proto_status.message or "")
