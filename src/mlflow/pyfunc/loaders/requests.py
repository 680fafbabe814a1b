"""The request that a chat model or agent was given, whatever form it came in."""

from __future__ import annotations

import logging
from typing import Any

from mlflow.exceptions import MlflowException

_logger = logging.getLogger("mlflow.pyfunc")


def as_request(data: Any) -> dict[str, Any]:
    """The one request as a dictionary.

    Schemas turn it into a table of one row, in which what was not given is missing.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if there is none.
    """
    if isinstance(data, dict):
        return {name: _plain(value) for name, value in data.items() if value is not None}
    if hasattr(data, "model_dump"):
        return data.model_dump(exclude_none=True)
    if hasattr(data, "to_dict") and hasattr(data, "columns"):
        rows = data.to_dict(orient="records")
    else:
        rows = data if isinstance(data, list) else None
    if not rows or not isinstance(rows[0], dict):
        raise MlflowException.invalid_parameter_value(
            "Expected one request: a dictionary, or a table of one row. "
            f"Got {type(data).__name__}: {data!r}"
        )
    if len(rows) > 1:
        _logger.warning("Of %d requests only the first is answered: ask one by one.", len(rows))
    return {k: v for k, value in rows[0].items() if not _is_missing(v := _plain(value))}


def _plain(value: Any) -> Any:
    """Without the scalars and arrays of numpy, which no request has."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        return value.tolist()
    return value


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def checked(answer: Any, form: type) -> dict[str, Any]:
    """An answer as a dictionary, after checking that it has the form.

    Args:
        form: A pydantic model.

    Raises:
        MlflowException: INTERNAL_ERROR if it does not.
    """
    if hasattr(answer, "model_dump"):
        return answer.model_dump(exclude_none=True)
    if not isinstance(answer, dict):
        raise MlflowException(
            f"The model must give a {form.__name__} or a dictionary with its fields, "
            f"got {type(answer).__name__}"
        )
    try:
        form(**answer)
    except ValueError as error:
        raise MlflowException(
            f"The model must give a {form.__name__} or a dictionary with its fields. {error}"
        ) from error
    return answer
