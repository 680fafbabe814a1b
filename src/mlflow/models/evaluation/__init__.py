"""Evaluating models: not available yet."""

from __future__ import annotations

from typing import Any

_LATER = {
    "EvaluationArtifact",
    "EvaluationMetric",
    "EvaluationResult",
    "MetricThreshold",
    "ModelEvaluator",
    "evaluate",
    "list_evaluators",
    "make_metric",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        from mlflow._later import NotAvailableYet

        raise NotAvailableYet(f"mlflow.models.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
