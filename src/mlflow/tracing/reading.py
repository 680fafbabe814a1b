"""Traces that have ended: found, read and tagged."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any, Literal

from mlflow.exceptions import MlflowException, MlflowNotImplementedException
from mlflow.tracing.client import TracingClient, _locations
from mlflow.tracing.constant import TraceMetadataKey
from mlflow.utils import get_results_from_paginated_fn
from mlflow.utils.optional import require

if TYPE_CHECKING:
    import pandas

    from mlflow.entities.session import Session
    from mlflow.entities.trace import Trace

_logger = logging.getLogger(__name__)

#: Most traces that are found where nobody says how many.
SEARCH_TRACES_MAX_RESULTS = 100
_PAGE = 500


def get_trace(trace_id: str, silent: bool = False, flush: bool = False) -> Trace | None:
    """A trace with its spans; None if there is none.

    Args:
        silent: Without a warning.
        flush: First wait until everything that this process logged is stored. Without it, only a
            trace that is not found is waited for.
    """
    client = TracingClient()
    if flush:
        client.flush()
    try:
        return client.get_trace(trace_id)
    except MlflowException as error:
        if not silent:
            _logger.warning(
                "Failed to get trace from the tracking store: %s", error.message.rstrip(".") + "."
            )
        return None


def search_traces(
    experiment_ids: list[str] | None = None,
    filter_string: str | None = None,
    max_results: int | None = None,
    order_by: list[str] | None = None,
    extract_fields: list[str] | None = None,
    run_id: str | None = None,
    return_type: Literal["pandas", "list"] | None = None,
    model_id: str | None = None,
    sql_warehouse_id: str | None = None,
    include_spans: bool = True,
    locations: list[str] | None = None,
    flush: bool = False,
) -> pandas.DataFrame | list[Trace]:
    """The traces that match, newest first unless `order_by` says otherwise.

    Args:
        experiment_ids: The old name of `locations`.
        filter_string: Such as `trace.status = 'ERROR' AND tags.env = 'test'`.
        max_results: None for 100.
        extract_fields: Columns to add to a data frame: `span.inputs`, `span.outputs.key`, … of
            the span with that name; deprecated.
        run_id: Only traces of this run.
        return_type: `pandas` or `list`; None for a data frame if pandas is there.
        model_id: Only traces of this logged model.
        sql_warehouse_id: Must be None: warehouses belong to Databricks.
        include_spans: Without them it is quicker.
        locations: Ids of experiments; None for the active one.
        flush: First wait until everything that this process logged is stored.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if a parameter is not valid;
            RESOURCE_DOES_NOT_EXIST if there is no such run.
    """
    if sql_warehouse_id is not None:
        raise MlflowNotImplementedException(
            "sql_warehouse_id: warehouses belong to Databricks, which Headrace does not talk to."
        )
    if return_type is None:
        return_type = "pandas" if _has_pandas() else "list"
    if return_type not in ("pandas", "list"):
        raise MlflowException.invalid_parameter_value(
            f"Invalid return type: {return_type}. Return type must be either 'pandas' or 'list'."
        )
    if extract_fields and return_type == "list":
        raise MlflowException.invalid_parameter_value(
            "`extract_fields` adds columns to a data frame; `return_type` must be 'pandas'."
        )
    fields = _parsed_fields(extract_fields or [])
    if experiment_ids is not None:
        warnings.warn(
            "Parameter 'experiment_ids' is deprecated. Please use 'locations' instead.",
            FutureWarning,
            stacklevel=2,
        )
    given = _locations(locations, experiment_ids)
    traces = _found(
        given if locations is not None or experiment_ids is not None else _active_experiment(),
        max_results if max_results is not None else SEARCH_TRACES_MAX_RESULTS,
        flush,
        filter_string=filter_string,
        order_by=order_by,
        run_id=run_id,
        model_id=model_id,
        include_spans=include_spans,
    )
    return traces if return_type == "list" else _frame(traces, fields)


def _found(where: list[str], max_results: int, flush: bool, **query: Any) -> list[Trace]:
    client = TracingClient()
    if flush:
        client.flush()
    run_id = query.get("run_id")
    if run_id is not None:
        client.store.get_run(run_id)
    if not where:
        return []
    return get_results_from_paginated_fn(
        lambda size, token: client.search_traces(
            locations=where, max_results=size, page_token=token, **query
        ),
        max_results_per_page=_PAGE,
        max_results=max_results,
    )


def _active_experiment() -> list[str]:
    from mlflow.tracking.fluent import _get_experiment_id

    return [_get_experiment_id()]


def _has_pandas() -> bool:
    from importlib.util import find_spec

    return find_spec("pandas") is not None


# -- data frames ----------------------------------------------------------------------------


def _parsed_fields(fields: list[str]) -> list[tuple[str, str, str, str | None]]:
    """(column, name of the span, `inputs` or `outputs`, key) of each field."""
    parsed = []
    for field in fields:
        parts = _split(field)
        place = next((n for n in range(1, len(parts)) if parts[n] in ("inputs", "outputs")), None)
        if place is None:
            kind = parts[1] if len(parts) > 1 else ""
            raise MlflowException.invalid_parameter_value(
                f"Invalid field type: '{kind}'. Expected 'inputs' or 'outputs'."
                if kind
                else f"Field '{field}' must look like `span.inputs` or `span.outputs.key`."
            )
        key = ".".join(parts[place + 1 :]) or None
        parsed.append((field, ".".join(parts[:place]), parts[place], key))
    return parsed


def _split(field: str) -> list[str]:
    """At the dots, but not inside of backticks."""
    import re

    return [part.strip("`") for part in re.findall(r"`[^`]*`|[^.]+", field)]


def _frame(traces: list[Trace], fields: list[tuple[str, str, str, str | None]]) -> Any:
    from mlflow.entities.trace import Trace

    pandas = require("pandas", extra="pandas")
    rows = [trace.to_pandas_dataframe_row() for trace in traces]
    frame = pandas.DataFrame.from_records(rows, columns=Trace.pandas_dataframe_columns())
    for column, span_name, part, key in fields:
        frame[column] = [_extracted(trace, span_name, part, key) for trace in traces]
    return frame


def _extracted(trace: Trace, span_name: str, part: str, key: str | None) -> Any:
    for span in trace.data.spans:
        if span.name == span_name:
            value = getattr(span, part)
            if key is None:
                return value
            if isinstance(value, dict) and key in value:
                return value[key]
    return None


# -- sessions -------------------------------------------------------------------------------


def search_sessions(
    max_results: int = 100,
    run_id: str | None = None,
    model_id: str | None = None,
    include_spans: bool = True,
    locations: list[str] | None = None,
) -> list[Session]:
    """Conversations: the traces of each session, oldest first; the session with the newest trace
    comes first.

    Args:
        max_results: Sessions at most.
        locations: Ids of experiments; None for the active one.
    """
    from mlflow.entities.session import Session

    client = TracingClient()
    where = _locations(locations, None) if locations is not None else _active_experiment()
    traces: dict[str, list[Trace]] = {}
    token: str | None = None
    while where:
        # All traces, since those of one session may lie apart
        page = client.search_traces(
            locations=where,
            max_results=_PAGE,
            page_token=token,
            run_id=run_id,
            model_id=model_id,
            include_spans=False,
        )
        for trace in page:
            session = trace.info.trace_metadata.get(TraceMetadataKey.TRACE_SESSION)
            if session is not None and (session in traces or len(traces) < max_results):
                traces.setdefault(session, []).append(trace)
        token = page.token
        if not token:
            break
    if include_spans:
        traces = {key: client._with_spans([t.info for t in of]) for key, of in traces.items()}
    return [Session(sorted(of, key=lambda t: t.info.request_time)) for of in traces.values()]


# -- tags -----------------------------------------------------------------------------------


def set_trace_tag(trace_id: str, key: str, value: str) -> None:
    """Set a tag of a trace, also of one that has not ended."""
    TracingClient().set_trace_tag(trace_id, key, value)


def delete_trace_tag(trace_id: str, key: str) -> None:
    """Remove a tag; MlflowException RESOURCE_DOES_NOT_EXIST if it is not set."""
    TracingClient().delete_trace_tag(trace_id, key)
