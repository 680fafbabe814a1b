"""What every store of traces refuses, and in which words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlflow.entities import Span, TraceInfo
from mlflow.entities._proto_json import TIMES
from mlflow.entities.trace_info import experiment_of
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.base.prices import add_costs
from mlflow.store.tracking.base.trace_rules import MAX_METADATA_VALUE
from mlflow.utils.validation import _validate_length_limit, _validate_tag_name


def check_what_to_delete(
    max_timestamp_millis: int | None, max_traces: int | None, trace_ids: list[str] | None
) -> None:
    """Refuse arguments of `delete_traces` that do not say what to delete.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE for both or none of time and ids, for a number of
            traces with ids, and for one that is not positive.
    """
    # A time of 0 was given, too.
    if max_timestamp_millis is None and not trace_ids:
        raise MlflowException.invalid_parameter_value(
            "Either `max_timestamp_millis` or `trace_ids` must be specified."
        )
    if max_timestamp_millis is not None and trace_ids:
        raise MlflowException.invalid_parameter_value(
            "Only one of `max_timestamp_millis` and `trace_ids` can be specified."
        )
    if trace_ids and max_traces is not None:
        raise MlflowException.invalid_parameter_value(
            "`max_traces` can't be specified if `trace_ids` is specified."
        )
    if max_traces is not None and max_traces <= 0:
        raise MlflowException.invalid_parameter_value(
            f"`max_traces` must be a positive integer, received {max_traces}."
        )


#: Longer keys and values are cut.
MAX_KEY = 250
MAX_TAG_VALUE = 4096
_MAX_ID = 250
_INT64 = range(-(1 << 63), 1 << 63)


def no_trace(trace_id: str) -> MlflowException:
    return MlflowException(
        f"Trace with ID '{trace_id}' not found.", error_code=CODES["RESOURCE_DOES_NOT_EXIST"]
    )


def no_trace_tag(trace_id: str, key: str) -> MlflowException:
    return MlflowException(
        f"No trace tag with key '{key}' for trace with ID '{trace_id}'",
        error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
    )


def no_spans(trace_id: str) -> MlflowException:
    """The error for a trace of which only the info has come."""
    from mlflow.exceptions import MlflowTracingException

    return MlflowTracingException("Trace data not stored in tracking store")


def no_trace_of_assessment(trace_id: str) -> MlflowException:
    return MlflowException(
        f"Trace with request_id '{trace_id}' not found",
        error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
    )


def no_assessment(trace_id: str, assessment_id: str) -> MlflowException:
    return MlflowException(
        f"Assessment with ID '{assessment_id}' not found for trace '{trace_id}'",
        error_code=CODES["RESOURCE_DOES_NOT_EXIST"],
    )


def check_links(trace_ids: list[str]) -> None:
    """Refuse to link too many traces at once."""
    if len(trace_ids) > 100:
        raise MlflowException.invalid_parameter_value(
            "Cannot link more than 100 traces to a run in a single request. "
            f"Provided {len(trace_ids)} traces."
        )


def check_trace_info(info: TraceInfo) -> str:
    """Refuse what no store can keep; the id of the experiment.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if it is not located in an experiment, or has no
            id, or one or a time that is too long.
    """
    experiment = experiment_of(info.trace_location)
    if experiment is None:
        raise MlflowException.invalid_parameter_value(
            f"Trace location {info.trace_location.type}; traces are kept in experiments "
            "(MLFLOW_EXPERIMENT) only."
        )
    check_trace_id(info.trace_id)
    check_times(info.trace_id, info.request_time, info.execution_duration)
    if info.client_request_id is not None and len(info.client_request_id) > _MAX_ID:
        raise MlflowException.invalid_parameter_value(
            f"'client_request_id' exceeds the maximum length of {_MAX_ID} characters"
        )
    return experiment


def check_times(trace_id: str, request_time: int, duration: int | None) -> None:
    """Refuse times, in milliseconds, that cannot be kept or not be said in answers."""
    if not _is_integer(request_time) or request_time not in TIMES:
        raise MlflowException.invalid_parameter_value(
            f"Invalid value {request_time!r} for 'request_time' of trace '{trace_id}'. "
            "Milliseconds since 1970 are needed, of the years 1 to 9999."
        )
    if duration is not None and (not _is_integer(duration) or duration not in _INT64):
        raise MlflowException.invalid_parameter_value(
            f"Invalid value {duration!r} for 'execution_duration' of trace '{trace_id}'. "
            "Milliseconds as a 64-bit integer are needed."
        )


def _is_integer(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)


def check_trace_id(trace_id: str) -> None:
    """Refuse what is no id of a trace."""
    if not isinstance(trace_id, str) or not 0 < len(trace_id) <= _MAX_ID:
        raise MlflowException.invalid_parameter_value(
            f"Invalid trace ID {str(trace_id)[:100]!r}. A text of 1 to {_MAX_ID} characters is "
            "needed."
        )


def check_spans(spans: Sequence[Span]) -> dict[str, list[dict[str, Any]]]:
    """The records of spans by the trace they belong to, with what their calls cost.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if a span has no id, name or times that can be
            kept.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for span in spans:
        trace_id, record = span.trace_id, span.to_dict()
        check_trace_id(trace_id)
        start, end = record["start_time_unix_nano"], record.get("end_time_unix_nano")
        events = [event["time_unix_nano"] for event in record.get("events") or ()]
        for time in (start, 0 if end is None else end, *events):
            if not _is_integer(time) or time not in _INT64:
                raise MlflowException.invalid_parameter_value(
                    f"Invalid time {time!r} of span '{record.get('name')}' of trace "
                    f"'{trace_id}'. Nanoseconds as a 64-bit integer are needed."
                )
        found.setdefault(trace_id, []).append(record)
    for records in found.values():
        add_costs(records)
    return found


def kept_tags(tags: Mapping[str, Any]) -> dict[str, str]:
    """Tags as they are kept: keys and values cut to their lengths, values as text."""
    return _cut(tags, MAX_TAG_VALUE)


def kept_metadata(metadata: Mapping[str, Any]) -> dict[str, str]:
    """The same of metadata."""
    return _cut(metadata, MAX_METADATA_VALUE)


def _cut(pairs: Mapping[str, Any], longest: int) -> dict[str, str]:
    return {str(key)[:MAX_KEY]: str(value)[:longest] for key, value in pairs.items()}


def check_trace_tag(key: Any, value: Any) -> str:
    """The value as it is kept.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE for a key that is none or too long.
    """
    _validate_tag_name(key)
    _validate_length_limit("key", MAX_KEY, key)
    return str(value)[:MAX_TAG_VALUE]


def experiments_to_search(
    experiment_ids: list[str] | None, locations: list[str] | None
) -> list[str] | None:
    """The experiments that a search is about; None for all.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if they are given twice.
    """
    if experiment_ids and locations:
        raise MlflowException.invalid_parameter_value(
            "`experiment_ids` is deprecated, use `locations` instead."
        )
    return list(locations or experiment_ids or ()) or None
