"""Settings of moving old traces to an archive, which Headrace does not do yet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlflow._later import NotAvailableYet
from mlflow.environment_variables import MLFLOW_TRACE_ARCHIVAL_CONFIG


@dataclass(frozen=True)
class TraceArchivalServerConfig:
    """Which traces a server moves, where to, and when."""

    enabled: bool
    location: str
    """URI below which archives are."""
    retention: str
    """How long traces stay, such as `30d`."""
    long_retention_allowlist: tuple[str, ...] = ()
    """Experiments that may keep theirs for longer."""
    interval_seconds: int = 300
    max_traces_per_pass: int | None = None


def get_trace_archival_server_config() -> TraceArchivalServerConfig | None:
    """None, for no archive.

    Raises:
        MlflowException: NOT_IMPLEMENTED if MLFLOW_TRACE_ARCHIVAL_CONFIG asks for one.
    """
    if MLFLOW_TRACE_ARCHIVAL_CONFIG.get():
        raise NotAvailableYet("MLFLOW_TRACE_ARCHIVAL_CONFIG")
    return None


def load_trace_archival_server_config(config_path: str | Path) -> TraceArchivalServerConfig:
    """Not available yet: raises MlflowException NOT_IMPLEMENTED."""
    raise NotAvailableYet("load_trace_archival_server_config")
