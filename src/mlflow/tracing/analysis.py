"""What comparing traces comes to."""

from __future__ import annotations

from mlflow.store.tracking.base.correlation import TraceFilterCorrelationResult

__all__ = ["TraceFilterCorrelationResult"]
