"""Stores of experiments, runs and what they logged."""

from __future__ import annotations

from mlflow.utils.validation import (
    GET_METRIC_HISTORY_MAX_RESULTS,
    SEARCH_MAX_RESULTS_DEFAULT,
    SEARCH_MAX_RESULTS_THRESHOLD,
)

__all__ = [
    "DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH",
    "GET_METRIC_HISTORY_MAX_RESULTS",
    "SEARCH_MAX_RESULTS_DEFAULT",
    "SEARCH_MAX_RESULTS_THRESHOLD",
]

DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH = "./mlruns"
