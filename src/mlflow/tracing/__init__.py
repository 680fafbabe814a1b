"""Tracing: what programs do, as trees of spans."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mlflow.tracing.context import context  # at once, since its module has the same name

if TYPE_CHECKING:
    from mlflow.tracing.config import configure
    from mlflow.tracing.databricks import set_databricks_monitoring_sql_warehouse_id
    from mlflow.tracing.display import disable_notebook_display, enable_notebook_display
    from mlflow.tracing.distributed import (
        get_tracing_context_headers_for_http_request,
        set_tracing_context_from_http_request_headers,
    )
    from mlflow.tracing.enablement import (
        set_experiment_trace_location,
        unset_experiment_trace_location,
    )
    from mlflow.tracing.provider import (
        disable,
        enable,
        get_bridged_tracer_provider,
        reset,
        set_destination,
    )
    from mlflow.tracing.utils import set_span_chat_tools

__all__ = [
    "configure",
    "context",
    "disable",
    "disable_notebook_display",
    "enable",
    "enable_notebook_display",
    "get_bridged_tracer_provider",
    "get_tracing_context_headers_for_http_request",
    "reset",
    "set_databricks_monitoring_sql_warehouse_id",
    "set_destination",
    "set_experiment_trace_location",
    "set_span_chat_tools",
    "set_tracing_context_from_http_request_headers",
    "unset_experiment_trace_location",
]

_PLACES = {
    "config": ("configure",),
    "databricks": ("set_databricks_monitoring_sql_warehouse_id",),
    "display": ("disable_notebook_display", "enable_notebook_display"),
    "distributed": (
        "get_tracing_context_headers_for_http_request",
        "set_tracing_context_from_http_request_headers",
    ),
    "enablement": ("set_experiment_trace_location", "unset_experiment_trace_location"),
    "provider": ("disable", "enable", "get_bridged_tracer_provider", "reset", "set_destination"),
    "utils": ("set_span_chat_tools",),
}
_PLACE_OF = {name: place for place, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    # Found when asked for: `mlflow.trace` is decorated long before the first span begins.
    if name in _PLACE_OF:
        return getattr(import_module(f"{__name__}.{_PLACE_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
