"""Moving old traces to an archive: not available yet."""

from __future__ import annotations

from mlflow._later import NotAvailableYet


def run_trace_archival_scheduler() -> int:
    """Not available yet: raises MlflowException NOT_IMPLEMENTED."""
    raise NotAvailableYet("run_trace_archival_scheduler")
