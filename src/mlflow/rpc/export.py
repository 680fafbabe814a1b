"""Requests for tables of any length, which are answered piece by piece."""

from __future__ import annotations

from mlflow.rpc.declare import Rpc, rpc
from mlflow.rpc.nouns import ViewTypeName


class Export(Rpc, kw_only=True):
    """What both kinds of tables have in common: which runs, and how."""

    experiment_ids: list[str] = []
    """Runs of these experiments; absent for those of all experiments, unless there are run_ids."""
    filter: str | None = None
    """As runs are searched."""
    run_view_type: ViewTypeName | None = None
    """Absent for ACTIVE_ONLY."""
    run_ids: list[str] = []
    """Runs, besides those that are searched."""
    format: str | None = None
    """csv, jsonl, arrow or parquet; absent for what the Accept header prefers, or else CSV."""
    verbatim: bool | None = None
    """In CSV, leave texts as they are that a spreadsheet would take for formulas. Else they get an
    apostrophe in front."""


@rpc("GET", "/mlflow/runs/export", needs=("experiment", "read"), version="3.0", stream=True)
class ExportRuns(Export, kw_only=True):
    """Runs as a table, a row each: what they are, then metrics.*, params.* and tags.*."""


@rpc("GET", "/mlflow/metrics/export", needs=("run", "read"), version="3.0", stream=True)
class ExportMetrics(Export, kw_only=True):
    """The points of metrics as a table, a row each: run_id, key, step, timestamp and value."""

    metric_keys: list[str] = []
    """Absent for all metrics."""


def streams() -> list[type[Rpc]]:
    """Every request whose answer is a stream."""
    from mlflow.rpc.declare import STREAMS

    return list(STREAMS)
