"""Errors that callers may catch.

MlflowException
├── RestException                  an error that a server answered
├── ExecutionException             a project run failed
├── MissingConfigException         an expected configuration file is absent
├── InvalidUrlException            a URL could not be used
├── MlflowNotImplementedException  the operation does not exist (yet)
└── MlflowTracingException
    ├── MlflowTraceArchivalMalformedTrace
    └── MlflowTraceDataException
        ├── MlflowTraceDataNotFound
        └── MlflowTraceDataCorrupted

Each carries a code; `mlflow.error_codes` has the table of codes and HTTP statuses. One place in the
server turns an error into JSON (`server/errors.py`) and one in the client turns it back
(`rpc/transport.py`).
"""

from __future__ import annotations

import json
from typing import Any

from mlflow.error_codes import (
    CLASS,
    CLASS_FROM_ANSWER,
    CODE_OF_STATUS,
    CODES,
    HTTP_STATUS,
)

ERROR_CODE_TO_HTTP_STATUS = HTTP_STATUS
HTTP_STATUS_TO_ERROR_CODE = CODE_OF_STATUS

_NAMES = {number: name for name, number in CODES.items()}
_INTERNAL_ERROR = CODES["INTERNAL_ERROR"]


def get_error_code(http_status: int) -> int:
    """The number of the code that `http_status` stands for; INTERNAL_ERROR when none does."""
    return CODES[CODE_OF_STATUS.get(http_status, "INTERNAL_ERROR")]


class MlflowException(Exception):
    """An operation failed.

    Args:
        message: What was wrong, with the value, and what would be right.
        error_code: Number of a code. Its name is kept in `.error_code`; an unknown one
            counts as INTERNAL_ERROR.
        sqlstate: Five characters that classify the error; None for the code's own.
        error_class: Name of the class of errors; None for the code's own.
        kwargs: Further fields of the JSON form.
    """

    def __init__(
        self,
        message: str,
        error_code: int = _INTERNAL_ERROR,
        sqlstate: str | None = None,
        error_class: str | None = None,
        **kwargs: Any,
    ):
        self.error_code = _NAMES.get(error_code, "INTERNAL_ERROR")
        own_state, own_class = CLASS.get(self.error_code, (None, None))
        self.sqlstate = sqlstate or own_state
        self.error_class = error_class or own_class
        message = str(message)
        self.message = message
        self.json_kwargs = kwargs
        super().__init__(message)

    def serialize_as_json(self) -> str:
        """The error as a JSON object: code, message, classes, then the extra fields."""
        body = {"error_code": self.error_code, "message": self.message}
        if self.sqlstate:
            body["sqlstate"] = self.sqlstate
        if self.error_class:
            body["error_class"] = self.error_class
        return json.dumps({**body, **self.json_kwargs})

    def get_http_status_code(self) -> int:
        """The HTTP status of this error's code."""
        return HTTP_STATUS.get(self.error_code, 500)

    @classmethod
    def invalid_parameter_value(
        cls,
        message: str,
        sqlstate: str | None = None,
        error_class: str | None = None,
        **kwargs: Any,
    ) -> MlflowException:
        """An error with the code INVALID_PARAMETER_VALUE."""
        return cls(
            message,
            error_code=CODES["INVALID_PARAMETER_VALUE"],
            sqlstate=sqlstate,
            error_class=error_class,
            **kwargs,
        )


class RestException(MlflowException):
    """An error that a server answered; `.json` is its whole body."""

    def __init__(self, json: dict[str, Any]):
        self.json = json
        code = json.get("error_code", "INTERNAL_ERROR")
        message = f"{code}: {json.get('message', 'Response: ' + str(json))}"
        if str(code).isdigit():  # some gateways answer an HTTP status where a code belongs
            code = CODE_OF_STATUS.get(int(code), "INTERNAL_ERROR")
        state, error_class = CLASS_FROM_ANSWER.get(code, (None, None))
        super().__init__(
            message,
            error_code=CODES.get(code, _INTERNAL_ERROR),
            sqlstate=json.get("sqlstate") if state is None else state,
            error_class=json.get("error_class") if error_class is None else error_class,
        )

    def __reduce__(self) -> tuple[type, tuple]:
        return RestException, (self.json,)


class ExecutionException(MlflowException):
    """A project run failed."""


class MissingConfigException(MlflowException):
    """An expected configuration file is absent."""


class InvalidUrlException(MlflowException):
    """A URL could not be used."""


class MlflowNotImplementedException(MlflowException):
    """The operation does not exist, or does not exist yet."""

    def __init__(self, message: str = ""):
        super().__init__(message, error_code=CODES["NOT_IMPLEMENTED"])


class MlflowTracingException(MlflowException):
    """Something about traces went wrong; never raised into traced code."""

    def __init__(self, message: str, error_code: int = _INTERNAL_ERROR):
        super().__init__(message, error_code=error_code)


class MlflowTraceArchivalMalformedTrace(MlflowTracingException):
    """A trace cannot be archived because its stored form is not valid."""

    def __init__(self, message: str):
        super().__init__(message, error_code=CODES["INVALID_PARAMETER_VALUE"])


class MlflowTraceDataException(MlflowTracingException):
    """The spans of a trace could not be read."""

    def __init__(
        self, error_code: str, request_id: str | None = None, artifact_path: str | None = None
    ):
        self.ctx = f"request_id={request_id}" if request_id else f"path={artifact_path}"
        what = "not found" if error_code == "NOT_FOUND" else "is corrupted"
        super().__init__(f"Trace data {what} for {self.ctx}", error_code=CODES[error_code])


class MlflowTraceDataNotFound(MlflowTraceDataException):
    """The spans of a trace are not stored."""

    def __init__(self, request_id: str | None = None, artifact_path: str | None = None):
        super().__init__("NOT_FOUND", request_id, artifact_path)


class MlflowTraceDataCorrupted(MlflowTraceDataException):
    """The stored spans of a trace are damaged."""

    def __init__(self, request_id: str | None = None, artifact_path: str | None = None):
        super().__init__("INVALID_STATE", request_id, artifact_path)
